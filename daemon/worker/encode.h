/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drives one encoder element in the calling thread: samples in, packets out. */
#pragma once

#include "core/media/cmaf.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _SyrinxEncoder SyrinxEncoder;

/* Samples are interleaved S16LE for Opus, F32LE for AAC. (transfer full)
 * Errors: FAILED. */
SyrinxEncoder *syrinx_encoder_new (SyrinxCmafCodec codec, guint rate_hz,
    guint channels, guint bitrate_bps, GError **error);
void syrinx_encoder_free (SyrinxEncoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEncoder, syrinx_encoder_free)

/* @samples: (transfer full) */
gboolean syrinx_encoder_push (
    SyrinxEncoder *encoder, GBytes *samples, guint n_frames, GError **error);
/* Drains the encoder. */
void syrinx_encoder_finish (SyrinxEncoder *encoder);
/* The next packet. (transfer full) (nullable) */
GstBuffer *syrinx_encoder_pop (SyrinxEncoder *encoder);

G_END_DECLS
