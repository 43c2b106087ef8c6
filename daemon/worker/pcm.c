/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples from an exact position: seeks where that is exact by nature (FLAC,
 * PCM), else decodes from the start, and resamples from a position where both
 * rates meet, so that every run sees the same phase. */
#include "pcm.h"

#include "decode.h"
#include "gapless.h"

#include "core/base/error.h"

#include <string.h>

#define BATCH_FRAMES     1024 /* the converter can't take very few at a time */
#define SILENCE_FRAMES   4096
#define PREROLL_SECONDS  1 /* so that the resampler's history is filled */
#define MIN_SEEK_SECONDS 3

struct _SyrinxPcm
{
  SyrinxPcmRequest request;
  SyrinxDecoder *decoder;
  GstAudioConverter *converter;
  GstAudioInfo given, in, out; /* in: given, but always interleaved */
  GByteArray *pending;         /* of in: too few to convert yet */
  guint delay;                 /* samples before the original's first */
  guint64 next_in;  /* position of the decoder's next sample, delay included */
  guint64 begin_in; /* where conversion starts, delay included */
  guint64 end_in;   /* where the original ends, delay included */
  guint64 drop_out; /* converted frames still to be thrown away */
  gboolean positioned, over;
};

static guint64
gcd (guint64 a, guint64 b)
{
  return b ? gcd (b, a % b) : a;
}

static gboolean
is_exactly_seekable (SyrinxDecoder *decoder)
{
  GstCaps *caps = syrinx_decoder_get_caps (decoder);
  const gchar *name
      = caps ? gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "";

  return g_str_equal (name, "audio/x-flac")
         || g_str_equal (name, "audio/x-raw");
}

/* The last position before the wanted one where both rates meet. */
static void
find_begin (SyrinxPcm *self)
{
  const SyrinxPcmRequest *r = &self->request;
  guint64 step = r->out_rate_hz / gcd (r->rate_hz, r->out_rate_hz);
  guint64 preroll = MIN (r->start, (guint64)PREROLL_SECONDS * r->out_rate_hz);
  guint64 out = (r->start - preroll) / step * step;

  self->drop_out = r->start - out;
  self->begin_in = out * r->rate_hz / r->out_rate_hz + self->delay;
}

static gboolean
open_decoder (SyrinxPcm *self, GError **error)
{
  const SyrinxPcmRequest *r = &self->request;

  self->decoder = syrinx_decoder_new (r->fd, SYRINX_DECODE_RAW, error);
  if (!self->decoder)
    return FALSE;
  if (self->begin_in > (guint64)MIN_SEEK_SECONDS * r->rate_hz
      && is_exactly_seekable (self->decoder)) {
    if (syrinx_decoder_seek (self->decoder,
            gst_util_uint64_scale (self->begin_in, GST_SECOND, r->rate_hz)))
      return TRUE;
    syrinx_decoder_free (self->decoder);
    self->decoder = syrinx_decoder_new (r->fd, SYRINX_DECODE_RAW, error);
  }
  self->positioned = TRUE;
  return self->decoder != NULL;
}

SyrinxPcm *
syrinx_pcm_new (const SyrinxPcmRequest *request, GError **error)
{
  g_autoptr (SyrinxPcm) self = g_new0 (SyrinxPcm, 1);
  guint excess;

  self->request = *request;
  syrinx_gapless_read (request->fd, &self->delay, &excess);
  self->end_in = request->n_samples + self->delay;
  self->pending = g_byte_array_new ();
  gst_audio_info_init (&self->in);
  gst_audio_info_init (&self->given);
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
  g_byte_array_unref (self->pending);
  g_free (self);
}

/* Silence of the input's format behind what is pending. */
static void
append_silence (SyrinxPcm *self, gsize n_frames)
{
  gsize bpf = GST_AUDIO_INFO_BPF (&self->in);
  gsize before = self->pending->len;

  g_byte_array_set_size (self->pending, before + n_frames * bpf);
  gst_audio_format_info_fill_silence (
      self->in.finfo, self->pending->data + before, n_frames * bpf);
}

/* What is pending in an old format is lost, but keeps its time. */
static gboolean
set_input (SyrinxPcm *self, const GstAudioInfo *info, GError **error)
{
  gsize n_pending = 0;

  if (self->converter && gst_audio_info_is_equal (info, &self->given))
    return TRUE;
  if (self->converter)
    n_pending = self->pending->len / GST_AUDIO_INFO_BPF (&self->in);
  g_clear_pointer (&self->converter, gst_audio_converter_free);
  self->given = self->in = *info;
  self->in.layout = GST_AUDIO_LAYOUT_INTERLEAVED;
  g_byte_array_set_size (self->pending, 0);
  append_silence (self, n_pending);
  if (GST_AUDIO_INFO_RATE (info) == self->request.rate_hz)
    self->converter = gst_audio_converter_new (
        GST_AUDIO_CONVERTER_FLAG_NONE, &self->in, &self->out, NULL);
  if (self->converter)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "can't convert %d Hz, %d channels", GST_AUDIO_INFO_RATE (info),
      GST_AUDIO_INFO_CHANNELS (info));
  return FALSE;
}

/* Converts what is pending and drops what lies before the wanted start. NULL:
 * nothing left. */
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
append_frames (
    SyrinxPcm *self, const GstAudioBuffer *audio, gsize first, gsize last)
{
  gsize bpf = GST_AUDIO_INFO_BPF (&self->in);
  gsize bps = GST_AUDIO_INFO_BPS (&self->in);

  if (GST_AUDIO_INFO_LAYOUT (&self->given) == GST_AUDIO_LAYOUT_INTERLEAVED) {
    g_byte_array_append (self->pending,
        (const guint8 *)audio->planes[0] + first * bpf, (last - first) * bpf);
    return;
  }
  for (gsize i = first; i < last; i++)
    for (gint c = 0; c < audio->n_planes; c++)
      g_byte_array_append (
          self->pending, (const guint8 *)audio->planes[c] + i * bps, bps);
}

/* Where a decoded buffer begins; after a seek the first one's timestamp says
 * it. */
static gboolean
locate (SyrinxPcm *self, GstBuffer *buffer, GError **error)
{
  if (self->positioned)
    return TRUE;
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    self->next_in = gst_util_uint64_scale_round (
        GST_BUFFER_PTS (buffer), self->request.rate_hz, GST_SECOND);
  if (!GST_BUFFER_PTS_IS_VALID (buffer) || self->next_in > self->begin_in) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the file has no exact positions");
    return FALSE;
  }
  self->positioned = TRUE;
  return TRUE;
}

static GBytes *
convert_buffer (SyrinxPcm *self, GstBuffer *buffer, guint *n_frames)
{
  GstAudioBuffer audio;
  guint64 first, last;

  if (!gst_audio_buffer_map (&audio, &self->given, buffer, GST_MAP_READ))
    return NULL;
  first = self->begin_in > self->next_in ? self->begin_in - self->next_in : 0;
  last = MIN (audio.n_samples,
      self->end_in > self->next_in ? self->end_in - self->next_in : 0);
  if (first < last)
    append_frames (self, &audio, first, last);
  self->next_in += audio.n_samples;
  self->over = self->next_in >= self->end_in;
  gst_audio_buffer_unmap (&audio);
  if (self->pending->len < BATCH_FRAMES * GST_AUDIO_INFO_BPF (&self->in))
    return NULL;
  return convert (self, n_frames);
}

/* NULL without @error: nothing of this sample is wanted. */
static GBytes *
take_sample (
    SyrinxPcm *self, GstSample *sample, guint *n_frames, GError **error)
{
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, gst_sample_get_caps (sample))
      || GST_AUDIO_INFO_CHANNELS (&info) > 64) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "the decoder gives no audio");
    return NULL;
  }
  if (!set_input (self, &info, error)
      || !locate (self, gst_sample_get_buffer (sample), error))
    return NULL;
  return convert_buffer (self, gst_sample_get_buffer (sample), n_frames);
}

GBytes *
syrinx_pcm_pull (SyrinxPcm *self, guint *n_frames, GError **error)
{
  for (;;) {
    g_autoptr (GError) local = NULL;
    g_autoptr (GstSample) sample = NULL;
    GBytes *bytes;

    if (!self->over)
      sample = syrinx_decoder_pull (self->decoder, &local);
    /* damage in the middle costs the rest of the file, not the whole */
    self->over = self->over || !sample;
    if (self->over && !self->converter) {
      if (local)
        g_propagate_error (error, g_steal_pointer (&local));
      else
        g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
            "there is no sound in the file");
      return NULL;
    }
    bytes = sample ? take_sample (self, sample, n_frames, &local)
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
