/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A binary heap. The array holds the keys besides the nodes, so that comparing
 * keys does not read the nodes, which lie scattered in memory and would miss
 * the cache on every level. */
#include "heap.h"

typedef struct
{
  gint64 key;
  SyrinxHeapNode *node;
} Slot;

void
syrinx_heap_init (SyrinxHeap *heap)
{
  heap->slots = g_array_new (FALSE, FALSE, sizeof (Slot));
}

void
syrinx_heap_clear (SyrinxHeap *heap)
{
  g_clear_pointer (&heap->slots, g_array_unref);
}

/* @at counts from 1. */
static Slot *
slot_at (const SyrinxHeap *heap, guint at)
{
  return &g_array_index (heap->slots, Slot, at - 1);
}

static void
put (SyrinxHeap *heap, Slot slot, guint at)
{
  *slot_at (heap, at) = slot;
  slot.node->at = at;
}

static void
sift_up (SyrinxHeap *heap, Slot slot, guint at)
{
  for (; at > 1 && slot_at (heap, at / 2)->key > slot.key; at /= 2)
    put (heap, *slot_at (heap, at / 2), at);
  put (heap, slot, at);
}

static void
sift_down (SyrinxHeap *heap, Slot slot, guint at)
{
  guint n = heap->slots->len;

  for (guint child = 2 * at; child <= n; at = child, child = 2 * at) {
    if (child < n
        && slot_at (heap, child + 1)->key < slot_at (heap, child)->key)
      child++;
    if (slot_at (heap, child)->key >= slot.key)
      break;
    put (heap, *slot_at (heap, child), at);
  }
  put (heap, slot, at);
}

void
syrinx_heap_insert (SyrinxHeap *heap, SyrinxHeapNode *node, gint64 key)
{
  Slot slot = { key, node };

  node->key = key;
  g_array_append_val (heap->slots, slot);
  sift_up (heap, slot, heap->slots->len);
}

void
syrinx_heap_remove (SyrinxHeap *heap, SyrinxHeapNode *node)
{
  guint at = node->at;
  Slot last;

  if (!at)
    return;
  node->at = 0;
  last = *slot_at (heap, heap->slots->len);
  g_array_set_size (heap->slots, heap->slots->len - 1);
  if (last.node == node)
    return;
  if (at > 1 && slot_at (heap, at / 2)->key > last.key)
    sift_up (heap, last, at);
  else
    sift_down (heap, last, at);
}

SyrinxHeapNode *
syrinx_heap_peek (const SyrinxHeap *heap)
{
  return heap->slots->len ? slot_at (heap, 1)->node : NULL;
}

guint
syrinx_heap_get_size (const SyrinxHeap *heap)
{
  return heap->slots->len;
}
