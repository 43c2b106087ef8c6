/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what GStreamer says of a stream and its buffers to what CMAF wants. */
#pragma once

#include "core/media/cmaf.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Fills @format from fixed @caps; @config owns what @format->config points to.
 * Errors: INVALID. */
gboolean syrinx_cmaf_format_from_caps (const GstCaps *caps,
    SyrinxCmafFormat *format, GBytes **config, GError **error);

/* How long @buffer plays, in units of the timescale, less what a
 * GstAudioClippingMeta cuts off its end. FALSE: nobody says. */
gboolean syrinx_cmaf_get_sample_duration (
    const SyrinxCmafFormat *format, GstBuffer *buffer, guint *duration);

G_END_DECLS
