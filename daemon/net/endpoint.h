/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An address at which clients connect: binds, accepts, and hands each
 * connection over when it is ready to speak, which by TLS means after its
 * handshake. Everything that all faces must do alike with newcomers happens
 * here and nowhere else: the backlog, the pause when descriptors run out, the
 * number of connections of one client (see peer.h), and the bounds on
 * handshakes (see handshakes.h). Used by the thread of its reactor. */
#pragma once

#include "connections.h"
#include "reactor.h"
#include "tls-context.h"
#include "transport.h"

G_BEGIN_DECLS

typedef struct _SyrinxEndpoint SyrinxEndpoint;

/* @transport: (transfer full): with the socket non-blocking and TCP_NODELAY
 * set. The endpoint may be freed from here. */
typedef void (*SyrinxAcceptFunc) (
    SyrinxTransport *transport, gpointer user_data);

typedef struct
{
  const gchar *address;  /* ADDRESS:PORT, as configured */
  const gchar *option;   /* "--http", for the error that names it */
  SyrinxTlsContext *tls; /* (nullable): in the clear */
  /* The protocol for ALPN, "http/1.1", a string that lives for ever;
   * (nullable): none is negotiated. */
  const gchar *alpn;
  /* What is said to who speaks in the clear where TLS is spoken, a string that
   * lives for ever; (nullable): he is cut off without a word. */
  const gchar *plain_answer;
  SyrinxReactor *reactor;         /* on which it accepts */
  SyrinxConnections *connections; /* counts them; shared by endpoints */
  /* How many one client may have, by one address of his; asked at each
   * newcomer, so that a reload counts. 0: any number, which is what a trusted
   * proxy gets.
   */
  guint (*get_max) (const gchar *peer, gpointer user_data);
  SyrinxAcceptFunc accepted;
  gpointer user_data;
} SyrinxEndpointSettings;

/* Copies the settings. Errors: INVALID, BUSY (the port), FAILED, with what to
 * do about it. (transfer full) */
SyrinxEndpoint *
syrinx_endpoint_new (const SyrinxEndpointSettings *settings, GError **error);
/* Stops listening and ends what has not been handed over. */
void syrinx_endpoint_free (SyrinxEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEndpoint, syrinx_endpoint_free)

/* As it was bound, with the port that the kernel chose for 0. (transfer none)
 */
GSocketAddress *syrinx_endpoint_get_address (SyrinxEndpoint *endpoint);

G_END_DECLS
