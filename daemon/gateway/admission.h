/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may begin a session now, who waits, and who is sent away. Sessions that
 * exist are never touched. Main thread only. */
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

/* The share (0 to 1) of all cores in use since it was last asked. */
typedef gdouble (*SyrinxLoadFunc) (gpointer user_data);

/* (transfer full) Nobody is asked for the load but when sessions begin. */
SyrinxAdmission *syrinx_admission_new (
    const SyrinxAdmissionLimits *limits, SyrinxLoadFunc func, gpointer data);
/* Those who wait are forgotten. */
void syrinx_admission_free (SyrinxAdmission *admission);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAdmission, syrinx_admission_free)
/* Sessions over them go on, and who waits keeps his time. */
void syrinx_admission_set_limits (
    SyrinxAdmission *admission, const SyrinxAdmissionLimits *limits);

/* Of a rendition, from its name ("opus-128"). */
guint syrinx_admission_kbps_of (const gchar *rendition);

/* A session of so many kbit/s has begun, or ended. */
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

/* Once. Either the session begins within this call, by
 * syrinx_admission_enter(), or its place goes to the next; or, not admitted,
 * there may be room in @retry_us. */
typedef void (*SyrinxAdmissionFunc) (
    gboolean is_admitted, gint64 retry_us, gpointer user_data);

typedef enum
{
  SYRINX_ADMISSION_NOW,
  SYRINX_ADMISSION_WAITS,
  SYRINX_ADMISSION_REFUSED
} SyrinxAdmissionAnswer;

/* WAITS: *@waiter is set, and @func is called, later. REFUSED: *@retry_us is.
 *
 * Between regions it is start-time fair queueing by weight, the heaviest first
 * where they are even; within one the earliest goes first, with the round trip
 * taken off. A full queue sends away the last of the region that has most
 * waiters for its weight. All times are monotonic. */
SyrinxAdmissionAnswer syrinx_admission_ask (SyrinxAdmission *admission,
    const SyrinxAdmissionRequest *request, gint64 now_us,
    SyrinxAdmissionFunc func, gpointer user_data, SyrinxWaiter **waiter,
    gint64 *retry_us);
/* For those who do not wait: TRUE is NOW, FALSE is REFUSED, and *@retry_us is
 * set. */
gboolean syrinx_admission_try (SyrinxAdmission *admission,
    const SyrinxAdmissionRequest *request, gint64 now_us, gint64 *retry_us);
/* Before @func was called: it will not be. */
void syrinx_admission_give_up (SyrinxWaiter *waiter);
/* Sends away whose time is up and lets in whom there is room for. Happens by
 * itself in a main loop. */
void syrinx_admission_step (SyrinxAdmission *admission, gint64 now_us);

#define SYRINX_ADMISSION_N_BOUNDS 8
extern const guint
    syrinx_admission_bounds_ms[SYRINX_ADMISSION_N_BOUNDS]; /* ascending */

typedef struct
{
  guint n_sessions, n_waiting;
  guint64 kbps, n_admitted, n_refused;
  gint64 waited_us; /* the sum of the waits of the admitted */
  /* of the admitted, by the first of the bounds that they do not exceed; the
   * last is for those beyond all */
  guint64 waits[SYRINX_ADMISSION_N_BOUNDS + 1];
} SyrinxAdmissionStats;
void syrinx_admission_get_stats (
    SyrinxAdmission *admission, SyrinxAdmissionStats *stats);

G_END_DECLS
