/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an MP4 track's packets lie (ISO/IEC 14496-12, 8.7). */
#pragma once

#include "ilst.h"

G_BEGIN_DECLS

/* By the boxes stts, stsz, stsc and stco or co64 in @stbl: SyrinxPieces, in
 * order, all within the file and no longer than SYRINX_MAX_PACKET_BYTES. NULL:
 * it is not so, or a packet but the last lasts other than @units. (transfer
 * full) (nullable) */
GArray *
syrinx_mp4_table_read (SyrinxSpan stbl, guint32 units, guint64 size_bytes);

G_END_DECLS
