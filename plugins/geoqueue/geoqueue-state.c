/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: the content of the queue, and waiting for its changes. */
#include "geoqueue-private.h"

/* Signals only if needed: a broadcast costs a system call even if no thread
 * waits. */
void
syrinx_geo_queue_tell_locked (GstSyrinxGeoQueue *self)
{
  if (self->n_waiting)
    g_cond_broadcast (&self->changed);
}

void
syrinx_geo_queue_wait_unlocking (GstSyrinxGeoQueue *self)
{
  self->n_waiting++;
  g_cond_wait (&self->changed, &self->lock);
  self->n_waiting--;
}

gboolean
syrinx_geo_queue_wait_until_unlocking (GstSyrinxGeoQueue *self, gint64 due_us)
{
  gboolean told;

  self->n_waiting++;
  told = g_cond_wait_until (&self->changed, &self->lock, due_us);
  self->n_waiting--;
  return told;
}

void
syrinx_geo_queue_clear_locked (GstSyrinxGeoQueue *self)
{
  syrinx_items_clear (&self->items);
  syrinx_geo_queue_tell_locked (self);
}

/* A flush removes data; stream start, caps and tags that have not been pushed
 * yet remain valid (`queue` does the same). */
void
syrinx_geo_queue_keep_sticky_locked (GstSyrinxGeoQueue *self)
{
  GstMiniObject *object;

  while ((object = syrinx_items_pop (&self->items).object)) {
    GstEvent *event = GST_IS_EVENT (object) ? GST_EVENT (object) : NULL;
    if (event && GST_EVENT_IS_STICKY (event)
        && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT
        && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
      gst_pad_store_sticky_event (self->src_pad, event);
    gst_mini_object_unref (object);
  }
}

/* The deadline of the queued data: when the next buffer is due, without
 * lead. */
gint64
syrinx_geo_queue_deadline_locked (GstSyrinxGeoQueue *self)
{
  if (!self->settings.sync || !self->start_us)
    return g_get_monotonic_time ();
  return self->start_us + (gint64)(self->end_time - self->start_time) / 1000;
}

void
syrinx_geo_queue_wake_locked (GstSyrinxGeoQueue *self)
{
  if (self->flow) {
    syrinx_flow_wake (self->flow, syrinx_geo_queue_deadline_locked (self));
  } else {
    self->woken = TRUE;
    syrinx_geo_queue_tell_locked (self);
  }
}

void
syrinx_geo_queue_reset_locked (GstSyrinxGeoQueue *self)
{
  syrinx_geo_queue_clear_locked (self);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->result = GST_FLOW_OK;
  self->eos = self->denied = self->waiting_data = self->self_driving = FALSE;
  self->generation++;
  self->start_us = 0;
}
