/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The items of a queue: buffers, events, and lists of buffers that are pushed
 * as lists; with their total size. Not locked: the owner does that. */
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
void
syrinx_items_clear (SyrinxItems *items); /* drops all; it can be used again */
void syrinx_items_free (SyrinxItems *items);
guint syrinx_items_get_length (SyrinxItems *items);

/* @object: (transfer full); a list must not be empty. */
void syrinx_items_push (SyrinxItems *items, gpointer object);
/* Returns: an item whose object is (transfer full), or NULL if the queue is
 * empty. */
SyrinxItem syrinx_items_pop (SyrinxItems *items);
/* (nullable) (transfer none) */
GstMiniObject *syrinx_items_peek (SyrinxItems *items);

GstClockTime syrinx_buffer_get_duration (GstBuffer *buffer); /* 0: none */
/* The first buffer of a buffer or list. (transfer none) */
GstBuffer *syrinx_item_get_first (GstMiniObject *object);

G_END_DECLS
