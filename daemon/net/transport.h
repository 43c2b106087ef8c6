/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One accepted connection, in the clear or by TLS: who it is from, and bytes in
 * and out without ever blocking. TLS is OpenSSL's, on the same socket, with the
 * handshake done before anybody but the endpoint sees the transport.
 *
 * Reading and writing may go on in two threads at a time (RTSP reads on the
 * main loop and writes on the I/O loop). References are counted by any thread;
 * the last one closes the socket and gives the peer's place back. */
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
  SSL *ssl;          /* (nullable) (transfer full): its handshake is done */
  const gchar *peer; /* copied */
  /* (nullable): @peer was counted there, and is given back at the end. */
  SyrinxConnections *connections;
} SyrinxTransportSettings;

/* (transfer full) */
SyrinxTransport *syrinx_transport_new (const SyrinxTransportSettings *settings);
SyrinxTransport *syrinx_transport_ref (SyrinxTransport *transport);
void syrinx_transport_unref (SyrinxTransport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTransport, syrinx_transport_unref)

/* Its socket, to wait for; never to be read or written past this interface if
 * is_tls(). (transfer none) */
int syrinx_transport_get_fd (SyrinxTransport *transport);
gboolean syrinx_transport_is_tls (SyrinxTransport *transport);
/* The address at the other end, without its port: "192.0.2.1", also where it is
 * mapped into IPv6. (transfer none) */
const gchar *syrinx_transport_get_peer (SyrinxTransport *transport);
/* Main thread only. (transfer none) (nullable): the connection is broken. */
GSocketAddress *syrinx_transport_get_local_address (SyrinxTransport *transport);

/* At most @size bytes (1 or more) into @data. Returns how many; 0 at the end of
 * input; -EAGAIN when none have come (wait for input); another negative errno
 * when the connection is broken. */
gssize
syrinx_transport_recv (SyrinxTransport *transport, gpointer data, gsize size);
/* Whether bytes have been taken from the socket that recv() has not given out:
 * by TLS, no event tells of them. Who stops reading before -EAGAIN asks. */
gboolean syrinx_transport_has_pending (SyrinxTransport *transport);
/* Sends what there is room for, 1 MiB at most. Returns how many bytes went;
 * -EAGAIN when there is no room (wait for room); another negative errno when it
 * is broken. Bytes that did not go must be offered again, as they are and
 * before any others: some of them may be encrypted already. */
gssize syrinx_transport_sendv (
    SyrinxTransport *transport, const struct iovec *parts, guint n_parts);
/* Nothing more will be sent: close_notify where there is TLS, then a FIN. What
 * has come unread by the end is dropped, since it would have the kernel take
 * back what was sent. */
void syrinx_transport_shutdown (SyrinxTransport *transport);
/* Ends it so that the peer can tell that something is missing: a reset. */
void syrinx_transport_reset (SyrinxTransport *transport);

/* As a GIOStream whose streams are GPollable, for elements and the I/O loop; it
 * holds a reference. Closing it never blocks, and shuts the connection in both
 * directions. (transfer full) */
GIOStream *syrinx_transport_to_stream (SyrinxTransport *transport);

G_END_DECLS
