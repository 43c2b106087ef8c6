/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign file as its demuxer gives it: packets of the one stream of sound
 * that is played. libavformat reads through the descriptor and through nothing
 * else. Worker's main thread only. */
#pragma once

#include <libavformat/avformat.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxInput SyrinxInput;

/* @fd must stay open; its position is not used. (transfer full) Errors: INVALID
 * (no format that is known, or damaged), UNSUPPORTED (nothing in it that is
 * decoded here). */
SyrinxInput *syrinx_input_new (gint fd, GError **error);
void syrinx_input_free (SyrinxInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxInput, syrinx_input_free)

/* (transfer none) */
AVFormatContext *syrinx_input_get_format (SyrinxInput *input);
AVStream *syrinx_input_get_stream (SyrinxInput *input);
/* Whether the demuxer goes by that name, such as "ogg" or "mov". */
gboolean syrinx_input_is (SyrinxInput *input, const gchar *demuxer);

/* What was read so far. */
typedef struct
{
  guint64 n_packets, n_bytes;
  guint largest_bytes;
  gboolean is_even; /* Opus: every packet is of 20 ms */
} SyrinxPacketTotals;

const SyrinxPacketTotals *syrinx_input_get_totals (SyrinxInput *input);
/* Adds what the container's table says of the packets from @first on, without
 * reading them. The number of those that are to be heard goes into *@n_heard.
 * FALSE: there is none, or not all of them are in the file. */
gboolean
syrinx_input_count_table (SyrinxInput *input, guint64 first, guint64 *n_heard);

/* The next packet. FALSE: the end, or where the file can't be read on. */
gboolean syrinx_input_read (SyrinxInput *input, AVPacket *packet);
/* Of the packet that was read last: what a decoder makes of it before padding
 * is left out, in the stream's time base; 0 if that is not known. */
gint64 syrinx_input_get_units (SyrinxInput *input);
/* To a packet at or before @timestamp, in the stream's time base. */
gboolean syrinx_input_seek (SyrinxInput *input, gint64 timestamp);

G_END_DECLS
