/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fragments in memory. */
#include "fragment-cache.h"

#include "core/base/lru.h"

typedef struct
{
  SyrinxLruEntry entry; /* found by name */
  GBytes *forms[2];     /* encrypted, decrypted; (nullable) */
  gboolean pinned;
} Entry;

struct _SyrinxFragmentCache
{
  SyrinxLru *entries; /* Entry */
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
  g_free (entry);
}

SyrinxFragmentCache *
syrinx_fragment_cache_new (guint64 max_bytes)
{
  SyrinxFragmentCache *cache = g_new0 (SyrinxFragmentCache, 1);

  cache->entries = syrinx_lru_new (entry_free);
  cache->max_bytes = max_bytes;
  return cache;
}

void
syrinx_fragment_cache_free (SyrinxFragmentCache *cache)
{
  syrinx_lru_free (cache->entries);
  g_free (cache);
}

static void
drop (SyrinxFragmentCache *cache, Entry *entry)
{
  cache->bytes -= size_of (entry->forms[0]) + size_of (entry->forms[1]);
  syrinx_lru_remove (cache->entries, entry);
}

static void
shrink (SyrinxFragmentCache *cache)
{
  Entry *entry = syrinx_lru_get_oldest (cache->entries);

  while (entry && cache->bytes > cache->max_bytes) {
    Entry *newer = syrinx_lru_get_newer (entry);
    if (!entry->pinned)
      drop (cache, entry);
    entry = newer;
  }
}

GBytes *
syrinx_fragment_cache_get (
    SyrinxFragmentCache *cache, const gchar *name, gboolean clear)
{
  Entry *entry = syrinx_lru_lookup (cache->entries, name);

  if (!entry || !entry->forms[!!clear])
    return NULL;
  syrinx_lru_use (cache->entries, entry);
  return entry->forms[!!clear];
}

void
syrinx_fragment_cache_put (SyrinxFragmentCache *cache, const gchar *name,
    gboolean clear, GBytes *bytes, gboolean pinned)
{
  Entry *entry = syrinx_lru_lookup (cache->entries, name);

  if (!entry) {
    entry = g_new0 (Entry, 1);
    syrinx_lru_insert (cache->entries, name, entry);
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
  Entry *entry = syrinx_lru_lookup (cache->entries, name);

  if (entry)
    entry->pinned = FALSE;
  shrink (cache);
}
