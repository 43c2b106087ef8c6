/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a file's audio begins and ends: tags that taggers put before and after
 * any format are skipped, so that a demuxer sees its own magic first and takes
 * no text for audio. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 begin, end; /* bytes; begin <= end <= the file's size */
} SyrinxBounds;

/* Skips ID3v2 tags in front (https://id3.org/id3v2.4.0-structure, section 3.1);
 * ID3v1 with its extension, APEv2, Lyrics3v2 and an appended ID3v2 at the
 * end. */
SyrinxBounds syrinx_bounds_find (gint fd);

G_END_DECLS
