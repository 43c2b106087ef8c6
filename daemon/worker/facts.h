/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file's sound is: its codec and how many samples a decoder gives.
 * Worker's main thread only. */
#pragma once

#include "decode.h"

G_BEGIN_DECLS

#define SYRINX_OPUS_PACKET_UNITS 960
#define SYRINX_AAC_PACKET_UNITS  1024
#define SYRINX_MAX_PACKET_BYTES  8192 /* of those that can be passed on */

typedef struct
{
  const gchar *codec; /* static; see syrinx_allowed_get_name() */
  guint rate_hz, channels;
  guint64 n_samples;

  /* Where its packets can be passed on as they are; else 0. Opus: one Ogg
   * stream of mapping family 0 without a gain, each of
   * SYRINX_OPUS_PACKET_UNITS. AAC: LC in MP4, each of SYRINX_AAC_PACKET_UNITS.
   */
  guint packet_bps; /* on the average */
  guint pre_skip;   /* what of them is not to be heard at first */
} SyrinxFacts;

/* By the demuxer's packets where their durations are what is decoded; else by
 * decoding all. Gives what read it, for its tags. (transfer full) Errors: as
 * syrinx_decoder_new(); INVALID. */
SyrinxDecoder *syrinx_facts_read (gint fd, SyrinxFacts *facts, GError **error);
/* The same by decoding all, always. */
SyrinxDecoder *
syrinx_facts_decode (gint fd, SyrinxFacts *facts, GError **error);

G_END_DECLS
