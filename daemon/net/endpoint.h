/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An address at which clients connect: binds, accepts, and hands each
 * connection over when it is ready, with TLS after its handshake. The rules for
 * new connections that all faces share are here and nowhere else: the backlog,
 * the pause when descriptors run out, the number of connections of one client
 * (see peer.h), and the bounds on handshakes (see handshakes.h). Used by the
 * thread of its reactor. */
#pragma once

#include "connections.h"
#include "reactor.h"
#include "tls-context.h"
#include "transport.h"

G_BEGIN_DECLS

typedef struct _SyrinxEndpoint SyrinxEndpoint;

/* @transport: (transfer full), its socket non-blocking and with TCP_NODELAY
 * set. The callback may free the endpoint. */
typedef void (*SyrinxAcceptFunc) (
    SyrinxTransport *transport, gpointer user_data);

typedef struct
{
  const gchar *address;  /* ADDRESS:PORT, as configured */
  const gchar *option;   /* "--http": the option that the error names */
  SyrinxTlsContext *tls; /* (nullable): no TLS */
  /* The protocol for ALPN, such as "http/1.1", a static string. (nullable):
   * none is negotiated. */
  const gchar *alpn;
  /* What a client is sent that does not speak TLS where TLS is expected, a
   * static string. (nullable): it is disconnected without an answer. */
  const gchar *plain_answer;
  SyrinxReactor *reactor;         /* on which it accepts */
  SyrinxConnections *connections; /* counts them; endpoints share it */
  /* How many connections the client of address @peer may have; asked for each
   * new one, so that a reload takes effect. 0: any number, as for a trusted
   * proxy. */
  guint (*get_max) (const gchar *peer, gpointer user_data);
  SyrinxAcceptFunc accepted;
  gpointer user_data;
} SyrinxEndpointSettings;

/* Copies the settings. Errors: INVALID, BUSY (the port), FAILED; the message
 * says what to do about it. (transfer full) */
SyrinxEndpoint *
syrinx_endpoint_new (const SyrinxEndpointSettings *settings, GError **error);
/* Stops listening, and closes connections that have not been handed over. */
void syrinx_endpoint_free (SyrinxEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEndpoint, syrinx_endpoint_free)

/* The bound address, with the port that the kernel chose for 0. (transfer
 * none) */
GSocketAddress *syrinx_endpoint_get_address (SyrinxEndpoint *endpoint);

G_END_DECLS
