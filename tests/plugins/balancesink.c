/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: the servers of chunks, and what happens if servers
 * fail. */
#include "core/schedule/demand.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/check/gstharness.h>

#include <string.h>

#define N_SERVERS 3

/* A server on a request pad: records chunk numbers, fails on request. */
typedef struct
{
  GstPad *sink, *request;
  GArray *numbers;
  guint n_eos;
  gboolean fails, is_nonblocking;
} Server;

typedef struct
{
  GstHarness *harness;
  GstBus *bus;
  Server servers[N_SERVERS];
} Fixture;

static GstFlowReturn
take (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Server *server = gst_pad_get_element_private (pad);

  if (!server->fails)
    g_array_append_val (server->numbers, GST_BUFFER_OFFSET (buffer));
  gst_buffer_unref (buffer);
  return server->fails ? GST_FLOW_ERROR : GST_FLOW_OK;
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Server *server = gst_pad_get_element_private (pad);

  server->n_eos += GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  gst_event_unref (event);
  return TRUE;
}

static gboolean
answer (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Server *server = gst_pad_get_element_private (pad);

  if (syrinx_query_is_nonblocking (query))
    return server->is_nonblocking;
  return gst_pad_query_default (pad, parent, query);
}

static void
add_server (Fixture *fixture, Server *server)
{
  server->numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  server->sink = gst_pad_new (NULL, GST_PAD_SINK);
  gst_pad_set_element_private (server->sink, server);
  gst_pad_set_chain_function (server->sink, take);
  gst_pad_set_event_function (server->sink, take_event);
  gst_pad_set_query_function (server->sink, answer);
  gst_pad_set_active (server->sink, TRUE);
  server->request
      = gst_element_request_pad_simple (fixture->harness->element, "src_%u");
  g_assert_cmpint (
      gst_pad_link (server->request, server->sink), ==, GST_PAD_LINK_OK);
}

static void
set_up (Fixture *fixture, gconstpointer policy)
{
  fixture->harness
      = gst_harness_new_with_padnames ("syrinxbalancesink", "sink", NULL);
  gst_util_set_object_arg (
      G_OBJECT (fixture->harness->element), "policy", policy);
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->harness->element, fixture->bus);
  for (guint i = 0; i < N_SERVERS; i++)
    add_server (fixture, &fixture->servers[i]);
  gst_harness_set_src_caps_str (
      fixture->harness, "application/x-syrinx-chunk, format=(string)ece");
}

static void
tear_down (Fixture *fixture, gconstpointer policy)
{
  gst_element_set_bus (fixture->harness->element, NULL);
  for (guint i = 0; i < N_SERVERS; i++) {
    Server *server = &fixture->servers[i];
    gst_element_release_request_pad (
        fixture->harness->element, server->request);
    gst_object_unref (server->request);
    gst_object_unref (server->sink);
    g_array_unref (server->numbers);
  }
  gst_harness_teardown (fixture->harness);
  gst_object_unref (fixture->bus);
}

static GstFlowReturn
push (Fixture *fixture, guint64 number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);

  GST_BUFFER_OFFSET (buffer) = number;
  return gst_harness_push (fixture->harness, buffer);
}

static guint
count_all (Fixture *fixture)
{
  guint n = 0;

  for (guint i = 0; i < N_SERVERS; i++)
    n += fixture->servers[i].numbers->len;
  return n;
}

static guint
count_messages (Fixture *fixture, const gchar *name)
{
  guint n = 0;
  GstMessage *message;
  g_autoptr (GPtrArray) others
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_message_unref);

  while ((message = gst_bus_pop (fixture->bus)) != NULL) {
    n += gst_message_has_name (message, name);
    g_ptr_array_add (others, message);
  }
  for (guint i = 0; i < others->len; i++)
    gst_bus_post (fixture->bus, gst_message_ref (others->pdata[i]));
  return n;
}

static void
every_chunk_goes_to_one_server_and_all_get_some (
    Fixture *fixture, gconstpointer policy)
{
  for (guint i = 0; i < 300; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_all (fixture), ==, 300);
  for (guint i = 0; i < N_SERVERS; i++)
    g_assert_cmpuint (fixture->servers[i].numbers->len, >, 0);
}

static void
a_chunk_that_fails_goes_to_the_next_and_its_server_is_down (
    Fixture *fixture, gconstpointer policy)
{
  fixture->servers[1].fails = TRUE;
  for (guint i = 0; i < 300; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_all (fixture), ==, 300);
  g_assert_cmpuint (fixture->servers[1].numbers->len, ==, 0);
  g_assert_cmpuint (count_messages (fixture, "syrinx-server-down"), ==, 1);
  g_assert_cmpuint (count_messages (fixture, "syrinx-chunk-moved"), ==, 1);
}

static void
when_no_server_is_left_it_is_an_error (Fixture *fixture, gconstpointer policy)
{
  for (guint i = 0; i < N_SERVERS; i++)
    fixture->servers[i].fails = TRUE;
  g_assert_cmpint (push (fixture, 0), ==, GST_FLOW_ERROR);
  g_assert_cmpuint (count_messages (fixture, "syrinx-server-down"), ==, 3);
  g_autoptr (GstMessage) message
      = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
}

static void
replicas_go_to_different_servers (Fixture *fixture, gconstpointer policy)
{
  g_object_set (fixture->harness->element, "replicas", 2, NULL);
  for (guint i = 0; i < 60; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_all (fixture), ==, 120);
  for (guint i = 0; i < N_SERVERS; i++)
    for (guint j = 1; j < fixture->servers[i].numbers->len; j++)
      g_assert_cmpuint (g_array_index (fixture->servers[i].numbers, guint64, j),
          >, g_array_index (fixture->servers[i].numbers, guint64, j - 1));
}

static void
a_stream_stays_on_its_server_until_that_fails (
    Fixture *fixture, gconstpointer policy)
{
  guint first = 0;

  gst_util_set_object_arg (
      G_OBJECT (fixture->harness->element), "per", "stream");
  for (guint i = 0; i < 10; i++)
    push (fixture, i);
  while (fixture->servers[first].numbers->len == 0)
    first++;
  g_assert_cmpuint (fixture->servers[first].numbers->len, ==, 10);
  fixture->servers[first].fails = TRUE;
  for (guint i = 10; i < 20; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_all (fixture), ==, 20);
  g_assert_cmpuint (fixture->servers[(first + 1) % 3].numbers->len
                        * fixture->servers[(first + 2) % 3].numbers->len,
      ==, 0);
}

static void
rendezvous_finds_the_same_server_for_the_same_chunk (
    Fixture *fixture, gconstpointer policy)
{
  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < 50; i++)
      push (fixture, i);
  for (guint i = 0; i < N_SERVERS; i++) {
    GArray *numbers = fixture->servers[i].numbers;
    guint half = numbers->len / 2;
    g_assert_cmpuint (numbers->len % 2, ==, 0);
    g_assert_cmpmem (numbers->data, half * sizeof (guint64),
        numbers->data + half * sizeof (guint64), half * sizeof (guint64));
  }
}

static void
a_header_and_the_end_go_to_all (Fixture *fixture, gconstpointer policy)
{
  GstBuffer *header = gst_buffer_new_allocate (NULL, 16, NULL);

  GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
  gst_harness_push (fixture->harness, header);
  gst_harness_push_event (fixture->harness, gst_event_new_eos ());
  for (guint i = 0; i < N_SERVERS; i++) {
    g_assert_cmpuint (fixture->servers[i].numbers->len, ==, 1);
    g_assert_cmpuint (fixture->servers[i].n_eos, ==, 1);
  }
}

static void
it_never_blocks_only_if_no_server_does (Fixture *fixture, gconstpointer policy)
{
  for (guint n = 0; n <= N_SERVERS; n++) {
    g_autoptr (GstQuery) query = syrinx_query_new_nonblocking ();
    g_assert_cmpint (gst_pad_peer_query (fixture->harness->srcpad, query), ==,
        n == N_SERVERS);
    if (n < N_SERVERS)
      fixture->servers[n].is_nonblocking = TRUE;
  }
}

/* Runs a pipeline to its end. Returns: the error's text if it fails. @sinks:
 * (nullable): descriptions of sinks to add to its element "balance". */
static gchar *
run_pipeline (const gchar *description, const gchar *const *sinks)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) balance = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  gchar *text = NULL;

  g_assert_no_error (error);
  balance = gst_bin_get_by_name (GST_BIN (pipeline), "balance");
  for (; sinks && *sinks; sinks++)
    gst_bin_add (GST_BIN (balance), gst_parse_launch (*sinks, NULL));
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    text = g_strdup (error->message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return text;
}

static gsize
take_size (const gchar *path)
{
  GStatBuf status;

  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_unlink (path);
  return status.st_size;
}

static void
sinks_are_made_for_uris_and_play_to_the_end (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-balance-XXXXXX", NULL);
  g_autofree gchar *one = g_build_filename (dir, "one", NULL);
  g_autofree gchar *two = g_build_filename (dir, "two", NULL);
  g_autofree gchar *description = g_strdup_printf (
      "fakesrc num-buffers=200 sizetype=fixed sizemax=100 filltype=zero ! "
      "syrinxbalancesink policy=weighted servers=\"file://%s,file://%s\"",
      one, two);
  g_autofree gchar *error = run_pipeline (description, NULL);
  gsize n_one, n_two;

  g_assert_null (error);
  n_one = take_size (one);
  n_two = take_size (two);
  g_assert_cmpuint (n_one + n_two, ==, 200 * 100);
  g_assert_cmpuint (n_one, >, 0);
  g_assert_cmpuint (n_two, >, 0);
  g_rmdir (dir);
}

static void
a_child_that_fails_is_not_the_end (void)
{
  static const gchar *const sinks[] = { "fakesink",
    "filesink location=/dev/full buffer-mode=unbuffered", "fakesink", NULL };
  g_autofree gchar *error = run_pipeline (
      "fakesrc num-buffers=200 sizetype=fixed sizemax=100 filltype=zero ! "
      "syrinxbalancesink name=balance policy=weighted",
      sinks);

  g_assert_null (error);
}

static void
a_uri_that_no_sink_knows_is_named_in_the_error (void)
{
  g_autofree gchar *error = run_pipeline (
      "fakesrc ! syrinxbalancesink servers=nosuch://thing", NULL);

  g_assert_nonnull (strstr (error, "nosuch://thing"));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(policy, name)                                                      \
  g_test_add ("/balancesink/" #name, Fixture, policy, set_up, name, tear_down)
  ADD ("p2c", every_chunk_goes_to_one_server_and_all_get_some);
  ADD ("weighted", a_chunk_that_fails_goes_to_the_next_and_its_server_is_down);
  ADD ("p2c", when_no_server_is_left_it_is_an_error);
  ADD ("rendezvous", replicas_go_to_different_servers);
  ADD ("p2c", a_stream_stays_on_its_server_until_that_fails);
  ADD ("rendezvous", rendezvous_finds_the_same_server_for_the_same_chunk);
  ADD ("least-load", a_header_and_the_end_go_to_all);
  ADD ("nearest", it_never_blocks_only_if_no_server_does);
  g_test_add_func ("/balancesink/sinks_are_made_for_uris_and_play_to_the_end",
      sinks_are_made_for_uris_and_play_to_the_end);
  g_test_add_func ("/balancesink/a_child_that_fails_is_not_the_end",
      a_child_that_fails_is_not_the_end);
  g_test_add_func (
      "/balancesink/a_uri_that_no_sink_knows_is_named_in_the_error",
      a_uri_that_no_sink_knows_is_named_in_the_error);
  return g_test_run ();
}
