/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxclientsink with clients that read slowly, stop, vanish, or lose their
 * grant. */
#include "core/schedule/demand.h"
#include "io-choice.h"

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT (8 * GST_SECOND)

typedef struct
{
  GstHarness *h;
  GstBus *bus;
  int peer;
} Fixture;

/* @first (nullable): properties as for g_object_set() */
static void
set_up (Fixture *f, const gchar *first, ...)
{
  GstElement *sink = gst_element_factory_make ("syrinxclientsink", NULL);
  g_autoptr (GSocket) socket = NULL;
  int fds[2];
  va_list args;

  g_assert_nonnull (sink);
  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  f->peer = fds[1];
  socket = g_socket_new_from_fd (fds[0], NULL);
  g_object_set (sink, "socket", socket, NULL);
  va_start (args, first);
  g_object_set_valist (G_OBJECT (sink), first, args);
  va_end (args);
  f->bus = gst_bus_new ();
  gst_element_set_bus (sink, f->bus);
  f->h = gst_harness_new_with_element (sink, "sink", NULL);
  gst_harness_set_src_caps_str (f->h, "application/ogg");
  gst_object_unref (sink);
}

static void
tear_down (Fixture *f)
{
  gst_element_set_bus (f->h->element, NULL);
  gst_harness_teardown (f->h);
  gst_object_unref (f->bus);
  if (f->peer >= 0)
    close (f->peer);
}

static GstFlowReturn
push (Fixture *f, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 'x', size);
  return gst_harness_push (f->h, buffer);
}

/* Returns: all data up to the end */
static GString *
read_all (int fd)
{
  GString *text = g_string_new (NULL);
  gchar data[65536];
  gssize size;

  while ((size = read (fd, data, sizeof data)) > 0)
    g_string_append_len (text, data, size);
  return text;
}

/* Returns: whether such an event came upstream in time */
static gboolean
wait_for_event (Fixture *f, gboolean (*is) (GstEvent *event))
{
  gint64 until = g_get_monotonic_time () + 8 * G_TIME_SPAN_SECOND;

  while (g_get_monotonic_time () < until) {
    GstEvent *event = gst_harness_try_pull_upstream_event (f->h);
    gboolean found = event && is (event);
    if (event)
      gst_event_unref (event);
    if (found)
      return TRUE;
    g_usleep (1000);
  }
  return FALSE;
}

static void
assert_closed_for (Fixture *f, const gchar *reason)
{
  GstMessage *message = gst_bus_timed_pop_filtered (
      f->bus, WAIT, GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS);

  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "syrinx-client-closed"));
  g_assert_cmpstr (
      gst_structure_get_string (gst_message_get_structure (message), "reason"),
      ==, reason);
  gst_message_unref (message);
}

GST_START_TEST (a_slow_reader_gets_hold_and_resume_and_loses_nothing)
{
  Fixture f;
  gsize total = 0;
  GstMessage *message;
  GString *got;

  set_up (&f, "high-watermark", 100000, "low-watermark", 10000, NULL);
  for (guint i = 0; i < 400; i++, total += 5000)
    g_assert_cmpint (push (&f, 5000), ==, GST_FLOW_OK);
  g_assert_true (wait_for_event (&f, syrinx_event_is_hold));
  gst_harness_push_event (f.h, gst_event_new_eos ());
  got = read_all (f.peer);
  g_assert_cmpuint (got->len, ==, total);
  g_assert_true (wait_for_event (&f, syrinx_event_is_resume));
  message = gst_bus_timed_pop_filtered (f.bus, WAIT, GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  gst_message_unref (message);
  g_string_free (got, TRUE);
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_reader_that_stops_is_timed_out)
{
  Fixture f;

  set_up (&f, "stall-timeout", 100 * GST_MSECOND, NULL);
  g_assert_cmpint (push (&f, 3000000), ==, GST_FLOW_OK);
  assert_closed_for (&f, "timed-out");
  g_assert_cmpint (push (&f, 10), ==, GST_FLOW_EOS);
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_vanishing_reader_ends_the_flow)
{
  Fixture f;

  set_up (&f, NULL);
  g_assert_cmpint (push (&f, 10), ==, GST_FLOW_OK);
  close (f.peer);
  f.peer = -1;
  assert_closed_for (&f, "hung-up");
  g_assert_cmpint (push (&f, 10), ==, GST_FLOW_EOS);
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (nothing_queued_leaves_after_a_denial)
{
  Fixture f;
  GstStructure *stats;
  guint64 sent, queued;
  GString *got;

  set_up (&f, NULL);
  g_assert_cmpint (push (&f, 3000000), ==, GST_FLOW_OK);
  g_assert_true (wait_for_event (&f, syrinx_event_is_hold));
  gst_harness_push_event (f.h, syrinx_event_new_denied ("revoked"));
  g_object_get (f.h->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "bytes-sent", G_TYPE_UINT64, &sent,
      "queued-bytes", G_TYPE_UINT64, &queued, NULL));
  gst_structure_free (stats);
  g_assert_cmpuint (queued, ==, 0);
  g_assert_cmpint (push (&f, 10), ==, GST_FLOW_EOS);
  assert_closed_for (&f, "denied");
  got = read_all (f.peer);
  g_assert_cmpuint (got->len, ==, sent);
  g_assert_cmpuint (got->len, <, 3000000);
  g_string_free (got, TRUE);
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_chunked_body_follows_its_preamble)
{
  g_autoptr (GBytes) head = g_bytes_new_static ("HTTP/1.1 200 OK\r\n\r\n", 19);
  GstBufferList *list = gst_buffer_list_new ();
  Fixture f;
  GString *got;

  set_up (&f, "preamble", head, "chunked", TRUE, NULL);
  gst_buffer_list_add (list, gst_buffer_new_memdup ("one", 3));
  gst_buffer_list_add (list, gst_buffer_new ());
  gst_buffer_list_add (list, gst_buffer_new_memdup ("three fields", 12));
  g_assert_cmpint (gst_pad_push_list (f.h->srcpad, list), ==, GST_FLOW_OK);
  g_assert_cmpint (gst_harness_push (f.h, gst_buffer_new ()), ==, GST_FLOW_OK);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  got = read_all (f.peer);
  g_assert_cmpstr (
      got->str, ==, "HTTP/1.1 200 OK\r\n\r\nf\r\nonethree fields\r\n0\r\n\r\n");
  g_string_free (got, TRUE);
  tear_down (&f);
}
GST_END_TEST;

static void
on_chunk (GstElement *sink, GstBuffer *buffer, gpointer user_data)
{
  *(gsize *)user_data += gst_buffer_get_size (buffer);
}

GST_START_TEST (without_a_connection_buffers_go_to_the_signal)
{
  Fixture f;
  gsize total = 0;
  GstMessage *message;

  set_up (&f, "socket", NULL, NULL);
  g_signal_connect (f.h->element, "chunk", G_CALLBACK (on_chunk), &total);
  g_assert_cmpint (push (&f, 70), ==, GST_FLOW_OK);
  g_assert_cmpuint (total, ==, 70);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  gst_message_unref (message);
  gst_harness_push_event (f.h, syrinx_event_new_denied ("expired"));
  g_assert_cmpint (push (&f, 70), ==, GST_FLOW_EOS);
  g_assert_cmpuint (total, ==, 70);
  tear_down (&f);
}
GST_END_TEST;

GST_START_TEST (a_queue_learns_that_it_never_blocks)
{
  GstQuery *query = syrinx_query_new_nonblocking ();
  Fixture f;

  set_up (&f, NULL);
  g_assert_true (gst_pad_peer_query (f.h->srcpad, query));
  gst_query_unref (query);
  query = syrinx_query_new_demand_driven ();
  g_assert_false (gst_pad_peer_query (f.h->srcpad, query));
  gst_query_unref (query);
  tear_down (&f);
}
GST_END_TEST;

static Suite *
clientsink_suite (void)
{
  Suite *s = suite_create ("clientsink");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, a_slow_reader_gets_hold_and_resume_and_loses_nothing);
  tcase_add_test (tc, a_reader_that_stops_is_timed_out);
  tcase_add_test (tc, a_vanishing_reader_ends_the_flow);
  tcase_add_test (tc, nothing_queued_leaves_after_a_denial);
  tcase_add_test (tc, a_chunked_body_follows_its_preamble);
  tcase_add_test (tc, without_a_connection_buffers_go_to_the_signal);
  tcase_add_test (tc, a_queue_learns_that_it_never_blocks);
  return s;
}

int
main (int argc, char **argv)
{
  skip_where_refused ();
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (clientsink_suite (), "clientsink", __FILE__);
}
