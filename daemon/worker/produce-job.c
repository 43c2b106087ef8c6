/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The produce job: one run of a rendition's fragments. Packet k of a rendition
 * always has the same samples, whichever run it is made in: the encoder starts
 * some packets early, and their output is dropped. If the original's own
 * packets fit, they are passed on unchanged. */
#include "jobs.h"

#include "encode.h"
#include "packets.h"
#include "pcm.h"

#include "protocol.h"
#include "core/base/error.h"

#include <string.h>

#define OPUS_PREROLL_PACKETS 8 /* 160 ms */
#define AAC_PREROLL_PACKETS  4
#define LOOKAHEAD_PACKETS    4 /* fed after the last one, for the encoder */

typedef struct
{
  SyrinxCmafCodec codec;
  guint bitrate_bps, channels, rate_hz, source_rate_hz;
  guint fragment_units, first, count;
  guint64 source_samples, n_units;
  guint packet_units;
  gboolean remux; /* the file's own packets */
} Plan;

typedef struct
{
  const Plan *plan;
  gint socket;
  SyrinxEncoder *encoder;
  guint skip;         /* packets still to be dropped */
  guint number;       /* of the current fragment */
  GPtrArray *packets; /* of GstBuffer, of the current fragment */
} Run;

static gboolean
read_plan (GVariant *dict, Plan *plan, GError **error)
{
  const gchar *codec = "";
  gboolean ok
      = g_variant_lookup (dict, "codec", "&s", &codec)
        & g_variant_lookup (dict, "bitrate", "u", &plan->bitrate_bps)
        & g_variant_lookup (dict, "channels", "u", &plan->channels)
        & g_variant_lookup (dict, "rate", "u", &plan->rate_hz)
        & g_variant_lookup (dict, "source-rate", "u", &plan->source_rate_hz)
        & g_variant_lookup (dict, "fragment-units", "u", &plan->fragment_units)
        & g_variant_lookup (dict, "first", "u", &plan->first)
        & g_variant_lookup (dict, "count", "u", &plan->count)
        & g_variant_lookup (dict, "source-samples", "t", &plan->source_samples)
        & g_variant_lookup (dict, "units", "t", &plan->n_units);

  g_variant_lookup (dict, "remux", "b", &plan->remux);
  plan->codec
      = g_str_equal (codec, "opus") ? SYRINX_CMAF_OPUS : SYRINX_CMAF_AAC;
  plan->packet_units = plan->codec == SYRINX_CMAF_OPUS ? 960 : 1024;
  if (ok && plan->rate_hz && plan->source_rate_hz && plan->count
      && plan->fragment_units && plan->fragment_units % plan->packet_units == 0)
    return TRUE;
  g_set_error_literal (
      error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "the plan is incomplete");
  return FALSE;
}

/* Sets the packets' durations; the last one of the track is cut at its end. */
static void
fill_samples (Run *run, SyrinxCmafSample *samples, GstMapInfo *maps)
{
  const Plan *plan = run->plan;
  guint64 time = (guint64)run->number * plan->fragment_units;

  for (guint i = 0; i < run->packets->len; i++) {
    gst_buffer_map (run->packets->pdata[i], &maps[i], GST_MAP_READ);
    samples[i].data = maps[i].data;
    samples[i].size_bytes = maps[i].size;
    samples[i].duration = MIN (plan->packet_units, plan->n_units - time);
    time += samples[i].duration;
  }
}

static gboolean
send_fragment (Run *run, GError **error)
{
  guint n = run->packets->len;
  g_autofree SyrinxCmafSample *samples = g_new0 (SyrinxCmafSample, n);
  g_autofree GstMapInfo *maps = g_new0 (GstMapInfo, n);
  guint64 time = (guint64)run->number * run->plan->fragment_units;
  g_autoptr (GBytes) cmaf = NULL;
  g_autoptr (GByteArray) message = g_byte_array_new ();
  guint32 number = run->number;

  fill_samples (run, samples, maps);
  cmaf = syrinx_cmaf_write_fragment (number + 1, time, samples, n);
  for (guint i = 0; i < n; i++)
    gst_buffer_unmap (run->packets->pdata[i], &maps[i]);
  g_byte_array_append (message, (guint8 *)&number, sizeof number);
  g_byte_array_append (
      message, g_bytes_get_data (cmaf, NULL), g_bytes_get_size (cmaf));
  g_ptr_array_set_size (run->packets, 0);
  run->number++;
  return syrinx_message_send (run->socket, SYRINX_MESSAGE_FRAGMENT,
      message->data, message->len, -1, error);
}

/* @packet: (transfer full) */
static gboolean
take_packet (Run *run, GstBuffer *packet, GError **error)
{
  const Plan *plan = run->plan;
  guint64 start = (guint64)run->number * plan->fragment_units;
  guint64 left = start < plan->n_units ? plan->n_units - start : 0;
  guint64 units = MIN (plan->fragment_units, left);
  guint wanted = (units + plan->packet_units - 1) / plan->packet_units;

  if (run->skip > 0 || run->number >= plan->first + plan->count || !wanted) {
    run->skip -= run->skip > 0;
    gst_buffer_unref (packet);
    return TRUE;
  }
  g_ptr_array_add (run->packets, packet);
  return run->packets->len < wanted || send_fragment (run, error);
}

/* Takes all packets that the encoder has finished. */
static gboolean
collect (Run *run, GError **error)
{
  GstBuffer *packet;

  while ((packet = syrinx_encoder_pop (run->encoder)))
    if (!take_packet (run, packet, error))
      return FALSE;
  return TRUE;
}

/* Feeds pieces of exactly one packet, so that the encoder's state does not
 * depend on the decoder's buffer sizes. */
static gboolean
feed (Run *run, SyrinxPcm *pcm, guint64 n_frames, GError **error)
{
  guint bpf = run->plan->channels
              * (run->plan->codec == SYRINX_CMAF_OPUS ? 2 : sizeof (gfloat));
  gsize piece = (gsize)run->plan->packet_units * bpf;
  g_autoptr (GByteArray) pending = g_byte_array_new ();
  guint64 n_pieces = n_frames / run->plan->packet_units;

  while (n_pieces > 0) {
    guint got;
    gsize used = 0;
    g_autoptr (GBytes) bytes = syrinx_pcm_pull (pcm, &got, error);

    if (!bytes)
      return FALSE;
    g_byte_array_append (
        pending, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    for (; pending->len - used >= piece && n_pieces > 0; n_pieces--) {
      if (!syrinx_encoder_push (run->encoder,
              g_bytes_new (pending->data + used, piece),
              run->plan->packet_units, error)
          || !collect (run, error))
        return FALSE;
      used += piece;
    }
    if (used)
      g_byte_array_remove_range (pending, 0, used);
  }
  syrinx_encoder_finish (run->encoder);
  return collect (run, error);
}

static SyrinxPcm *
open_pcm (const Plan *plan, gint fd, guint64 first_packet, GError **error)
{
  SyrinxPcmRequest request = { .fd = fd,
    .rate_hz = plan->source_rate_hz,
    .n_samples = plan->source_samples,
    .format = plan->codec == SYRINX_CMAF_OPUS ? GST_AUDIO_FORMAT_S16LE
                                              : GST_AUDIO_FORMAT_F32LE,
    .out_rate_hz = plan->rate_hz,
    .channels = plan->channels,
    .start = first_packet * plan->packet_units };

  return syrinx_pcm_new (&request, error);
}

static gboolean
remux (const Plan *plan, gint socket, gint fd, GError **error)
{
  guint64 first = (guint64)plan->first * plan->fragment_units;
  guint64 end = MIN (
      plan->n_units, first + (guint64)plan->count * plan->fragment_units);
  g_autoptr (SyrinxPackets) source
      = syrinx_packets_new (fd, plan->codec, first / plan->packet_units, error);
  g_autoptr (GPtrArray) packets
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  Run run = { plan, socket, NULL, 0, plan->first, packets };

  if (!source)
    return FALSE;
  for (guint64 at = first; at < end; at += plan->packet_units) {
    GstBuffer *packet = syrinx_packets_next (source, error);

    if (!packet || !take_packet (&run, packet, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
make (const Plan *plan, gint socket, gint fd, GError **error)
{
  guint64 first = (guint64)plan->first * plan->fragment_units;
  guint64 end = MIN (
      plan->n_units, first + (guint64)plan->count * plan->fragment_units);
  guint64 first_packet = first / plan->packet_units;
  guint64 end_packet = (end + plan->packet_units - 1) / plan->packet_units;
  guint preroll = MIN (first_packet, plan->codec == SYRINX_CMAF_OPUS
                                         ? OPUS_PREROLL_PACKETS
                                         : AAC_PREROLL_PACKETS);
  g_autoptr (SyrinxPcm) pcm
      = open_pcm (plan, fd, first_packet - preroll, error);
  g_autoptr (SyrinxEncoder) encoder
      = pcm ? syrinx_encoder_new (plan->codec, plan->rate_hz, plan->channels,
            plan->bitrate_bps, error)
            : NULL;
  g_autoptr (GPtrArray) packets
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  Run run = { plan, socket, encoder, preroll, plan->first, packets };
  guint64 n = end_packet - first_packet + preroll + LOOKAHEAD_PACKETS;

  if (!encoder || !feed (&run, pcm, n * plan->packet_units, error))
    return FALSE;
  if (end == (guint64)run.number * plan->fragment_units || end == plan->n_units)
    return TRUE;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "the encoder produced too few packets");
  return FALSE;
}

GVariant *
syrinx_job_produce (gint socket, gint fd, GVariant *dict, GError **error)
{
  GVariantBuilder builder;
  Plan plan = { 0 };

  if (!read_plan (dict, &plan, error)
      || !(plan.remux ? remux (&plan, socket, fd, error)
                      : make (&plan, socket, fd, error)))
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  return g_variant_builder_end (&builder);
}
