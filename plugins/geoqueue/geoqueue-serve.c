/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: output and its timing. All of it is hot. */
#include "geoqueue-private.h"

#include "core/schedule/demand.h"

static gboolean
may_release_locked (GstSyrinxGeoQueue *self)
{
  return !self->flushing && !self->held && !self->denied
         && self->result == GST_FLOW_OK && (self->playing || !self->flow);
}

/* (transfer full) */
static GstEvent *
get_demand_locked (GstSyrinxGeoQueue *self)
{
  guint batch = self->settings.batch;

  if (!self->demand || self->demand_buffers != batch) {
    gst_clear_event (&self->demand);
    self->demand = syrinx_event_new_demand (batch, GST_CLOCK_TIME_NONE, -1);
    self->demand_buffers = batch;
  }
  return gst_event_ref (self->demand);
}

/* Makes upstream push more data, in this thread. */
static void
demand_unlocking (GstSyrinxGeoQueue *self)
{
  GstEvent *event = get_demand_locked (self);
  guint before = syrinx_items_get_length (&self->items);
  guint generation = self->generation;
  gboolean answered;

  self->demander = g_thread_self ();
  self->waiting_data = TRUE;
  self->n_demands++;
  g_mutex_unlock (&self->lock);
  answered = gst_pad_push_event (self->sink_pad, event);
  g_mutex_lock (&self->lock);
  self->demander = NULL;
  /* A pad that is flushing or not active yet refuses an event just as one that
   * does not know demands. */
  if (!answered && !self->flushing && generation == self->generation)
    self->self_driving = TRUE;
  if (!answered || syrinx_items_get_length (&self->items) > before)
    self->waiting_data = FALSE;
}

/* The time when @buffer may leave; 0 if it need not wait. */
static gint64
due_locked (GstSyrinxGeoQueue *self, GstBuffer *buffer)
{
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  GstClockTime running;

  if (!self->settings.sync || self->segment.format != GST_FORMAT_TIME)
    return 0;
  running = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, time);
  if (!GST_CLOCK_TIME_IS_VALID (running))
    return 0;
  if (!self->start_us) {
    self->start_us = g_get_monotonic_time ();
    self->start_time = running;
  }
  self->end_time = running + syrinx_buffer_get_duration (buffer);
  return self->start_us
         + ((gint64)running - (gint64)self->start_time
               - (gint64)self->settings.lead)
               / 1000;
}

static void
push_event_unlocking (GstSyrinxGeoQueue *self, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &self->segment);
  self->pushing = TRUE;
  g_mutex_unlock (&self->lock);
  gst_pad_push_event (self->src_pad, event);
  g_mutex_lock (&self->lock);
  self->pushing = FALSE;
  syrinx_geo_queue_tell_locked (self);
}

/* Takes the next batch from the queue: consecutive buffers, or a list. */
static GstBufferList *
take_batch_locked (GstSyrinxGeoQueue *self, gsize *bytes)
{
  GstBufferList *list;
  GstMiniObject *head = syrinx_items_peek (&self->items);
  SyrinxItem item;

  if (GST_IS_BUFFER_LIST (head)) {
    item = syrinx_items_pop (&self->items);
    *bytes = item.n_bytes;
    return GST_BUFFER_LIST (item.object);
  }
  list = gst_buffer_list_new_sized (self->settings.batch);
  while (gst_buffer_list_length (list) < self->settings.batch
         && (head = syrinx_items_peek (&self->items)) && GST_IS_BUFFER (head)) {
    item = syrinx_items_pop (&self->items);
    *bytes += item.n_bytes;
    gst_buffer_list_insert (list, -1, GST_BUFFER (item.object));
  }
  return list;
}

static void
note_end_locked (GstSyrinxGeoQueue *self, GstBufferList *list)
{
  guint n = gst_buffer_list_length (list);

  due_locked (self, gst_buffer_list_get (list, 0));
  if (n > 1)
    due_locked (self, gst_buffer_list_get (list, n - 1));
}

static guint64
push_batch_unlocking (GstSyrinxGeoQueue *self)
{
  gsize bytes = 0;
  GstBufferList *list = take_batch_locked (self, &bytes);
  GstFlowReturn result;

  note_end_locked (self, list);
  self->n_released += gst_buffer_list_length (list);
  self->bytes_released += bytes;
  self->pushing = TRUE;
  syrinx_geo_queue_tell_locked (self);
  g_mutex_unlock (&self->lock);
  if (gst_buffer_list_length (list) == 1) {
    result = gst_pad_push (
        self->src_pad, gst_buffer_ref (gst_buffer_list_get (list, 0)));
    gst_buffer_list_unref (list);
  } else {
    result = gst_pad_push_list (self->src_pad, list);
  }
  g_mutex_lock (&self->lock);
  self->pushing = FALSE;
  if (!self->flushing)
    self->result = result;
  syrinx_geo_queue_tell_locked (self);
  return bytes;
}

/* Delays the next turn until the next batch is due. If the queue is empty, the
 * next data is assumed to be contiguous. */
static SyrinxNext
after_batch_locked (GstSyrinxGeoQueue *self, guint64 cost_bytes)
{
  SyrinxNext next = { .state = SYRINX_NEXT_READY,
    .due_us = syrinx_geo_queue_deadline_locked (self),
    .cost_bytes = cost_bytes };
  GstMiniObject *head = syrinx_items_peek (&self->items);
  gint64 due_us = 0;

  if (head && !GST_IS_EVENT (head))
    due_us = due_locked (self, syrinx_item_get_first (head));
  else if (!head && self->settings.sync && self->start_us)
    due_us = next.due_us - (gint64)(self->settings.lead / 1000);
  if (due_us > g_get_monotonic_time ()) {
    next.state = SYRINX_NEXT_WAIT_TIME;
    next.due_us = due_us;
  }
  return next;
}

static SyrinxNext
serve_unlocking (GstSyrinxGeoQueue *self)
{
  SyrinxNext next = { .state = SYRINX_NEXT_IDLE };
  GstMiniObject *head;
  gint64 due_us;

  self->n_turns++;
  if (!may_release_locked (self))
    return next;
  if (self->items.sum.n_buffers < self->settings.batch && !self->eos
      && !self->self_driving && !self->waiting_data)
    demand_unlocking (self);
  while (may_release_locked (self) && (head = syrinx_items_peek (&self->items))
         && GST_IS_EVENT (head))
    push_event_unlocking (
        self, GST_EVENT (syrinx_items_pop (&self->items).object));
  head = syrinx_items_peek (&self->items);
  if (!may_release_locked (self) || !head) {
    if (self->waiting_data)
      next.state = SYRINX_NEXT_WAIT_DATA;
    return next;
  }
  due_us = due_locked (self, syrinx_item_get_first (head));
  if (due_us > g_get_monotonic_time ()) {
    next.state = SYRINX_NEXT_WAIT_TIME;
    next.due_us = due_us;
    return next;
  }
  return after_batch_locked (self, push_batch_unlocking (self));
}

/* Under the source pad's stream lock, as in a task. */
SyrinxNext
syrinx_geo_queue_serve (SyrinxFlow *flow, gpointer user_data)
{
  GstSyrinxGeoQueue *self = gst_object_ref (user_data);
  SyrinxNext next;

  GST_PAD_STREAM_LOCK (self->src_pad);
  g_mutex_lock (&self->lock);
  next = serve_unlocking (self);
  g_mutex_unlock (&self->lock);
  GST_PAD_STREAM_UNLOCK (self->src_pad);
  gst_object_unref (self);
  return next;
}

void
syrinx_geo_queue_loop (gpointer user_data)
{
  GstSyrinxGeoQueue *self = user_data;
  SyrinxNext next;

  g_mutex_lock (&self->lock);
  self->woken = FALSE;
  next = serve_unlocking (self);
  while (!self->woken && !self->flushing && next.state != SYRINX_NEXT_READY) {
    if (next.state != SYRINX_NEXT_WAIT_TIME)
      syrinx_geo_queue_wait_unlocking (self);
    else if (!syrinx_geo_queue_wait_until_unlocking (self, next.due_us))
      break;
  }
  if (self->flushing)
    gst_pad_pause_task (self->src_pad);
  g_mutex_unlock (&self->lock);
}
