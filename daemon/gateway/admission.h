/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides which session may begin now, waits, or is refused. Existing sessions
 * are never ended. Main thread only. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxAdmission SyrinxAdmission;
typedef struct _SyrinxWaiter SyrinxWaiter;

typedef struct
{
  guint max_sessions;
  guint max_egress_kbps; /* 0: any */
  guint max_cpu_percent; /* of all cores; 0: any */
  guint max_waiters;
  guint max_wait_ms;
} SyrinxAdmissionLimits;

/* The share (0 to 1) of all cores used since the last call. */
typedef gdouble (*SyrinxLoadFunc) (gpointer user_data);

/* (transfer full) @func is called only when sessions begin. */
SyrinxAdmission *syrinx_admission_new (
    const SyrinxAdmissionLimits *limits, SyrinxLoadFunc func, gpointer data);
/* Waiters are dropped; their functions are not called. */
void syrinx_admission_free (SyrinxAdmission *admission);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAdmission, syrinx_admission_free)
/* Existing sessions beyond the new limits go on; waiters keep their
 * deadlines. */
void syrinx_admission_set_limits (
    SyrinxAdmission *admission, const SyrinxAdmissionLimits *limits);

/* The bit rate of a rendition by its name ("opus-128"). */
guint syrinx_admission_kbps_of (const gchar *rendition);

/* Counts a session of @kbps that has begun, or ended. */
void syrinx_admission_enter (SyrinxAdmission *admission, guint kbps);
void
syrinx_admission_leave (SyrinxAdmission *admission, guint kbps, gint64 now_us);

typedef struct
{
  const gchar *region;
  guint weight; /* of the region, 1 or more */
  guint rtt_ms;
  guint kbps;
} SyrinxAdmissionRequest;

/* Called once. If admitted, the session either begins within this call, by
 * syrinx_admission_enter(), or its place is given to the next waiter. If not,
 * there may be room in @retry_us. */
typedef void (*SyrinxAdmissionFunc) (
    gboolean is_admitted, gint64 retry_us, gpointer user_data);

typedef enum
{
  SYRINX_ADMISSION_NOW,
  SYRINX_ADMISSION_WAITS,
  SYRINX_ADMISSION_REFUSED
} SyrinxAdmissionAnswer;

/* WAITS: *@waiter is set, and @func is called later. REFUSED: *@retry_us is
 * set.
 *
 * Between regions it is start-time fair queueing by weight, the heaviest first
 * on a tie; within a region first come, first served, with the round trip
 * subtracted from the time of arrival. A full queue refuses the last waiter of
 * the region with most waiters relative to its weight. All times are
 * monotonic. */
SyrinxAdmissionAnswer syrinx_admission_ask (SyrinxAdmission *admission,
    const SyrinxAdmissionRequest *request, gint64 now_us,
    SyrinxAdmissionFunc func, gpointer user_data, SyrinxWaiter **waiter,
    gint64 *retry_us);
/* For requests that can't wait: TRUE means NOW; FALSE means REFUSED, and
 * *@retry_us is set. */
gboolean syrinx_admission_try (SyrinxAdmission *admission,
    const SyrinxAdmissionRequest *request, gint64 now_us, gint64 *retry_us);
/* Removes a waiter whose @func has not been called; it will not be. */
void syrinx_admission_give_up (SyrinxWaiter *waiter);
/* Refuses waiters whose time is up and admits those for whom there is room. The
 * main loop calls it when it is due. */
void syrinx_admission_step (SyrinxAdmission *admission, gint64 now_us);

#define SYRINX_ADMISSION_N_BOUNDS 8
extern const guint
    syrinx_admission_bounds_ms[SYRINX_ADMISSION_N_BOUNDS]; /* ascending */

typedef struct
{
  guint n_sessions, n_waiting;
  guint64 kbps, n_admitted, n_refused;
  gint64 waited_us; /* sum of the waits of those admitted */
  /* Histogram of the waits of those admitted: each counts under the first bound
   * that it does not exceed, the last entry is for waits beyond all bounds. */
  guint64 waits[SYRINX_ADMISSION_N_BOUNDS + 1];
} SyrinxAdmissionStats;
void syrinx_admission_get_stats (
    SyrinxAdmission *admission, SyrinxAdmissionStats *stats);

G_END_DECLS
