/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of ten thousand real-time sessions of single Opus packets in one
 * process, compared with one plain GStreamer pipeline per client.
 *
 * Sessions are assembled as by syrinxd, over 500 tracks, and end in a sink of
 * the bench that counts and drops, so that no socket is measured. Every
 * measurement is a process of its own; CPU is user and system time, the median
 * over seconds. --quick: a tenth of the sessions. --one SHAPE N BATCH SECONDS:
 * one measurement, for a profiler; --keep DIR: keeps the tracks in DIR for the
 * next run. */
#include "figures.h"
#include "pipes-run.h"
#include "pipes-tracks.h"

#include <gst/gst.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_TRACKS  500
#define N_FILES   20
#define N_PLAIN   100
#define PLAIN     "plain pipeline"
#define SECONDS   7
#define PACKET_MS 20
#define N_LATE    3

static gint quick;
static guint divisor = 1;

static RunResult
run (const Tracks *tracks, Shape shape, guint n, guint batch, gboolean warm,
    gboolean without_lead)
{
  RunSettings settings = { .shape = shape,
    .n_sessions = shape == SHAPE_PLAIN ? n : MAX (n / divisor, 100),
    .batch = batch,
    .seconds = quick ? 3 : SECONDS,
    .warm = warm,
    .without_lead = without_lead };
  RunResult result = run_measure (&settings, tracks->dir);

  if (result.pace < 0.95 || result.pace > 1.3)
    printf ("  (at %.2f of its pace: the machine is too busy for it)\n",
        result.pace);
  return result;
}

static void
bench_main (const Tracks *tracks, const RunResult *plain)
{
  RunResult full = run (tracks, SHAPE_ENC, 10000, 0, FALSE, FALSE);
  RunResult warm = run (tracks, SHAPE_ENC, 10000, 0, TRUE, FALSE);
  const Figure figures[] = {
    { "pipes_threads", full.threads, "threads", PLAIN, plain->threads,
        GOAL_AT_MOST, g_get_num_processors () + 8 },
    { "pipes_resident", warm.kib, "KiB", PLAIN, plain->kib, GOAL_AT_MOST, 30 },
    { "pipes_create", MIN (full.create_ms, warm.create_ms), "ms CPU", PLAIN,
        plain->create_ms, GOAL_AT_MOST, 0.15 },
    { "pipes_cpu_per_100", full.percent, "% core", PLAIN, plain->percent,
        GOAL_AT_MOST, 0.6 },
    { "pipes_cpu_against_plain", full.percent, "% core", PLAIN, plain->percent,
        GOAL_RATIO_AT_MOST, 1 / 15.0 },
    { "pipes_cpu_per_100_cached", warm.percent, "% core" },
    { "pipes_wakeups", full.wakeups, "1/s", PLAIN " (100)", plain->wakeups },
    { "pipes_late_p99_10000", full.late_p99_ms, "ms" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    figures_add (&figures[i]);
}

/* On a busy machine all threads wake late, so the lateness of a thread that
 * only sleeps is measured beside it in the same process. */
static void
bench_lateness (const Tracks *tracks)
{
  gdouble late_ms[N_LATE], sleeper_ms[N_LATE];

  for (guint i = 0; i < N_LATE; i++) {
    RunSettings settings = { .shape = SHAPE_ENC,
      .n_sessions = 5000 / divisor,
      .seconds = quick ? 3 : SECONDS,
      .with_sleeper = TRUE };
    RunResult result = run_measure (&settings, tracks->dir);
    late_ms[i] = result.late_p99_ms;
    sleeper_ms[i] = result.sleeper_p99_ms;
  }
  figures_add (&(Figure){ "pipes_late_p99_5000",
      figures_median (late_ms, N_LATE), "ms", "a sleeping thread",
      figures_median (sleeper_ms, N_LATE), GOAL_AT_MOST, 20 });
}

static void
bench_shapes (const Tracks *tracks, const RunResult *plain)
{
  RunResult ogg = run (tracks, SHAPE_OGG, 2000, 0, FALSE, FALSE);
  RunResult rtp = run (tracks, SHAPE_RTP, 2000, 0, FALSE, FALSE);

  figures_add (&(Figure){ "pipes_cpu_per_100_oggmux", ogg.percent, "% core",
      PLAIN, plain->percent });
  figures_add (&(Figure){ "pipes_cpu_per_100_rtpopuspay", rtp.percent, "% core",
      PLAIN, plain->percent });
}

static void
bench_batches (const Tracks *tracks)
{
  static const guint batches[] = { 1, 2, 5, 10, 25 };

  for (guint i = 0; i < G_N_ELEMENTS (batches); i++) {
    RunResult r = run (tracks, SHAPE_ENC, 1000, batches[i], FALSE, TRUE);
    g_autofree gchar *name = g_strdup_printf (
        "pipes_cpu_batch_%u_adds_%u_ms", batches[i], batches[i] * PACKET_MS);
    figures_add (&(Figure){ name, r.percent, "% core" });
  }
}

static void
bench_growth (const Tracks *tracks)
{
  static const guint counts[] = { 100, 1000, 10000 };
  gdouble percent[G_N_ELEMENTS (counts)], most = 0, least = G_MAXDOUBLE;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree gchar *name = g_strdup_printf (
        "pipes_cpu_per_100_of_%u", MAX (counts[i] / divisor, 100));
    percent[i] = run (tracks, SHAPE_ENC, counts[i], 0, TRUE, FALSE).percent;
    most = MAX (most, percent[i]);
    least = MIN (least, percent[i]);
    figures_add (&(Figure){ name, percent[i], "% core" });
  }
  figures_add (&(Figure){
      "pipes_growth", most / least, "times", NULL, 0, GOAL_AT_MOST, 1.5 });
}

static gint
measure_one (const Tracks *tracks, gchar **argv)
{
  RunSettings settings = { .shape = atoi (argv[0]),
    .n_sessions = atoi (argv[1]),
    .batch = atoi (argv[2]),
    .seconds = atoi (argv[3]),
    .warm = TRUE };
  RunResult r = run_measure (&settings, tracks->dir);

  printf ("create %.4f ms, %.1f KiB, %.0f threads, %.3f %% of a core per 100, "
          "late p99 %.2f ms, %.0f wake-ups/s, pace %.3f\n",
      r.create_ms, r.kib, r.threads, r.percent, r.late_p99_ms, r.wakeups,
      r.pace);
  return 0;
}

static void
bench_all (const Tracks *tracks)
{
  RunResult plain = run (tracks, SHAPE_PLAIN, N_PLAIN, 0, FALSE, FALSE);

  figures_begin ("pipes");
  bench_main (tracks, &plain);
  bench_lateness (tracks);
  bench_shapes (tracks, &plain);
  bench_batches (tracks);
  bench_growth (tracks);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *kept = NULL;
  g_auto (GStrv) one = NULL;
  GOptionEntry entries[]
      = { { "quick", 0, 0, G_OPTION_ARG_NONE, &quick, "A tenth", NULL },
          { "keep", 0, 0, G_OPTION_ARG_FILENAME, &kept, "Tracks", "DIR" },
          { "one", 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &one, NULL,
              "SHAPE N BATCH SECONDS" },
          { NULL } };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean single = FALSE;
  Tracks *tracks;

  gst_init (&argc, &argv);
  if (run_is_asked (argc, argv))
    return 0;
  entries[2].arg_data = &single;
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    g_error ("%s", error->message);
  divisor = quick ? 10 : 1;
  tracks = kept && g_file_test (kept, G_FILE_TEST_EXISTS)
               ? tracks_open (kept)
               : tracks_make (kept, N_TRACKS, N_FILES);
  if (single && one && g_strv_length (one) == 4)
    measure_one (tracks, one);
  else
    bench_all (tracks);
  if (!kept)
    tracks_remove (tracks);
  tracks_free (tracks);
  return 0;
}
