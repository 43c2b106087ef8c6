/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of syrinxgeoqueue share. */
#pragma once

#include "gstsyrinxgeoqueue.h"

#include "items.h"

#include "core/schedule/scheduler.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (syrinx_geo_queue_debug);
#define GST_CAT_DEFAULT syrinx_geo_queue_debug

typedef struct
{
  gchar *scheduler, *region;
  GstClockTime rtt, lead;
  guint priority, batch;
  SyrinxPolicy policy;
  gboolean has_policy, sync;
  guint max_buffers, max_bytes;
  GstClockTime max_time;
} SyrinxGeoQueueSettings;

/* Order of locks: the source pad's stream lock, then lock. Upstream's stream
 * lock may be held when ours is taken, and ours (of the source pad) when a
 * demand takes upstream's: so chain and event functions take `lock` alone. */
struct _GstSyrinxGeoQueue
{
  GstElement parent;

  GstPad *sink_pad, *src_pad; /* constant after init */

  GMutex lock;
  GCond changed; /* anything below has */

  /* protected by lock */
  SyrinxGeoQueueSettings settings;
  SyrinxScheduler *scheduler;
  SyrinxFlow *flow; /* NULL: a task serves, or nobody */
  GstEvent *demand; /* (nullable) for demand_buffers, sent every time */
  guint demand_buffers;
  guint n_waiting; /* threads that wait for changed */
  SyrinxItems items;
  GstFlowReturn result; /* of the last push downstream */
  gboolean flushing, held, playing, eos, pushing, denied;
  gboolean self_driving; /* upstream answered a demand with FALSE */
  gboolean waiting_data; /* upstream owes data, and will say ready */
  gboolean woken;        /* for the task */
  GThread *demander;     /* who demands just now: never blocked by being full */
  GstSegment segment;    /* of what leaves */
  gint64 start_us;       /* when start_time left, or 0 */
  GstClockTime start_time, end_time; /* running times: first and next */
  guint generation; /* of what upstream may answer: flushes and readies */
  guint64 n_released, bytes_released, n_demands, n_turns;
};

/* --- State (geoqueue-state.c) --- */

/* Tells who waits that something has changed. */
void syrinx_geo_queue_tell_locked (GstSyrinxGeoQueue *self);
/* Waits until told; called with the lock and returns with it. FALSE: the time
 * @due_us came first. */
void syrinx_geo_queue_wait_unlocking (GstSyrinxGeoQueue *self);
gboolean
syrinx_geo_queue_wait_until_unlocking (GstSyrinxGeoQueue *self, gint64 due_us);
/* Has who serves look again: the flow's next turn, or the task. */
void syrinx_geo_queue_wake_locked (GstSyrinxGeoQueue *self);
/* When the next buffer is due without lead. */
gint64 syrinx_geo_queue_deadline_locked (GstSyrinxGeoQueue *self);
/* Drops all that is in it. */
void syrinx_geo_queue_clear_locked (GstSyrinxGeoQueue *self);
/* Takes all out, and leaves what is sticky with the source pad. */
void syrinx_geo_queue_keep_sticky_locked (GstSyrinxGeoQueue *self);
/* As before the first buffer. */
void syrinx_geo_queue_reset_locked (GstSyrinxGeoQueue *self);

/* --- What comes in: the sink pad (geoqueue-intake.c) --- */

GstFlowReturn
syrinx_geo_queue_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer);
GstFlowReturn syrinx_geo_queue_chain_list (
    GstPad *pad, GstObject *parent, GstBufferList *list);
gboolean
syrinx_geo_queue_sink_event (GstPad *pad, GstObject *parent, GstEvent *event);
gboolean
syrinx_geo_queue_sink_query (GstPad *pad, GstObject *parent, GstQuery *query);

/* --- What leaves (geoqueue-serve.c) --- */

/* A turn of the flow; @user_data: the queue. Hot. */
SyrinxNext syrinx_geo_queue_serve (SyrinxFlow *flow, gpointer user_data);
/* The same for sinks that block: a task's turn, and its waiting. */
void syrinx_geo_queue_loop (gpointer user_data);

/* --- Properties (geoqueue-properties.c) --- */

void syrinx_geo_queue_install_properties (GObjectClass *klass);
void syrinx_geo_queue_init_settings (SyrinxGeoQueueSettings *settings);
void syrinx_geo_queue_clear_settings (SyrinxGeoQueueSettings *settings);

G_END_DECLS
