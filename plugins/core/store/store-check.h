/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An index that may be damaged: finding the faults, and replacing it with a new
 * one. No daemon is needed. */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/* Called for each fault, at most 100, with SQLite's sentence about it. */
typedef void (*SyrinxStoreProblemFunc) (
    const gchar *problem, gpointer user_data);
/* Checks the whole index of @state_dir; a daemon may use it meanwhile. TRUE:
 * the check was made, whatever it found. Errors: NOT_FOUND, FAILED. */
gboolean syrinx_store_check (const gchar *state_dir,
    SyrinxStoreProblemFunc func, gpointer user_data, GError **error);

typedef void (*SyrinxStoreFragmentFunc) (const gchar *track_id,
    const gchar *rendition, guint epoch, const SyrinxFragmentRow *row,
    gpointer user_data);
/* Calls @func for every fragment in the index, in one consistent view of it. */
gboolean syrinx_store_foreach_fragment (SyrinxStore *store,
    SyrinxStoreFragmentFunc func, gpointer user_data, GError **error);

/* Begins a new, empty index in @state_dir. The old one is kept unchanged as
 * *@kept. Its revocations that can be read are copied to the new one;
 * *@n_revocations is their number. Cached files were encrypted with keys of the
 * old index and can't be used. (transfer full) Errors: BUSY (a daemon is
 * running), FAILED. */
SyrinxStore *syrinx_store_begin_anew (
    const gchar *state_dir, gchar **kept, guint *n_revocations, GError **error);

G_END_DECLS
