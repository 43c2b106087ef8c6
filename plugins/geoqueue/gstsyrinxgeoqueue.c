/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: a bounded queue that the shared scheduler empties. */

/**
 * SECTION:element-syrinxgeoqueue
 * @title: syrinxgeoqueue
 *
 * Adds one flow to the named scheduler, which all queues of the process share:
 * between regions by weight, within a region by deadline, with the client's
 * round trip subtracted. When the queue runs low it sends the event `demand`
 * upstream, and a source that knows the event pushes data in the same call. Any
 * other source is bounded by blocking, as `queue` does it.
 *
 * With #sync, buffers leave by running time, #lead ahead, so that sinks need
 * not block. The scheduler's workers push downstream if that answers the query
 * `syrinx-nonblocking`; otherwise a task of the queue's own does.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=200 ! opusenc ! \
 *   syrinxgeoqueue region=eu rtt=20000000 sync=true lead=1000000000 ! \
 *   oggmux ! filesink location=tone.opus
 * ]|
 */
#include "geoqueue-private.h"

#include "core/schedule/demand.h"

GST_DEBUG_CATEGORY (syrinx_geo_queue_debug);

#define gst_syrinx_geo_queue_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSyrinxGeoQueue, gst_syrinx_geo_queue, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxgeoqueue, "syrinxgeoqueue", GST_RANK_NONE, GST_TYPE_SYRINX_GEO_QUEUE);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- Downstream --- */

static gboolean
geo_queue_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);
  gboolean hold = syrinx_event_is_hold (event);

  if (!hold && !syrinx_event_is_resume (event))
    return gst_pad_event_default (pad, parent, event);
  gst_event_unref (event);
  g_mutex_lock (&self->lock);
  self->held = hold;
  if (!hold)
    syrinx_geo_queue_wake_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* --- Activation of pads --- */

static void
activate (GstSyrinxGeoQueue *self)
{
  g_autoptr (GstQuery) query = syrinx_query_new_nonblocking ();
  gboolean nonblocking = gst_pad_peer_query (self->src_pad, query);

  g_mutex_lock (&self->lock);
  syrinx_geo_queue_reset_locked (self);
  self->flushing = self->held = self->self_driving = FALSE;
  if (nonblocking) {
    self->scheduler = syrinx_scheduler_get (self->settings.scheduler);
    if (self->settings.has_policy)
      syrinx_scheduler_set_policy (self->scheduler, self->settings.policy);
    self->flow = syrinx_scheduler_add_flow (self->scheduler,
        self->settings.region, self->settings.rtt / 1000,
        self->settings.priority, syrinx_geo_queue_serve, self);
  }
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (
      self, "served by %s", nonblocking ? "the scheduler" : "a task");
  if (!nonblocking)
    gst_pad_start_task (self->src_pad, syrinx_geo_queue_loop, self, NULL);
}

static gboolean
deactivate (GstSyrinxGeoQueue *self)
{
  SyrinxFlow *flow;
  SyrinxScheduler *scheduler;
  gboolean stopped = TRUE;

  g_mutex_lock (&self->lock);
  self->flushing = TRUE;
  flow = g_steal_pointer (&self->flow);
  scheduler = g_steal_pointer (&self->scheduler);
  syrinx_geo_queue_tell_locked (self);
  g_mutex_unlock (&self->lock);
  if (flow) {
    syrinx_flow_remove (flow);
    syrinx_scheduler_unref (scheduler);
  } else {
    stopped = gst_pad_stop_task (self->src_pad);
  }
  g_mutex_lock (&self->lock);
  syrinx_geo_queue_reset_locked (self);
  g_mutex_unlock (&self->lock);
  return stopped;
}

static gboolean
geo_queue_src_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (!active)
    return deactivate (self);
  activate (self);
  return TRUE;
}

static gboolean
geo_queue_sink_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (!active) {
    g_mutex_lock (&self->lock);
    self->flushing = TRUE;
    syrinx_geo_queue_tell_locked (self);
    g_mutex_unlock (&self->lock);
  }
  return TRUE;
}

static GstStateChangeReturn
geo_queue_change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    g_mutex_lock (&self->lock);
    self->playing = FALSE;
    g_mutex_unlock (&self->lock);
  }
  result = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    g_mutex_lock (&self->lock);
    self->playing = TRUE;
    self->start_us = 0; /* the lead is pushed at once, then in real time */
    syrinx_geo_queue_wake_locked (self);
    g_mutex_unlock (&self->lock);
  }
  return result;
}

/* --- GObject --- */

static void
geo_queue_finalize (GObject *object)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);

  syrinx_geo_queue_clear_locked (self);
  syrinx_items_free (&self->items);
  gst_clear_event (&self->demand);
  syrinx_geo_queue_clear_settings (&self->settings);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_syrinx_geo_queue_class_init (GstSyrinxGeoQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (syrinx_geo_queue_debug, "syrinxgeoqueue", 0,
      "geo-priority request queue");
  object_class->finalize = geo_queue_finalize;
  element_class->change_state = geo_queue_change_state;
  syrinx_geo_queue_install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Geo-priority request queue", "Generic/Queue",
      "Queues one client's data and lets a shared scheduler release it",
      "The Syrinx project");
}

static void
gst_syrinx_geo_queue_init (GstSyrinxGeoQueue *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  syrinx_geo_queue_init_settings (&self->settings);
  syrinx_items_init (&self->items);
  self->flushing = TRUE;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, syrinx_geo_queue_chain);
  gst_pad_set_chain_list_function (self->sink_pad, syrinx_geo_queue_chain_list);
  gst_pad_set_event_function (self->sink_pad, syrinx_geo_queue_sink_event);
  gst_pad_set_query_function (self->sink_pad, syrinx_geo_queue_sink_query);
  gst_pad_set_activatemode_function (
      self->sink_pad, geo_queue_sink_activate_mode);
  GST_PAD_SET_PROXY_CAPS (self->sink_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->src_pad, geo_queue_src_event);
  gst_pad_set_activatemode_function (
      self->src_pad, geo_queue_src_activate_mode);
  GST_PAD_SET_PROXY_CAPS (self->src_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}
