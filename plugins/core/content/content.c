/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content, from its making to its end.
 *
 * There is one for each state directory of the process, in the registry below,
 * so that all sessions share the fragments in memory. syrinxd makes it from an
 * index that it opened for writing; an element that finds none opens the index
 * for reading.
 *
 * A rendition's object (rendition.c) exists while the rendition is in use. The
 * first request for a rendition plans it and gives it an epoch and a key
 * (content-open.c). Its fragments are fetched (content-fetch.c): from memory
 * (content-memory.c), or from the fragment sources: the disk (source-disk.c),
 * any added source, and last the producer (source-maker.c). A caller that must
 * wait is called back (content-wait.c); no thread is blocked.
 *
 *          fetch ──▶ memory ──▶ disk ──▶ away ──▶ maker ··▶ producer
 *            │         ▲ digest  │        │                    │
 *            ▼         └─────────┴────────┘                    ▼
 *          waits ◀──── woken ─────── memory ◀── encrypted ── commit
 *                                      │
 *                                      └──▶ writer ──▶ disk, then index
 *
 * The producer commits the fragments that it makes (content-commit.c): waiting
 * callers are served from memory at once, and the writer's thread
 * (content-writer.c) then writes the fragment to the disk. The same thread
 * removes evicted renditions, and epochs that a rotation of keys
 * (content-keys.c) has superseded, after their last use (content-removal.c).
 *
 * Each rendition holds a reference of the content, and each job of the writer
 * one of a rendition or of the content. So the last reference is dropped when
 * no work is left, possibly by the writer's thread itself. Before it ends, a
 * producer unregisters with syrinx_content_set_producer() and fails the
 * fragments that it has not made (syrinx_rendition_fail()).
 *
 * Locks and their order are in content-private.h. */
#include "content-private.h"

static GMutex registry_lock;
static GHashTable *registry; /* state dir → SyrinxContent, no references */

static SyrinxContent *
content_new_locked (SyrinxStore *store, SyrinxKeyring *keyring,
    guint64 cache_max_bytes, guint64 memory_max_bytes)
{
  SyrinxContent *content = g_new0 (SyrinxContent, 1);

  g_atomic_ref_count_init (&content->refs);
  content->state_dir = g_strdup (syrinx_store_get_state_dir (store));
  content->store = syrinx_store_ref (store);
  content->keyring = syrinx_keyring_ref (keyring);
  content->cache_max_bytes = cache_max_bytes;
  content->cache = syrinx_fragment_cache_new (memory_max_bytes);
  content->renditions = g_hash_table_new (g_str_hash, g_str_equal);
  content->writer = syrinx_writer_new ();
  content->sources = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_fragment_source_unref);
  syrinx_content_add_source (
      content, syrinx_disk_source_new (content->state_dir));
  if (!registry)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_replace (registry, content->state_dir, content);
  return content;
}

SyrinxContent *
syrinx_content_new (SyrinxStore *store, SyrinxKeyring *keyring,
    guint64 cache_max_bytes, guint64 memory_max_bytes)
{
  SyrinxContent *content;

  g_mutex_lock (&registry_lock);
  content
      = content_new_locked (store, keyring, cache_max_bytes, memory_max_bytes);
  g_mutex_unlock (&registry_lock);
  return content;
}

SyrinxContent *
syrinx_content_get (const gchar *state_dir, GError **error)
{
  const guint64 memory_max_bytes = 64 * 1024 * 1024;
  SyrinxKeyringSettings keys = { .master_key = g_getenv ("SYRINX_MASTER_KEY"),
    .master_key_next = g_getenv ("SYRINX_MASTER_KEY_NEXT"),
    .is_group_ok
    = g_strcmp0 (g_getenv ("SYRINX_MASTER_KEY_GROUP_OK"), "true") == 0 };
  g_autofree gchar *canonical = g_canonicalize_filename (state_dir, NULL);
  g_autoptr (SyrinxStore) store = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;
  SyrinxContent *content;

  keys.state_dir = canonical;
  g_mutex_lock (&registry_lock);
  content = registry ? g_hash_table_lookup (registry, canonical) : NULL;
  if (content) {
    syrinx_content_ref (content);
  } else if ((keyring = syrinx_keyring_open_with (&keys, FALSE, error))
             && (store = syrinx_store_open (canonical, FALSE, error))) {
    content = content_new_locked (store, keyring, G_MAXINT64, memory_max_bytes);
  }
  g_mutex_unlock (&registry_lock);
  return content;
}

SyrinxContent *
syrinx_content_ref (SyrinxContent *content)
{
  g_atomic_ref_count_inc (&content->refs);
  return content;
}

void
syrinx_content_unref (SyrinxContent *content)
{
  g_mutex_lock (&registry_lock);
  if (!g_atomic_ref_count_dec (&content->refs)) {
    g_mutex_unlock (&registry_lock);
    return;
  }
  if (g_hash_table_lookup (registry, content->state_dir) == content)
    g_hash_table_remove (registry, content->state_dir);
  g_mutex_unlock (&registry_lock);
  /* Jobs hold renditions, which hold the content: no job is left now, except
   * the one that may be dropping this reference. */
  syrinx_writer_free (content->writer);
  g_ptr_array_unref (content->sources);
  g_hash_table_unref (content->renditions);
  syrinx_fragment_cache_free (content->cache);
  syrinx_store_unref (content->store);
  syrinx_keyring_unref (content->keyring);
  g_free (content->state_dir);
  g_free (content);
}

void
syrinx_content_flush (SyrinxContent *content)
{
  syrinx_writer_wait (content->writer, 0);
}

void
syrinx_content_call_writer (
    SyrinxContent *content, void (*func) (gpointer data), gpointer data)
{
  syrinx_writer_push (content->writer, func, data);
}

SyrinxStore *
syrinx_content_get_store (SyrinxContent *content)
{
  return content->store;
}
