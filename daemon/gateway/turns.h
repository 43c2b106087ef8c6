/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns: which session may send a fragment now, when the total rate is limited.
 * Each listener is a flow of the shared scheduler, ready while it has requests;
 * a turn is one quantum whose cost is the size of the fragment, due when the
 * player will need it. So fragments and streams are scheduled in one order.
 * Main thread only; scheduler threads pass granted turns to it. */
#pragma once

#include "core/schedule/scheduler.h"

G_BEGIN_DECLS

typedef struct _SyrinxTurns SyrinxTurns;
typedef struct _SyrinxTurn SyrinxTurn; /* a turn that is waited for */

#define SYRINX_TURNS_PER_LISTENER 8    /* that wait at a time */
#define SYRINX_TURN_TIMEOUT_MS    8000 /* players give up after 10 s */

SyrinxTurns *syrinx_turns_new (SyrinxScheduler *scheduler);
/* Waiting turns end with CANCELLED. */
void syrinx_turns_free (SyrinxTurns *turns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTurns, syrinx_turns_free)

/* Whether turns are needed; if not (the default), nobody has to wait. */
void syrinx_turns_set_needed (SyrinxTurns *turns, gboolean needed);
gboolean syrinx_turns_is_needed (SyrinxTurns *turns);

typedef struct
{
  gconstpointer session; /* identifies the listener; only compared */
  const gchar *region;   /* the listener's, taken from its first turn */
  gint64 rtt_us;
  gint64 media_start_us; /* of the fragment, in the track */
  gint64 media_us;       /* its duration; 0: needed at once (a header) */
  guint64 size_bytes;
} SyrinxTurnRequest;

/* Called once: NULL means send now, else the error says why not: TIMED_OUT,
 * EXPIRED (the listener was dropped), CANCELLED. The turn is over and freed. */
typedef void (*SyrinxTurnFunc) (const GError *error, gpointer user_data);

/* @func is called later, never within this call. Errors: TOO_MANY turns of this
 * listener wait. */
SyrinxTurn *
syrinx_turns_ask (SyrinxTurns *turns, const SyrinxTurnRequest *request,
    SyrinxTurnFunc func, gpointer user_data, GError **error);
/* Ends the turn; @func is not called. */
void syrinx_turn_cancel (SyrinxTurn *turn);
/* Drops the listener @session: its waiting turns end with EXPIRED. */
void syrinx_turns_drop (SyrinxTurns *turns, gconstpointer session);

guint syrinx_turns_get_n_waiting (SyrinxTurns *turns);
/* How many turns timed out or were too many. */
guint64 syrinx_turns_get_n_refused (SyrinxTurns *turns);

G_END_DECLS
