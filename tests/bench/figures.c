/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "figures.h"

#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *lines;

/* --- Figures --- */

void
figures_begin (const gchar *bench)
{
  const gchar *build = g_getenv ("SYRINX_BUILD");
  g_autofree gchar *dir
      = g_build_filename (build ? build : "build", "bench", NULL);
  g_autofree gchar *name = g_strconcat (bench, ".jsonl", NULL);
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%F");
  gdouble yardstick_us = machine_yardstick_us ();

  g_mkdir_with_parents (dir, 0755);
  lines = fopen (path, "w");
  if (!lines)
    g_error ("can't write %s", path);
  fprintf (lines,
      "{\"figure\":\"machine_yardstick\",\"value\":%.0f,\"unit\":\"us\","
      "\"peer\":null,\"peer_value\":null,\"ratio\":null,\"goal\":null,"
      "\"met\":null,\"bench\":\"%s\",\"date\":\"%s\"}\n",
      yardstick_us, bench, date);
  printf ("yardstick of this machine: SHA-256 of 16 MiB in %.1f ms\n",
      yardstick_us / 1000);
  printf ("%-36s %12s %-8s %-26s %12s %8s\n", "figure", "value", "unit", "peer",
      "its value", "ratio");
}

static gboolean
is_met (const Figure *figure, gdouble ratio)
{
  switch (figure->kind) {
  case GOAL_AT_MOST:
    return figure->value <= figure->goal;
  case GOAL_AT_LEAST:
    return figure->value >= figure->goal;
  case GOAL_RATIO_AT_MOST:
    return ratio <= figure->goal;
  case GOAL_RATIO_AT_LEAST:
    return ratio >= figure->goal;
  default:
    return TRUE;
  }
}

/* The ratio with its spread over the rounds, if there were several. */
typedef struct
{
  gdouble median, least, greatest;
} Ratio;

static void
print_person (const Figure *figure, const Ratio *ratio, gboolean met)
{
  static const gchar *const words[]
      = { "", "at most", "at least", "ratio at most", "ratio at least" };

  printf ("%-36s %12.3f %-8s ", figure->figure, figure->value, figure->unit);
  if (figure->peer)
    printf (
        "%-26s %12.3f %8.3f", figure->peer, figure->peer_value, ratio->median);
  else
    printf ("%-26s %12s %8s", "", "", "");
  if (ratio->least < ratio->greatest)
    printf (" (%.3f to %.3f)", ratio->least, ratio->greatest);
  if (figure->kind != GOAL_NONE)
    printf ("  %s %g: %s", words[figure->kind], figure->goal,
        met ? "met" : "MISSED");
  printf ("\n");
  fflush (stdout);
}

static void
print_line (const Figure *figure, const Ratio *ratio, gboolean met)
{
  fprintf (lines, "{\"figure\":\"%s\",\"value\":%.4f,\"unit\":\"%s\"",
      figure->figure, figure->value, figure->unit);
  if (figure->peer)
    fprintf (lines,
        ",\"peer\":\"%s\",\"peer_value\":%.4f,\"ratio\":%.4f,"
        "\"ratio_least\":%.4f,\"ratio_greatest\":%.4f",
        figure->peer, figure->peer_value, ratio->median, ratio->least,
        ratio->greatest);
  else
    fprintf (lines, ",\"peer\":null,\"peer_value\":null,\"ratio\":null");
  if (figure->says)
    fprintf (lines, ",\"says\":\"%s\"", figure->says);
  if (figure->kind == GOAL_NONE)
    fprintf (lines, ",\"goal\":null,\"met\":null}\n");
  else
    fprintf (lines, ",\"goal\":%g,\"met\":%s}\n", figure->goal,
        met ? "true" : "false");
  fflush (lines);
}

static void
add (const Figure *figure, const Ratio *ratio)
{
  gboolean met = is_met (figure, ratio->median);

  print_person (figure, ratio, met);
  print_line (figure, ratio, met);
}

void
figures_add (const Figure *figure)
{
  gdouble ratio = figure->peer && figure->peer_value
                      ? figure->value / figure->peer_value
                      : 0;

  add (figure, &(Ratio){ ratio, ratio, ratio });
}

void
figures_compare (
    const Figure *figure, const gdouble *own, const gdouble *peer, guint n)
{
  g_autofree gdouble *ratios = g_new (gdouble, n);
  g_autofree gdouble *values = g_memdup2 (own, n * sizeof *own);
  g_autofree gdouble *peers = g_memdup2 (peer, n * sizeof *peer);
  Figure filled = *figure;
  Ratio ratio = { 0 };

  for (guint i = 0; i < n; i++)
    ratios[i] = peer[i] ? own[i] / peer[i] : 0;
  ratio.median = figures_median (ratios, n);
  ratio.least = ratios[0]; /* sorted by now */
  ratio.greatest = ratios[n - 1];
  filled.value = figures_median (values, n);
  filled.peer_value = figures_median (peers, n);
  add (&filled, &ratio);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;

  return (x > y) - (x < y);
}

gdouble
figures_quantile (gdouble *values, guint n, gdouble quantile)
{
  qsort (values, n, sizeof *values, compare);
  return values[MIN (n - 1, (guint)(n * quantile))];
}

/* --- Processes --- */

static gchar *
read_proc (GPid pid, const gchar *name)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/%s", (int)pid, name);
  gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("there is no process %d", (int)pid);
  return text;
}

static guint64
find_number (const gchar *text, const gchar *name)
{
  const gchar *at = strstr (text, name);

  return at ? g_ascii_strtoull (at + strlen (name), NULL, 10) : 0;
}

gdouble
process_cpu_s (GPid pid)
{
  g_autofree gchar *text = read_proc (pid, "stat");
  const gchar *rest = strrchr (text, ')');
  g_auto (GStrv) fields = g_strsplit (rest + 2, " ", 16);

  return (g_ascii_strtod (fields[11], NULL) + g_ascii_strtod (fields[12], NULL))
         / sysconf (_SC_CLK_TCK);
}

guint
process_rss_kib (GPid pid)
{
  g_autofree gchar *text = read_proc (pid, "status");

  return find_number (text, "VmRSS:");
}

guint
process_threads (GPid pid)
{
  g_autofree gchar *text = read_proc (pid, "status");

  return find_number (text, "Threads:");
}

guint64
process_wakeups (GPid pid)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/task", (int)pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  guint64 sum = 0;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *status = g_build_filename (path, name, "status", NULL);
    g_autofree gchar *text = NULL;
    if (g_file_get_contents (status, &text, NULL, NULL))
      sum += find_number (text, "\nvoluntary_ctxt_switches:");
  }
  return sum;
}
