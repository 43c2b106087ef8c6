/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "items.h"

#define INITIAL_ITEMS 4

void
syrinx_items_init (SyrinxItems *items)
{
  *items = (SyrinxItems){ 0 };
  items->array
      = gst_queue_array_new_for_struct (sizeof (SyrinxItem), INITIAL_ITEMS);
}

void
syrinx_items_clear (SyrinxItems *items)
{
  GstMiniObject *object;

  while ((object = syrinx_items_pop (items).object))
    gst_mini_object_unref (object);
}

void
syrinx_items_free (SyrinxItems *items)
{
  syrinx_items_clear (items);
  g_clear_pointer (&items->array, gst_queue_array_free);
}

guint
syrinx_items_get_length (SyrinxItems *items)
{
  return gst_queue_array_get_length (items->array);
}

GstClockTime
syrinx_buffer_get_duration (GstBuffer *buffer)
{
  return GST_BUFFER_DURATION_IS_VALID (buffer) ? GST_BUFFER_DURATION (buffer)
                                               : 0;
}

static void
count (SyrinxItem *item, GstBuffer *buffer)
{
  item->n_buffers++;
  item->n_bytes += gst_buffer_get_size (buffer);
  item->n_time += syrinx_buffer_get_duration (buffer);
}

void
syrinx_items_push (SyrinxItems *items, gpointer object)
{
  SyrinxItem item = { .object = object };

  if (GST_IS_BUFFER (object))
    count (&item, object);
  else if (GST_IS_BUFFER_LIST (object))
    for (guint i = 0; i < gst_buffer_list_length (object); i++)
      count (&item, gst_buffer_list_get (object, i));
  items->sum.n_buffers += item.n_buffers;
  items->sum.n_bytes += item.n_bytes;
  items->sum.n_time += item.n_time;
  gst_queue_array_push_tail_struct (items->array, &item);
}

SyrinxItem
syrinx_items_pop (SyrinxItems *items)
{
  SyrinxItem *head = gst_queue_array_pop_head_struct (items->array);
  SyrinxItem item = head ? *head : (SyrinxItem){ 0 };

  items->sum.n_buffers -= item.n_buffers;
  items->sum.n_bytes -= item.n_bytes;
  items->sum.n_time -= item.n_time;
  return item;
}

GstMiniObject *
syrinx_items_peek (SyrinxItems *items)
{
  SyrinxItem *head = gst_queue_array_peek_head_struct (items->array);

  return head ? head->object : NULL;
}

GstBuffer *
syrinx_item_get_first (GstMiniObject *object)
{
  return GST_IS_BUFFER (object)
             ? GST_BUFFER (object)
             : gst_buffer_list_get (GST_BUFFER_LIST (object), 0);
}
