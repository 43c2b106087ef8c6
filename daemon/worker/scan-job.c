/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan job: tags, technical data and the exact number of samples. */
#include "daemon/worker/facts/facts.h"
#include "jobs.h"

#include "protocol.h"

#include <gst/tag/tag.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

static void
add_string (GVariantBuilder *builder, const gchar *key, GstTagList *tags,
    const gchar *tag)
{
  const gchar *value = NULL;
  g_autofree gchar *cut = NULL;
  gsize n;

  if (!gst_tag_list_peek_string_index (tags, tag, 0, &value) || !*value)
    return;
  n = MIN (strlen (value), SYRINX_MAX_TAG_BYTES);
  cut = g_utf8_make_valid (value, n);
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (cut));
}

static void
add_number (GVariantBuilder *builder, const gchar *key, GstTagList *tags,
    const gchar *tag)
{
  guint value;

  if (gst_tag_list_get_uint (tags, tag, &value) && value > 0 && value < 10000)
    g_variant_builder_add (
        builder, "{sv}", key, g_variant_new_int32 ((gint)value));
}

static void
add_year (GVariantBuilder *builder, GstTagList *tags)
{
  g_autoptr (GstDateTime) when = NULL;

  if (gst_tag_list_get_date_time (tags, GST_TAG_DATE_TIME, &when)
      && gst_date_time_has_year (when))
    g_variant_builder_add (builder, "{sv}", "year",
        g_variant_new_int32 (gst_date_time_get_year (when)));
}

static void
add_gain (GVariantBuilder *builder, GstTagList *tags)
{
  gdouble gain, peak = 1.0;

  if (!gst_tag_list_get_double (tags, GST_TAG_TRACK_GAIN, &gain)
      || !isfinite (gain) || fabs (gain) > 64)
    return;
  gst_tag_list_get_double (tags, GST_TAG_TRACK_PEAK, &peak);
  g_variant_builder_add (builder, "{sv}", "gain", g_variant_new_double (gain));
  g_variant_builder_add (builder, "{sv}", "peak", g_variant_new_double (peak));
}

/* The front cover, or else the first picture that has no other role. */
static GstSample *
find_cover (GstTagList *tags)
{
  GstSample *found = NULL;

  for (guint i = 0; i < gst_tag_list_get_tag_size (tags, GST_TAG_IMAGE); i++) {
    GstSample *sample = NULL;
    const GstStructure *info;
    gint type = GST_TAG_IMAGE_TYPE_UNDEFINED;

    if (!gst_tag_list_get_sample_index (tags, GST_TAG_IMAGE, i, &sample))
      break;
    info = gst_sample_get_info (sample);
    if (info)
      gst_structure_get_enum (
          info, "image-type", GST_TYPE_TAG_IMAGE_TYPE, &type);
    if (type == GST_TAG_IMAGE_TYPE_FRONT_COVER || !found) {
      g_clear_pointer (&found, gst_sample_unref);
      found = sample;
    } else {
      gst_sample_unref (sample);
    }
    if (type == GST_TAG_IMAGE_TYPE_FRONT_COVER)
      break;
  }
  return found;
}

static void
add_artwork (GVariantBuilder *builder, GstTagList *tags)
{
  g_autoptr (GstSample) sample = find_cover (tags);
  GstMapInfo map;

  if (!sample
      || !gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ))
    return;
  if (map.size > 0 && map.size <= SYRINX_MAX_ARTWORK_BYTES)
    g_variant_builder_add (builder, "{sv}", "artwork",
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, map.data, map.size, 1));
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
}

static void
add_tags (GVariantBuilder *builder, GstTagList *tags)
{
  add_string (builder, "title", tags, GST_TAG_TITLE);
  add_string (builder, "artist", tags, GST_TAG_ARTIST);
  add_string (builder, "album", tags, GST_TAG_ALBUM);
  add_string (builder, "album-artist", tags, GST_TAG_ALBUM_ARTIST);
  add_string (builder, "genre", tags, GST_TAG_GENRE);
  add_number (builder, "track", tags, GST_TAG_TRACK_NUMBER);
  add_number (builder, "disc", tags, GST_TAG_ALBUM_VOLUME_NUMBER);
  add_year (builder, tags);
  add_gain (builder, tags);
  add_artwork (builder, tags);
}

static void
add_facts (GVariantBuilder *builder, gint fd, const SyrinxFacts *facts)
{
  struct stat st = { 0 };
  gdouble bps;

  fstat (fd, &st);
  bps = 8.0 * st.st_size * facts->rate_hz / facts->n_samples;
  g_variant_builder_add (
      builder, "{sv}", "codec", g_variant_new_string (facts->codec));
  g_variant_builder_add (
      builder, "{sv}", "rate", g_variant_new_uint32 (facts->rate_hz));
  g_variant_builder_add (
      builder, "{sv}", "channels", g_variant_new_uint32 (facts->channels));
  g_variant_builder_add (
      builder, "{sv}", "samples", g_variant_new_uint64 (facts->n_samples));
  g_variant_builder_add (
      builder, "{sv}", "bitrate", g_variant_new_uint32 ((guint)MIN (bps, 1e9)));
  if (facts->packet_bps == 0)
    return;
  g_variant_builder_add (builder, "{sv}", "packet-bitrate",
      g_variant_new_uint32 (facts->packet_bps));
  g_variant_builder_add (
      builder, "{sv}", "pre-skip", g_variant_new_uint32 (facts->pre_skip));
}

GVariant *
syrinx_job_scan (gint fd, GError **error)
{
  g_auto (SyrinxFacts) facts = { 0 };
  GVariantBuilder builder;

  if (!syrinx_facts_read (fd, &facts)
      && !syrinx_facts_decode (fd, &facts, error))
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_facts (&builder, fd, &facts);
  add_tags (&builder, facts.tags);
  return g_variant_builder_end (&builder);
}
