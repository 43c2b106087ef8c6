/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resamples audio whose rate changes, by libswresample. */
#include "resample.h"

#include <libswresample/swresample.h>

struct _SyrinxResampler
{
  SwrContext *swr; /* (nullable) */
  AVFrame *in;     /* parameters of the last frame */
};

SyrinxResampler *
syrinx_resampler_new (void)
{
  SyrinxResampler *self = g_new0 (SyrinxResampler, 1);

  self->in = av_frame_alloc ();
  return self;
}

void
syrinx_resampler_free (SyrinxResampler *self)
{
  swr_free (&self->swr);
  av_frame_free (&self->in);
  g_free (self);
}

/* Converts @in, which has self->in's format, into @out, which is empty. */
static gint
convert (SyrinxResampler *self, AVFrame *out, const AVFrame *in, guint rate_hz)
{
  out->format = self->in->format;
  out->sample_rate = (gint)rate_hz;
  if (av_channel_layout_copy (&out->ch_layout, &self->in->ch_layout) < 0)
    return -1;
  return swr_convert_frame (self->swr, out, in);
}

gboolean
syrinx_resampler_run (SyrinxResampler *self, AVFrame *frame, guint rate_hz)
{
  gint rc = -1;

  if ((guint)frame->sample_rate == rate_hz) {
    swr_free (&self->swr);
    return TRUE;
  }
  av_frame_unref (self->in);
  av_frame_move_ref (self->in, frame);
  if (self->swr)
    rc = convert (self, frame, self->in, rate_hz);
  if (rc < 0) { /* the first frame, or one of another format */
    swr_free (&self->swr);
    self->swr = swr_alloc ();
    av_frame_unref (frame);
    rc = self->swr ? convert (self, frame, self->in, rate_hz) : -1;
  }
  return rc >= 0 && frame->nb_samples > 0;
}

gboolean
syrinx_resampler_finish (SyrinxResampler *self, AVFrame *frame, guint rate_hz)
{
  gboolean ok = FALSE;

  av_frame_unref (frame);
  if (self->swr)
    ok = convert (self, frame, NULL, rate_hz) >= 0 && frame->nb_samples > 0;
  swr_free (&self->swr);
  return ok;
}
