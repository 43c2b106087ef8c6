/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxrtpsink: framing in a connection, datagrams, and the events of its
 * owner and of a gate. */
#include "core/schedule/demand.h"
#include "core/io/io-loop.h"

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 12

static GstHarness *
open_sink (void)
{
  GstElement *sink = gst_element_factory_make ("syrinxrtpsink", NULL);
  GstHarness *h;

  g_assert_nonnull (sink);
  h = gst_harness_new_with_element (sink, "sink", NULL);
  gst_object_unref (sink);
  return h;
}

/* A buffer with two memories, as payloaders make them. */
static GstBuffer *
make_packet (guint16 seqnum, guint32 rtptime, const gchar *payload)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, HEADER_BYTES, NULL);
  guint8 header[HEADER_BYTES] = { 0x80, 96 };

  GST_WRITE_UINT16_BE (header + 2, seqnum);
  GST_WRITE_UINT32_BE (header + 4, rtptime);
  GST_WRITE_UINT32_BE (header + 8, 0xfeedbeef);
  gst_buffer_fill (buffer, 0, header, sizeof header);
  return gst_buffer_append (
      buffer, gst_buffer_new_wrapped (g_strdup (payload), strlen (payload)));
}

static void
ignore (SyrinxClient *client, gpointer user_data)
{
}

static void
ignore_end (SyrinxClient *client, const GError *error, gpointer user_data)
{
}

/* *@peer: (out) the other end of the connection. */
static SyrinxClient *
open_client (SyrinxIoLoop *loop, int *peer)
{
  static const SyrinxClientFuncs funcs = { ignore, ignore, ignore_end };
  g_autoptr (GSocket) socket = NULL;
  int ends[2];

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  socket = g_socket_new_from_fd (ends[0], NULL);
  *peer = ends[1];
  return syrinx_io_loop_add (loop,
      G_IO_STREAM (g_socket_connection_factory_create_connection (socket)),
      NULL, &funcs, NULL);
}

static void
read_exactly (int fd, guint8 *data, gsize size)
{
  for (gsize at = 0; at < size;) {
    gssize n = read (fd, data + at, size - at);
    g_assert_cmpint (n, >, 0);
    at += n;
  }
}

GST_START_TEST (packets_are_framed_among_the_answers)
{
  g_autoptr (SyrinxIoLoop) loop = syrinx_io_loop_get ();
  GstHarness *h = open_sink ();
  int peer;
  SyrinxClient *client = open_client (loop, &peer);
  g_autoptr (GBytes) answer = g_bytes_new_static ("OK\r\n", 4);
  guint8 read_back[4 + HEADER_BYTES + 5 + 4];

  g_object_set (h->element, "client", client, "channel", 2, NULL);
  gst_harness_set_src_caps_str (h, "application/x-rtp");
  g_assert_cmpint (
      gst_harness_push (h, make_packet (7, 960, "hello")), ==, GST_FLOW_OK);
  g_assert_true (syrinx_client_send (client, answer));
  read_exactly (peer, read_back, sizeof read_back);
  g_assert_cmpmem (read_back, 4, "$\2\0\21", 4);
  g_assert_cmpuint (GST_READ_UINT16_BE (read_back + 6), ==, 7);
  g_assert_cmpmem (read_back + 4 + HEADER_BYTES, 9, "helloOK\r\n", 9);
  syrinx_client_remove (client);
  g_assert_cmpint (
      gst_harness_push (h, make_packet (8, 1920, "gone")), ==, GST_FLOW_EOS);
  gst_harness_teardown (h);
  close (peer);
}
GST_END_TEST

GST_START_TEST (datagrams_go_to_their_address)
{
  g_autoptr (GInetAddress) host
      = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (host, 0);
  g_autoptr (GSocket) from
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, 0, NULL);
  g_autoptr (GSocket) to
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, 0, NULL);
  g_autoptr (GSocketAddress) address = NULL;
  GstHarness *h = open_sink ();
  gchar data[64];

  g_assert_true (g_socket_bind (from, any, FALSE, NULL));
  g_assert_true (g_socket_bind (to, any, FALSE, NULL));
  address = g_socket_get_local_address (to, NULL);
  g_object_set (h->element, "socket", from, "address", address, NULL);
  gst_element_set_state (h->element, GST_STATE_READY);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, "application/x-rtp");
  g_assert_cmpint (
      gst_harness_push (h, make_packet (7, 960, "hello")), ==, GST_FLOW_OK);
  g_socket_set_timeout (to, 5);
  g_assert_cmpint (
      g_socket_receive (to, data, sizeof data, NULL, NULL), ==, 17);
  g_assert_cmpmem (data + HEADER_BYTES, 5, "hello", 5);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (stats_say_what_a_sender_report_needs)
{
  GstHarness *h = open_sink ();
  g_autoptr (GstStructure) stats = NULL;
  guint64 packets, octets;
  guint rtptime, ssrc, seqnum;

  gst_harness_set_src_caps_str (h, "application/x-rtp");
  gst_harness_push (h, make_packet (65535, 960, "hello"));
  gst_harness_push (h, make_packet (0, 1920, "again"));
  g_object_get (h->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "packets", G_TYPE_UINT64, &packets,
      "octets", G_TYPE_UINT64, &octets, "rtptime", G_TYPE_UINT, &rtptime,
      "ssrc", G_TYPE_UINT, &ssrc, "seqnum", G_TYPE_UINT, &seqnum, NULL));
  g_assert_cmpuint (packets, ==, 2);
  g_assert_cmpuint (octets, ==, 10);
  g_assert_cmpuint (rtptime, ==, 1920);
  g_assert_cmpuint (ssrc, ==, 0xfeedbeef);
  g_assert_cmpuint (seqnum, ==, 0);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (its_owner_can_hold_what_feeds_it)
{
  GstHarness *h = open_sink ();
  GstEvent *event;
  gboolean held = FALSE, resumed = FALSE;

  gst_harness_set_src_caps_str (h, "application/x-rtp");
  g_assert_true (gst_element_send_event (h->element, syrinx_event_new_hold ()));
  g_assert_true (
      gst_element_send_event (h->element, syrinx_event_new_resume ()));
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    held |= syrinx_event_is_hold (event);
    resumed |= held && syrinx_event_is_resume (event);
    gst_event_unref (event);
  }
  g_assert_true (held && resumed);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (nothing_leaves_after_a_denial)
{
  GstHarness *h = open_sink ();
  g_autoptr (GstStructure) stats = NULL;
  guint64 packets;

  gst_harness_set_src_caps_str (h, "application/x-rtp");
  gst_harness_push (h, make_packet (1, 960, "hello"));
  gst_harness_push_event (h, syrinx_event_new_denied ("revoked"));
  g_assert_cmpint (
      gst_harness_push (h, make_packet (2, 1920, "no")), ==, GST_FLOW_EOS);
  g_object_get (h->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "packets", &packets));
  g_assert_cmpuint (packets, ==, 1);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (what_is_no_packet_is_left_out)
{
  GstHarness *h = open_sink ();
  g_autoptr (GstStructure) stats = NULL;
  guint64 packets;

  gst_harness_set_src_caps_str (h, "application/x-rtp");
  gst_harness_push (h, gst_buffer_new_allocate (NULL, 4, NULL));
  gst_harness_push (h, gst_buffer_new_allocate (NULL, 70000, NULL));
  g_object_get (h->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "packets", &packets));
  g_assert_cmpuint (packets, ==, 0);
  gst_harness_teardown (h);
}
GST_END_TEST

static Suite *
rtpsink_suite (void)
{
  Suite *suite = suite_create ("syrinxrtpsink");
  TCase *tc = tcase_create ("sink");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, packets_are_framed_among_the_answers);
  tcase_add_test (tc, datagrams_go_to_their_address);
  tcase_add_test (tc, stats_say_what_a_sender_report_needs);
  tcase_add_test (tc, its_owner_can_hold_what_feeds_it);
  tcase_add_test (tc, nothing_leaves_after_a_denial);
  tcase_add_test (tc, what_is_no_packet_is_left_out);
  return suite;
}

GST_CHECK_MAIN (rtpsink)
