/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stream of Opus (RFC 7845) or Vorbis in Ogg (RFC 3533): every page's head,
 * none of them missing, and the last granule position. */
#include "facts.h"
#include "ogg-pages.h"

#include <gst/tag/tag.h>

#include <string.h>
#include <vorbis/codec.h>

#define OPUS_RATE_HZ 48000
#define MAX_END_TRIM (4 * SYRINX_OPUS_PACKET_UNITS)

typedef struct
{
  gboolean is_opus;
  guint64 pre_skip;
  vorbis_info info;
  vorbis_comment comment;
  glong last_block; /* of Vorbis, 0 before the first packet */

  /* of Opus, whether all packets last the same */
  gboolean is_uniform;
  guint64 n_packets, n_bytes;
  gsize so_far; /* of the packet that goes on */
} Stream;

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
  /* a decoder's gain and several streams are lost on the way */
  stream->is_uniform = GST_READ_UINT16_LE (head->data + 16) == 0
                       && head->data[18] == 0 && facts->channels <= 2;
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
read_heads (SyrinxOgg *ogg, Stream *stream, SyrinxFacts *facts)
{
  const gsize max = SYRINX_FACTS_MAX_TAG_BYTES;
  g_autoptr (GByteArray) head = g_byte_array_new ();
  g_autoptr (GByteArray) comments = g_byte_array_new ();
  g_autoptr (GByteArray) setup = g_byte_array_new ();

  if (!syrinx_ogg_next_packet (ogg, head, max, NULL) || ogg->number != 1
      || ogg->segment != ogg->n_segments || head->len < 8)
    return FALSE;
  if (memcmp (head->data, "OpusHead", 8) == 0
          ? !read_opus_head (head, stream, facts)
          : memcmp (head->data, "\001vorbis", 7) != 0
                || !read_vorbis_head (head, stream, facts))
    return FALSE;
  if (!syrinx_ogg_next_packet (ogg, comments, max, NULL)
      || !read_comments (comments, stream, facts))
    return FALSE;
  if (!stream->is_opus) {
    if (!syrinx_ogg_next_packet (ogg, setup, max, NULL)
        || !give_to_vorbis (comments, FALSE, stream)
        || !give_to_vorbis (setup, FALSE, stream))
      return FALSE;
  }
  return ogg->segment
         == ogg->n_segments; /* sound begins on a page of its own */
}

/* --- Sound --- */

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
count_page (SyrinxOgg *ogg, Stream *stream)
{
  const guint8 *p = syrinx_window_get (ogg->window, ogg->body, ogg->body_bytes);
  guint64 samples = 0;
  gsize n = 0;

  for (guint i = 0; p && i < ogg->n_segments; i++) {
    n += ogg->lacing[i];
    if (ogg->lacing[i] == 255)
      continue;
    if (n > 0)
      samples += stream->is_opus ? syrinx_opus_get_units (p, n)
                                 : get_vorbis_samples (stream, p, n);
    p += n;
    n = 0;
  }
  return samples;
}

/* Whether what is on the page at hand lets the packets be passed on. */
static gboolean
is_page_uniform (SyrinxOgg *ogg, Stream *stream)
{
  const guint8 *p = syrinx_window_get (ogg->window, ogg->body, ogg->body_bytes);
  gboolean is_last = ogg->at == ogg->window->size_bytes;
  guint64 units;

  if (!p || !(ogg->flags & SYRINX_OGG_CONTINUED) != (stream->so_far == 0))
    return FALSE;
  for (guint i = 0; i < ogg->n_segments; p += ogg->lacing[i++]) {
    guint n = ogg->lacing[i];

    if (stream->so_far == 0
        && (n == 0 || syrinx_opus_get_units (p, n) != SYRINX_OPUS_PACKET_UNITS))
      return FALSE;
    stream->so_far += n;
    if (stream->so_far > SYRINX_MAX_PACKET_BYTES)
      return FALSE;
    if (n == 255)
      continue;
    stream->n_packets++;
    stream->n_bytes += stream->so_far;
    stream->so_far = 0;
  }
  units = stream->n_packets * SYRINX_OPUS_PACKET_UNITS;
  return ogg->granule == SYRINX_OGG_NO_GRANULE || ogg->granule == units
         || (is_last && ogg->granule < units);
}

/* Whether the stream's time begins at zero, by the first page that says. */
static gboolean
count_pages (SyrinxOgg *ogg, Stream *stream, guint64 *end)
{
  guint64 counted = 0;
  gboolean first = TRUE;

  *end = SYRINX_OGG_NO_GRANULE;
  while (ogg->at < ogg->window->size_bytes) {
    if (!syrinx_ogg_next_page (ogg))
      return FALSE;
    if (first)
      counted += count_page (ogg, stream);
    stream->is_uniform = stream->is_uniform && is_page_uniform (ogg, stream);
    if (ogg->granule == SYRINX_OGG_NO_GRANULE)
      continue;
    /* a stream of one page may end before its packets do */
    if (first
        && (ogg->flags & SYRINX_OGG_LAST ? ogg->granule > counted
                                         : ogg->granule != counted))
      return FALSE;
    first = FALSE;
    if (*end != SYRINX_OGG_NO_GRANULE && ogg->granule < *end)
      return FALSE;
    *end = ogg->granule;
  }
  return *end != SYRINX_OGG_NO_GRANULE;
}

static void
note_packets (const Stream *stream, guint64 end, SyrinxFacts *facts)
{
  guint64 units = stream->n_packets * SYRINX_OPUS_PACKET_UNITS;

  if (!stream->is_uniform || end + MAX_END_TRIM < units)
    return;
  facts->packet_bps
      = gst_util_uint64_scale (stream->n_bytes, 8 * OPUS_RATE_HZ, units);
  facts->pre_skip = stream->pre_skip;
}

gboolean
syrinx_facts_read_ogg (SyrinxWindow *window, SyrinxFacts *facts)
{
  SyrinxOgg ogg = { .window = window };
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
  if (ok)
    note_packets (&stream, end, facts);
  return ok;
}
