/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scheduler: a few workers that serve every flow of the process. Between
 * regions start-time fair queueing (Goyal, Vin, Cheng 1996), within a region
 * earliest deadline first. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxScheduler SyrinxScheduler;
typedef struct _SyrinxFlow SyrinxFlow;

typedef enum
{
  SYRINX_POLICY_GEO,
  SYRINX_POLICY_FIFO,
  SYRINX_POLICY_STRICT
} SyrinxPolicy;

/* The process's scheduler of that name ("default"), with one worker per core
 * unless $SYRINX_WORKERS or syrinx_scheduler_set_workers() sets another number.
 * (transfer full) The threads start with the first flow and end with the last
 * reference. */
SyrinxScheduler *syrinx_scheduler_get (const gchar *name);
SyrinxScheduler *syrinx_scheduler_ref (SyrinxScheduler *scheduler);
void syrinx_scheduler_unref (SyrinxScheduler *scheduler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxScheduler, syrinx_scheduler_unref)

void
syrinx_scheduler_set_policy (SyrinxScheduler *scheduler, SyrinxPolicy policy);
/* @weight: 1 to 1000; a region starts with weight 1. May be called while flows
 * run. */
void syrinx_scheduler_set_region_weight (
    SyrinxScheduler *scheduler, const gchar *region, guint weight);
void syrinx_scheduler_set_workers (
    SyrinxScheduler *scheduler, guint n_workers); /* before the first flow */

/* Limits what all flows together send, in bits a second; 0, the default, means
 * no limit. Over it, ready flows wait here in their order rather than in socket
 * buffers. May be called while flows run. */
void syrinx_scheduler_set_egress (SyrinxScheduler *scheduler, guint64 bps);

/* The most that flows of a priority above 0 may take of what is sent while
 * others wait, 1 to 99 percent; 50 by default. */
void syrinx_scheduler_set_priority_percent (
    SyrinxScheduler *scheduler, guint percent);

/* All times are monotonic, in microseconds (g_get_monotonic_time()). */
#define SYRINX_TIME_NEVER G_MAXINT64

/* What a flow wants after its turn. */
typedef struct
{
  enum
  {
    SYRINX_NEXT_IDLE,
    SYRINX_NEXT_WAIT_DATA,
    SYRINX_NEXT_WAIT_TIME,
    SYRINX_NEXT_READY
  } state;
  gint64 due_us;      /* WAIT_TIME: when; READY: its deadline */
  guint64 cost_bytes; /* bytes sent in this turn, for fair sharing */
} SyrinxNext;

/* Serves one turn: one quantum, never blocking. A flow is served by one worker
 * at a time. No lock of the scheduler is held. */
typedef SyrinxNext (*SyrinxServeFunc) (SyrinxFlow *flow, gpointer user_data);

/* A new idle flow. @region (nullable): NULL means "default". @rtt_us is
 * subtracted from its deadlines; @priority 0 is normal. */
SyrinxFlow *
syrinx_scheduler_add_flow (SyrinxScheduler *scheduler, const gchar *region,
    gint64 rtt_us, guint priority, SyrinxServeFunc func, gpointer user_data);
/* Makes @flow ready with @deadline_us; if it is being served now, it is served
 * once more afterwards. Any thread. */
void syrinx_flow_wake (SyrinxFlow *flow, gint64 deadline_us);
void syrinx_flow_set_class (
    SyrinxFlow *flow, const gchar *region, gint64 rtt_us, guint priority);
/* Frees @flow, after waiting for its present turn, if any. Called from its own
 * turn, it only marks @flow, which is freed after the turn. */
void syrinx_flow_remove (SyrinxFlow *flow);

/* Timers, run by the same workers. @func is called once and must not block. Any
 * thread. */
typedef struct _SyrinxTimer SyrinxTimer;
SyrinxTimer *syrinx_scheduler_add_timer (SyrinxScheduler *scheduler,
    gint64 due_us, void (*func) (gpointer user_data), gpointer user_data);
/* Afterwards @func is not running and will not be called: this waits for a
 * running @func, unless that calls it. */
void syrinx_timer_cancel (SyrinxTimer *timer);

/* For how long the worker that is longest at one turn or timer has been, 0 if
 * all rest. Any thread. */
gint64 syrinx_scheduler_get_longest_turn_us (SyrinxScheduler *scheduler);

typedef struct
{
  gchar region[32];
  guint n_flows, n_ready;
  guint64 turns, cost_bytes;
  gint64 wait_p50_us, wait_p99_us, wait_max_us;
  gint64 lateness_p50_us, lateness_p99_us;
} SyrinxRegionStats;
/* (element-type SyrinxRegionStats) (transfer full) */
GArray *syrinx_scheduler_get_stats (SyrinxScheduler *scheduler);

G_END_DECLS
