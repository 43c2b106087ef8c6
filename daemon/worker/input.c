/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Demuxes through a descriptor. */
#include "input.h"

#include "allowed.h"
#include "bounds.h"

#include "core/base/error.h"

#include <libavcodec/vorbis_parser.h>
#include <libavutil/avstring.h>
#include <opus.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define IO_BYTES              (32 * 1024)
#define FORMAT_PROBE_BYTES    (256 * 1024)
#define PROBE_BYTES           (4 * 1024 * 1024)
#define MAX_STREAMS           64
#define MAX_RETRIES           1000
#define MIN_PROBE_SCORE       5 /* below it, random bytes pass for MPEG audio */
#define MAX_INDEX_FRAME_BYTES 2048
#define OPUS_RATE_HZ          48000
#define MAX_LOST_UNITS        (10 * OPUS_RATE_HZ)
#define OPUS_EVEN_UNITS       960

struct _SyrinxInput
{
  gint fd;
  SyrinxBounds bounds;
  gint64 position; /* bytes from bounds.begin */
  AVFormatContext *format;
  AVStream *stream;
  SyrinxPacketTotals totals;
  gboolean is_ogg;
  AVVorbisParseContext *vorbis; /* (nullable) */
  gint64 units;                 /* of the last packet */
  gint64 expected;              /* Opus: time of the next packet, or NOPTS */
  AVPacket *held;               /* Opus: follows the lost packets */
  guint n_lost;                 /* Opus: lost packets before it */
};

/* --- The descriptor --- */

static int
on_read (void *opaque, uint8_t *data, int size)
{
  SyrinxInput *self = opaque;
  gint64 at = self->bounds.begin + self->position;
  gssize n;

  if (at >= self->bounds.end)
    return AVERROR_EOF;
  size = (int)MIN ((gint64)size, self->bounds.end - at);
  do
    n = pread (self->fd, data, size, at);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return n < 0 ? AVERROR (errno) : AVERROR_EOF;
  self->position += n;
  return (int)n;
}

static int64_t
on_seek (void *opaque, int64_t offset, int whence)
{
  SyrinxInput *self = opaque;
  gint64 size = self->bounds.end - self->bounds.begin;

  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE)
    return size;
  if (whence == SEEK_CUR)
    offset += self->position;
  else if (whence == SEEK_END)
    offset += size;
  if (offset < 0 || offset > G_MAXINT64 - self->bounds.begin)
    return AVERROR (EINVAL);
  self->position = offset;
  return offset;
}

/* Refuses to open another file or a connection. */
static int
on_open_other (AVFormatContext *format, AVIOContext **io, const char *url,
    int flags, AVDictionary **options)
{
  return AVERROR (EPERM);
}

static AVIOContext *
make_io (SyrinxInput *self)
{
  guint8 *buffer = av_malloc (IO_BYTES);
  AVIOContext *io = buffer ? avio_alloc_context (
                        buffer, IO_BYTES, 0, self, on_read, NULL, on_seek)
                           : NULL;

  if (!io)
    av_free (buffer);
  return io;
}

/* --- Opening --- */

static gboolean
fail (GError **error, gint code, const gchar *reason)
{
  g_set_error_literal (error, SYRINX_ERROR, code, reason);
  return FALSE;
}

static void
close_format (SyrinxInput *self)
{
  AVIOContext *io = self->format ? self->format->pb : NULL;

  avformat_close_input (&self->format);
  if (io)
    av_freep (&io->buffer);
  avio_context_free (&io);
  self->stream = NULL;
}

static AVFormatContext *
make_format (SyrinxInput *self)
{
  AVFormatContext *format = avformat_alloc_context ();

  if (!format)
    return NULL;
  format->pb = make_io (self);
  format->flags |= AVFMT_FLAG_CUSTOM_IO;
  format->io_open = on_open_other;
  format->format_whitelist = av_strdup (syrinx_allowed_demuxers);
  format->codec_whitelist = av_strdup (syrinx_allowed_decoders);
  format->protocol_whitelist = av_strdup ("none");
  format->format_probesize = FORMAT_PROBE_BYTES;
  format->probesize = PROBE_BYTES;
  format->max_streams = MAX_STREAMS;
  if (format->pb)
    return format;
  avformat_free_context (format);
  return NULL;
}

static gboolean
open_format (SyrinxInput *self, GError **error)
{
  AVIOContext *io;

  self->position = 0;
  self->format = make_format (self);
  if (!self->format)
    return fail (error, SYRINX_ERROR_FAILED, "there is no memory left");
  io = self->format->pb;
  /* on failure this frees the context, but not its I/O context */
  if (avformat_open_input (&self->format, NULL, NULL, NULL) < 0) {
    av_freep (&io->buffer);
    avio_context_free (&io);
    return fail (error, SYRINX_ERROR_INVALID,
        "it is no audio format that is known here, or cut off in its head");
  }
  if (self->format->probe_score >= MIN_PROBE_SCORE)
    return TRUE;
  return fail (
      error, SYRINX_ERROR_INVALID, "it is no audio format that is known here");
}

/* The position of the frame that holds an encoder's gapless data, if @n_bytes
 * of junk before the first other frame end with it: the demuxer searches before
 * all junk only, and then needs two equal frames. */
static gint64
find_index_frame (SyrinxInput *self, gint64 n_bytes)
{
  static const guint offsets[]
      = { 36, 21, 13 }; /* after the side information */
  guint8 junk[MAX_INDEX_FRAME_BYTES];
  gint64 first = MAX (n_bytes - (gint64)sizeof junk, 0);
  gssize n = pread (
      self->fd, junk, (gsize)(n_bytes - first), self->bounds.begin + first);

  for (gssize i = 0; i + 40 <= n; i++)
    for (guint k = 0; k < G_N_ELEMENTS (offsets); k++) {
      const guint8 *magic = junk + i + offsets[k];

      if (junk[i] == 0xff && (junk[i + 1] & 0xe0) == 0xe0
          && (memcmp (magic, "Xing", 4) == 0 || memcmp (magic, "Info", 4) == 0
              || memcmp (magic, "VBRI", 4) == 0))
        return first + i;
    }
  return n_bytes;
}

static gboolean
open_behind_garbage (SyrinxInput *self, GError **error)
{
  gint64 at = avio_tell (self->format->pb);

  if (!syrinx_input_is (self, "mp3") || self->format->nb_streams == 0
      || self->format->streams[0]->duration != AV_NOPTS_VALUE || at <= 0
      || at >= self->bounds.end - self->bounds.begin)
    return TRUE;
  at = find_index_frame (self, at);
  close_format (self);
  self->bounds.begin += at;
  return open_format (self, error);
}

/* --- The stream --- */

static gboolean
is_sound (const AVStream *stream)
{
  return stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

static gboolean
is_known (SyrinxInput *self)
{
  if (self->format->ctx_flags & AVFMTCTX_NOHEADER)
    return FALSE;
  for (guint i = 0; i < self->format->nb_streams; i++) {
    const AVCodecParameters *codec = self->format->streams[i]->codecpar;

    if (codec->codec_type == AVMEDIA_TYPE_UNKNOWN
        || (codec->codec_type == AVMEDIA_TYPE_AUDIO
            && codec->codec_id == AV_CODEC_ID_NONE))
      return FALSE;
  }
  return TRUE;
}

/* The choice of players: the default stream, then the one with most channels,
 * then the first. */
static AVStream *
find_stream (SyrinxInput *self)
{
  AVStream *best = NULL;
  gint best_score = -1;

  for (guint i = 0; i < self->format->nb_streams; i++) {
    AVStream *stream = self->format->streams[i];
    gint score = MIN (stream->codecpar->ch_layout.nb_channels, 64);

    if (!is_sound (stream)
        || !syrinx_allowed_find_decoder (stream->codecpar->codec_id))
      continue;
    if (stream->disposition & AV_DISPOSITION_DEFAULT)
      score += 100;
    if (score > best_score) {
      best = stream;
      best_score = score;
    }
  }
  return best;
}

static gboolean
choose_stream (SyrinxInput *self, GError **error)
{
  if (!is_known (self))
    avformat_find_stream_info (self->format, NULL);
  self->stream = find_stream (self);
  if (!self->stream)
    return fail (error, SYRINX_ERROR_UNSUPPORTED,
        "there is no audio in it that is decoded here");
  for (guint i = 0; i < self->format->nb_streams; i++)
    if (self->format->streams[i] != self->stream)
      self->format->streams[i]->discard = AVDISCARD_ALL;
  return TRUE;
}

static void
prepare_vorbis (SyrinxInput *self)
{
  const AVCodecParameters *codec = self->stream->codecpar;

  if (codec->codec_id == AV_CODEC_ID_VORBIS && codec->extradata_size > 0)
    self->vorbis
        = av_vorbis_parse_init (codec->extradata, codec->extradata_size);
}

SyrinxInput *
syrinx_input_new (gint fd, GError **error)
{
  g_autoptr (SyrinxInput) self = g_new0 (SyrinxInput, 1);

  self->fd = fd;
  self->totals.is_even = TRUE;
  self->expected = AV_NOPTS_VALUE;
  self->held = av_packet_alloc ();
  self->bounds = syrinx_bounds_find (fd);
  if (!self->held || !open_format (self, error)
      || !open_behind_garbage (self, error) || !choose_stream (self, error))
    return NULL;
  self->is_ogg = syrinx_input_is (self, "ogg");
  prepare_vorbis (self);
  return g_steal_pointer (&self);
}

void
syrinx_input_free (SyrinxInput *self)
{
  close_format (self);
  av_vorbis_parse_free (&self->vorbis);
  av_packet_free (&self->held);
  g_free (self);
}

AVFormatContext *
syrinx_input_get_format (SyrinxInput *self)
{
  return self->format;
}

AVStream *
syrinx_input_get_stream (SyrinxInput *self)
{
  return self->stream;
}

gboolean
syrinx_input_is (SyrinxInput *self, const gchar *demuxer)
{
  return av_match_name (demuxer, self->format->iformat->name) != 0;
}

const SyrinxPacketTotals *
syrinx_input_get_totals (SyrinxInput *self)
{
  return &self->totals;
}

static void
add_to_totals (SyrinxInput *self, const AVPacket *packet)
{
  SyrinxPacketTotals *totals = &self->totals;

  totals->n_packets++;
  totals->n_bytes += packet->size;
  totals->largest_bytes = MAX (totals->largest_bytes, (guint)packet->size);
  if (self->stream->codecpar->codec_id == AV_CODEC_ID_OPUS)
    totals->is_even = totals->is_even && self->units == OPUS_EVEN_UNITS;
}

gboolean
syrinx_input_count_table (SyrinxInput *self, guint64 first, guint64 *n_heard)
{
  gint n = avformat_index_get_entries_count (self->stream);
  gint64 size = self->bounds.end - self->bounds.begin;
  SyrinxPacketTotals totals = self->totals;

  *n_heard = 0;
  for (gint i = (gint)MIN (first, G_MAXINT); i < n; i++) {
    const AVIndexEntry *entry = avformat_index_get_entry (self->stream, i);

    if (entry->size <= 0 || entry->pos < 0 || entry->pos > size - entry->size)
      return FALSE;
    totals.n_packets++;
    totals.n_bytes += entry->size;
    totals.largest_bytes = MAX (totals.largest_bytes, (guint)entry->size);
    *n_heard += !(entry->flags & AVINDEX_DISCARD_FRAME);
  }
  if (totals.n_packets != (guint64)n)
    return FALSE;
  self->totals = totals;
  return TRUE;
}

/* Ogg gives times only for the end of a page, and corrects them with the
 * next. */
static gint64
find_units (SyrinxInput *self, const AVPacket *packet)
{
  gint units;

  if (!self->is_ogg)
    return packet->duration;
  if (self->vorbis)
    units = av_vorbis_parse_frame (self->vorbis, packet->data, packet->size);
  else if (self->stream->codecpar->codec_id == AV_CODEC_ID_OPUS)
    units
        = opus_packet_get_nb_samples (packet->data, packet->size, OPUS_RATE_HZ);
  else
    return packet->duration;
  return MAX (units, 0);
}

gint64
syrinx_input_get_units (SyrinxInput *self)
{
  return self->units;
}

/* --- Lost packets --- */

/* The demuxer drops a damaged page of Ogg; the time of the next one tells how
 * many packets were lost. */
static guint
count_lost (SyrinxInput *self, const AVPacket *packet)
{
  gint64 gap = packet->pts - self->expected;

  if (packet->pts == AV_NOPTS_VALUE || self->expected == AV_NOPTS_VALUE
      || gap <= 0 || gap > MAX_LOST_UNITS || gap % OPUS_EVEN_UNITS != 0)
    return 0;
  return (guint)(gap / OPUS_EVEN_UNITS);
}

/* A packet of 20 ms, full band, whose one frame is lost (RFC 6716, section
 * 3.1): a decoder conceals it. */
static gboolean
make_lost (SyrinxInput *self, AVPacket *packet)
{
  if (av_new_packet (packet, 1) < 0)
    return FALSE;
  packet->data[0] = 31 << 3 | (self->held->data[0] & 4);
  packet->stream_index = self->stream->index;
  packet->pts = packet->dts = self->expected;
  packet->duration = OPUS_EVEN_UNITS;
  self->n_lost--;
  return TRUE;
}

static gboolean
is_ogg_opus (SyrinxInput *self)
{
  return self->is_ogg && self->stream->codecpar->codec_id == AV_CODEC_ID_OPUS;
}

/* Returns the packet, or the first of the lost packets before it. */
static gboolean
mind_gap (SyrinxInput *self, AVPacket *packet)
{
  self->n_lost = is_ogg_opus (self) ? count_lost (self, packet) : 0;
  if (self->n_lost == 0)
    return TRUE;
  av_packet_move_ref (self->held, packet);
  return make_lost (self, packet);
}

/* --- Reading --- */

static gboolean
read_packet (SyrinxInput *self, AVPacket *packet)
{
  for (guint n_retries = 0; n_retries < MAX_RETRIES;) {
    gint rc = av_read_frame (self->format, packet);

    if (rc == AVERROR (EAGAIN)) {
      n_retries++;
      continue;
    }
    if (rc < 0)
      return FALSE;
    if (packet->stream_index == self->stream->index && packet->size > 0)
      return TRUE;
    av_packet_unref (packet);
  }
  return FALSE;
}

static gboolean
next_packet (SyrinxInput *self, AVPacket *packet)
{
  if (self->n_lost > 0)
    return make_lost (self, packet);
  if (self->held->size > 0) {
    av_packet_move_ref (packet, self->held);
    return TRUE;
  }
  return read_packet (self, packet) && mind_gap (self, packet);
}

gboolean
syrinx_input_read (SyrinxInput *self, AVPacket *packet)
{
  if (!next_packet (self, packet))
    return FALSE;
  self->units = find_units (self, packet);
  self->expected = packet->pts == AV_NOPTS_VALUE ? AV_NOPTS_VALUE
                                                 : packet->pts + self->units;
  add_to_totals (self, packet);
  return TRUE;
}

gboolean
syrinx_input_seek (SyrinxInput *self, gint64 timestamp)
{
  return av_seek_frame (
             self->format, self->stream->index, timestamp, AVSEEK_FLAG_BACKWARD)
         >= 0;
}
