/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log-linear histogram of durations: quantiles within 12.5 %, 4 KiB. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_HISTOGRAM_BINS 320

typedef struct
{
  guint64 bins[SYRINX_HISTOGRAM_BINS];
  guint64 n;
  gint64 max_us;
} SyrinxHistogram;

/* Negative values count as 0. Hot. */
void syrinx_histogram_add (SyrinxHistogram *histogram, gint64 value_us);
/* The upper end of the bin that contains the quantile; 0 if @histogram is
 * empty. */
gint64 syrinx_histogram_get_quantile (
    const SyrinxHistogram *histogram, gdouble quantile);

G_END_DECLS
