/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages and packets of a file that is one Ogg stream (RFC 3533), none of them
 * missing. Worker's main thread only. */
#pragma once

#include "window.h"

G_BEGIN_DECLS

#define SYRINX_OGG_CONTINUED  1
#define SYRINX_OGG_FIRST      2
#define SYRINX_OGG_LAST       4
#define SYRINX_OGG_NO_GRANULE G_MAXUINT64

/* Begins with all but the window 0. */
typedef struct
{
  SyrinxWindow *window;
  guint64 at;     /* of the next page */
  guint32 serial; /* of the first page */
  guint32 number; /* of the next page */

  /* the page at hand */
  guint8 flags;
  guint64 granule;
  guint n_segments;
  guint8 lacing[255];
  guint64 head, body, body_bytes;
  gboolean is_checked, is_damaged;

  /* behind the last packet read of it */
  guint segment;
  guint64 offset;
} SyrinxOgg;

/* FALSE: none, another stream's, or one is missing. */
gboolean syrinx_ogg_next_page (SyrinxOgg *ogg);
/* The rest of the page at hand, or the next one's, and of as many as the packet
 * takes. @damaged (nullable): is set if one of them has not its checksum, and
 * left alone otherwise. FALSE: as above, or over @max_bytes. */
gboolean syrinx_ogg_next_packet (
    SyrinxOgg *ogg, GByteArray *packet, gsize max_bytes, gboolean *damaged);

/* How long an Opus packet of which @n bytes are known lasts at 48 kHz (RFC
 * 6716, 3.1). 0: it is none. */
guint syrinx_opus_get_units (const guint8 *packet, gsize n);

G_END_DECLS
