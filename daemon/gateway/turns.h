/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns: who may send a fragment now, when all that is sent has a budget. Each
 * listener is a flow of the shared scheduler, ready while it asks; a turn is
 * one quantum that costs what the fragment is long, and is due when the player
 * will need it. So fragments and streams stand in one order. Main thread only;
 * the scheduler's workers hand turns over to it. */
#pragma once

#include "core/schedule/scheduler.h"

G_BEGIN_DECLS

typedef struct _SyrinxTurns SyrinxTurns;
typedef struct _SyrinxTurn SyrinxTurn; /* one that is waited for */

#define SYRINX_TURNS_PER_LISTENER 8    /* that wait at a time */
#define SYRINX_TURN_TIMEOUT_MS    8000 /* players give up after 10 s */

SyrinxTurns *syrinx_turns_new (SyrinxScheduler *scheduler);
/* Who waits still is told CANCELLED. */
void syrinx_turns_free (SyrinxTurns *turns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTurns, syrinx_turns_free)

/* Whether there is anything to wait for: not before it is said. */
void syrinx_turns_set_needed (SyrinxTurns *turns, gboolean needed);
gboolean syrinx_turns_is_needed (SyrinxTurns *turns);

typedef struct
{
  gconstpointer session; /* who; only compared */
  const gchar *region;   /* where, as of its first turn */
  gint64 rtt_us;
  gint64 media_start_us; /* of what is to be sent, in the track */
  gint64 media_us;       /* how long it plays; 0: needed at once, a header */
  guint64 size_bytes;
} SyrinxTurnRequest;

/* Once: with NULL, send now; else why not: TIMED_OUT, EXPIRED (the listener was
 * dropped), CANCELLED. The turn is over and freed. */
typedef void (*SyrinxTurnFunc) (const GError *error, gpointer user_data);

/* @func is called later, never from within. Errors: TOO_MANY of this listener
 * wait. */
SyrinxTurn *
syrinx_turns_ask (SyrinxTurns *turns, const SyrinxTurnRequest *request,
    SyrinxTurnFunc func, gpointer user_data, GError **error);
/* @func will not be called. */
void syrinx_turn_cancel (SyrinxTurn *turn);
/* @listener is no more: what it waits for ends with EXPIRED. */
void syrinx_turns_drop (SyrinxTurns *turns, gconstpointer session);

guint syrinx_turns_get_n_waiting (SyrinxTurns *turns);
/* Those that timed out, and those that were too many. */
guint64 syrinx_turns_get_n_refused (SyrinxTurns *turns);

G_END_DECLS
