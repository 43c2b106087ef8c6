/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log-linear histogram with eight bins per octave. */
#include "histogram.h"

#define SUB_BITS 3

static guint
bin_of (guint64 value)
{
  guint octave, bin;

  if (value < 1 << SUB_BITS)
    return value;
  octave = g_bit_storage (value) - 1 - SUB_BITS;
  bin = (octave << SUB_BITS) + (value >> octave);
  return MIN (bin, SYRINX_HISTOGRAM_BINS - 1);
}

static gint64
end_of (guint bin)
{
  guint octave = bin >> SUB_BITS;

  if (octave < 2)
    return bin;
  octave--;
  return ((gint64)(bin - (octave << SUB_BITS)) + 1)
             * (G_GINT64_CONSTANT (1) << octave)
         - 1;
}

void
syrinx_histogram_add (SyrinxHistogram *histogram, gint64 value_us)
{
  value_us = MAX (value_us, 0);
  histogram->bins[bin_of (value_us)]++;
  histogram->n++;
  histogram->max_us = MAX (histogram->max_us, value_us);
}

gint64
syrinx_histogram_get_quantile (
    const SyrinxHistogram *histogram, gdouble quantile)
{
  guint64 wanted = quantile * histogram->n, seen = 0;

  for (guint i = 0; histogram->n && i < SYRINX_HISTOGRAM_BINS; i++)
    if ((seen += histogram->bins[i]) > wanted || seen == histogram->n)
      return MIN (end_of (i), histogram->max_us);
  return 0;
}
