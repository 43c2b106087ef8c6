/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An Ogg page that collects packets. libogg's own stream state takes 28 KiB per
 * stream, this as much as a page. */
#include "ogg-page.h"

#include <ogg/ogg.h>

#define HEADER_BYTES 27

void
syrinx_ogg_page_init (SyrinxOggPage *page)
{
  *page = (SyrinxOggPage){ .body = g_byte_array_new () };
}

void
syrinx_ogg_page_clear (SyrinxOggPage *page)
{
  g_clear_pointer (&page->body, g_byte_array_unref);
}

void
syrinx_ogg_page_reset (SyrinxOggPage *page, guint32 serial, guint32 sequence)
{
  page->serial = serial;
  page->sequence = sequence;
  page->n_segments = 0;
  g_byte_array_set_size (page->body, 0);
}

gboolean
syrinx_ogg_page_has_room (const SyrinxOggPage *page, gsize size_bytes)
{
  return size_bytes <= SYRINX_OGG_MAX_PACKET_BYTES
         && page->n_segments + size_bytes / 255 + 1 <= SYRINX_OGG_MAX_SEGMENTS;
}

void
syrinx_ogg_page_add (SyrinxOggPage *page, GstBuffer *packet)
{
  gsize size = gst_buffer_get_size (packet), rest;
  guint at = page->body->len;

  g_return_if_fail (syrinx_ogg_page_has_room (page, size));
  for (rest = size; rest >= 255; rest -= 255)
    page->lacing[page->n_segments++] = 255;
  page->lacing[page->n_segments++] = rest;
  g_byte_array_set_size (page->body, at + size);
  gst_buffer_extract (packet, 0, page->body->data + at, size);
}

/* Stores byte by byte; GST_WRITE_UINT… would store to unaligned addresses. */
static void
put_le (guint8 *at, guint64 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    at[i] = value >> (8 * i);
}

GstBuffer *
syrinx_ogg_page_finish (
    SyrinxOggPage *page, gint64 granule, SyrinxOggFlags flags)
{
  gsize header_bytes = HEADER_BYTES + page->n_segments;
  gsize size = header_bytes + page->body->len;
  guint8 *data = g_malloc (size);
  ogg_page sums = { data, header_bytes, data + header_bytes, page->body->len };

  memcpy (data, "OggS", 4);
  data[4] = 0;
  data[5] = flags;
  put_le (data + 6, granule, 8);
  put_le (data + 14, page->serial, 4);
  put_le (data + 18, page->sequence, 4);
  data[26] = page->n_segments;
  memcpy (data + HEADER_BYTES, page->lacing, page->n_segments);
  memcpy (data + header_bytes, page->body->data, page->body->len);
  ogg_page_checksum_set (&sums);
  syrinx_ogg_page_reset (page, page->serial, page->sequence + 1);
  return gst_buffer_new_wrapped (data, size);
}
