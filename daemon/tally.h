/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that counts, for metrics: events of each kind, and
 * refused requests by reason. Main thread only. */
#pragma once

#include "journal.h"

G_BEGIN_DECLS

/* How many reasons have a count of their own; all others count as "other". */
#define SYRINX_TALLY_MAX_REASONS 32

typedef struct _SyrinxTally SyrinxTally;

/* Counts from now on. @journal must outlive it. (transfer full) */
SyrinxTally *syrinx_tally_new (SyrinxJournal *journal);
void syrinx_tally_free (SyrinxTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTally, syrinx_tally_free)

/* How many events of @kind came. Counted are SESSION_BEGAN, SESSION_SEEK,
 * SESSION_ENDED, REFUSED, ERROR, KEY_GIVEN, KEY_ROTATED, TOKEN_ISSUED and
 * TOKEN_REVOKED; 0 for other kinds. */
guint64 syrinx_tally_get (SyrinxTally *tally, SyrinxEventKind kind);

typedef void (*SyrinxTallyFunc) (
    const gchar *reason, guint64 count, gpointer user_data);

/* In the order in which the reasons first came. */
void syrinx_tally_foreach_refusal (
    SyrinxTally *tally, SyrinxTallyFunc func, gpointer user_data);

G_END_DECLS
