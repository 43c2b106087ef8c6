/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: a bounded queue that the shared scheduler empties. */

/**
 * SECTION:element-syrinxgeoqueue
 * @title: syrinxgeoqueue
 *
 * Enters one flow in the named scheduler, which all queues of the process
 * share: between regions by weight, within a region by deadline, with the
 * client's round trip taken off. When it runs low it sends the event `demand`
 * upstream, and a source that knows it answers in the same call; a source that
 * does not is bounded by blocking, as `queue` does it.
 *
 * With #sync it releases buffers by running time, #lead ahead, so that sinks
 * need not block. Behind it the scheduler's workers push, if downstream answers
 * the query `syrinx-nonblocking`; otherwise a task of its own does.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=200 ! opusenc ! \
 *   syrinxgeoqueue region=eu rtt=20000000 sync=true lead=1000000000 ! \
 *   oggmux ! filesink location=tone.opus
 * ]|
 */
#include "gstsyrinxgeoqueue.h"

#include "items.h"

#include "core/schedule/demand.h"
#include "core/schedule/scheduler.h"

GST_DEBUG_CATEGORY_STATIC (geoqueue_debug);
#define GST_CAT_DEFAULT geoqueue_debug

#define DEFAULT_SCHEDULER   "default"
#define DEFAULT_RTT         0
#define DEFAULT_PRIORITY    0
#define DEFAULT_BATCH       10
#define DEFAULT_LEAD        (5 * GST_SECOND)
#define DEFAULT_MAX_BUFFERS 500
#define DEFAULT_MAX_BYTES   (4 * 1024 * 1024)
#define DEFAULT_MAX_TIME    (10 * GST_SECOND)
#define DEFAULT_SYNC        FALSE

typedef struct
{
  gchar *scheduler, *region;
  GstClockTime rtt, lead;
  guint priority, batch;
  SyrinxPolicy policy;
  gboolean has_policy, sync;
  guint max_buffers, max_bytes;
  GstClockTime max_time;
} Settings;

/* Order of locks: the source pad's stream lock, then lock. Upstream's stream
 * lock may be held when ours is taken, and ours (of the source pad) when a
 * demand takes upstream's: so chain and event functions take `lock` alone. */
struct _GstSyrinxGeoQueue
{
  GstElement parent;

  GstPad *sink_pad, *src_pad; /* constant after init */

  GMutex lock;
  GCond changed; /* anything below has */

  /* protected by lock */
  Settings settings;
  SyrinxScheduler *scheduler;
  SyrinxFlow *flow; /* NULL: a task serves, or nobody */
  GstEvent *demand; /* (nullable) for demand_buffers, sent every time */
  guint demand_buffers;
  guint n_waiting; /* threads that wait for changed */
  SyrinxItems items;
  GstFlowReturn result; /* of the last push downstream */
  gboolean flushing, held, playing, eos, pushing, denied;
  gboolean self_driving; /* upstream answered a demand with FALSE */
  gboolean waiting_data; /* upstream owes data, and will say ready */
  gboolean woken;        /* for the task */
  GThread *demander;     /* who demands just now: never blocked by being full */
  GstSegment segment;    /* of what leaves */
  gint64 start_us;       /* when start_time left, or 0 */
  GstClockTime start_time, end_time; /* running times: first and next */
  guint generation; /* of what upstream may answer: flushes and readies */
  guint64 n_released, bytes_released, n_demands, n_turns;
};

enum
{
  PROP_SCHEDULER = 1,
  PROP_REGION,
  PROP_RTT,
  PROP_PRIORITY,
  PROP_POLICY,
  PROP_BATCH,
  PROP_LEAD,
  PROP_MAX_BUFFERS,
  PROP_MAX_BYTES,
  PROP_MAX_TIME,
  PROP_SYNC,
  PROP_STATS,
};

#define gst_syrinx_geo_queue_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSyrinxGeoQueue, gst_syrinx_geo_queue, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxgeoqueue, "syrinxgeoqueue", GST_RANK_NONE, GST_TYPE_SYRINX_GEO_QUEUE);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- What is in it --- */

/* A broadcast costs a system call even if nobody waits. */
static void
tell_locked (GstSyrinxGeoQueue *self)
{
  if (self->n_waiting)
    g_cond_broadcast (&self->changed);
}

static void
wait_unlocking (GstSyrinxGeoQueue *self)
{
  self->n_waiting++;
  g_cond_wait (&self->changed, &self->lock);
  self->n_waiting--;
}

static gboolean
wait_until_unlocking (GstSyrinxGeoQueue *self, gint64 due_us)
{
  gboolean told;

  self->n_waiting++;
  told = g_cond_wait_until (&self->changed, &self->lock, due_us);
  self->n_waiting--;
  return told;
}

static void
clear_locked (GstSyrinxGeoQueue *self)
{
  syrinx_items_clear (&self->items);
  tell_locked (self);
}

/* What a flush takes away is data; the stream's start, caps and tags that had
 * not left yet still hold (`queue` does the same). */
static void
keep_sticky_locked (GstSyrinxGeoQueue *self)
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

static gboolean
is_full_locked (GstSyrinxGeoQueue *self)
{
  const Settings *s = &self->settings;

  return (s->max_buffers && self->items.sum.n_buffers >= s->max_buffers)
         || (s->max_bytes && self->items.sum.n_bytes >= s->max_bytes)
         || (s->max_time && self->items.sum.n_time >= s->max_time);
}

/* --- Waking who serves --- */

/* The deadline of what is in it: when the next buffer is due without lead. */
static gint64
deadline_locked (GstSyrinxGeoQueue *self)
{
  if (!self->settings.sync || !self->start_us)
    return g_get_monotonic_time ();
  return self->start_us + (gint64)(self->end_time - self->start_time) / 1000;
}

static void
wake_locked (GstSyrinxGeoQueue *self)
{
  if (self->flow) {
    syrinx_flow_wake (self->flow, deadline_locked (self));
  } else {
    self->woken = TRUE;
    tell_locked (self);
  }
}

/* --- Upstream's side --- */

/* Why nothing may come in, or OK. */
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
    wait_unlocking (self);
  refusal = refusal_locked (self);
  if (refusal != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    return refusal;
  }
  syrinx_items_push (&self->items, buffer);
  if (self->demander != g_thread_self () && self->items.sum.n_buffers == 1)
    wake_locked (self);
  return GST_FLOW_OK;
}

static GstFlowReturn
geo_queue_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (parent);
  GstFlowReturn result;

  g_mutex_lock (&self->lock);
  result = enqueue_buffer_unlocking (self, buffer);
  g_mutex_unlock (&self->lock);
  return result;
}

/* What was demanded is no larger than a batch, and needs not be taken apart.
 * Hot. Returns whether @list was taken. */
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

static GstFlowReturn
geo_queue_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
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
  tell_locked (self);
  g_mutex_unlock (&self->lock);
  return sent;
}

static void
reset_locked (GstSyrinxGeoQueue *self)
{
  clear_locked (self);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->result = GST_FLOW_OK;
  self->eos = self->denied = self->waiting_data = self->self_driving = FALSE;
  self->generation++;
  self->start_us = 0;
}

static void loop (gpointer user_data);

/* Waits until what a worker took out before has gone, so that nothing old
 * comes behind the flush. */
static gboolean
flush_stop (GstSyrinxGeoQueue *self, GstEvent *event)
{
  gboolean sent, is_shared;

  g_mutex_lock (&self->lock);
  while (self->pushing)
    wait_unlocking (self);
  g_mutex_unlock (&self->lock);
  sent = gst_pad_push_event (self->src_pad, event);
  g_mutex_lock (&self->lock);
  keep_sticky_locked (self); /* the pad keeps none while it is flushing */
  reset_locked (self);
  self->flushing = FALSE;
  is_shared = self->flow != NULL;
  wake_locked (self);
  g_mutex_unlock (&self->lock);
  /* It has paused itself. */
  if (!is_shared && GST_PAD_IS_ACTIVE (self->src_pad))
    gst_pad_start_task (self->src_pad, loop, self, NULL);
  return sent;
}

static gboolean
deny (GstSyrinxGeoQueue *self, GstEvent *event)
{
  g_mutex_lock (&self->lock);
  self->denied = TRUE;
  clear_locked (self);
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
    wake_locked (self);
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
  wake_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
geo_queue_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
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

static gboolean
geo_queue_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (syrinx_query_is_demand_driven (query))
    return TRUE;
  return gst_pad_query_default (pad, parent, query);
}

/* --- Downstream's side --- */

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
    wake_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* --- Serving: hot --- */

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

/* Has upstream push more, in this thread. */
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
  /* A pad that is flushing or not yet active refuses as one that does not know
   * demands does. */
  if (!answered && !self->flushing && generation == self->generation)
    self->self_driving = TRUE;
  if (!answered || syrinx_items_get_length (&self->items) > before)
    self->waiting_data = FALSE;
}

/* When @buffer may leave: 0 if it need not wait. */
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
  tell_locked (self);
}

/* Takes out the next batch, as far as it is one run of buffers, or a list. */
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
  tell_locked (self);
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
  tell_locked (self);
  return bytes;
}

/* No turn before the next batch is due, as far as that is known: if nothing is
 * here, what comes is taken to follow on what went. */
static SyrinxNext
after_batch_locked (GstSyrinxGeoQueue *self, guint64 cost_bytes)
{
  SyrinxNext next = { .state = SYRINX_NEXT_READY,
    .due_us = deadline_locked (self),
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

/* Under the source pad's stream lock, as a task of its own would. */
static SyrinxNext
serve (SyrinxFlow *flow, gpointer user_data)
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

/* The same for sinks that block: a task's turn, and its waiting. */
static void
loop (gpointer user_data)
{
  GstSyrinxGeoQueue *self = user_data;
  SyrinxNext next;

  g_mutex_lock (&self->lock);
  self->woken = FALSE;
  next = serve_unlocking (self);
  while (!self->woken && !self->flushing && next.state != SYRINX_NEXT_READY) {
    if (next.state != SYRINX_NEXT_WAIT_TIME)
      wait_unlocking (self);
    else if (!wait_until_unlocking (self, next.due_us))
      break;
  }
  if (self->flushing)
    gst_pad_pause_task (self->src_pad);
  g_mutex_unlock (&self->lock);
}

/* --- Pads' activation --- */

static void
activate (GstSyrinxGeoQueue *self)
{
  g_autoptr (GstQuery) query = syrinx_query_new_nonblocking ();
  gboolean nonblocking = gst_pad_peer_query (self->src_pad, query);

  g_mutex_lock (&self->lock);
  reset_locked (self);
  self->flushing = self->held = self->self_driving = FALSE;
  if (nonblocking) {
    self->scheduler = syrinx_scheduler_get (self->settings.scheduler);
    if (self->settings.has_policy)
      syrinx_scheduler_set_policy (self->scheduler, self->settings.policy);
    self->flow
        = syrinx_scheduler_add_flow (self->scheduler, self->settings.region,
            self->settings.rtt / 1000, self->settings.priority, serve, self);
  }
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (
      self, "served by %s", nonblocking ? "the scheduler" : "a task");
  if (!nonblocking)
    gst_pad_start_task (self->src_pad, loop, self, NULL);
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
  tell_locked (self);
  g_mutex_unlock (&self->lock);
  if (flow) {
    syrinx_flow_remove (flow);
    syrinx_scheduler_unref (scheduler);
  } else {
    stopped = gst_pad_stop_task (self->src_pad);
  }
  g_mutex_lock (&self->lock);
  reset_locked (self);
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
    tell_locked (self);
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
    self->start_us = 0; /* the lead leaves at once, then real time */
    wake_locked (self);
    g_mutex_unlock (&self->lock);
  }
  return result;
}

/* --- GObject --- */

static GType
policy_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_POLICY_GEO, "Shares by region, then earliest deadline", "geo" },
    { SYRINX_POLICY_FIFO, "Whoever was ready first", "fifo" },
    { SYRINX_POLICY_STRICT, "The weightiest region first", "strict" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxGeoQueuePolicy", values));
  return type;
}

static GstStructure *
make_stats_locked (GstSyrinxGeoQueue *self)
{
  return gst_structure_new ("application/x-syrinx-geoqueue-stats", "buffers",
      G_TYPE_UINT, self->items.sum.n_buffers, "bytes", G_TYPE_UINT64,
      (guint64)self->items.sum.n_bytes, "time", G_TYPE_UINT64,
      self->items.sum.n_time, "released", G_TYPE_UINT64, self->n_released,
      "released-bytes", G_TYPE_UINT64, self->bytes_released, "demands",
      G_TYPE_UINT64, self->n_demands, "turns", G_TYPE_UINT64, self->n_turns,
      "shared", G_TYPE_BOOLEAN, self->flow != NULL, NULL);
}

/* Region, rtt and priority may change while it plays. */
static void
update_class_locked (GstSyrinxGeoQueue *self)
{
  if (self->flow)
    syrinx_flow_set_class (self->flow, self->settings.region,
        self->settings.rtt / 1000, self->settings.priority);
}

static void
geo_queue_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);
  Settings *s = &self->settings;

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_SCHEDULER:
    g_free (s->scheduler);
    s->scheduler = g_value_dup_string (value);
    break;
  case PROP_REGION:
    g_free (s->region);
    s->region = g_value_dup_string (value);
    break;
  case PROP_RTT:
    s->rtt = g_value_get_uint64 (value);
    break;
  case PROP_PRIORITY:
    s->priority = g_value_get_uint (value);
    break;
  case PROP_POLICY:
    s->policy = g_value_get_enum (value);
    s->has_policy = TRUE;
    break;
  case PROP_BATCH:
    s->batch = g_value_get_uint (value);
    break;
  case PROP_LEAD:
    s->lead = g_value_get_uint64 (value);
    break;
  case PROP_MAX_BUFFERS:
    s->max_buffers = g_value_get_uint (value);
    break;
  case PROP_MAX_BYTES:
    s->max_bytes = g_value_get_uint (value);
    break;
  case PROP_MAX_TIME:
    s->max_time = g_value_get_uint64 (value);
    break;
  case PROP_SYNC:
    s->sync = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  if (id == PROP_REGION || id == PROP_RTT || id == PROP_PRIORITY)
    update_class_locked (self);
  tell_locked (self);
  g_mutex_unlock (&self->lock);
}

static void
geo_queue_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);
  const Settings *s = &self->settings;

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_SCHEDULER:
    g_value_set_string (value, s->scheduler);
    break;
  case PROP_REGION:
    g_value_set_string (value, s->region);
    break;
  case PROP_RTT:
    g_value_set_uint64 (value, s->rtt);
    break;
  case PROP_PRIORITY:
    g_value_set_uint (value, s->priority);
    break;
  case PROP_POLICY:
    g_value_set_enum (value, s->policy);
    break;
  case PROP_BATCH:
    g_value_set_uint (value, s->batch);
    break;
  case PROP_LEAD:
    g_value_set_uint64 (value, s->lead);
    break;
  case PROP_MAX_BUFFERS:
    g_value_set_uint (value, s->max_buffers);
    break;
  case PROP_MAX_BYTES:
    g_value_set_uint (value, s->max_bytes);
    break;
  case PROP_MAX_TIME:
    g_value_set_uint64 (value, s->max_time);
    break;
  case PROP_SYNC:
    g_value_set_boolean (value, s->sync);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, make_stats_locked (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
geo_queue_finalize (GObject *object)
{
  GstSyrinxGeoQueue *self = GST_SYRINX_GEO_QUEUE (object);

  clear_locked (self);
  syrinx_items_free (&self->items);
  gst_clear_event (&self->demand);
  g_free (self->settings.scheduler);
  g_free (self->settings.region);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags ready
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (klass, PROP_SCHEDULER,
      g_param_spec_string ("scheduler", "Scheduler",
          "Name of the scheduler, shared by the process", DEFAULT_SCHEDULER,
          ready));
  g_object_class_install_property (klass, PROP_REGION,
      g_param_spec_string ("region", "Region",
          "The client's region (NULL: \"default\")", NULL, playing));
  g_object_class_install_property (klass, PROP_RTT,
      g_param_spec_uint64 ("rtt", "Round trip",
          "The client's round trip in nanoseconds, taken off its deadlines", 0,
          10 * GST_SECOND, DEFAULT_RTT, playing));
  g_object_class_install_property (klass, PROP_PRIORITY,
      g_param_spec_uint ("priority", "Priority",
          "Above 0: before all others, for at most half of what is sent", 0, 7,
          DEFAULT_PRIORITY, playing));
  g_object_class_install_property (klass, PROP_POLICY,
      g_param_spec_enum ("policy", "Policy", "Order of the whole scheduler",
          policy_get_type (), SYRINX_POLICY_GEO, ready));
  g_object_class_install_property (klass, PROP_BATCH,
      g_param_spec_uint ("batch", "Batch", "Buffers a wake-up", 1, 1000,
          DEFAULT_BATCH, playing));
  g_object_class_install_property (klass, PROP_LEAD,
      g_param_spec_uint64 ("lead", "Lead",
          "With sync: how much leaves ahead of its time, in nanoseconds", 0,
          3600 * GST_SECOND, DEFAULT_LEAD, playing));
  g_object_class_install_property (klass, PROP_MAX_BUFFERS,
      g_param_spec_uint ("max-size-buffers", "Max. buffers",
          "Most buffers in it (0: no bound)", 0, G_MAXUINT, DEFAULT_MAX_BUFFERS,
          playing));
  g_object_class_install_property (klass, PROP_MAX_BYTES,
      g_param_spec_uint ("max-size-bytes", "Max. bytes",
          "Most bytes in it (0: no bound)", 0, G_MAXUINT, DEFAULT_MAX_BYTES,
          playing));
  g_object_class_install_property (klass, PROP_MAX_TIME,
      g_param_spec_uint64 ("max-size-time", "Max. time",
          "Most nanoseconds in it (0: no bound)", 0, G_MAXUINT64,
          DEFAULT_MAX_TIME, playing));
  g_object_class_install_property (klass, PROP_SYNC,
      g_param_spec_boolean ("sync", "Sync",
          "Release by running time, so that sinks need not block", DEFAULT_SYNC,
          playing));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "buffers, bytes, time (ns), released, released-bytes, demands, "
          "turns, shared",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_syrinx_geo_queue_class_init (GstSyrinxGeoQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      geoqueue_debug, "syrinxgeoqueue", 0, "geo-priority request queue");
  object_class->set_property = geo_queue_set_property;
  object_class->get_property = geo_queue_get_property;
  object_class->finalize = geo_queue_finalize;
  element_class->change_state = geo_queue_change_state;
  install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Geo-priority request queue", "Generic/Queue",
      "Queues one client's data and lets a shared scheduler release it",
      "The Syrinx project");
  gst_type_mark_as_plugin_api (policy_get_type (), 0);
}

static void
gst_syrinx_geo_queue_init (GstSyrinxGeoQueue *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->settings = (Settings){ .scheduler = g_strdup (DEFAULT_SCHEDULER),
    .rtt = DEFAULT_RTT,
    .lead = DEFAULT_LEAD,
    .priority = DEFAULT_PRIORITY,
    .batch = DEFAULT_BATCH,
    .max_buffers = DEFAULT_MAX_BUFFERS,
    .max_bytes = DEFAULT_MAX_BYTES,
    .max_time = DEFAULT_MAX_TIME,
    .sync = DEFAULT_SYNC };
  syrinx_items_init (&self->items);
  self->flushing = TRUE;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, geo_queue_chain);
  gst_pad_set_chain_list_function (self->sink_pad, geo_queue_chain_list);
  gst_pad_set_event_function (self->sink_pad, geo_queue_sink_event);
  gst_pad_set_query_function (self->sink_pad, geo_queue_sink_query);
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
