/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front of HTTPS: takes connections, bounds and times their handshakes, and
 * hands over what has come through. TLS 1.2 and later, HTTP/1.1 only: streams
 * are taken out of their connection. Main thread only. */
#pragma once

#include "connections.h"
#include "daemon/engine.h"

G_BEGIN_DECLS

/* Takes over @stream, which is a layer on @connection. */
typedef void (*SyrinxHandOver) (
    GSocketConnection *connection, GIOStream *stream, gpointer user_data);

typedef struct _SyrinxTlsFront SyrinxTlsFront;

/* Listens on @address with the certificate that the engine has at the time of a
 * handshake. Errors: as g_socket_bind() and g_socket_listen(). */
SyrinxTlsFront *syrinx_tls_front_new (SyrinxEngine *engine,
    GSocketAddress *address, SyrinxConnections *connections,
    SyrinxHandOver hand_over, gpointer user_data, GError **error);
/* Handshakes end; connections that were handed over go on. */
void syrinx_tls_front_free (SyrinxTlsFront *front);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTlsFront, syrinx_tls_front_free)

/* Where it listens, with the port that 0 became. (transfer full) */
GSocketAddress *syrinx_tls_front_get_address (SyrinxTlsFront *front);

/* The head of a request has come from @remote, the very object that the
 * connection has: it is not cut off for being silent any more. */
void syrinx_tls_front_note_request (GSocketAddress *remote);

G_END_DECLS
