/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF: reading what strangers wrote. A cursor never leaves its box, and
 * nothing recurses. */
#include "cmaf.h"

#include "core/base/error.h"

#include <string.h>

#define AUDIO_ENTRY_BYTES     28
#define OPUS_FAMILY_0_BYTES   11
#define FLAC_STREAMINFO_BYTES 34
#define TFHD_BASE_OFFSET      0x000001
#define TFHD_DESCRIPTION      0x000002
#define TFHD_DURATION         0x000008
#define TFHD_SIZE             0x000010
#define TFHD_FLAGS            0x000020
#define TRUN_DATA_OFFSET      0x000001
#define TRUN_FIRST_FLAGS      0x000004
#define TRUN_DURATION         0x000100
#define TRUN_SIZE             0x000200
#define TRUN_FLAGS            0x000400
#define TRUN_TIME_OFFSET      0x000800
#define TYPE(a, b, c, d)      ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

typedef struct
{
  const guint8 *p;
  gsize left;
} Cursor;

static gboolean
corrupt (GError **error, const gchar *what)
{
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "this is no CMAF of ours: %s", what);
  return FALSE;
}

/* Past the end everything reads as 0 and `left` stays 0; who needs a field
 * asks has() first. */
static gboolean
has (const Cursor *c, gsize n_bytes)
{
  return c->left >= n_bytes;
}

static guint64
take (Cursor *c, guint n_bytes)
{
  guint64 value = 0;

  if (!has (c, n_bytes)) {
    c->left = 0;
    return 0;
  }
  for (guint i = 0; i < n_bytes; i++)
    value = value << 8 | c->p[i];
  c->p += n_bytes;
  c->left -= n_bytes;
  return value;
}

static gboolean
skip (Cursor *c, gsize n_bytes)
{
  if (!has (c, n_bytes)) {
    c->left = 0;
    return FALSE;
  }
  c->p += n_bytes;
  c->left -= n_bytes;
  return TRUE;
}

/* The next box. FALSE at the end, or if its size is not within @c: then
 * c->left is not 0. */
static gboolean
next_box (Cursor *c, guint32 *type, Cursor *body)
{
  Cursor at = *c;
  guint64 size = take (&at, 4);

  if (!has (c, 8) || size < 8 || size > c->left)
    return FALSE;
  *type = take (&at, 4);
  body->p = at.p;
  body->left = size - 8;
  return skip (c, size);
}

/* Finds the only box of @type among those of @c, which must all be whole. */
static gboolean
find_only (Cursor c, guint32 wanted, Cursor *body)
{
  Cursor candidate;
  guint32 type;
  guint n_found = 0;

  while (next_box (&c, &type, &candidate))
    if (type == wanted) {
      *body = candidate;
      n_found++;
    }
  return c.left == 0 && n_found == 1;
}

static gboolean
find_path (Cursor c, const guint32 *path, guint n_path, Cursor *body)
{
  for (guint i = 0; i < n_path; i++) {
    if (!find_only (c, path[i], body))
      return FALSE;
    c = *body;
  }
  return TRUE;
}

/* --- Header --- */

void
syrinx_cmaf_header_clear (SyrinxCmafHeader *header)
{
  g_clear_pointer (&header->config, g_bytes_unref);
}

/* Back into an OpusHead's little-endian order. */
static gboolean
read_dops (Cursor c, SyrinxCmafHeader *header)
{
  guint8 head[OPUS_FAMILY_0_BYTES + 2 + 255] = { 1 };
  gsize rest;
  guint16 gain;
  guint family;

  if (!has (&c, OPUS_FAMILY_0_BYTES) || take (&c, 1) != 0)
    return FALSE;
  header->channels = head[1] = take (&c, 1);
  header->pre_skip = take (&c, 2);
  header->sample_rate_hz = take (&c, 4);
  gain = take (&c, 2);
  family = head[10] = take (&c, 1);
  head[2] = header->pre_skip, head[3] = header->pre_skip >> 8;
  for (guint i = 0; i < 4; i++)
    head[4 + i] = header->sample_rate_hz >> (8 * i);
  head[8] = gain, head[9] = gain >> 8;
  rest = family ? 2 + header->channels : 0;
  if (c.left != rest || header->channels < 1
      || (!family && header->channels > 2))
    return FALSE;
  if (rest)
    memcpy (head + OPUS_FAMILY_0_BYTES, c.p, rest);
  header->config = g_bytes_new (head, OPUS_FAMILY_0_BYTES + rest);
  return TRUE;
}

/* A descriptor of ISO/IEC 14496-1: tag, a length of up to four bytes. */
static gboolean
take_descriptor (Cursor *c, guint wanted, Cursor *body)
{
  gsize length = 0;
  guint byte = 0x80;

  if (!has (c, 2) || take (c, 1) != wanted)
    return FALSE;
  for (guint i = 0; i < 4 && (byte & 0x80); i++) {
    byte = take (c, 1);
    length = length << 7 | (byte & 0x7f);
  }
  body->p = c->p;
  body->left = length;
  return !(byte & 0x80) && skip (c, length);
}

static gboolean
read_esds (Cursor c, SyrinxCmafHeader *header)
{
  Cursor es, decoder, asc;

  if (!skip (&c, 4) || !take_descriptor (&c, 3, &es) || !skip (&es, 3)
      || !take_descriptor (&es, 4, &decoder) || take (&decoder, 1) != 0x40
      || !skip (&decoder, 12) || !take_descriptor (&decoder, 5, &asc)
      || asc.left < 2 || asc.left > 64)
    return FALSE;
  header->config = g_bytes_new (asc.p, asc.left);
  return TRUE;
}

static gboolean
read_dfla (Cursor c, SyrinxCmafHeader *header)
{
  if (c.left != 8 + FLAC_STREAMINFO_BYTES || !skip (&c, 4)
      || (take (&c, 1) & 0x7f) != 0 || take (&c, 3) != FLAC_STREAMINFO_BYTES)
    return FALSE;
  header->config = g_bytes_new (c.p, FLAC_STREAMINFO_BYTES);
  return TRUE;
}

static const struct
{
  guint32 entry, config;
  gboolean (*read) (Cursor c, SyrinxCmafHeader *header);
} codecs[] = {
  [SYRINX_CMAF_OPUS]
  = { TYPE ('O', 'p', 'u', 's'), TYPE ('d', 'O', 'p', 's'), read_dops },
  [SYRINX_CMAF_AAC]
  = { TYPE ('m', 'p', '4', 'a'), TYPE ('e', 's', 'd', 's'), read_esds },
  [SYRINX_CMAF_FLAC]
  = { TYPE ('f', 'L', 'a', 'C'), TYPE ('d', 'f', 'L', 'a'), read_dfla },
};

static gboolean
read_stsd (Cursor c, SyrinxCmafHeader *header)
{
  Cursor entry, config;
  guint32 type;

  if (!skip (&c, 4) || take (&c, 4) != 1 || !next_box (&c, &type, &entry)
      || c.left || !has (&entry, AUDIO_ENTRY_BYTES))
    return FALSE;
  skip (&entry, 16);
  header->channels = take (&entry, 2);
  skip (&entry, 10);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (type == codecs[i].entry) {
      header->codec = i;
      return find_only (entry, codecs[i].config, &config)
             && codecs[i].read (config, header);
    }
  return FALSE;
}

static gboolean
read_elst (Cursor c, guint *pre_skip)
{
  guint64 media_time;

  if (c.left != 20 || take (&c, 4) != 0 || take (&c, 4) != 1)
    return FALSE;
  skip (&c, 4);
  media_time = take (&c, 4);
  *pre_skip = media_time;
  return media_time <= G_MAXUINT16;
}

static gboolean
read_mdhd (Cursor c, SyrinxCmafHeader *header)
{
  if (c.left != 24 || take (&c, 4) != 0)
    return FALSE;
  skip (&c, 8);
  header->timescale = take (&c, 4);
  return header->timescale > 0 && header->timescale <= 768000;
}

static gboolean
read_trak (Cursor trak, SyrinxCmafHeader *header, GError **error)
{
  static const guint32 stsd_path[] = { TYPE ('m', 'i', 'n', 'f'),
    TYPE ('s', 't', 'b', 'l'), TYPE ('s', 't', 's', 'd') };
  static const guint32 elst_path[]
      = { TYPE ('e', 'd', 't', 's'), TYPE ('e', 'l', 's', 't') };
  Cursor mdia, box;
  guint pre_skip = 0;

  if (!find_only (trak, TYPE ('m', 'd', 'i', 'a'), &mdia)
      || !find_only (mdia, TYPE ('m', 'd', 'h', 'd'), &box)
      || !read_mdhd (box, header))
    return corrupt (error, "its media header");
  if (!find_path (mdia, stsd_path, G_N_ELEMENTS (stsd_path), &box)
      || !read_stsd (box, header))
    return corrupt (error, "its sample description");
  if (find_only (trak, elst_path[0], &box)
      && !(find_path (trak, elst_path, 2, &box) && read_elst (box, &pre_skip)))
    return corrupt (error, "its edit list");
  if (header->codec == SYRINX_CMAF_OPUS && header->pre_skip != pre_skip)
    return corrupt (error, "its pre-skip and edit list differ");
  header->pre_skip = pre_skip;
  if (header->codec != SYRINX_CMAF_OPUS)
    header->sample_rate_hz = header->timescale;
  return TRUE;
}

gboolean
syrinx_cmaf_read_header (
    GBytes *bytes, SyrinxCmafHeader *header, GError **error)
{
  Cursor c, moov, trak, unused;

  memset (header, 0, sizeof *header);
  c.p = g_bytes_get_data (bytes, &c.left);
  if (c.left > SYRINX_CMAF_MAX_HEADER_BYTES)
    return corrupt (error, "its header is over 64 KiB");
  if (!find_only (c, TYPE ('f', 't', 'y', 'p'), &unused)
      || !find_only (c, TYPE ('m', 'o', 'o', 'v'), &moov)
      || !find_only (moov, TYPE ('t', 'r', 'a', 'k'), &trak)
      || !find_only (moov, TYPE ('m', 'v', 'e', 'x'), &unused))
    return corrupt (error, "it has not one ftyp, moov, trak and mvex");
  if (read_trak (trak, header, error))
    return TRUE;
  syrinx_cmaf_header_clear (header);
  return FALSE;
}

/* --- Fragment --- */

typedef struct
{
  guint default_duration, default_size;
} Defaults;

void
syrinx_cmaf_fragment_clear (SyrinxCmafFragment *fragment)
{
  g_clear_pointer (&fragment->samples, g_free);
}

static gboolean
read_tfhd (Cursor c, Defaults *defaults)
{
  guint32 flags = take (&c, 4);

  skip (&c, 4); /* track */
  if (flags & TFHD_BASE_OFFSET)
    return FALSE;
  if (flags & TFHD_DESCRIPTION)
    skip (&c, 4);
  defaults->default_duration = flags & TFHD_DURATION ? take (&c, 4) : 0;
  defaults->default_size = flags & TFHD_SIZE ? take (&c, 4) : 0;
  return TRUE;
}

static gboolean
read_tfdt (Cursor c, guint64 *decode_time)
{
  guint version = take (&c, 4) >> 24;
  guint n_bytes = version == 1 ? 8 : 4;

  if (c.left != n_bytes)
    return FALSE;
  *decode_time = take (&c, n_bytes);
  return *decode_time < G_MAXINT64;
}

/* The samples lie one behind the other in @mdat, and fill it. */
static gboolean
read_samples (Cursor c, guint32 flags, const Defaults *defaults, Cursor mdat,
    SyrinxCmafFragment *fragment)
{
  for (guint i = 0; i < fragment->n_samples; i++) {
    SyrinxCmafSample *sample = &fragment->samples[i];
    sample->duration
        = flags & TRUN_DURATION ? take (&c, 4) : defaults->default_duration;
    sample->size_bytes
        = flags & TRUN_SIZE ? take (&c, 4) : defaults->default_size;
    if (flags & TRUN_FLAGS)
      skip (&c, 4);
    if (flags & TRUN_TIME_OFFSET)
      skip (&c, 4);
    sample->data = mdat.p;
    if (!skip (&mdat, sample->size_bytes))
      return FALSE;
    fragment->duration += sample->duration;
  }
  return mdat.left == 0;
}

static gboolean
read_trun (Cursor c, gsize moof_bytes, const Defaults *defaults, Cursor mdat,
    SyrinxCmafFragment *fragment)
{
  guint32 flags = take (&c, 4);
  guint64 n_samples = take (&c, 4);
  gsize row = 4 * !!(flags & TRUN_DURATION) + 4 * !!(flags & TRUN_SIZE)
              + 4 * !!(flags & TRUN_FLAGS) + 4 * !!(flags & TRUN_TIME_OFFSET);

  if (!(flags & TRUN_DATA_OFFSET) || take (&c, 4) != moof_bytes + 8
      || n_samples < 1 || n_samples > SYRINX_CMAF_MAX_SAMPLES)
    return FALSE;
  if (flags & TRUN_FIRST_FLAGS)
    skip (&c, 4);
  if (c.left != row * n_samples)
    return FALSE;
  fragment->n_samples = n_samples;
  fragment->samples = g_new0 (SyrinxCmafSample, n_samples);
  return read_samples (c, flags, defaults, mdat, fragment);
}

static gboolean
read_moof (
    Cursor moof, gsize moof_bytes, Cursor mdat, SyrinxCmafFragment *fragment)
{
  Defaults defaults;
  Cursor mfhd, traf, tfhd, tfdt, trun;

  if (!find_only (moof, TYPE ('m', 'f', 'h', 'd'), &mfhd) || mfhd.left != 8
      || !find_only (moof, TYPE ('t', 'r', 'a', 'f'), &traf)
      || !find_only (traf, TYPE ('t', 'f', 'h', 'd'), &tfhd)
      || !find_only (traf, TYPE ('t', 'f', 'd', 't'), &tfdt)
      || !find_only (traf, TYPE ('t', 'r', 'u', 'n'), &trun))
    return FALSE;
  skip (&mfhd, 4);
  fragment->sequence = take (&mfhd, 4);
  return read_tfhd (tfhd, &defaults) && read_tfdt (tfdt, &fragment->decode_time)
         && read_trun (trun, moof_bytes, &defaults, mdat, fragment);
}

gboolean
syrinx_cmaf_read_fragment (
    GBytes *bytes, SyrinxCmafFragment *fragment, GError **error)
{
  Cursor c, moof, mdat;
  guint32 first = 0, second = 0;

  memset (fragment, 0, sizeof *fragment);
  c.p = g_bytes_get_data (bytes, &c.left);
  if (c.left > SYRINX_CMAF_MAX_FRAGMENT_BYTES)
    return corrupt (error, "its fragment is over 4 MiB");
  if (!next_box (&c, &first, &moof) || first != TYPE ('m', 'o', 'o', 'f')
      || !next_box (&c, &second, &mdat) || second != TYPE ('m', 'd', 'a', 't')
      || c.left)
    return corrupt (error, "it is not one moof and one mdat");
  if (read_moof (moof, moof.left + 8, mdat, fragment))
    return TRUE;
  syrinx_cmaf_fragment_clear (fragment);
  return corrupt (error, "its moof does not describe its mdat");
}
