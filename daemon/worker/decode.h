/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign file as decoded audio: the audible samples from the first one on,
 * without an encoder's priming and padding. Worker's main thread only. */
#pragma once

#include "input.h"

#include <libavcodec/avcodec.h>

G_BEGIN_DECLS

#define SYRINX_MAX_CHANNELS 64
#define SYRINX_MIN_RATE_HZ  4000
#define SYRINX_MAX_RATE_HZ  2822400 /* the decoded rate of DSD 512 */

typedef struct _SyrinxDecoder SyrinxDecoder;

/* Decodes up to the first sample. (transfer full) Errors: as
 * syrinx_input_new(); INVALID (nothing can be decoded). */
SyrinxDecoder *syrinx_decoder_new (gint fd, GError **error);
void syrinx_decoder_free (SyrinxDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDecoder, syrinx_decoder_free)

/* (transfer none) (nullable): NULL if a backup decoder is used */
SyrinxInput *syrinx_decoder_get_input (SyrinxDecoder *decoder);
/* (transfer none) (nullable): likewise */
const AVCodecContext *syrinx_decoder_get_codec (SyrinxDecoder *decoder);
/* The demuxer's first name, such as "mov", and the index's name of the codec.
 * Static, or valid as long as the decoder. */
const gchar *syrinx_decoder_get_demuxer_name (SyrinxDecoder *decoder);
const gchar *syrinx_decoder_get_codec_name (SyrinxDecoder *decoder);
/* The rate of the first frame, and so of all frames that pull() returns. */
guint syrinx_decoder_get_rate_hz (SyrinxDecoder *decoder);
/* The channels of the first frame. Later frames may differ. */
guint syrinx_decoder_get_channels (SyrinxDecoder *decoder);
/* The number of samples at which the container ends the audio although packets
 * follow; G_MAXUINT64 if it does not. */
guint64 syrinx_decoder_get_limit (SyrinxDecoder *decoder);
/* The time of the first frame in the stream's time base, or AV_NOPTS_VALUE. */
gint64 syrinx_decoder_get_first_pts (SyrinxDecoder *decoder);
/* Whether seeking is exact, and packet times count samples. */
gboolean syrinx_decoder_is_exact (SyrinxDecoder *decoder);
/* How many packets were read up to the first frame, including its own. */
guint syrinx_decoder_get_n_packets (SyrinxDecoder *decoder);

/* The next samples, in any format and channel layout. A packet in the middle
 * that can't be decoded becomes silence of its duration; undecodable packets at
 * the end are dropped. NULL: the end. (transfer none) until the next call. */
const AVFrame *syrinx_decoder_pull (SyrinxDecoder *decoder);
/* The position of the last frame's first sample. */
guint64 syrinx_decoder_get_position (SyrinxDecoder *decoder);

/* Seeks to a frame at or before @sample. From a tenth of a second after that
 * frame on, the samples are the same as when decoding from the start. FALSE:
 * this format can't seek; the decoder can't be used any more. */
gboolean syrinx_decoder_seek (SyrinxDecoder *decoder, guint64 sample);

G_END_DECLS
