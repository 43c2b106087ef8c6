/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A transport as a GIOStream: for what asks for one, `syrinxclientsink` and the
 * I/O loop. In the clear its streams are the descriptor itself
 * (GFileDescriptorBased), so that the I/O loop writes to it by one call for
 * many clients; by TLS they are GPollable and go through the transport. The
 * GIOStream itself is GFileDescriptorBased always, to be watched for a
 * connection that ends. */
#pragma once

#include "transport.h"

G_BEGIN_DECLS

#define SYRINX_TYPE_TRANSPORT_STREAM (syrinx_transport_stream_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxTransportStream, syrinx_transport_stream, SYRINX,
    TRANSPORT_STREAM, GIOStream)

/* Holds a reference to @transport. (transfer full) */
GIOStream *syrinx_transport_stream_new (SyrinxTransport *transport);

G_END_DECLS
