/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts a file's samples. */
#include "facts.h"

#include "decode.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_SAMPLES     ((guint64)1 << 40)
#define N_TAIL          8 /* packets at the end that are decoded as a check */
#define OPUS_HEAD_BYTES 19
#define OPUS_HEAD_GAIN  16 /* offset: 16 bits of gain, 8 of mapping family */
#define LAST_SECONDS    1
#define MIN_SECONDS     3 /* shorter files are read whole as quickly */

/* For each of these pairs, the sum of packet durations equals the decoded
 * length; tests/daemon/worker/facts.c checks it. */
static const struct
{
  const gchar *demuxer, *codec;
} counted[] = { { "flac", "flac" }, { "ogg", "flac" }, { "ogg", "opus" },
  { "ogg", "vorbis" }, { "mp3", "mp3" }, { "mov", "aac" }, { "mov", "alac" },
  { "wav", "pcm" }, { "aiff", "pcm" }, { "w64", "pcm" }, { "au", "pcm" },
  { "wv", "wavpack" }, { "tta", "tta" } };

typedef struct
{
  AVPacket *packet;
  gint64 duration;
} Tail;

typedef struct
{
  SyrinxDecoder *decoder;
  Tail tail[N_TAIL]; /* a ring */
  guint n_tail;
  gint64 duration; /* of packets, in the stream's time base */
  gint64 end_pts;  /* of the last one */
  gint64 n_broken; /* undecodable duration at the end */
} Count;

static gboolean
fail (GError **error, const gchar *reason)
{
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, reason);
  return FALSE;
}

/* --- Counting by packets --- */

static gboolean
is_counted (SyrinxDecoder *decoder)
{
  SyrinxInput *input = syrinx_decoder_get_input (decoder);
  const AVCodecContext *codec = syrinx_decoder_get_codec (decoder);
  const gchar *name = syrinx_decoder_get_codec_name (decoder);
  AVRational base;

  if (!input)
    return FALSE;
  base = syrinx_input_get_stream (input)->time_base;
  /* SBR doubles the samples of a packet, but not its duration */
  if (codec->codec_id == AV_CODEC_ID_AAC
      && (codec->frame_size != SYRINX_AAC_PACKET_UNITS || base.num != 1
          || base.den != (gint)syrinx_decoder_get_rate_hz (decoder)))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (counted); i++)
    if (strcmp (name, counted[i].codec) == 0
        && syrinx_input_is (input, counted[i].demuxer))
      return TRUE;
  return FALSE;
}

/* How many samples the decoder skips at a packet's start and end. */
static void
get_skipped (const AVPacket *packet, guint32 *start, guint32 *end)
{
  size_t n_bytes = 0;
  const guint8 *data
      = av_packet_get_side_data (packet, AV_PKT_DATA_SKIP_SAMPLES, &n_bytes);

  *start = *end = 0;
  if (!data || n_bytes < 8)
    return;
  memcpy (start, data, sizeof *start);
  memcpy (end, data + 4, sizeof *end);
  *start = GUINT32_FROM_LE (*start);
  *end = GUINT32_FROM_LE (*end);
}

static gint64
get_duration (Count *count, const AVPacket *packet, gint64 units)
{
  SyrinxInput *input = syrinx_decoder_get_input (count->decoder);
  const AVCodecContext *codec = syrinx_decoder_get_codec (count->decoder);
  AVRational base = syrinx_input_get_stream (input)->time_base;
  guint32 start, end;

  if (packet->flags & AV_PKT_FLAG_DISCARD)
    return 0;
  if (codec->codec_id == AV_CODEC_ID_AAC)
    return codec->frame_size;
  get_skipped (packet, &start, &end);
  return units
         - av_rescale (end, base.den,
             (gint64)base.num * syrinx_decoder_get_rate_hz (count->decoder));
}

/* FALSE: the duration is unknown, or a new link begins. */
static gboolean
add_packet (Count *count, Tail *place)
{
  SyrinxInput *input = syrinx_decoder_get_input (count->decoder);
  gint64 units = syrinx_input_get_units (input);
  const AVPacket *packet = place->packet;
  guint32 start, end;

  get_skipped (packet, &start, &end);
  if (units <= 0 || start > 0
      || av_packet_get_side_data (packet, AV_PKT_DATA_NEW_EXTRADATA, NULL)
      || count->duration > G_MAXINT64 / 2)
    return FALSE;
  place->duration = get_duration (count, packet, units);
  count->duration += place->duration;
  count->end_pts = packet->pts == AV_NOPTS_VALUE
                       ? AV_NOPTS_VALUE
                       : packet->pts + packet->duration;
  count->n_tail++;
  return TRUE;
}

static gboolean
is_decodable (AVCodecContext *codec, const AVPacket *packet, AVFrame *frame)
{
  gboolean got = FALSE;

  if (avcodec_send_packet (codec, packet) < 0)
    return FALSE;
  while (avcodec_receive_frame (codec, frame) >= 0)
    got = TRUE;
  return got;
}

/* Undecodable packets at the end are not audible, and so not counted. */
static void
take_off_broken (Count *count)
{
  AVCodecContext *codec
      = (AVCodecContext *)syrinx_decoder_get_codec (count->decoder);
  AVFrame *frame = av_frame_alloc ();
  gint64 broken = 0;
  /* the last place was not filled */
  guint first = count->n_tail >= N_TAIL ? count->n_tail - (N_TAIL - 1) : 0;

  for (guint i = first; frame && i < count->n_tail; i++) {
    const Tail *tail = &count->tail[i % N_TAIL];

    if (is_decodable (codec, tail->packet, frame))
      broken = 0;
    else
      broken += tail->duration;
  }
  count->duration -= broken;
  count->n_broken = broken;
  av_frame_free (&frame);
}

/* Reads and counts all remaining packets. */
static gboolean
read_on (Count *count)
{
  SyrinxInput *input = syrinx_decoder_get_input (count->decoder);

  for (;;) {
    Tail *place = &count->tail[count->n_tail % N_TAIL];

    if (!place->packet)
      place->packet = av_packet_alloc ();
    if (!place->packet)
      return FALSE;
    av_packet_unref (place->packet);
    if (!syrinx_input_read (input, place->packet)) {
      take_off_broken (count);
      return TRUE;
    }
    if (!add_packet (count, place))
      return FALSE;
  }
}

static gboolean
count_packets (Count *count, guint64 *n_samples)
{
  SyrinxInput *input = syrinx_decoder_get_input (count->decoder);
  AVRational base = syrinx_input_get_stream (input)->time_base;

  if (!read_on (count))
    return FALSE;
  *n_samples += av_rescale (count->duration,
      (gint64)base.num * syrinx_decoder_get_rate_hz (count->decoder), base.den);
  *n_samples = MIN (*n_samples, syrinx_decoder_get_limit (count->decoder));
  return *n_samples > 0;
}

/* Counts by the container's table, for AAC, whose packets all have one size. */
static gboolean
count_table (SyrinxDecoder *decoder, guint64 *n_samples)
{
  const AVCodecContext *codec = syrinx_decoder_get_codec (decoder);
  guint64 n_heard;

  if (codec->codec_id != AV_CODEC_ID_AAC
      || !syrinx_input_count_table (syrinx_decoder_get_input (decoder),
          syrinx_decoder_get_n_packets (decoder), &n_heard))
    return FALSE;
  *n_samples += n_heard * (guint64)codec->frame_size;
  *n_samples = MIN (*n_samples, syrinx_decoder_get_limit (decoder));
  return TRUE;
}

/* Counts by the last packets alone, if packet times count samples and the end
 * agrees with the file's header. */
static gboolean
count_end (Count *count, guint64 *n_samples)
{
  SyrinxDecoder *decoder = count->decoder;
  SyrinxInput *input = syrinx_decoder_get_input (decoder);
  gint64 length = syrinx_input_get_stream (input)->duration;
  gint64 first = syrinx_decoder_get_first_pts (decoder);
  gint64 rate_hz = syrinx_decoder_get_rate_hz (decoder);

  if (!syrinx_decoder_is_exact (decoder) || first != 0
      || length <= MIN_SECONDS * rate_hz
      || syrinx_decoder_get_limit (decoder) != G_MAXUINT64
      || !syrinx_input_seek (input, length - rate_hz * LAST_SECONDS))
    return FALSE;
  avcodec_flush_buffers ((AVCodecContext *)syrinx_decoder_get_codec (decoder));
  if (!read_on (count) || count->n_tail == 0 || count->n_broken > 0
      || count->end_pts != length)
    return FALSE;
  *n_samples = (guint64)length;
  return TRUE;
}

/* --- Counting by decoding --- */

static gboolean
count_decoded (SyrinxDecoder *decoder, guint64 *n_samples, GError **error)
{
  const AVFrame *frame;

  while ((frame = syrinx_decoder_pull (decoder))) {
    *n_samples += frame->nb_samples;
    if (*n_samples > MAX_SAMPLES)
      return fail (error, "it is too long");
  }
  return *n_samples > 0 || fail (error, "there is no sound in it");
}

/* --- Packets that can be passed on --- */

static gboolean
is_plain_opus (const AVCodecParameters *codec)
{
  static const guint8 plain[3] = { 0, 0, 0 }; /* no gain, family 0 */

  return codec->extradata_size >= OPUS_HEAD_BYTES
         && memcmp (codec->extradata + OPUS_HEAD_GAIN, plain, sizeof plain)
                == 0;
}

static gboolean
can_pass_on (SyrinxDecoder *decoder)
{
  SyrinxInput *input = syrinx_decoder_get_input (decoder);
  const AVCodecContext *codec = syrinx_decoder_get_codec (decoder);
  const SyrinxPacketTotals *totals = syrinx_input_get_totals (input);

  if (totals->largest_bytes > SYRINX_MAX_PACKET_BYTES
      || syrinx_decoder_get_channels (decoder) > 2)
    return FALSE;
  if (codec->codec_id == AV_CODEC_ID_OPUS)
    return syrinx_input_is (input, "ogg") && totals->is_even
           && is_plain_opus (syrinx_input_get_stream (input)->codecpar);
  return codec->codec_id == AV_CODEC_ID_AAC && syrinx_input_is (input, "mov")
         && codec->profile == FF_PROFILE_AAC_LOW
         && codec->frame_size == SYRINX_AAC_PACKET_UNITS;
}

static void
add_packet_facts (SyrinxDecoder *decoder, guint n_first, SyrinxFacts *facts)
{
  const SyrinxPacketTotals *totals
      = syrinx_input_get_totals (syrinx_decoder_get_input (decoder));
  guint units = strcmp (facts->codec, "opus") == 0 ? SYRINX_OPUS_PACKET_UNITS
                                                   : SYRINX_AAC_PACKET_UNITS;
  guint64 before = (guint64)syrinx_decoder_get_n_packets (decoder) * units;

  if (!can_pass_on (decoder) || n_first > before
      || facts->n_samples + before - n_first > totals->n_packets * units)
    return;
  facts->pre_skip = before - n_first;
  facts->packet_bps = (guint)MIN (
      8.0 * totals->n_bytes * facts->rate_hz / facts->n_samples, 1e9);
}

/* --- Both ways --- */

static void
describe (SyrinxDecoder *decoder, SyrinxFacts *facts)
{
  memset (facts, 0, sizeof *facts);
  facts->codec = syrinx_decoder_get_codec_name (decoder);
  facts->rate_hz = syrinx_decoder_get_rate_hz (decoder);
  facts->channels = syrinx_decoder_get_channels (decoder);
}

static void
clear_count (Count *count)
{
  for (guint i = 0; i < N_TAIL; i++)
    av_packet_free (&count->tail[i].packet);
}

/* FALSE: @decoder can't be used any more; reading all packets may succeed. */
static gboolean
read_quickly (SyrinxDecoder *decoder, SyrinxFacts *facts)
{
  Count count = { .decoder = decoder };
  const AVFrame *first;
  gboolean ok;

  if (!is_counted (decoder) || !(first = syrinx_decoder_pull (decoder)))
    return FALSE;
  facts->n_samples = first->nb_samples;
  ok = count_table (decoder, &facts->n_samples);
  if (ok)
    add_packet_facts (decoder, first->nb_samples, facts);
  ok = ok || count_end (&count, &facts->n_samples);
  clear_count (&count);
  return ok && facts->n_samples <= MAX_SAMPLES;
}

/* FALSE: the file must be decoded. */
static gboolean
read_packets (SyrinxDecoder *decoder, SyrinxFacts *facts)
{
  Count count = { .decoder = decoder };
  const AVFrame *first;
  gboolean ok = FALSE;

  if (!is_counted (decoder) || !(first = syrinx_decoder_pull (decoder)))
    return FALSE;
  facts->n_samples = first->nb_samples;
  ok = count_packets (&count, &facts->n_samples);
  if (ok)
    add_packet_facts (decoder, first->nb_samples, facts);
  clear_count (&count);
  return ok && facts->n_samples <= MAX_SAMPLES;
}

SyrinxDecoder *
syrinx_facts_decode (gint fd, SyrinxFacts *facts, GError **error)
{
  g_autoptr (SyrinxDecoder) decoder = syrinx_decoder_new (fd, error);

  if (!decoder)
    return NULL;
  describe (decoder, facts);
  return count_decoded (decoder, &facts->n_samples, error)
             ? g_steal_pointer (&decoder)
             : NULL;
}

static gboolean
may_be_quick (SyrinxDecoder *decoder)
{
  const AVCodecContext *codec = syrinx_decoder_get_codec (decoder);

  return is_counted (decoder)
         && (codec->codec_id == AV_CODEC_ID_AAC
             || syrinx_decoder_is_exact (decoder));
}

SyrinxDecoder *
syrinx_facts_read (gint fd, SyrinxFacts *facts, GError **error)
{
  g_autoptr (SyrinxDecoder) decoder = syrinx_decoder_new (fd, error);

  if (!decoder)
    return NULL;
  describe (decoder, facts);
  if (may_be_quick (decoder)) {
    if (read_quickly (decoder, facts))
      return g_steal_pointer (&decoder);
    syrinx_decoder_free (decoder);
    decoder = syrinx_decoder_new (fd, error);
    if (!decoder)
      return NULL;
    describe (decoder, facts);
  }
  if (read_packets (decoder, facts))
    return g_steal_pointer (&decoder);
  return syrinx_facts_decode (fd, facts, error);
}
