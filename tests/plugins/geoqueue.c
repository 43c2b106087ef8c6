/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: demands, pacing, and no use of a worker for a sink that
 * blocks. */
#include "core/schedule/demand.h"

#include <gst/check/gstharness.h>
#include <gst/gst.h>

/* --- A queue between two harnessed pads that know the protocol --- */

typedef struct
{
  GstElement *queue;
  GstPad *source, *sink;
  GMutex lock;
  GCond changed;
  /* protected by lock */
  GArray *arrivals; /* gint64 monotonic times of buffers */
  GArray *stamps;   /* GstClockTime PTS of buffers */
  guint n_events, n_demands, n_made, n_to_make;
  gboolean answers, owes, denied, eos;
} Fixture;

static GQuark fixture_quark;

static Fixture *
fixture_of (gpointer pad)
{
  return g_object_get_qdata (pad, fixture_quark);
}

static GstBuffer *
make_buffer (guint i)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);

  GST_BUFFER_PTS (buffer) = i * 20 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
  return buffer;
}

/* Answers a demand in the same call, as storesrc does. */
static gboolean
answer_demand (Fixture *f, guint max_buffers)
{
  GstBufferList *list;
  gboolean owes;
  guint n;

  /* Under the stream lock, as in a source's own task. */
  GST_PAD_STREAM_LOCK (f->source);
  g_mutex_lock (&f->lock);
  f->n_demands++;
  owes = f->owes;
  n = owes ? 0 : MIN (max_buffers, f->n_to_make - f->n_made);
  list = gst_buffer_list_new ();
  for (guint i = 0; i < n; i++)
    gst_buffer_list_add (list, make_buffer (f->n_made++));
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  if (n)
    gst_pad_push_list (f->source, list);
  else
    gst_buffer_list_unref (list);
  if (!owes && !n)
    gst_pad_push_event (f->source, gst_event_new_eos ());
  GST_PAD_STREAM_UNLOCK (f->source);
  return TRUE;
}

static gboolean
source_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Fixture *f = fixture_of (pad);
  GstClockTime max_time;
  guint max_buffers;
  gint fragment;
  gboolean is_demand
      = syrinx_event_parse_demand (event, &max_buffers, &max_time, &fragment);

  gst_event_unref (event);
  return is_demand && f->answers && answer_demand (f, max_buffers);
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Fixture *f = fixture_of (pad);
  gint64 now_us = g_get_monotonic_time ();
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  g_mutex_lock (&f->lock);
  g_array_append_val (f->arrivals, now_us);
  g_array_append_val (f->stamps, pts);
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Fixture *f = fixture_of (pad);
  const gchar *reason;

  g_mutex_lock (&f->lock);
  f->n_events++;
  f->eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  f->denied |= syrinx_event_parse_denied (event, &reason);
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return syrinx_query_is_nonblocking (query)
         || gst_pad_query_default (pad, parent, query);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  GstPad *queue_sink, *queue_src;

  f->arrivals = g_array_new (FALSE, FALSE, sizeof (gint64));
  f->stamps = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  f->n_to_make = 50;
  f->answers = TRUE;
  f->queue
      = gst_object_ref_sink (gst_element_factory_make ("syrinxgeoqueue", NULL));
  f->source = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  f->sink = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  g_object_set_qdata (G_OBJECT (f->source), fixture_quark, f);
  g_object_set_qdata (G_OBJECT (f->sink), fixture_quark, f);
  gst_pad_set_event_function (f->source, source_event);
  gst_pad_set_chain_function (f->sink, sink_chain);
  gst_pad_set_event_function (f->sink, sink_event);
  gst_pad_set_query_function (f->sink, sink_query);
  queue_sink = gst_element_get_static_pad (f->queue, "sink");
  queue_src = gst_element_get_static_pad (f->queue, "src");
  gst_pad_link (f->source, queue_sink);
  gst_pad_link (queue_src, f->sink);
  gst_object_unref (queue_sink);
  gst_object_unref (queue_src);
  gst_pad_set_active (f->source, TRUE);
  gst_pad_set_active (f->sink, TRUE);
}

static void
start (Fixture *f)
{
  GstSegment segment;

  gst_element_set_state (f->queue, GST_STATE_PAUSED);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (f->source, gst_event_new_stream_start ("test"));
  gst_pad_push_event (f->source, gst_event_new_segment (&segment));
  gst_element_set_state (f->queue, GST_STATE_PLAYING);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gst_element_set_state (f->queue, GST_STATE_NULL);
  gst_pad_set_active (f->source, FALSE);
  gst_pad_set_active (f->sink, FALSE);
  g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (f->queue), ==, 1);
  gst_object_unref (f->queue);
  gst_object_unref (f->source);
  gst_object_unref (f->sink);
  g_array_unref (f->arrivals);
  g_array_unref (f->stamps);
}

static void
wait_for_buffers (Fixture *f, guint n)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (f->arrivals->len < n)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

static void
wait_for (Fixture *f, gboolean *flag)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (!*flag)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

static guint64
get_stat (Fixture *f, const gchar *name)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (f->queue, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, name, &value);
  gst_structure_free (stats);
  return value;
}

/* --- With a source that answers demands --- */

static void
everything_demanded_leaves_in_order_and_then_eos (
    Fixture *f, gconstpointer data)
{
  start (f);
  wait_for (f, &f->eos);
  g_assert_cmpuint (f->stamps->len, ==, 50);
  for (guint i = 0; i < 50; i++)
    g_assert_cmpuint (
        g_array_index (f->stamps, GstClockTime, i), ==, i * 20 * GST_MSECOND);
}

static void
the_lead_leaves_at_once_and_the_rest_in_real_time (
    Fixture *f, gconstpointer data)
{
  gint64 first_us, last_us;

  g_object_set (
      f->queue, "sync", TRUE, "lead", 400 * GST_MSECOND, "batch", 5, NULL);
  start (f);
  wait_for_buffers (f, 50);
  first_us = g_array_index (f->arrivals, gint64, 0);
  g_assert_cmpint (
      g_array_index (f->arrivals, gint64, 19) - first_us, <, 100000);
  /* The last buffer is due at 980 ms, less the lead and one batch. */
  last_us = g_array_index (f->arrivals, gint64, 49) - first_us;
  g_assert_cmpint (last_us, >=, 980000 - 400000 - 100000);
  g_assert_cmpint (last_us, <, 980000);
}

static void
a_source_that_owes_data_is_asked_again_when_it_is_ready (
    Fixture *f, gconstpointer data)
{
  f->owes = TRUE;
  start (f);
  g_mutex_lock (&f->lock);
  while (!f->n_demands)
    g_cond_wait (&f->changed, &f->lock);
  f->owes = FALSE;
  g_mutex_unlock (&f->lock);
  gst_pad_push_event (f->source, syrinx_event_new_ready ());
  wait_for_buffers (f, 50);
}

static void
nothing_leaves_while_it_is_held (Fixture *f, gconstpointer data)
{
  guint64 released;

  f->n_to_make = 100000;
  start (f);
  wait_for_buffers (f, 20);
  gst_pad_push_event (f->sink, syrinx_event_new_hold ());
  /* A turn in service may end; after that the count must not change. */
  do {
    released = get_stat (f, "released");
    g_usleep (20000);
  } while (released != get_stat (f, "released"));
  gst_pad_push_event (f->sink, syrinx_event_new_resume ());
  wait_for_buffers (f, released + 20);
}

static void
a_denial_drops_what_is_held_and_goes_on (Fixture *f, gconstpointer data)
{
  guint n;

  g_object_set (f->queue, "sync", TRUE, "lead", (guint64)0, NULL);
  start (f);
  wait_for_buffers (f, 1);
  gst_pad_push_event (f->source, syrinx_event_new_denied ("revoked"));
  wait_for (f, &f->denied);
  n = f->arrivals->len;
  g_usleep (300000);
  g_assert_cmpuint (f->arrivals->len, <=, n + 10);
  g_assert_cmpint (gst_pad_push (f->source, make_buffer (0)), ==, GST_FLOW_EOS);
}

static void
nothing_old_comes_behind_a_flush (Fixture *f, gconstpointer data)
{
  f->n_to_make = G_MAXUINT;
  start (f);
  for (guint round = 0; round < 50; round++) {
    GstSegment segment;
    guint n;
    wait_for_buffers (f, f->arrivals->len + 5);
    gst_pad_push_event (f->source, gst_event_new_flush_start ());
    GST_PAD_STREAM_LOCK (f->source);
    g_mutex_lock (&f->lock);
    f->n_made = (round + 1) * 1000000;
    g_mutex_unlock (&f->lock);
    gst_pad_push_event (f->source, gst_event_new_flush_stop (TRUE));
    n = f->stamps->len;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (f->source, gst_event_new_segment (&segment));
    GST_PAD_STREAM_UNLOCK (f->source);
    wait_for_buffers (f, n + 5);
    g_assert_cmpuint (g_array_index (f->stamps, GstClockTime, n), >=,
        (round + 1) * (guint64)1000000 * 20 * GST_MSECOND);
  }
}

static void
a_flush_keeps_the_stream_start_that_had_not_left (
    Fixture *f, gconstpointer data)
{
  g_autoptr (GstEvent) event = NULL;
  GstSegment segment;

  gst_element_set_state (f->queue, GST_STATE_PAUSED);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (f->source, gst_event_new_stream_start ("test"));
  gst_pad_push_event (f->source, gst_event_new_segment (&segment));
  gst_pad_push_event (f->source, gst_event_new_flush_start ());
  gst_pad_push_event (f->source, gst_event_new_flush_stop (TRUE));
  gst_pad_push_event (f->source, gst_event_new_segment (&segment));
  gst_element_set_state (f->queue, GST_STATE_PLAYING);
  wait_for_buffers (f, 1);
  event = gst_pad_get_sticky_event (f->sink, GST_EVENT_STREAM_START, 0);
  g_assert_nonnull (event);
}

static void
it_stops_in_the_middle_of_anything (Fixture *f, gconstpointer data)
{
  f->n_to_make = G_MAXUINT;
  for (guint round = 0; round < 50; round++) {
    start (f);
    wait_for_buffers (f, f->arrivals->len + round % 7);
    gst_element_set_state (f->queue, GST_STATE_NULL);
    gst_pad_set_active (f->source, FALSE);
    gst_pad_set_active (f->source, TRUE);
  }
}

/* --- Beside foreign elements --- */

static void
run_to_eos (const gchar *launch)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
two_branches_with_blocking_sinks_play_on_one_worker (void)
{
  run_to_eos ("audiotestsrc num-buffers=20 ! syrinxgeoqueue ! fakesink "
              "sync=true audiotestsrc num-buffers=20 ! syrinxgeoqueue ! "
              "fakesink sync=true");
}

static void
a_self_driving_source_is_bounded_and_loses_nothing (void)
{
  run_to_eos ("audiotestsrc num-buffers=300 ! syrinxgeoqueue "
              "max-size-buffers=3 ! queue ! syrinxgeoqueue max-size-buffers=2 "
              "! fakesink");
}

int
main (int argc, char **argv)
{
  g_setenv ("SYRINX_WORKERS", "1", TRUE);
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  fixture_quark = g_quark_from_static_string ("fixture");
#define ADD(test)                                                              \
  g_test_add ("/geoqueue/" #test, Fixture, NULL, set_up, test, tear_down)
  ADD (everything_demanded_leaves_in_order_and_then_eos);
  ADD (the_lead_leaves_at_once_and_the_rest_in_real_time);
  ADD (a_source_that_owes_data_is_asked_again_when_it_is_ready);
  ADD (nothing_leaves_while_it_is_held);
  ADD (a_denial_drops_what_is_held_and_goes_on);
  ADD (nothing_old_comes_behind_a_flush);
  ADD (a_flush_keeps_the_stream_start_that_had_not_left);
  ADD (it_stops_in_the_middle_of_anything);
  g_test_add_func (
      "/geoqueue/two_branches_with_blocking_sinks_play_on_one_worker",
      two_branches_with_blocking_sinks_play_on_one_worker);
  g_test_add_func (
      "/geoqueue/a_self_driving_source_is_bounded_and_loses_nothing",
      a_self_driving_source_is_bounded_and_loses_nothing);
  return g_test_run ();
}
