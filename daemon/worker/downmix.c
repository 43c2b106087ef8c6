/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mixing matrices. */
#include "downmix.h"

#include <libswresample/swresample.h>

#include <math.h>

#define MAX_IN 64

/* What has no positions: every other channel goes to the left. */
static void
alternate (gdouble *matrix, guint n_in, guint n_out)
{
  for (guint o = 0; o < n_out; o++)
    for (guint i = 0; i < n_in; i++)
      matrix[o * n_in + i]
          = i % n_out == o ? 1.0 / ((n_in - o + n_out - 1) / n_out) : 0;
}

/* FALSE: the layout says nothing of where a channel stands. */
static gboolean
build (const AVChannelLayout *layout, guint n_out, gdouble *matrix)
{
  AVChannelLayout in = { 0 }, out = { 0 };
  gint rc;

  if (layout->order == AV_CHANNEL_ORDER_NATIVE)
    av_channel_layout_copy (&in, layout);
  else
    av_channel_layout_default (&in, layout->nb_channels);
  av_channel_layout_default (&out, (gint)n_out);
  rc = in.order == AV_CHANNEL_ORDER_NATIVE
           ? swr_build_matrix2 (&in, &out, M_SQRT1_2, M_SQRT1_2, 0, 1.0, 1.0,
               matrix, in.nb_channels, AV_MATRIX_ENCODING_NONE, NULL)
           : -1;
  av_channel_layout_uninit (&in);
  av_channel_layout_uninit (&out);
  return rc >= 0;
}

static void
append_row (GValue *rows, const gdouble *row, guint n_in)
{
  GValue list = G_VALUE_INIT, item = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  g_value_init (&item, G_TYPE_FLOAT);
  for (guint i = 0; i < n_in; i++) {
    g_value_set_float (&item, (gfloat)row[i]);
    gst_value_array_append_value (&list, &item);
  }
  gst_value_array_append_and_take_value (rows, &list);
}

GstStructure *
syrinx_downmix_new (const AVChannelLayout *layout, guint n_out)
{
  gdouble matrix[2 * MAX_IN] = { 0 };
  guint n_in = layout->nb_channels;
  GValue rows = G_VALUE_INIT;
  GstStructure *config = gst_structure_new_empty ("converter");

  g_return_val_if_fail (n_in <= MAX_IN && n_out >= 1 && n_out <= 2, config);
  if (!build (layout, n_out, matrix))
    alternate (matrix, n_in, n_out);
  g_value_init (&rows, GST_TYPE_ARRAY);
  for (guint o = 0; o < n_out; o++)
    append_row (&rows, matrix + (gsize)o * n_in, n_in);
  gst_structure_take_value (config, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX, &rows);
  return config;
}
