/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file contains: its codec, and how many samples a decoder gives.
 * Worker's main thread only. */
#pragma once

#include "decode.h"

G_BEGIN_DECLS

#define SYRINX_OPUS_PACKET_UNITS 960
#define SYRINX_AAC_PACKET_UNITS  1024
#define SYRINX_MAX_PACKET_BYTES  8192 /* of packets that can be passed on */

typedef struct
{
  const gchar *codec; /* static; see syrinx_allowed_get_name() */
  guint rate_hz, channels;
  guint64 n_samples;

  /* Average bit rate if its packets can be passed on unchanged; else 0. Opus:
   * one Ogg stream of mapping family 0 without a gain, packets of
   * SYRINX_OPUS_PACKET_UNITS. AAC: LC in MP4, packets of
   * SYRINX_AAC_PACKET_UNITS. */
  guint packet_bps; /* on average */
  guint pre_skip;   /* samples to skip at the start */
} SyrinxFacts;

/* Counts by packets if their durations equal the decoded length; else by
 * decoding everything. Returns the decoder that read the file, for its tags.
 * (transfer full) Errors: as syrinx_decoder_new(); INVALID. */
SyrinxDecoder *syrinx_facts_read (gint fd, SyrinxFacts *facts, GError **error);
/* The same, always by decoding everything. */
SyrinxDecoder *
syrinx_facts_decode (gint fd, SyrinxFacts *facts, GError **error);

G_END_DECLS
