/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash table with text keys that keeps its entries in the order of their last
 * use. Its owner decides how many entries it holds and which are evicted. Not
 * locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The first member of each entry. */
typedef struct
{
  GList link; /* in the order of use; its data is the entry */
  gchar *key;
} SyrinxLruEntry;

typedef struct _SyrinxLru SyrinxLru;

/* @free_func frees a removed entry, except the members of its SyrinxLruEntry.
 * (transfer full) */
SyrinxLru *syrinx_lru_new (GDestroyNotify free_func);
void syrinx_lru_free (SyrinxLru *lru);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxLru, syrinx_lru_free)

/* (nullable) (transfer none) Does not count as a use; syrinx_lru_use() does. */
gpointer syrinx_lru_lookup (SyrinxLru *lru, const gchar *key);
void syrinx_lru_use (SyrinxLru *lru, gpointer entry);
/* Adds @entry (transfer full) as the most recently used; @key must not be in
 * the table. */
void syrinx_lru_insert (SyrinxLru *lru, const gchar *key, gpointer entry);
/* Removes and frees @entry. */
void syrinx_lru_remove (SyrinxLru *lru, gpointer entry);

/* (nullable) The least recently used entry, and the one used next after
 * @entry. */
gpointer syrinx_lru_get_oldest (SyrinxLru *lru);
gpointer syrinx_lru_get_newer (gpointer entry);
guint syrinx_lru_get_size (SyrinxLru *lru);

G_END_DECLS
