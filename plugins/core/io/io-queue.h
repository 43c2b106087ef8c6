/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits for one client: bytes in their order, in a ring that is allocated
 * once and grows. No locks: its owner's. */
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
/* (transfer none) @i counts from the oldest and is less than n. */
GBytes *syrinx_io_queue_peek (const SyrinxIoQueue *queue, guint i);
void syrinx_io_queue_pop (SyrinxIoQueue *queue);
/* Gives the memory back, too. */
void syrinx_io_queue_clear (SyrinxIoQueue *queue);

G_END_DECLS
