/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An index that may be damaged: what is wrong with it, and a new one in its
 * place. No daemon is needed. */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/* One sentence of SQLite's for each fault, at most 100. */
typedef void (*SyrinxStoreProblemFunc) (
    const gchar *problem, gpointer user_data);
/* Reads all of @state_dir's index; a running daemon may use it meanwhile. TRUE:
 * it was looked at, whatever was found. Errors: NOT_FOUND, FAILED. */
gboolean syrinx_store_check (const gchar *state_dir,
    SyrinxStoreProblemFunc func, gpointer user_data, GError **error);

typedef void (*SyrinxStoreFragmentFunc) (const gchar *track_id,
    const gchar *rendition, guint epoch, const SyrinxFragmentRow *row,
    gpointer user_data);
/* Every fragment that the index knows of, in one view of it. */
gboolean syrinx_store_foreach_fragment (SyrinxStore *store,
    SyrinxStoreFragmentFunc func, gpointer user_data, GError **error);

/* Begins a new, empty index in @state_dir. The old one is kept as *@kept, and
 * nothing of it is changed; of its revocations those that can still be read, in
 * number *@n_revocations, are in the new one. What lies in the cache was
 * encrypted under keys of the old one and can't be used. (transfer full)
 * Errors: BUSY (a daemon runs), FAILED. */
SyrinxStore *syrinx_store_begin_anew (
    const gchar *state_dir, gchar **kept, guint *n_revocations, GError **error);

G_END_DECLS
