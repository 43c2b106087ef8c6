/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: fragments are fetched, made durable and entered in the index. */
#include "content-private.h"

#include "chunk-cipher.h"
#include "chunk-files.h"
#include "cmaf.h"
#include "error.h"
#include "identifier.h"

static GMutex registry_lock;
static GHashTable *registry; /* state dir → SyrinxContent, unowned */

/* --- Fetching --- */

static void
name_fragment (SyrinxRendition *rendition, gint number,
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
  syrinx_store_remove_fragment (
      content->store, row->track_id, row->name, row->epoch, number, NULL);
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
  gpointer key = GINT_TO_POINTER (number + 1);
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  g_autoptr (GBytes) chunk = NULL;
  g_autoptr (GError) cause = NULL;
  GBytes *cached;

  name_fragment (rendition, number, name);
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
  gboolean has;

  name_fragment (rendition, number, name);
  g_mutex_lock (&content->lock);
  has = number == SYRINX_FRAGMENT_HEADER
            ? row->header != NULL
            : syrinx_fragment_cache_get (content->cache, name, FALSE) != NULL;
  g_mutex_unlock (&content->lock);
  return has
         || (number != SYRINX_FRAGMENT_HEADER
             && syrinx_store_get_fragment (content->store, row->track_id,
                 row->name, row->epoch, number, &fragment, NULL));
}

/* --- Committing --- */

typedef struct
{
  SyrinxContent *content;     /* its own reference, or the rendition's */
  SyrinxRendition *rendition; /* NULL: remove superseded epochs */
  gint number;
  GBytes *chunk;
  SyrinxWrites *writes;
} WriteJob;

static gboolean
may_evict (
    const gchar *track_id, const gchar *name, guint epoch, gpointer user_data)
{
  SyrinxContent *content = user_data;
  g_autofree gchar *key = g_strdup_printf ("%s/%s/%u", track_id, name, epoch);
  gboolean in_use;

  g_mutex_lock (&content->lock);
  in_use = g_hash_table_contains (content->renditions, key);
  g_mutex_unlock (&content->lock);
  if (!in_use)
    syrinx_chunk_files_remove_epoch (content->state_dir, track_id, name, epoch);
  return !in_use;
}

static gboolean
persist (SyrinxContent *content, WriteJob *job, GError **error)
{
  const SyrinxRenditionRow *row = job->rendition->row;
  SyrinxFragmentRow fragment
      = { .number = job->number, .size_bytes = g_bytes_get_size (job->chunk) };

  syrinx_sha256 (g_bytes_get_data (job->chunk, NULL), fragment.size_bytes,
      fragment.sha256);
  return syrinx_chunk_files_write (content->state_dir, row->track_id, row->name,
             row->epoch, job->number, job->chunk, error)
         && syrinx_store_put_fragments (content->store, row->track_id,
             row->name, row->epoch, &fragment, 1, error);
}

/* Listeners have it from memory already. The row comes last, so that what the
 * index knows is on the disk. */
static void
write_fragment (SyrinxContent *content, WriteJob *job)
{
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  g_autoptr (GError) error = NULL;

  if (!persist (content, job, &error))
    g_warning ("can't keep fragment %d of %s: %s", job->number,
        job->rendition->name, error->message);
  if (!syrinx_store_evict (content->store,
          g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC)
              ? content->cache_max_bytes / 2
              : content->cache_max_bytes,
          may_evict, content, NULL))
    g_warning ("can't shrink the cache of %s", content->state_dir);
  name_fragment (job->rendition, job->number, name);
  g_mutex_lock (&content->lock);
  syrinx_fragment_cache_unpin (content->cache, name);
  g_mutex_unlock (&content->lock);
  g_bytes_unref (job->chunk);
  syrinx_rendition_unref (job->rendition);
}

/* The writer's thread. */
static void
run_job (gpointer data, gpointer user_data)
{
  g_autofree WriteJob *job = data;

  if (job->rendition) {
    write_fragment (user_data, job);
  } else {
    syrinx_content_remove_superseded (job->content);
    syrinx_content_unref (job->content);
  }
  g_mutex_lock (&job->writes->lock);
  job->writes->n--;
  g_cond_broadcast (&job->writes->done);
  g_mutex_unlock (&job->writes->lock);
  g_atomic_rc_box_release (job->writes);
}

static void
push_job (SyrinxContent *content, WriteJob *job)
{
  job->writes = g_atomic_rc_box_acquire (content->writes);
  g_mutex_lock (&job->writes->lock);
  job->writes->n++;
  g_mutex_unlock (&job->writes->lock);
  g_thread_pool_push (content->writer, job, NULL);
}

void
syrinx_content_sweep (SyrinxContent *content)
{
  WriteJob *job = g_new0 (WriteJob, 1);

  job->content = syrinx_content_ref (content);
  push_job (content, job);
}

static gboolean
refuse (
    SyrinxRendition *rendition, gint number, const gchar *why, GError **error)
{
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "fragment %d of %s is refused: %s", number, rendition->name, why);
  return FALSE;
}

static gboolean
check_fragment (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  const SyrinxRenditionRow *row = rendition->row;
  g_auto (SyrinxCmafFragment) fragment = { 0 };
  guint64 start = (guint64)number * row->fragment_units;
  guint64 duration = MIN (row->fragment_units, row->n_units - start);

  if (number < 0 || number >= (gint)row->n_fragments)
    return refuse (rendition, number, "there is no such number", error);
  if (!syrinx_cmaf_read_fragment (clear, &fragment, error))
    return FALSE;
  if (fragment.decode_time != start || fragment.duration != duration)
    return refuse (rendition, number, "its times are not the plan's", error);
  return TRUE;
}

static gboolean
commit_header (SyrinxRendition *rendition, GBytes *header, GError **error)
{
  SyrinxContent *content = rendition->content;
  SyrinxRenditionRow *row = rendition->row;
  SyrinxRenditionRow copy;
  g_auto (SyrinxCmafHeader) read = { 0 };

  if (!syrinx_cmaf_read_header (header, &read, error))
    return FALSE;
  if (read.timescale != row->timescale || read.pre_skip != row->pre_skip)
    return refuse (
        rendition, SYRINX_FRAGMENT_HEADER, "it is not the plan's", error);
  g_mutex_lock (&content->lock);
  if (!row->header)
    row->header = g_bytes_ref (header);
  copy = *row;
  syrinx_rendition_wake_locked (rendition, SYRINX_FRAGMENT_HEADER, 0);
  g_mutex_unlock (&content->lock);
  return syrinx_store_put_rendition (content->store, &copy, error);
}

static GBytes *
encrypt (SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  gsize clear_bytes;
  const guint8 *data = g_bytes_get_data (clear, &clear_bytes);
  gsize chunk_bytes = syrinx_chunk_ciphertext_bytes (clear_bytes);
  guint8 *chunk = g_malloc (chunk_bytes);

  if (syrinx_chunk_encrypt (
          rendition->key, number, data, clear_bytes, chunk, error))
    return g_bytes_new_take (chunk, chunk_bytes);
  g_free (chunk);
  return NULL;
}

gboolean
syrinx_rendition_commit (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  SyrinxContent *content = rendition->content;
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  GBytes *chunk;
  WriteJob *job;

  if (number == SYRINX_FRAGMENT_HEADER)
    return commit_header (rendition, clear, error);
  if (!check_fragment (rendition, number, clear, error))
    return FALSE;
  if (syrinx_rendition_has (rendition, number)) {
    g_mutex_lock (&content->lock);
    syrinx_rendition_wake_locked (rendition, number, number + 1);
    g_mutex_unlock (&content->lock);
    return TRUE;
  }
  chunk = encrypt (rendition, number, clear, error);
  if (!chunk)
    return FALSE;
  name_fragment (rendition, number, name);
  job = g_new0 (WriteJob, 1);
  job->rendition = syrinx_rendition_ref (rendition);
  job->number = number;
  job->chunk = chunk;
  g_mutex_lock (&content->lock);
  syrinx_fragment_cache_put (content->cache, name, FALSE, chunk, TRUE);
  syrinx_fragment_cache_put (content->cache, name, TRUE, clear, TRUE);
  syrinx_rendition_wake_locked (rendition, number, number + 1);
  g_mutex_unlock (&content->lock);
  push_job (content, job);
  return TRUE;
}

void
syrinx_rendition_fail (
    SyrinxRendition *rendition, gint first, guint count, const GError *error)
{
  SyrinxContent *content = rendition->content;
  gint end = first + (gint)MIN (count, rendition->row->n_fragments);

  g_mutex_lock (&content->lock);
  g_clear_error (&rendition->failure);
  rendition->failure = g_error_copy (error);
  rendition->failed_first = rendition->row->header ? first : MIN (first, -1);
  rendition->failed_end = end;
  syrinx_rendition_owe_failure_locked (
      rendition, rendition->failed_first, end, error);
  syrinx_rendition_wake_locked (rendition, rendition->failed_first, end);
  g_mutex_unlock (&content->lock);
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
  content->writer = g_thread_pool_new (run_job, content, 1, FALSE, NULL);
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
