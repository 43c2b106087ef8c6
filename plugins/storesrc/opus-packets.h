/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CMAF fragment's samples as GStreamer's Opus packets. */
#pragma once

#include "core/media/cmaf.h"
#include "core/content/content.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* audio/x-opus with its stream header, from an init section, and what is known
 * of @track as its comments. (transfer full) (nullable): NULL if it is not
 * Opus; @error tells. */
GstCaps *syrinx_opus_caps_from_header (
    GBytes *header, const SyrinxTrack *track, GError **error);

typedef struct
{
  guint32 size_bytes;
  guint32 duration; /* units of the timescale */
} SyrinxOpusSample;

/* A fragment on its way out, packet by packet: a listener keeps few buffers,
 * and of the samples, which lie one after the other, no more than it must:
 * there are ten thousand listeners. All zero is an empty one. */
typedef struct
{
  GBytes *fragment;
  SyrinxOpusSample *samples;
  guint n_samples, next;
  gsize next_offset; /* in fragment */
  guint64 next_units;
} SyrinxOpusPackets;

/* Goes on with @fragment, from media time @from_units on. Errors: CORRUPT. */
gboolean syrinx_opus_packets_begin (SyrinxOpusPackets *packets,
    GBytes *fragment, guint64 from_units, GError **error);
/* PTS 0 is the first audible sample; the last packet's trimmed end is in a
 * GstAudioClippingMeta. It shares the fragment's memory. (transfer full)
 * (nullable): NULL after the last one. */
GstBuffer *syrinx_opus_packets_next (
    SyrinxOpusPackets *packets, const SyrinxRenditionRow *row);
void syrinx_opus_packets_clear (SyrinxOpusPackets *packets);

G_END_DECLS
