/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io-queue.h"

#define FIRST_ROOM 8 /* both are powers of two */
#define KEEP_ROOM  64

static void
grow (SyrinxIoQueue *queue)
{
  guint room = queue->room ? queue->room * 2 : FIRST_ROOM;
  GBytes **items = g_new (GBytes *, room);

  for (guint i = 0; i < queue->n; i++)
    items[i] = syrinx_io_queue_peek (queue, i);
  g_free (queue->items);
  queue->items = items;
  queue->first = 0;
  queue->room = room;
}

void
syrinx_io_queue_push (SyrinxIoQueue *queue, GBytes *bytes)
{
  if (queue->n == queue->room)
    grow (queue);
  queue->items[(queue->first + queue->n++) & (queue->room - 1)]
      = g_bytes_ref (bytes);
}

GBytes *
syrinx_io_queue_peek (const SyrinxIoQueue *queue, guint i)
{
  return queue->items[(queue->first + i) & (queue->room - 1)];
}

/* Frees a large ring once it is empty, but keeps a small one for the next
 * item. */
void
syrinx_io_queue_pop (SyrinxIoQueue *queue)
{
  g_bytes_unref (queue->items[queue->first]);
  queue->first = (queue->first + 1) & (queue->room - 1);
  if (--queue->n == 0 && queue->room > KEEP_ROOM)
    syrinx_io_queue_clear (queue);
}

void
syrinx_io_queue_clear (SyrinxIoQueue *queue)
{
  while (queue->n > 0) {
    g_bytes_unref (queue->items[queue->first]);
    queue->first = (queue->first + 1) & (queue->room - 1);
    queue->n--;
  }
  g_clear_pointer (&queue->items, g_free);
  queue->first = queue->room = 0;
}
