/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fragments in memory. */
#include "fragment-cache.h"

typedef struct
{
  GList link; /* in lru; data is the entry */
  gchar *name;
  GBytes *forms[2]; /* ciphertext, plaintext; (nullable) */
  gboolean pinned;
} Entry;

struct _SyrinxFragmentCache
{
  GHashTable *entries; /* name → Entry */
  GQueue lru;          /* the head was used last */
  guint64 bytes, max_bytes;
};

static gsize
size_of (GBytes *bytes)
{
  return bytes ? g_bytes_get_size (bytes) : 0;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->forms[0], g_bytes_unref);
  g_clear_pointer (&entry->forms[1], g_bytes_unref);
  g_free (entry->name);
  g_free (entry);
}

SyrinxFragmentCache *
syrinx_fragment_cache_new (guint64 max_bytes)
{
  SyrinxFragmentCache *cache = g_new0 (SyrinxFragmentCache, 1);

  cache->entries
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  cache->max_bytes = max_bytes;
  return cache;
}

void
syrinx_fragment_cache_free (SyrinxFragmentCache *cache)
{
  g_hash_table_unref (cache->entries);
  g_free (cache);
}

static void
drop (SyrinxFragmentCache *cache, Entry *entry)
{
  cache->bytes -= size_of (entry->forms[0]) + size_of (entry->forms[1]);
  g_queue_unlink (&cache->lru, &entry->link);
  g_hash_table_remove (cache->entries, entry->name);
}

static void
shrink (SyrinxFragmentCache *cache)
{
  GList *link = cache->lru.tail;

  while (link && cache->bytes > cache->max_bytes) {
    Entry *entry = link->data;
    link = link->prev;
    if (!entry->pinned)
      drop (cache, entry);
  }
}

GBytes *
syrinx_fragment_cache_get (
    SyrinxFragmentCache *cache, const gchar *name, gboolean clear)
{
  Entry *entry = g_hash_table_lookup (cache->entries, name);

  if (!entry || !entry->forms[!!clear])
    return NULL;
  g_queue_unlink (&cache->lru, &entry->link);
  g_queue_push_head_link (&cache->lru, &entry->link);
  return entry->forms[!!clear];
}

void
syrinx_fragment_cache_put (SyrinxFragmentCache *cache, const gchar *name,
    gboolean clear, GBytes *bytes, gboolean pinned)
{
  Entry *entry = g_hash_table_lookup (cache->entries, name);

  if (!entry) {
    entry = g_new0 (Entry, 1);
    entry->name = g_strdup (name);
    entry->link.data = entry;
    g_hash_table_insert (cache->entries, entry->name, entry);
    g_queue_push_head_link (&cache->lru, &entry->link);
  }
  cache->bytes += size_of (bytes) - size_of (entry->forms[!!clear]);
  g_clear_pointer (&entry->forms[!!clear], g_bytes_unref);
  entry->forms[!!clear] = g_bytes_ref (bytes);
  entry->pinned |= pinned;
  shrink (cache);
}

void
syrinx_fragment_cache_unpin (SyrinxFragmentCache *cache, const gchar *name)
{
  Entry *entry = g_hash_table_lookup (cache->entries, name);

  if (entry)
    entry->pinned = FALSE;
  shrink (cache);
}

void
syrinx_fragment_cache_remove (SyrinxFragmentCache *cache, const gchar *name)
{
  Entry *entry = g_hash_table_lookup (cache->entries, name);

  if (entry)
    drop (cache, entry);
}

guint64
syrinx_fragment_cache_get_bytes (SyrinxFragmentCache *cache)
{
  return cache->bytes;
}
