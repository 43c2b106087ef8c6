/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loudness job: integrated loudness (EBU R 128) and sample peak of a whole
 * file, as ReplayGain 2 defines them (reference -18 LUFS). */
#include "jobs.h"

#include "pcm.h"

#include "core/base/error.h"

#include <ebur128.h>
#include <math.h>

#define REFERENCE_LUFS (-18.0)

static gboolean
measure (
    SyrinxPcm *pcm, ebur128_state *state, guint64 n_samples, GError **error)
{
  while (n_samples > 0 && !syrinx_pcm_is_over (pcm)) {
    guint n;
    g_autoptr (GBytes) bytes = syrinx_pcm_pull (pcm, &n, error);

    if (!bytes)
      return FALSE;
    n = MIN (n, n_samples);
    ebur128_add_frames_float (state, g_bytes_get_data (bytes, NULL), n);
    n_samples -= n;
  }
  return TRUE;
}

static GVariant *
make_result (ebur128_state *state, guint channels)
{
  GVariantBuilder builder;
  gdouble lufs = -HUGE_VAL, peak = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  ebur128_loudness_global (state, &lufs);
  for (guint i = 0; i < channels; i++) {
    gdouble one = 0;
    ebur128_sample_peak (state, i, &one);
    peak = MAX (peak, one);
  }
  /* silence has no loudness and needs no gain */
  g_variant_builder_add (&builder, "{sv}", "gain",
      g_variant_new_double (isfinite (lufs) ? REFERENCE_LUFS - lufs : 0));
  g_variant_builder_add (&builder, "{sv}", "peak", g_variant_new_double (peak));
  return g_variant_builder_end (&builder);
}

GVariant *
syrinx_job_loudness (gint fd, GVariant *plan, GError **error)
{
  SyrinxPcmRequest request = { .fd = fd, .format = GST_AUDIO_FORMAT_F32LE };
  g_autoptr (SyrinxPcm) pcm = NULL;
  ebur128_state *state;
  GVariant *result = NULL;

  if (!g_variant_lookup (plan, "rate", "u", &request.rate_hz)
      || !g_variant_lookup (plan, "samples", "t", &request.n_samples)
      || !g_variant_lookup (plan, "channels", "u", &request.channels)) {
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "the plan is incomplete");
    return NULL;
  }
  request.out_rate_hz = request.rate_hz;
  pcm = syrinx_pcm_new (&request, error);
  state = pcm ? ebur128_init (request.channels, request.rate_hz,
              EBUR128_MODE_I | EBUR128_MODE_SAMPLE_PEAK)
              : NULL;
  if (state && measure (pcm, state, request.n_samples, error))
    result = make_result (state, request.channels);
  else if (pcm && !state)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "its format can't be measured");
  if (state)
    ebur128_destroy (&state);
  return result;
}
