/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion of GStreamer's caps and buffers to CMAF parameters. */
#include "cmaf-caps.h"

#include "core/base/error.h"

#include <gst/audio/audio.h>

#include <string.h>

#define OPUS_MAGIC        "OpusHead"
#define OPUS_CONFIG_BYTES 11
/* 0x7f FLAC, version, number of headers, fLaC, the metadata block's header. */
#define FLAC_STREAMINFO_AT 17
#define FLAC_STREAMINFO    34
#define OPUS_MAX_PACKET    5760 /* 120 ms */
#define AAC_FRAME          1024

static GBytes *
buffer_to_bytes (GstBuffer *buffer)
{
  gpointer data;
  gsize size;

  gst_buffer_extract_dup (buffer, 0, -1, &data, &size);
  return g_bytes_new_take (data, size);
}

static GBytes *
get_stream_header (const GstStructure *s)
{
  const GValue *headers = gst_structure_get_value (s, "streamheader");
  const GValue *first;

  if (!headers || !GST_VALUE_HOLDS_ARRAY (headers)
      || gst_value_array_get_size (headers) == 0)
    return NULL;
  first = gst_value_array_get_value (headers, 0);
  if (!GST_VALUE_HOLDS_BUFFER (first) || !gst_value_get_buffer (first))
    return NULL;
  return buffer_to_bytes (gst_value_get_buffer (first));
}

/* Without a header the stream is mono or stereo and has no pre-skip. */
static gboolean
fill_opus (const GstStructure *s, SyrinxCmafFormat *format, GBytes **config)
{
  g_autoptr (GBytes) head = get_stream_header (s);
  gsize size, magic = strlen (OPUS_MAGIC);
  const guint8 *data;

  format->codec = SYRINX_CMAF_OPUS;
  if (!head)
    return TRUE;
  data = g_bytes_get_data (head, &size);
  if (size < magic + OPUS_CONFIG_BYTES || memcmp (data, OPUS_MAGIC, magic) != 0)
    return FALSE;
  format->channels = data[magic + 1];
  format->pre_skip = GST_READ_UINT16_LE (data + magic + 2);
  format->sample_rate_hz = GST_READ_UINT32_LE (data + magic + 4);
  if (format->sample_rate_hz == 0)
    format->sample_rate_hz = 48000;
  *config = g_bytes_new_from_bytes (head, magic, size - magic);
  return TRUE;
}

static gboolean
fill_aac (const GstStructure *s, SyrinxCmafFormat *format, GBytes **config)
{
  const GValue *value = gst_structure_get_value (s, "codec_data");

  format->codec = SYRINX_CMAF_AAC;
  if (!value || !GST_VALUE_HOLDS_BUFFER (value)
      || !gst_value_get_buffer (value))
    return FALSE;
  *config = buffer_to_bytes (gst_value_get_buffer (value));
  return TRUE;
}

static gboolean
fill_flac (const GstStructure *s, SyrinxCmafFormat *format, GBytes **config)
{
  g_autoptr (GBytes) head = get_stream_header (s);
  gsize size;
  const guint8 *data;

  format->codec = SYRINX_CMAF_FLAC;
  if (!head)
    return FALSE;
  data = g_bytes_get_data (head, &size);
  if (size < FLAC_STREAMINFO_AT + FLAC_STREAMINFO
      || memcmp (data, "\177FLAC", 5) != 0)
    return FALSE;
  *config = g_bytes_new_from_bytes (head, FLAC_STREAMINFO_AT, FLAC_STREAMINFO);
  return TRUE;
}

gboolean
syrinx_cmaf_format_from_caps (const GstCaps *caps, SyrinxCmafFormat *format,
    GBytes **config, GError **error)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  gint rate = 48000, channels = 2;
  gboolean is_good;

  gst_structure_get_int (s, "rate", &rate);
  gst_structure_get_int (s, "channels", &channels);
  *format = (SyrinxCmafFormat){ .sample_rate_hz = MAX (rate, 0),
    .channels = MAX (channels, 0) };
  *config = NULL;
  if (gst_structure_has_name (s, "audio/x-opus"))
    is_good = fill_opus (s, format, config);
  else if (gst_structure_has_name (s, "audio/mpeg"))
    is_good = fill_aac (s, format, config);
  else
    is_good = fill_flac (s, format, config);
  if (*config)
    format->config = g_bytes_get_data (*config, &format->config_bytes);
  if (!is_good)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the caps of this %s stream lack its codec's header: put a parser "
        "before the muxer",
        gst_structure_get_name (s));
  return is_good;
}

/* RFC 6716 section 3.1, in samples at 48 kHz; 0 for an invalid packet. */
static guint
get_opus_duration (GstBuffer *buffer)
{
  static const guint16 silk[] = { 480, 960, 1920, 2880 };
  static const guint16 celt[] = { 120, 240, 480, 960 };
  guint8 head[2] = { 0, 0 };
  gsize size = gst_buffer_extract (buffer, 0, head, sizeof head);
  guint config = head[0] >> 3, code = head[0] & 3;
  guint frame, count, total;

  if (size == 0 || (code == 3 && size < 2))
    return 0;
  if (config < 12)
    frame = silk[config & 3];
  else if (config < 16)
    frame = silk[config & 1];
  else
    frame = celt[config & 3];
  count = code == 0 ? 1 : code < 3 ? 2 : head[1] & 0x3f;
  total = frame * count;
  return total <= OPUS_MAX_PACKET ? total : 0;
}

/* The block size in a frame's header, RFC 9639 section 9.1.1. The buffer's
 * duration is not used: flacparse gives the shorter last frame a full block's
 * duration. */
static guint
get_flac_duration (GstBuffer *buffer)
{
  const guint8 *tail;
  guint8 head[16] = { 0 };
  gsize size = gst_buffer_extract (buffer, 0, head, sizeof head);
  guint code = head[2] >> 4, number_bytes = 1;

  if (size < 10 || head[0] != 0xff || (head[1] & 0xfc) != 0xf8 || code == 0)
    return 0;
  if (code == 1)
    return 192;
  if (code < 6)
    return 576u << (code - 2);
  if (code >= 8)
    return 256u << (code - 8);
  while (number_bytes < 7 && head[4] & 0x80 && head[4] << number_bytes & 0x80)
    number_bytes++;
  tail = head + 4 + number_bytes; /* unaligned, so read byte by byte */
  return code == 6 ? tail[0] + 1 : (tail[0] << 8 | tail[1]) + 1;
}

static guint
get_clipped_end (GstBuffer *buffer)
{
  GstAudioClippingMeta *meta = gst_buffer_get_audio_clipping_meta (buffer);

  return meta && meta->format == GST_FORMAT_DEFAULT
             ? (guint)MIN (meta->end, G_MAXUINT)
             : 0;
}

gboolean
syrinx_cmaf_get_sample_duration (
    const SyrinxCmafFormat *format, GstBuffer *buffer, guint *duration)
{
  guint units;

  if (format->codec == SYRINX_CMAF_OPUS)
    units = get_opus_duration (buffer);
  else if (format->codec == SYRINX_CMAF_FLAC)
    units = get_flac_duration (buffer);
  else if (GST_BUFFER_DURATION_IS_VALID (buffer)
           && GST_BUFFER_DURATION (buffer) < GST_SECOND * 60)
    units = gst_util_uint64_scale_round (
        GST_BUFFER_DURATION (buffer), format->sample_rate_hz, GST_SECOND);
  else
    units = AAC_FRAME;
  *duration = units - MIN (units, get_clipped_end (buffer));
  return units > 0;
}
