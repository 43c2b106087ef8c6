/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: fragments are checked, encrypted, made durable and entered in the
 * index. */
#include "content-private.h"

#include "core/crypto/chunk-cipher.h"
#include "chunk-files.h"
#include "core/media/cmaf.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define MAX_WRITES 256 /* fragments that are held in memory for a slow disk */

typedef struct
{
  SyrinxContent *content;     /* its own reference, or the rendition's */
  SyrinxRendition *rendition; /* NULL: remove superseded epochs */
  gboolean is_full;           /* and evict: the disk is full */
  gint number;
  GBytes *chunk;
  guint8 sha256[SYRINX_SHA256_BYTES];
  gboolean is_known; /* to the index, with this digest */
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

  memcpy (fragment.sha256, job->sha256, sizeof fragment.sha256);
  return syrinx_chunk_files_write (content->state_dir, row->track_id, row->name,
             row->epoch, job->number, job->chunk, error)
         && (job->is_known
             || syrinx_store_put_fragments (content->store, row->track_id,
                 row->name, row->epoch, &fragment, 1, error));
}

static void
evict (SyrinxContent *content, guint64 max_bytes)
{
  if (!syrinx_store_evict (content->store, max_bytes, may_evict, content, NULL))
    g_warning ("can't shrink the cache of %s", content->state_dir);
}

static guint64
get_cache_bytes (SyrinxContent *content)
{
  SyrinxStoreStats stats = { 0 };

  return syrinx_store_get_stats (content->store, &stats, NULL)
             ? stats.cache_bytes
             : content->cache_max_bytes;
}

/* A full disk gives up half of the cache, and then either has room or fails
 * what is being made. */
static gboolean
persist_or_evict (SyrinxContent *content, WriteJob *job, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (persist (content, job, &local))
    return TRUE;
  if (!g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOSPC)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  evict (content, get_cache_bytes (content) / 2);
  return persist (content, job, error);
}

/* For the next commit, which ends the run with it. */
static void
note_write_locked (WriteJob *job, const GError *failure)
{
  SyrinxRendition *rendition = job->rendition;

  if (!failure) {
    g_hash_table_remove (rendition->lost, SYRINX_FRAGMENT_KEY (job->number));
    return;
  }
  g_clear_error (&rendition->write_failure);
  rendition->write_failure = g_error_copy (failure);
}

/* Listeners have it from memory already. The row comes last, so that what the
 * index knows is on the disk. */
static void
write_fragment (SyrinxContent *content, WriteJob *job)
{
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  g_autoptr (GError) error = NULL;

  if (!persist_or_evict (content, job, &error))
    g_warning ("can't keep fragment %d of %s: %s", job->number,
        job->rendition->name, error->message);
  evict (content, content->cache_max_bytes);
  syrinx_rendition_name_fragment (job->rendition, job->number, name);
  g_mutex_lock (&content->lock);
  note_write_locked (job, error);
  syrinx_fragment_cache_unpin (content->cache, name);
  g_mutex_unlock (&content->lock);
  g_bytes_unref (job->chunk);
  syrinx_rendition_unref (job->rendition);
}

/* The writer's thread. */
void
syrinx_content_run_job (gpointer data, gpointer user_data)
{
  g_autofree WriteJob *job = data;

  if (job->rendition) {
    write_fragment (user_data, job);
  } else {
    if (job->is_full)
      evict (job->content, get_cache_bytes (job->content) / 2);
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

/* Holds up who makes fragments, not who listens. */
static void
wait_for_disk (SyrinxWrites *writes)
{
  g_mutex_lock (&writes->lock);
  while (writes->n > MAX_WRITES)
    g_cond_wait (&writes->done, &writes->lock);
  g_mutex_unlock (&writes->lock);
}

static void
push_sweep (SyrinxContent *content, gboolean is_full)
{
  WriteJob *job = g_new0 (WriteJob, 1);

  job->content = syrinx_content_ref (content);
  job->is_full = is_full;
  push_job (content, job);
}

void
syrinx_content_sweep (SyrinxContent *content)
{
  push_sweep (content, FALSE);
}

void
syrinx_content_make_room (SyrinxContent *content)
{
  push_sweep (content, TRUE);
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

/* Who plays the epoch before has other bytes under the same URLs already. */
static gboolean
refuse_other_bytes (SyrinxRendition *rendition, gint number, GError **error)
{
  const SyrinxRenditionRow *row = rendition->row;
  g_autoptr (GError) cause = NULL;
  guint64 n_rotated;

  if (!rendition->is_superseded
      && !syrinx_content_rotate_keys (
          rendition->content, row->track_id, row->name, &n_rotated, &cause)) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return FALSE;
  }
  return refuse (rendition, number,
      "made again it is not what it was; a new epoch begins", error);
}

/* Whether the index knows it; FALSE with @error: by another digest. */
static gboolean
check_digest (SyrinxRendition *rendition, WriteJob *job, GError **error)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (job->chunk, &size_bytes);
  const guint8 *before;
  gboolean is_same = TRUE;

  syrinx_sha256 (data, size_bytes, job->sha256);
  g_mutex_lock (&rendition->content->lock);
  before = g_hash_table_lookup (
      rendition->lost, SYRINX_FRAGMENT_KEY (job->number));
  job->is_known = before != NULL;
  if (before)
    is_same = memcmp (before, job->sha256, sizeof job->sha256) == 0;
  g_mutex_unlock (&rendition->content->lock);
  return is_same || refuse_other_bytes (rendition, job->number, error);
}

/* Whether the run may go on after the last write. */
static gboolean
check_disk (SyrinxRendition *rendition, GError **error)
{
  GError *failure;

  g_mutex_lock (&rendition->content->lock);
  failure = g_steal_pointer (&rendition->write_failure);
  g_mutex_unlock (&rendition->content->lock);
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* (transfer full) (nullable) */
static WriteJob *
new_job (SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  g_autofree WriteJob *job = g_new0 (WriteJob, 1);

  job->number = number;
  job->chunk = encrypt (rendition, number, clear, error);
  if (!job->chunk)
    return NULL;
  if (!check_digest (rendition, job, error)) {
    g_bytes_unref (job->chunk);
    return NULL;
  }
  job->rendition = syrinx_rendition_ref (rendition);
  return g_steal_pointer (&job);
}

gboolean
syrinx_rendition_commit (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  SyrinxContent *content = rendition->content;
  gchar name[SYRINX_FRAGMENT_NAME_MAX];
  WriteJob *job;

  if (number == SYRINX_FRAGMENT_HEADER)
    return commit_header (rendition, clear, error);
  if (!check_fragment (rendition, number, clear, error)
      || !check_disk (rendition, error))
    return FALSE;
  if (syrinx_rendition_has (rendition, number)) {
    g_mutex_lock (&content->lock);
    syrinx_rendition_wake_locked (rendition, number, number + 1);
    g_mutex_unlock (&content->lock);
    return TRUE;
  }
  job = new_job (rendition, number, clear, error);
  if (!job)
    return FALSE;
  syrinx_rendition_name_fragment (rendition, number, name);
  g_mutex_lock (&content->lock);
  syrinx_fragment_cache_put (content->cache, name, FALSE, job->chunk, TRUE);
  syrinx_fragment_cache_put (content->cache, name, TRUE, clear, TRUE);
  syrinx_rendition_wake_locked (rendition, number, number + 1);
  g_mutex_unlock (&content->lock);
  push_job (content, job);
  wait_for_disk (content->writes);
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
