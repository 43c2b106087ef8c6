/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: input, and its bounds. */
#include "geoqueue-private.h"

#include "core/schedule/demand.h"

static gboolean
is_full_locked (GstSyrinxGeoQueue *self)
{
  const SyrinxGeoQueueSettings *s = &self->settings;

  return (s->max_buffers && self->items.sum.n_buffers >= s->max_buffers)
         || (s->max_bytes && self->items.sum.n_bytes >= s->max_bytes)
         || (s->max_time && self->items.sum.n_time >= s->max_time);
}

/* The reason to refuse input, or OK. */
static GstFlowReturn
refusal_locked (GstSyrinxGeoQueue *self)
{
  return self->flushing ? GST_FLOW_FLUSHING
         : self->denied ? GST_FLOW_EOS
                        : self->result;
}

static GstFlowReturn
enqueue_buffer_unlocking (GstSyrinxGeoQueue *self, GstBuffer *buffer)
{
  GstFlowReturn refusal;

  while (is_full_locked (self) && refusal_locked (self) == GST_FLOW_OK
         && self->demander != g_thread_self ())
    syrinx_geo_queue_wait_unlocking (self);
  refusal = refusal_locked (self);
  if (refusal != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    return refusal;
  }
  syrinx_items_push (&self->items, buffer);
  if (self->demander != g_thread_self () && self->items.sum.n_buffers == 1)
    syrinx_geo_queue_wake_locked (self);
  return GST_FLOW_OK;
}

GstFlowReturn
syrinx_geo_queue_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);
  GstFlowReturn result;

  g_mutex_lock (&self->lock);
  result = enqueue_buffer_unlocking (self, buffer);
  g_mutex_unlock (&self->lock);
  return result;
}

/* Queues a list that was demanded as a whole: it is no larger than a batch.
 * Hot. Returns: whether @list was taken. */
static gboolean
enqueue_demanded_locked (GstSyrinxGeoQueue *self, GstBufferList *list)
{
  guint n = gst_buffer_list_length (list);

  if (self->demander != g_thread_self () || n == 0 || n > self->settings.batch
      || refusal_locked (self) != GST_FLOW_OK)
    return FALSE;
  syrinx_items_push (&self->items, list);
  return TRUE;
}

GstFlowReturn
syrinx_geo_queue_chain_list (
    GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);
  GstFlowReturn result = GST_FLOW_OK;
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = enqueue_demanded_locked (self, list);
  for (guint i = 0;
       !taken && i < gst_buffer_list_length (list) && result == GST_FLOW_OK;
       i++)
    result = enqueue_buffer_unlocking (
        self, gst_buffer_ref (gst_buffer_list_get (list, i)));
  g_mutex_unlock (&self->lock);
  if (!taken)
    gst_buffer_list_unref (list);
  return result;
}

static gboolean
flush_start (GstSyrinxGeoQueue *self, GstEvent *event)
{
  gboolean sent = gst_pad_push_event (self->src_pad, event);

  g_mutex_lock (&self->lock);
  self->flushing = TRUE;
  syrinx_geo_queue_tell_locked (self);
  g_mutex_unlock (&self->lock);
  return sent;
}

/* Waits until data that a worker took before the flush has been pushed, so that
 * no old data follows the flush. */
static gboolean
flush_stop (GstSyrinxGeoQueue *self, GstEvent *event)
{
  gboolean sent, is_shared;

  g_mutex_lock (&self->lock);
  while (self->pushing)
    syrinx_geo_queue_wait_unlocking (self);
  g_mutex_unlock (&self->lock);
  sent = gst_pad_push_event (self->src_pad, event);
  g_mutex_lock (&self->lock);
  syrinx_geo_queue_keep_sticky_locked (
      self); /* the pad keeps no sticky events while it is flushing */
  syrinx_geo_queue_reset_locked (self);
  self->flushing = FALSE;
  is_shared = self->flow != NULL;
  syrinx_geo_queue_wake_locked (self);
  g_mutex_unlock (&self->lock);
  /* The task has paused itself. */
  if (!is_shared && GST_PAD_IS_ACTIVE (self->src_pad))
    gst_pad_start_task (self->src_pad, syrinx_geo_queue_loop, self, NULL);
  return sent;
}

static gboolean
deny (GstSyrinxGeoQueue *self, GstEvent *event)
{
  g_mutex_lock (&self->lock);
  self->denied = TRUE;
  syrinx_geo_queue_clear_locked (self);
  g_mutex_unlock (&self->lock);
  return gst_pad_push_event (self->src_pad, event);
}

static gboolean
enqueue_event (GstSyrinxGeoQueue *self, GstEvent *event)
{
  g_mutex_lock (&self->lock);
  if (self->flushing || self->eos) {
    g_mutex_unlock (&self->lock);
    gst_event_unref (event);
    return FALSE;
  }
  self->eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  syrinx_items_push (&self->items, event);
  if (self->demander != g_thread_self ())
    syrinx_geo_queue_wake_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
data_is_ready (GstSyrinxGeoQueue *self, GstEvent *event)
{
  gst_event_unref (event);
  g_mutex_lock (&self->lock);
  self->waiting_data = self->self_driving = FALSE;
  self->generation++;
  syrinx_geo_queue_wake_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gboolean
syrinx_geo_queue_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);
  const gchar *reason;

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    return flush_start (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    return flush_stop (self, event);
  if (syrinx_event_is_ready (event))
    return data_is_ready (self, event);
  if (syrinx_event_parse_denied (event, &reason))
    return deny (self, event);
  if (GST_EVENT_IS_SERIALIZED (event))
    return enqueue_event (self, event);
  return gst_pad_event_default (pad, parent, event);
}

gboolean
syrinx_geo_queue_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (syrinx_query_is_demand_driven (query))
    return TRUE;
  return gst_pad_query_default (pad, parent, query);
}
