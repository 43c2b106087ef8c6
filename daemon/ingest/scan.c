/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scanning. */
#include "scan.h"

#include "folder-cover.h"
#include "folders.h"
#include "worker-report.h"

#include "core/base/error.h"

#include <string.h>
#include <unistd.h>

#define FILE_TIMEOUT_US  (60 * G_USEC_PER_SEC)
#define MAX_ATTEMPTS     2 /* a worker may die of something else */
#define BATCH_TRACKS     100
#define BATCH_US         (2 * G_USEC_PER_SEC)
#define MAX_REASON_BYTES 300

/* What the index knows of a file. */
typedef struct
{
  gint64 size_bytes, mtime_ns, ctime_ns;
  gboolean seen;
} Known;

typedef struct
{
  const SyrinxScanJob *job;
  const gchar *root;
  GHashTable *known; /* path to Known; not changed while workers run */

  GMutex lock;
  /* protected by lock */
  GPtrArray *batch; /* of SyrinxTrack */
  gint64 batch_since_us;
  gboolean changed, broken;
} Root;

static void
on_known (const gchar *path, gint64 size_bytes, gint64 mtime_ns,
    gint64 ctime_ns, const gchar *reason, gpointer user_data)
{
  Root *root = user_data;
  Known *known = g_new0 (Known, 1);

  known->size_bytes = size_bytes;
  known->mtime_ns = mtime_ns;
  known->ctime_ns = ctime_ns;
  g_hash_table_insert (root->known, g_strdup (path), known);
}

static void
mark_changed (Root *root)
{
  g_mutex_lock (&root->lock);
  root->changed = TRUE;
  g_mutex_unlock (&root->lock);
}

/* --- Results --- */

static void
drop_renditions (Root *root, SyrinxTrack *track)
{
  g_autoptr (GError) error = NULL;

  if (track->sounds_different
      && !syrinx_store_remove_renditions (root->job->store, track->id, &error))
    g_warning ("renditions of %s: %s", track->id, error->message);
}

static void
put_batch (Root *root, GPtrArray *batch)
{
  g_autoptr (GError) error = NULL;

  if (batch->len == 0)
    return;
  if (!syrinx_store_put_tracks (root->job->store, batch, &error)) {
    g_warning (
        "%u tracks could not be indexed: %s", batch->len, error->message);
    return;
  }
  for (guint i = 0; i < batch->len; i++)
    drop_renditions (root, batch->pdata[i]);
  mark_changed (root);
}

static GPtrArray *
new_batch (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
}

/* @track: (transfer full) (nullable): only looks whether it is time. */
static void
add_track (Root *root, SyrinxTrack *track, gboolean flush)
{
  g_autoptr (GPtrArray) full = NULL;
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&root->lock);
  if (root->batch->len == 0)
    root->batch_since_us = now_us;
  if (track)
    g_ptr_array_add (root->batch, track);
  if (flush || root->batch->len >= BATCH_TRACKS
      || now_us - root->batch_since_us > BATCH_US) {
    full = root->batch;
    root->batch = new_batch ();
  }
  g_mutex_unlock (&root->lock);
  if (full)
    put_batch (root, full);
}

static void
put_failure (Root *root, const SyrinxFoundFile *file, const gchar *reason)
{
  g_autofree gchar *clean
      = syrinx_report_clean_text (reason, strlen (reason), MAX_REASON_BYTES);
  g_autofree gchar *name = g_strescape (file->path, NULL);
  g_autoptr (GError) error = NULL;

  g_message ("left out %s: %s", name, clean);
  g_atomic_int_inc (root->job->n_failed);
  if (!syrinx_store_put_failure (root->job->store, root->root, file->path,
          file->size_bytes, file->mtime_ns, file->ctime_ns, clean, &error))
    g_warning ("could not note that: %s", error->message);
  mark_changed (root);
}

/* --- One file --- */

static SyrinxTrack *
read_answer (Root *root, const SyrinxFoundFile *file,
    const SyrinxMessage *message, GError **error)
{
  g_autoptr (GVariant) report = NULL;
  g_autofree gchar *reason = NULL;

  if (message->type == SYRINX_MESSAGE_FAILED
      || message->type == SYRINX_MESSAGE_REFUSED) {
    gsize size;
    const gchar *text = g_bytes_get_data (message->payload, &size);
    reason
        = syrinx_report_clean_text (text ? text : "", size, MAX_REASON_BYTES);
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, reason);
    return NULL;
  }
  if (message->type == SYRINX_MESSAGE_RESULT)
    report = syrinx_message_get_dict (message);
  if (report)
    return syrinx_report_read (report, file->path,
        syrinx_store_get_state_dir (root->job->store), error);
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "the worker does not speak our protocol");
  return NULL;
}

/* *@lost is set where there was no answer. */
static SyrinxTrack *
ask_worker (Root *root, const SyrinxFoundFile *file, gint fd, gboolean *lost,
    GError **error)
{
  SyrinxWorker *worker = syrinx_worker_pool_take (root->job->pool, error);
  g_auto (SyrinxMessage) message = { .fd = -1 };
  SyrinxTrack *track = NULL;

  if (!worker) {
    g_mutex_lock (&root->lock);
    root->broken = TRUE;
    g_mutex_unlock (&root->lock);
    return NULL;
  }
  *lost = !syrinx_worker_start (worker, SYRINX_MESSAGE_SCAN, NULL, fd, error)
          || !syrinx_worker_receive (worker,
              g_get_monotonic_time () + FILE_TIMEOUT_US, &message, error);
  if (!*lost)
    track = read_answer (root, file, &message, error);
  syrinx_worker_pool_give (root->job->pool, worker, !*lost);
  return track;
}

static SyrinxTrack *
scan_open_file (
    Root *root, const SyrinxFoundFile *file, gint fd, GError **error)
{
  gboolean lost = TRUE;
  SyrinxTrack *track = NULL;

  for (guint i = 0; i < MAX_ATTEMPTS && lost; i++) {
    g_clear_error (error);
    lost = FALSE;
    track = ask_worker (root, file, fd, &lost, error);
    if (g_error_matches (*error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT))
      break;
  }
  if (track)
    track->fingerprint = syrinx_library_get_fingerprint (fd);
  return track;
}

static SyrinxTrack *
scan_file (Root *root, const SyrinxFoundFile *file, GError **error)
{
  gint fd = syrinx_library_open (root->root, file->path, NULL, NULL, error);
  SyrinxTrack *track = NULL;

  if (fd < 0)
    return NULL;
  if (file->size_bytes == 0)
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "it is empty");
  else
    track = scan_open_file (root, file, fd, error);
  close (fd);
  if (!track)
    return NULL;
  track->root = g_strdup (root->root);
  track->path = g_strdup (file->path);
  track->size_bytes = file->size_bytes;
  track->mtime_ns = file->mtime_ns;
  track->ctime_ns = file->ctime_ns;
  track->added_at_s = g_get_real_time () / G_USEC_PER_SEC;
  syrinx_folder_cover_keep (track, root->root, file->path,
      syrinx_store_get_state_dir (root->job->store));
  return track;
}

static gboolean
is_stopped (Root *root)
{
  gboolean broken;

  g_mutex_lock (&root->lock);
  broken = root->broken;
  g_mutex_unlock (&root->lock);
  return broken || g_cancellable_is_cancelled (root->job->cancellable);
}

/* In a thread of the scan's own pool. */
static void
on_file (gpointer data, gpointer user_data)
{
  const SyrinxFoundFile *file = data;
  Root *root = user_data;
  g_autoptr (GError) error = NULL;
  SyrinxTrack *track;

  if (is_stopped (root))
    return;
  track = scan_file (root, file, &error);
  if (track)
    add_track (root, track, FALSE);
  else if (!is_stopped (root))
    put_failure (root, file, error->message);
  g_atomic_int_inc (root->job->n_done);
  root->job->progress (root->job->user_data);
}

/* --- One root --- */

static gboolean
needs_scan (Root *root, const SyrinxFoundFile *file)
{
  Known *known = g_hash_table_lookup (root->known, file->path);

  if (known)
    known->seen = TRUE;
  return !known || known->size_bytes != file->size_bytes
         || known->mtime_ns != file->mtime_ns
         || known->ctime_ns != file->ctime_ns;
}

/* Before anything new is put, so that a renamed file finds its old track. An
 * empty folder is rather one that is not mounted. */
static void
remove_missing (Root *root, guint n_found)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer path, known;

  g_hash_table_iter_init (&iter, root->known);
  while (g_hash_table_iter_next (&iter, &path, &known))
    if (!((Known *)known)->seen)
      g_ptr_array_add (missing, path);
  if (missing->len == 0)
    return;
  if (n_found == 0) {
    g_warning ("%s is empty but had %u files: is it mounted? Nothing is "
               "removed",
        root->root, missing->len);
    return;
  }
  if (!syrinx_store_remove_paths (
          root->job->store, root->root, missing, &error))
    g_warning ("files that are gone: %s", error->message);
  mark_changed (root);
}

static void
scan_files (Root *root, GPtrArray *files)
{
  GThreadPool *threads;

  g_atomic_int_add (root->job->n_total, files->len);
  root->job->progress (root->job->user_data);
  threads = g_thread_pool_new (
      on_file, root, MAX (root->job->n_workers, 1), FALSE, NULL);
  for (guint i = 0; i < files->len; i++)
    g_thread_pool_push (threads, files->pdata[i], NULL);
  g_thread_pool_free (threads, FALSE, TRUE);
  add_track (root, NULL, TRUE);
}

static void
scan_root (Root *root, GPtrArray *directories)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = syrinx_library_walk (
      root->root, directories, root->job->cancellable, &error);
  g_autoptr (GPtrArray) wanted = g_ptr_array_new ();

  if (!found
      || !syrinx_store_foreach_file (
          root->job->store, root->root, on_known, root, &error)) {
    g_warning ("%s", error->message);
    return;
  }
  for (guint i = 0; i < found->len; i++)
    if (needs_scan (root, found->pdata[i]))
      g_ptr_array_add (wanted, found->pdata[i]);
  remove_missing (root, found->len);
  if (wanted->len > 0)
    scan_files (root, wanted);
}

void
syrinx_scan_run (const SyrinxScanJob *job, SyrinxScanResult *result)
{
  result->directories = g_ptr_array_new_with_free_func (g_free);
  result->changed = FALSE;
  for (guint i = 0; job->roots[i]; i++) {
    Root root = { .job = job, .root = job->roots[i] };

    root.known
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    root.batch = new_batch ();
    g_mutex_init (&root.lock);
    scan_root (&root, result->directories);
    result->changed |= root.changed;
    g_mutex_clear (&root.lock);
    g_ptr_array_unref (root.batch);
    g_hash_table_unref (root.known);
  }
}
