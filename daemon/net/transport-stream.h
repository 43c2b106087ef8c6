/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A transport as a GIOStream, for `syrinxclientsink` and the I/O loop, which
 * take one. Without TLS its streams are GFileDescriptorBased, so the I/O loop
 * writes to the descriptor itself, for many clients by one call; with TLS they
 * are GPollable and go through the transport. The GIOStream itself is always
 * GFileDescriptorBased, so that the end of the connection can be watched
 * for. */
#pragma once

#include "transport.h"

G_BEGIN_DECLS

#define SYRINX_TYPE_TRANSPORT_STREAM (syrinx_transport_stream_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxTransportStream, syrinx_transport_stream, SYRINX,
    TRANSPORT_STREAM, GIOStream)

/* Holds a reference to @transport. Closing the stream never blocks, and shuts
 * the connection in both directions. (transfer full) */
GIOStream *syrinx_transport_stream_new (SyrinxTransport *transport);

G_END_DECLS
