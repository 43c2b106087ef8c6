/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts by GStreamer: packets counted as they are parsed, or samples as they
 * are decoded. */
#include "facts.h"

#include "daemon/worker/decode.h"
#include "daemon/worker/gapless.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_SAMPLES ((guint64)1 << 40)

typedef struct
{
  const gchar *caps;
  const gchar *codec;
  gboolean count_packets; /* packets' durations are exact samples */
} Codec;

/* Where the decoder gives something else than its packets' durations say, only
 * decoding tells how long a file is. */
static const Codec codecs[] = { { "audio/x-flac", "flac", TRUE },
  { "audio/x-raw", "pcm", TRUE }, { "audio/x-alac", "alac", TRUE },
  { "audio/x-vorbis", "vorbis", TRUE }, { "audio/x-opus", "opus", TRUE },
  { "audio/x-wavpack", "wavpack", TRUE } };
static const Codec mp3 = { "audio/mpeg", "mp3", TRUE };
static const Codec aac = { "audio/mpeg", "aac", FALSE };

typedef struct
{
  const Codec *codec;
  guint rate_hz, channels;
  guint64 n_samples;
} Facts;

static const Codec *
find_codec (const GstStructure *s)
{
  gint version = 0;

  gst_structure_get_int (s, "mpegversion", &version);
  if (gst_structure_has_name (s, "audio/mpeg"))
    return version == 1 ? &mp3 : &aac;
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (gst_structure_has_name (s, codecs[i].caps))
      return &codecs[i];
  return NULL;
}

/* As the decoder will: what lies outside of the segment (an edit list) does not
 * count. */
static guint64
count_packet (GstBuffer *buffer, const GstSegment *segment, guint rate_hz)
{
  guint64 start = GST_BUFFER_PTS (buffer), end;

  if (!GST_BUFFER_DURATION_IS_VALID (buffer))
    return 0;
  end = start + GST_BUFFER_DURATION (buffer);
  if (GST_BUFFER_PTS_IS_VALID (buffer) && segment->format == GST_FORMAT_TIME
      && !gst_segment_clip (segment, GST_FORMAT_TIME, start, end, &start, &end))
    return 0;
  return GST_BUFFER_PTS_IS_VALID (buffer)
             ? gst_util_uint64_scale_round (end - start, rate_hz, GST_SECOND)
             : gst_util_uint64_scale_round (
                 GST_BUFFER_DURATION (buffer), rate_hz, GST_SECOND);
}

static guint64
count_samples (GstSample *sample, guint rate_hz)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstAudioInfo info;

  if (gst_structure_has_name (
          gst_caps_get_structure (gst_sample_get_caps (sample), 0),
          "audio/x-raw"))
    return gst_audio_info_from_caps (&info, gst_sample_get_caps (sample))
               ? gst_buffer_get_size (buffer) / GST_AUDIO_INFO_BPF (&info)
               : 0;
  return count_packet (buffer, gst_sample_get_segment (sample), rate_hz);
}

static gboolean
set_invalid (GError **error, const gchar *reason)
{
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, reason);
  return FALSE;
}

static gboolean
read_format (GstSample *sample, Facts *facts, GError **error)
{
  const GstStructure *s
      = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  gint rate = 0, channels = 0;

  gst_structure_get_int (s, "rate", &rate);
  gst_structure_get_int (s, "channels", &channels);
  if (facts->rate_hz && (guint)rate != facts->rate_hz)
    return set_invalid (error, "its sample rate changes on the way");
  if (rate < 4000 || rate > 768000 || channels < 1 || channels > 64)
    return set_invalid (error, "its rate or number of channels makes no sense");
  facts->rate_hz = rate;
  facts->channels = channels;
  return TRUE;
}

/* Damage at the end is common in real libraries: what was read counts, if it is
 * at least a second. */
static gboolean
count_all (SyrinxDecoder *decoder, Facts *facts, GError **error)
{
  g_autoptr (GError) reason = NULL;

  for (;;) {
    g_autoptr (GstSample) sample = syrinx_decoder_pull (decoder, &reason);

    if (!sample)
      break;
    if (!read_format (sample, facts, error))
      return FALSE;
    facts->n_samples += count_samples (sample, facts->rate_hz);
    if (facts->n_samples > MAX_SAMPLES)
      return set_invalid (error, "it is too long");
  }
  if (facts->n_samples > facts->rate_hz && facts->rate_hz > 0)
    return TRUE;
  if (reason) {
    g_propagate_error (error, g_steal_pointer (&reason));
    return FALSE;
  }
  return facts->n_samples > 0 || set_invalid (error, "there is no sound in it");
}

static gboolean
identify (SyrinxDecoder *decoder, Facts *facts, GError **error)
{
  GstCaps *caps = syrinx_decoder_get_caps (decoder);

  facts->codec = caps ? find_codec (gst_caps_get_structure (caps, 0)) : NULL;
  if (facts->codec)
    return TRUE;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "its codec is not one of those that are decoded here");
  return FALSE;
}

/* flacparse counts the last block as long as the others; the head knows better,
 * unless it lies. */
static void
correct_last_block (SyrinxDecoder *decoder, Facts *facts)
{
  guint64 total = gst_util_uint64_scale_round (
      syrinx_decoder_get_duration (decoder), facts->rate_hz, GST_SECOND);

  if (g_str_equal (facts->codec->codec, "flac") && total > 0
      && total <= facts->n_samples && facts->n_samples - total < 65536)
    facts->n_samples = total;
}

static void
take_off_padding (gint fd, Facts *facts)
{
  guint delay, excess;

  syrinx_gapless_read (fd, &delay, &excess);
  if (facts->codec == &mp3 && excess < facts->n_samples)
    facts->n_samples -= excess;
}

/* Counts again by decoding. Its tags are the same ones. */
static gboolean
count_decoded (gint fd, Facts *facts, GError **error)
{
  g_autoptr (SyrinxDecoder) decoder
      = syrinx_decoder_new (fd, SYRINX_DECODE_RAW, error);

  facts->n_samples = 0;
  facts->rate_hz = 0;
  return decoder && count_all (decoder, facts, error);
}

/* Whether packets had durations (Matroska's often have none). */
static gboolean
is_plausible (SyrinxDecoder *decoder, const Facts *facts)
{
  guint64 total = gst_util_uint64_scale (
      syrinx_decoder_get_duration (decoder), facts->rate_hz, GST_SECOND);

  return facts->n_samples > 0 && facts->n_samples >= total / 10 * 9;
}

static gboolean
count (gint fd, SyrinxDecoder *decoder, Facts *facts, GError **error)
{
  if (facts->codec->count_packets && count_all (decoder, facts, NULL)
      && is_plausible (decoder, facts))
    return TRUE;
  return count_decoded (fd, facts, error);
}

gboolean
syrinx_facts_decode (gint fd, SyrinxFacts *result, GError **error)
{
  g_autoptr (SyrinxDecoder) decoder
      = syrinx_decoder_new (fd, SYRINX_DECODE_PARSED, error);
  Facts facts = { 0 };

  if (!decoder || !identify (decoder, &facts, error)
      || !count (fd, decoder, &facts, error))
    return FALSE;
  correct_last_block (decoder, &facts);
  take_off_padding (fd, &facts);
  result->codec = facts.codec->codec;
  result->rate_hz = facts.rate_hz;
  result->channels = facts.channels;
  result->n_samples = facts.n_samples;
  result->tags = gst_tag_list_ref (syrinx_decoder_get_tags (decoder));
  return TRUE;
}
