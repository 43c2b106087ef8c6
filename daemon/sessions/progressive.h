/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progressive streams: each a session of elements that writes to a connection
 * which was taken from the HTTP server. Main thread only. */
#pragma once

#include "sessions.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _SyrinxStreams SyrinxStreams;

/* Initialises GStreamer with our plugin. @shape_dir (nullable): where the
 * operator's own *.launch files are; their elements are found as everywhere.
 * Errors: NOT_FOUND, INVALID. (transfer full) */
SyrinxStreams *syrinx_streams_new (SyrinxSessions *sessions,
    const gchar *state_dir, const gchar *shape_dir, GError **error);
/* Ends them all. */
void syrinx_streams_free (SyrinxStreams *streams);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxStreams, syrinx_streams_free)

typedef struct
{
  SyrinxSession *session;
  const gchar *rendition; /* an Opus one */
  gdouble start_s;
  GIOStream *connection;
  GBytes *preamble;      /* sent before the first page */
  gboolean is_chunked;   /* RFC 9112, section 7.1 */
  gboolean ends_session; /* the session is this stream's alone */
} SyrinxStreamRequest;

/* Plays to the end of the track, of the connection or of the grant, whichever
 * comes first. */
gboolean syrinx_streams_start (
    SyrinxStreams *streams, const SyrinxStreamRequest *request, GError **error);
/* How many play. */
guint syrinx_streams_count (SyrinxStreams *streams);

G_END_DECLS
