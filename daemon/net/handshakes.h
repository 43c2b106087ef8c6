/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS handshakes of one endpoint: accepted sockets in, transports out.
 *
 * A connection costs a descriptor until its whole ClientHello has arrived in
 * the kernel's buffer. Then it waits for a place, of which there are 64 in all
 * and 16 for one client (see peer.h). Waiting clients take turns, so a client
 * that opens many connections delays only itself. A place is given back when
 * the handshake ends. When no place is left for a waiting connection, one that
 * has had its place for more than a second is cut off: of the client with most
 * places, the one that has had it for the longest. Every connection is cut off
 * after ten seconds. */
#pragma once

#include "reactor.h"
#include "tls-context.h"
#include "transport.h"

G_BEGIN_DECLS

#define SYRINX_HANDSHAKE_TIMEOUT_S                                             \
  10 /* from accept() to the end of the handshake */
#define SYRINX_HANDSHAKE_GRACE_MS        1000
#define SYRINX_MAX_HANDSHAKES            64
#define SYRINX_MAX_HANDSHAKES_PER_CLIENT 16

typedef struct _SyrinxHandshakes SyrinxHandshakes;

typedef struct
{
  SyrinxReactor *reactor;
  SyrinxTlsContext *tls;
  const gchar *alpn, *plain_answer; /* as the endpoint's */
  void (*done) (SyrinxTransport *transport, gpointer user_data);
  gpointer user_data;
} SyrinxHandshakesSettings;

/* Copies the settings. (transfer full) */
SyrinxHandshakes *
syrinx_handshakes_new (const SyrinxHandshakesSettings *settings);
/* Closes connections whose handshakes are not done. */
void syrinx_handshakes_free (SyrinxHandshakes *handshakes);

/* Takes over @fd, whose peer is @peer and was counted in @connections
 * (nullable). */
void syrinx_handshakes_add (SyrinxHandshakes *handshakes, int fd,
    const gchar *peer, SyrinxConnections *connections);

G_END_DECLS
