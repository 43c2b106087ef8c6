/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of syrinxgeoqueue. */
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

/* Lock order: the source pad's stream lock, then lock. Upstream's stream lock
 * may be held when lock is taken, and our source pad's stream lock may be held
 * when a demand takes upstream's. So chain and event functions take only
 * `lock`. */
struct _GstSyrinxGeoQueue
{
  GstElement parent;

  GstPad *sink_pad, *src_pad; /* constant after init */

  GMutex lock;
  GCond changed; /* signalled when any field below has changed */

  /* protected by lock */
  SyrinxGeoQueueSettings settings;
  SyrinxScheduler *scheduler;
  SyrinxFlow *flow; /* NULL: a task serves, or the queue is inactive */
  GstEvent *demand; /* (nullable) for demand_buffers, sent repeatedly */
  guint demand_buffers;
  guint n_waiting; /* threads that wait for changed */
  SyrinxItems items;
  GstFlowReturn result; /* of the last push downstream */
  gboolean flushing, held, playing, eos, pushing, denied;
  gboolean self_driving; /* upstream has answered a demand with FALSE */
  gboolean waiting_data; /* upstream will send ready when it has data */
  gboolean woken;        /* tells the task to look again */
  GThread *demander;  /* the thread that demands now; it is never blocked by a
                         full queue */
  GstSegment segment; /* of the output */
  gint64 start_us;    /* when start_time was pushed, or 0 */
  GstClockTime start_time,
      end_time;     /* running times: of the first buffer and of the next */
  guint generation; /* counts flushes and ready events, to detect outdated
                       answers from upstream */
  guint64 n_released, bytes_released, n_demands, n_turns;
};

/* --- State (geoqueue-state.c) --- */

/* Wakes the threads that wait for a change. */
void syrinx_geo_queue_tell_locked (GstSyrinxGeoQueue *self);
/* Wait for a change; called with the lock, which is released meanwhile. FALSE:
 * @due_us came first. */
void syrinx_geo_queue_wait_unlocking (GstSyrinxGeoQueue *self);
gboolean
syrinx_geo_queue_wait_until_unlocking (GstSyrinxGeoQueue *self, gint64 due_us);
/* Wakes the flow or the task, so that it looks again. */
void syrinx_geo_queue_wake_locked (GstSyrinxGeoQueue *self);
/* The time when the next buffer is due, without lead. */
gint64 syrinx_geo_queue_deadline_locked (GstSyrinxGeoQueue *self);
/* Drops all items. */
void syrinx_geo_queue_clear_locked (GstSyrinxGeoQueue *self);
/* Removes all items, and stores sticky events on the source pad. */
void syrinx_geo_queue_keep_sticky_locked (GstSyrinxGeoQueue *self);
/* Resets to the state before the first buffer. */
void syrinx_geo_queue_reset_locked (GstSyrinxGeoQueue *self);

/* --- Input: the sink pad (geoqueue-intake.c) --- */

GstFlowReturn
syrinx_geo_queue_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer);
GstFlowReturn syrinx_geo_queue_chain_list (
    GstPad *pad, GstObject *parent, GstBufferList *list);
gboolean
syrinx_geo_queue_sink_event (GstPad *pad, GstObject *parent, GstEvent *event);
gboolean
syrinx_geo_queue_sink_query (GstPad *pad, GstObject *parent, GstQuery *query);

/* --- Output (geoqueue-serve.c) --- */

/* One turn of the flow; @user_data: the queue. Hot. */
SyrinxNext syrinx_geo_queue_serve (SyrinxFlow *flow, gpointer user_data);
/* The same for sinks that block: one turn of a task, which also waits. */
void syrinx_geo_queue_loop (gpointer user_data);

/* --- Properties (geoqueue-properties.c) --- */

void syrinx_geo_queue_install_properties (GObjectClass *klass);
void syrinx_geo_queue_init_settings (SyrinxGeoQueueSettings *settings);
void syrinx_geo_queue_clear_settings (SyrinxGeoQueueSettings *settings);

G_END_DECLS
