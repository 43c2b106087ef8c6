/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP (RFC 2326) from bytes and to bytes. Knows no socket. */
#pragma once

#include <gst/rtsp/rtsp.h>

G_BEGIN_DECLS

#define RTSP_MAX_HEAD_BYTES 16384 /* a token of 8 KiB may be in it */
#define RTSP_MAX_BODY_BYTES 4096

typedef enum
{
  RTSP_READ_MORE,    /* the beginning of something */
  RTSP_READ_REQUEST, /* *request is filled, even if its method is unknown */
  RTSP_READ_DATA,    /* an interleaved packet: a receiver's report; *taken may
                        be more than has come */
  RTSP_READ_TOO_BIG,
  RTSP_READ_VERSION, /* of another RTSP; *request has what was read */
  RTSP_READ_GARBAGE,
} RtspRead;

/* What @bytes begin with; *@taken is how many it was. *@request (transfer full)
 * is set for RTSP_READ_REQUEST and RTSP_READ_VERSION. */
RtspRead rtsp_parse (
    const gchar *bytes, gsize n_bytes, gsize *taken, GstRTSPMessage **request);

/* A response with its body. (transfer full) */
GBytes *rtsp_to_bytes (GstRTSPMessage *response);

/* (nullable) the first of that name. */
const gchar *
rtsp_header (const GstRTSPMessage *message, GstRTSPHeaderField field);

G_END_DECLS
