/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decodes by libavcodec, which removes the priming and padding that the demuxer
 * reports. */
#include "decode.h"

#include "allowed.h"
#include "backup-decoder.h"
#include "bounds.h"
#include "resample.h"

#include "core/base/error.h"

#include <libavutil/samplefmt.h>

#include <stdlib.h>
#include <string.h>

#define MAX_SILENCE_FRAMES 8192
#define MAX_GAP_SECONDS    600
#define MAX_PADDING_FRAMES 4 /* the most that a container may cut off */

struct _SyrinxDecoder
{
  SyrinxInput *input;          /* (nullable): backup is used instead */
  AVCodecContext *codec;       /* (nullable): as input */
  SyrinxBackupDecoder *backup; /* (nullable) */
  gchar *demuxer_name;
  AVPacket *packet;
  AVFrame *frame;   /* as decoded */
  AVFrame *silence; /* (nullable) */
  SyrinxResampler *resampler;
  guint rate_hz, channels, n_packets;
  gint64 first_pts;
  guint64 limit;
  guint64 position, next; /* of the last frame; of the frame after it */
  guint64 n_lost;         /* samples of undecodable packets */
  gboolean has_packet;    /* kept for a new codec */
  gboolean has_frame;     /* kept for the next pull() */
  gboolean draining, is_over;
  gboolean is_flac; /* a bare FLAC file */
};

static gboolean
fail (GError **error, gint code, const gchar *reason)
{
  g_set_error_literal (error, SYRINX_ERROR, code, reason);
  return FALSE;
}

/* --- The codec --- */

static gboolean
open_codec (SyrinxDecoder *self)
{
  AVStream *stream = syrinx_input_get_stream (self->input);
  const AVCodec *codec
      = syrinx_allowed_find_decoder (stream->codecpar->codec_id);

  avcodec_free_context (&self->codec);
  self->codec = codec ? avcodec_alloc_context3 (codec) : NULL;
  if (!self->codec
      || avcodec_parameters_to_context (self->codec, stream->codecpar) < 0)
    return FALSE;
  self->codec->pkt_timebase = stream->time_base;
  self->codec->thread_count = 1;
  self->codec->codec_whitelist = av_strdup (syrinx_allowed_decoders);
  return avcodec_open2 (self->codec, codec, NULL) >= 0;
}

/* The next link of a chained Ogg (RFC 3533, section 4); one of Opus begins with
 * samples to be skipped. */
static gboolean
is_new_link (SyrinxDecoder *self)
{
  size_t n_bytes = 0;
  const guint8 *data;

  if (self->n_packets <= 1)
    return FALSE;
  data = av_packet_get_side_data (
      self->packet, AV_PKT_DATA_NEW_EXTRADATA, &n_bytes);
  if (data)
    return n_bytes != (size_t)self->codec->extradata_size
           || memcmp (data, self->codec->extradata, n_bytes) != 0;
  if (self->codec->codec_id != AV_CODEC_ID_OPUS
      || !syrinx_input_is (self->input, "ogg"))
    return FALSE;
  data = av_packet_get_side_data (
      self->packet, AV_PKT_DATA_SKIP_SAMPLES, &n_bytes);
  return data && n_bytes >= 4 && memcmp (data, "\0\0\0\0", 4) != 0;
}

/* Takes the parameters of a new link; those of Opus are read by the demuxer. */
static gboolean
take_extradata (SyrinxDecoder *self)
{
  AVCodecParameters *parameters
      = syrinx_input_get_stream (self->input)->codecpar;
  size_t n_bytes = 0;
  const guint8 *extra = av_packet_get_side_data (
      self->packet, AV_PKT_DATA_NEW_EXTRADATA, &n_bytes);
  guint8 *copy;

  if (!extra)
    return open_codec (self);
  copy = av_mallocz (n_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
  if (!copy)
    return FALSE;
  memcpy (copy, extra, n_bytes);
  av_free (parameters->extradata);
  parameters->extradata = copy;
  parameters->extradata_size = (int)n_bytes;
  return open_codec (self);
}

/* The last header packet of a new Vorbis link, which the decoder takes as a
 * packet: nothing of the previous link overlaps with what follows. */
static gboolean
is_vorbis_setup (SyrinxDecoder *self)
{
  return self->codec->codec_id == AV_CODEC_ID_VORBIS && self->packet->size > 7
         && memcmp (self->packet->data, "\5vorbis", 7) == 0;
}

/* --- Packets --- */

static guint64
get_packet_samples (SyrinxDecoder *self)
{
  AVRational base = syrinx_input_get_stream (self->input)->time_base;
  gint64 units = syrinx_input_get_units (self->input);

  if (units <= 0 || !self->rate_hz)
    return 0;
  return av_rescale (units, (gint64)base.num * self->rate_hz, base.den);
}

static void
send_packet (SyrinxDecoder *self)
{
  gboolean is_setup = is_vorbis_setup (self);

  if (avcodec_send_packet (self->codec, self->packet) < 0
      && (self->next > 0 || self->has_frame))
    self->n_lost += get_packet_samples (self);
  if (is_setup)
    avcodec_flush_buffers (self->codec);
  av_packet_unref (self->packet);
}

/* FALSE: there are no more packets, and the codec is drained. */
static gboolean
feed (SyrinxDecoder *self)
{
  if (!syrinx_input_read (self->input, self->packet)) {
    self->draining = TRUE;
    avcodec_send_packet (self->codec, NULL);
    return FALSE;
  }
  self->n_packets++;
  if (is_new_link (self)) {
    self->has_packet = self->draining = TRUE;
    avcodec_send_packet (self->codec, NULL);
    return TRUE;
  }
  send_packet (self);
  return TRUE;
}

/* The codec is drained. FALSE: for good. */
static gboolean
go_on (SyrinxDecoder *self)
{
  if (!self->has_packet)
    return FALSE;
  self->has_packet = self->draining = FALSE;
  if (!take_extradata (self)) {
    av_packet_unref (self->packet);
    return FALSE;
  }
  send_packet (self);
  return TRUE;
}

/* --- Frames --- */

static gboolean
is_frame_sane (const AVFrame *frame)
{
  return frame->nb_samples > 0 && frame->ch_layout.nb_channels >= 1
         && frame->ch_layout.nb_channels <= SYRINX_MAX_CHANNELS
         && frame->sample_rate >= SYRINX_MIN_RATE_HZ
         && frame->sample_rate <= SYRINX_MAX_RATE_HZ;
}

static gboolean
receive_frame (SyrinxDecoder *self)
{
  while (self->backup) {
    if (!syrinx_backup_decoder_next (self->backup, self->frame))
      return FALSE;
    if (is_frame_sane (self->frame))
      return TRUE;
  }
  for (;;) {
    gint rc = avcodec_receive_frame (self->codec, self->frame);

    if (rc >= 0 && is_frame_sane (self->frame))
      return TRUE;
    if (rc >= 0)
      continue;
    if (rc == AVERROR (EAGAIN) && !self->draining) {
      feed (self);
    } else if (rc == AVERROR (EAGAIN) || rc == AVERROR_EOF) {
      if (!go_on (self))
        return FALSE;
    } else if (self->draining && !self->has_packet) {
      return FALSE;
    }
  }
}

/* FLAC frames state their position: a gap between two readable frames becomes
 * silence. */
static void
mind_gap (SyrinxDecoder *self)
{
  guint64 due = self->next + self->n_lost;
  gint64 at = self->frame->best_effort_timestamp;

  if (!self->is_flac || !self->rate_hz || at == AV_NOPTS_VALUE
      || self->first_pts == AV_NOPTS_VALUE || at - self->first_pts <= 0)
    return;
  at -= self->first_pts;
  if ((guint64)at > due
      && (guint64)at - due <= (guint64)MAX_GAP_SECONDS * self->rate_hz)
    self->n_lost += (guint64)at - due;
}

/* The next frame, resampled to the rate of the first one. */
static gboolean
next_frame (SyrinxDecoder *self)
{
  if (self->is_over)
    return FALSE;
  for (;;) {
    if (!receive_frame (self)) {
      self->is_over = TRUE;
      return syrinx_resampler_finish (
          self->resampler, self->frame, self->rate_hz);
    }
    mind_gap (self);
    if (!self->rate_hz
        || syrinx_resampler_run (self->resampler, self->frame, self->rate_hz))
      return TRUE;
  }
}

static const AVFrame *
give (SyrinxDecoder *self, AVFrame *frame)
{
  guint64 left = self->limit > self->next ? self->limit - self->next : 0;

  frame->nb_samples = (gint)MIN ((guint64)frame->nb_samples, left);
  self->position = self->next;
  self->next += frame->nb_samples;
  return frame->nb_samples > 0 ? frame : NULL;
}

static AVFrame *
make_silence (SyrinxDecoder *self)
{
  AVFrame *silence;

  av_frame_free (&self->silence);
  self->silence = silence = av_frame_alloc ();
  if (!silence)
    return NULL;
  silence->format = self->frame->format;
  silence->sample_rate = self->frame->sample_rate;
  silence->nb_samples = (gint)MIN (self->n_lost, MAX_SILENCE_FRAMES);
  if (av_channel_layout_copy (&silence->ch_layout, &self->frame->ch_layout) < 0
      || av_frame_get_buffer (silence, 0) < 0)
    return NULL;
  av_samples_set_silence (silence->extended_data, 0, silence->nb_samples,
      silence->ch_layout.nb_channels, silence->format);
  return silence;
}

const AVFrame *
syrinx_decoder_pull (SyrinxDecoder *self)
{
  AVFrame *silence;

  if (!self->has_frame && !next_frame (self))
    return NULL;
  self->has_frame = self->n_lost > 0;
  if (self->n_lost == 0)
    return give (self, self->frame);
  silence = make_silence (self);
  if (!silence)
    return NULL;
  self->n_lost -= silence->nb_samples;
  return give (self, silence);
}

/* --- The end of the audio --- */

/* iTunes' gapless data: priming, padding, samples (hexadecimal). */
static guint64
read_itunes_samples (SyrinxDecoder *self)
{
  AVDictionaryEntry *entry = av_dict_get (
      syrinx_input_get_format (self->input)->metadata, "iTunSMPB", NULL, 0);
  g_auto (GStrv) words
      = entry ? g_strsplit (g_strstrip (entry->value), " ", 5) : NULL;

  return words && g_strv_length (words) > 3
             ? g_ascii_strtoull (words[3], NULL, 16)
             : 0;
}

/* The number of audible samples of all packets in the table, at the decoded
 * rate. */
static gint64
count_table (SyrinxDecoder *self)
{
  AVStream *stream = syrinx_input_get_stream (self->input);
  gint64 n = 0;

  for (gint i = 0; i < avformat_index_get_entries_count (stream); i++)
    if (!(avformat_index_get_entry (stream, i)->flags & AVINDEX_DISCARD_FRAME))
      n += MAX (self->codec->frame_size, 0);
  return n;
}

/* The end that an MP4 states is used if it cuts off a part of the last packets;
 * any other value is an error of the file, or has been applied by the
 * demuxer. */
static void
find_limit (SyrinxDecoder *self)
{
  AVStream *stream = syrinx_input_get_stream (self->input);
  guint64 itunes = read_itunes_samples (self);
  gint64 told
      = itunes > 0 && itunes < G_MAXINT64 ? (gint64)itunes : stream->duration;
  gint64 all = count_table (self);

  self->limit = G_MAXUINT64;
  if (syrinx_input_is (self->input, "mov") && stream->time_base.num == 1
      && stream->time_base.den == (gint)self->rate_hz && told > 0 && told <= all
      && all - told <= (gint64)MAX_PADDING_FRAMES * self->codec->frame_size)
    self->limit = told;
}

/* --- Creation --- */

static gboolean
decode_first (SyrinxDecoder *self, GError **error)
{
  if (!next_frame (self))
    return fail (error, SYRINX_ERROR_INVALID,
        "there is no sound in it that can be decoded");
  self->rate_hz = self->frame->sample_rate;
  self->channels = self->frame->ch_layout.nb_channels;
  self->first_pts = self->frame->best_effort_timestamp;
  self->has_frame = TRUE;
  self->is_flac = self->input && syrinx_input_is (self->input, "flac");
  if (self->input)
    find_limit (self);
  return TRUE;
}

static gboolean
open_input (SyrinxDecoder *self, gint fd, GError **error)
{
  const gchar *names;

  self->input = syrinx_input_new (fd, error);
  if (!self->input)
    return FALSE;
  names = syrinx_input_get_format (self->input)->iformat->name;
  self->demuxer_name = g_strndup (names, strcspn (names, ","));
  return open_codec (self)
         || fail (error, SYRINX_ERROR_INVALID,
             "its codec's parameters make no sense or are not supported");
}

/* A file that libavcodec can't read is tried with the backup decoders. */
static gboolean
open_backup (SyrinxDecoder *self, gint fd)
{
  SyrinxBounds bounds = syrinx_bounds_find (fd);

  self->backup = syrinx_backup_decoder_new (fd, &bounds);
  if (!self->backup)
    return FALSE;
  g_clear_pointer (&self->input, syrinx_input_free);
  avcodec_free_context (&self->codec);
  g_free (self->demuxer_name);
  self->demuxer_name = g_strdup (syrinx_backup_decoder_get_name (self->backup));
  self->draining = self->is_over = FALSE;
  return decode_first (self, NULL);
}

SyrinxDecoder *
syrinx_decoder_new (gint fd, GError **error)
{
  g_autoptr (SyrinxDecoder) self = g_new0 (SyrinxDecoder, 1);
  g_autoptr (GError) reason = NULL;

  self->limit = G_MAXUINT64;
  self->resampler = syrinx_resampler_new ();
  self->packet = av_packet_alloc ();
  self->frame = av_frame_alloc ();
  if (!self->packet || !self->frame) {
    fail (error, SYRINX_ERROR_FAILED, "there is no memory left");
    return NULL;
  }
  if ((open_input (self, fd, &reason) && decode_first (self, &reason))
      || open_backup (self, fd))
    return g_steal_pointer (&self);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

void
syrinx_decoder_free (SyrinxDecoder *self)
{
  avcodec_free_context (&self->codec);
  av_packet_free (&self->packet);
  av_frame_free (&self->frame);
  av_frame_free (&self->silence);
  syrinx_resampler_free (self->resampler);
  g_clear_pointer (&self->backup, syrinx_backup_decoder_free);
  g_clear_pointer (&self->input, syrinx_input_free);
  g_free (self->demuxer_name);
  g_free (self);
}

/* --- Seeking --- */

/* Formats whose packets have exact times, and decode alike from any
 * position. */
gboolean
syrinx_decoder_is_exact (SyrinxDecoder *self)
{
  static const struct
  {
    const gchar *demuxer, *codec;
  } exact[] = { { "flac", "flac" }, { "mov", "alac" }, { "mov", "aac" },
    { "wav", "pcm" }, { "aiff", "pcm" }, { "w64", "pcm" }, { "au", "pcm" } };
  const gchar *codec = syrinx_decoder_get_codec_name (self);
  AVRational base;

  if (!self->input)
    return FALSE;
  base = syrinx_input_get_stream (self->input)->time_base;
  for (guint i = 0; i < G_N_ELEMENTS (exact); i++)
    if (syrinx_input_is (self->input, exact[i].demuxer)
        && strcmp (codec, exact[i].codec) == 0)
      return base.num == 1 && base.den == (gint)self->rate_hz
             && self->first_pts != AV_NOPTS_VALUE;
  return FALSE;
}

gboolean
syrinx_decoder_seek (SyrinxDecoder *self, guint64 sample)
{
  gint64 at;

  if (!syrinx_decoder_is_exact (self) || sample > G_MAXINT32 * (guint64)1024
      || !syrinx_input_seek (self->input, self->first_pts + (gint64)sample))
    return FALSE;
  avcodec_flush_buffers (self->codec);
  self->has_frame = self->draining = self->is_over = FALSE;
  self->n_lost = 0;
  self->next = G_MAXUINT64 / 2; /* no gap before the first frame */
  if (!next_frame (self))
    return FALSE;
  at = self->frame->best_effort_timestamp;
  if (at == AV_NOPTS_VALUE || at < self->first_pts
      || (guint64)(at - self->first_pts) > sample)
    return FALSE;
  self->next = at - self->first_pts;
  self->has_frame = TRUE;
  return TRUE;
}

/* --- Properties --- */

SyrinxInput *
syrinx_decoder_get_input (SyrinxDecoder *self)
{
  return self->input;
}

const AVCodecContext *
syrinx_decoder_get_codec (SyrinxDecoder *self)
{
  return self->codec;
}

const gchar *
syrinx_decoder_get_demuxer_name (SyrinxDecoder *self)
{
  return self->demuxer_name;
}

const gchar *
syrinx_decoder_get_codec_name (SyrinxDecoder *self)
{
  return self->backup ? syrinx_backup_decoder_get_name (self->backup)
                      : syrinx_allowed_get_name (self->codec->codec_id);
}

gint64
syrinx_decoder_get_first_pts (SyrinxDecoder *self)
{
  return self->first_pts;
}

guint
syrinx_decoder_get_rate_hz (SyrinxDecoder *self)
{
  return self->rate_hz;
}

guint
syrinx_decoder_get_channels (SyrinxDecoder *self)
{
  return self->channels;
}

guint64
syrinx_decoder_get_limit (SyrinxDecoder *self)
{
  return self->limit;
}

guint
syrinx_decoder_get_n_packets (SyrinxDecoder *self)
{
  return self->n_packets;
}

guint64
syrinx_decoder_get_position (SyrinxDecoder *self)
{
  return self->position;
}
