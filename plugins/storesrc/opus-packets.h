/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CMAF fragment's samples as GStreamer's Opus packets. */
#pragma once

#include "core/media/cmaf.h"
#include "core/content/content.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* audio/x-opus with its stream header, from an init section, and the tags of
 * @track as its comments. (transfer full) (nullable): NULL with @error if it is
 * not Opus. */
GstCaps *syrinx_opus_caps_from_header (
    GBytes *header, const SyrinxTrack *track, GError **error);

typedef struct
{
  guint32 size_bytes;
  guint32 duration; /* units of the timescale */
} SyrinxOpusSample;

/* The packets of a fragment that are still to be pushed. Packets are made one
 * by one, and the samples' sizes are stored compactly, to save memory per
 * session. All zero means empty. */
typedef struct
{
  GBytes *fragment;
  SyrinxOpusSample *samples;
  guint n_samples, next;
  gsize next_offset; /* in fragment */
  guint64 next_units;
} SyrinxOpusPackets;

/* Begins @fragment at media time @from_units. Errors: CORRUPT. */
gboolean syrinx_opus_packets_begin (SyrinxOpusPackets *packets,
    GBytes *fragment, guint64 from_units, GError **error);
/* The next packet. PTS 0 is the first audible sample; a trimmed end of the last
 * packet is in a GstAudioClippingMeta. It shares the fragment's memory.
 * (transfer full) (nullable): NULL after the last one. */
GstBuffer *syrinx_opus_packets_next (
    SyrinxOpusPackets *packets, const SyrinxRenditionRow *row);
void syrinx_opus_packets_clear (SyrinxOpusPackets *packets);

G_END_DECLS
