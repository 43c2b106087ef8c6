/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content: fragments that a producer has made are checked, encrypted, made
 * durable and entered in the index. */
#include "content-private.h"

#include "core/crypto/chunk-cipher.h"
#include "chunk-files.h"
#include "core/media/cmaf.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define MAX_WRITES 256 /* fragments that may wait in memory for a slow disk */

typedef struct
{
  SyrinxRendition *rendition; /* a reference of the job's own */
  SyrinxArrival arrival;
  gboolean is_known; /* the index has a row for it, with this digest */
} WriteJob;

static gboolean
persist (SyrinxContent *content, WriteJob *job, GError **error)
{
  const SyrinxRenditionRow *row = job->rendition->row;
  const SyrinxArrival *arrival = &job->arrival;
  SyrinxFragmentRow fragment = { .number = arrival->number,
    .size_bytes = g_bytes_get_size (arrival->chunk) };

  memcpy (fragment.sha256, arrival->sha256, sizeof fragment.sha256);
  return syrinx_chunk_files_write (content->state_dir, row->track_id, row->name,
             row->epoch, arrival->number, arrival->chunk, error)
         && (job->is_known
             || syrinx_store_put_fragments (content->store, row->track_id,
                 row->name, row->epoch, &fragment, 1, error));
}

/* If the disk is full, half of the cache is evicted and the write is tried once
 * more. */
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
  syrinx_content_evict_half (content);
  return persist (content, job, error);
}

/* Keeps @failure (nullable) for the next commit, which fails with it and so
 * ends the production run. */
static void
note_write_locked (WriteJob *job, const GError *failure)
{
  SyrinxRendition *rendition = job->rendition;

  if (!failure) {
    g_hash_table_remove (
        rendition->lost, SYRINX_FRAGMENT_KEY (job->arrival.number));
    return;
  }
  g_clear_error (&rendition->write_failure);
  rendition->write_failure = g_error_copy (failure);
}

static void
job_free (WriteJob *job)
{
  g_bytes_unref (job->arrival.chunk);
  g_bytes_unref (job->arrival.clear);
  syrinx_rendition_unref (job->rendition);
  g_free (job);
}

/* In the writer's thread. Clients are served from memory already. The row is
 * written last, so that every fragment in the index is on the disk. */
static void
write_fragment (gpointer data)
{
  WriteJob *job = data;
  SyrinxContent *content = job->rendition->content;
  g_autoptr (GError) error = NULL;

  if (!persist_or_evict (content, job, &error))
    g_warning ("can't keep fragment %d of %s: %s", job->arrival.number,
        job->rendition->name, error->message);
  syrinx_content_evict (content);
  g_mutex_lock (&content->lock);
  note_write_locked (job, error);
  syrinx_rendition_unpin_locked (job->rendition, job->arrival.number);
  g_mutex_unlock (&content->lock);
  job_free (job);
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
  syrinx_rendition_wake_unlocking (rendition, SYRINX_FRAGMENT_HEADER, 0);
  g_mutex_unlock (&content->lock);
  return syrinx_store_put_rendition (content->store, &copy, error);
}

/* Refuses a fragment whose bytes differ from those that were made before.
 * Clients have the old bytes under the same URLs, so a new epoch is begun. */
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

/* FALSE with @error: an earlier write failed, so the run must end. */
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

/* FALSE with @error: the index has another digest for this fragment. */
static gboolean
check_digest (WriteJob *job, GError **error)
{
  GMutex *lock = &job->rendition->content->lock;
  SyrinxArrival *arrival = &job->arrival;
  guint8 expected[SYRINX_SHA256_BYTES];
  const guint8 *lost;

  g_mutex_lock (lock);
  lost = g_hash_table_lookup (
      job->rendition->lost, SYRINX_FRAGMENT_KEY (arrival->number));
  job->is_known = lost != NULL;
  if (lost)
    memcpy (expected, lost, sizeof expected);
  g_mutex_unlock (lock);
  if (syrinx_rendition_check_digest (arrival, lost ? expected : NULL))
    return TRUE;
  return refuse_other_bytes (job->rendition, arrival->number, error);
}

/* Encrypts @clear and checks its digest. (transfer full) (nullable) */
static WriteJob *
new_job (SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  GBytes *chunk = syrinx_rendition_encrypt (rendition, number, clear, error);
  WriteJob *job;

  if (!chunk)
    return NULL;
  job = g_new0 (WriteJob, 1);
  job->rendition = syrinx_rendition_ref (rendition);
  job->arrival = (SyrinxArrival){ .number = number,
    .chunk = chunk,
    .clear = g_bytes_ref (clear),
    .is_pinned = TRUE };
  if (check_digest (job, error))
    return job;
  job_free (job);
  return NULL;
}

/* Wakes the callers that wait for @number. @job (nullable): NULL if the
 * fragment was in memory or on the disk already. */
static void
publish (SyrinxRendition *rendition, gint number, const WriteJob *job)
{
  GMutex *lock = &rendition->content->lock;

  g_mutex_lock (lock);
  if (job)
    syrinx_rendition_admit_locked (rendition, &job->arrival);
  syrinx_rendition_wake_unlocking (rendition, number, number + 1);
  g_mutex_unlock (lock);
}

gboolean
syrinx_rendition_commit (
    SyrinxRendition *rendition, gint number, GBytes *clear, GError **error)
{
  SyrinxContent *content = rendition->content;
  WriteJob *job = NULL;

  if (number == SYRINX_FRAGMENT_HEADER)
    return commit_header (rendition, clear, error);
  if (!check_fragment (rendition, number, clear, error)
      || !check_disk (rendition, error))
    return FALSE;
  if (syrinx_rendition_has (rendition, number)) {
    publish (rendition, number, NULL);
    return TRUE;
  }
  job = new_job (rendition, number, clear, error);
  if (!job)
    return FALSE;
  publish (rendition, number, job);
  syrinx_writer_push (content->writer, write_fragment, job);
  /* Delays the producer, never a client. */
  syrinx_writer_wait (content->writer, MAX_WRITES);
  return TRUE;
}
