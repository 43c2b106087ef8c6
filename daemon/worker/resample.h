/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resamples later parts of a file that have another sample rate (the links of a
 * chained Ogg) to the rate of the first. Worker's main thread only. */
#pragma once

#include <libavutil/frame.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxResampler SyrinxResampler;

SyrinxResampler *syrinx_resampler_new (void);
void syrinx_resampler_free (SyrinxResampler *resampler);

/* Replaces @frame's samples unless they have @rate_hz already. FALSE: there is
 * no output yet. */
gboolean syrinx_resampler_run (
    SyrinxResampler *resampler, AVFrame *frame, guint rate_hz);
/* Drains the resampler into @frame. FALSE: nothing was left. */
gboolean syrinx_resampler_finish (
    SyrinxResampler *resampler, AVFrame *frame, guint rate_hz);

G_END_DECLS
