/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the benches: figures as a table for people and as JSON lines in
 * build/bench, medians, and the kernel's data about a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  GOAL_NONE,
  GOAL_AT_MOST,
  GOAL_AT_LEAST,
  GOAL_RATIO_AT_MOST, /* of value / peer_value */
  GOAL_RATIO_AT_LEAST,
} GoalKind;

typedef struct
{
  const gchar *figure; /* a name for programs and people: http_fragment_cpu */
  gdouble value;
  const gchar *unit;
  const gchar *peer; /* (nullable) */
  gdouble peer_value;
  GoalKind kind;
  gdouble goal;
  /* (nullable): its name in README's table (./bootstrap bench --readme) */
  const gchar *says;
} Figure;

/* Begins a new build/bench/@bench.jsonl, with the machine's yardstick. */
void figures_begin (const gchar *bench);
void figures_add (const Figure *figure);
/* Adds a figure of @n rounds that were measured in turn. The values are
 * medians, the ratio is the median of the rounds' ratios, and is printed with
 * the least and the greatest of them. */
void figures_compare (
    const Figure *figure, const gdouble *own, const gdouble *peer, guint n);

/* Sorts @values. */
gdouble figures_quantile (gdouble *values, guint n, gdouble quantile);
#define figures_median(values, n) figures_quantile (values, n, 0.5)

/* User and system time so far, in seconds, of a process without its children.
 * Ends the program if there is no such process. */
gdouble process_cpu_s (GPid pid);
guint process_rss_kib (GPid pid);
guint process_threads (GPid pid);
/* How often its threads have gone to sleep so far; each time means a
 * wake-up. */
guint64 process_wakeups (GPid pid);

G_END_DECLS
