/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events and queries by which the elements of a session share one
 * scheduler: demand, hold, resume, ready and denied. All are custom GstEvents
 * and GstQueries, which other elements pass on or ignore. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_CHUNK_MEDIA_TYPE                                                \
  "application/x-syrinx-chunk" /* format=hls-aes128|ece, content-caps=(string) \
                                */

/* demand, upstream: asks for up to @max_buffers buffers or @max_time of data,
 * to be pushed in this thread. @fragment >= 0 asks for that fragment only (-1:
 * for the next data). Handled (TRUE) without data: the data will come later,
 * and a ready event will tell. FALSE: this source pushes by itself. */
GstEvent *syrinx_event_new_demand (
    guint max_buffers, GstClockTime max_time, gint fragment);
gboolean syrinx_event_parse_demand (GstEvent *event, guint *max_buffers,
    GstClockTime *max_time, gint *fragment);

/* hold and resume, upstream: the sink's queue is full; it has room again. */
GstEvent *syrinx_event_new_hold (void);
GstEvent *syrinx_event_new_resume (void);
gboolean syrinx_event_is_hold (GstEvent *event);
gboolean syrinx_event_is_resume (GstEvent *event);

/* ready, downstream out of band: the data of an unanswered demand is there, or
 * a source has begun to take demands. From any thread. */
GstEvent *syrinx_event_new_ready (void);
gboolean syrinx_event_is_ready (GstEvent *event);

/* denied, downstream out of band: an element drops the data that it holds and
 * then forwards the event. */
GstEvent *syrinx_event_new_denied (const gchar *reason);
gboolean syrinx_event_parse_denied (GstEvent *event, const gchar **reason);

/* Downstream queries. Answered TRUE by a sink that never blocks the pushing
 * thread; by a queue that sends demands. */
GstQuery *syrinx_query_new_nonblocking (void);
gboolean syrinx_query_is_nonblocking (GstQuery *query);
GstQuery *syrinx_query_new_demand_driven (void);
gboolean syrinx_query_is_demand_driven (GstQuery *query);

G_END_DECLS
