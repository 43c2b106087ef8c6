/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What benches have in common: figures as a table for people and as JSON lines
 * in build/bench, medians, and what the kernel knows of a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  GOAL_NONE,
  GOAL_AT_MOST,
  GOAL_AT_LEAST,
  GOAL_RATIO_AT_MOST, /* of value to peer_value */
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
  /* (nullable): what README's table calls it (./bootstrap bench --readme) */
  const gchar *says;
} Figure;

/* Starts build/bench/@bench.jsonl anew, with the yardstick of the machine. */
void figures_begin (const gchar *bench);
void figures_add (const Figure *figure);
/* The same, of @n rounds that were measured in turn: value and peer's value are
 * the medians, the ratio the median of the rounds' ratios, printed with the
 * least and the greatest of them. */
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
/* How often its threads went to sleep so far: each is a wake-up. */
guint64 process_wakeups (GPid pid);

G_END_DECLS
