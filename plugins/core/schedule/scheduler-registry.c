/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The schedulers of the process: their registry, settings and statistics. */
#include "scheduler-private.h"

#include <stdlib.h>

#define DEFAULT_PRIORITY_PERCENT 50
#define SAVED_MS                 50 /* how long unused egress is kept */

static GMutex registry_lock;
static GHashTable *registry; /* name → SyrinxScheduler, no references */

/* --- Regions --- */

Region *
syrinx_scheduler_get_region_locked (SyrinxScheduler *self, const gchar *name)
{
  Region *region;

  if (!name)
    name = "default";
  region = g_hash_table_lookup (self->regions, name);
  if (region)
    return region;
  region = g_new0 (Region, 1);
  region->name = g_strdup (name);
  syrinx_fair_queue_add (&self->fair, &region->share, 1);
  syrinx_heap_init (&region->ready);
  g_hash_table_insert (self->regions, region->name, region);
  return region;
}

/* --- Settings --- */

void
syrinx_scheduler_set_policy (SyrinxScheduler *self, SyrinxPolicy policy)
{
  g_mutex_lock (&self->lock);
  self->policy = policy;
  g_mutex_unlock (&self->lock);
}

void
syrinx_scheduler_set_region_weight (
    SyrinxScheduler *self, const gchar *region, guint weight)
{
  g_mutex_lock (&self->lock);
  syrinx_scheduler_get_region_locked (self, region)->share.weight
      = CLAMP (weight, 1, 1000);
  g_mutex_unlock (&self->lock);
}

void
syrinx_scheduler_set_egress (SyrinxScheduler *self, guint64 bps)
{
  g_mutex_lock (&self->lock);
  syrinx_token_bucket_init (
      &self->egress, bps, bps * SAVED_MS / 1000, 0, g_get_monotonic_time ());
  g_cond_broadcast (&self->work);
  g_cond_broadcast (&self->time);
  g_mutex_unlock (&self->lock);
}

void
syrinx_scheduler_set_priority_percent (SyrinxScheduler *self, guint percent)
{
  g_mutex_lock (&self->lock);
  self->express_percent = CLAMP (percent, 1, 99);
  self->express_debt = 0;
  g_mutex_unlock (&self->lock);
}

void
syrinx_scheduler_set_workers (SyrinxScheduler *self, guint n_workers)
{
  g_mutex_lock (&self->lock);
  if (!self->threads->len)
    self->n_workers = MAX (n_workers, 1);
  g_mutex_unlock (&self->lock);
}

GArray *
syrinx_scheduler_get_stats (SyrinxScheduler *self)
{
  GArray *stats = g_array_new (FALSE, TRUE, sizeof (SyrinxRegionStats));
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->regions);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Region *region = value;
    SyrinxRegionStats row = { .n_flows = region->n_flows,
      .n_ready = region->n_ready,
      .turns = region->turns,
      .cost_bytes = region->cost_bytes,
      .wait_p50_us = syrinx_histogram_get_quantile (&region->wait, 0.5),
      .wait_p99_us = syrinx_histogram_get_quantile (&region->wait, 0.99),
      .wait_max_us = region->wait.max_us,
      .lateness_p50_us = syrinx_histogram_get_quantile (&region->lateness, 0.5),
      .lateness_p99_us
      = syrinx_histogram_get_quantile (&region->lateness, 0.99) };
    g_strlcpy (row.region, region->name, sizeof row.region);
    g_array_append_val (stats, row);
  }
  g_mutex_unlock (&self->lock);
  return stats;
}

gint64
syrinx_scheduler_get_longest_turn_us (SyrinxScheduler *self)
{
  const gint64 *began_us;
  gint64 longest_us = 0;

  g_mutex_lock (&self->lock);
  began_us = g_queue_peek_head (&self->turns);
  if (began_us)
    longest_us = g_get_monotonic_time () - *began_us;
  g_mutex_unlock (&self->lock);
  return longest_us;
}

static void
region_free (gpointer data)
{
  Region *region = data;

  syrinx_heap_clear (&region->ready);
  g_free (region->name);
  g_free (region);
}

static SyrinxScheduler *
scheduler_new (const gchar *name)
{
  SyrinxScheduler *self = g_new0 (SyrinxScheduler, 1);
  const gchar *workers = g_getenv ("SYRINX_WORKERS");

  self->name = g_strdup (name);
  self->refs = 1;
  self->regions
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, region_free);
  self->threads = g_ptr_array_new ();
  self->n_workers = CLAMP (
      workers ? (guint)atoi (workers) : g_get_num_processors (), 1, 256);
  self->express_percent = DEFAULT_PRIORITY_PERCENT;
  syrinx_fair_queue_init (&self->fair);
  syrinx_heap_init (&self->express);
  syrinx_heap_init (&self->sleeping);
  syrinx_heap_init (&self->timers);
  return self;
}

SyrinxScheduler *
syrinx_scheduler_get (const gchar *name)
{
  SyrinxScheduler *self;

  g_mutex_lock (&registry_lock);
  if (!registry)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  self = g_hash_table_lookup (registry, name);
  if (self) {
    self->refs++;
  } else {
    self = scheduler_new (name);
    g_hash_table_insert (registry, self->name, self);
  }
  g_mutex_unlock (&registry_lock);
  return self;
}

SyrinxScheduler *
syrinx_scheduler_ref (SyrinxScheduler *self)
{
  g_mutex_lock (&registry_lock);
  self->refs++;
  g_mutex_unlock (&registry_lock);
  return self;
}

static gpointer
end (gpointer data)
{
  SyrinxScheduler *self = data;

  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);
  g_ptr_array_unref (self->threads);
  g_hash_table_unref (self->regions);
  syrinx_fair_queue_clear (&self->fair);
  syrinx_heap_clear (&self->express);
  syrinx_heap_clear (&self->sleeping);
  syrinx_heap_clear (&self->timers);
  g_free (self->name);
  g_free (self);
  return NULL;
}

void
syrinx_scheduler_unref (SyrinxScheduler *self)
{
  gboolean is_worker = FALSE;

  g_mutex_lock (&registry_lock);
  if (--self->refs) {
    g_mutex_unlock (&registry_lock);
    return;
  }
  g_hash_table_remove (registry, self->name);
  g_mutex_unlock (&registry_lock);
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->work);
  g_cond_broadcast (&self->time);
  for (guint i = 0; i < self->threads->len; i++)
    is_worker |= self->threads->pdata[i] == g_thread_self ();
  g_mutex_unlock (&self->lock);
  /* A worker can't join itself. */
  if (is_worker)
    g_thread_unref (g_thread_new ("syrinx-end", end, self));
  else
    end (self);
}
