/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mixes more than two channels down to stereo or mono by ITU-R BS.775: centre
 * and surrounds 3 dB down, no low-frequency effects; scaled so that nothing can
 * clip. Any thread. */
#pragma once

#include <libavutil/frame.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxDownmix SyrinxDownmix;

/* For frames with the channels of @layout. @n_out: 1 or 2. (transfer full) */
SyrinxDownmix *syrinx_downmix_new (const AVChannelLayout *layout, guint n_out);
void syrinx_downmix_free (SyrinxDownmix *downmix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDownmix, syrinx_downmix_free)

/* Mixes samples @first to @last of @frame, in any format except 64-bit
 * integers, into @to, interleaved. */
void syrinx_downmix_run (SyrinxDownmix *downmix, const AVFrame *frame,
    gsize first, gsize last, gfloat *to);

G_END_DECLS
