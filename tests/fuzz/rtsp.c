/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes on an RTSP connection, by however many of them come at once. */
#include "daemon/rtsp-parse.h"
#include "fuzz.h"

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
    if (request)
      gst_rtsp_message_free (request);
    if (result != RTSP_READ_REQUEST && result != RTSP_READ_DATA)
      break;
    g_assert_cmpuint (taken, >, 0);
    g_assert_cmpuint (taken, <=, size - at);
    at += taken;
  }
  return 0;
}
