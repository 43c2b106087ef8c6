/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What scheduler.c, which serves, and scheduler-registry.c, which keeps, share.
 * Each scheduler has one lock; the registry's is taken alone. */
#pragma once

#include "scheduler.h"

#include "fair-queue.h"

#include "core/base/heap.h"
#include "core/base/histogram.h"
#include "core/base/token-bucket.h"

typedef struct
{
  SyrinxFairShare share; /* of flows without priority */
  gchar *name;
  SyrinxHeap ready;
  guint64 cost_estimate; /* of a turn, running mean */
  guint n_flows, n_ready;
  guint64 turns, cost_bytes;
  SyrinxHistogram wait, lateness;
} Region;

struct _SyrinxScheduler
{
  gchar *name;
  gint refs; /* protected by registry_lock */

  GMutex lock;
  GCond work;   /* idle workers wait here */
  GCond time;   /* and one of them here, for the next due */
  GCond served; /* a service or timer has ended */

  /* protected by lock */
  GHashTable *regions; /* name → Region */
  SyrinxHeap express, sleeping, timers;
  SyrinxFairQueue fair;
  gint64 express_debt;
  guint express_percent; /* of what is sent while others wait */
  guint n_ready;
  SyrinxTokenBucket egress; /* of bits */
  SyrinxPolicy policy;
  guint n_workers, n_idle;
  GPtrArray *threads; /* GThread */
  GQueue turns; /* gint64: when each that a worker is at began, in order */
  gboolean keeps_time, stopping;
  gint64 kept_due_us; /* until when whoever keeps the time sleeps */
};

/* Made if there is none. @name (nullable): "default". */
Region *syrinx_scheduler_get_region_locked (
    SyrinxScheduler *scheduler, const gchar *name);
