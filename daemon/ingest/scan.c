/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scanning. */
#include "scan.h"

#include "deadline.h"
#include "folder-cover.h"
#include "folders.h"
#include "scan-areas.h"
#include "report-text.h"
#include "worker-report.h"

#include "core/base/error.h"

#include <string.h>
#include <unistd.h>

#define FILE_TIMEOUT_US  (60 * G_USEC_PER_SEC)
#define SHARE_TIMEOUT_US (20 * G_USEC_PER_SEC) /* for one read of a worker */
#define SHARE_MS         5000                  /* without progress */
#define DISK_MS          60000 /* likewise: a disk may have to spin up */
#define MAX_ATTEMPTS     2     /* the first worker may have died by chance */
#define BATCH_TRACKS     100
#define BATCH_US         (2 * G_USEC_PER_SEC)
#define MAX_REASON_BYTES 300

/* The index's entry of a file. */
typedef struct
{
  gint64 size_bytes, mtime_ns, ctime_ns;
  gboolean seen;
} Known;

typedef struct
{
  const SyrinxScanJob *job;
  const SyrinxScanArea *area;
  const gchar *root;
  GHashTable *known; /* path → Known; not changed while workers run */

  GMutex lock;
  /* protected by lock */
  GPtrArray *batch; /* of SyrinxTrack */
  gint64 batch_since_us;
  gboolean changed;
  gboolean broken; /* workers can't be started */
  gboolean away;   /* the share does not answer */
} Root;

/* A file that is opened and checked in a thread that may hang. */
typedef struct
{
  gchar *root, *path;
  gint fd; /* -1: see error */
  gchar *fingerprint;
  GError *error;
} Opening;

/* A search for a picture beside a file, in a thread that may hang. */
typedef struct
{
  SyrinxTrack *track; /* only the fields that the search needs */
  gchar *state_dir;
} Covering;

static void
on_known (const gchar *path, gint64 size_bytes, gint64 mtime_ns,
    gint64 ctime_ns, const gchar *reason, gpointer user_data)
{
  Root *root = user_data;
  Known *known;

  if (!syrinx_scan_area_has (root->area, path))
    return;
  known = g_new0 (Known, 1);
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

/* @track: (transfer full) (nullable): NULL only writes a batch that is due. */
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

static void
set_flag (Root *root, gboolean *flag)
{
  g_mutex_lock (&root->lock);
  *flag = TRUE;
  g_mutex_unlock (&root->lock);
}

/* *@lost is set if the worker died or timed out. */
static SyrinxTrack *
ask_worker (Root *root, const SyrinxFoundFile *file, gint fd, gboolean *lost,
    GError **error)
{
  SyrinxWorker *worker = syrinx_worker_pool_take (root->job->pool, error);
  g_auto (SyrinxMessage) message = { .fd = -1 };
  gint64 timeout_us = root->area->is_share ? SHARE_TIMEOUT_US : FILE_TIMEOUT_US;
  SyrinxTrack *track = NULL;

  if (!worker) {
    set_flag (root, &root->broken);
    return NULL;
  }
  *lost = !syrinx_worker_start (worker, SYRINX_MESSAGE_SCAN, NULL, fd, error)
          || !syrinx_worker_receive (
              worker, g_get_monotonic_time () + timeout_us, &message, error);
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
  return track;
}

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  if (opening->fd >= 0)
    close (opening->fd);
  g_free (opening->root);
  g_free (opening->path);
  g_free (opening->fingerprint);
  g_clear_error (&opening->error);
  g_free (opening);
}

static void
open_file (gpointer data, gint *progress)
{
  Opening *opening = data;

  opening->fd = syrinx_library_open (
      opening->root, opening->path, NULL, NULL, &opening->error);
  g_atomic_int_inc (progress);
  if (opening->fd >= 0)
    opening->fingerprint = syrinx_library_get_fingerprint (opening->fd);
}

/* NULL with TIMED_OUT: the share does not answer. (transfer full) */
static Opening *
open_found (Root *root, const SyrinxFoundFile *file, GError **error)
{
  Opening *opening = g_new0 (Opening, 1);
  gint progress = 0;

  opening->root = g_strdup (root->root);
  opening->path = g_strdup (file->path);
  opening->fd = -1;
  if (!root->area->is_share) {
    open_file (opening, &progress);
  } else if (!syrinx_deadline_run (
                 root->root, open_file, opening, opening_free, SHARE_MS)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT,
        "the share does not answer");
    return NULL;
  }
  if (opening->fd >= 0 && opening->fingerprint)
    return opening;
  if (opening->error)
    g_propagate_error (error, g_steal_pointer (&opening->error));
  else
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT, "it can't be read");
  opening_free (opening);
  return NULL;
}

/* A worker can't tell a bad file from a share that has gone away; opening the
 * file again can. */
static void
check_share (Root *root, const SyrinxFoundFile *file, GError **error)
{
  g_autoptr (GError) again = NULL;
  Opening *opening;

  if (!root->area->is_share)
    return;
  opening = open_found (root, file, &again);
  if (opening) {
    opening_free (opening);
  } else if (g_error_matches (again, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT)) {
    g_clear_error (error);
    g_propagate_error (error, g_steal_pointer (&again));
  }
}

static void
seek_cover (gpointer data, gint *progress)
{
  Covering *covering = data;

  syrinx_folder_cover_keep (covering->track, covering->track->root,
      covering->track->path, covering->state_dir);
}

static void
covering_free (gpointer data)
{
  Covering *covering = data;

  syrinx_track_free (covering->track);
  g_free (covering->state_dir);
  g_free (covering);
}

/* Keeps the picture beside a file that has none of its own. */
static void
keep_cover (Root *root, SyrinxTrack *track)
{
  const gchar *state_dir = syrinx_store_get_state_dir (root->job->store);
  Covering *covering;

  if (!root->area->is_share) {
    syrinx_folder_cover_keep (track, track->root, track->path, state_dir);
    return;
  }
  if (track->artwork)
    return;
  covering = g_new0 (Covering, 1);
  covering->track = g_new0 (SyrinxTrack, 1);
  covering->track->root = g_strdup (track->root);
  covering->track->path = g_strdup (track->path);
  covering->state_dir = g_strdup (state_dir);
  if (!syrinx_deadline_run (
          root->root, seek_cover, covering, covering_free, SHARE_MS))
    return;
  track->artwork = g_steal_pointer (&covering->track->artwork);
  track->artwork_type = g_steal_pointer (&covering->track->artwork_type);
  covering_free (covering);
}

static SyrinxTrack *
scan_file (Root *root, const SyrinxFoundFile *file, GError **error)
{
  Opening *opening = open_found (root, file, error);
  SyrinxTrack *track = NULL;

  if (!opening)
    return NULL;
  if (file->size_bytes == 0)
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "it is empty");
  else
    track = scan_open_file (root, file, opening->fd, error);
  if (track)
    track->fingerprint = g_steal_pointer (&opening->fingerprint);
  opening_free (opening);
  if (!track) {
    check_share (root, file, error);
    return NULL;
  }
  track->root = g_strdup (root->root);
  track->path = g_strdup (file->path);
  track->size_bytes = file->size_bytes;
  track->mtime_ns = file->mtime_ns;
  track->ctime_ns = file->ctime_ns;
  track->added_at_s = g_get_real_time () / G_USEC_PER_SEC;
  keep_cover (root, track);
  return track;
}

static gboolean
is_stopped (Root *root)
{
  gboolean is;

  g_mutex_lock (&root->lock);
  is = root->broken || root->away;
  g_mutex_unlock (&root->lock);
  return is || g_cancellable_is_cancelled (root->job->cancellable);
}

/* Runs in a thread of the scan's own pool. */
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
  else if (root->area->is_share
           && g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT))
    set_flag (root, &root->away);
  else if (!is_stopped (root))
    put_failure (root, file, error->message);
  g_atomic_int_inc (root->job->n_done);
  root->job->progress (root->job->user_data);
}

/* --- One area --- */

static gboolean
needs_scan (Root *root, const SyrinxFoundFile *file)
{
  Known *known = g_hash_table_lookup (root->known, file->path);

  if (known)
    known->seen = TRUE;
  return !known || root->job->full || known->size_bytes != file->size_bytes
         || known->mtime_ns != file->mtime_ns
         || known->ctime_ns != file->ctime_ns;
}

/* Tracks known in a folder that can't be read are kept. */
static void
keep_hidden (Root *root, const gchar *folder)
{
  g_autofree gchar *prefix = g_strconcat (folder, "/", NULL);
  GHashTableIter iter;
  gpointer path, known;

  g_hash_table_iter_init (&iter, root->known);
  while (g_hash_table_iter_next (&iter, &path, &known))
    if (g_str_has_prefix (path, prefix) || g_str_equal (path, folder))
      ((Known *)known)->seen = TRUE;
}

/* Tracks known in the area are kept until it can be walked again. */
static void
note_away (Root *root, const gchar *why)
{
  g_message ("%s/%s can't be read now, its tracks are kept: %s", root->root,
      root->area->prefix, why);
  set_flag (root, &root->away);
}

/* Removes missing files before any new track is added, so that a renamed file
 * keeps its track. If nothing at all was found, the folder is probably not
 * mounted, and nothing is removed. */
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
    g_autofree gchar *why = g_strdup_printf (
        "it is empty but had %u files: is it mounted?", missing->len);

    note_away (root, why);
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

/* Walks the area. NULL: it is away, or the scan was cancelled. */
static SyrinxWalk *
walk_area (Root *root)
{
  const SyrinxScanArea *area = root->area;
  SyrinxWalk *walk = syrinx_walk_new (area->root, area->prefix,
      (const gchar *const *)area->excluded, root->job->cancellable);

  if (!syrinx_deadline_run (root->root, syrinx_walk_run, walk,
          (GDestroyNotify)syrinx_walk_free,
          area->is_share ? SHARE_MS : DISK_MS)) {
    note_away (root, "it does not answer");
    return NULL;
  }
  if (!walk->error)
    return walk;
  if (!g_error_matches (walk->error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED))
    note_away (root, walk->error->message);
  syrinx_walk_free (walk);
  return NULL;
}

/* Separates the files to be read from entries that can't be read. */
static GPtrArray *
choose_files (Root *root, GPtrArray *found)
{
  GPtrArray *wanted = g_ptr_array_new ();

  for (guint i = 0; i < found->len; i++) {
    SyrinxFoundFile *file = found->pdata[i];
    gboolean is_news = needs_scan (root, file);

    if (file->reason && file->hides)
      keep_hidden (root, file->path);
    if (file->reason && is_news)
      put_failure (root, file, file->reason);
    else if (is_news)
      g_ptr_array_add (wanted, file);
  }
  return wanted;
}

static void
scan_area (Root *root, SyrinxScanResult *result)
{
  SyrinxWalk *walk = walk_area (root);
  g_autoptr (GPtrArray) wanted = NULL;
  g_autoptr (GError) error = NULL;

  if (!walk)
    return;
  if (!root->area->is_share)
    for (guint i = 0; i < walk->directories->len; i++)
      g_ptr_array_add (
          result->directories, g_strdup (walk->directories->pdata[i]));
  if (syrinx_store_foreach_file (
          root->job->store, root->root, on_known, root, &error)) {
    wanted = choose_files (root, walk->files);
    remove_missing (root, walk->files->len);
    if (wanted->len > 0)
      scan_files (root, wanted);
  } else {
    g_warning ("%s", error->message);
  }
  syrinx_walk_free (walk);
}

static void
run_area (const SyrinxScanJob *job, const SyrinxScanArea *area,
    SyrinxScanResult *result)
{
  Root root = { .job = job, .area = area, .root = area->root };

  root.known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  root.batch = new_batch ();
  g_mutex_init (&root.lock);
  scan_area (&root, result);
  result->changed |= root.changed;
  result->n_away += root.away || area->is_share;
  g_mutex_clear (&root.lock);
  g_ptr_array_unref (root.batch);
  g_hash_table_unref (root.known);
}

/* Tracks of folders that left the configuration are hidden at once, and deleted
 * later with other missing ones. */
static void
hide_others (const SyrinxScanJob *job, SyrinxScanResult *result)
{
  g_autoptr (GError) error = NULL;
  guint n_hidden = 0;

  if (!syrinx_store_hide_other_roots (job->store, job->roots, &n_hidden, &error)
      || !syrinx_store_forget_missing (
          job->store, (gint64)job->forget_days * 24 * 3600, &error))
    g_warning ("folders that are no longer in the library: %s", error->message);
  if (n_hidden == 0)
    return;
  g_message ("%u files are hidden: their folders are no longer in the library. "
             "They are forgotten in %u days",
      n_hidden, job->forget_days);
  result->changed = TRUE;
}

void
syrinx_scan_run (const SyrinxScanJob *job, SyrinxScanResult *result)
{
  g_autoptr (GPtrArray) areas
      = syrinx_scan_areas_list (job->roots, job->shares);

  result->directories = g_ptr_array_new_with_free_func (g_free);
  result->changed = FALSE;
  result->n_away = 0;
  if (!job->shares)
    hide_others (job, result);
  for (guint i = 0;
       i < areas->len && !g_cancellable_is_cancelled (job->cancellable); i++)
    run_area (job, areas->pdata[i], result);
}
