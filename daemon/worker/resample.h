/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings a later part of a file that has another sample rate (the links of a
 * chained Ogg) to the rate of its first. Worker's main thread only. */
#pragma once

#include <libavutil/frame.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxResampler SyrinxResampler;

SyrinxResampler *syrinx_resampler_new (void);
void syrinx_resampler_free (SyrinxResampler *resampler);

/* Replaces @frame's samples; those that have @rate_hz already are not touched.
 * FALSE: nothing comes out yet. */
gboolean syrinx_resampler_run (
    SyrinxResampler *resampler, AVFrame *frame, guint rate_hz);
/* What is still inside, into @frame. FALSE: nothing. */
gboolean syrinx_resampler_finish (
    SyrinxResampler *resampler, AVFrame *frame, guint rate_hz);

G_END_DECLS
