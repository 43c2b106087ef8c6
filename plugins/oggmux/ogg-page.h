/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An Ogg page that collects packets (RFC 3533). Not thread-safe. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_OGG_MAX_SEGMENTS 255
#define SYRINX_OGG_MAX_PACKET_BYTES                                            \
  (SYRINX_OGG_MAX_SEGMENTS * 255 - 1) /* of a packet that one page holds */

typedef struct
{
  guint32 serial, sequence; /* of this page */
  guint8 lacing[SYRINX_OGG_MAX_SEGMENTS];
  guint n_segments;
  GByteArray *body;
} SyrinxOggPage;

void syrinx_ogg_page_init (SyrinxOggPage *page);
void syrinx_ogg_page_clear (SyrinxOggPage *page);
/* Empties the page and makes it number @sequence of stream @serial. */
void
syrinx_ogg_page_reset (SyrinxOggPage *page, guint32 serial, guint32 sequence);

/* Whether a packet of @size_bytes fits into the page as a whole. */
gboolean syrinx_ogg_page_has_room (const SyrinxOggPage *page, gsize size_bytes);
/* Adds @packet, for which there must be room. */
void syrinx_ogg_page_add (SyrinxOggPage *page, GstBuffer *packet);

typedef enum
{
  SYRINX_OGG_FIRST = 2, /* the stream's first page */
  SYRINX_OGG_LAST = 4
} SyrinxOggFlags;

/* The finished page; then begins the next one. @granule: the position at the
 * end of its last packet. (transfer full) */
GstBuffer *syrinx_ogg_page_finish (
    SyrinxOggPage *page, gint64 granule, SyrinxOggFlags flags);

G_END_DECLS
