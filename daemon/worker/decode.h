/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign file as decoded sound: the samples that are to be heard, from the
 * first one on, without what an encoder put before and behind them. Worker's
 * main thread only. */
#pragma once

#include "input.h"

#include <libavcodec/avcodec.h>

G_BEGIN_DECLS

#define SYRINX_MAX_CHANNELS 64
#define SYRINX_MIN_RATE_HZ  4000
#define SYRINX_MAX_RATE_HZ  2822400 /* DSD 512, decoded */

typedef struct _SyrinxDecoder SyrinxDecoder;

/* Decodes until there is a first sample. (transfer full) Errors: as
 * syrinx_input_new(); INVALID (nothing of it can be decoded). */
SyrinxDecoder *syrinx_decoder_new (gint fd, GError **error);
void syrinx_decoder_free (SyrinxDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDecoder, syrinx_decoder_free)

/* (transfer none) (nullable): see backup-decoder.h */
SyrinxInput *syrinx_decoder_get_input (SyrinxDecoder *decoder);
/* Likewise. */
const AVCodecContext *syrinx_decoder_get_codec (SyrinxDecoder *decoder);
/* A demuxer's first name, such as "mov"; and the codec's as the index knows it.
 * Static, or as long as the decoder lives. */
const gchar *syrinx_decoder_get_demuxer_name (SyrinxDecoder *decoder);
const gchar *syrinx_decoder_get_codec_name (SyrinxDecoder *decoder);
/* Of the first frame, and so of all that pull() gives. */
guint syrinx_decoder_get_rate_hz (SyrinxDecoder *decoder);
/* Of the first frame. Later ones may have others. */
guint syrinx_decoder_get_channels (SyrinxDecoder *decoder);
/* Where the container says that the sound ends although packets go on: samples,
 * G_MAXUINT64 if it does not. */
guint64 syrinx_decoder_get_limit (SyrinxDecoder *decoder);
/* The time of the first frame in the stream's time base; AV_NOPTS_VALUE if it
 * has none. */
gint64 syrinx_decoder_get_first_pts (SyrinxDecoder *decoder);
/* Whether seeking is exact, and packets' times are samples. */
gboolean syrinx_decoder_is_exact (SyrinxDecoder *decoder);
/* Packets that were read for the first frame, that one included. */
guint syrinx_decoder_get_n_packets (SyrinxDecoder *decoder);

/* The next samples, in any format and layout of channels. A packet in the
 * middle that can't be decoded is silence as long as it says; what comes behind
 * the last good one is nothing. NULL: the end. (transfer none) until the next
 * call. */
const AVFrame *syrinx_decoder_pull (SyrinxDecoder *decoder);
/* Of the first sample of the frame that came last. */
guint64 syrinx_decoder_get_position (SyrinxDecoder *decoder);

/* To a frame at or before @sample, so that decoding from there gives the very
 * samples that decoding from the start gives, from a tenth of a second behind
 * the frame on. FALSE: this format can't; the decoder is of no more use. */
gboolean syrinx_decoder_seek (SyrinxDecoder *decoder, guint64 sample);

G_END_DECLS
