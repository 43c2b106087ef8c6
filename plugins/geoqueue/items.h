/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies in a queue: buffers, events, and lists of buffers that leave as
 * they came; and how much that is. No lock of its own. */
#pragma once

#include <gst/base/gstqueuearray.h>
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GstMiniObject *object; /* GstBuffer, GstBufferList or GstEvent */
  guint n_buffers;
  gsize n_bytes;
  GstClockTime n_time; /* sum of durations */
} SyrinxItem;

typedef struct
{
  GstQueueArray *array;
  SyrinxItem sum;
} SyrinxItems;

void syrinx_items_init (SyrinxItems *items);
void syrinx_items_clear (SyrinxItems *items); /* drops all, can be used again */
void syrinx_items_free (SyrinxItems *items);
guint syrinx_items_get_length (SyrinxItems *items);

/* @object: (transfer full); a list is not empty. */
void syrinx_items_push (SyrinxItems *items, gpointer object);
/* Its object is (transfer full) and NULL if there is none. */
SyrinxItem syrinx_items_pop (SyrinxItems *items);
/* (nullable) (transfer none) */
GstMiniObject *syrinx_items_peek (SyrinxItems *items);

GstClockTime syrinx_buffer_get_duration (GstBuffer *buffer); /* 0: none */
/* Of a buffer or list. (transfer none) */
GstBuffer *syrinx_item_get_first (GstMiniObject *object);

G_END_DECLS
