/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A binary heap of nodes that live in their owners: O(log n) insertion,
 * removal and minimum, no allocation but the array. Not locked. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 key;
  guint at; /* position in the heap, from 1; 0: in no heap */
} SyrinxHeapNode;

typedef struct
{
  GArray *slots;
} SyrinxHeap;

void syrinx_heap_init (SyrinxHeap *heap);
void syrinx_heap_clear (SyrinxHeap *heap);
void syrinx_heap_insert (SyrinxHeap *heap, SyrinxHeapNode *node, gint64 key);
/* Does nothing if @node is in no heap. */
void syrinx_heap_remove (SyrinxHeap *heap, SyrinxHeapNode *node);
/* (nullable) the node with the smallest key; among equal keys, any. */
SyrinxHeapNode *syrinx_heap_peek (const SyrinxHeap *heap);
guint syrinx_heap_get_size (const SyrinxHeap *heap);

G_END_DECLS
