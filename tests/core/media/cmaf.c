/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF: our output is read back, and other input is refused. */
#include "core/media/cmaf.h"
#include "core/base/error.h"

#include <string.h>

static const guint8 asc[] = { 0x11, 0x90 };
static guint8 streaminfo[34]
    = { 0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0xc4, 0x42, 0xf0 };
static const guint8 surround[]
    = { 1, 6, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 1, 1, 4, 2, 0, 4, 1, 2, 3, 5 };

static const SyrinxCmafFormat formats[] = {
  { SYRINX_CMAF_OPUS, 48000, 2, 312, 128000, NULL, 0 },
  { SYRINX_CMAF_OPUS, 44100, 1, 312, 0, NULL, 0 },
  { SYRINX_CMAF_OPUS, 48000, 6, 312, 0, surround, sizeof surround },
  { SYRINX_CMAF_AAC, 48000, 2, 1024, 128000, asc, sizeof asc },
  { SYRINX_CMAF_FLAC, 44100, 2, 0, 0, streaminfo, sizeof streaminfo },
};

static void
a_header_is_read_as_it_was_written (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    const SyrinxCmafFormat *f = &formats[i];
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = syrinx_cmaf_write_header (f, &error);
    g_auto (SyrinxCmafHeader) header = { 0 };
    g_assert_no_error (error);
    g_assert_true (syrinx_cmaf_read_header (bytes, &header, &error));
    g_assert_no_error (error);
    g_assert_cmpint (header.codec, ==, f->codec);
    g_assert_cmpuint (header.channels, ==, f->channels);
    g_assert_cmpuint (header.sample_rate_hz, ==, f->sample_rate_hz);
    g_assert_cmpuint (header.pre_skip, ==, f->pre_skip);
    g_assert_cmpuint (header.timescale, ==, syrinx_cmaf_get_timescale (f));
    if (f->config) {
      g_autoptr (GBytes) config = g_bytes_new (f->config, f->config_bytes);
      g_assert_true (g_bytes_equal (header.config, config));
    }
  }
}

static void
a_format_that_cannot_be_is_refused (void)
{
  static const SyrinxCmafFormat bad[] = {
    { SYRINX_CMAF_OPUS, 48000, 0, 312, 0, NULL, 0 },
    { SYRINX_CMAF_OPUS, 48000, 6, 312, 0, NULL, 0 },
    { SYRINX_CMAF_OPUS, 48000, 2, 70000, 0, NULL, 0 },
    { SYRINX_CMAF_OPUS, 48000, 2, 312, 0, surround, 10 },
    { SYRINX_CMAF_AAC, 48000, 2, 0, 0, NULL, 0 },
    { SYRINX_CMAF_FLAC, 44100, 2, 0, 0, streaminfo, 33 },
    { SYRINX_CMAF_FLAC, 0, 2, 0, 0, streaminfo, 34 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_cmaf_write_header (&bad[i], &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

static GBytes *
write_three (guint last_duration)
{
  static const guint8 payload[] = "abcdefghij";
  const SyrinxCmafSample samples[] = { { payload, 3, 960 },
    { payload + 3, 0, 960 }, { payload + 3, 7, last_duration } };

  return syrinx_cmaf_write_fragment (
      7, G_GUINT64_CONSTANT (0x123456789a), samples, G_N_ELEMENTS (samples));
}

static void
a_fragment_is_read_as_it_was_written (void)
{
  static const guint last_durations[] = { 960, 100 };

  for (guint i = 0; i < G_N_ELEMENTS (last_durations); i++) {
    guint last = last_durations[i];
    g_autoptr (GBytes) bytes = write_three (last);
    g_auto (SyrinxCmafFragment) fragment = { 0 };
    g_autoptr (GError) error = NULL;
    g_assert_true (syrinx_cmaf_read_fragment (bytes, &fragment, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (fragment.sequence, ==, 7);
    g_assert_cmpuint (
        fragment.decode_time, ==, G_GUINT64_CONSTANT (0x123456789a));
    g_assert_cmpuint (fragment.duration, ==, 1920 + last);
    g_assert_cmpuint (fragment.n_samples, ==, 3);
    g_assert_cmpmem (
        fragment.samples[2].data, fragment.samples[2].size_bytes, "defghij", 7);
  }
}

typedef gboolean (*ReadFunc) (GBytes *bytes);

static gboolean
read_header (GBytes *bytes)
{
  g_auto (SyrinxCmafHeader) header = { 0 };

  return syrinx_cmaf_read_header (bytes, &header, NULL);
}

/* Every sample must lie within @bytes, whatever they claim. */
static gboolean
read_fragment (GBytes *bytes)
{
  g_auto (SyrinxCmafFragment) fragment = { 0 };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (!syrinx_cmaf_read_fragment (bytes, &fragment, NULL))
    return FALSE;
  for (guint i = 0; i < fragment.n_samples; i++) {
    g_assert_true (fragment.samples[i].data >= data);
    g_assert_true (fragment.samples[i].data + fragment.samples[i].size_bytes
                   <= data + size);
  }
  return TRUE;
}

/* A copy of exact size on the heap, so that a sanitizer detects reads past its
 * end. */
static void
damage (GBytes *good, ReadFunc read)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (good, &size);

  g_assert_true (read (good));
  for (gsize length = 0; length < size; length++) {
    g_autoptr (GBytes) cut = g_bytes_new (data, length);
    g_assert_false (read (cut));
  }
  for (gsize i = 0; i < size; i++)
    for (guint bit = 0; bit < 8; bit++) {
      guint8 *copy = g_memdup2 (data, size);
      g_autoptr (GBytes) flipped = NULL;
      copy[i] ^= 1 << bit;
      flipped = g_bytes_new_take (copy, size);
      read (flipped);
    }
}

static void
no_cut_is_taken_and_no_flip_reads_outside (void)
{
  g_autoptr (GBytes) fragment = write_three (100);

  damage (fragment, read_fragment);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autoptr (GBytes) header = syrinx_cmaf_write_header (&formats[i], NULL);
    damage (header, read_header);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(test) g_test_add_func ("/cmaf/" #test, test)
  ADD (a_header_is_read_as_it_was_written);
  ADD (a_format_that_cannot_be_is_refused);
  ADD (a_fragment_is_read_as_it_was_written);
  ADD (no_cut_is_taken_and_no_flip_reads_outside);
  return g_test_run ();
}
