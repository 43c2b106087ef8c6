/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF: reading untrusted input. */
#include "cmaf.h"

#include "box-reader.h"

#include "core/base/error.h"

#include <string.h>

#define AUDIO_ENTRY_BYTES     28
#define OPUS_FAMILY_0_BYTES   11
#define FLAC_STREAMINFO_BYTES 34
#define TFHD_BASE_OFFSET      0x000001
#define TFHD_DESCRIPTION      0x000002
#define TFHD_DURATION         0x000008
#define TFHD_SIZE             0x000010
#define TFHD_FLAGS            0x000020
#define TRUN_DATA_OFFSET      0x000001
#define TRUN_FIRST_FLAGS      0x000004
#define TRUN_DURATION         0x000100
#define TRUN_SIZE             0x000200
#define TRUN_FLAGS            0x000400
#define TRUN_TIME_OFFSET      0x000800

static gboolean
corrupt (GError **error, const gchar *what)
{
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "this is no CMAF of ours: %s", what);
  return FALSE;
}

/* --- Header --- */

void
syrinx_cmaf_header_clear (SyrinxCmafHeader *header)
{
  g_clear_pointer (&header->config, g_bytes_unref);
}

/* Converts dOps to the little-endian order of an OpusHead. */
static gboolean
read_dops (SyrinxReader c, SyrinxCmafHeader *header)
{
  guint8 head[OPUS_FAMILY_0_BYTES + 2 + 255] = { 1 };
  gsize rest;
  guint16 gain;
  guint family;

  if (!syrinx_reader_has (&c, OPUS_FAMILY_0_BYTES)
      || syrinx_reader_take (&c, 1) != 0)
    return FALSE;
  header->channels = head[1] = syrinx_reader_take (&c, 1);
  header->pre_skip = syrinx_reader_take (&c, 2);
  header->sample_rate_hz = syrinx_reader_take (&c, 4);
  gain = syrinx_reader_take (&c, 2);
  family = head[10] = syrinx_reader_take (&c, 1);
  head[2] = header->pre_skip, head[3] = header->pre_skip >> 8;
  for (guint i = 0; i < 4; i++)
    head[4 + i] = header->sample_rate_hz >> (8 * i);
  head[8] = gain, head[9] = gain >> 8;
  rest = family ? 2 + header->channels : 0;
  if (c.left != rest || header->channels < 1
      || (!family && header->channels > 2))
    return FALSE;
  if (rest)
    memcpy (head + OPUS_FAMILY_0_BYTES, c.data, rest);
  header->config = g_bytes_new (head, OPUS_FAMILY_0_BYTES + rest);
  return TRUE;
}

/* A descriptor of ISO/IEC 14496-1: tag, a length of up to four bytes. */
static gboolean
take_descriptor (SyrinxReader *c, guint wanted, SyrinxReader *body)
{
  gsize length = 0;
  guint byte = 0x80;

  if (!syrinx_reader_has (c, 2) || syrinx_reader_take (c, 1) != wanted)
    return FALSE;
  for (guint i = 0; i < 4 && (byte & 0x80); i++) {
    byte = syrinx_reader_take (c, 1);
    length = length << 7 | (byte & 0x7f);
  }
  body->data = c->data;
  body->left = length;
  return !(byte & 0x80) && syrinx_reader_skip (c, length);
}

static gboolean
read_esds (SyrinxReader c, SyrinxCmafHeader *header)
{
  SyrinxReader es, decoder, asc;

  if (!syrinx_reader_skip (&c, 4) || !take_descriptor (&c, 3, &es)
      || !syrinx_reader_skip (&es, 3) || !take_descriptor (&es, 4, &decoder)
      || syrinx_reader_take (&decoder, 1) != 0x40
      || !syrinx_reader_skip (&decoder, 12)
      || !take_descriptor (&decoder, 5, &asc) || asc.left < 2 || asc.left > 64)
    return FALSE;
  header->config = g_bytes_new (asc.data, asc.left);
  return TRUE;
}

static gboolean
read_dfla (SyrinxReader c, SyrinxCmafHeader *header)
{
  if (c.left != 8 + FLAC_STREAMINFO_BYTES || !syrinx_reader_skip (&c, 4)
      || (syrinx_reader_take (&c, 1) & 0x7f) != 0
      || syrinx_reader_take (&c, 3) != FLAC_STREAMINFO_BYTES)
    return FALSE;
  header->config = g_bytes_new (c.data, FLAC_STREAMINFO_BYTES);
  return TRUE;
}

static const struct
{
  guint32 entry, config;
  gboolean (*read) (SyrinxReader c, SyrinxCmafHeader *header);
} codecs[] = {
  [SYRINX_CMAF_OPUS] = { SYRINX_BOX_TYPE ('O', 'p', 'u', 's'),
      SYRINX_BOX_TYPE ('d', 'O', 'p', 's'), read_dops },
  [SYRINX_CMAF_AAC] = { SYRINX_BOX_TYPE ('m', 'p', '4', 'a'),
      SYRINX_BOX_TYPE ('e', 's', 'd', 's'), read_esds },
  [SYRINX_CMAF_FLAC] = { SYRINX_BOX_TYPE ('f', 'L', 'a', 'C'),
      SYRINX_BOX_TYPE ('d', 'f', 'L', 'a'), read_dfla },
};

static gboolean
read_stsd (SyrinxReader c, SyrinxCmafHeader *header)
{
  SyrinxReader entry, config;
  guint32 type;

  if (!syrinx_reader_skip (&c, 4) || syrinx_reader_take (&c, 4) != 1
      || !syrinx_box_next (&c, &type, &entry) || c.left
      || !syrinx_reader_has (&entry, AUDIO_ENTRY_BYTES))
    return FALSE;
  syrinx_reader_skip (&entry, 16);
  header->channels = syrinx_reader_take (&entry, 2);
  syrinx_reader_skip (&entry, 10);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (type == codecs[i].entry) {
      header->codec = i;
      return syrinx_box_find (entry, codecs[i].config, &config)
             && codecs[i].read (config, header);
    }
  return FALSE;
}

static gboolean
read_elst (SyrinxReader c, guint *pre_skip)
{
  guint64 media_time;

  if (c.left != 20 || syrinx_reader_take (&c, 4) != 0
      || syrinx_reader_take (&c, 4) != 1)
    return FALSE;
  syrinx_reader_skip (&c, 4);
  media_time = syrinx_reader_take (&c, 4);
  *pre_skip = media_time;
  return media_time <= G_MAXUINT16;
}

static gboolean
read_mdhd (SyrinxReader c, SyrinxCmafHeader *header)
{
  if (c.left != 24 || syrinx_reader_take (&c, 4) != 0)
    return FALSE;
  syrinx_reader_skip (&c, 8);
  header->timescale = syrinx_reader_take (&c, 4);
  return header->timescale > 0 && header->timescale <= 768000;
}

static gboolean
read_trak (SyrinxReader trak, SyrinxCmafHeader *header, GError **error)
{
  static const guint32 stsd_path[] = { SYRINX_BOX_TYPE ('m', 'i', 'n', 'f'),
    SYRINX_BOX_TYPE ('s', 't', 'b', 'l'),
    SYRINX_BOX_TYPE ('s', 't', 's', 'd') };
  static const guint32 elst_path[] = { SYRINX_BOX_TYPE ('e', 'd', 't', 's'),
    SYRINX_BOX_TYPE ('e', 'l', 's', 't') };
  SyrinxReader mdia, box;
  guint pre_skip = 0;

  if (!syrinx_box_find (trak, SYRINX_BOX_TYPE ('m', 'd', 'i', 'a'), &mdia)
      || !syrinx_box_find (mdia, SYRINX_BOX_TYPE ('m', 'd', 'h', 'd'), &box)
      || !read_mdhd (box, header))
    return corrupt (error, "its media header");
  if (!syrinx_box_find_path (mdia, stsd_path, G_N_ELEMENTS (stsd_path), &box)
      || !read_stsd (box, header))
    return corrupt (error, "its sample description");
  if (syrinx_box_find (trak, elst_path[0], &box)
      && !(syrinx_box_find_path (trak, elst_path, 2, &box)
           && read_elst (box, &pre_skip)))
    return corrupt (error, "its edit list");
  if (header->codec == SYRINX_CMAF_OPUS && header->pre_skip != pre_skip)
    return corrupt (error, "its pre-skip and edit list differ");
  header->pre_skip = pre_skip;
  if (header->codec != SYRINX_CMAF_OPUS)
    header->sample_rate_hz = header->timescale;
  return TRUE;
}

gboolean
syrinx_cmaf_read_header (
    GBytes *bytes, SyrinxCmafHeader *header, GError **error)
{
  SyrinxReader c, moov, trak, unused;

  memset (header, 0, sizeof *header);
  c.data = g_bytes_get_data (bytes, &c.left);
  if (c.left > SYRINX_CMAF_MAX_HEADER_BYTES)
    return corrupt (error, "its header is over 64 KiB");
  if (!syrinx_box_find (c, SYRINX_BOX_TYPE ('f', 't', 'y', 'p'), &unused)
      || !syrinx_box_find (c, SYRINX_BOX_TYPE ('m', 'o', 'o', 'v'), &moov)
      || !syrinx_box_find (moov, SYRINX_BOX_TYPE ('t', 'r', 'a', 'k'), &trak)
      || !syrinx_box_find (moov, SYRINX_BOX_TYPE ('m', 'v', 'e', 'x'), &unused))
    return corrupt (error, "it has not one ftyp, moov, trak and mvex");
  if (read_trak (trak, header, error))
    return TRUE;
  syrinx_cmaf_header_clear (header);
  return FALSE;
}

/* --- Fragment --- */

typedef struct
{
  guint default_duration, default_size;
} Defaults;

void
syrinx_cmaf_fragment_clear (SyrinxCmafFragment *fragment)
{
  g_clear_pointer (&fragment->samples, g_free);
}

static gboolean
read_tfhd (SyrinxReader c, Defaults *defaults)
{
  guint32 flags = syrinx_reader_take (&c, 4);

  syrinx_reader_skip (&c, 4); /* track */
  if (flags & TFHD_BASE_OFFSET)
    return FALSE;
  if (flags & TFHD_DESCRIPTION)
    syrinx_reader_skip (&c, 4);
  defaults->default_duration
      = flags & TFHD_DURATION ? syrinx_reader_take (&c, 4) : 0;
  defaults->default_size = flags & TFHD_SIZE ? syrinx_reader_take (&c, 4) : 0;
  return TRUE;
}

static gboolean
read_tfdt (SyrinxReader c, guint64 *decode_time)
{
  guint version = syrinx_reader_take (&c, 4) >> 24;
  guint n_bytes = version == 1 ? 8 : 4;

  if (c.left != n_bytes)
    return FALSE;
  *decode_time = syrinx_reader_take (&c, n_bytes);
  return *decode_time < G_MAXINT64;
}

/* Checks that the samples lie in sequence in @mdat and fill it. */
static gboolean
read_samples (SyrinxReader c, guint32 flags, const Defaults *defaults,
    SyrinxReader mdat, SyrinxCmafFragment *fragment)
{
  for (guint i = 0; i < fragment->n_samples; i++) {
    SyrinxCmafSample *sample = &fragment->samples[i];
    sample->duration = flags & TRUN_DURATION ? syrinx_reader_take (&c, 4)
                                             : defaults->default_duration;
    sample->size_bytes = flags & TRUN_SIZE ? syrinx_reader_take (&c, 4)
                                           : defaults->default_size;
    if (flags & TRUN_FLAGS)
      syrinx_reader_skip (&c, 4);
    if (flags & TRUN_TIME_OFFSET)
      syrinx_reader_skip (&c, 4);
    sample->data = mdat.data;
    if (!syrinx_reader_skip (&mdat, sample->size_bytes))
      return FALSE;
    fragment->duration += sample->duration;
  }
  return mdat.left == 0;
}

static gboolean
read_trun (SyrinxReader c, gsize moof_bytes, const Defaults *defaults,
    SyrinxReader mdat, SyrinxCmafFragment *fragment)
{
  guint32 flags = syrinx_reader_take (&c, 4);
  guint64 n_samples = syrinx_reader_take (&c, 4);
  gsize row = 4 * !!(flags & TRUN_DURATION) + 4 * !!(flags & TRUN_SIZE)
              + 4 * !!(flags & TRUN_FLAGS) + 4 * !!(flags & TRUN_TIME_OFFSET);

  if (!(flags & TRUN_DATA_OFFSET)
      || syrinx_reader_take (&c, 4) != moof_bytes + 8 || n_samples < 1
      || n_samples > SYRINX_CMAF_MAX_SAMPLES)
    return FALSE;
  if (flags & TRUN_FIRST_FLAGS)
    syrinx_reader_skip (&c, 4);
  if (c.left != row * n_samples)
    return FALSE;
  fragment->n_samples = n_samples;
  fragment->samples = g_new0 (SyrinxCmafSample, n_samples);
  return read_samples (c, flags, defaults, mdat, fragment);
}

static gboolean
read_moof (SyrinxReader moof, gsize moof_bytes, SyrinxReader mdat,
    SyrinxCmafFragment *fragment)
{
  Defaults defaults;
  SyrinxReader mfhd, traf, tfhd, tfdt, trun;

  if (!syrinx_box_find (moof, SYRINX_BOX_TYPE ('m', 'f', 'h', 'd'), &mfhd)
      || mfhd.left != 8
      || !syrinx_box_find (moof, SYRINX_BOX_TYPE ('t', 'r', 'a', 'f'), &traf)
      || !syrinx_box_find (traf, SYRINX_BOX_TYPE ('t', 'f', 'h', 'd'), &tfhd)
      || !syrinx_box_find (traf, SYRINX_BOX_TYPE ('t', 'f', 'd', 't'), &tfdt)
      || !syrinx_box_find (traf, SYRINX_BOX_TYPE ('t', 'r', 'u', 'n'), &trun))
    return FALSE;
  syrinx_reader_skip (&mfhd, 4);
  fragment->sequence = syrinx_reader_take (&mfhd, 4);
  return read_tfhd (tfhd, &defaults) && read_tfdt (tfdt, &fragment->decode_time)
         && read_trun (trun, moof_bytes, &defaults, mdat, fragment);
}

gboolean
syrinx_cmaf_read_fragment (
    GBytes *bytes, SyrinxCmafFragment *fragment, GError **error)
{
  SyrinxReader c, moof, mdat;
  guint32 first = 0, second = 0;

  memset (fragment, 0, sizeof *fragment);
  c.data = g_bytes_get_data (bytes, &c.left);
  if (c.left > SYRINX_CMAF_MAX_FRAGMENT_BYTES)
    return corrupt (error, "its fragment is over 4 MiB");
  if (!syrinx_box_next (&c, &first, &moof)
      || first != SYRINX_BOX_TYPE ('m', 'o', 'o', 'f')
      || !syrinx_box_next (&c, &second, &mdat)
      || second != SYRINX_BOX_TYPE ('m', 'd', 'a', 't') || c.left)
    return corrupt (error, "it is not one moof and one mdat");
  if (read_moof (moof, moof.left + 8, mdat, fragment))
    return TRUE;
  syrinx_cmaf_fragment_clear (fragment);
  return corrupt (error, "its moof does not describe its mdat");
}
