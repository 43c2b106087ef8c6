/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by scheduler.c and scheduler-registry.c. Each scheduler
 * has one lock; the registry's lock is never held together with one. */
#pragma once

#include "scheduler.h"

#include "fair-queue.h"

#include "core/base/heap.h"
#include "core/base/histogram.h"
#include "core/base/token-bucket.h"

typedef struct
{
  SyrinxFairShare share; /* of flows with priority 0 */
  gchar *name;
  SyrinxHeap ready;
  guint64 cost_estimate; /* of one turn, as a running mean */
  guint n_flows, n_ready;
  guint64 turns, cost_bytes;
  SyrinxHistogram wait, lateness;
} Region;

struct _SyrinxScheduler
{
  gchar *name;
  gint refs; /* protected by registry_lock */

  GMutex lock;
  GCond work;   /* idle workers wait here to be woken */
  GCond time;   /* one idle worker waits here for the next due time */
  GCond served; /* signalled when a service or timer has ended */

  /* protected by lock */
  GHashTable *regions; /* name → Region */
  SyrinxHeap express, sleeping, timers;
  SyrinxFairQueue fair;
  gint64 express_debt;
  guint express_percent; /* the most that priority flows may take while others
                            wait */
  guint n_ready;
  SyrinxTokenBucket egress; /* in bits */
  SyrinxPolicy policy;
  guint n_workers, n_idle;
  GPtrArray *threads; /* GThread */
  GQueue turns; /* gint64: when each that a worker is at began, in order */
  gboolean keeps_time, stopping;
  gint64 kept_due_us; /* until when the worker that waits for the next due time
                         sleeps */
};

/* Returns the region, which is made if there is none. @name (nullable): NULL
 * means "default". */
Region *syrinx_scheduler_get_region_locked (
    SyrinxScheduler *scheduler, const gchar *name);
