/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file says of itself: its codec, exact length and tags. Worker's main
 * thread only. */
#pragma once

#include "window.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_OPUS_PACKET_UNITS 960
#define SYRINX_AAC_PACKET_UNITS  1024
#define SYRINX_MAX_PACKET_BYTES  8192 /* of those that can be passed on */

typedef struct
{
  guint64 at;
  guint32 n_bytes;
} SyrinxPiece;

typedef struct
{
  const gchar *codec; /* static */
  guint rate_hz, channels;
  guint64 n_samples;
  GstTagList *tags; /* (nullable) */

  /* Where its packets can be passed on as they are; else 0. Opus: mapping
   * family 0 without a gain, each of SYRINX_OPUS_PACKET_UNITS. AAC: LC, each of
   * SYRINX_AAC_PACKET_UNITS. */
  guint packet_bps; /* on the average */
  guint pre_skip;   /* what of them is not to be heard at first */
  GArray *packets;  /* of SyrinxPiece: where they lie, in MP4; (nullable) */
} SyrinxFacts;

void syrinx_facts_clear (SyrinxFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxFacts, syrinx_facts_clear)

/* By the structure of the file alone, without a pipeline: every frame's or
 * page's head where their sum is the length, the container's own figure where
 * the last frame confirms it. FALSE: another format, or not quite as the book
 * says; nothing is known then, and syrinx_facts_decode() is the one to ask. */
gboolean syrinx_facts_read (gint fd, SyrinxFacts *facts);

/* By GStreamer's demuxers, parsers and decoders. Damage at the end is common in
 * real libraries: what was read counts, if it is at least a second. Errors:
 * INVALID, UNSUPPORTED, TIMED_OUT. */
gboolean syrinx_facts_decode (gint fd, SyrinxFacts *facts, GError **error);

/* The readers that syrinx_facts_read() tries. @facts->tags is there. */
gboolean syrinx_facts_read_flac (SyrinxWindow *window, SyrinxFacts *facts);
gboolean syrinx_facts_read_mp3 (SyrinxWindow *window, SyrinxFacts *facts);
gboolean syrinx_facts_read_mp4 (SyrinxWindow *window, SyrinxFacts *facts);
gboolean syrinx_facts_read_ogg (SyrinxWindow *window, SyrinxFacts *facts);
gboolean syrinx_facts_read_wav (SyrinxWindow *window, SyrinxFacts *facts);

/* Tags out of an ID3v2 tag of @n_bytes at @at, and out of comments as Vorbis
 * has them. FALSE: damaged. */
gboolean syrinx_facts_add_id3 (
    SyrinxWindow *window, guint64 at, gsize n_bytes, SyrinxFacts *facts);
gboolean syrinx_facts_add_comments (const guint8 *data, gsize n_bytes,
    const guint8 *magic, gsize magic_bytes, SyrinxFacts *facts);

#define SYRINX_FACTS_MAX_TAG_BYTES (16 * 1024 * 1024)

G_END_DECLS
