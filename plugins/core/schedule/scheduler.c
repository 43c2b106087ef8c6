/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scheduler: a few workers that serve every flow of the process.
 *
 * A scheduler is made by the first syrinx_scheduler_get() of its name
 * (scheduler-registry.c). Its workers start with the first flow or timer, and
 * end with the last reference; if a worker drops that one, an extra thread
 * joins them. The owner of a flow keeps a reference of the scheduler as long as
 * the flow exists.
 *
 * A flow is in exactly one of four states:
 *
 *   idle        in no heap, also while it waits for data; syrinx_flow_wake()
 *               makes it ready
 *   ready       in its region's heap or, with a priority above 0, in `express`,
 *               until a worker chooses it
 *   in service  in no heap; the worker calls its function without the lock;
 *               the function returns the next state
 *   sleeping    in `sleeping`; ready when its time has come, or when woken
 *
 * If a flow is woken, changes its class or is removed while it is in service,
 * that takes effect at the end of the turn. syrinx_flow_remove() waits for that
 * end, unless it is called by the turn itself. A timer is served like a flow,
 * but once.
 *
 * Of the workers that have nothing to do, one waits for the next due time
 * (`keeps_time`), the others only to be woken. While the egress budget is spent
 * no flow is served, and that one worker waits until there is budget again.
 *
 * Between regions: start-time fair queueing (fair-queue.h), where the cost of a
 * turn is the bytes that it sends. Within a region: earliest deadline first,
 * with the client's round trip subtracted. Flows of a priority above 0 go
 * before all others until they have taken their part (half by default) of what
 * was sent while others waited.
 *
 * With SYRINX_POLICY_GEO nothing starves: a flow's key lies between
 * MAX_LATE_US + MAX_RTT_US before and MAX_DEADLINE_US after the moment it
 * becomes ready, so a flow that has waited for the sum of these (13 s) precedes
 * all that became ready since; and a turn costs at least MIN_TURN_BYTES, so
 * every region with a ready flow gets its share. STRICT starves by intent.
 *
 * All state is protected by the scheduler's lock, which is not held while a
 * flow's or a timer's function runs. It is never held together with the
 * registry's lock. */
#include "scheduler-private.h"

#define MAX_DEADLINE_US (10 * G_USEC_PER_SEC)
#define MAX_LATE_US     G_USEC_PER_SEC
#define MAX_RTT_US      (2 * G_USEC_PER_SEC)
#define TIMER_GRID_US   2000 /* wake-ups are rounded up to multiples of this */
#define MIN_TURN_BYTES  64   /* a turn that sends nothing still costs time */

struct _SyrinxFlow
{
  /* constant after init */
  SyrinxScheduler *scheduler;
  SyrinxServeFunc func;
  gpointer user_data;

  /* protected by scheduler->lock */
  Region *region;
  gint64 rtt_us;
  guint priority;
  SyrinxHeapNode node; /* in express, region->ready or sleeping */
  SyrinxHeap *heap;    /* the heap that node is in; (nullable) */
  gint64 deadline_us, ready_since_us;
  gint64 due_us;      /* the time it slept until; 0: it did not sleep */
  GThread *served_by; /* (nullable) the worker that serves it */
  gboolean wake_again;
  gboolean leaving; /* a thread waits to free it: it is not served again */
  gboolean removed;
};

struct _SyrinxTimer
{
  SyrinxScheduler *scheduler;
  void (*func) (gpointer user_data);
  gpointer user_data;

  /* protected by scheduler->lock */
  SyrinxHeapNode node;
  GThread *runs_in;
  gboolean done, cancelled;
};

#define FLOW_OF(n)                                                             \
  ((SyrinxFlow *)((guint8 *)(n)-G_STRUCT_OFFSET (SyrinxFlow, node)))
#define TIMER_OF(n)                                                            \
  ((SyrinxTimer *)((guint8 *)(n)-G_STRUCT_OFFSET (SyrinxTimer, node)))

/* @share (nullable) is the first member of its region. */
#define REGION_OF(share) ((Region *)(gpointer)(share))
G_STATIC_ASSERT (G_STRUCT_OFFSET (Region, share) == 0);

/* --- Choosing --- */

static gint64
key_of (SyrinxScheduler *self, SyrinxFlow *flow)
{
  return self->policy == SYRINX_POLICY_FIFO
             ? flow->ready_since_us
             : flow->deadline_us - CLAMP (flow->rtt_us, 0, MAX_RTT_US);
}

static void
take_out_locked (SyrinxFlow *flow)
{
  if (!flow->heap)
    return;
  syrinx_heap_remove (flow->heap, &flow->node);
  if (flow->heap == &flow->region->ready)
    syrinx_fair_queue_leave (&flow->scheduler->fair, &flow->region->share);
  if (flow->heap != &flow->scheduler->sleeping) {
    flow->scheduler->n_ready--;
    flow->region->n_ready--;
  }
  flow->heap = NULL;
}

static void
wake_a_worker_locked (SyrinxScheduler *self)
{
  if (self->n_idle > self->keeps_time)
    g_cond_signal (&self->work);
  else if (self->keeps_time)
    g_cond_signal (&self->time);
}

static void
make_ready_locked (SyrinxFlow *flow, gint64 deadline_us, gint64 now_us)
{
  SyrinxScheduler *self = flow->scheduler;
  Region *region = flow->region;

  take_out_locked (flow);
  flow->deadline_us
      = CLAMP (deadline_us, now_us - MAX_LATE_US, now_us + MAX_DEADLINE_US);
  flow->ready_since_us = now_us;
  flow->heap = flow->priority ? &self->express : &region->ready;
  if (!flow->priority)
    syrinx_fair_queue_enter (&self->fair, &region->share);
  syrinx_heap_insert (flow->heap, &flow->node, key_of (self, flow));
  self->n_ready++;
  region->n_ready++;
}

static gboolean
goes_before (const SyrinxScheduler *self, Region *region, Region *other)
{
  return self->policy == SYRINX_POLICY_FIFO
             ? syrinx_heap_peek (&region->ready)->key
                   < syrinx_heap_peek (&other->ready)->key
             : region->share.weight > other->share.weight;
}

static Region *
choose_region_locked (SyrinxScheduler *self)
{
  Region *best = NULL;

  if (self->policy == SYRINX_POLICY_GEO)
    return REGION_OF (syrinx_fair_queue_choose (&self->fair));
  for (guint i = 0; i < self->fair.shares->len; i++) {
    Region *region = REGION_OF (self->fair.shares->pdata[i]);
    if (region->share.n_waiting && (!best || goes_before (self, region, best)))
      best = region;
  }
  return best;
}

static SyrinxFlow *
choose_locked (SyrinxScheduler *self)
{
  SyrinxHeapNode *express = syrinx_heap_peek (&self->express);
  Region *region = choose_region_locked (self);
  SyrinxFlow *flow;

  if (express && (!region || self->express_debt <= 0))
    flow = FLOW_OF (express);
  else if (region)
    flow = FLOW_OF (syrinx_heap_peek (&region->ready));
  else
    return NULL;
  take_out_locked (flow);
  return flow;
}

/* --- Serving --- */

static void
spend_locked (SyrinxScheduler *self, gint64 size_bytes)
{
  syrinx_token_bucket_spend (&self->egress, size_bytes * 8);
}

static gboolean
is_egress_spent_locked (SyrinxScheduler *self, gint64 now_us)
{
  return syrinx_token_bucket_get_wait_us (&self->egress, 0, now_us) > 0;
}

/* Charges the usual cost of a turn, so that two workers don't both serve the
 * region with the smallest tag. settle_locked() corrects the charge. */
static guint64
charge_locked (SyrinxFlow *flow)
{
  Region *region = flow->region;

  if (flow->priority)
    return 0;
  syrinx_fair_queue_begin (
      &flow->scheduler->fair, &region->share, region->cost_estimate);
  spend_locked (flow->scheduler, region->cost_estimate);
  return region->cost_estimate;
}

/* @region and @is_express are those at the start of the turn: the flow's class
 * may have changed since. */
static void
settle_locked (SyrinxScheduler *self, Region *region, gboolean is_express,
    guint64 charged, guint64 cost)
{
  region->turns++;
  region->cost_bytes += cost;
  spend_locked (self, (gint64)cost - (gint64)charged);
  cost = MAX (cost, MIN_TURN_BYTES);
  if (is_express) {
    /* What is sent while no normal flow waits does not count. */
    if (self->n_ready > syrinx_heap_get_size (&self->express))
      self->express_debt += cost * (100 - self->express_percent);
    return;
  }
  self->express_debt
      = MAX (self->express_debt - (gint64)(cost * self->express_percent), 0);
  syrinx_fair_queue_correct (&region->share, charged, cost);
  region->cost_estimate = (region->cost_estimate * 7 + cost) / 8;
}

static void
place_locked (SyrinxFlow *flow, const SyrinxNext *next)
{
  SyrinxScheduler *self = flow->scheduler;
  gint64 now_us = g_get_monotonic_time ();

  flow->due_us = 0;
  if (flow->leaving)
    return;
  if (flow->wake_again) {
    flow->wake_again = FALSE;
    make_ready_locked (flow, flow->deadline_us, now_us);
  } else if (next->state == SYRINX_NEXT_READY) {
    make_ready_locked (flow, next->due_us, now_us);
  } else if (next->state == SYRINX_NEXT_WAIT_TIME) {
    SyrinxHeapNode *first = syrinx_heap_peek (&self->sleeping);
    flow->due_us = next->due_us;
    flow->heap = &self->sleeping;
    if (self->keeps_time && (!first || next->due_us < first->key))
      g_cond_signal (&self->time);
    syrinx_heap_insert (&self->sleeping, &flow->node, next->due_us);
  }
}

/* Without the lock, as one that is seen to begin and end. */
static SyrinxNext
call_unlocking (SyrinxScheduler *self, SyrinxFlow *flow, gint64 now_us)
{
  GList turn = { .data = &now_us };
  SyrinxNext next;

  g_queue_push_tail_link (&self->turns, &turn);
  g_mutex_unlock (&self->lock);
  next = flow->func (flow, flow->user_data);
  g_mutex_lock (&self->lock);
  g_queue_unlink (&self->turns, &turn);
  return next;
}

static void
serve_unlocking (SyrinxScheduler *self, SyrinxFlow *flow)
{
  gint64 now_us = g_get_monotonic_time ();
  Region *region = flow->region;
  gboolean is_express = flow->priority > 0;
  guint64 charged = charge_locked (flow);
  SyrinxNext next;

  syrinx_histogram_add (&region->wait, now_us - flow->ready_since_us);
  if (flow->due_us)
    syrinx_histogram_add (&region->lateness, now_us - flow->due_us);
  flow->served_by = g_thread_self ();
  if (self->n_ready && !is_egress_spent_locked (self, now_us))
    wake_a_worker_locked (self);
  next = call_unlocking (self, flow, now_us);
  settle_locked (self, region, is_express, charged, next.cost_bytes);
  flow->served_by = NULL;
  if (flow->removed) {
    if (!is_express)
      syrinx_fair_queue_end (&region->share);
    g_free (flow);
    return;
  }
  place_locked (flow, &next);
  if (!is_express)
    syrinx_fair_queue_end (&region->share);
  if (flow->leaving)
    g_cond_broadcast (&self->served);
}

static void
fire_unlocking (SyrinxScheduler *self, SyrinxTimer *timer)
{
  gint64 now_us = g_get_monotonic_time ();
  GList turn = { .data = &now_us };

  g_queue_push_tail_link (&self->turns, &turn);
  syrinx_heap_remove (&self->timers, &timer->node);
  timer->runs_in = g_thread_self ();
  g_mutex_unlock (&self->lock);
  timer->func (timer->user_data);
  g_mutex_lock (&self->lock);
  g_queue_unlink (&self->turns, &turn);
  timer->runs_in = NULL;
  timer->done = TRUE;
  if (timer->cancelled)
    g_free (timer);
  else
    g_cond_broadcast (&self->served);
}

/* Makes sleeping flows ready whose time has come. */
static void
wake_sleepers_locked (SyrinxScheduler *self, gint64 now_us)
{
  SyrinxHeapNode *node;

  while ((node = syrinx_heap_peek (&self->sleeping)) && node->key <= now_us)
    make_ready_locked (FLOW_OF (node), node->key, now_us);
}

static gint64
next_due_locked (SyrinxScheduler *self, gint64 now_us)
{
  SyrinxHeapNode *sleeper = syrinx_heap_peek (&self->sleeping);
  SyrinxHeapNode *timer = syrinx_heap_peek (&self->timers);
  gint64 due_us = MIN (sleeper ? sleeper->key : SYRINX_TIME_NEVER,
      timer ? timer->key : SYRINX_TIME_NEVER);
  gint64 wait_us = syrinx_token_bucket_get_wait_us (&self->egress, 0, now_us);

  if (self->n_ready && wait_us > 0)
    due_us = MIN (due_us, now_us + wait_us);
  /* Rounds up, so that due times near each other cause a single wake-up. */
  return due_us == SYRINX_TIME_NEVER
             ? due_us
             : (due_us + TIMER_GRID_US - 1) / TIMER_GRID_US * TIMER_GRID_US;
}

/* One idle worker waits for the next due time, the others only to be woken. */
static void
rest_unlocking (SyrinxScheduler *self, gint64 now_us)
{
  gint64 due_us = next_due_locked (self, now_us);

  self->n_idle++;
  if (self->keeps_time) {
    if (due_us < self->kept_due_us)
      g_cond_signal (&self->time);
    g_cond_wait (&self->work, &self->lock);
  } else {
    self->keeps_time = TRUE;
    self->kept_due_us = due_us;
    if (due_us == SYRINX_TIME_NEVER)
      g_cond_wait (&self->time, &self->lock);
    else
      g_cond_wait_until (&self->time, &self->lock, due_us);
    self->keeps_time = FALSE;
    /* While this worker is busy, another one must watch the due times. */
    if (self->n_idle > 1)
      g_cond_signal (&self->work);
  }
  self->n_idle--;
}

static gpointer
work (gpointer data)
{
  SyrinxScheduler *self = data;

  g_mutex_lock (&self->lock);
  while (!self->stopping) {
    gint64 now_us = g_get_monotonic_time ();
    SyrinxHeapNode *timer = syrinx_heap_peek (&self->timers);
    SyrinxFlow *flow;
    wake_sleepers_locked (self, now_us);
    if (timer && timer->key <= now_us)
      fire_unlocking (self, TIMER_OF (timer));
    else if (!is_egress_spent_locked (self, now_us)
             && (flow = choose_locked (self)))
      serve_unlocking (self, flow);
    else
      rest_unlocking (self, now_us);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
start_workers_locked (SyrinxScheduler *self)
{
  while (self->threads->len < self->n_workers) {
    g_autofree gchar *name = g_strdup_printf ("syrinx-%u", self->threads->len);
    g_ptr_array_add (self->threads, g_thread_new (name, work, self));
  }
}

/* --- Flows --- */

SyrinxFlow *
syrinx_scheduler_add_flow (SyrinxScheduler *self, const gchar *region,
    gint64 rtt_us, guint priority, SyrinxServeFunc func, gpointer user_data)
{
  SyrinxFlow *flow = g_new0 (SyrinxFlow, 1);

  flow->scheduler = self;
  flow->func = func;
  flow->user_data = user_data;
  flow->rtt_us = rtt_us;
  flow->priority = priority;
  g_mutex_lock (&self->lock);
  flow->region = syrinx_scheduler_get_region_locked (self, region);
  flow->region->n_flows++;
  start_workers_locked (self);
  g_mutex_unlock (&self->lock);
  return flow;
}

void
syrinx_flow_wake (SyrinxFlow *flow, gint64 deadline_us)
{
  SyrinxScheduler *self = flow->scheduler;

  g_mutex_lock (&self->lock);
  if (flow->served_by) {
    flow->deadline_us
        = flow->wake_again ? MIN (flow->deadline_us, deadline_us) : deadline_us;
    flow->wake_again = TRUE;
  } else if (flow->leaving) {
    /* Its last turn is over. */
  } else if (!flow->heap || flow->heap == &self->sleeping) {
    flow->due_us = 0;
    make_ready_locked (flow, deadline_us, g_get_monotonic_time ());
    wake_a_worker_locked (self);
  } else if (deadline_us < flow->deadline_us) {
    make_ready_locked (flow, deadline_us, flow->ready_since_us);
  }
  g_mutex_unlock (&self->lock);
}

void
syrinx_flow_set_class (
    SyrinxFlow *flow, const gchar *region, gint64 rtt_us, guint priority)
{
  SyrinxScheduler *self = flow->scheduler;
  gboolean is_ready;
  gint64 since_us;

  g_mutex_lock (&self->lock);
  is_ready = flow->heap && flow->heap != &self->sleeping;
  since_us = flow->ready_since_us;
  if (is_ready)
    take_out_locked (flow);
  flow->region->n_flows--;
  flow->region = syrinx_scheduler_get_region_locked (self, region);
  flow->region->n_flows++;
  flow->rtt_us = rtt_us;
  flow->priority = priority;
  if (is_ready)
    make_ready_locked (flow, flow->deadline_us, since_us);
  g_mutex_unlock (&self->lock);
}

void
syrinx_flow_remove (SyrinxFlow *flow)
{
  SyrinxScheduler *self = flow->scheduler;

  g_mutex_lock (&self->lock);
  take_out_locked (flow);
  flow->region->n_flows--;
  if (flow->served_by == g_thread_self ()) {
    flow->removed = TRUE;
    g_mutex_unlock (&self->lock);
    return;
  }
  flow->leaving = TRUE;
  while (flow->served_by)
    g_cond_wait (&self->served, &self->lock);
  g_mutex_unlock (&self->lock);
  g_free (flow);
}

/* --- Timers --- */

SyrinxTimer *
syrinx_scheduler_add_timer (SyrinxScheduler *self, gint64 due_us,
    void (*func) (gpointer user_data), gpointer user_data)
{
  SyrinxTimer *timer = g_new0 (SyrinxTimer, 1);

  timer->scheduler = self;
  timer->func = func;
  timer->user_data = user_data;
  g_mutex_lock (&self->lock);
  start_workers_locked (self);
  syrinx_heap_insert (&self->timers, &timer->node, due_us);
  if (syrinx_heap_peek (&self->timers) == &timer->node && self->keeps_time)
    g_cond_signal (&self->time);
  g_mutex_unlock (&self->lock);
  return timer;
}

void
syrinx_timer_cancel (SyrinxTimer *timer)
{
  SyrinxScheduler *self = timer->scheduler;

  g_mutex_lock (&self->lock);
  if (timer->runs_in == g_thread_self ()) {
    timer->cancelled = TRUE;
    g_mutex_unlock (&self->lock);
    return;
  }
  syrinx_heap_remove (&self->timers, &timer->node);
  while (timer->runs_in)
    g_cond_wait (&self->served, &self->lock);
  g_mutex_unlock (&self->lock);
  g_free (timer);
}
