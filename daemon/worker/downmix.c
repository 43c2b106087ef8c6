/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mixing matrix and its application. */
#include "downmix.h"

#include <libavutil/samplefmt.h>

#define MAX_IN      64
#define MAX_OUT     2
#define FULL_SCALE8 128.0f
#define HALF_POWER  0.70710678f /* 3 dB down */

struct _SyrinxDownmix
{
  guint n_in, n_out;
  gfloat matrix[MAX_OUT][MAX_IN];
};

/* ITU-R BS.775-3, annex 4, and similar values for channels that it does not
 * name. */
static const struct
{
  enum AVChannel channel;
  gfloat left, right;
} shares[] = { { AV_CHAN_FRONT_LEFT, 1, 0 }, { AV_CHAN_FRONT_RIGHT, 0, 1 },
  { AV_CHAN_FRONT_CENTER, HALF_POWER, HALF_POWER },
  { AV_CHAN_FRONT_LEFT_OF_CENTER, 1, 0 },
  { AV_CHAN_FRONT_RIGHT_OF_CENTER, 0, 1 }, { AV_CHAN_BACK_LEFT, HALF_POWER, 0 },
  { AV_CHAN_BACK_RIGHT, 0, HALF_POWER }, { AV_CHAN_SIDE_LEFT, HALF_POWER, 0 },
  { AV_CHAN_SIDE_RIGHT, 0, HALF_POWER }, { AV_CHAN_BACK_CENTER, 0.5f, 0.5f },
  { AV_CHAN_TOP_FRONT_LEFT, HALF_POWER, 0 },
  { AV_CHAN_TOP_FRONT_RIGHT, 0, HALF_POWER },
  { AV_CHAN_TOP_BACK_LEFT, HALF_POWER, 0 },
  { AV_CHAN_TOP_BACK_RIGHT, 0, HALF_POWER },
  { AV_CHAN_TOP_FRONT_CENTER, 0.5f, 0.5f },
  { AV_CHAN_TOP_BACK_CENTER, 0.5f, 0.5f }, { AV_CHAN_TOP_CENTER, 0.5f, 0.5f },
  { AV_CHAN_STEREO_LEFT, 1, 0 }, { AV_CHAN_STEREO_RIGHT, 0, 1 },
  { AV_CHAN_WIDE_LEFT, HALF_POWER, 0 }, { AV_CHAN_WIDE_RIGHT, 0, HALF_POWER } };

/* For channels without positions: every other one goes to the left. */
static void
alternate (SyrinxDownmix *self)
{
  for (guint i = 0; i < self->n_in; i++)
    for (guint o = 0; o < self->n_out; o++)
      self->matrix[o][i] = i % self->n_out == o ? 1 : 0;
}

static void
add_share (SyrinxDownmix *self, guint i, enum AVChannel channel)
{
  for (guint k = 0; k < G_N_ELEMENTS (shares); k++) {
    if (shares[k].channel != channel)
      continue;
    if (self->n_out == 1) {
      self->matrix[0][i] = (shares[k].left + shares[k].right) / 2;
      continue;
    }
    self->matrix[0][i] = shares[k].left;
    self->matrix[1][i] = shares[k].right;
  }
}

static gfloat
get_sum (SyrinxDownmix *self, guint o)
{
  gfloat sum = 0;

  for (guint i = 0; i < self->n_in; i++)
    sum += self->matrix[o][i];
  return sum;
}

/* Scales the matrix so that no output can exceed full scale. */
static void
normalise (SyrinxDownmix *self)
{
  gfloat most = 1;

  for (guint o = 0; o < self->n_out; o++)
    most = MAX (most, get_sum (self, o));
  for (guint o = 0; o < self->n_out; o++)
    for (guint i = 0; i < self->n_in; i++)
      self->matrix[o][i] /= most;
}

static void
build (SyrinxDownmix *self, const AVChannelLayout *layout)
{
  AVChannelLayout in = { 0 };

  if (layout->order == AV_CHANNEL_ORDER_NATIVE
      || layout->order == AV_CHANNEL_ORDER_CUSTOM)
    av_channel_layout_copy (&in, layout);
  else
    av_channel_layout_default (&in, layout->nb_channels);
  for (guint i = 0; i < self->n_in; i++)
    add_share (self, i, av_channel_layout_channel_from_index (&in, i));
  av_channel_layout_uninit (&in);
  if (get_sum (self, 0) <= 0 || get_sum (self, self->n_out - 1) <= 0)
    alternate (self);
  normalise (self);
}

SyrinxDownmix *
syrinx_downmix_new (const AVChannelLayout *layout, guint n_out)
{
  SyrinxDownmix *self = g_new0 (SyrinxDownmix, 1);

  self->n_in = (guint)CLAMP (layout->nb_channels, 1, MAX_IN);
  self->n_out = CLAMP (n_out, 1, MAX_OUT);
  build (self, layout);
  return self;
}

void
syrinx_downmix_free (SyrinxDownmix *self)
{
  g_free (self);
}

/* Hot: once for each sample of each channel. */
static inline gfloat
get_sample (const guint8 *data, gint packed_format, gsize i)
{
  switch (packed_format) {
  case AV_SAMPLE_FMT_U8:
    return ((gfloat)data[i] - FULL_SCALE8) / FULL_SCALE8;
  case AV_SAMPLE_FMT_S16:
    return (gfloat)((const gint16 *)data)[i] / -(gfloat)G_MININT16;
  case AV_SAMPLE_FMT_S32:
    return (gfloat)((const gint32 *)data)[i] / -(gfloat)G_MININT32;
  case AV_SAMPLE_FMT_FLT:
    return ((const gfloat *)data)[i];
  default:
    return (gfloat)((const gdouble *)data)[i];
  }
}

void
syrinx_downmix_run (SyrinxDownmix *self, const AVFrame *frame, gsize first,
    gsize last, gfloat *to)
{
  gboolean is_planar = av_sample_fmt_is_planar (frame->format);
  gint packed = av_get_packed_sample_fmt (frame->format);

  for (gsize n = first; n < last; n++, to += self->n_out) {
    for (guint o = 0; o < self->n_out; o++)
      to[o] = 0;
    for (guint i = 0; i < self->n_in; i++) {
      gfloat x = is_planar
                     ? get_sample (frame->extended_data[i], packed, n)
                     : get_sample (frame->data[0], packed, n * self->n_in + i);

      for (guint o = 0; o < self->n_out; o++)
        to[o] += x * self->matrix[o][i];
    }
  }
}
