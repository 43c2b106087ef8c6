/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes on an RTSP connection, in pieces of any size, and the parsing of
 * headers. */
#include "daemon/rtsp/rtsp-private.h"
#include "fuzz.h"

static void
choose_transport (
    const GstRTSPMessage *request, gboolean has_udp, RtspKeys keys)
{
  static const guint16 server_ports[] = { 5004, 5005 };
  RtspTransport transport = { 0 };
  g_autofree gchar *text = NULL;

  if (rtsp_transport_choose (rtsp_header (request, GST_RTSP_HDR_TRANSPORT),
          has_udp, keys, &transport)
      != GST_RTSP_STS_OK)
    return;
  g_assert_true (has_udp || !transport.is_udp);
  g_assert_true (transport.is_savp == (keys != RTSP_KEYS_NONE));
  if (transport.is_udp)
    g_assert_true (transport.ports[0] >= 1024 && transport.ports[1] >= 1024);
  text = rtsp_transport_describe (&transport, server_ports, 0);
  g_assert_nonnull (text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  gsize at = 0;

  while (at < size) {
    g_autofree gchar *bytes = g_memdup2 (data + at, size - at);
    GstRTSPMessage *request = NULL;
    gsize taken = 0;
    RtspRead result = rtsp_parse (bytes, size - at, &taken, &request);

    g_assert_true (
        !!request
        == (result == RTSP_READ_REQUEST || result == RTSP_READ_VERSION));
    if (request) {
      choose_transport (request, TRUE, RTSP_KEYS_NONE);
      choose_transport (request, FALSE, RTSP_KEYS_ANY);
      gst_rtsp_message_free (request);
    }
    if (result != RTSP_READ_REQUEST && result != RTSP_READ_DATA)
      break;
    g_assert_cmpuint (taken, >, 0);
    if (result == RTSP_READ_REQUEST)
      g_assert_cmpuint (taken, <=, size - at);
    at += MIN (taken, size - at);
  }
  return 0;
}
