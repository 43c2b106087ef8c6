/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making renditions. */
#include "production.h"

#include "folders.h"
#include "rendition-plan.h"
#include "report-text.h"
#include "worker-report.h"

#include "core/base/error.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define MAX_ATTEMPTS      2
#define MESSAGE_TIMEOUT_S 30
#define MIN_DECODE_SPEED  20 /* times real time, to reach a far position */
#define MAX_REASON_BYTES  300

/* In order of urgency. */
typedef enum
{
  ERRAND_DEMAND,
  ERRAND_AHEAD,
  ERRAND_LOUDNESS
} ErrandKind;

/* State of an errand. */
typedef enum
{
  STATE_NONE,
  STATE_ACTIVE,
  STATE_WANTED /* requested again while it runs */
} ErrandState;

typedef struct
{
  ErrandKind kind;
  SyrinxRendition *rendition;
  guint run;
  gchar *key; /* identifies the work, which is done once at a time */
} Errand;

struct _SyrinxProduction
{
  SyrinxContent *content; /* constant after init */
  SyrinxJournal *journal;
  SyrinxWorkerPool *pool;
  GThreadPool *threads;

  GMutex lock;
  /* protected by lock */
  GHashTable *active;   /* Errand key → ErrandState */
  GHashTable *measured; /* track ids whose loudness was tried */
  gboolean stopped;
};

static void
errand_free (Errand *errand)
{
  syrinx_rendition_unref (errand->rendition);
  g_free (errand->key);
  g_free (errand);
}

static gint
compare_errands (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return (gint)((const Errand *)a)->kind - (gint)((const Errand *)b)->kind;
}

static ErrandState
get_state_locked (SyrinxProduction *self, const gchar *key)
{
  return GPOINTER_TO_INT (g_hash_table_lookup (self->active, key));
}

static void
set_state_locked (SyrinxProduction *self, const gchar *key, ErrandState state)
{
  if (state == STATE_NONE)
    g_hash_table_remove (self->active, key);
  else
    g_hash_table_replace (
        self->active, g_strdup (key), GINT_TO_POINTER (state));
}

/* FALSE: the same errand is running, and is marked to run again, since it may
 * be past the fragment that is requested now (one found damaged meanwhile). */
static gboolean
is_new_locked (SyrinxProduction *self, const Errand *errand)
{
  if (self->stopped)
    return FALSE;
  if (get_state_locked (self, errand->key) != STATE_NONE) {
    set_state_locked (self, errand->key, STATE_WANTED);
    return FALSE;
  }
  return errand->kind != ERRAND_LOUDNESS
         || g_hash_table_add (self->measured,
             g_strdup (syrinx_rendition_get_row (errand->rendition)->track_id));
}

static void
enqueue (SyrinxProduction *self, ErrandKind kind, SyrinxRendition *rendition,
    guint run)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  Errand *errand = g_new0 (Errand, 1);
  gboolean wanted;

  errand->kind = kind;
  errand->rendition = syrinx_rendition_ref (rendition);
  errand->run = run;
  errand->key = kind == ERRAND_LOUDNESS
                    ? g_strdup_printf ("%s/loudness", row->track_id)
                    : g_strdup_printf ("%s/%s/%u/%u", row->track_id, row->name,
                        row->epoch, run);
  g_mutex_lock (&self->lock);
  wanted = is_new_locked (self, errand);
  if (wanted) {
    set_state_locked (self, errand->key, STATE_ACTIVE);
    g_thread_pool_push (self->threads, errand, NULL);
  }
  g_mutex_unlock (&self->lock);
  if (!wanted)
    errand_free (errand);
}

/* --- Files --- */

/* Opens the file, and checks that it is the one that was scanned. */
static gint
open_track (const SyrinxTrack *track, GError **error)
{
  gint64 size_bytes, mtime_ns;
  gint fd = syrinx_library_open (
      track->root, track->path, &size_bytes, &mtime_ns, error);

  if (fd < 0)
    return -1;
  if (size_bytes == track->size_bytes && mtime_ns == track->mtime_ns)
    return fd;
  close (fd);
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "the file changed since it was scanned; the next scan takes it in");
  return -1;
}

static gint64
get_deadline (const SyrinxTrack *track)
{
  guint64 seconds = track->n_samples / MAX (track->sample_rate_hz, 1);

  return g_get_monotonic_time ()
         + (MESSAGE_TIMEOUT_S + (gint64)(seconds / MIN_DECODE_SPEED))
               * G_USEC_PER_SEC;
}

static void
set_reason (const SyrinxMessage *message, GError **error)
{
  gsize size = 0;
  const gchar *text = g_bytes_get_data (message->payload, &size);
  g_autofree gchar *reason
      = syrinx_report_clean_text (text ? text : "", size, MAX_REASON_BYTES);

  if (message->type == SYRINX_MESSAGE_FAILED
      || message->type == SYRINX_MESSAGE_REFUSED)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, reason);
  else
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "the worker does not speak our protocol");
}

/* --- A run --- */

typedef struct
{
  SyrinxRendition *rendition;
  const SyrinxTrack *track;
  guint next, end;  /* fragments that are missing */
  gboolean lost;    /* the worker died or timed out */
  gboolean refused; /* the worker can't play the file */
} Run;

static gboolean
take_fragment (Run *run, const SyrinxMessage *message, GError **error)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (message->payload, &size);
  g_autoptr (GBytes) clear = NULL;
  guint32 number = G_MAXUINT32;

  if (size > sizeof number)
    memcpy (&number, data, sizeof number);
  if (number != run->next || run->next >= run->end) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the worker made a fragment that was not requested");
    return FALSE;
  }
  clear = g_bytes_new_from_bytes (
      message->payload, sizeof number, size - sizeof number);
  if (!syrinx_rendition_commit (run->rendition, number, clear, error))
    return FALSE;
  run->next++;
  return TRUE;
}

/* TRUE: every fragment was received. */
static gboolean
follow (Run *run, SyrinxWorker *worker, GError **error)
{
  for (;;) {
    g_auto (SyrinxMessage) message = { .fd = -1 };

    if (!syrinx_worker_receive (
            worker, get_deadline (run->track), &message, error)) {
      run->lost = TRUE;
      return FALSE;
    }
    if (message.type == SYRINX_MESSAGE_RESULT && run->next == run->end)
      return TRUE;
    if (message.type != SYRINX_MESSAGE_FRAGMENT) {
      run->refused = message.type == SYRINX_MESSAGE_REFUSED;
      set_reason (&message, error);
      return FALSE;
    }
    if (!take_fragment (run, &message, error))
      return FALSE;
  }
}

/* Only a worker that ended its job with an answer can be used again. */
static gboolean
attempt (SyrinxProduction *self, Run *run, gint fd, GError **error)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (run->rendition);
  guint first = run->next / SYRINX_RUN_FRAGMENTS * SYRINX_RUN_FRAGMENTS;
  SyrinxWorker *worker = syrinx_worker_pool_take (self->pool, error);
  gboolean ok;

  if (!worker)
    return FALSE;
  syrinx_worker_pool_warm (self->pool);
  run->next = first;
  run->lost = run->refused = FALSE;
  ok = syrinx_worker_start (worker, SYRINX_MESSAGE_PRODUCE,
           syrinx_plan_run (run->track, row, first, run->end - first), fd,
           error)
       && follow (run, worker, error);
  syrinx_worker_pool_give (self->pool, worker, ok);
  return ok;
}

static gboolean
make_run (SyrinxProduction *self, Run *run, GError **error)
{
  gint fd = open_track (run->track, error);
  gboolean ok = FALSE;

  if (fd < 0)
    return FALSE;
  for (guint i = 0; i < MAX_ATTEMPTS && !ok; i++) {
    g_clear_error (error);
    ok = attempt (self, run, fd, error);
    if (!run->lost)
      break;
  }
  close (fd);
  return ok;
}

static gboolean
commit_header (SyrinxRendition *rendition, GError **error)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);

  return !row->header
         || syrinx_rendition_has (rendition, SYRINX_FRAGMENT_HEADER)
         || syrinx_rendition_commit (
             rendition, SYRINX_FRAGMENT_HEADER, row->header, error);
}

static void
look_ahead (SyrinxProduction *self, const Errand *errand,
    const SyrinxTrack *track, guint n_fragments)
{
  guint next = (errand->run + 1) * SYRINX_RUN_FRAGMENTS;

  if (errand->kind == ERRAND_DEMAND && next < n_fragments
      && !syrinx_rendition_has (errand->rendition, next))
    enqueue (self, ERRAND_AHEAD, errand->rendition, errand->run + 1);
  if (!track->has_gain)
    enqueue (self, ERRAND_LOUDNESS, errand->rendition, 0);
}

/* Requests made so far are answered by this run's outcome. */
static void
forget_wishes (SyrinxProduction *self, const Errand *errand)
{
  g_mutex_lock (&self->lock);
  set_state_locked (self, errand->key, STATE_ACTIVE);
  g_mutex_unlock (&self->lock);
}

static void
tell_failure (SyrinxProduction *self, const Run *run, const GError *error)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (run->rendition);

  g_warning ("%s of track %s from fragment %u on: %s", row->name, row->track_id,
      run->next, error->message);
  syrinx_journal_note (
      self->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_ERROR,
                         .track = row->track_id,
                         .rendition = row->name,
                         .reason = error->message });
}

/* A track whose first fragment can't be made because of its file becomes a
 * failure. */
static void
give_up_file (
    SyrinxProduction *self, const SyrinxTrack *track, const GError *reason)
{
  SyrinxStore *store = syrinx_content_get_store (self->content);
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (paths, track->path);
  if (!syrinx_store_remove_paths (store, track->root, paths, &error)
      || !syrinx_store_put_failure (store, track->root, track->path,
          track->size_bytes, track->mtime_ns, track->ctime_ns, reason->message,
          &error))
    g_warning ("track %s can't be played, and that could not be noted: %s",
        track->id, error->message);
}

static void
run_errand (SyrinxProduction *self, const Errand *errand, SyrinxTrack *track)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (errand->rendition);
  guint first = errand->run * SYRINX_RUN_FRAGMENTS;
  Run run = { errand->rendition, track, first,
    MIN (first + SYRINX_RUN_FRAGMENTS, row->n_fragments), FALSE, FALSE };
  g_autoptr (GError) error = NULL;

  if (commit_header (errand->rendition, &error)
      && make_run (self, &run, &error)) {
    look_ahead (self, errand, track, row->n_fragments);
    return;
  }
  if (!syrinx_worker_pool_is_shut (self->pool))
    tell_failure (self, &run, error);
  if (run.next == 0 && run.refused)
    give_up_file (self, track, error);
  forget_wishes (self, errand);
  syrinx_rendition_fail (
      errand->rendition, run.next, run.end - run.next, error);
}

/* --- Loudness --- */

static gboolean
measure (SyrinxProduction *self, const SyrinxTrack *track, gint fd,
    gdouble *gain_db, gdouble *peak, GError **error)
{
  SyrinxWorker *worker = syrinx_worker_pool_take (self->pool, error);
  g_auto (SyrinxMessage) message = { .fd = -1 };
  g_autoptr (GVariant) result = NULL;
  gboolean answered;
  GVariantDict dict;

  if (!worker)
    return FALSE;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "rate", "u", track->sample_rate_hz);
  g_variant_dict_insert (&dict, "channels", "u", track->channels);
  g_variant_dict_insert (&dict, "samples", "t", track->n_samples);
  answered = syrinx_worker_start (worker, SYRINX_MESSAGE_LOUDNESS,
                 g_variant_dict_end (&dict), fd, error)
             && syrinx_worker_receive (
                 worker, get_deadline (track), &message, error);
  syrinx_worker_pool_give (self->pool, worker, answered);
  if (!answered)
    return FALSE;
  if (message.type == SYRINX_MESSAGE_RESULT)
    result = syrinx_message_get_dict (&message);
  if (result && g_variant_lookup (result, "gain", "d", gain_db)
      && g_variant_lookup (result, "peak", "d", peak) && isfinite (*gain_db)
      && fabs (*gain_db) <= 100 && isfinite (*peak) && *peak >= 0)
    return TRUE;
  set_reason (&message, error);
  return FALSE;
}

static void
measure_errand (SyrinxProduction *self, SyrinxTrack *track)
{
  g_autoptr (GError) error = NULL;
  gdouble gain_db = 0, peak = 0;
  gint fd = open_track (track, &error);
  gboolean ok = fd >= 0 && measure (self, track, fd, &gain_db, &peak, &error);

  if (fd >= 0)
    close (fd);
  if (!ok && syrinx_worker_pool_is_shut (self->pool))
    return;
  if (!ok
      || !syrinx_store_set_gain (syrinx_content_get_store (self->content),
          track->id, gain_db, peak, &error))
    g_message ("loudness of track %s: %s", track->id, error->message);
}

/* --- The queue --- */

static void
fail_errand (SyrinxProduction *self, const Errand *errand, const GError *error)
{
  forget_wishes (self, errand);
  syrinx_rendition_fail (errand->rendition, errand->run * SYRINX_RUN_FRAGMENTS,
      SYRINX_RUN_FRAGMENTS, error);
}

static void
do_errand (SyrinxProduction *self, Errand *errand)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (errand->rendition);
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxTrack) track = syrinx_store_get_track (
      syrinx_content_get_store (self->content), row->track_id, &error);

  if (track && errand->kind == ERRAND_LOUDNESS)
    measure_errand (self, track);
  else if (!track && errand->kind != ERRAND_LOUDNESS)
    fail_errand (self, errand, error);
  else if (track)
    run_errand (self, errand, track);
}

/* FALSE: the errand is finished. */
static gboolean
is_wanted_again (SyrinxProduction *self, const Errand *errand)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted
      = !self->stopped && get_state_locked (self, errand->key) == STATE_WANTED;
  set_state_locked (self, errand->key, wanted ? STATE_ACTIVE : STATE_NONE);
  g_mutex_unlock (&self->lock);
  return wanted;
}

static gboolean
is_complete (const Errand *errand)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (errand->rendition);
  guint first = errand->run * SYRINX_RUN_FRAGMENTS;
  guint end = MIN (first + SYRINX_RUN_FRAGMENTS, row->n_fragments);

  for (guint i = first; i < end; i++)
    if (!syrinx_rendition_has (errand->rendition, i))
      return FALSE;
  return syrinx_rendition_has (errand->rendition, SYRINX_FRAGMENT_HEADER);
}

/* Runs in a thread of the pool. */
static void
on_errand (gpointer data, gpointer user_data)
{
  Errand *errand = data;

  do_errand (user_data, errand);
  while (is_wanted_again (user_data, errand))
    if (errand->kind != ERRAND_LOUDNESS && !is_complete (errand))
      do_errand (user_data, errand);
  errand_free (errand);
}

static SyrinxRenditionRow *
on_plan (const SyrinxTrack *track, const gchar *rendition, gpointer user_data,
    GError **error)
{
  return syrinx_plan_rendition (track, rendition, error);
}

static void
on_produce (SyrinxRendition *rendition, gint number, gpointer user_data)
{
  enqueue (user_data, ERRAND_DEMAND, rendition,
      MAX (number, 0) / SYRINX_RUN_FRAGMENTS);
}

SyrinxProduction *
syrinx_production_new (SyrinxContent *content, SyrinxJournal *journal,
    SyrinxWorkerPool *pool, guint n_workers)
{
  static const SyrinxProducer producer = { on_plan, on_produce };
  SyrinxProduction *self = g_new0 (SyrinxProduction, 1);

  self->content = content;
  self->journal = journal;
  self->pool = pool;
  g_mutex_init (&self->lock);
  self->active = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->measured
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->threads = g_thread_pool_new (
      on_errand, self, MAX (n_workers, 1) + 1, FALSE, NULL);
  g_thread_pool_set_sort_function (self->threads, compare_errands, NULL);
  syrinx_content_set_producer (content, &producer, self);
  return self;
}

void
syrinx_production_free (SyrinxProduction *self)
{
  syrinx_content_set_producer (self->content, NULL, NULL);
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_mutex_unlock (&self->lock);
  g_thread_pool_free (self->threads, FALSE, TRUE);
  g_hash_table_unref (self->active);
  g_hash_table_unref (self->measured);
  g_mutex_clear (&self->lock);
  g_free (self);
}
