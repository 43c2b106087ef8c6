/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding of foreign files with what the allow-list has. */
#include "decode.h"

#include "plugins.h"
#include "source.h"

#include "core/base/error.h"

#include <gst/app/gstappsink.h>

#define POLL_TIME    (50 * GST_MSECOND)
#define PREROLL_TIME (4 * GST_SECOND)

/* decodebin's own, which no header has. */
enum
{
  AUTOPLUG_TRY,
  AUTOPLUG_EXPOSE,
  AUTOPLUG_SKIP
};

struct _SyrinxDecoder
{
  /* constant after init */
  SyrinxDecodeMode mode;
  GstElement *pipeline, *sink;
  GstBus *bus;

  /* the caller's thread only */
  GstTagList *tags;

  /* protected by lock: streaming threads set them */
  GMutex lock;
  GstCaps *caps;
  gboolean linked;
};

static gboolean
is_parsed (const GstStructure *s)
{
  gboolean yes = FALSE;

  if (gst_structure_has_name (s, "audio/x-raw"))
    return TRUE;
  if (gst_structure_get_boolean (s, "parsed", &yes) && yes)
    return TRUE;
  return (gst_structure_get_boolean (s, "framed", &yes) && yes)
         || gst_structure_has_name (s, "audio/x-vorbis")
         || gst_structure_has_name (s, "audio/x-opus")
         || gst_structure_has_name (s, "audio/x-alac");
}

/* FALSE ends the chain here. Notes the encoded caps on the way. */
static gboolean
on_autoplug_continue (
    GstElement *bin, GstPad *pad, GstCaps *caps, SyrinxDecoder *self)
{
  const GstStructure *s;

  if (gst_caps_is_empty (caps) || gst_caps_is_any (caps))
    return TRUE;
  s = gst_caps_get_structure (caps, 0);
  if (!g_str_has_prefix (gst_structure_get_name (s), "audio/")
      || !is_parsed (s))
    return TRUE;
  g_mutex_lock (&self->lock);
  if (!self->caps)
    self->caps = gst_caps_ref (caps);
  g_mutex_unlock (&self->lock);
  return self->mode == SYRINX_DECODE_RAW;
}

static gint
on_autoplug_select (GstElement *bin, GstPad *pad, GstCaps *caps,
    GstElementFactory *factory, SyrinxDecoder *self)
{
  return syrinx_plugins_allow (factory) ? AUTOPLUG_TRY : AUTOPLUG_SKIP;
}

static void
on_pad_added (GstElement *bin, GstPad *pad, SyrinxDecoder *self)
{
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (self->sink, "sink");
  gboolean first;

  if (gst_caps_is_empty (caps) || gst_caps_is_any (caps)
      || !g_str_has_prefix (
          gst_structure_get_name (gst_caps_get_structure (caps, 0)), "audio/"))
    return;
  g_mutex_lock (&self->lock);
  first = !self->linked;
  self->linked = TRUE;
  if (!self->caps)
    self->caps = gst_caps_ref (caps);
  g_mutex_unlock (&self->lock);
  if (first)
    gst_pad_link (pad, sink);
}

static void
on_no_more_pads (GstElement *bin, SyrinxDecoder *self)
{
  gboolean linked;

  g_mutex_lock (&self->lock);
  linked = self->linked;
  g_mutex_unlock (&self->lock);
  if (!linked)
    GST_ELEMENT_ERROR (bin, STREAM, CODEC_NOT_FOUND,
        ("There is no audio in it that can be decoded here."), (NULL));
}

/* GStreamer speaks to who could install something. */
static const gchar *
explain (const GError *reason)
{
  if (g_error_matches (
          reason, GST_STREAM_ERROR, GST_STREAM_ERROR_TYPE_NOT_FOUND))
    return "it is no audio format that is known here";
  if (g_error_matches (reason, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN)
      || g_error_matches (
          reason, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND))
    return "there is no audio in it that is decoded here";
  if (g_error_matches (reason, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED))
    return "it is damaged or cut off";
  return reason->message;
}

static void
set_invalid (GstMessage *message, GError **error)
{
  g_autoptr (GError) reason = NULL;

  gst_message_parse_error (message, &reason, NULL);
  g_set_error_literal (
      error, SYRINX_ERROR, SYRINX_ERROR_INVALID, explain (reason));
}

static void
merge_tags (SyrinxDecoder *self, GstMessage *message)
{
  g_autoptr (GstTagList) tags = NULL;

  gst_message_parse_tag (message, &tags);
  gst_tag_list_insert (self->tags, tags, GST_TAG_MERGE_KEEP);
}

/* Takes what the bus has. FALSE: an error. */
static gboolean
drain_bus (SyrinxDecoder *self, GError **error)
{
  for (;;) {
    g_autoptr (GstMessage) message
        = gst_bus_pop_filtered (self->bus, GST_MESSAGE_ERROR | GST_MESSAGE_TAG);

    if (!message)
      return TRUE;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      set_invalid (message, error);
      return FALSE;
    }
    merge_tags (self, message);
  }
}

static gboolean
wait_preroll (SyrinxDecoder *self, GError **error)
{
  const GstClockTime end = gst_util_get_timestamp () + PREROLL_TIME;

  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
        end - MIN (gst_util_get_timestamp (), end),
        GST_MESSAGE_ERROR | GST_MESSAGE_TAG | GST_MESSAGE_ASYNC_DONE
            | GST_MESSAGE_EOS);

    if (!message) {
      g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT,
          "nothing comes out of the demuxer");
      return FALSE;
    }
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_TAG) {
      merge_tags (self, message);
      continue;
    }
    if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
      return TRUE;
    set_invalid (message, error);
    return FALSE;
  }
}

static void
build (SyrinxDecoder *self, gint fd)
{
  GstElement *source = syrinx_descriptor_src_new (fd);
  GstElement *bin = gst_element_factory_make ("decodebin", NULL);

  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->sink = gst_element_factory_make ("appsink", NULL);
  g_object_set (self->sink, "sync", FALSE, "max-buffers", 64, NULL);
  gst_bin_add_many (GST_BIN (self->pipeline), source, bin, self->sink, NULL);
  gst_element_link (source, bin);
  g_signal_connect (
      bin, "autoplug-continue", G_CALLBACK (on_autoplug_continue), self);
  g_signal_connect (
      bin, "autoplug-select", G_CALLBACK (on_autoplug_select), self);
  g_signal_connect (bin, "pad-added", G_CALLBACK (on_pad_added), self);
  g_signal_connect (bin, "no-more-pads", G_CALLBACK (on_no_more_pads), self);
  self->bus = gst_element_get_bus (self->pipeline);
}

SyrinxDecoder *
syrinx_decoder_new (gint fd, SyrinxDecodeMode mode, GError **error)
{
  g_autoptr (SyrinxDecoder) self = g_new0 (SyrinxDecoder, 1);

  g_mutex_init (&self->lock);
  self->mode = mode;
  self->tags = gst_tag_list_new_empty ();
  build (self, fd);
  gst_element_set_state (self->pipeline, GST_STATE_PAUSED);
  if (!wait_preroll (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
syrinx_decoder_free (SyrinxDecoder *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->bus);
  gst_object_unref (self->pipeline);
  gst_tag_list_unref (self->tags);
  gst_clear_caps (&self->caps);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
syrinx_decoder_seek (SyrinxDecoder *self, GstClockTime position)
{
  if (!gst_element_seek_simple (self->pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, position))
    return FALSE;
  return wait_preroll (self, NULL);
}

GstSample *
syrinx_decoder_pull (SyrinxDecoder *self, GError **error)
{
  GstAppSink *sink = GST_APP_SINK (self->sink);

  if (GST_STATE (self->pipeline) != GST_STATE_PLAYING
      && GST_STATE_PENDING (self->pipeline) != GST_STATE_PLAYING)
    gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  for (;;) {
    GstSample *sample = gst_app_sink_try_pull_sample (sink, POLL_TIME);

    if (sample)
      return sample;
    if (!drain_bus (self, error) || gst_app_sink_is_eos (sink))
      return NULL;
  }
}

GstTagList *
syrinx_decoder_get_tags (SyrinxDecoder *self)
{
  drain_bus (self, NULL);
  return self->tags;
}

GstClockTime
syrinx_decoder_get_duration (SyrinxDecoder *self)
{
  gint64 duration = 0;

  return gst_element_query_duration (self->pipeline, GST_FORMAT_TIME, &duration)
                 && duration > 0
             ? (GstClockTime)duration
             : 0;
}

GstCaps *
syrinx_decoder_get_caps (SyrinxDecoder *self)
{
  return self->caps;
}
