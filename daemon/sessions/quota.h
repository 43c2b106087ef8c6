/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quota: how many sessions one subject may have, and one address, so that
 * nobody takes them all. It counts seats; it ends no session itself.
 *
 * A seat is taken when a session is asked for, and counts from then on, also
 * while the request waits for room elsewhere. It is given to the session that
 * begins (syrinx_seat_occupy()), follows its use, and is freed with its end.
 *
 * A session is idle when no stream runs on it and nobody has asked it for
 * anything for SYRINX_IDLE_US. A subject that has all the seats it may have
 * gets one more in the place of its own session that has been idle for the
 * longest time; syrinx_seat_find_victim() names it.
 *
 * Nothing here goes over more sessions than one subject has in excess. Main
 * thread only; all times are monotonic. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_IDLE_US (30 * G_USEC_PER_SEC)

typedef struct _SyrinxQuota SyrinxQuota;
typedef struct _SyrinxSeat SyrinxSeat;

SyrinxQuota *syrinx_quota_new (void);
/* All its seats must have been freed. */
void syrinx_quota_free (SyrinxQuota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxQuota, syrinx_quota_free)

typedef struct
{
  const gchar *subject;
  const gchar *address;  /* (nullable): unknown, and not counted */
  guint max_per_subject; /* 1 or more */
  guint max_per_address; /* 1 or more */
} SyrinxSeatRequest;

/* (transfer full) TOO_MANY: subject or address has all it may have, and none of
 * the subject's is idle; *@retry_us says when one may be. */
SyrinxSeat *
syrinx_quota_take (SyrinxQuota *quota, const SyrinxSeatRequest *request,
    gint64 now_us, gint64 *retry_us, GError **error);
void syrinx_seat_free (SyrinxSeat *seat);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxSeat, syrinx_seat_free)

/* Once. @occupant is only handed back. */
void syrinx_seat_occupy (SyrinxSeat *seat, gpointer occupant, gint64 now_us);
/* Whether subject or address of this seat, which is occupied, have more
 * sessions than they may: one of the subject's must end. */
gboolean syrinx_seat_is_over (const SyrinxSeat *seat);
/* Which: as it was given to syrinx_seat_occupy(). (nullable): none is idle any
 * more. */
gpointer syrinx_seat_find_victim (SyrinxSeat *seat, gint64 now_us);

/* Its session was asked for something: hot, constant time. */
void syrinx_seat_touch (SyrinxSeat *seat, gint64 now_us);
/* A stream begins to run on its session, or ends: until then it is not idle. */
void syrinx_seat_begin_use (SyrinxSeat *seat);
void syrinx_seat_end_use (SyrinxSeat *seat, gint64 now_us);

/* Seats of @subject, occupied or not. */
guint syrinx_quota_count_subject (SyrinxQuota *quota, const gchar *subject);

G_END_DECLS
