/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets unchanged from the demuxer. */
#include "packets.h"

#include "facts.h"
#include "input.h"

#include "core/base/error.h"

struct _SyrinxPackets
{
  SyrinxInput *input;
  AVPacket *packet;
  enum AVCodecID codec;
};

static GstBuffer *
fail (GError **error)
{
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "the file's packets are not what they were when it was scanned");
  return NULL;
}

static gboolean
skip (SyrinxPackets *self, guint64 n)
{
  for (; n > 0; n--) {
    if (!syrinx_input_read (self->input, self->packet))
      return FALSE;
    av_packet_unref (self->packet);
  }
  return TRUE;
}

SyrinxPackets *
syrinx_packets_new (
    gint fd, SyrinxCmafCodec codec, guint64 first, GError **error)
{
  g_autoptr (SyrinxPackets) self = g_new0 (SyrinxPackets, 1);

  self->codec = codec == SYRINX_CMAF_OPUS ? AV_CODEC_ID_OPUS : AV_CODEC_ID_AAC;
  self->packet = av_packet_alloc ();
  self->input = syrinx_input_new (fd, error);
  if (!self->input)
    return NULL;
  if (self->packet
      && syrinx_input_get_stream (self->input)->codecpar->codec_id
             == self->codec
      && skip (self, first))
    return g_steal_pointer (&self);
  fail (error);
  return NULL;
}

void
syrinx_packets_free (SyrinxPackets *self)
{
  g_clear_pointer (&self->input, syrinx_input_free);
  av_packet_free (&self->packet);
  g_free (self);
}

GstBuffer *
syrinx_packets_next (SyrinxPackets *self, GError **error)
{
  GstBuffer *buffer;

  if (!syrinx_input_read (self->input, self->packet))
    return fail (error);
  if (self->packet->size > SYRINX_MAX_PACKET_BYTES
      || !syrinx_input_get_totals (self->input)->is_even) {
    av_packet_unref (self->packet);
    return fail (error);
  }
  buffer = gst_buffer_new_memdup (self->packet->data, self->packet->size);
  av_packet_unref (self->packet);
  return buffer;
}
