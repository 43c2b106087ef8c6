/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing of RTSP: complete, split anywhere, and randomly changed. */
#include "daemon/rtsp/rtsp-parse.h"

#include <stdlib.h>
#include <string.h>

#define N_CHANGED 200000

static const gchar *const good[] = {
  "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
  "DESCRIBE rtsp://h:8554/tracks/x?token=a.b.c RTSP/1.0\r\nCSeq: 2\r\n"
  "Accept: application/sdp\r\nAuthorization: Basic eDp5\r\n\r\n",
  "SETUP rtsp://h/sessions/a/b/stream=0 RTSP/1.0\nCSeq: 3\n"
  "Transport: RTP/AVP;unicast;client_port=5000-5001\n\n",
  "SET_PARAMETER rtsp://h/ RTSP/1.0\r\nCSeq: 4\r\nContent-Length: "
  "5\r\n\r\na: 1\n",
};

static void
a_request_is_taken_whole_or_not_at_all (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    gsize size = strlen (good[i]);
    for (gsize n = 0; n <= size; n++) {
      g_autofree gchar *bytes = g_memdup2 (good[i], n ? n : 1);
      GstRTSPMessage *request = NULL;
      gsize taken;
      RtspRead read = rtsp_parse (bytes, n, &taken, &request);
      g_assert_cmpint (
          read, ==, n == size ? RTSP_READ_REQUEST : RTSP_READ_MORE);
      g_assert_cmpuint (taken, ==, n == size ? size : 0);
      g_assert_true ((request != NULL) == (n == size));
      g_clear_pointer (&request, gst_rtsp_message_free);
    }
  }
}

static void
what_follows_is_left (void)
{
  g_autofree gchar *two = g_strconcat (good[3], good[0], NULL);
  GstRTSPMessage *request = NULL;
  gsize taken;
  guint8 *body;
  guint body_bytes;

  g_assert_cmpint (
      rtsp_parse (two, strlen (two), &taken, &request), ==, RTSP_READ_REQUEST);
  g_assert_cmpuint (taken, ==, strlen (good[3]));
  gst_rtsp_message_get_body (request, &body, &body_bytes);
  g_assert_cmpmem (body, body_bytes, "a: 1\n", 5);
  gst_rtsp_message_free (request);
}

static void
interleaved_packets_are_told_from_requests (void)
{
  static const gchar packet[] = "$\1\0\3abcOPTIONS";
  GstRTSPMessage *request = NULL;
  gsize taken;

  for (gsize n = 1; n < 4; n++)
    g_assert_cmpint (
        rtsp_parse (packet, n, &taken, &request), ==, RTSP_READ_MORE);
  for (gsize n = 4; n < sizeof packet; n++) {
    g_assert_cmpint (
        rtsp_parse (packet, n, &taken, &request), ==, RTSP_READ_DATA);
    g_assert_cmpuint (taken, ==, 7); /* even if fewer have arrived */
  }
}

/* Whatever the input, no more is taken than announced, and a request is
 * returned only with a result that says so. */
static void
changed_bytes_do_no_harm (void)
{
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < N_CHANGED; i++) {
    const gchar *from = good[g_rand_int_range (rand, 0, G_N_ELEMENTS (good))];
    gsize n = g_rand_int_range (rand, 1, strlen (from) + 1), taken;
    g_autofree gchar *bytes = g_memdup2 (from, n);
    GstRTSPMessage *request = NULL;
    RtspRead read;
    for (gint k = g_rand_int_range (rand, 0, 4); k > 0; k--)
      bytes[g_rand_int_range (rand, 0, n)] = g_rand_int_range (rand, 0, 256);
    read = rtsp_parse (bytes, n, &taken, &request);
    if (read != RTSP_READ_DATA)
      g_assert_cmpuint (taken, <=, n);
    g_assert_true ((request != NULL)
                   == (read == RTSP_READ_REQUEST || read == RTSP_READ_VERSION));
    if (request && read == RTSP_READ_REQUEST)
      rtsp_header (request, GST_RTSP_HDR_CSEQ);
    g_clear_pointer (&request, gst_rtsp_message_free);
  }
}

static void
what_is_endless_is_too_big (void)
{
  g_autofree gchar *head = g_strnfill (RTSP_MAX_HEAD_BYTES + 64, 'a');
  GstRTSPMessage *request = NULL;
  gsize taken;

  g_assert_cmpint (rtsp_parse (head, strlen (head), &taken, &request), ==,
      RTSP_READ_TOO_BIG);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtsp-parse/a_request_is_taken_whole_or_not_at_all",
      a_request_is_taken_whole_or_not_at_all);
  g_test_add_func ("/rtsp-parse/what_follows_is_left", what_follows_is_left);
  g_test_add_func ("/rtsp-parse/interleaved_packets_are_told_from_requests",
      interleaved_packets_are_told_from_requests);
  g_test_add_func (
      "/rtsp-parse/changed_bytes_do_no_harm", changed_bytes_do_no_harm);
  g_test_add_func (
      "/rtsp-parse/what_is_endless_is_too_big", what_is_endless_is_too_big);
  return g_test_run ();
}
