/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events and queries by which the elements of a session share one
 * scheduler: demand, hold, resume, ready and denied. All are custom GstEvents
 * and GstQueries, so foreign elements pass them on or ignore them. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_CHUNK_MEDIA_TYPE                                                \
  "application/x-syrinx-chunk" /* format=hls-aes128|ece, content-caps=(string) \
                                */

/* demand, upstream: "push up to @max_buffers buffers or @max_time now, in this
 * thread". @fragment >= 0 asks for just that fragment (-1: what comes next).
 * TRUE without data: it will come, and a ready event tells when. FALSE: this
 * source drives itself. */
GstEvent *syrinx_event_new_demand (
    guint max_buffers, GstClockTime max_time, gint fragment);
gboolean syrinx_event_parse_demand (GstEvent *event, guint *max_buffers,
    GstClockTime *max_time, gint *fragment);

/* hold and resume, upstream: the sink's socket is full; has room again. */
GstEvent *syrinx_event_new_hold (void);
GstEvent *syrinx_event_new_resume (void);
gboolean syrinx_event_is_hold (GstEvent *event);
gboolean syrinx_event_is_resume (GstEvent *event);

/* ready, downstream out of band: data for an unanswered demand has come, or a
 * source has just begun to take demands. From any thread. */
GstEvent *syrinx_event_new_ready (void);
gboolean syrinx_event_is_ready (GstEvent *event);

/* denied, downstream out of band: drop what you hold, then forward. */
GstEvent *syrinx_event_new_denied (const gchar *reason);
gboolean syrinx_event_parse_denied (GstEvent *event, const gchar **reason);

/* Downstream queries, answered TRUE by who can: a sink that never blocks the
 * pushing thread; a queue that demands. */
GstQuery *syrinx_query_new_nonblocking (void);
gboolean syrinx_query_is_nonblocking (GstQuery *query);
GstQuery *syrinx_query_new_demand_driven (void);
gboolean syrinx_query_is_demand_driven (GstQuery *query);

G_END_DECLS
