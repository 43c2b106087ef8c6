/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One accepted connection, with or without TLS: the peer's address, and bytes
 * in and out without ever blocking. OpenSSL does TLS on the same socket; only
 * the endpoint sees a transport before its handshake is done.
 *
 * Two threads may read and write at the same time (RTSP reads on the main loop
 * and writes on the I/O loop). References are counted by any thread; the last
 * one closes the socket and lowers the peer's count of connections. */
#pragma once

#include "connections.h"

#include <gio/gio.h>
#include <openssl/ssl.h>
#include <sys/uio.h>

G_BEGIN_DECLS

typedef struct _SyrinxTransport SyrinxTransport;

typedef struct
{
  int fd;            /* non-blocking; taken over */
  SSL *ssl;          /* (nullable) (transfer full): handshake done */
  const gchar *peer; /* copied */
  /* (nullable): @peer was counted there; the count is lowered at the end. */
  SyrinxConnections *connections;
} SyrinxTransportSettings;

/* (transfer full) */
SyrinxTransport *syrinx_transport_new (const SyrinxTransportSettings *settings);
SyrinxTransport *syrinx_transport_ref (SyrinxTransport *transport);
void syrinx_transport_unref (SyrinxTransport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTransport, syrinx_transport_unref)

/* The socket, for polling only: with TLS it must never be read or written
 * directly. (transfer none) */
int syrinx_transport_get_fd (SyrinxTransport *transport);
gboolean syrinx_transport_is_tls (SyrinxTransport *transport);
/* The peer's address without its port: "192.0.2.1", also if it is mapped into
 * IPv6. (transfer none) */
const gchar *syrinx_transport_get_peer (SyrinxTransport *transport);
/* Main thread only. (transfer none) (nullable): the connection is broken. */
GSocketAddress *syrinx_transport_get_local_address (SyrinxTransport *transport);

/* Reads at most @size bytes (1 or more) into @data. Returns how many; 0 at the
 * end of input; -EAGAIN when there are none yet (poll for input); another
 * negative errno when the connection is broken. */
gssize
syrinx_transport_recv (SyrinxTransport *transport, gpointer data, gsize size);
/* Whether bytes have been read from the socket that recv() has not returned
 * yet: with TLS, polling does not report them. To be asked by a caller that
 * stops reading before -EAGAIN. */
gboolean syrinx_transport_has_pending (SyrinxTransport *transport);
/* Sends as much as the socket takes, 1 MiB at most. Returns how many bytes were
 * sent; -EAGAIN when the socket is full (poll for output); another negative
 * errno when the connection is broken. Bytes that were not sent must be offered
 * again, unchanged and before any others: some of them may be encrypted
 * already. */
gssize syrinx_transport_sendv (
    SyrinxTransport *transport, const struct iovec *parts, guint n_parts);
/* Ends the output: close_notify with TLS, then a FIN. Input that is unread when
 * the transport is freed is dropped first, since close() would otherwise reset
 * the connection and lose what was sent. */
void syrinx_transport_shutdown (SyrinxTransport *transport);
/* Resets the connection, so that the peer can tell that something is
 * missing. */
void syrinx_transport_reset (SyrinxTransport *transport);

G_END_DECLS
