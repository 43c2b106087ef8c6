/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table by text that knows in which order its entries were last used. How
 * many it holds, and which go, is its owner's decision. Not locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The first member of what is kept. */
typedef struct
{
  GList link; /* in the order of use; data is this */
  gchar *key;
} SyrinxLruEntry;

typedef struct _SyrinxLru SyrinxLru;

/* @free_func frees an entry that is removed, but for its SyrinxLruEntry's
 * members. (transfer full) */
SyrinxLru *syrinx_lru_new (GDestroyNotify free_func);
void syrinx_lru_free (SyrinxLru *lru);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxLru, syrinx_lru_free)

/* (nullable) (transfer none): lookup is no use of it, syrinx_lru_use() is. */
gpointer syrinx_lru_lookup (SyrinxLru *lru, const gchar *key);
void syrinx_lru_use (SyrinxLru *lru, gpointer entry);
/* Enters @entry (transfer full) as the one used last; @key must not be in the
 * table. */
void syrinx_lru_insert (SyrinxLru *lru, const gchar *key, gpointer entry);
/* Removes and frees it. */
void syrinx_lru_remove (SyrinxLru *lru, gpointer entry);

/* (nullable): the one not used for the longest, and the one used next after
 * @entry. */
gpointer syrinx_lru_get_oldest (SyrinxLru *lru);
gpointer syrinx_lru_get_newer (gpointer entry);
guint syrinx_lru_get_size (SyrinxLru *lru);

G_END_DECLS
