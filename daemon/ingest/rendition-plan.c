/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planning of renditions. Opus by RFC 7845 (pre-skip), AAC-LC by ISO/IEC
 * 14496-3 (AudioSpecificConfig). */
#include "rendition-plan.h"

#include "core/media/cmaf.h"
#include "core/base/error.h"

#include <gst/gst.h>

#include <string.h>

#define OPUS_RATE_HZ      48000
#define OPUS_PRE_SKIP     312 /* libopus' look-ahead at 48 kHz */
#define OPUS_PACKET_UNITS 960
#define OPUS_PER_FRAGMENT 200
#define AAC_PACKET_UNITS  1024
#define AAC_PRIMING       1024
#define FRAGMENT_SECONDS  4
#define MAX_UNITS         ((guint64)G_MAXUINT32 * 512)
#define REMUX             "remux"

static gboolean
parse_name (const gchar *name, SyrinxCmafCodec *codec, guint *bitrate_bps)
{
  gboolean opus = g_str_has_prefix (name, "opus-");
  const gchar *number = strchr (name, '-');
  guint64 kbps;

  if (!opus && !g_str_has_prefix (name, "aac-"))
    return FALSE;
  if (!g_ascii_string_to_unsigned (
          number + 1, 10, opus ? 16 : 48, 320, &kbps, NULL)
      || number[1] == '0')
    return FALSE;
  *codec = opus ? SYRINX_CMAF_OPUS : SYRINX_CMAF_AAC;
  *bitrate_bps = kbps * 1000;
  return TRUE;
}

/* Whether the original's packets can be passed on: same codec, and a bit rate
 * at most a little above the requested one. */
static gboolean
fits (const SyrinxTrack *track, SyrinxCmafCodec codec, guint bitrate_bps)
{
  const gchar *wanted = codec == SYRINX_CMAF_OPUS ? "opus" : "aac";
  guint rate_hz = track->sample_rate_hz;

  return track->packet_bps > 0 && g_strcmp0 (track->codec, wanted) == 0
         && track->packet_bps <= bitrate_bps / 10 * 11
         && (rate_hz == 48000 || rate_hz == 44100 || rate_hz == 32000);
}

static void
plan_opus (SyrinxRenditionRow *row)
{
  row->codecs = g_strdup ("opus");
  row->timescale = OPUS_RATE_HZ;
  row->pre_skip = OPUS_PRE_SKIP;
  row->fragment_units = OPUS_PER_FRAGMENT * OPUS_PACKET_UNITS;
}

static void
plan_aac (SyrinxRenditionRow *row, const SyrinxTrack *track, gboolean remux)
{
  row->codecs = g_strdup ("mp4a.40.2");
  row->timescale
      = remux || track->sample_rate_hz == 44100 ? track->sample_rate_hz : 48000;
  row->pre_skip = AAC_PRIMING;
  row->fragment_units
      = row->timescale * FRAGMENT_SECONDS / AAC_PACKET_UNITS * AAC_PACKET_UNITS;
}

/* The values that differ if the original's packets are passed on. */
static void
plan_remux (SyrinxRenditionRow *row, const SyrinxTrack *track)
{
  row->pre_skip = track->packet_pre_skip;
  row->bitrate_bps = MAX (row->bitrate_bps, track->packet_bps);
  row->encoder = g_strdup (REMUX);
}

/* Object type 2 (LC), the index of the sample rate, the channels. */
static void
write_aac_config (const SyrinxRenditionRow *row, guint8 config[2])
{
  guint index = row->timescale == 48000 ? 3 : row->timescale == 44100 ? 4 : 5;

  config[0] = 2 << 3 | index >> 1;
  config[1] = (index & 1) << 7 | row->channels << 3;
}

static gboolean
write_header (SyrinxRenditionRow *row, SyrinxCmafCodec codec, GError **error)
{
  guint8 config[2];
  SyrinxCmafFormat format = { .codec = codec,
    .sample_rate_hz = row->sample_rate_hz,
    .channels = row->channels,
    .pre_skip = row->pre_skip,
    .bitrate_bps = row->bitrate_bps };

  if (codec == SYRINX_CMAF_AAC) {
    write_aac_config (row, config);
    format.config = config;
    format.config_bytes = sizeof config;
  }
  row->header = syrinx_cmaf_write_header (&format, error);
  return row->header != NULL;
}

static gchar *
get_encoder (SyrinxCmafCodec codec)
{
  g_autofree gchar *gst = gst_version_string ();

  return g_strdup_printf (
      "%s, %s", gst, codec == SYRINX_CMAF_OPUS ? "opusenc" : "avenc_aac");
}

SyrinxRenditionRow *
syrinx_plan_rendition (
    const SyrinxTrack *track, const gchar *name, GError **error)
{
  g_autoptr (SyrinxRenditionRow) row = g_new0 (SyrinxRenditionRow, 1);
  SyrinxCmafCodec codec;
  gboolean remux;

  if (!parse_name (name, &codec, &row->bitrate_bps)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "there is no rendition named %s", name);
    return NULL;
  }
  row->track_id = g_strdup (track->id);
  row->name = g_strdup (name);
  row->channels = MIN (track->channels, 2);
  remux = fits (track, codec, row->bitrate_bps);
  if (codec == SYRINX_CMAF_OPUS)
    plan_opus (row);
  else
    plan_aac (row, track, remux);
  if (remux)
    plan_remux (row, track);
  else
    row->encoder = get_encoder (codec);
  row->sample_rate_hz = row->timescale;
  row->n_units = row->pre_skip
                 + gst_util_uint64_scale_ceil (track->n_samples, row->timescale,
                     MAX (track->sample_rate_hz, 1));
  if (track->n_samples == 0 || row->n_units > MAX_UNITS) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the track's length can't be right");
    return NULL;
  }
  row->n_fragments
      = (row->n_units + row->fragment_units - 1) / row->fragment_units;
  return write_header (row, codec, error) ? g_steal_pointer (&row) : NULL;
}

GVariant *
syrinx_plan_run (const SyrinxTrack *track, const SyrinxRenditionRow *row,
    guint first, guint count)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (
      &dict, "codec", "s", g_str_equal (row->codecs, "opus") ? "opus" : "aac");
  g_variant_dict_insert (
      &dict, "remux", "b", g_strcmp0 (row->encoder, REMUX) == 0);
  g_variant_dict_insert (&dict, "bitrate", "u", row->bitrate_bps);
  g_variant_dict_insert (&dict, "channels", "u", row->channels);
  g_variant_dict_insert (&dict, "rate", "u", row->timescale);
  g_variant_dict_insert (&dict, "source-rate", "u", track->sample_rate_hz);
  g_variant_dict_insert (&dict, "fragment-units", "u", row->fragment_units);
  g_variant_dict_insert (&dict, "first", "u", first);
  g_variant_dict_insert (&dict, "count", "u", count);
  g_variant_dict_insert (&dict, "source-samples", "t", track->n_samples);
  g_variant_dict_insert (&dict, "units", "t", row->n_units);
  return g_variant_dict_end (&dict);
}
