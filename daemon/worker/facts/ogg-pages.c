/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ogg's pages. */
#include "ogg-pages.h"

#include <gst/gst.h>
#include <ogg/ogg.h>

#include <string.h>

#define PAGE_HEAD_BYTES 27
#define CHECKSUM_AT     22
#define MAX_HEAD_BYTES  (PAGE_HEAD_BYTES + 255)

gboolean
syrinx_ogg_next_page (SyrinxOgg *ogg)
{
  const guint8 *p = syrinx_window_get (ogg->window, ogg->at, PAGE_HEAD_BYTES);

  if (!p || memcmp (p, "OggS", 4) != 0 || p[4] != 0)
    return FALSE;
  ogg->head = ogg->at;
  ogg->flags = p[5];
  ogg->granule = GST_READ_UINT64_LE (p + 6);
  if (ogg->number == 0)
    ogg->serial = GST_READ_UINT32_LE (p + 14);
  if (GST_READ_UINT32_LE (p + 14) != ogg->serial
      || GST_READ_UINT32_LE (p + 18) != ogg->number
      || !!(ogg->flags & SYRINX_OGG_FIRST) != (ogg->number == 0))
    return FALSE;
  ogg->n_segments = p[26];
  p = syrinx_window_get (
      ogg->window, ogg->at + PAGE_HEAD_BYTES, ogg->n_segments);
  if (!p)
    return FALSE;
  memcpy (ogg->lacing, p, ogg->n_segments);
  ogg->body = ogg->at + PAGE_HEAD_BYTES + ogg->n_segments;
  ogg->body_bytes = 0;
  for (guint i = 0; i < ogg->n_segments; i++)
    ogg->body_bytes += ogg->lacing[i];
  ogg->at = ogg->body + ogg->body_bytes;
  ogg->number++;
  ogg->is_checked = FALSE;
  ogg->segment = 0;
  ogg->offset = 0;
  return ogg->at <= ogg->window->size_bytes;
}

/* Of the page at hand, once. */
static gboolean
is_damaged (SyrinxOgg *ogg)
{
  gsize head_bytes = ogg->body - ogg->head;
  const guint8 *p;
  guint8 head[MAX_HEAD_BYTES];
  ogg_page page = { .header = head, .header_len = head_bytes };

  if (ogg->is_checked)
    return ogg->is_damaged;
  ogg->is_checked = ogg->is_damaged = TRUE;
  p = syrinx_window_get (ogg->window, ogg->head, head_bytes + ogg->body_bytes);
  if (!p)
    return TRUE;
  memcpy (head, p, head_bytes);
  page.body = (guint8 *)p + head_bytes;
  page.body_len = ogg->body_bytes;
  ogg_page_checksum_set (&page);
  ogg->is_damaged = memcmp (head + CHECKSUM_AT, p + CHECKSUM_AT, 4) != 0;
  return ogg->is_damaged;
}

gboolean
syrinx_ogg_next_packet (
    SyrinxOgg *ogg, GByteArray *packet, gsize max_bytes, gboolean *damaged)
{
  guint lacing = 255;

  g_byte_array_set_size (packet, 0);
  while (lacing == 255) {
    const guint8 *p;
    guint n = 0;

    if (ogg->segment == ogg->n_segments && !syrinx_ogg_next_page (ogg))
      return FALSE;
    if (damaged && is_damaged (ogg))
      *damaged = TRUE;
    while (ogg->segment < ogg->n_segments && lacing == 255)
      n += lacing = ogg->lacing[ogg->segment++];
    p = syrinx_window_get (ogg->window, ogg->body + ogg->offset, n);
    if (!p || packet->len + n > max_bytes)
      return FALSE;
    g_byte_array_append (packet, p, n);
    ogg->offset += n;
  }
  return TRUE;
}

guint
syrinx_opus_get_units (const guint8 *packet, gsize n)
{
  static const guint16 silk[] = { 480, 960, 1920, 2880 };
  guint config = packet[0] >> 3, frames = packet[0] & 3, one;

  if (config < 12)
    one = silk[config & 3];
  else if (config < 16)
    one = config & 1 ? 960 : 480;
  else
    one = 120 << (config & 3);
  if (frames == 3)
    return n > 1 ? one * (packet[1] & 0x3f) : 0;
  return one * (frames ? 2 : 1);
}
