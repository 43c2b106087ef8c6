/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission: capacity, and the queue of waiters. A waiter is in three heaps:
 * two of its region, by turn and by reversed turn, and one of all waiters by
 * the end of their patience. */
#include "admission.h"

#include "core/base/heap.h"
#include "core/schedule/fair-queue.h"

#include <string.h>

#define SAMPLE_US    (200 * 1000) /* between samples of the CPU load */
#define MAX_BURST    256 /* after overload; beyond it there is no limit */
#define N_DEPARTURES 32  /* from which the rate is estimated */
#define MIN_RETRY_US G_USEC_PER_SEC
#define MAX_RETRY_US (600 * (gint64)G_USEC_PER_SEC)
#define NEVER        G_MAXINT64
#define SESSION_COST 65536 /* of one admission, in fair queueing */

typedef struct
{
  SyrinxFairShare share;
  const gchar *name; /* interned */
  SyrinxHeap turns;  /* the minimum is admitted next */
  SyrinxHeap lasts;  /* the minimum is refused first */
} Region;

struct _SyrinxWaiter
{
  SyrinxAdmission *admission;
  Region *region;
  guint kbps;
  gint64 since_us;
  SyrinxHeapNode turn, last, expiry;
  SyrinxAdmissionFunc func;
  gpointer user_data;
};

struct _SyrinxAdmission
{
  SyrinxAdmissionLimits limits;
  SyrinxLoadFunc load_func;
  gpointer load_data;
  GSource *source; /* calls syrinx_admission_step() */

  guint n_sessions;
  guint64 kbps;

  GPtrArray *regions;
  SyrinxFairQueue fair; /* the regions' shares */
  SyrinxHeap expiries;

  gint64 sampled_us;  /* when the CPU load was sampled */
  guint burst, quota; /* sessions per sample, and how many are left */

  gint64 departures_us[N_DEPARTURES];
  guint64 n_departures;

  guint64 n_admitted, n_refused;
  gint64 waited_us;
  guint64 waits[SYRINX_ADMISSION_N_BOUNDS + 1];
};

const guint syrinx_admission_bounds_ms[SYRINX_ADMISSION_N_BOUNDS]
    = { 1, 10, 100, 300, 1000, 3000, 10000, 30000 };

/* (nullable) The share must be the first member. */
#define REGION_OF(fair_share) ((Region *)(gpointer)(fair_share))
G_STATIC_ASSERT (G_STRUCT_OFFSET (Region, share) == 0);
#define WAITER_OF(node, member)                                                \
  ((SyrinxWaiter *)((guint8 *)(node)-G_STRUCT_OFFSET (SyrinxWaiter, member)))

/* --- Room --- */

/* After overload one session is admitted at the first sample with spare CPU,
 * and twice as many at each further one, since sessions cost CPU only after
 * they have begun. */
static void
look_at_cpu (SyrinxAdmission *self, gint64 now_us)
{
  if (now_us - self->sampled_us < SAMPLE_US)
    return;
  self->sampled_us = now_us;
  if (self->load_func (self->load_data) * 100 >= self->limits.max_cpu_percent) {
    self->burst = 1;
    self->quota = 0;
  } else {
    self->quota = self->burst;
    self->burst = self->burst < MAX_BURST ? self->burst * 2 : G_MAXUINT;
  }
}

static gboolean
has_room (SyrinxAdmission *self, guint kbps, gint64 now_us)
{
  const SyrinxAdmissionLimits *limits = &self->limits;

  if (self->n_sessions >= limits->max_sessions
      || (limits->max_egress_kbps
          && self->kbps + kbps > limits->max_egress_kbps))
    return FALSE;
  if (!limits->max_cpu_percent)
    return TRUE;
  look_at_cpu (self, now_us);
  return self->quota > 0;
}

static void
count_admitted (SyrinxAdmission *self, gint64 wait_us)
{
  guint bin = 0;

  if (self->quota)
    self->quota--;
  self->n_admitted++;
  self->waited_us += wait_us;
  while (bin < SYRINX_ADMISSION_N_BOUNDS
         && wait_us > syrinx_admission_bounds_ms[bin] * (gint64)1000)
    bin++;
  self->waits[bin]++;
}

guint
syrinx_admission_kbps_of (const gchar *rendition)
{
  const gchar *dash = strrchr (rendition, '-');

  return dash ? g_ascii_strtoull (dash + 1, NULL, 10) : 0;
}

void
syrinx_admission_enter (SyrinxAdmission *self, guint kbps)
{
  self->n_sessions++;
  self->kbps += kbps;
}

void
syrinx_admission_leave (SyrinxAdmission *self, guint kbps, gint64 now_us)
{
  self->n_sessions--;
  self->kbps -= kbps;
  self->departures_us[self->n_departures++ % N_DEPARTURES] = now_us;
  if (syrinx_heap_get_size (&self->expiries))
    g_source_set_ready_time (self->source, 0);
}

/* --- Whose turn it is --- */

static Region *
get_region (SyrinxAdmission *self, const SyrinxAdmissionRequest *request)
{
  const gchar *name = g_intern_string (request->region);
  Region *region;

  for (guint i = 0; i < self->regions->len; i++) {
    region = self->regions->pdata[i];
    if (region->name == name) {
      region->share.weight = MAX (request->weight, 1);
      return region;
    }
  }
  region = g_new0 (Region, 1);
  region->name = name;
  syrinx_fair_queue_add (&self->fair, &region->share, request->weight);
  syrinx_heap_init (&region->turns);
  syrinx_heap_init (&region->lasts);
  g_ptr_array_add (self->regions, region);
  return region;
}

/* The region with most waiters relative to its weight, counting one more in
 * @joined. */
static Region *
choose_crowded (SyrinxAdmission *self, Region *joined)
{
  Region *most = joined;
  gdouble crowd = 0;

  for (guint i = 0; i < self->regions->len; i++) {
    Region *region = self->regions->pdata[i];
    gdouble n = region->share.n_waiting + (region == joined);
    if (n / region->share.weight > crowd
        || (n / region->share.weight == crowd && region == joined)) {
      most = region;
      crowd = n / region->share.weight;
    }
  }
  return most;
}

/* --- Waiting --- */

static void
schedule (SyrinxAdmission *self)
{
  SyrinxHeapNode *first = syrinx_heap_peek (&self->expiries);
  gint64 due_us = first ? first->key : NEVER;

  /* The load may fall without a session that ends: sample it again. */
  if (first && self->limits.max_cpu_percent && !self->quota)
    due_us = MIN (due_us, self->sampled_us + SAMPLE_US);
  g_source_set_ready_time (self->source, first ? due_us : -1);
}

static SyrinxWaiter *
add_waiter (SyrinxAdmission *self, Region *region,
    const SyrinxAdmissionRequest *request, gint64 now_us)
{
  SyrinxWaiter *waiter = g_new0 (SyrinxWaiter, 1);
  gint64 end_us = now_us + self->limits.max_wait_ms * (gint64)1000;
  gint64 turn_us = end_us - request->rtt_ms * (gint64)1000;

  waiter->admission = self;
  waiter->region = region;
  waiter->kbps = request->kbps;
  waiter->since_us = now_us;
  syrinx_fair_queue_enter (&self->fair, &region->share);
  syrinx_heap_insert (&region->turns, &waiter->turn, turn_us);
  syrinx_heap_insert (&region->lasts, &waiter->last, -turn_us);
  syrinx_heap_insert (&self->expiries, &waiter->expiry, end_us);
  schedule (self);
  return waiter;
}

void
syrinx_admission_give_up (SyrinxWaiter *waiter)
{
  syrinx_fair_queue_leave (&waiter->admission->fair, &waiter->region->share);
  syrinx_heap_remove (&waiter->region->turns, &waiter->turn);
  syrinx_heap_remove (&waiter->region->lasts, &waiter->last);
  syrinx_heap_remove (&waiter->admission->expiries, &waiter->expiry);
  g_free (waiter);
}

/* When one more waiter of @region may be admitted: by the recent rate of
 * sessions that ended, the region's share of it, and its waiters. */
static gint64
estimate (SyrinxAdmission *self, Region *region, gint64 now_us)
{
  guint n = MIN (self->n_departures, N_DEPARTURES),
        weights = region->share.weight;
  guint oldest = (self->n_departures - n) % N_DEPARTURES;
  gdouble mean_us, shares;

  if (!n)
    return CLAMP (
        self->limits.max_wait_ms * (gint64)1000, MIN_RETRY_US, MAX_RETRY_US);
  for (guint i = 0; i < self->regions->len; i++) {
    Region *other = self->regions->pdata[i];
    if (other != region && other->share.n_waiting)
      weights += other->share.weight;
  }
  mean_us = (gdouble)(now_us - self->departures_us[oldest]) / n;
  shares = (gdouble)weights / region->share.weight;
  return CLAMP (mean_us * shares * (region->share.n_waiting + 1), MIN_RETRY_US,
      MAX_RETRY_US);
}

static void
refuse (SyrinxAdmission *self, SyrinxWaiter *waiter, gint64 now_us)
{
  SyrinxAdmissionFunc func = waiter->func;
  gpointer user_data = waiter->user_data;
  Region *region = waiter->region;

  syrinx_admission_give_up (waiter);
  self->n_refused++;
  func (FALSE, estimate (self, region, now_us), user_data);
}

static void
admit (SyrinxAdmission *self, SyrinxWaiter *waiter, gint64 now_us)
{
  SyrinxAdmissionFunc func = waiter->func;
  gpointer user_data = waiter->user_data;
  Region *region = waiter->region;

  syrinx_fair_queue_begin (&self->fair, &region->share, SESSION_COST);
  syrinx_fair_queue_end (&region->share);
  count_admitted (self, now_us - waiter->since_us);
  syrinx_admission_give_up (waiter);
  func (TRUE, 0, user_data);
}

void
syrinx_admission_step (SyrinxAdmission *self, gint64 now_us)
{
  SyrinxHeapNode *node;
  Region *region;

  /* Admission before expiry: a waiter whose patience ends now may still get
   * in. */
  while ((region = REGION_OF (syrinx_fair_queue_choose (&self->fair)))) {
    SyrinxWaiter *best = WAITER_OF (syrinx_heap_peek (&region->turns), turn);
    if (!has_room (self, best->kbps, now_us))
      break;
    admit (self, best, now_us);
  }
  while ((node = syrinx_heap_peek (&self->expiries)) && node->key <= now_us)
    refuse (self, WAITER_OF (node, expiry), now_us);
  schedule (self);
}

gboolean
syrinx_admission_try (SyrinxAdmission *self,
    const SyrinxAdmissionRequest *request, gint64 now_us, gint64 *retry_us)
{
  gboolean fits = !syrinx_heap_get_size (&self->expiries)
                  && has_room (self, request->kbps, now_us);

  if (fits) {
    count_admitted (self, 0);
    return TRUE;
  }
  self->n_refused++;
  *retry_us = estimate (self, get_region (self, request), now_us);
  return FALSE;
}

SyrinxAdmissionAnswer
syrinx_admission_ask (SyrinxAdmission *self,
    const SyrinxAdmissionRequest *request, gint64 now_us,
    SyrinxAdmissionFunc func, gpointer user_data, SyrinxWaiter **waiter,
    gint64 *retry_us)
{
  Region *region = get_region (self, request);
  const SyrinxAdmissionLimits *limits = &self->limits;
  guint n_waiting = syrinx_heap_get_size (&self->expiries);

  if (!n_waiting && has_room (self, request->kbps, now_us)) {
    count_admitted (self, 0);
    return SYRINX_ADMISSION_NOW;
  }
  /* A request that can never fit would block all waiters behind it. */
  if ((limits->max_egress_kbps && request->kbps > limits->max_egress_kbps)
      || !limits->max_waiters
      || (n_waiting >= limits->max_waiters
          && choose_crowded (self, region) == region)) {
    self->n_refused++;
    *retry_us = estimate (self, region, now_us);
    return SYRINX_ADMISSION_REFUSED;
  }
  if (n_waiting >= limits->max_waiters) {
    Region *crowded = choose_crowded (self, region);
    refuse (self, WAITER_OF (syrinx_heap_peek (&crowded->lasts), last), now_us);
  }
  *waiter = add_waiter (self, region, request, now_us);
  (*waiter)->func = func;
  (*waiter)->user_data = user_data;
  return SYRINX_ADMISSION_WAITS;
}

/* --- Life --- */

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  return func (user_data);
}

static gboolean
step (gpointer user_data)
{
  syrinx_admission_step (user_data, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

static void
region_free (gpointer data)
{
  Region *region = data;

  syrinx_heap_clear (&region->turns);
  syrinx_heap_clear (&region->lasts);
  g_free (region);
}

SyrinxAdmission *
syrinx_admission_new (
    const SyrinxAdmissionLimits *limits, SyrinxLoadFunc func, gpointer data)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  SyrinxAdmission *self = g_new0 (SyrinxAdmission, 1);

  self->limits = *limits;
  self->load_func = func;
  self->load_data = data;
  self->burst = self->quota = G_MAXUINT;
  self->sampled_us = G_MININT64 / 2;
  self->regions = g_ptr_array_new_with_free_func (region_free);
  syrinx_fair_queue_init (&self->fair);
  syrinx_heap_init (&self->expiries);
  self->source = g_source_new (&funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "admission");
  g_source_set_callback (self->source, step, self, NULL);
  g_source_attach (self->source, NULL);
  return self;
}

void
syrinx_admission_free (SyrinxAdmission *self)
{
  SyrinxHeapNode *node;

  while ((node = syrinx_heap_peek (&self->expiries)))
    syrinx_admission_give_up (WAITER_OF (node, expiry));
  g_source_destroy (self->source);
  g_source_unref (self->source);
  syrinx_fair_queue_clear (&self->fair);
  g_ptr_array_unref (self->regions);
  syrinx_heap_clear (&self->expiries);
  g_free (self);
}

void
syrinx_admission_set_limits (
    SyrinxAdmission *self, const SyrinxAdmissionLimits *limits)
{
  self->limits = *limits;
  if (syrinx_heap_get_size (&self->expiries))
    g_source_set_ready_time (self->source, 0);
}

void
syrinx_admission_get_stats (SyrinxAdmission *self, SyrinxAdmissionStats *stats)
{
  *stats = (SyrinxAdmissionStats){ .n_sessions = self->n_sessions,
    .n_waiting = syrinx_heap_get_size (&self->expiries),
    .kbps = self->kbps,
    .n_admitted = self->n_admitted,
    .n_refused = self->n_refused,
    .waited_us = self->waited_us };
  memcpy (stats->waits, self->waits, sizeof stats->waits);
}
