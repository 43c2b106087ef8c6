/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One encoder element between two pads of ours: no thread and no clock, so the
 * same samples give the same packets. */
#include "encode.h"

#include "core/base/error.h"

struct _SyrinxEncoder
{
  GstElement *element;
  GstPad *src, *sink;
  GQueue packets; /* of GstBuffer */
  guint rate_hz;
  guint64 position;
};

static GstFlowReturn
on_packet (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  SyrinxEncoder *self = gst_pad_get_element_private (pad);

  g_queue_push_tail (&self->packets, buffer);
  return GST_FLOW_OK;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static GstElement *
make_opus (guint bitrate_bps)
{
  GstElement *element = gst_element_factory_make ("opusenc", NULL);

  if (element)
    g_object_set (element, "bitrate", (gint)bitrate_bps, "frame-size", 20,
        "complexity", 5, NULL);
  return element;
}

static GstElement *
make_aac (guint bitrate_bps)
{
  GstElement *element = gst_element_factory_make ("avenc_aac", NULL);

  g_autofree gchar *bitrate = g_strdup_printf ("%u", bitrate_bps);

  if (element)
    gst_util_set_object_arg (G_OBJECT (element), "bitrate", bitrate);
  return element;
}

static void
connect_pads (SyrinxEncoder *self)
{
  g_autoptr (GstPad) in = gst_element_get_static_pad (self->element, "sink");
  g_autoptr (GstPad) out = gst_element_get_static_pad (self->element, "src");

  self->src = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  self->sink = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_pad_set_element_private (self->sink, self);
  gst_pad_set_chain_function (self->sink, on_packet);
  gst_pad_set_event_function (self->sink, on_event);
  gst_pad_link (self->src, in);
  gst_pad_link (out, self->sink);
  gst_pad_set_active (self->sink, TRUE);
  gst_element_set_state (self->element, GST_STATE_PLAYING);
  gst_pad_set_active (self->src, TRUE);
}

static gboolean
send_start (SyrinxEncoder *self, const gchar *format, guint channels)
{
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("audio/x-raw", "format",
      G_TYPE_STRING, format, "layout", G_TYPE_STRING, "interleaved", "rate",
      G_TYPE_INT, self->rate_hz, "channels", G_TYPE_INT, channels, NULL);
  GstSegment segment;

  if (channels == 2)
    gst_caps_set_simple (
        caps, "channel-mask", GST_TYPE_BITMASK, (guint64)3, NULL);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  return gst_pad_push_event (self->src, gst_event_new_stream_start ("encode"))
         && gst_pad_push_event (self->src, gst_event_new_caps (caps))
         && gst_pad_push_event (self->src, gst_event_new_segment (&segment));
}

SyrinxEncoder *
syrinx_encoder_new (SyrinxCmafCodec codec, guint rate_hz, guint channels,
    guint bitrate_bps, GError **error)
{
  g_autoptr (SyrinxEncoder) self = g_new0 (SyrinxEncoder, 1);
  gboolean opus = codec == SYRINX_CMAF_OPUS;

  g_queue_init (&self->packets);
  self->rate_hz = rate_hz;
  self->element = opus ? make_opus (bitrate_bps) : make_aac (bitrate_bps);
  if (self->element) {
    gst_object_ref_sink (self->element);
    connect_pads (self);
    if (send_start (self, opus ? "S16LE" : "F32LE", channels))
      return g_steal_pointer (&self);
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "no encoder for %s at %u Hz with %u channels", opus ? "Opus" : "AAC",
      rate_hz, channels);
  return NULL;
}

void
syrinx_encoder_free (SyrinxEncoder *self)
{
  if (self->src) {
    gst_pad_set_active (self->src, FALSE);
    gst_element_set_state (self->element, GST_STATE_NULL);
    gst_pad_set_active (self->sink, FALSE);
  }
  g_clear_object (&self->element);
  g_clear_object (&self->src);
  g_clear_object (&self->sink);
  g_queue_clear_full (&self->packets, (GDestroyNotify)gst_buffer_unref);
  g_free (self);
}

gboolean
syrinx_encoder_push (
    SyrinxEncoder *self, GBytes *samples, guint n_frames, GError **error)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (samples);
  guint64 end = self->position + n_frames;

  GST_BUFFER_PTS (buffer)
      = gst_util_uint64_scale (self->position, GST_SECOND, self->rate_hz);
  GST_BUFFER_DURATION (buffer)
      = gst_util_uint64_scale (end, GST_SECOND, self->rate_hz)
        - GST_BUFFER_PTS (buffer);
  g_bytes_unref (samples);
  self->position = end;
  if (gst_pad_push (self->src, buffer) == GST_FLOW_OK)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "the encoder failed");
  return FALSE;
}

void
syrinx_encoder_finish (SyrinxEncoder *self)
{
  gst_pad_push_event (self->src, gst_event_new_eos ());
}

GstBuffer *
syrinx_encoder_pop (SyrinxEncoder *self)
{
  return g_queue_pop_head (&self->packets);
}
