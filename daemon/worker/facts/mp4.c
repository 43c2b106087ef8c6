/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AAC-LC and ALAC in MP4 (ISO/IEC 14496-12, -14): one sound track whose sample
 * table and edit list say how long it is. */
#include "facts.h"
#include "ilst.h"
#include "mp4-table.h"

#include <gst/tag/tag.h>

#include <string.h>

#define MAX_MOOV_BYTES  (32 * 1024 * 1024)
#define AAC_SBR_RATE    24000 /* up to here a core may have a hidden extension */
#define BOX(a, b, c, d) GST_MAKE_FOURCC (d, c, b, a)

typedef struct
{
  guint32 movie_scale, scale, handler;
  guint64 total, last_chunk;
  gboolean has_edit, is_odd;
  guint64 edit_start, edit_units; /* in scale, in movie_scale */
  SyrinxSpan table;               /* stbl */
} Track;

gboolean
syrinx_box_next (SyrinxSpan *in, guint32 *type, SyrinxSpan *body)
{
  guint32 n;

  if (in->n_bytes < 8)
    return FALSE;
  n = GST_READ_UINT32_BE (in->data);
  if (n < 8 || n > in->n_bytes)
    return FALSE;
  *type = GST_READ_UINT32_BE (in->data + 4);
  body->data = in->data + 8;
  body->n_bytes = n - 8;
  in->data += n;
  in->n_bytes -= n;
  return TRUE;
}

gboolean
syrinx_box_find (SyrinxSpan in, guint32 wanted, SyrinxSpan *body)
{
  guint32 type;

  while (syrinx_box_next (&in, &type, body))
    if (type == wanted)
      return TRUE;
  return FALSE;
}

/* The box in the box in the box; @path ends with 0. */
static gboolean
find_path (SyrinxSpan in, const guint32 *path, SyrinxSpan *body)
{
  for (*body = in; *path; path++)
    if (!syrinx_box_find (*body, *path, body))
      return FALSE;
  return TRUE;
}

/* --- Tables --- */

/* mvhd and mdhd: version, flags, two times of 32 or 64 bits, the scale. */
static guint32
read_scale (SyrinxSpan box)
{
  gsize at = box.n_bytes && box.data[0] == 1 ? 20 : 12;

  return box.n_bytes >= at + 4 ? GST_READ_UINT32_BE (box.data + at) : 0;
}

static gboolean
read_times (SyrinxSpan box, Track *track)
{
  guint32 n = box.n_bytes >= 8 ? GST_READ_UINT32_BE (box.data + 4) : 0;

  if (n == 0 || n > (box.n_bytes - 8) / 8)
    return FALSE;
  for (guint32 i = 0; i < n; i++) {
    const guint8 *p = box.data + 8 + 8 * (gsize)i;
    track->total
        += (guint64)GST_READ_UINT32_BE (p) * GST_READ_UINT32_BE (p + 4);
  }
  return TRUE;
}

static gboolean
read_edits (SyrinxSpan trak, Track *track)
{
  static const guint32 path[]
      = { BOX ('e', 'd', 't', 's'), BOX ('e', 'l', 's', 't'), 0 };
  SyrinxSpan box;
  gboolean wide;

  if (!find_path (trak, path, &box))
    return TRUE;
  wide = box.n_bytes > 8 && box.data[0] == 1;
  if (box.n_bytes < (wide ? 28 : 20) || GST_READ_UINT32_BE (box.data + 4) != 1)
    return FALSE;
  track->has_edit = TRUE;
  track->edit_units = wide ? GST_READ_UINT64_BE (box.data + 8)
                           : GST_READ_UINT32_BE (box.data + 8);
  track->edit_start = wide ? GST_READ_UINT64_BE (box.data + 16)
                           : GST_READ_UINT32_BE (box.data + 12);
  return track->edit_start < track->total
         && GST_READ_UINT32_BE (box.data + (wide ? 24 : 16)) == 0x10000;
}

static gboolean
read_chunks (SyrinxSpan table, Track *track)
{
  SyrinxSpan box;
  gboolean wide = FALSE;
  guint32 n;

  if (!syrinx_box_find (table, BOX ('s', 't', 'c', 'o'), &box)) {
    wide = TRUE;
    if (!syrinx_box_find (table, BOX ('c', 'o', '6', '4'), &box))
      return FALSE;
  }
  n = box.n_bytes >= 8 ? GST_READ_UINT32_BE (box.data + 4) : 0;
  if (n == 0 || n > (box.n_bytes - 8) / (wide ? 8 : 4))
    return FALSE;
  for (guint32 i = 0; i < n; i++) {
    const guint8 *p = box.data + 8 + (gsize)i * (wide ? 8 : 4);
    guint64 at = wide ? GST_READ_UINT64_BE (p) : GST_READ_UINT32_BE (p);
    track->last_chunk = MAX (track->last_chunk, at);
  }
  return TRUE;
}

/* --- The format --- */

/* A descriptor's tag and its length in up to four bytes. */
static gboolean
enter_descriptor (SyrinxSpan *span, guint tag, gsize skip)
{
  gsize i = 1;

  if (span->n_bytes < 2 || span->data[0] != tag)
    return FALSE;
  while (i < 4 && i < span->n_bytes && span->data[i] & 0x80)
    i++;
  if (span->n_bytes < i + 1 + skip)
    return FALSE;
  span->data += i + 1 + skip;
  span->n_bytes -= i + 1 + skip;
  return TRUE;
}

/* AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of plain LC. */
static gboolean
read_aac_config (SyrinxSpan config, SyrinxFacts *facts)
{
  static const guint rates[] = { 96000, 88200, 64000, 48000, 44100, 32000,
    24000, 22050, 16000, 12000, 11025, 8000, 7350 };
  const guint8 *p = config.data;
  guint index, channels;

  if (config.n_bytes < 2 || p[0] >> 3 != 2)
    return FALSE;
  index = (p[0] & 7) << 1 | p[1] >> 7;
  channels = p[1] >> 3 & 15;
  if (index >= G_N_ELEMENTS (rates) || channels == 0 || channels > 7
      || rates[index] <= AAC_SBR_RATE || p[1] & 7)
    return FALSE;
  if (config.n_bytes >= 5 && p[2] == 0x56 && p[3] >> 5 == 7 && p[4] & 0x80)
    return FALSE;
  facts->codec = "aac";
  facts->rate_hz = rates[index];
  facts->channels = channels == 7 ? 8 : channels;
  return TRUE;
}

static gboolean
read_esds (SyrinxSpan esds, SyrinxFacts *facts)
{
  if (esds.n_bytes < 4)
    return FALSE;
  esds.data += 4;
  esds.n_bytes -= 4;
  /* flags that would add fields are not to be seen in files */
  if (!enter_descriptor (&esds, 3, 3) || esds.data[-1] & 0xe0
      || !enter_descriptor (&esds, 4, 13) || esds.data[-13] != 0x40
      || !enter_descriptor (&esds, 5, 0))
    return FALSE;
  return read_aac_config (esds, facts);
}

static gboolean
read_alac (SyrinxSpan cookie, SyrinxFacts *facts)
{
  if (cookie.n_bytes < 28)
    return FALSE;
  facts->codec = "alac";
  facts->channels = cookie.data[13];
  facts->rate_hz = GST_READ_UINT32_BE (cookie.data + 24);
  return TRUE;
}

static gboolean
read_format (SyrinxSpan stsd, SyrinxFacts *facts)
{
  SyrinxSpan entry, box;
  guint32 type;

  if (stsd.n_bytes < 8 || GST_READ_UINT32_BE (stsd.data + 4) != 1)
    return FALSE;
  stsd.data += 8;
  stsd.n_bytes -= 8;
  if (!syrinx_box_next (&stsd, &type, &entry) || entry.n_bytes < 28
      || GST_READ_UINT16_BE (entry.data + 8) != 0)
    return FALSE;
  entry.data += 28;
  entry.n_bytes -= 28;
  if (type == BOX ('m', 'p', '4', 'a')
      && syrinx_box_find (entry, BOX ('e', 's', 'd', 's'), &box))
    return read_esds (box, facts);
  if (type == BOX ('a', 'l', 'a', 'c')
      && syrinx_box_find (entry, BOX ('a', 'l', 'a', 'c'), &box))
    return read_alac (box, facts);
  return FALSE;
}

/* --- The movie --- */

static gboolean
read_track (SyrinxSpan trak, Track *track, SyrinxFacts *facts)
{
  static const guint32 media[] = { BOX ('m', 'd', 'i', 'a'), 0 };
  static const guint32 table[]
      = { BOX ('m', 'i', 'n', 'f'), BOX ('s', 't', 'b', 'l'), 0 };
  SyrinxSpan mdia, stbl, box;

  if (!find_path (trak, media, &mdia)
      || !syrinx_box_find (mdia, BOX ('h', 'd', 'l', 'r'), &box)
      || box.n_bytes < 12)
    return FALSE;
  track->handler = GST_READ_UINT32_BE (box.data + 8);
  if (track->handler != BOX ('s', 'o', 'u', 'n'))
    return TRUE;
  if (!syrinx_box_find (mdia, BOX ('m', 'd', 'h', 'd'), &box)
      || !(track->scale = read_scale (box)) || !find_path (mdia, table, &stbl)
      || !syrinx_box_find (stbl, BOX ('s', 't', 's', 'd'), &box)
      || !read_format (box, facts)
      || !syrinx_box_find (stbl, BOX ('s', 't', 't', 's'), &box)
      || !read_times (box, track) || !read_chunks (stbl, track))
    return FALSE;
  track->table = stbl;
  return read_edits (trak, track);
}

/* What of the track is to be heard. */
static guint64
get_samples (const Track *track)
{
  guint64 end;

  if (!track->has_edit)
    return track->total;
  if (track->edit_units == 0)
    return track->total - track->edit_start;
  end = track->edit_start
        + gst_util_uint64_scale_round (
            track->edit_units, track->scale, track->movie_scale);
  return MIN (end, track->total) - track->edit_start;
}

static void
note_packets (const Track *track, guint64 size_bytes, SyrinxFacts *facts)
{
  g_autoptr (GArray) pieces = NULL;
  guint64 n_bytes = 0;

  if (!g_str_equal (facts->codec, "aac") || facts->channels > 2
      || track->edit_start > G_MAXUINT16
      || !(pieces = syrinx_mp4_table_read (
               track->table, SYRINX_AAC_PACKET_UNITS, size_bytes)))
    return;
  for (guint i = 0; i < pieces->len; i++)
    n_bytes += g_array_index (pieces, SyrinxPiece, i).n_bytes;
  facts->packet_bps = gst_util_uint64_scale (n_bytes, 8 * facts->rate_hz,
      (guint64)pieces->len * SYRINX_AAC_PACKET_UNITS);
  facts->pre_skip = track->edit_start;
  facts->packets = g_steal_pointer (&pieces);
}

static gboolean
read_movie (SyrinxSpan moov, guint64 size_bytes, SyrinxFacts *facts)
{
  Track sound = { 0 };
  SyrinxSpan box, rest = moov;
  guint32 type;

  if (!syrinx_box_find (moov, BOX ('m', 'v', 'h', 'd'), &box)
      || syrinx_box_find (moov, BOX ('m', 'v', 'e', 'x'), &rest))
    return FALSE;
  sound.movie_scale = read_scale (box);
  rest = moov;
  while (syrinx_box_next (&rest, &type, &box)) {
    Track track = { .movie_scale = sound.movie_scale };

    if (type != BOX ('t', 'r', 'a', 'k'))
      continue;
    if (!read_track (box, &track, facts)
        || track.handler == BOX ('v', 'i', 'd', 'e')
        || (track.handler == BOX ('s', 'o', 'u', 'n') && sound.scale))
      return FALSE;
    if (track.handler == BOX ('s', 'o', 'u', 'n'))
      sound = track;
  }
  if (rest.n_bytes || !sound.scale || !sound.movie_scale
      || sound.scale != facts->rate_hz || sound.last_chunk >= size_bytes)
    return FALSE;
  facts->n_samples = get_samples (&sound);
  note_packets (&sound, size_bytes, facts);
  syrinx_ilst_read (moov, facts->tags);
  return TRUE;
}

/* All of the file's boxes lie within it. */
static GBytes *
find_movie (SyrinxWindow *window)
{
  g_autoptr (GBytes) moov = NULL;
  guint64 at = 0, n;

  while (at < window->size_bytes) {
    const guint8 *p = syrinx_window_get (window, at, 8);
    gsize head = 8;
    guint32 type;

    if (!p)
      return NULL;
    n = GST_READ_UINT32_BE (p);
    type = GST_READ_UINT32_BE (p + 4);
    if (n == 1 && (p = syrinx_window_get (window, at, 16))) {
      n = GST_READ_UINT64_BE (p + 8);
      head = 16;
    }
    if (n < head || n > window->size_bytes - at
        || type == BOX ('m', 'o', 'o', 'f'))
      return NULL;
    if (type == BOX ('m', 'o', 'o', 'v') && !moov && n <= MAX_MOOV_BYTES)
      moov = syrinx_window_read (window, at + head, n - head);
    at += n;
  }
  return g_steal_pointer (&moov);
}

gboolean
syrinx_facts_read_mp4 (SyrinxWindow *window, SyrinxFacts *facts)
{
  g_autoptr (GBytes) moov = find_movie (window);
  SyrinxSpan span;

  if (!moov)
    return FALSE;
  span.data = g_bytes_get_data (moov, &span.n_bytes);
  return read_movie (span, window->size_bytes, facts);
}
