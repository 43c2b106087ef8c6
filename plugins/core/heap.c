/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A binary heap. */
#include "heap.h"

void
syrinx_heap_init (SyrinxHeap *heap)
{
  heap->nodes = g_ptr_array_new ();
}

void
syrinx_heap_clear (SyrinxHeap *heap)
{
  g_clear_pointer (&heap->nodes, g_ptr_array_unref);
}

static SyrinxHeapNode *
node_at (const SyrinxHeap *heap, guint at)
{
  return heap->nodes->pdata[at - 1];
}

static void
put (SyrinxHeap *heap, SyrinxHeapNode *node, guint at)
{
  heap->nodes->pdata[at - 1] = node;
  node->at = at;
}

static void
sift_up (SyrinxHeap *heap, SyrinxHeapNode *node, guint at)
{
  for (; at > 1 && node_at (heap, at / 2)->key > node->key; at /= 2)
    put (heap, node_at (heap, at / 2), at);
  put (heap, node, at);
}

static void
sift_down (SyrinxHeap *heap, SyrinxHeapNode *node, guint at)
{
  guint n = heap->nodes->len;

  for (guint child = 2 * at; child <= n; at = child, child = 2 * at) {
    if (child < n
        && node_at (heap, child + 1)->key < node_at (heap, child)->key)
      child++;
    if (node_at (heap, child)->key >= node->key)
      break;
    put (heap, node_at (heap, child), at);
  }
  put (heap, node, at);
}

void
syrinx_heap_insert (SyrinxHeap *heap, SyrinxHeapNode *node, gint64 key)
{
  node->key = key;
  g_ptr_array_add (heap->nodes, node);
  sift_up (heap, node, heap->nodes->len);
}

void
syrinx_heap_remove (SyrinxHeap *heap, SyrinxHeapNode *node)
{
  guint at = node->at;
  SyrinxHeapNode *last;

  if (!at)
    return;
  node->at = 0;
  last = heap->nodes->pdata[heap->nodes->len - 1];
  g_ptr_array_set_size (heap->nodes, heap->nodes->len - 1);
  if (last == node)
    return;
  if (at > 1 && node_at (heap, at / 2)->key > last->key)
    sift_up (heap, last, at);
  else
    sift_down (heap, last, at);
}

SyrinxHeapNode *
syrinx_heap_peek (const SyrinxHeap *heap)
{
  return heap->nodes->len ? heap->nodes->pdata[0] : NULL;
}

guint
syrinx_heap_get_size (const SyrinxHeap *heap)
{
  return heap->nodes->len;
}
