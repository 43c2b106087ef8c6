/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CMAF reader: if it accepts an input, writing the result and reading it
 * again gives the same. */
#include "core/media/cmaf.h"
#include "fuzz.h"

static void
assert_same_bytes (GBytes *a, GBytes *b)
{
  g_assert_true (a == b || g_bytes_equal (a, b));
}

static void
read_header (GBytes *bytes)
{
  g_auto (SyrinxCmafHeader) header = { 0 }, again = { 0 };
  g_autoptr (GBytes) written = NULL;
  SyrinxCmafFormat format;

  if (!syrinx_cmaf_read_header (bytes, &header, NULL))
    return;
  format = (SyrinxCmafFormat){ .codec = header.codec,
    .sample_rate_hz = header.sample_rate_hz,
    .channels = header.channels,
    .pre_skip = header.pre_skip };
  format.config = g_bytes_get_data (header.config, &format.config_bytes);
  written = syrinx_cmaf_write_header (&format, NULL);
  if (!written) /* the writer is stricter */
    return;
  g_assert_true (syrinx_cmaf_read_header (written, &again, NULL));
  g_assert_cmpint (again.codec, ==, header.codec);
  g_assert_cmpuint (again.channels, ==, header.channels);
  g_assert_cmpuint (again.pre_skip, ==, header.pre_skip);
  g_assert_cmpuint (again.sample_rate_hz, ==, header.sample_rate_hz);
  assert_same_bytes (again.config, header.config);
}

static void
read_fragment (GBytes *bytes)
{
  g_auto (SyrinxCmafFragment) fragment = { 0 }, again = { 0 };
  g_autoptr (GBytes) written = NULL;

  if (!syrinx_cmaf_read_fragment (bytes, &fragment, NULL))
    return;
  written = syrinx_cmaf_write_fragment (fragment.sequence, fragment.decode_time,
      fragment.samples, fragment.n_samples);
  g_assert_true (syrinx_cmaf_read_fragment (written, &again, NULL));
  g_assert_cmpuint (again.sequence, ==, fragment.sequence);
  g_assert_cmpuint (again.decode_time, ==, fragment.decode_time);
  g_assert_cmpuint (again.duration, ==, fragment.duration);
  g_assert_cmpuint (again.n_samples, ==, fragment.n_samples);
  for (guint i = 0; i < again.n_samples; i++) {
    g_assert_cmpuint (
        again.samples[i].duration, ==, fragment.samples[i].duration);
    g_assert_cmpmem (again.samples[i].data, again.samples[i].size_bytes,
        fragment.samples[i].data, fragment.samples[i].size_bytes);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autoptr (GBytes) bytes = fuzz_take_rest (&input);

  read_header (bytes);
  read_fragment (bytes);
  return 0;
}
