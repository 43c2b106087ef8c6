/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes that wait to be sent to one client, in order, in a ring that grows
 * as needed. Not locked: the owner does that. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GBytes **items; /* (nullable) */
  guint first, n, room;
} SyrinxIoQueue;

/* Takes a reference of its own. */
void syrinx_io_queue_push (SyrinxIoQueue *queue, GBytes *bytes);
/* @i counts from the oldest item and is less than n. (transfer none) */
GBytes *syrinx_io_queue_peek (const SyrinxIoQueue *queue, guint i);
void syrinx_io_queue_pop (SyrinxIoQueue *queue);
/* Removes all items and frees the ring. */
void syrinx_io_queue_clear (SyrinxIoQueue *queue);

G_END_DECLS
