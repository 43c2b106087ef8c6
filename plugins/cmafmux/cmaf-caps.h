/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion of GStreamer's caps and buffers to CMAF parameters. */
#pragma once

#include "core/media/cmaf.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Fills @format from fixed @caps; @config owns what @format->config points to.
 * Errors: INVALID. */
gboolean syrinx_cmaf_format_from_caps (const GstCaps *caps,
    SyrinxCmafFormat *format, GBytes **config, GError **error);

/* The duration of @buffer in units of the timescale, less what a
 * GstAudioClippingMeta cuts off its end. FALSE: it is unknown. */
gboolean syrinx_cmaf_get_sample_duration (
    const SyrinxCmafFormat *format, GstBuffer *buffer, guint *duration);

G_END_DECLS
