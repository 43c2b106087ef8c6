/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More channels than two for two loudspeakers, as ITU-R BS.775 says: centre and
 * surrounds 3 dB down, no low-frequency effects; and all of it so much softer
 * that nothing can clip. Any thread. */
#pragma once

#include <libavutil/frame.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxDownmix SyrinxDownmix;

/* For frames whose channels stand as in @layout. @n_out: 1 or 2. (transfer
 * full) */
SyrinxDownmix *syrinx_downmix_new (const AVChannelLayout *layout, guint n_out);
void syrinx_downmix_free (SyrinxDownmix *downmix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDownmix, syrinx_downmix_free)

/* Samples @first to @last of @frame, of any format but 64-bit integers,
 * interleaved, into @to. */
void syrinx_downmix_run (SyrinxDownmix *downmix, const AVFrame *frame,
    gsize first, gsize last, gfloat *to);

G_END_DECLS
