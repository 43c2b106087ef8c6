/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quota: how many sessions one subject and one address may have. It counts
 * seats; it does not end sessions itself.
 *
 * A seat is taken when a session is requested, and counts from then on, also
 * while the request waits for admission. The session that begins occupies it
 * (syrinx_seat_occupy()), reports its use to it, and frees it at its end.
 *
 * A session is idle when no stream runs on it and nothing was requested of it
 * for SYRINX_IDLE_US. A subject that has all the seats it may have gets one
 * more if one of its own sessions is idle: the one that has been idle longest
 * must then end; syrinx_seat_find_victim() returns it.
 *
 * Nothing here iterates over more sessions than one subject has in excess. Main
 * thread only; all times are monotonic. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_IDLE_US (30 * G_USEC_PER_SEC)

typedef struct _SyrinxQuota SyrinxQuota;
typedef struct _SyrinxSeat SyrinxSeat;

SyrinxQuota *syrinx_quota_new (void);
/* All seats must have been freed. */
void syrinx_quota_free (SyrinxQuota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxQuota, syrinx_quota_free)

typedef struct
{
  const gchar *subject;
  const gchar *address;  /* (nullable): unknown, and not counted */
  guint max_per_subject; /* 1 or more */
  guint max_per_address; /* 1 or more */
} SyrinxSeatRequest;

/* (transfer full) Errors: TOO_MANY: subject or address has all the seats it may
 * have, and none of the subject's sessions is idle; *@retry_us says when one
 * may be. */
SyrinxSeat *
syrinx_quota_take (SyrinxQuota *quota, const SyrinxSeatRequest *request,
    gint64 now_us, gint64 *retry_us, GError **error);
void syrinx_seat_free (SyrinxSeat *seat);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxSeat, syrinx_seat_free)

/* To be called once. @occupant is only returned by
 * syrinx_seat_find_victim(). */
void syrinx_seat_occupy (SyrinxSeat *seat, gpointer occupant, gint64 now_us);
/* Whether subject or address of this occupied seat have more sessions than they
 * may, so that one of the subject's must end. */
gboolean syrinx_seat_is_over (const SyrinxSeat *seat);
/* The occupant of the seat whose session must end. (nullable): none is idle any
 * more. */
gpointer syrinx_seat_find_victim (SyrinxSeat *seat, gint64 now_us);

/* Something was requested of its session: hot, constant time. */
void syrinx_seat_touch (SyrinxSeat *seat, gint64 now_us);
/* A stream begins to run on its session, or ends: between the two the session
 * is not idle. */
void syrinx_seat_begin_use (SyrinxSeat *seat);
void syrinx_seat_end_use (SyrinxSeat *seat, gint64 now_us);

/* The number of seats of @subject, occupied or not. */
guint syrinx_quota_count_subject (SyrinxQuota *quota, const gchar *subject);

G_END_DECLS
