/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a file's sound begins and ends: the tags that taggers put around any
 * format are left out, so that a demuxer sees its own magic first and no text
 * as sound. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 begin, end; /* bytes; begin <= end <= the file's size */
} SyrinxBounds;

/* ID3v2 tags in front (https://id3.org/id3v2.4.0-structure, section 3.1); ID3v1
 * with its extension, APEv2, Lyrics3v2 and an appended ID3v2 behind. */
SyrinxBounds syrinx_bounds_find (gint fd);

G_END_DECLS
