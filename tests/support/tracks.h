/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracks as tests need them: in an index, with a rendition in Opus whose
 * packets of 20 ms are all alike within a fragment. */
#pragma once

#include "core/content/content.h"

G_BEGIN_DECLS

#define TRACKS_PACKET_UNITS 960 /* of 48 kHz */
#define TRACKS_PRE_SKIP     312

typedef struct
{
  guint n_fragments;
  guint n_packets; /* a fragment */
  guint packet_bytes;
} TracksShape;

/* Enters @n tracks of two channels. (transfer full): their ids. */
gchar **tracks_add (SyrinxStore *store, const TracksShape *shape, guint n);

/* Opens a new folder's or an old one's content for writing. @store: (out)
 * (transfer full). (transfer full) */
SyrinxContent *tracks_open_content (
    const gchar *dir, guint64 memory_bytes, SyrinxStore **store);

/* For SyrinxProducer.plan: what the producer answers. (transfer full) */
SyrinxRenditionRow *tracks_plan (const TracksShape *shape,
    const SyrinxTrack *track, const gchar *name, GError **error);

/* A fragment in the clear, its packets filled with the number. (transfer full)
 */
GBytes *tracks_write_fragment (const TracksShape *shape, guint number);

/* Commits the fragments [first, end), which must succeed. */
void tracks_commit (SyrinxRendition *rendition, const TracksShape *shape,
    guint first, guint end);

G_END_DECLS
