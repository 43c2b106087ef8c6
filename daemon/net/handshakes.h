/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS handshakes of one endpoint: newcomers in, transports out.
 *
 * A newcomer costs a descriptor until its whole ClientHello has come, which the
 * kernel keeps. Then it waits for a place, of which there are 64 for all and 16
 * for one client (see peer.h); clients that wait take turns, so that who opens
 * many connections keeps only himself waiting. A place goes back with the end
 * of the handshake. Where none is left for somebody who waits, the one that has
 * had his place for the longest is cut off, once he has had a second; of all
 * clients that have a place, the one with most gives it. Everything is over
 * after ten seconds. */
#pragma once

#include "reactor.h"
#include "tls-context.h"
#include "transport.h"

G_BEGIN_DECLS

#define SYRINX_HANDSHAKE_TIMEOUT_S       10 /* from accept() to its end */
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
/* Ends those that are not done. */
void syrinx_handshakes_free (SyrinxHandshakes *handshakes);

/* Takes @fd over, of @peer, which was counted in @connections (nullable). */
void syrinx_handshakes_add (SyrinxHandshakes *handshakes, int fd,
    const gchar *peer, SyrinxConnections *connections);

G_END_DECLS
