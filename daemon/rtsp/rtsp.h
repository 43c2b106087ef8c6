/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP (RFC 2326): the sessions of HTTP as Opus over RTP (RFC 7587),
 * interleaved or by UDP. Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxRtsp SyrinxRtsp;

/* Listens on the configured address, which must not be "none", and sets the
 * engine's RTSP ports. Errors: BUSY (the port), INVALID, NOT_FOUND (GStreamer's
 * rtp plugin). (transfer full) */
SyrinxRtsp *syrinx_rtsp_new (SyrinxEngine *engine, GError **error);
/* Ends all streams. */
void syrinx_rtsp_free (SyrinxRtsp *rtsp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxRtsp, syrinx_rtsp_free)

/* The number of streams that play. */
guint syrinx_rtsp_count (SyrinxRtsp *rtsp);
/* "rtsp://ADDRESS:PORT/" (transfer full) */
gchar *syrinx_rtsp_get_address (SyrinxRtsp *rtsp);
/* "rtsps://ADDRESS:PORT/" (transfer full) (nullable) */
gchar *syrinx_rtsp_get_tls_address (SyrinxRtsp *rtsp);

G_END_DECLS
