/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stream of Opus (RFC 7845) or Vorbis in Ogg (RFC 3533): every page's head,
 * none of them missing, and the last granule position. */
#include "facts.h"

#include <gst/tag/tag.h>

#include <string.h>
#include <vorbis/codec.h>

#define PAGE_HEAD_BYTES 27
#define MAX_PAGE_BYTES  (PAGE_HEAD_BYTES + 255 + 255 * 255)
#define OPUS_RATE_HZ    48000
#define FLAG_CONTINUED  1
#define FLAG_FIRST      2
#define FLAG_LAST       4
#define NO_GRANULE      G_MAXUINT64

typedef struct
{
  SyrinxWindow *window;
  guint64 at;     /* of the next page */
  guint32 serial; /* of the first page */
  guint32 number; /* of the next page */

  /* the page at hand */
  guint8 flags;
  guint64 granule;
  guint n_segments;
  guint8 lacing[255];
  guint64 body, body_bytes;
} Ogg;

typedef struct
{
  gboolean is_opus;
  guint64 pre_skip;
  vorbis_info info;
  vorbis_comment comment;
  glong last_block; /* of Vorbis, 0 before the first packet */
} Stream;

/* FALSE: none, another stream's, or one is missing. */
static gboolean
next_page (Ogg *ogg)
{
  const guint8 *p = syrinx_window_get (ogg->window, ogg->at, PAGE_HEAD_BYTES);

  if (!p || memcmp (p, "OggS", 4) != 0 || p[4] != 0)
    return FALSE;
  ogg->flags = p[5];
  ogg->granule = GST_READ_UINT64_LE (p + 6);
  if (ogg->number == 0)
    ogg->serial = GST_READ_UINT32_LE (p + 14);
  if (GST_READ_UINT32_LE (p + 14) != ogg->serial
      || GST_READ_UINT32_LE (p + 18) != ogg->number
      || !!(ogg->flags & FLAG_FIRST) != (ogg->number == 0))
    return FALSE;
  ogg->n_segments = p[26];
  p = syrinx_window_get (
      ogg->window, ogg->at + PAGE_HEAD_BYTES, ogg->n_segments);
  if (!p)
    return FALSE;
  memcpy (ogg->lacing, p, ogg->n_segments);
  ogg->body = ogg->at + PAGE_HEAD_BYTES + ogg->n_segments;
  ogg->body_bytes = 0;
  for (guint i = 0; i < ogg->n_segments; i++)
    ogg->body_bytes += ogg->lacing[i];
  ogg->at = ogg->body + ogg->body_bytes;
  ogg->number++;
  return ogg->at <= ogg->window->size_bytes;
}

/* A packet of a head, over as many pages as it takes; after *@segment of the
 * page at hand. */
static GByteArray *
read_packet (Ogg *ogg, guint *segment, guint64 *offset)
{
  g_autoptr (GByteArray) packet = g_byte_array_new ();

  for (;;) {
    guint n = 0, lacing = 255;
    g_autoptr (GBytes) bytes = NULL;

    while (*segment < ogg->n_segments && lacing == 255)
      n += lacing = ogg->lacing[(*segment)++];
    bytes = syrinx_window_read (ogg->window, ogg->body + *offset, n);
    if (!bytes || packet->len + n > SYRINX_FACTS_MAX_TAG_BYTES)
      return NULL;
    g_byte_array_append (packet, g_bytes_get_data (bytes, NULL), n);
    *offset += n;
    if (lacing < 255)
      return g_steal_pointer (&packet);
    if (!next_page (ogg))
      return NULL;
    *segment = 0;
    *offset = 0;
  }
}

/* --- Heads --- */

static gboolean
read_opus_head (const GByteArray *head, Stream *stream, SyrinxFacts *facts)
{
  if (head->len < 19 || head->data[8] >> 4 != 0)
    return FALSE;
  stream->is_opus = TRUE;
  facts->codec = "opus";
  facts->rate_hz = OPUS_RATE_HZ;
  facts->channels = head->data[9];
  stream->pre_skip = GST_READ_UINT16_LE (head->data + 10);
  return TRUE;
}

static gboolean
give_to_vorbis (const GByteArray *packet, gboolean first, Stream *stream)
{
  ogg_packet op
      = { .packet = packet->data, .bytes = packet->len, .b_o_s = first };

  return vorbis_synthesis_headerin (&stream->info, &stream->comment, &op) == 0;
}

static gboolean
read_vorbis_head (const GByteArray *head, Stream *stream, SyrinxFacts *facts)
{
  if (!give_to_vorbis (head, TRUE, stream))
    return FALSE;
  facts->codec = "vorbis";
  facts->rate_hz = stream->info.rate;
  facts->channels = stream->info.channels;
  return TRUE;
}

static gboolean
read_comments (const GByteArray *packet, Stream *stream, SyrinxFacts *facts)
{
  static const guint8 vorbis[] = "\003vorbis", opus[] = "OpusTags";
  const guint8 *magic = stream->is_opus ? opus : vorbis;
  gsize n = stream->is_opus ? sizeof opus - 1 : sizeof vorbis - 1;

  if (packet->len < n || memcmp (packet->data, magic, n) != 0)
    return FALSE;
  return syrinx_facts_add_comments (packet->data, packet->len, magic, n, facts);
}

static gboolean
read_heads (Ogg *ogg, Stream *stream, SyrinxFacts *facts)
{
  guint segment = 0;
  guint64 offset = 0;
  g_autoptr (GByteArray) head = NULL, comments = NULL, setup = NULL;

  if (!next_page (ogg) || !(head = read_packet (ogg, &segment, &offset))
      || segment != ogg->n_segments || head->len < 8)
    return FALSE;
  if (memcmp (head->data, "OpusHead", 8) == 0
          ? !read_opus_head (head, stream, facts)
          : memcmp (head->data, "\001vorbis", 7) != 0
                || !read_vorbis_head (head, stream, facts))
    return FALSE;
  if (!next_page (ogg))
    return FALSE;
  segment = 0;
  offset = 0;
  comments = read_packet (ogg, &segment, &offset);
  if (!comments || !read_comments (comments, stream, facts))
    return FALSE;
  if (!stream->is_opus) {
    setup = read_packet (ogg, &segment, &offset);
    if (!setup || !give_to_vorbis (comments, FALSE, stream)
        || !give_to_vorbis (setup, FALSE, stream))
      return FALSE;
  }
  return segment == ogg->n_segments; /* sound begins on a page of its own */
}

/* --- Sound --- */

/* RFC 6716, 3.1. */
static guint
get_opus_samples (const guint8 *p, gsize n)
{
  static const guint16 silk[] = { 480, 960, 1920, 2880 };
  guint config = p[0] >> 3, frames = p[0] & 3, one;

  if (config < 12)
    one = silk[config & 3];
  else if (config < 16)
    one = config & 1 ? 960 : 480;
  else
    one = 120 << (config & 3);
  if (frames == 3)
    return n > 1 ? one * (p[1] & 0x3f) : 0;
  return one * (frames ? 2 : 1);
}

static guint
get_vorbis_samples (Stream *stream, const guint8 *p, gsize n)
{
  ogg_packet op = { .packet = (guint8 *)p, .bytes = n };
  glong block = vorbis_packet_blocksize (&stream->info, &op);
  guint samples = 0;

  if (block <= 0)
    return 0;
  if (stream->last_block)
    samples = (stream->last_block + block) / 4;
  stream->last_block = block;
  return samples;
}

/* What the packets that end on this page last. */
static guint64
count_page (Ogg *ogg, Stream *stream)
{
  const guint8 *p = syrinx_window_get (ogg->window, ogg->body, ogg->body_bytes);
  guint64 samples = 0;
  gsize n = 0;

  for (guint i = 0; p && i < ogg->n_segments; i++) {
    n += ogg->lacing[i];
    if (ogg->lacing[i] == 255)
      continue;
    if (n > 0)
      samples += stream->is_opus ? get_opus_samples (p, n)
                                 : get_vorbis_samples (stream, p, n);
    p += n;
    n = 0;
  }
  return samples;
}

/* Whether the stream's time begins at zero, by the first page that says. */
static gboolean
count_pages (Ogg *ogg, Stream *stream, guint64 *end)
{
  guint64 counted = 0;
  gboolean first = TRUE;

  *end = NO_GRANULE;
  while (ogg->at < ogg->window->size_bytes) {
    if (!next_page (ogg))
      return FALSE;
    if (first)
      counted += count_page (ogg, stream);
    if (ogg->granule == NO_GRANULE)
      continue;
    /* a stream of one page may end before its packets do */
    if (first
        && (ogg->flags & FLAG_LAST ? ogg->granule > counted
                                   : ogg->granule != counted))
      return FALSE;
    first = FALSE;
    if (*end != NO_GRANULE && ogg->granule < *end)
      return FALSE;
    *end = ogg->granule;
  }
  return *end != NO_GRANULE;
}

gboolean
syrinx_facts_read_ogg (SyrinxWindow *window, SyrinxFacts *facts)
{
  Ogg ogg = { .window = window };
  Stream stream = { 0 };
  guint64 end = 0;
  gboolean ok;

  vorbis_info_init (&stream.info);
  vorbis_comment_init (&stream.comment);
  ok = read_heads (&ogg, &stream, facts) && count_pages (&ogg, &stream, &end)
       && end > stream.pre_skip;
  vorbis_comment_clear (&stream.comment);
  vorbis_info_clear (&stream.info);
  facts->n_samples = end - stream.pre_skip;
  return ok;
}
