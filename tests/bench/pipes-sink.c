/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipes-sink.h"

#include "core/schedule/demand.h"

struct _BenchSink
{
  GstElement parent;

  GstPad *sink_pad;
};

static guint64 n_bytes; /* atomic */

G_DEFINE_FINAL_TYPE (BenchSink, bench_sink, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  __atomic_add_fetch (&n_bytes, gst_buffer_get_size (buffer), __ATOMIC_RELAXED);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  __atomic_add_fetch (
      &n_bytes, gst_buffer_list_calculate_size (list), __ATOMIC_RELAXED);
  gst_buffer_list_unref (list);
  return GST_FLOW_OK;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    gst_element_post_message (
        GST_ELEMENT (parent), gst_message_new_eos (parent));
  gst_event_unref (event);
  return TRUE;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return syrinx_query_is_nonblocking (query)
         || gst_pad_query_default (pad, parent, query);
}

guint64
bench_sink_get_bytes (void)
{
  return __atomic_load_n (&n_bytes, __ATOMIC_RELAXED);
}

void
bench_sink_register (void)
{
  gst_element_register (NULL, "benchsink", GST_RANK_NONE, BENCH_TYPE_SINK);
}

static void
bench_sink_class_init (BenchSinkClass *klass)
{
  gst_element_class_add_static_pad_template (
      GST_ELEMENT_CLASS (klass), &sink_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Bench's sink", "Sink", "Counts and drops", "The Syrinx project");
}

static void
bench_sink_init (BenchSink *self)
{
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, chain);
  gst_pad_set_chain_list_function (self->sink_pad, chain_list);
  gst_pad_set_event_function (self->sink_pad, sink_event);
  gst_pad_set_query_function (self->sink_pad, sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
