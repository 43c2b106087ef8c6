/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF (ISO/IEC 23000-19) for one audio track: writing init sections and
 * fragments, and reading them as hostile input. Boxes by ISO/IEC 14496-12, Opus
 * by "Encapsulation of Opus in ISO Base Media File Format". */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_CMAF_OPUS, /* config: OpusHead from its version field on, as in Ogg
                       (little-endian), or NULL */
  SYRINX_CMAF_AAC,  /* config: AudioSpecificConfig */
  SYRINX_CMAF_FLAC, /* config: STREAMINFO, 34 bytes */
} SyrinxCmafCodec;

typedef struct
{
  SyrinxCmafCodec codec;
  guint sample_rate_hz; /* Opus: the input's rate, for information; its
                           timescale is always 48000 */
  guint channels;
  guint pre_skip; /* units of the timescale; becomes dOps.PreSkip and the edit
                     list's media_time */
  guint bitrate_bps; /* 0 = unknown */
  const guint8 *config;
  gsize config_bytes;
} SyrinxCmafFormat;

/* The timescale: 48000 for Opus, else the sample rate. */
guint syrinx_cmaf_get_timescale (const SyrinxCmafFormat *format);

/* ftyp + moov. (transfer full) Errors: INVALID. */
GBytes *
syrinx_cmaf_write_header (const SyrinxCmafFormat *format, GError **error);

typedef struct
{
  const guint8 *data;
  gsize size_bytes;
  guint duration; /* units of the timescale */
} SyrinxCmafSample;

/* The exact size of moof and the mdat box's header for these samples. */
gsize syrinx_cmaf_get_fragment_head_bytes (
    const SyrinxCmafSample *samples, guint n_samples);

/* Writes moof and the mdat box's header (the samples follow unchanged) to
 * @head, which has room for syrinx_cmaf_get_fragment_head_bytes(). @sequence
 * starts at 1; @decode_time in units of the timescale. */
void syrinx_cmaf_write_fragment_head (guint32 sequence, guint64 decode_time,
    const SyrinxCmafSample *samples, guint n_samples, guint8 *head);

/* A whole fragment, head and samples. (transfer full) */
GBytes *syrinx_cmaf_write_fragment (guint32 sequence, guint64 decode_time,
    const SyrinxCmafSample *samples, guint n_samples);

/* --- Reading --- */

#define SYRINX_CMAF_MAX_HEADER_BYTES   (64 * 1024)
#define SYRINX_CMAF_MAX_FRAGMENT_BYTES (4 * 1024 * 1024)
#define SYRINX_CMAF_MAX_SAMPLES        4096

typedef struct
{
  SyrinxCmafCodec codec;
  guint timescale, sample_rate_hz, channels, pre_skip;
  GBytes *config; /* as in SyrinxCmafFormat */
} SyrinxCmafHeader;

void syrinx_cmaf_header_clear (SyrinxCmafHeader *header);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxCmafHeader, syrinx_cmaf_header_clear)

/* Strict: exactly one audio track, of a codec that we write. Errors:
 * CORRUPT. */
gboolean syrinx_cmaf_read_header (
    GBytes *bytes, SyrinxCmafHeader *header, GError **error);

typedef struct
{
  guint32 sequence;
  guint64 decode_time;
  guint64 duration; /* sum of all samples */
  guint n_samples;
  SyrinxCmafSample *samples; /* point into the bytes that were read */
} SyrinxCmafFragment;

void syrinx_cmaf_fragment_clear (SyrinxCmafFragment *fragment);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (
    SyrinxCmafFragment, syrinx_cmaf_fragment_clear)

/* Reads one moof + mdat and nothing else; every sample must lie within the
 * mdat. @bytes must outlive @fragment. Errors: CORRUPT. */
gboolean syrinx_cmaf_read_fragment (
    GBytes *bytes, SyrinxCmafFragment *fragment, GError **error);

G_END_DECLS
