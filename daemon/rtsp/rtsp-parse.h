/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses and serialises RTSP (RFC 2326). Does no I/O. */
#pragma once

#include <gst/rtsp/rtsp.h>

G_BEGIN_DECLS

#define RTSP_MAX_HEAD_BYTES 16384 /* a token of 8 KiB may be in it */
#define RTSP_MAX_BODY_BYTES 4096

typedef enum
{
  RTSP_READ_MORE,    /* more bytes are needed */
  RTSP_READ_REQUEST, /* *request is set, even if its method is unknown */
  RTSP_READ_DATA,    /* an interleaved packet (a receiver report); *taken may
                        exceed the given bytes */
  RTSP_READ_TOO_BIG,
  RTSP_READ_VERSION, /* an unknown version of RTSP; *request has what was read
                      */
  RTSP_READ_GARBAGE,
} RtspRead;

/* Parses the first message in @bytes; *@taken is its length. *@request
 * (transfer full) is set for RTSP_READ_REQUEST and RTSP_READ_VERSION. */
RtspRead rtsp_parse (
    const gchar *bytes, gsize n_bytes, gsize *taken, GstRTSPMessage **request);

/* A response with its body. (transfer full) */
GBytes *rtsp_to_bytes (GstRTSPMessage *response);

/* The first value of @field. (nullable) */
const gchar *
rtsp_header (const GstRTSPMessage *message, GstRTSPHeaderField field);

G_END_DECLS
