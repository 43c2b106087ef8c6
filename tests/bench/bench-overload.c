/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Overload: four regions of weights 8, 4, 2 and 1 demand more than the egress
 * budget. Measures each region's share, and how long sessions wait.
 *
 * Every session is a real syrinxgeoqueue on a real scheduler with an egress
 * budget. Packets come from a pad that answers demands, as syrinxstoresrc does,
 * and end in a pad that never blocks. */
#include "figures.h"

#include "core/schedule/demand.h"
#include "core/schedule/scheduler.h"

#include <gst/gst.h>

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS       3
#define RUN_S        4
#define WARM_UP_S    1
#define BUDGET_BPS   20000000
#define SESSION_BPS  128000
#define PACKET_BYTES (SESSION_BPS / 8 / 50) /* 20 ms */
#define N_REGIONS    4
#define BATCH_US     (200 * 1000) /* of ten packets */
#define SCHEDULER    "overload"
#define BOUND_S      13.0 /* the bound that scheduler.c states */

static const guint weights[N_REGIONS] = { 8, 4, 2, 1 };
#define SUM_OF_WEIGHTS 15
static const gchar *const names[N_REGIONS] = { "0", "1", "2", "3" };

static GRand *dice;

typedef struct
{
  GstElement *queue;
  GstPad *source, *sink;
  guint n_made;
  guint64 sent_bytes; /* atomic */
} Session;

typedef struct
{
  guint64 sent_bytes[N_REGIONS];
  gdouble p99_s[N_REGIONS], max_s;
} Outcome;

/* --- One session --- */

static gboolean
source_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Session *session = gst_pad_get_element_private (pad);
  GstClockTime max_time;
  guint max_buffers;
  gint fragment;
  gboolean is_demand
      = syrinx_event_parse_demand (event, &max_buffers, &max_time, &fragment);
  GstBufferList *list;

  gst_event_unref (event);
  if (!is_demand)
    return FALSE;
  list = gst_buffer_list_new_sized (max_buffers);
  GST_PAD_STREAM_LOCK (pad);
  for (guint i = 0; i < max_buffers; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, PACKET_BYTES, NULL);
    GST_BUFFER_PTS (buffer) = session->n_made++ * 20 * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    gst_buffer_list_add (list, buffer);
  }
  gst_pad_push_list (pad, list);
  GST_PAD_STREAM_UNLOCK (pad);
  return TRUE;
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Session *session = gst_pad_get_element_private (pad);

  __atomic_add_fetch (
      &session->sent_bytes, gst_buffer_get_size (buffer), __ATOMIC_RELAXED);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return syrinx_query_is_nonblocking (query)
         || gst_pad_query_default (pad, parent, query);
}

static GstPad *
add_pad (Session *session, const gchar *name, GstPadDirection direction)
{
  GstPad *pad = gst_object_ref_sink (gst_pad_new (name, direction));

  gst_pad_set_element_private (pad, session);
  gst_pad_set_active (pad, TRUE);
  return pad;
}

static void
session_start (Session *session, const gchar *region)
{
  g_autoptr (GstPad) queue_sink = NULL, queue_src = NULL;
  GstSegment segment;

  session->queue
      = gst_object_ref_sink (gst_element_factory_make ("syrinxgeoqueue", NULL));
  g_object_set (session->queue, "scheduler", SCHEDULER, "region", region,
      "sync", TRUE, "lead", (guint64)0, NULL);
  session->source = add_pad (session, "src", GST_PAD_SRC);
  session->sink = add_pad (session, "sink", GST_PAD_SINK);
  gst_pad_set_event_function (session->source, source_event);
  gst_pad_set_chain_function (session->sink, sink_chain);
  gst_pad_set_event_function (session->sink, sink_event);
  gst_pad_set_query_function (session->sink, sink_query);
  queue_sink = gst_element_get_static_pad (session->queue, "sink");
  queue_src = gst_element_get_static_pad (session->queue, "src");
  gst_pad_link (session->source, queue_sink);
  gst_pad_link (queue_src, session->sink);
  gst_element_set_state (session->queue, GST_STATE_PAUSED);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (session->source, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (session->source, gst_event_new_segment (&segment));
  gst_element_set_state (session->queue, GST_STATE_PLAYING);
}

static void
session_stop (Session *session)
{
  gst_element_set_state (session->queue, GST_STATE_NULL);
  gst_pad_set_active (session->source, FALSE);
  gst_pad_set_active (session->sink, FALSE);
  gst_object_unref (session->queue);
  gst_object_unref (session->source);
  gst_object_unref (session->sink);
}

/* --- One run --- */

static void
read_waits (SyrinxScheduler *scheduler, Outcome *outcome)
{
  g_autoptr (GArray) stats = syrinx_scheduler_get_stats (scheduler);

  outcome->max_s = 0;
  for (guint i = 0; i < stats->len; i++) {
    SyrinxRegionStats *row = &g_array_index (stats, SyrinxRegionStats, i);
    outcome->p99_s[atoi (row->region)] = row->wait_p99_us / 1e6;
    outcome->max_s = MAX (outcome->max_s, row->wait_max_us / 1e6);
  }
}

static void
add_up (Session *sessions, const guint *counts, gint sign, Outcome *outcome)
{
  for (guint i = 0; i < N_REGIONS; i++)
    for (guint j = 0; j < counts[i]; j++, sessions++)
      outcome->sent_bytes[i]
          += sign * __atomic_load_n (&sessions->sent_bytes, __ATOMIC_RELAXED);
}

static guint *
shuffle (guint n)
{
  guint *order = g_new (guint, n);

  for (guint i = 0; i < n; i++) {
    guint j = g_rand_int_range (dice, 0, i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}

static guint
region_of (const guint *counts, guint session)
{
  guint region = 0;

  while (session >= counts[region])
    session -= counts[region++];
  return region;
}

/* @counts: sessions of each region. They begin in random order, spread over the
 * time of one batch, so that no region begins in one burst. */
static Outcome
run (SyrinxPolicy policy, const guint *counts)
{
  g_autoptr (SyrinxScheduler) scheduler = syrinx_scheduler_get (SCHEDULER);
  g_autofree Session *sessions = NULL;
  Outcome outcome = { 0 };
  g_autofree guint *order = NULL;
  guint n_sessions = 0;

  syrinx_scheduler_set_policy (scheduler, policy);
  syrinx_scheduler_set_egress (scheduler, BUDGET_BPS);
  for (guint i = 0; i < N_REGIONS; i++)
    n_sessions += counts[i];
  sessions = g_new0 (Session, n_sessions);
  order = shuffle (n_sessions);
  for (guint i = 0; i < N_REGIONS; i++)
    syrinx_scheduler_set_region_weight (scheduler, names[i], weights[i]);
  for (guint i = 0; i < n_sessions; i++) {
    session_start (&sessions[order[i]], names[region_of (counts, order[i])]);
    g_usleep (BATCH_US / n_sessions);
  }
  g_usleep (WARM_UP_S * G_USEC_PER_SEC);
  add_up (sessions, counts, -1, &outcome);
  g_usleep (RUN_S * G_USEC_PER_SEC);
  add_up (sessions, counts, +1, &outcome);
  read_waits (scheduler, &outcome);
  for (guint i = 0; i < n_sessions; i++)
    session_stop (&sessions[i]);
  return outcome;
}

/* --- Figures --- */

static gdouble
median (gdouble *values)
{
  return figures_median (values, ROUNDS);
}

/* How far the worst region is from its share, 0 to 1. */
static gdouble
get_deviation (const Outcome *outcome)
{
  gdouble sum = 0, worst = 0;

  for (guint i = 0; i < N_REGIONS; i++)
    sum += outcome->sent_bytes[i];
  for (guint i = 0; i < N_REGIONS; i++) {
    gdouble share = (gdouble)weights[i] / SUM_OF_WEIGHTS;
    worst = MAX (worst, ABS (outcome->sent_bytes[i] / sum / share - 1));
  }
  return worst;
}

typedef struct
{
  gdouble deviation[ROUNDS], used[ROUNDS], longest[ROUNDS];
  gdouble near_geo[ROUNDS], near_fifo[ROUNDS];
} Figures;

static void
print_outcome (const gchar *name, const Outcome *outcome)
{
  printf ("  %-28s", name);
  for (guint i = 0; i < N_REGIONS; i++)
    printf ("  %5.2f Mbit/s %7.1f ms", outcome->sent_bytes[i] * 8e-6 / RUN_S,
        outcome->p99_s[i] * 1e3);
  printf ("\n");
}

static void
run_round (Figures *figures, guint round)
{
  guint by_weight[N_REGIONS], alike[N_REGIONS];
  Outcome full, near, fifo;
  gdouble used = 0;

  for (guint i = 0; i < N_REGIONS; i++) {
    gdouble share = (gdouble)BUDGET_BPS / SESSION_BPS * weights[i];
    by_weight[i] = 1.2 * share / SUM_OF_WEIGHTS + 1;
    alike[i] = 0.375 * BUDGET_BPS / SESSION_BPS + 1;
  }
  full = run (SYRINX_POLICY_GEO, by_weight);
  near = run (SYRINX_POLICY_GEO, alike);
  fifo = run (SYRINX_POLICY_FIFO, alike);
  for (guint i = 0; i < N_REGIONS; i++)
    used += full.sent_bytes[i] * 8.0 / RUN_S / BUDGET_BPS;
  figures->deviation[round] = get_deviation (&full);
  figures->used[round] = used;
  figures->longest[round] = MAX (full.max_s, near.max_s);
  figures->near_geo[round] = near.p99_s[0];
  figures->near_fifo[round] = fifo.p99_s[0];
  printf (
      "round %u: what regions of weight 8, 4, 2, 1 got, and their p99 wait\n",
      round + 1);
  print_outcome ("each 1.2 times its share", &full);
  print_outcome ("each 0.375 of the budget", &near);
  print_outcome ("the same, policy=fifo", &fifo);
}

static void
report (Figures *figures)
{
  gdouble longest = 0;

  for (guint round = 0; round < ROUNDS; round++)
    longest = MAX (longest, figures->longest[round]);
  figures_begin ("overload");
  figures_add (&(Figure){ .figure = "overload_share_deviation",
      .value = median (figures->deviation) * 100,
      .unit = "%",
      .kind = GOAL_AT_MOST,
      .goal = 5 });
  figures_add (&(Figure){ .figure = "overload_budget_used",
      .value = median (figures->used) * 100,
      .unit = "%",
      .kind = GOAL_AT_LEAST,
      .goal = 95 });
  figures_add (&(Figure){ .figure = "overload_nearest_p99_wait",
      .value = median (figures->near_geo) * 1e3,
      .unit = "ms",
      .peer = "policy=fifo",
      .peer_value = median (figures->near_fifo) * 1e3,
      .kind = GOAL_RATIO_AT_MOST,
      .goal = 0.2 });
  figures_add (&(Figure){ .figure = "overload_longest_wait",
      .value = longest,
      .unit = "s",
      .kind = GOAL_AT_MOST,
      .goal = BOUND_S });
}

int
main (int argc, char **argv)
{
  Figures figures;
  guint32 seed = argc > 1 ? strtoul (argv[1], NULL, 10)
                          : (guint32)g_get_monotonic_time ();

  gst_init (&argc, &argv);
  dice = g_rand_new_with_seed (seed);
  printf ("seed %u (give it as an argument for the same order)\n", seed);
  for (guint round = 0; round < ROUNDS; round++)
    run_round (&figures, round);
  report (&figures);
  g_rand_free (dice);
  return 0;
}
