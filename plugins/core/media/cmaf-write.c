/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF: writing init sections and fragments. */
#include "cmaf.h"

#include "core/base/error.h"

#include <string.h>

#define TRACK_ID              1
#define OPUS_TIMESCALE        48000
#define OPUS_FAMILY_0_BYTES   11 /* OpusHead after its magic, mono or stereo */
#define OPUS_MAX_CONFIG_BYTES (OPUS_FAMILY_0_BYTES + 2 + 255)
#define FLAC_STREAMINFO_BYTES 34
#define MAX_ASC_BYTES         64
#define SAMPLE_FLAGS_SYNC     0x02000000 /* depends on no other */
#define TFHD_DURATION         0x000008
#define TFHD_FLAGS            0x000020
#define TFHD_BASE_IS_MOOF     0x020000
#define TRUN_DATA_OFFSET      0x000001
#define TRUN_DURATION         0x000100
#define TRUN_SIZE             0x000200
#define FIXED_HEAD_BYTES      (8 + 16 + 8 + 24 + 20 + 20 + 8)

guint
syrinx_cmaf_get_timescale (const SyrinxCmafFormat *format)
{
  return format->codec == SYRINX_CMAF_OPUS ? OPUS_TIMESCALE
                                           : format->sample_rate_hz;
}

/* --- Boxes into a byte array --- */

static void
put (GByteArray *out, guint64 value, guint n_bytes)
{
  for (guint i = n_bytes; i-- > 0;) {
    guint8 byte = value >> (8 * i);
    g_byte_array_append (out, &byte, 1);
  }
}

static void
put_zeros (GByteArray *out, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    put (out, 0, 1);
}

static void
put_type (GByteArray *out, const gchar *type)
{
  g_byte_array_append (out, (const guint8 *)type, 4);
}

/* Begins a box. Returns: the argument for end_box(), which sets its size. */
static guint
begin_box (GByteArray *out, const gchar *type)
{
  put (out, 0, 4);
  put_type (out, type);
  return out->len - 8;
}

static guint
begin_full_box (GByteArray *out, const gchar *type, guint32 flags)
{
  guint start = begin_box (out, type);

  put (out, flags, 4); /* version 0 */
  return start;
}

static void
end_box (GByteArray *out, guint start)
{
  guint32 size = GUINT32_TO_BE (out->len - start);

  memcpy (out->data + start, &size, 4);
}

/* --- Sample entries --- */

static guint
begin_audio_entry (
    GByteArray *out, const gchar *type, guint channels, guint rate_hz)
{
  guint start = begin_box (out, type);

  put_zeros (out, 6);
  put (out, 1, 2); /* data_reference_index */
  put_zeros (out, 8);
  put (out, channels, 2);
  put (out, 16, 2); /* samplesize */
  put_zeros (out, 4);
  put (out, rate_hz < 65536 ? rate_hz : 0,
      2); /* 16.16; a FLAC rate may exceed it */
  put_zeros (out, 2);
  return start;
}

/* Multi-byte fields are big-endian here, unlike in an OpusHead. */
static void
put_dops (GByteArray *out, const SyrinxCmafFormat *format)
{
  const guint8 *head = format->config;
  guint start = begin_box (out, "dOps");

  put (out, 0, 1); /* version */
  put (out, format->channels, 1);
  put (out, format->pre_skip, 2);
  put (out, format->sample_rate_hz, 4);
  put (out, head ? head[8] | head[9] << 8 : 0, 2); /* gain */
  put (out, head ? head[10] : 0, 1);               /* mapping family */
  if (head && format->config_bytes > OPUS_FAMILY_0_BYTES)
    g_byte_array_append (out, head + OPUS_FAMILY_0_BYTES,
        format->config_bytes - OPUS_FAMILY_0_BYTES);
  end_box (out, start);
}

/* ES, decoder config and SL config descriptors of ISO/IEC 14496-1. */
static void
put_esds (GByteArray *out, const SyrinxCmafFormat *format)
{
  guint asc = format->config_bytes;
  guint start = begin_full_box (out, "esds", 0);

  put (out, 0x03, 1), put (out, 3 + 2 + 13 + 2 + asc + 3, 1);
  put (out, TRACK_ID, 2), put (out, 0, 1);
  put (out, 0x04, 1), put (out, 13 + 2 + asc, 1);
  put (out, 0x40, 1); /* MPEG-4 audio */
  put (out, 0x15, 1); /* audio stream */
  put (out, 0, 3);
  put (out, format->bitrate_bps, 4), put (out, format->bitrate_bps, 4);
  put (out, 0x05, 1), put (out, asc, 1);
  g_byte_array_append (out, format->config, asc);
  put (out, 0x06, 1), put (out, 1, 1), put (out, 2, 1);
  end_box (out, start);
}

static void
put_dfla (GByteArray *out, const SyrinxCmafFormat *format)
{
  guint start = begin_full_box (out, "dfLa", 0);

  put (out, 0x80, 1); /* last metadata block, STREAMINFO */
  put (out, FLAC_STREAMINFO_BYTES, 3);
  g_byte_array_append (out, format->config, FLAC_STREAMINFO_BYTES);
  end_box (out, start);
}

static void
put_stsd (GByteArray *out, const SyrinxCmafFormat *format)
{
  static const struct
  {
    const gchar *type;
    void (*put_config) (GByteArray *, const SyrinxCmafFormat *);
  } entries[] = { [SYRINX_CMAF_OPUS] = { "Opus", put_dops },
    [SYRINX_CMAF_AAC] = { "mp4a", put_esds },
    [SYRINX_CMAF_FLAC] = { "fLaC", put_dfla } };
  guint start = begin_full_box (out, "stsd", 0), entry;

  put (out, 1, 4);
  entry = begin_audio_entry (out, entries[format->codec].type, format->channels,
      syrinx_cmaf_get_timescale (format));
  entries[format->codec].put_config (out, format);
  if (format->bitrate_bps) {
    guint btrt = begin_box (out, "btrt");
    put (out, 0, 4);
    put (out, format->bitrate_bps, 4), put (out, format->bitrate_bps, 4);
    end_box (out, btrt);
  }
  end_box (out, entry);
  end_box (out, start);
}

/* --- moov --- */

static void
put_matrix (GByteArray *out)
{
  static const guint32 unity[]
      = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    put (out, unity[i], 4);
}

static void
put_mvhd (GByteArray *out, guint timescale)
{
  guint start = begin_full_box (out, "mvhd", 0);

  put_zeros (out, 8);
  put (out, timescale, 4);
  put (out, 0, 4);
  put (out, 0x10000, 4), put (out, 0x100, 2);
  put_zeros (out, 10);
  put_matrix (out);
  put_zeros (out, 24);
  put (out, TRACK_ID + 1, 4);
  end_box (out, start);
}

static void
put_tkhd (GByteArray *out)
{
  guint start = begin_full_box (out, "tkhd", 0x3); /* enabled, in the movie */

  put_zeros (out, 8);
  put (out, TRACK_ID, 4);
  put_zeros (out, 4 + 4 + 8 + 2);
  put (out, 1, 2); /* alternate group */
  put (out, 0x100, 2), put_zeros (out, 2);
  put_matrix (out);
  put_zeros (out, 8);
  end_box (out, start);
}

/* An edit list that excludes the pre-skip samples from the presentation. */
static void
put_edts (GByteArray *out, guint pre_skip)
{
  guint edts = begin_box (out, "edts");
  guint elst = begin_full_box (out, "elst", 0);

  put (out, 1, 4);
  put (out, 0, 4); /* to the end of the last fragment */
  put (out, pre_skip, 4);
  put (out, 0x10000, 4);
  end_box (out, elst);
  end_box (out, edts);
}

static void
put_stbl (GByteArray *out, const SyrinxCmafFormat *format)
{
  static const struct
  {
    const gchar *type;
    guint n_bytes;
  } empty[] = { { "stts", 4 }, { "stsc", 4 }, { "stsz", 8 }, { "stco", 4 } };
  guint stbl = begin_box (out, "stbl");

  put_stsd (out, format);
  for (guint i = 0; i < G_N_ELEMENTS (empty); i++) {
    guint box = begin_full_box (out, empty[i].type, 0);
    put_zeros (out, empty[i].n_bytes);
    end_box (out, box);
  }
  end_box (out, stbl);
}

static void
put_minf (GByteArray *out, const SyrinxCmafFormat *format)
{
  guint minf = begin_box (out, "minf"), box, dref;

  box = begin_full_box (out, "smhd", 0);
  put_zeros (out, 4);
  end_box (out, box);
  box = begin_box (out, "dinf");
  dref = begin_full_box (out, "dref", 0);
  put (out, 1, 4);
  end_box (out, begin_full_box (out, "url ", 1)); /* in this file */
  end_box (out, dref);
  end_box (out, box);
  put_stbl (out, format);
  end_box (out, minf);
}

static void
put_mdia (GByteArray *out, const SyrinxCmafFormat *format)
{
  guint mdia = begin_box (out, "mdia"), box;

  box = begin_full_box (out, "mdhd", 0);
  put_zeros (out, 8);
  put (out, syrinx_cmaf_get_timescale (format), 4);
  put_zeros (out, 4);
  put (out, 0x55c4, 2), put_zeros (out, 2); /* language "und" */
  end_box (out, box);
  box = begin_full_box (out, "hdlr", 0);
  put_zeros (out, 4);
  put_type (out, "soun");
  put_zeros (out, 12);
  g_byte_array_append (out, (const guint8 *)"Syrinx", 7);
  end_box (out, box);
  put_minf (out, format);
  end_box (out, mdia);
}

static void
put_moov (GByteArray *out, const SyrinxCmafFormat *format)
{
  guint moov = begin_box (out, "moov"), box, trex;

  put_mvhd (out, syrinx_cmaf_get_timescale (format));
  box = begin_box (out, "trak");
  put_tkhd (out);
  if (format->pre_skip)
    put_edts (out, format->pre_skip);
  put_mdia (out, format);
  end_box (out, box);
  box = begin_box (out, "mvex");
  trex = begin_full_box (out, "trex", 0);
  put (out, TRACK_ID, 4), put (out, 1, 4);
  put_zeros (out, 12);
  end_box (out, trex);
  end_box (out, box);
  end_box (out, moov);
}

static gboolean
is_valid (const SyrinxCmafFormat *format)
{
  gsize n = format->config_bytes;

  if (format->channels < 1 || format->channels > 255
      || format->sample_rate_hz < 1 || format->sample_rate_hz > 768000
      || format->pre_skip > G_MAXUINT16)
    return FALSE;
  switch (format->codec) {
  case SYRINX_CMAF_OPUS:
    return format->config
               ? n >= OPUS_FAMILY_0_BYTES && n <= OPUS_MAX_CONFIG_BYTES
                     && (format->config[10] == 0
                             ? n == OPUS_FAMILY_0_BYTES
                             : n == OPUS_FAMILY_0_BYTES + 2 + format->channels)
               : format->channels <= 2;
  case SYRINX_CMAF_AAC:
    return format->config && n >= 2 && n <= MAX_ASC_BYTES;
  case SYRINX_CMAF_FLAC:
    return format->config && n == FLAC_STREAMINFO_BYTES;
  }
  return FALSE;
}

GBytes *
syrinx_cmaf_write_header (const SyrinxCmafFormat *format, GError **error)
{
  GByteArray *out;
  guint ftyp;

  if (!is_valid (format)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "no CMAF header can be written for %u channels at %u Hz with "
        "%" G_GSIZE_FORMAT " bytes of codec configuration",
        format->channels, format->sample_rate_hz, format->config_bytes);
    return NULL;
  }
  out = g_byte_array_sized_new (768);
  ftyp = begin_box (out, "ftyp");
  put_type (out, "iso6");
  put (out, 0, 4);
  put_type (out, "iso6");
  put_type (out, "cmfc");
  put_type (out, "mp41");
  end_box (out, ftyp);
  put_moov (out, format);
  return g_byte_array_free_to_bytes (out);
}

/* --- Fragments: hot, so written to memory that is there already --- */

static guint8 *
write_32 (guint8 *p, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (p, &value, 4);
  return p + 4;
}

static guint8 *
write_box (guint8 *p, guint32 size_bytes, const gchar *type)
{
  p = write_32 (p, size_bytes);
  memcpy (p, type, 4);
  return p + 4;
}

static gboolean
has_one_duration (const SyrinxCmafSample *samples, guint n_samples)
{
  for (guint i = 1; i < n_samples; i++)
    if (samples[i].duration != samples[0].duration)
      return FALSE;
  return TRUE;
}

gsize
syrinx_cmaf_get_fragment_head_bytes (
    const SyrinxCmafSample *samples, guint n_samples)
{
  gsize row = has_one_duration (samples, n_samples) ? 4 : 8;

  return FIXED_HEAD_BYTES + row * n_samples;
}

static guint8 *
write_trun (guint8 *p, guint32 data_offset, const SyrinxCmafSample *samples,
    guint n_samples, gsize *payload_bytes)
{
  gboolean same = has_one_duration (samples, n_samples);

  p = write_box (p, 20 + n_samples * (same ? 4 : 8), "trun");
  p = write_32 (p, TRUN_DATA_OFFSET | TRUN_SIZE | (same ? 0 : TRUN_DURATION));
  p = write_32 (p, n_samples);
  p = write_32 (p, data_offset);
  *payload_bytes = 0;
  for (guint i = 0; i < n_samples; i++) {
    if (!same)
      p = write_32 (p, samples[i].duration);
    p = write_32 (p, samples[i].size_bytes);
    *payload_bytes += samples[i].size_bytes;
  }
  return p;
}

void
syrinx_cmaf_write_fragment_head (guint32 sequence, guint64 decode_time,
    const SyrinxCmafSample *samples, guint n_samples, guint8 *head)
{
  gsize head_bytes = syrinx_cmaf_get_fragment_head_bytes (samples, n_samples);
  gsize payload_bytes;
  guint8 *p = head;

  p = write_box (p, head_bytes - 8, "moof");
  p = write_box (p, 16, "mfhd");
  p = write_32 (p, 0);
  p = write_32 (p, sequence);
  p = write_box (p, head_bytes - 8 - 24, "traf");
  p = write_box (p, 24, "tfhd");
  p = write_32 (p, TFHD_DURATION | TFHD_FLAGS | TFHD_BASE_IS_MOOF);
  p = write_32 (p, TRACK_ID);
  p = write_32 (p, n_samples ? samples[0].duration : 0);
  p = write_32 (p, SAMPLE_FLAGS_SYNC);
  p = write_box (p, 20, "tfdt");
  p = write_32 (p, 1 << 24);
  p = write_32 (p, decode_time >> 32);
  p = write_32 (p, decode_time);
  p = write_trun (p, head_bytes, samples, n_samples, &payload_bytes);
  write_box (p, 8 + payload_bytes, "mdat");
}

GBytes *
syrinx_cmaf_write_fragment (guint32 sequence, guint64 decode_time,
    const SyrinxCmafSample *samples, guint n_samples)
{
  gsize size = syrinx_cmaf_get_fragment_head_bytes (samples, n_samples);
  guint8 *data, *p;

  for (guint i = 0; i < n_samples; i++)
    size += samples[i].size_bytes;
  p = data = g_malloc (size);
  syrinx_cmaf_write_fragment_head (
      sequence, decode_time, samples, n_samples, data);
  p += syrinx_cmaf_get_fragment_head_bytes (samples, n_samples);
  for (guint i = 0; i < n_samples; i++) {
    memcpy (p, samples[i].data, samples[i].size_bytes);
    p += samples[i].size_bytes;
  }
  return g_bytes_new_take (data, size);
}
