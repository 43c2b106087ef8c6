/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipes-run.h"

#include "figures.h"
#include "pipes-sink.h"
#include "pipes-tracks.h"

#include "core/content/content.h"
#include "core/access/grant.h"
#include "core/base/identifier.h"
#include "core/schedule/scheduler.h"
#include "core/crypto/secret.h"
#include "pipelines/pipe.h"

#include <gio/gio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ASKED          "--measure"
#define N_NUMBERS      8
#define CACHE_BYTES    (1 << 30) /* memory-size for all tracks */
#define WARM_FRAGMENTS 6
#define SETTLE_MAX_S   12
#define SETTLE_STEP_US (100 * 1000)
#define PACKETS_A_S    50
#define DEFAULT_BATCH  10
#define RTP_BATCH      5
#define SLEEP_US       2000       /* the scheduler's grid */
#define MEASURED       "measured" /* the region of settled sessions */

static const gchar *const shapes[] = {
  [SHAPE_ENC]
  = "syrinxstoresrc name=src form=packets ! syrinxauthgate name=gate ! "
    "syrinxgeoqueue name=queue sync=true ! syrinxchunkenc name=enc "
    "format=ece flush=buffer ! benchsink name=out",
  [SHAPE_OGG]
  = "syrinxstoresrc name=src form=packets ! syrinxauthgate name=gate ! "
    "syrinxgeoqueue name=queue sync=true ! syrinxoggmux name=mux ! "
    "syrinxchunkenc name=enc format=ece flush=buffer ! "
    "benchsink name=out",
  [SHAPE_RTP] = "syrinxstoresrc name=src preroll=0 ! syrinxauthgate name=gate "
                "! syrinxgeoqueue name=queue sync=true lead=0 batch=5 ! "
                "rtpopuspay name=pay perfect-rtptime=false ! "
                "benchsink name=out",
};

typedef struct
{
  SyrinxPipe *session;
  SyrinxRendition *rendition; /* kept open, as by a session */
} Listener;

/* --- Clocks --- */

static gdouble
read_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

gdouble
run_thread_cpu_s (void)
{
  return read_clock (CLOCK_THREAD_CPUTIME_ID);
}

static gdouble
own_cpu_s (void)
{
  return read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

void
run_watch (const RunSettings *settings, RunResult *result)
{
  g_autofree gdouble *percents = g_new (gdouble, settings->seconds);
  guint64 wakeups = process_wakeups (getpid ());

  for (guint i = 0; i < settings->seconds; i++) {
    gdouble cpu_s = own_cpu_s ();
    gint64 begun_us = g_get_monotonic_time ();
    g_usleep (G_USEC_PER_SEC);
    percents[i] = (own_cpu_s () - cpu_s) * 1e8
                  / (g_get_monotonic_time () - begun_us)
                  / (settings->n_sessions / 100.0);
  }
  result->wakeups
      = (gdouble)(process_wakeups (getpid ()) - wakeups) / settings->seconds;
  result->percent = figures_median (percents, settings->seconds);
  result->threads = process_threads (getpid ());
}

/* --- Sessions --- */

static void
session_says (const gchar *id, GstMessageType type,
    const GstStructure *structure, gpointer user_data)
{
  g_autofree gchar *text
      = structure ? gst_structure_to_string (structure) : NULL;

  if (type != GST_MESSAGE_ELEMENT)
    g_error ("a session ended: %s", text ? text : "its track is too short");
}

static void
set_source (SyrinxPipe *session, const Tracks *tracks, guint number)
{
  g_autoptr (GstElement) src = syrinx_pipe_get_element (session, "src");
  g_autofree gchar *uri = g_strdup_printf (
      "syrinx://track/%s?rendition=" TRACKS_RENDITION "&epoch=1&start=%s",
      tracks->ids[number % tracks->n_ids], "0.000000000");

  g_object_set (src, "store", tracks->dir, "uri", uri, NULL);
}

static void
set_gate (SyrinxPipe *session)
{
  g_autoptr (GstElement) gate = syrinx_pipe_get_element (session, "gate");
  g_autofree gchar *jti = syrinx_id_new ();
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (SyrinxGrant) grant = syrinx_grant_new (
      "bench", jti, SYRINX_SCOPE_LISTEN, NULL, NULL, now_s, now_s + 3600);

  g_object_set (gate, "grant", grant, NULL);
}

static void
set_queue (SyrinxPipe *session, const RunSettings *settings)
{
  g_autoptr (GstElement) queue = syrinx_pipe_get_element (session, "queue");

  g_object_set (queue, "region", "starting", "rtt", 20 * GST_MSECOND, NULL);
  if (settings->batch)
    g_object_set (queue, "batch", settings->batch, NULL);
  if (settings->without_lead)
    g_object_set (queue, "lead", (guint64)0, NULL);
}

static void
set_key (SyrinxPipe *session)
{
  g_autoptr (GBytes) key = syrinx_secret_new_random (16);

  syrinx_pipe_set_key (session, key, NULL);
}

/* As daemon/streams.c does it. */
static SyrinxPipe *
start_session (const RunSettings *settings, const Tracks *tracks, guint number)
{
  g_autofree gchar *id = syrinx_id_new ();
  g_autoptr (GError) error = NULL;
  SyrinxPipe *session = syrinx_pipe_new (
      id, shapes[settings->shape], session_says, NULL, &error);

  g_assert_no_error (error);
  set_source (session, tracks, number);
  set_gate (session);
  set_queue (session, settings);
  set_key (session);
  syrinx_pipe_play (session, &error);
  g_assert_no_error (error);
  return session;
}

static SyrinxRendition *
open_rendition (SyrinxContent *content, const Tracks *tracks, guint number)
{
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition = syrinx_content_open (content,
      tracks->ids[number % tracks->n_ids], TRACKS_RENDITION, 1, &error);

  g_assert_no_error (error);
  return rendition;
}

static SyrinxContent *
open_content (const Tracks *tracks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxStore) store
      = syrinx_store_open (tracks->dir, FALSE, &error);
  g_autoptr (SyrinxKeyring) keyring = NULL;

  g_assert_no_error (error);
  keyring = syrinx_keyring_open (tracks->dir, FALSE, &error);
  g_assert_no_error (error);
  return syrinx_content_new (store, keyring, G_MAXINT64, CACHE_BYTES);
}

static void
warm_up (SyrinxContent *content, const Tracks *tracks)
{
  for (guint i = 0; i < tracks->n_ids; i++) {
    g_autoptr (SyrinxRendition) rendition = open_rendition (content, tracks, i);
    for (gint n = 0; n < WARM_FRAGMENTS; n++) {
      g_autoptr (GBytes) bytes = NULL;
      syrinx_rendition_fetch (
          rendition, n, SYRINX_FORM_CLEAR, &bytes, NULL, NULL, NULL);
    }
  }
}

/* --- Measuring --- */

static SyrinxRegionStats
read_region (SyrinxScheduler *scheduler, const gchar *name)
{
  g_autoptr (GArray) all = syrinx_scheduler_get_stats (scheduler);

  for (guint i = 0; i < all->len; i++) {
    SyrinxRegionStats *stats = &g_array_index (all, SyrinxRegionStats, i);
    if (g_str_equal (stats->region, name))
      return *stats;
  }
  return (SyrinxRegionStats){ 0 };
}

/* Waits until what was due at the start has been sent. Tracks end, so not for
 * ever. */
static void
settle (SyrinxScheduler *scheduler)
{
  guint calm = 0;

  for (guint i = 0;
       i < SETTLE_MAX_S * (G_USEC_PER_SEC / SETTLE_STEP_US) && calm < 5; i++) {
    SyrinxRegionStats stats = read_region (scheduler, "starting");
    calm = stats.n_ready * 50 <= stats.n_flows ? calm + 1 : 0;
    g_usleep (SETTLE_STEP_US);
  }
}

/* Moves the sessions to a region of their own, whose statistics then cover only
 * settled sessions. */
static void
move_all (Listener *listeners, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autoptr (GstElement) queue
        = syrinx_pipe_get_element (listeners[i].session, "queue");
    g_object_set (queue, "region", MEASURED, NULL);
  }
}

static guint
get_batch (const RunSettings *settings)
{
  return settings->batch                ? settings->batch
         : settings->shape == SHAPE_RTP ? RTP_BATCH
                                        : DEFAULT_BATCH;
}

typedef struct
{
  gint over;       /* atomic */
  GArray *late_ms; /* gdouble; only for its thread until that has ended */
} Sleeper;

static gpointer
sleep_and_wake (gpointer data)
{
  Sleeper *sleeper = data;

  while (!g_atomic_int_get (&sleeper->over)) {
    gint64 due_us = g_get_monotonic_time () + SLEEP_US;
    struct timespec due
        = { due_us / G_USEC_PER_SEC, due_us % G_USEC_PER_SEC * 1000 };
    gdouble late_ms;
    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    late_ms = (g_get_monotonic_time () - due_us) / 1e3;
    g_array_append_val (sleeper->late_ms, late_ms);
  }
  return NULL;
}

static void
watch_beside_sleeper (const RunSettings *settings, RunResult *result)
{
  Sleeper sleeper = { .late_ms = g_array_new (FALSE, FALSE, sizeof (gdouble)) };
  GThread *thread = g_thread_new ("sleeper", sleep_and_wake, &sleeper);

  run_watch (settings, result);
  g_atomic_int_set (&sleeper.over, TRUE);
  g_thread_join (thread);
  result->sleeper_p99_ms = figures_quantile (
      (gdouble *)sleeper.late_ms->data, sleeper.late_ms->len, 0.99);
  g_array_unref (sleeper.late_ms);
}

static void
measure_playing (
    const RunSettings *settings, Listener *listeners, RunResult *result)
{
  g_autoptr (SyrinxScheduler) scheduler = syrinx_scheduler_get ("default");
  SyrinxRegionStats stats;
  guint64 turns;
  gint64 begun_us;

  settle (scheduler);
  move_all (listeners, settings->n_sessions);
  g_usleep (G_USEC_PER_SEC / 2);
  turns = read_region (scheduler, MEASURED).turns;
  begun_us = g_get_monotonic_time ();
  if (settings->with_sleeper)
    watch_beside_sleeper (settings, result);
  else
    run_watch (settings, result);
  stats = read_region (scheduler, MEASURED);
  result->pace = (stats.turns - turns) * (gdouble)get_batch (settings)
                 / PACKETS_A_S / settings->n_sessions
                 / ((g_get_monotonic_time () - begun_us) / 1e6);
  result->late_p99_ms = stats.lateness_p99_us / 1e3;
}

static RunResult
sessions_measure (const RunSettings *settings, const gchar *dir)
{
  Tracks *tracks = tracks_open (dir);
  g_autoptr (SyrinxContent) content = open_content (tracks);
  Listener *listeners = g_new0 (Listener, settings->n_sessions);
  RunResult result = { 0 };
  gdouble cpu_s;
  guint before_kib;

  bench_sink_register ();
  if (settings->warm)
    warm_up (content, tracks);
  for (guint i = 0; i < settings->n_sessions; i++)
    listeners[i].rendition = open_rendition (content, tracks, i);
  before_kib = process_rss_kib (getpid ());
  cpu_s = run_thread_cpu_s ();
  for (guint i = 0; i < settings->n_sessions; i++)
    listeners[i].session = start_session (settings, tracks, i);
  result.create_ms = (run_thread_cpu_s () - cpu_s) * 1e3 / settings->n_sessions;
  measure_playing (settings, listeners, &result);
  result.kib = (process_rss_kib (getpid ()) - (gdouble)before_kib)
               / settings->n_sessions;
  return result;
}

/* --- Processes --- */

RunResult
run_measure (const RunSettings *settings, const gchar *dir)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *numbers = g_strdup_printf ("%d %u %u %u %d %d %d",
      settings->shape, settings->n_sessions, settings->batch, settings->seconds,
      settings->warm, settings->without_lead, settings->with_sleeper);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self, ASKED, numbers, dir, NULL);
  g_autofree gchar *text = NULL;
  RunResult r;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, &error);
  g_assert_no_error (error);
  if (sscanf (text, "%lf %lf %lf %lf %lf %lf %lf %lf", &r.create_ms, &r.kib,
          &r.threads, &r.percent, &r.late_p99_ms, &r.sleeper_p99_ms, &r.wakeups,
          &r.pace)
      != N_NUMBERS)
    g_error ("a measurement broke off: %s", numbers);
  return r;
}

gboolean
run_is_asked (int argc, char **argv)
{
  RunSettings settings = { 0 };
  RunResult r;
  guint shape;

  if (argc != 4 || !g_str_equal (argv[1], ASKED)
      || sscanf (argv[2], "%u %u %u %u %d %d %d", &shape, &settings.n_sessions,
             &settings.batch, &settings.seconds, &settings.warm,
             &settings.without_lead, &settings.with_sleeper)
             != 7)
    return FALSE;
  settings.shape = shape;
  r = shape == SHAPE_PLAIN ? plain_measure (&settings, argv[3])
                           : sessions_measure (&settings, argv[3]);
  printf ("%f %f %f %f %f %f %f %f\n", r.create_ms, r.kib, r.threads, r.percent,
      r.late_p99_ms, r.sleeper_p99_ms, r.wakeups, r.pace);
  fflush (stdout);
  _exit (0); /* freeing ten thousand sessions is not measured */
}
