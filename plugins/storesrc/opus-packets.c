/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CMAF fragment's samples as GStreamer's Opus packets. */
#include "opus-packets.h"

#include "core/base/error.h"

#include <gst/audio/audio.h>
#include <gst/pbutils/pbutils.h>
#include <gst/tag/tag.h>

#include <string.h>

#define PACKET_UNITS 960 /* 20 ms: the packets of our renditions */

/* The OpusTags packet with the texts that players show (RFC 7845, section
 * 5.2). */
static GstBuffer *
make_comments (const SyrinxTrack *track)
{
  g_autoptr (GstTagList) tags = gst_tag_list_new_empty ();
  const struct
  {
    const gchar *name, *value;
  } known[]
      = { { GST_TAG_TITLE, track->title }, { GST_TAG_ARTIST, track->artist },
          { GST_TAG_ALBUM, track->album }, { GST_TAG_GENRE, track->genre } };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (known[i].value && *known[i].value)
      gst_tag_list_add (
          tags, GST_TAG_MERGE_APPEND, known[i].name, known[i].value, NULL);
  return gst_tag_list_to_vorbiscomment_buffer (
      tags, (const guint8 *)"OpusTags", 8, "Syrinx");
}

GstCaps *
syrinx_opus_caps_from_header (
    GBytes *header, const SyrinxTrack *track, GError **error)
{
  g_auto (SyrinxCmafHeader) read = { 0 };
  g_autoptr (GstBuffer) head = NULL;
  g_autoptr (GstBuffer) comments = NULL;
  gsize config_bytes;
  const guint8 *config;

  if (!syrinx_cmaf_read_header (header, &read, error))
    return NULL;
  if (read.codec != SYRINX_CMAF_OPUS) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "single packets are for Opus renditions; ask for an opus one, or for "
        "fragments");
    return NULL;
  }
  config = g_bytes_get_data (read.config, &config_bytes);
  head = gst_buffer_new_allocate (NULL, 8 + config_bytes, NULL);
  gst_buffer_fill (head, 0, "OpusHead", 8);
  gst_buffer_fill (head, 8, config, config_bytes);
  comments = make_comments (track);
  return gst_codec_utils_opus_create_caps_from_header (head, comments);
}

/* Makes the next packet. */
static GstBuffer *
make_packet (const SyrinxOpusPackets *packets, const SyrinxRenditionRow *row)
{
  const SyrinxOpusSample *sample = &packets->samples[packets->next];
  gsize fragment_bytes;
  gconstpointer base = g_bytes_get_data (packets->fragment, &fragment_bytes);
  GstBuffer *packet = gst_buffer_new ();
  guint64 start = packets->next_units, end = start + sample->duration;
  guint64 audible = start > row->pre_skip ? start - row->pre_skip : 0;

  gst_buffer_append_memory (packet,
      gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, (gpointer)base,
          fragment_bytes, packets->next_offset, sample->size_bytes,
          g_bytes_ref (packets->fragment), (GDestroyNotify)g_bytes_unref));
  GST_BUFFER_PTS (packet)
      = gst_util_uint64_scale (audible, GST_SECOND, row->timescale);
  GST_BUFFER_DURATION (packet)
      = gst_util_uint64_scale (end > row->pre_skip ? end - row->pre_skip : 0,
            GST_SECOND, row->timescale)
        - GST_BUFFER_PTS (packet);
  GST_BUFFER_OFFSET (packet) = start / PACKET_UNITS;
  if (sample->duration < PACKET_UNITS)
    gst_buffer_add_audio_clipping_meta (
        packet, GST_FORMAT_DEFAULT, 0, PACKET_UNITS - sample->duration);
  return packet;
}

void
syrinx_opus_packets_clear (SyrinxOpusPackets *packets)
{
  g_free (packets->samples);
  g_clear_pointer (&packets->fragment, g_bytes_unref);
  *packets = (SyrinxOpusPackets){ 0 };
}

static void
skip_packet (SyrinxOpusPackets *packets)
{
  const SyrinxOpusSample *sample = &packets->samples[packets->next++];

  packets->next_offset += sample->size_bytes;
  packets->next_units += sample->duration;
}

static void
take_samples (SyrinxOpusPackets *packets, const SyrinxCmafFragment *read)
{
  const guint8 *base = g_bytes_get_data (packets->fragment, NULL);

  packets->n_samples = read->n_samples;
  packets->samples = g_new (SyrinxOpusSample, read->n_samples);
  for (guint i = 0; i < read->n_samples; i++)
    packets->samples[i] = (SyrinxOpusSample){ read->samples[i].size_bytes,
      read->samples[i].duration };
  if (read->n_samples)
    packets->next_offset = read->samples[0].data - base;
  packets->next_units = read->decode_time;
}

gboolean
syrinx_opus_packets_begin (SyrinxOpusPackets *packets, GBytes *fragment,
    guint64 from_units, GError **error)
{
  g_auto (SyrinxCmafFragment) read = { 0 };

  syrinx_opus_packets_clear (packets);
  if (!syrinx_cmaf_read_fragment (fragment, &read, error))
    return FALSE;
  packets->fragment = g_bytes_ref (fragment);
  take_samples (packets, &read);
  while (packets->next < packets->n_samples
         && packets->next_units + packets->samples[packets->next].duration
                <= from_units)
    skip_packet (packets);
  return TRUE;
}

GstBuffer *
syrinx_opus_packets_next (
    SyrinxOpusPackets *packets, const SyrinxRenditionRow *row)
{
  GstBuffer *packet;

  if (packets->next == packets->n_samples) {
    syrinx_opus_packets_clear (packets);
    return NULL;
  }
  packet = make_packet (packets, row);
  skip_packet (packets);
  return packet;
}
