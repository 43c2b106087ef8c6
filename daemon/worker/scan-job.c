/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan job: tags, technical data and the exact number of samples. */
#include "jobs.h"

#include "facts.h"
#include "tags/file-tags.h"
#include "tags/tags-report.h"

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

static void
add_tags (GVariantBuilder *builder, gint fd, SyrinxDecoder *decoder)
{
  g_autoptr (SyrinxTags) tags = syrinx_tags_new ();
  SyrinxInput *input = syrinx_decoder_get_input (decoder);

  syrinx_tags_read_taglib (tags, fd, syrinx_decoder_get_demuxer_name (decoder),
      syrinx_decoder_get_codec_name (decoder));
  if (input)
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
  add_tags (&builder, fd, decoder);
  return g_variant_builder_end (&builder);
}
