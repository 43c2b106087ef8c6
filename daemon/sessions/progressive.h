/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progressive streams: each is a pipe that writes to a connection which was
 * taken out of the HTTP server. Main thread only. */
#pragma once

#include "sessions.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _SyrinxStreams SyrinxStreams;

/* Initialises GStreamer with our plugin. @shape_dir (nullable): the folder of
 * the operator's own *.launch files, which may use any installed element.
 * Errors: NOT_FOUND, INVALID. (transfer full) */
SyrinxStreams *syrinx_streams_new (SyrinxSessions *sessions,
    const gchar *state_dir, const gchar *shape_dir, GError **error);
/* Ends all streams. */
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
  gboolean ends_session; /* the session was made for this stream */
} SyrinxStreamRequest;

/* Plays until the end of the track, the connection or the grant, whichever
 * comes first. */
gboolean syrinx_streams_start (
    SyrinxStreams *streams, const SyrinxStreamRequest *request, GError **error);
/* The number of streams that play. */
guint syrinx_streams_count (SyrinxStreams *streams);

G_END_DECLS
