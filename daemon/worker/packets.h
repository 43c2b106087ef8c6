/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets of a file that may be passed on unchanged: see packet_bps in
 * facts.h. Worker's main thread only. */
#pragma once

#include "core/media/cmaf.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _SyrinxPackets SyrinxPackets;

/* Starts at packet @first. @fd must stay open. Errors: as syrinx_input_new();
 * INVALID. */
SyrinxPackets *syrinx_packets_new (
    gint fd, SyrinxCmafCodec codec, guint64 first, GError **error);
void syrinx_packets_free (SyrinxPackets *packets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxPackets, syrinx_packets_free)

/* (transfer full) Errors: INVALID (there is no further packet, or it differs
 * from what the scan found). */
GstBuffer *syrinx_packets_next (SyrinxPackets *packets, GError **error);

G_END_DECLS
