/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that counts: how often each kind of event came, and
 * for which reasons requests were refused. For metrics. Main thread only. */
#pragma once

#include "journal.h"

G_BEGIN_DECLS

/* Reasons that are told apart; what comes beyond them counts as "other". */
#define SYRINX_TALLY_MAX_REASONS 32

typedef struct _SyrinxTally SyrinxTally;

/* Counts from now on. @journal outlives it. (transfer full) */
SyrinxTally *syrinx_tally_new (SyrinxJournal *journal);
void syrinx_tally_free (SyrinxTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTally, syrinx_tally_free)

/* Of the kinds SESSION_BEGAN, SESSION_SEEK, SESSION_ENDED, REFUSED, ERROR,
 * KEY_GIVEN, KEY_ROTATED, TOKEN_ISSUED, TOKEN_REVOKED; 0 of others. */
guint64 syrinx_tally_get (SyrinxTally *tally, SyrinxEventKind kind);

typedef void (*SyrinxTallyFunc) (
    const gchar *reason, guint64 count, gpointer user_data);

/* In the order in which they first came. */
void syrinx_tally_foreach_refusal (
    SyrinxTally *tally, SyrinxTallyFunc func, gpointer user_data);

G_END_DECLS
