/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP/1.x connections of one port or two: taken from their endpoints,
 * bounded, timed, and each served one request after the other. What a request
 * is answered with is said by the functions of the settings. Main thread only.
 *
 * What one connection can make the daemon hold, whatever it sends and does not
 * read, is stated in docs/architecture.md. */
#pragma once

#include "daemon/net/reactor.h"
#include "daemon/net/transport.h"

G_BEGIN_DECLS

typedef struct _HttpServer HttpServer;
typedef struct _HttpExchange HttpExchange;
typedef struct _SyrinxEngine SyrinxEngine;

typedef struct
{
  SyrinxReactor *reactor;
  SyrinxEngine *engine; /* for http_exchange_get_engine() */
  /* Answers @exchange, or defers it. */
  void (*handle) (HttpExchange *exchange, gpointer user_data);
  /* Hot: what @path (which may be written to) of a plain GET from @peer is
   * answered with, as an immutable "audio/mp4", if it is at hand and @peer may
   * have it; else NULL, and handle() is asked. (nullable) (transfer full) */
  GBytes *(*find_fragment) (const gchar *peer, gchar *path, gpointer user_data);
  /* The client's own address, from the one at the other end and
   * X-Forwarded-For (nullable). (nullable) */
  void (*find_client) (const gchar *peer, const gchar *forwarded,
      gchar client[46], gpointer user_data);
  /* Whether X-Forwarded-… of this peer may be believed. (nullable) */
  gboolean (*is_proxy) (const gchar *peer, gpointer user_data);
  gpointer user_data;
} HttpServerSettings;

/* Copies the settings. (transfer full) */
HttpServer *http_server_new (const HttpServerSettings *settings);
/* Ends all connections; exchanges that are deferred are told that their client
 * has left. */
void http_server_free (HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpServer, http_server_free)

/* Serves it to its end. @transport: (transfer full). */
void http_server_take (HttpServer *server, SyrinxTransport *transport);
/* Ends the connections whose time is up at @now_us, which is monotonic. Happens
 * by itself in a main loop. */
void http_server_step (HttpServer *server, gint64 now_us);
guint http_server_get_n_connections (HttpServer *server);

G_END_DECLS
