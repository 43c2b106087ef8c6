/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ingest: scans, one of disks and one of shares at a time, each in a thread of
 * its own; the watch that starts them; and the production of renditions. */
#include "ingest.h"

#include "folders.h"
#include "production.h"
#include "scan.h"
#include "folder-watch.h"

#include <unistd.h>

#define NOTIFY_MS           200
#define BAR_LENGTH          40
#define DEFAULT_RESCAN_S    900
#define DEFAULT_FORGET_DAYS 30

/* What one thread scans. Shares are separate, so that one that hangs delays
 * nothing else. */
typedef enum
{
  LANE_DISKS,
  LANE_SHARES,
  N_LANES
} LaneName;

/* main thread only */
typedef struct
{
  GThread *thread; /* NULL: no scan */
  gboolean again;  /* asked for during a scan */
  gboolean full;   /* the next scan reads every file */
  guint n_away;    /* parts that the next timed scan must look at */
} Lane;

struct _SyrinxIngest
{
  GObject parent;

  /* constant after init */
  SyrinxContent *content;
  gchar **roots;
  guint n_workers;
  gboolean on_terminal;

  /* main thread only */
  SyrinxWorkerPool *pool; /* NULL: stopped */
  SyrinxProduction *production;
  SyrinxWatch *watch;
  GCancellable *cancellable;
  Lane lanes[N_LANES];
  guint rescan_interval_s, forget_days;
  guint rescan_timer; /* 0: no part is missing or on a share */
  guint told_done, told_total, told_failed;

  /* atomic */
  guint n_done, n_total, n_failed;
  gint notify_pending;
};

enum
{
  PROP_0,
  PROP_SCANNING,
  PROP_FILES_DONE,
  PROP_FILES_TOTAL,
  PROP_FILES_FAILED,
  N_PROPS
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_SCAN_DONE,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_TYPE (SyrinxIngest, syrinx_ingest, G_TYPE_OBJECT)

/* --- Progress --- */

static gboolean
is_scanning (SyrinxIngest *self)
{
  for (guint i = 0; i < N_LANES; i++)
    if (self->lanes[i].thread)
      return TRUE;
  return FALSE;
}

static void
print_bar (SyrinxIngest *self)
{
  guint filled = self->told_total
                     ? (guint64)BAR_LENGTH * self->told_done / self->told_total
                     : 0;
  g_autofree gchar *full = g_strnfill (filled, '#');

  g_printerr ("\rscanning [%-*s] %u/%u, %u left out", BAR_LENGTH, full,
      self->told_done, self->told_total, self->told_failed);
}

static void
tell (SyrinxIngest *self, guint *told, guint value, guint prop)
{
  if (*told == value)
    return;
  *told = value;
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
}

static void
tell_progress (SyrinxIngest *self)
{
  g_object_freeze_notify (G_OBJECT (self));
  tell (self, &self->told_total, g_atomic_int_get (&self->n_total),
      PROP_FILES_TOTAL);
  tell (self, &self->told_failed, g_atomic_int_get (&self->n_failed),
      PROP_FILES_FAILED);
  tell (self, &self->told_done, g_atomic_int_get (&self->n_done),
      PROP_FILES_DONE);
  g_object_thaw_notify (G_OBJECT (self));
  if (self->on_terminal && self->told_total > 0)
    print_bar (self);
}

static gboolean
on_notify (gpointer user_data)
{
  SyrinxIngest *self = user_data;

  g_atomic_int_set (&self->notify_pending, FALSE);
  if (is_scanning (self))
    tell_progress (self);
  return G_SOURCE_REMOVE;
}

/* Called in any thread of the scan. */
static void
on_progress (gpointer user_data)
{
  SyrinxIngest *self = user_data;

  if (g_atomic_int_compare_and_exchange (&self->notify_pending, FALSE, TRUE))
    g_timeout_add_full (G_PRIORITY_DEFAULT, NOTIFY_MS, on_notify,
        g_object_ref (self), g_object_unref);
}

/* --- Scan --- */

typedef struct
{
  SyrinxIngest *ingest;
  LaneName name;
  gboolean full;
  SyrinxScanResult result;
} Outcome;

static void start_lane (SyrinxIngest *self, LaneName name);

static void
outcome_free (Outcome *outcome)
{
  g_object_unref (outcome->ingest);
  g_ptr_array_unref (outcome->result.directories);
  g_free (outcome);
}

static void
report_end (SyrinxIngest *self)
{
  if (self->on_terminal && self->told_total > 0)
    g_printerr ("\n");
  if (self->told_total > 0)
    g_message ("scan: %u files read, %u left out",
        self->told_done - self->told_failed, self->told_failed);
}

static gboolean
on_rescan_timer (gpointer user_data)
{
  SyrinxIngest *self = user_data;

  self->rescan_timer = 0;
  /* a folder that was missing may be mounted now */
  start_lane (self, LANE_SHARES);
  if (self->lanes[LANE_DISKS].n_away > 0)
    start_lane (self, LANE_DISKS);
  return G_SOURCE_REMOVE;
}

/* The watch reports nothing about shares, and about missing folders. */
static void
arm_rescan (SyrinxIngest *self)
{
  guint n_away = 0;

  for (guint i = 0; i < N_LANES; i++)
    n_away += self->lanes[i].n_away;
  if (n_away > 0 && self->rescan_timer == 0)
    self->rescan_timer = g_timeout_add_seconds (
        self->rescan_interval_s, on_rescan_timer, self);
}

static void
tell_end (SyrinxIngest *self)
{
  report_end (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SCANNING]);
  g_signal_emit (self, signals[SIGNAL_SCAN_DONE], 0);
  arm_rescan (self);
}

/* Runs in the main thread. */
static gboolean
on_scan_ended (gpointer user_data)
{
  Outcome *outcome = user_data;
  SyrinxIngest *self = outcome->ingest;
  Lane *lane = &self->lanes[outcome->name];
  gboolean is_unmounted
      = outcome->name == LANE_SHARES && outcome->result.n_away < lane->n_away;

  if (!lane->thread) /* stopped before this ran */
    return G_SOURCE_REMOVE;
  g_clear_pointer (&lane->thread, g_thread_join);
  lane->n_away = outcome->result.n_away;
  if (is_unmounted) /* what is in its place now is no share */
    start_lane (self, LANE_DISKS);
  tell_progress (self);
  if (outcome->result.directories->len > 0)
    syrinx_watch_set_directories (self->watch, outcome->result.directories);
  if (outcome->result.changed) {
    syrinx_content_sweep (
        self->content); /* removes renditions of replaced files */
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  }
  if (!is_scanning (self))
    tell_end (self);
  if (lane->again)
    start_lane (self, outcome->name);
  return G_SOURCE_REMOVE;
}

static gpointer
scan_thread (gpointer user_data)
{
  Outcome *outcome = user_data;
  SyrinxIngest *self = outcome->ingest;
  SyrinxScanJob job = { .store = syrinx_content_get_store (self->content),
    .pool = self->pool,
    .roots = (const gchar *const *)self->roots,
    .n_workers = self->n_workers,
    .shares = outcome->name == LANE_SHARES,
    .full = outcome->full,
    .forget_days = self->forget_days,
    .cancellable = self->cancellable,
    .progress = on_progress,
    .user_data = self,
    .n_total = &self->n_total,
    .n_done = &self->n_done,
    .n_failed = &self->n_failed };

  syrinx_scan_run (&job, &outcome->result);
  g_idle_add_full (
      G_PRIORITY_DEFAULT, on_scan_ended, outcome, (GDestroyNotify)outcome_free);
  return NULL;
}

static void
start_lane (SyrinxIngest *self, LaneName name)
{
  Lane *lane = &self->lanes[name];
  Outcome *outcome;

  lane->again = lane->thread != NULL;
  if (lane->thread)
    return;
  if (!is_scanning (self)) {
    g_atomic_int_set (&self->n_done, 0);
    g_atomic_int_set (&self->n_total, 0);
    g_atomic_int_set (&self->n_failed, 0);
  }
  outcome = g_new0 (Outcome, 1);
  outcome->ingest = g_object_ref (self);
  outcome->name = name;
  outcome->full = lane->full;
  lane->full = FALSE;
  lane->thread = g_thread_new ("syrinx-scan", scan_thread, outcome);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SCANNING]);
}

void
syrinx_ingest_scan (SyrinxIngest *self)
{
  for (guint i = 0; self->pool && i < N_LANES; i++)
    start_lane (self, i);
}

void
syrinx_ingest_scan_fully (SyrinxIngest *self)
{
  for (guint i = 0; i < N_LANES; i++)
    self->lanes[i].full = TRUE;
  syrinx_ingest_scan (self);
}

void
syrinx_ingest_set_times (
    SyrinxIngest *self, guint rescan_interval_s, guint forget_days)
{
  self->rescan_interval_s = MAX (rescan_interval_s, 1);
  self->forget_days = forget_days;
}

static void
on_watch (gpointer watch, gpointer user_data)
{
  start_lane (user_data, LANE_DISKS);
}

/* --- Life --- */

SyrinxIngest *
syrinx_ingest_new (SyrinxContent *content, SyrinxJournal *journal,
    const gchar *const *roots, const gchar *worker, guint n_workers)
{
  SyrinxIngest *self = g_object_new (SYRINX_TYPE_INGEST, NULL);

  self->content = syrinx_content_ref (content);
  self->roots = g_strdupv ((gchar **)roots);
  self->n_workers = n_workers;
  self->on_terminal = isatty (STDERR_FILENO);
  self->cancellable = g_cancellable_new ();
  self->rescan_interval_s = DEFAULT_RESCAN_S;
  self->forget_days = DEFAULT_FORGET_DAYS;
  self->watch = syrinx_watch_new (on_watch, self);
  syrinx_library_set_roots (roots);
  self->pool = syrinx_worker_pool_new (worker);
  self->production
      = syrinx_production_new (content, journal, self->pool, n_workers);
  syrinx_worker_pool_warm (self->pool);
  return self;
}

void
syrinx_ingest_stop (SyrinxIngest *self)
{
  if (!self->pool)
    return;
  g_cancellable_cancel (self->cancellable);
  syrinx_worker_pool_shut (self->pool);
  g_clear_pointer (&self->watch, syrinx_watch_free);
  g_clear_handle_id (&self->rescan_timer, g_source_remove);
  for (guint i = 0; i < N_LANES; i++)
    g_clear_pointer (&self->lanes[i].thread, g_thread_join);
  g_clear_pointer (&self->production, syrinx_production_free);
  g_clear_pointer (&self->pool, syrinx_worker_pool_free);
}

static void
syrinx_ingest_finalize (GObject *object)
{
  SyrinxIngest *self = SYRINX_INGEST (object);

  syrinx_ingest_stop (self);
  g_clear_object (&self->cancellable);
  g_strfreev (self->roots);
  g_clear_pointer (&self->content, syrinx_content_unref);
  G_OBJECT_CLASS (syrinx_ingest_parent_class)->finalize (object);
}

static void
syrinx_ingest_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SyrinxIngest *self = SYRINX_INGEST (object);

  switch (id) {
  case PROP_SCANNING:
    g_value_set_boolean (value, is_scanning (self));
    break;
  case PROP_FILES_DONE:
    g_value_set_uint (value, self->told_done);
    break;
  case PROP_FILES_TOTAL:
    g_value_set_uint (value, self->told_total);
    break;
  case PROP_FILES_FAILED:
    g_value_set_uint (value, self->told_failed);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
syrinx_ingest_class_init (SyrinxIngestClass *klass)
{
  GObjectClass *object = G_OBJECT_CLASS (klass);
  const GParamFlags flags
      = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object->finalize = syrinx_ingest_finalize;
  object->get_property = syrinx_ingest_get_property;
  props[PROP_SCANNING] = g_param_spec_boolean (
      "scanning", "Scanning", "Whether a scan is under way", FALSE, flags);
  props[PROP_FILES_DONE] = g_param_spec_uint ("files-done", "Files done",
      "Files that this scan has looked into", 0, G_MAXUINT, 0, flags);
  props[PROP_FILES_TOTAL] = g_param_spec_uint ("files-total", "Files total",
      "New or changed files that this scan found", 0, G_MAXUINT, 0, flags);
  props[PROP_FILES_FAILED] = g_param_spec_uint ("files-failed", "Files failed",
      "Files that could not be read", 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object, N_PROPS, props);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", SYRINX_TYPE_INGEST,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SCAN_DONE] = g_signal_new ("scan-done", SYRINX_TYPE_INGEST,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
syrinx_ingest_init (SyrinxIngest *self)
{
}
