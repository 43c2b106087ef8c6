/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks and reads a worker's report. */
#include "worker-report.h"

#include "report-text.h"
#include "report-tags.h"

#include "daemon/worker/protocol.h"

#include "core/base/error.h"

#include <glib/gstdio.h>
#include <string.h>

#define MAX_SAMPLES ((guint64)1 << 40)
#define MAX_RATE_HZ 2822400 /* the decoded rate of DSD 512 */

static const gchar *const codecs[]
    = { "aac", "ac3", "adpcm", "alac", "amr", "ape", "dsd", "dts", "eac3",
        "flac", "gsm", "mp1", "mp2", "mp3", "musepack", "opus", "other", "pcm",
        "speex", "tak", "truehd", "tta", "vorbis", "wavpack", "wma", NULL };

static const gchar *
get_picture_type (const guint8 *data, gsize size)
{
  static const guint8 png[] = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10 };

  if (size < 64)
    return NULL;
  if (memcmp (data, "\xff\xd8\xff", 3) == 0)
    return "image/jpeg";
  if (memcmp (data, png, sizeof png) == 0)
    return "image/png";
  if (memcmp (data, "GIF87a", 6) == 0 || memcmp (data, "GIF89a", 6) == 0)
    return "image/gif";
  if (memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    return "image/webp";
  return NULL;
}

void
syrinx_report_keep_picture (SyrinxTrack *track, const guint8 *data,
    gsize size_bytes, const gchar *state_dir)
{
  const gchar *type = get_picture_type (data, size_bytes);
  g_autofree gchar *hex = NULL, *dir = NULL, *path = NULL;
  g_autoptr (GError) error = NULL;

  if (!type || size_bytes > SYRINX_MAX_ARTWORK_BYTES || track->artwork)
    return;
  hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, size_bytes);
  dir = g_build_filename (state_dir, "artwork", NULL);
  path = g_build_filename (dir, hex, NULL);
  g_mkdir_with_parents (dir, 0700);
  if (!g_file_test (path, G_FILE_TEST_EXISTS)
      && !g_file_set_contents (
          path, (const gchar *)data, (gssize)size_bytes, &error)) {
    g_warning ("artwork is not kept: %s", error->message);
    return;
  }
  track->artwork = g_steal_pointer (&hex);
  track->artwork_type = g_strdup (type);
}

static void
keep_artwork (SyrinxTrack *track, GVariant *report, const gchar *state_dir)
{
  g_autoptr (GVariant) value
      = g_variant_lookup_value (report, "artwork", G_VARIANT_TYPE_BYTESTRING);
  gsize size = 0;
  const guint8 *data
      = value ? g_variant_get_fixed_array (value, &size, 1) : NULL;

  if (data)
    syrinx_report_keep_picture (track, data, size, state_dir);
}

static gboolean
read_facts (SyrinxTrack *track, GVariant *report)
{
  const gchar *codec = "";

  g_variant_lookup (report, "codec", "&s", &codec);
  g_variant_lookup (report, "rate", "u", &track->sample_rate_hz);
  g_variant_lookup (report, "channels", "u", &track->channels);
  g_variant_lookup (report, "samples", "t", &track->n_samples);
  g_variant_lookup (report, "bitrate", "u", &track->bitrate_bps);
  track->codec = g_strdup (codec);
  return g_strv_contains (codecs, codec) && track->sample_rate_hz >= 4000
         && track->sample_rate_hz <= MAX_RATE_HZ && track->channels >= 1
         && track->channels <= 64 && track->n_samples >= 1
         && track->n_samples <= MAX_SAMPLES;
}

/* The properties of packets that can be passed on. */
static void
read_packets (SyrinxTrack *track, GVariant *report)
{
  gboolean is_opus = g_str_equal (track->codec, "opus");
  guint bps = 0, pre_skip = 0;

  g_variant_lookup (report, "packet-bitrate", "u", &bps);
  g_variant_lookup (report, "pre-skip", "u", &pre_skip);
  if (track->channels > 2 || pre_skip > SYRINX_MAX_PRE_SKIP
      || (is_opus ? track->sample_rate_hz != 48000
                  : !g_str_equal (track->codec, "aac")))
    return;
  track->packet_bps = bps;
  track->packet_pre_skip = pre_skip;
}

SyrinxTrack *
syrinx_report_read (
    GVariant *report, const gchar *name, const gchar *state_dir, GError **error)
{
  g_autoptr (SyrinxTrack) track = g_new0 (SyrinxTrack, 1);

  if (!read_facts (track, report)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the worker's report is not valid");
    return NULL;
  }
  syrinx_report_read_tags (track, report, name);
  read_packets (track, report);
  keep_artwork (track, report, state_dir);
  return g_steal_pointer (&track);
}
