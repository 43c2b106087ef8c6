/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign file as its demuxer reads it: packets of the one audio stream that
 * is played. libavformat reads through the descriptor only. Worker's main
 * thread only. */
#pragma once

#include <libavformat/avformat.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxInput SyrinxInput;

/* @fd must stay open; its position is not used. (transfer full) Errors: INVALID
 * (unknown format, or damaged), UNSUPPORTED (no stream that can be decoded
 * here). */
SyrinxInput *syrinx_input_new (gint fd, GError **error);
void syrinx_input_free (SyrinxInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxInput, syrinx_input_free)

/* (transfer none) */
AVFormatContext *syrinx_input_get_format (SyrinxInput *input);
AVStream *syrinx_input_get_stream (SyrinxInput *input);
/* Whether @demuxer, such as "ogg" or "mov", is a name of the file's demuxer. */
gboolean syrinx_input_is (SyrinxInput *input, const gchar *demuxer);

/* What has been read so far. */
typedef struct
{
  guint64 n_packets, n_bytes;
  guint largest_bytes;
  gboolean is_even; /* Opus: all packets last 20 ms */
} SyrinxPacketTotals;

const SyrinxPacketTotals *syrinx_input_get_totals (SyrinxInput *input);
/* Adds the table entries of the packets from @first on, without reading the
 * packets. *@n_heard is set to the number of audible ones. FALSE: there is no
 * table, or not all packets are in the file. */
gboolean
syrinx_input_count_table (SyrinxInput *input, guint64 first, guint64 *n_heard);

/* The next packet. FALSE: the end, or the rest can't be read. */
gboolean syrinx_input_read (SyrinxInput *input, AVPacket *packet);
/* The decoded duration of the last packet before padding is removed, in the
 * stream's time base; 0 if it is unknown. */
gint64 syrinx_input_get_units (SyrinxInput *input);
/* Seeks to a packet at or before @timestamp, in the stream's time base. */
gboolean syrinx_input_seek (SyrinxInput *input, gint64 timestamp);

G_END_DECLS
