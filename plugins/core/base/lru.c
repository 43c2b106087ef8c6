/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash table that keeps its entries in the order of their last use. */
#include "lru.h"

struct _SyrinxLru
{
  GHashTable *entries; /* key → SyrinxLruEntry */
  GQueue order;        /* the head was used most recently */
  GDestroyNotify free_func;
};

SyrinxLru *
syrinx_lru_new (GDestroyNotify free_func)
{
  SyrinxLru *lru = g_new0 (SyrinxLru, 1);

  lru->entries = g_hash_table_new (g_str_hash, g_str_equal);
  lru->free_func = free_func;
  return lru;
}

void
syrinx_lru_free (SyrinxLru *lru)
{
  gpointer entry;

  while ((entry = syrinx_lru_get_oldest (lru)))
    syrinx_lru_remove (lru, entry);
  g_hash_table_unref (lru->entries);
  g_free (lru);
}

gpointer
syrinx_lru_lookup (SyrinxLru *lru, const gchar *key)
{
  return g_hash_table_lookup (lru->entries, key);
}

void
syrinx_lru_use (SyrinxLru *lru, gpointer data)
{
  SyrinxLruEntry *entry = data;

  g_queue_unlink (&lru->order, &entry->link);
  g_queue_push_head_link (&lru->order, &entry->link);
}

void
syrinx_lru_insert (SyrinxLru *lru, const gchar *key, gpointer data)
{
  SyrinxLruEntry *entry = data;

  entry->key = g_strdup (key);
  entry->link = (GList){ .data = entry };
  g_hash_table_insert (lru->entries, entry->key, entry);
  g_queue_push_head_link (&lru->order, &entry->link);
}

void
syrinx_lru_remove (SyrinxLru *lru, gpointer data)
{
  SyrinxLruEntry *entry = data;

  g_hash_table_remove (lru->entries, entry->key);
  g_queue_unlink (&lru->order, &entry->link);
  g_free (entry->key);
  lru->free_func (entry);
}

gpointer
syrinx_lru_get_oldest (SyrinxLru *lru)
{
  return lru->order.tail ? lru->order.tail->data : NULL;
}

gpointer
syrinx_lru_get_newer (gpointer data)
{
  SyrinxLruEntry *entry = data;

  return entry->link.prev ? entry->link.prev->data : NULL;
}

guint
syrinx_lru_get_size (SyrinxLru *lru)
{
  return lru->order.length;
}
