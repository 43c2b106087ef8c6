/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: fragments are fetched, made durable and entered in the index. */
#include "content-private.h"

#include "core/crypto/chunk-cipher.h"
#include "chunk-files.h"
#include "core/media/cmaf.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

static GMutex registry_lock;
static GHashTable *registry; /* state dir → SyrinxContent, unowned */

/* --- Fetching --- */

void
syrinx_rendition_name_fragment (SyrinxRendition *rendition, gint number,
    gchar name[SYRINX_FRAGMENT_NAME_MAX])
{
  g_snprintf (name, SYRINX_FRAGMENT_NAME_MAX, "%s/%d", rendition->name, number);
}

static GBytes *
decrypt (SyrinxRendition *rendition, gint number, GBytes *chunk, GError **error)
{
  gsize chunk_bytes, clear_bytes;
  const guint8 *data = g_bytes_get_data (chunk, &chunk_bytes);
  guint8 *clear = g_malloc (chunk_bytes);

  if (syrinx_chunk_decrypt (rendition->key, number, data, chunk_bytes, clear,
          &clear_bytes, error))
    return g_bytes_new_take (clear, clear_bytes);
  g_free (clear);
  return NULL;
}

/* The index keeps its digest: what is made in its place must be the same. */
static void
note_lost (
    SyrinxRendition *rendition, gint number, const SyrinxFragmentRow *fragment)
{
  g_mutex_lock (&rendition->content->lock);
  g_hash_table_replace (rendition->lost, SYRINX_FRAGMENT_KEY (number),
      g_memdup2 (fragment->sha256, sizeof fragment->sha256));
  g_mutex_unlock (&rendition->content->lock);
}

/* From the index and the disk, unlocked. NULL without an error: it is not
 * there, or was damaged and is gone now. */
static GBytes *
load_chunk (SyrinxRendition *rendition, gint number, GError **error)
{
  SyrinxContent *content = rendition->content;
  const SyrinxRenditionRow *row = rendition->row;
  SyrinxFragmentRow fragment;
  g_autoptr (GError) cause = NULL;
  GBytes *chunk;

  if (!syrinx_store_get_fragment (content->store, row->track_id, row->name,
          row->epoch, number, &fragment, &cause)) {
    if (!g_error_matches (cause, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
      g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  chunk = syrinx_chunk_files_read (content->state_dir, row->track_id, row->name,
      row->epoch, number, fragment.size_bytes, fragment.sha256, &cause);
  if (chunk)
    return chunk;
  if (g_error_matches (cause, SYRINX_ERROR, SYRINX_ERROR_FAILED)) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  g_warning ("%s; it is made again", cause->message);
  syrinx_chunk_files_remove (
      content->state_dir, row->track_id, row->name, row->epoch, number);
  note_lost (rendition, number, &fragment);
  return NULL;
}

/* TRUE: *@bytes is set, or the wait is entered and *@produce says whether to
 * have it made. Called with the lock, returns with it. */
static gboolean
fetch_locked (SyrinxRendition *rendition, gint number, SyrinxForm form,
    GBytes **bytes, gboolean *produce, SyrinxFetchFunc func, gpointer user_data,
    GError **error)
{
  SyrinxContent *content = rendition->content;
  gpointer key = SYRINX_FRAGMENT_KEY (number);
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  g_autoptr (GBytes) chunk = NULL;
  g_autoptr (GError) cause = NULL;
  GBytes *cached;

  syrinx_rendition_name_fragment (rendition, number, name);
  cached = syrinx_fragment_cache_get (
      content->cache, name, form == SYRINX_FORM_CLEAR);
  if (cached) {
    *bytes = g_bytes_ref (cached);
    return TRUE;
  }
  if (g_hash_table_contains (rendition->loading, key))
    return TRUE;
  cached = syrinx_fragment_cache_get (content->cache, name, FALSE);
  chunk = cached ? g_bytes_ref (cached) : NULL;
  g_hash_table_add (rendition->loading, key);
  g_mutex_unlock (&content->lock);
  if (!chunk)
    chunk = load_chunk (rendition, number, &cause);
  if (chunk && form == SYRINX_FORM_CLEAR)
    *bytes = decrypt (rendition, number, chunk, &cause);
  else if (chunk)
    *bytes = g_bytes_ref (chunk);
  g_mutex_lock (&content->lock);
  g_hash_table_remove (rendition->loading, key);
  if (chunk)
    syrinx_fragment_cache_put (content->cache, name, FALSE, chunk, FALSE);
  if (*bytes && form == SYRINX_FORM_CLEAR)
    syrinx_fragment_cache_put (content->cache, name, TRUE, *bytes, FALSE);
  if (cause) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return FALSE;
  }
  /* It may have been made while the lock was free. */
  cached = *bytes ? NULL
                  : syrinx_fragment_cache_get (
                      content->cache, name, form == SYRINX_FORM_CLEAR);
  if (cached)
    *bytes = g_bytes_ref (cached);
  if (!*bytes
      && syrinx_rendition_take_failure_locked (
          rendition, number, func, user_data, error))
    return FALSE;
  *produce = !*bytes;
  return TRUE;
}

/* Before the wait is entered: nobody would ever end it. */
static gboolean
has_producer_locked (SyrinxRendition *rendition, gint number, GError **error)
{
  if (rendition->content->producer.produce)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "fragment %d of %s has not been made yet; play it once through a "
      "syrinxd on this state directory",
      number, rendition->name);
  return FALSE;
}

gboolean
syrinx_rendition_fetch (SyrinxRendition *rendition, gint number,
    SyrinxForm form, GBytes **bytes, SyrinxFetchFunc func, gpointer user_data,
    GError **error)
{
  SyrinxContent *content = rendition->content;
  gboolean good = TRUE, produce = FALSE;
  SyrinxProducer producer;
  gpointer producer_data;

  *bytes = NULL;
  if (number < SYRINX_FRAGMENT_HEADER
      || number >= (gint)rendition->row->n_fragments) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "%s has %u fragments; there is no number %d", rendition->name,
        rendition->row->n_fragments, number);
    return FALSE;
  }
  g_mutex_lock (&content->lock);
  if (number != SYRINX_FRAGMENT_HEADER)
    good = fetch_locked (
        rendition, number, form, bytes, &produce, func, user_data, error);
  else if (rendition->row->header)
    *bytes = g_bytes_ref (rendition->row->header);
  else
    produce = good = !syrinx_rendition_take_failure_locked (
        rendition, number, func, user_data, error);
  if (good && produce)
    good = has_producer_locked (rendition, number, error);
  producer = content->producer;
  producer_data = content->producer_data;
  if (good && !*bytes)
    syrinx_rendition_add_wait_locked (rendition, number, func, user_data);
  else if (number != SYRINX_FRAGMENT_HEADER)
    syrinx_rendition_wake_locked (
        rendition, number, number + 1); /* who waited for the load */
  g_mutex_unlock (&content->lock);
  syrinx_store_touch_rendition (content->store, rendition->row->track_id,
      rendition->row->name, rendition->row->epoch);
  if (good && produce)
    producer.produce (rendition, number, producer_data);
  return good;
}

gboolean
syrinx_rendition_has (SyrinxRendition *rendition, gint number)
{
  const SyrinxRenditionRow *row = rendition->row;
  SyrinxContent *content = rendition->content;
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  SyrinxFragmentRow fragment;
  gboolean has, is_lost;

  syrinx_rendition_name_fragment (rendition, number, name);
  g_mutex_lock (&content->lock);
  has = number == SYRINX_FRAGMENT_HEADER
            ? row->header != NULL
            : syrinx_fragment_cache_get (content->cache, name, FALSE) != NULL;
  is_lost
      = g_hash_table_contains (rendition->lost, SYRINX_FRAGMENT_KEY (number));
  g_mutex_unlock (&content->lock);
  return has
         || (number != SYRINX_FRAGMENT_HEADER && !is_lost
             && syrinx_store_get_fragment (content->store, row->track_id,
                 row->name, row->epoch, number, &fragment, NULL));
}

/* --- Content --- */

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
  content->writes = g_atomic_rc_box_new0 (SyrinxWrites);
  content->writer
      = g_thread_pool_new (syrinx_content_run_job, content, 1, FALSE, NULL);
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
  /* Jobs hold renditions, and those the content: none is left by now, but the
   * last of them may be what drops this reference. */
  g_thread_pool_free (content->writer, FALSE, FALSE);
  g_atomic_rc_box_release (content->writes);
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
  SyrinxWrites *writes = content->writes;

  g_mutex_lock (&writes->lock);
  while (writes->n)
    g_cond_wait (&writes->done, &writes->lock);
  g_mutex_unlock (&writes->lock);
}

SyrinxStore *
syrinx_content_get_store (SyrinxContent *content)
{
  return content->store;
}

void
syrinx_content_set_producer (
    SyrinxContent *content, const SyrinxProducer *producer, gpointer user_data)
{
  g_mutex_lock (&content->lock);
  content->producer = producer ? *producer : (SyrinxProducer){ 0 };
  content->producer_data = user_data;
  g_mutex_unlock (&content->lock);
}
