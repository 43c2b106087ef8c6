/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets by a file's own structure: Opus page by page, AAC by its sample
 * table. */
#include "packets.h"

#include "daemon/worker/facts/facts.h"
#include "daemon/worker/facts/ogg-pages.h"

#include "core/base/error.h"

struct _SyrinxPackets
{
  SyrinxWindow *window;
  SyrinxCmafCodec codec;

  /* Opus */
  SyrinxOgg ogg;
  GByteArray *packet;

  /* AAC */
  SyrinxFacts facts;
  guint64 next;
};

static GstBuffer *
fail (GError **error)
{
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "the file's packets are not what they were when it was scanned");
  return NULL;
}

/* --- Opus --- */

/* OpusHead, OpusTags, and what is not wanted. */
static gboolean
skip_opus (SyrinxPackets *self, guint64 first)
{
  for (guint64 i = 0; i < first + 2; i++)
    if (!syrinx_ogg_next_packet (
            &self->ogg, self->packet, SYRINX_FACTS_MAX_TAG_BYTES, NULL))
      return FALSE;
  return TRUE;
}

static GstBuffer *
next_opus (SyrinxPackets *self, GError **error)
{
  GByteArray *packet = self->packet;
  gboolean damaged = FALSE;

  if (!syrinx_ogg_next_packet (
          &self->ogg, packet, SYRINX_MAX_PACKET_BYTES, &damaged)
      || packet->len == 0
      || syrinx_opus_get_units (packet->data, packet->len)
             != SYRINX_OPUS_PACKET_UNITS)
    return fail (error);
  if (damaged) { /* 20 ms of full band in one frame, and that is lost */
    packet->data[0] = 31 << 3 | (packet->data[0] & 4);
    g_byte_array_set_size (packet, 1);
  }
  return gst_buffer_new_memdup (packet->data, packet->len);
}

/* --- AAC --- */

static GstBuffer *
next_aac (SyrinxPackets *self, GError **error)
{
  const SyrinxPiece *piece;
  const guint8 *data;

  if (self->next >= self->facts.packets->len)
    return fail (error);
  piece = &g_array_index (self->facts.packets, SyrinxPiece, self->next++);
  data = syrinx_window_get (self->window, piece->at, piece->n_bytes);
  return data ? gst_buffer_new_memdup (data, piece->n_bytes) : fail (error);
}

/* --- Both --- */

SyrinxPackets *
syrinx_packets_new (
    gint fd, SyrinxCmafCodec codec, guint64 first, GError **error)
{
  g_autoptr (SyrinxPackets) self = g_new0 (SyrinxPackets, 1);
  gboolean ok;

  self->codec = codec;
  self->packet = g_byte_array_new ();
  self->window = self->ogg.window = syrinx_window_new (fd);
  self->next = first;
  if (codec == SYRINX_CMAF_OPUS)
    ok = self->window && skip_opus (self, first);
  else
    ok = self->window && syrinx_facts_read (fd, &self->facts)
         && self->facts.packets;
  if (ok)
    return g_steal_pointer (&self);
  fail (error);
  return NULL;
}

void
syrinx_packets_free (SyrinxPackets *self)
{
  syrinx_facts_clear (&self->facts);
  g_byte_array_unref (self->packet);
  g_free (self->window);
  g_free (self);
}

GstBuffer *
syrinx_packets_next (SyrinxPackets *self, GError **error)
{
  return self->codec == SYRINX_CMAF_OPUS ? next_opus (self, error)
                                         : next_aac (self, error);
}
