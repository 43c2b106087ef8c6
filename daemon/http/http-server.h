/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP/1.x connections of one port or two: handed over by endpoints,
 * bounded, timed, each serving one request after another. The settings'
 * functions answer requests. Main thread only.
 *
 * docs/architecture.md states how much memory one connection can occupy,
 * whatever it sends or does not read. */
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
  /* Hot: the immutable "audio/mp4" that answers a plain GET of @path (which may
   * be written to) from @peer, if it is in memory and @peer may have it; else
   * NULL, and handle() is called. (nullable) (transfer full) */
  GBytes *(*find_fragment) (const gchar *peer, gchar *path, gpointer user_data);
  /* Writes the client's own address, from the peer's and X-Forwarded-For
   * (nullable). (nullable) */
  void (*find_client) (const gchar *peer, const gchar *forwarded,
      gchar client[46], gpointer user_data);
  /* Whether X-Forwarded-… of this peer is trusted. (nullable) */
  gboolean (*is_proxy) (const gchar *peer, gpointer user_data);
  gpointer user_data;
} HttpServerSettings;

/* Copies the settings. (transfer full) */
HttpServer *http_server_new (const HttpServerSettings *settings);
/* Closes all connections; for deferred exchanges @left is called. */
void http_server_free (HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpServer, http_server_free)

/* Serves @transport to its end. @transport: (transfer full). */
void http_server_take (HttpServer *server, SyrinxTransport *transport);
/* Closes connections whose time is up at @now_us (monotonic). The main loop
 * calls it when one is due. */
void http_server_step (HttpServer *server, gint64 now_us);
guint http_server_get_n_connections (HttpServer *server);

G_END_DECLS
