/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of syrinxstoresrc. */
#pragma once

#include "gstsyrinxstoresrc.h"

#include "opus-packets.h"

#include "core/content/content.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (syrinx_store_src_debug);
#define GST_CAT_DEFAULT syrinx_store_src_debug

#define SYRINX_CLEAR_CAPS "video/quicktime, variant=(string)cmaf"
#define SYRINX_CHUNK_CAPS SYRINX_CHUNK_MEDIA_TYPE ", format=(string)hls-aes128"

typedef enum
{
  SYRINX_STORE_SRC_NONE,
  SYRINX_STORE_SRC_CHUNKS,
  SYRINX_STORE_SRC_CLEAR,
  SYRINX_STORE_SRC_PACKETS
} SyrinxStoreSrcMode;

typedef enum
{
  SYRINX_MADE_DATA,
  SYRINX_MADE_PENDING,
  SYRINX_MADE_END,
  SYRINX_MADE_ERROR
} SyrinxMade;

/* Lock order: the source pad's stream lock, then lock. */
struct _GstSyrinxStoreSrc
{
  GstElement parent;

  GstPad *src_pad; /* constant after init */

  GMutex lock;
  GCond changed;

  /* protected by lock */
  gchar *store, *uri;
  gboolean flushing, came;
  GstClockTime preroll;
  SyrinxStoreSrcMode form; /* SYRINX_STORE_SRC_NONE: downstream chooses */
  GstSegment segment;

  /* constant from READY to PAUSED and back */
  SyrinxContent *content;
  SyrinxRendition *rendition;

  gint demand_driven; /* atomic: a demand may come while the pad activates */

  /* protected by the source pad's stream lock */
  SyrinxStoreSrcMode mode;
  gboolean segment_due, header_due, ended;
  gint next_fragment;
  guint64 from_units;
  SyrinxOpusPackets packets; /* of the fragment before next_fragment */
};

/* --- Producing (storesrc-produce.c): under the source pad's stream lock --- */

/* Pushes the data for one demand: at most @max_buffers, or only @fragment if
 * that is not negative. SYRINX_MADE_PENDING: more will come; then downstream
 * gets the event `ready`, or, without demands, ->came is set. */
SyrinxMade syrinx_store_src_produce (
    GstSyrinxStoreSrc *self, guint max_buffers, gint fragment);
void syrinx_store_src_push_segment (GstSyrinxStoreSrc *self);

/* --- Driving and seeking (storesrc-drive.c) --- */

/* FALSE: @event is not a demand, or demands are not accepted. */
gboolean
syrinx_store_src_answer_demand (GstSyrinxStoreSrc *self, GstEvent *event);
/* The source pad's task, used without demands. */
void syrinx_store_src_loop (gpointer self);
/* Accepts only flushing forward seeks in time. */
gboolean syrinx_store_src_seek (GstSyrinxStoreSrc *self, GstEvent *event);
/* Continues with the data that is needed to play from @position. Under the
 * stream lock, or before the first buffer. */
void syrinx_store_src_go_to (GstSyrinxStoreSrc *self, GstClockTime position);
void syrinx_store_src_set_flushing (GstSyrinxStoreSrc *self, gboolean flushing);

G_END_DECLS
