/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An endpoint on a port of its own, on the default main context, and its
 * clients, which block and therefore run in threads. */
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

/* Makes a self-signed pair DIR/NAME.crt and DIR/NAME.key; @options of "openssl
 * req", such as "-newkey rsa:2048". */
void net_make_pair (const gchar *dir, const gchar *name, const gchar *options);
void net_set_up (NetFixture *fixture, gconstpointer is_tls);
void net_tear_down (NetFixture *fixture, gconstpointer is_tls);

/* Iterates the main context until @is_true; fails after @timeout_s. */
void net_wait (gboolean (*is_true) (gpointer data), gpointer data,
    const gchar *what, guint timeout_s);
/* Waits until @n connections have been handed over. */
void net_wait_for_accepted (NetFixture *fixture, guint n);
/* Iterates the main context until @thread has ended; returns its result. */
gpointer net_join (GThread *thread);

/* A blocking socket that is connected to the fixture's port; reads time out
 * after 20 s. */
int net_connect (NetFixture *fixture);

/* --- OpenSSL's client --- */

typedef struct
{
  NetFixture *fixture;
  int fd;               /* -1: net_client_connect() makes one */
  int version;          /* TLS1_3_VERSION, or 0 for any */
  const gchar *ciphers; /* (nullable) of TLS 1.2 */
  const gchar *alpn;    /* (nullable) in wire format: "\x08http/1.1" */
  SSL_SESSION *session; /* (nullable): to be resumed; then the new one */
  SSL *ssl;             /* NULL if the handshake failed */
  SSL_CTX *context;
} NetClient;

/* Connects and does the handshake; in any thread. */
gboolean net_client_connect (NetClient *client);
/* Disconnects; the session is kept. */
void net_client_leave (NetClient *client);
void net_client_clear (NetClient *client);
/* The same, while the main context is iterated. */
gboolean net_client_connect_beside (NetClient *client);
