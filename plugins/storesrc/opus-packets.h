/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CMAF fragment's samples as GStreamer's Opus packets. */
#pragma once

#include "core/content.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* audio/x-opus with its stream header, from an init section, and what is known
 * of @track as its comments. (transfer full) (nullable): NULL if it is not
 * Opus; @error tells. */
GstCaps *syrinx_opus_caps_from_header (
    GBytes *header, const SyrinxTrack *track, GError **error);

/* Appends the samples of @fragment from media time @from_units on. PTS 0 is
 * the first audible sample; the last packet's trimmed end is in a
 * GstAudioClippingMeta. Buffers share @fragment's memory. Errors: CORRUPT. */
gboolean
syrinx_opus_packets_append (GBytes *fragment, const SyrinxRenditionRow *row,
    guint64 from_units, GQueue *packets, GError **error);

G_END_DECLS
