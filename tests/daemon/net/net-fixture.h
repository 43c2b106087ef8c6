/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An endpoint on a port of its own, on the default main context, and clients of
 * it, which block and so run in threads. */
#pragma once

#include "daemon/net/endpoint.h"

typedef struct
{
  gchar *dir, *certificate, *key;
  SyrinxReactor *reactor;
  SyrinxConnections *connections;
  SyrinxTlsContext *tls;
  SyrinxEndpoint *endpoint;
  guint16 port;
  guint max;           /* of one client */
  GPtrArray *accepted; /* SyrinxTransport */
} NetFixture;

/* A self-signed pair DIR/NAME.crt and DIR/NAME.key; @options: of "openssl req",
 * "-newkey rsa:2048" for one. */
void net_make_pair (const gchar *dir, const gchar *name, const gchar *options);
void net_set_up (NetFixture *fixture, gconstpointer is_tls);
void net_tear_down (NetFixture *fixture, gconstpointer is_tls);

/* Iterates the main context until @is_true; fails after @timeout_s. */
void net_wait (gboolean (*is_true) (gpointer data), gpointer data,
    const gchar *what, guint timeout_s);
/* Until so many have been handed over. */
void net_wait_for_accepted (NetFixture *fixture, guint n);
/* Iterates it until @thread's function has returned; gives what it returned. */
gpointer net_join (GThread *thread);

/* A blocking socket that is connected to the fixture's port; reads end after
 * 20 s. */
int net_connect (NetFixture *fixture);

/* --- OpenSSL's client --- */

typedef struct
{
  NetFixture *fixture;
  int fd;               /* -1: one is made */
  int version;          /* TLS1_3_VERSION, or 0 for any */
  const gchar *ciphers; /* (nullable) of TLS 1.2 */
  const gchar *alpn;    /* (nullable) as on the wire: "\x08http/1.1" */
  SSL_SESSION *session; /* (nullable): to be resumed, and the one it got */
  SSL *ssl;             /* what came of it: NULL if the handshake failed */
  SSL_CTX *context;
} NetClient;

/* Shakes hands; in any thread. */
gboolean net_client_connect (NetClient *client);
/* Ends its connection, and keeps its session. */
void net_client_leave (NetClient *client);
void net_client_clear (NetClient *client);
/* The same with the main context iterated meanwhile. */
gboolean net_client_connect_beside (NetClient *client);
