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
 * unless $SYRINX_WORKERS or syrinx_scheduler_set_workers() says otherwise.
 * (transfer full) Threads start with the first flow and end with the last
 * reference. */
SyrinxScheduler *syrinx_scheduler_get (const gchar *name);
SyrinxScheduler *syrinx_scheduler_ref (SyrinxScheduler *scheduler);
void syrinx_scheduler_unref (SyrinxScheduler *scheduler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxScheduler, syrinx_scheduler_unref)

void
syrinx_scheduler_set_policy (SyrinxScheduler *scheduler, SyrinxPolicy policy);
/* @weight 1 to 1000; an unknown region has weight 1. May be called while flows
 * run. */
void syrinx_scheduler_set_region_weight (
    SyrinxScheduler *scheduler, const gchar *region, guint weight);
void syrinx_scheduler_set_workers (
    SyrinxScheduler *scheduler, guint n_workers); /* before the first flow */

/* What all flows may send together, in bits a second; 0, the default: any. Over
 * it the ready ones wait here, in their order, and not in socket buffers. May
 * be called while flows run. */
void syrinx_scheduler_set_egress (SyrinxScheduler *scheduler, guint64 bps);

/* How much of what is sent flows of a priority above 0 may take while others
 * wait, 1 to 99; 50 by default. */
void syrinx_scheduler_set_priority_percent (
    SyrinxScheduler *scheduler, guint percent);

/* Monotonic time in microseconds (g_get_monotonic_time) throughout. */
#define SYRINX_TIME_NEVER G_MAXINT64

/* What a served flow wants next. */
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
  guint64 cost_bytes; /* what this turn has sent, for fair sharing */
} SyrinxNext;

/* One turn: one quantum, never blocking. One worker at a time per flow. No lock
 * of the scheduler is held. */
typedef SyrinxNext (*SyrinxServeFunc) (SyrinxFlow *flow, gpointer user_data);

/* A new idle flow. @region (nullable), @rtt_us is taken off its deadlines,
 * @priority 0 is normal. */
SyrinxFlow *
syrinx_scheduler_add_flow (SyrinxScheduler *scheduler, const gchar *region,
    gint64 rtt_us, guint priority, SyrinxServeFunc func, gpointer user_data);
/* Makes it ready with @deadline_us; if it is being served now, it is served
 * again after. Any thread. */
void syrinx_flow_wake (SyrinxFlow *flow, gint64 deadline_us);
void syrinx_flow_set_class (
    SyrinxFlow *flow, const gchar *region, gint64 rtt_us, guint priority);
/* Waits for its service in progress and nothing else; from inside its own
 * service it is only marked. @flow is freed. */
void syrinx_flow_remove (SyrinxFlow *flow);

/* Timers on the same clockwork; @func runs in a worker, once, and must not
 * block. Any thread. */
typedef struct _SyrinxTimer SyrinxTimer;
SyrinxTimer *syrinx_scheduler_add_timer (SyrinxScheduler *scheduler,
    gint64 due_us, void (*func) (gpointer user_data), gpointer user_data);
/* After it has returned @func does not run any more (it waits for one that
 * does, unless called from it). */
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
