/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan job: tags, technical data and the exact number of samples. */
#include "jobs.h"

#include "allowed.h"
#include "facts.h"
#include "tags/file-tags.h"
#include "tags/tags-report.h"

#include <string.h>
#include <unistd.h>

static void
add_facts (GVariantBuilder *builder, gint fd, const SyrinxFacts *facts)
{
  gdouble n_bits = 8.0 * MAX (lseek (fd, 0, SEEK_END), 0);
  gdouble bps = n_bits * facts->rate_hz / facts->n_samples;

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

/* A format's first name, such as "mov" of "mov,mp4,m4a". */
static gchar *
get_demuxer (SyrinxInput *input)
{
  const gchar *name = syrinx_input_get_format (input)->iformat->name;

  return g_strndup (name, strcspn (name, ","));
}

static void
add_tags (GVariantBuilder *builder, gint fd, SyrinxInput *input)
{
  g_autoptr (SyrinxTags) tags = syrinx_tags_new ();
  g_autofree gchar *demuxer = get_demuxer (input);
  enum AVCodecID codec = syrinx_input_get_stream (input)->codecpar->codec_id;

  syrinx_tags_read_taglib (tags, fd, demuxer, syrinx_allowed_get_name (codec));
  syrinx_tags_read_input (tags, input);
  syrinx_tags_report (tags, builder);
}

GVariant *
syrinx_job_scan (gint fd, GError **error)
{
  g_autoptr (SyrinxDecoder) decoder = NULL;
  GVariantBuilder builder;
  SyrinxFacts facts = { 0 };

  decoder = syrinx_facts_read (fd, &facts, error);
  if (!decoder)
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_facts (&builder, fd, &facts);
  add_tags (&builder, fd, syrinx_decoder_get_input (decoder));
  return g_variant_builder_end (&builder);
}
