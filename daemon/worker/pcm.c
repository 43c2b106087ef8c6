/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples from an exact position: seeks in formats where seeking is exact
 * (FLAC, PCM, MP4), else decodes from the start; resamples from a position that
 * is whole at both rates, so that every run has the same phase. */
#include "pcm.h"

#include "decode.h"
#include "downmix.h"

#include "core/base/error.h"

#include <string.h>

#define BATCH_FRAMES     1024 /* the converter needs a minimum number */
#define SILENCE_FRAMES   4096
#define PREROLL_SECONDS  1 /* fills the resampler's history */
#define MIN_SEEK_SECONDS 3
/* The first samples after a seek may differ: see decode.h. */
#define SETTLES_PER_SECOND 10

struct _SyrinxPcm
{
  SyrinxPcmRequest request;
  SyrinxDecoder *decoder;
  GstAudioConverter *converter;
  SyrinxDownmix *downmix; /* (nullable): applied to decoded frames */
  gint format, channels;  /* of decoded frames: AVSampleFormat */
  GstAudioInfo in, out;
  GByteArray *pending; /* of input: too few to convert yet */
  guint64 begin_in;    /* where conversion starts */
  guint64 drop_out;    /* converted frames still to be dropped */
  gboolean over;
};

static guint64
gcd (guint64 a, guint64 b)
{
  return b ? gcd (b, a % b) : a;
}

/* The last position before the wanted one that is whole at both rates. */
static void
find_begin (SyrinxPcm *self)
{
  const SyrinxPcmRequest *r = &self->request;
  guint64 step = r->out_rate_hz / gcd (r->rate_hz, r->out_rate_hz);
  guint64 preroll = MIN (r->start, (guint64)PREROLL_SECONDS * r->out_rate_hz);
  guint64 out = (r->start - preroll) / step * step;

  self->drop_out = r->start - out;
  self->begin_in = out * r->rate_hz / r->out_rate_hz;
}

static gboolean
check_decoder (SyrinxPcm *self, GError **error)
{
  if (syrinx_decoder_get_rate_hz (self->decoder) == self->request.rate_hz)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "its sample rate is %u Hz, but %u Hz when it was scanned",
      syrinx_decoder_get_rate_hz (self->decoder), self->request.rate_hz);
  return FALSE;
}

static gboolean
open_decoder (SyrinxPcm *self, GError **error)
{
  const SyrinxPcmRequest *r = &self->request;

  self->decoder = syrinx_decoder_new (r->fd, error);
  if (!self->decoder || !check_decoder (self, error))
    return FALSE;
  if (self->begin_in <= (guint64)MIN_SEEK_SECONDS * r->rate_hz
      || syrinx_decoder_seek (
          self->decoder, self->begin_in - r->rate_hz / SETTLES_PER_SECOND))
    return TRUE;
  syrinx_decoder_free (self->decoder);
  self->decoder = syrinx_decoder_new (r->fd, error);
  return self->decoder != NULL;
}

SyrinxPcm *
syrinx_pcm_new (const SyrinxPcmRequest *request, GError **error)
{
  g_autoptr (SyrinxPcm) self = g_new0 (SyrinxPcm, 1);

  self->request = *request;
  self->pending = g_byte_array_new ();
  gst_audio_info_init (&self->in);
  gst_audio_info_set_format (&self->out, request->format, request->out_rate_hz,
      request->channels, NULL);
  find_begin (self);
  if (!open_decoder (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
syrinx_pcm_free (SyrinxPcm *self)
{
  g_clear_pointer (&self->decoder, syrinx_decoder_free);
  g_clear_pointer (&self->converter, gst_audio_converter_free);
  g_clear_pointer (&self->downmix, syrinx_downmix_free);
  g_byte_array_unref (self->pending);
  g_free (self);
}

/* Appends silence in the input's format to what is pending. */
static void
append_silence (SyrinxPcm *self, gsize n_frames)
{
  gsize bpf = GST_AUDIO_INFO_BPF (&self->in);
  gsize before = self->pending->len;

  g_byte_array_set_size (self->pending, before + n_frames * bpf);
  gst_audio_format_info_fill_silence (
      self->in.finfo, self->pending->data + before, n_frames * bpf);
}

static GstAudioFormat
get_format (gint format)
{
  switch (av_get_packed_sample_fmt (format)) {
  case AV_SAMPLE_FMT_U8:
    return GST_AUDIO_FORMAT_U8;
  case AV_SAMPLE_FMT_S16:
    return GST_AUDIO_FORMAT_S16;
  case AV_SAMPLE_FMT_S32:
    return GST_AUDIO_FORMAT_S32;
  case AV_SAMPLE_FMT_FLT:
    return GST_AUDIO_FORMAT_F32;
  case AV_SAMPLE_FMT_DBL:
    return GST_AUDIO_FORMAT_F64;
  default:
    return GST_AUDIO_FORMAT_UNKNOWN;
  }
}

/* (transfer full) (nullable) */
static GstAudioConverter *
make_converter (SyrinxPcm *self, const AVFrame *frame)
{
  guint n_in = frame->ch_layout.nb_channels, n_out = self->request.channels;
  GstAudioFormat format = get_format (frame->format);

  g_clear_pointer (&self->downmix, syrinx_downmix_free);
  if (format == GST_AUDIO_FORMAT_UNKNOWN || (n_in != n_out && n_out > 2))
    return NULL;
  if (n_in > 2 && n_in != n_out) {
    self->downmix = syrinx_downmix_new (&frame->ch_layout, n_out);
    format = GST_AUDIO_FORMAT_F32;
    n_in = n_out;
  }
  gst_audio_info_set_format (
      &self->in, format, (gint)self->request.rate_hz, (gint)n_in, NULL);
  return gst_audio_converter_new (
      GST_AUDIO_CONVERTER_FLAG_NONE, &self->in, &self->out, NULL);
}

/* Frames pending in an old format are dropped, but keep their time. */
static gboolean
set_input (SyrinxPcm *self, const AVFrame *frame, GError **error)
{
  gsize n_pending = 0;

  if (self->converter && self->format == frame->format
      && self->channels == frame->ch_layout.nb_channels)
    return TRUE;
  if (self->converter)
    n_pending = self->pending->len / GST_AUDIO_INFO_BPF (&self->in);
  g_clear_pointer (&self->converter, gst_audio_converter_free);
  self->format = frame->format;
  self->channels = frame->ch_layout.nb_channels;
  self->converter = make_converter (self, frame);
  g_byte_array_set_size (self->pending, 0);
  if (self->converter) {
    append_silence (self, n_pending);
    return TRUE;
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "can't convert %d channels of %s to %u", self->channels,
      av_get_sample_fmt_name (frame->format), self->request.channels);
  return FALSE;
}

/* Converts pending frames and drops those before the wanted start. NULL:
 * nothing is left. */
static GBytes *
convert (SyrinxPcm *self, guint *n_frames)
{
  gsize bpf = GST_AUDIO_INFO_BPF (&self->out);
  gsize n_in = self->pending->len / GST_AUDIO_INFO_BPF (&self->in);
  gsize n_out = gst_audio_converter_get_out_frames (self->converter, n_in);
  g_autofree guint8 *data = g_malloc (MAX (n_out, 1) * bpf);
  gpointer in[1] = { self->pending->data }, out[1] = { data };
  gsize drop;

  gst_audio_converter_samples (self->converter, 0, in, n_in, out, n_out);
  g_byte_array_set_size (self->pending, 0);
  drop = MIN (self->drop_out, n_out);
  self->drop_out -= drop;
  *n_frames = n_out - drop;
  if (*n_frames == 0)
    return NULL;
  return g_bytes_new (data + drop * bpf, *n_frames * bpf);
}

static GBytes *
convert_silence (SyrinxPcm *self, guint *n_frames)
{
  append_silence (self, SILENCE_FRAMES);
  return convert (self, n_frames);
}

static void
append_frames (SyrinxPcm *self, const AVFrame *frame, gsize first, gsize last)
{
  gsize bpf = GST_AUDIO_INFO_BPF (&self->in);
  gsize bps = av_get_bytes_per_sample (frame->format);
  gsize before = self->pending->len;
  guint8 *to;

  g_byte_array_set_size (self->pending, before + (last - first) * bpf);
  to = self->pending->data + before;
  if (self->downmix) {
    syrinx_downmix_run (self->downmix, frame, first, last, (gfloat *)to);
    return;
  }
  if (!av_sample_fmt_is_planar (frame->format)) {
    memcpy (to, frame->data[0] + first * bpf, (last - first) * bpf);
    return;
  }
  for (gsize i = first; i < last; i++)
    for (gint c = 0; c < frame->ch_layout.nb_channels; c++, to += bps)
      memcpy (to, frame->extended_data[c] + i * bps, bps);
}

/* NULL without @error: nothing of this frame is wanted, or there is too little
 * to convert. */
static GBytes *
take_frame (
    SyrinxPcm *self, const AVFrame *frame, guint *n_frames, GError **error)
{
  guint64 position = syrinx_decoder_get_position (self->decoder);
  guint64 end = self->request.n_samples, first, last;

  if (!set_input (self, frame, error))
    return NULL;
  first = self->begin_in > position ? self->begin_in - position : 0;
  last = MIN ((guint64)frame->nb_samples, end > position ? end - position : 0);
  if (first < last)
    append_frames (self, frame, first, last);
  self->over = position + frame->nb_samples >= end;
  if (self->pending->len < BATCH_FRAMES * GST_AUDIO_INFO_BPF (&self->in))
    return NULL;
  return convert (self, n_frames);
}

GBytes *
syrinx_pcm_pull (SyrinxPcm *self, guint *n_frames, GError **error)
{
  for (;;) {
    g_autoptr (GError) local = NULL;
    const AVFrame *frame
        = self->over ? NULL : syrinx_decoder_pull (self->decoder);
    GBytes *bytes;

    self->over = self->over || !frame;
    if (self->over && !frame && !self->converter) {
      g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "there is no sound in the file");
      return NULL;
    }
    bytes = frame ? take_frame (self, frame, n_frames, &local)
                  : convert_silence (self, n_frames);
    if (bytes)
      return bytes;
    if (local) {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  }
}

gboolean
syrinx_pcm_is_over (SyrinxPcm *self)
{
  return self->over;
}
