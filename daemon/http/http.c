/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP face: limits, and the table of addresses. */
#include "http.h"

#include "daemon/config/address.h"
#include "fragment-front.h"
#include "http-request.h"
#include "daemon/net/rate-limit.h"
#include "soup-stream.h"
#include "daemon/net/tls-endpoint.h"

#include "core/base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BODY_BYTES (64 * 1024)
#define MAX_ADDRESSES  16384

#define MAX_ADMIN_CONNECTIONS 256 /* from one address */

static const HttpRoute routes[] = {
  { "GET", "/", HTTP_OPEN, http_page },
  { "GET", "/healthz", HTTP_OPEN, http_healthz },
  { "GET", "/readyz", HTTP_OPEN, http_readyz },
  { "GET", "/v1/tracks", HTTP_LISTEN, http_tracks },
  { "GET", "/v1/tracks/{}", HTTP_LISTEN, http_track },
  { "GET", "/v1/tracks/{}/artwork", HTTP_LISTEN_QUERY, http_artwork },
  { "GET", "/v1/tracks/{}/original", HTTP_ORIGINAL_QUERY, http_original },
  { "GET", "/v1/tracks/{}/stream.opus", HTTP_LISTEN_QUERY, http_stream_opus },
  { "GET", "/v1/albums", HTTP_LISTEN, http_albums },
  { "GET", "/v1/artists", HTTP_LISTEN, http_artists },
  { "POST", "/v1/sessions", HTTP_LISTEN, http_session_create },
  { "GET", "/v1/sessions/{}", HTTP_ANY_TOKEN, http_session_show },
  { "DELETE", "/v1/sessions/{}", HTTP_ANY_TOKEN, http_session_end },
  { "POST", "/v1/sessions/{}/renew", HTTP_LISTEN, http_session_renew },
  { "GET", "/v1/sessions/{}/{}/master.m3u8", HTTP_OPEN, http_hls_master },
  { "GET", "/v1/sessions/{}/{}/stream", HTTP_OPEN, http_stream },
  { "GET", "/v1/sessions/{}/{}/fragments", HTTP_OPEN, http_fragments },
  { "GET", "/v1/sessions/{}/{}/key", HTTP_OPEN, http_session_key },
  { "GET", "/v1/sessions/{}/{}/{}/index.m3u8", HTTP_OPEN, http_hls_index },
  { "GET", "/v1/sessions/{}/{}/{}/{}/key", HTTP_OPEN, http_hls_key },
  { "GET", "/v1/sessions/{}/{}/{}/{}", HTTP_OPEN, http_hls_segment },
  { "GET", "/{}", HTTP_OPEN, http_page },
};

static const HttpRoute admin_routes[] = {
  { "GET", "/healthz", HTTP_OPEN, http_healthz },
  { "GET", "/metrics", HTTP_OPEN, http_metrics },
  { "GET", "/v1/events", HTTP_ADMIN, http_events },
  { "GET", "/v1/status", HTTP_ADMIN, http_status },
};

struct _SyrinxHttp
{
  SyrinxEngine *engine;
  SoupServer *server, *admin;
  GSocketService *admin_service;
  SyrinxConnections *admin_connections;
  SyrinxConnections *connections;
  SyrinxFront *front;
  SyrinxTlsFront *tls_front; /* (nullable) */
  int quiet_end;             /* or -1: see keep_alive() */
  SyrinxRateLimit *addresses;
  gchar *address, *tls_address, *admin_address;
};

/* --- Limits --- */

/* Microseconds for which @host (nullable) must wait, 0 if it need not. */
static gint64
take_address (SyrinxHttp *http, const gchar *host)
{
  guint rate = syrinx_engine_get_config (http->engine)->requests_per_second;

  return host ? syrinx_rate_limit_take_for_address (http->addresses, host, rate,
             rate * HTTP_BURST_SECONDS, g_get_monotonic_time ())
              : 0;
}

static void
count_body (SoupServerMessage *message, GBytes *chunk, gpointer user_data)
{
  gsize *seen = g_object_get_data (G_OBJECT (message), "syrinx-body-bytes");

  *seen += g_bytes_get_size (chunk);
  if (*seen > MAX_BODY_BYTES) {
    g_autoptr (GIOStream) stream
        = soup_server_message_steal_connection (message);
    g_io_stream_close (stream, NULL, NULL);
  }
}

/* The peer is not silent any more. */
static void
note_request (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  if (remote)
    syrinx_tls_front_note_request (remote);
}

/* Before the body is read. */
static void
got_headers (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  SyrinxHttp *http = user_data;
  SoupMessageHeaders *headers
      = soup_server_message_get_request_headers (message);
  gchar client[46];
  gint64 wait_us;

  note_request (message);
  if (soup_message_headers_get_encoding (headers)
          == SOUP_ENCODING_CONTENT_LENGTH
      && soup_message_headers_get_content_length (headers) > MAX_BODY_BYTES) {
    soup_message_body_set_accumulate (
        soup_server_message_get_request_body (message), FALSE);
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Connection",
        "close");
    http_problem (message, 413, NULL, "a body is at most 64 KiB");
    return;
  }
  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED) {
    g_object_set_data_full (
        G_OBJECT (message), "syrinx-body-bytes", g_new0 (gsize, 1), g_free);
    g_signal_connect (message, "got-chunk", G_CALLBACK (count_body), NULL);
  }
  syrinx_geography_find_client (syrinx_engine_get_geography (http->engine),
      soup_server_message_get_remote_host (message),
      soup_message_headers_get_list (headers, "X-Forwarded-For"), client);
  wait_us = *client ? take_address (http, client) : 0;
  if (wait_us > 0) {
    http_problem (message, 429, NULL,
        "too many requests from this address; wait a little");
    http_retry_after (message, wait_us);
  }
}

static void
request_ended (
    SoupServer *server, SoupServerMessage *message, gpointer user_data)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  if (remote)
    syrinx_soup_stream_note_end (remote);
}

/* --- What the front does not answer --- */

static gboolean
admit (const gchar *host, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  /* A trusted proxy speaks for many; whoever reads its headers counts them. */
  return syrinx_geography_is_proxy (
             syrinx_engine_get_geography (http->engine), host)
         || take_address (http, host) == 0;
}

static void
take_over (GSocketConnection *connection, GIOStream *stream, gpointer user_data)
{
  SyrinxHttp *http = user_data;
  g_autoptr (GSocketAddress) local
      = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote
      = g_socket_connection_get_remote_address (connection, NULL);
  g_autoptr (GIOStream) outer = NULL;
  g_autoptr (GError) error = NULL;

  if (!local || !remote) {
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
    return;
  }
  http_remember_socket (remote, g_socket_connection_get_socket (connection));
  outer = syrinx_soup_stream_new (connection, stream, remote);
  if (!soup_server_accept_iostream (http->server, outer, local, remote, &error))
    g_debug ("a connection was not taken: %s", error->message);
}

/* --- Requests --- */

static void
handle (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  if (soup_server_message_get_status (message) == 0)
    http_route (http->engine, message, routes, G_N_ELEMENTS (routes));
}

static void
handle_admin (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  /* Kept ones would never be let go of: see soup-stream.h. */
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Connection",
      "close");
  http_route (http->engine, message, admin_routes, G_N_ELEMENTS (admin_routes));
}

/* --- Listening --- */

#define OPTIONS "--http, --https and --admin"

static gchar *
describe (const gchar *scheme, GSocketAddress *address)
{
  g_autofree gchar *text
      = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

  return g_strdup_printf ("%s://%s/", scheme, text);
}

static gboolean
listen_public (SyrinxHttp *http, const gchar *text, GError **error)
{
  static const SyrinxFrontFuncs funcs = { admit, take_over };
  g_autoptr (GSocketAddress) address = syrinx_address_parse (text, error);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *cause = NULL;

  if (!address)
    return FALSE;
  http->front = syrinx_front_new (
      http->engine, address, http->connections, &funcs, http, &cause);
  if (!http->front)
    return syrinx_address_explain (text, OPTIONS, cause, error);
  bound = syrinx_front_get_address (http->front);
  http->address = describe ("http", bound);
  if (!syrinx_address_is_loopback (bound))
    g_warning ("%s is reachable from other machines and not encrypted on the "
               "way: make it loopback and set https, or put TLS in front of it",
        http->address);
  return TRUE;
}

static gboolean
listen_tls (SyrinxHttp *http, const gchar *text, GError **error)
{
  g_autoptr (GSocketAddress) address = syrinx_address_parse (text, error);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *cause = NULL;

  if (!address)
    return FALSE;
  http->tls_front = syrinx_tls_front_new (
      http->engine, address, http->connections, take_over, http, &cause);
  if (!http->tls_front)
    return syrinx_address_explain (text, OPTIONS, cause, error);
  bound = syrinx_tls_front_get_address (http->tls_front);
  http->tls_address = describe ("https", bound);
  return TRUE;
}

/* libsoup 3.2 keeps the GSocket of each connection that it takes itself, and
 * waits for a request for ever. */
static gboolean
take_admin (GSocketService *service, GSocketConnection *connection,
    GObject *source, SyrinxHttp *http)
{
  g_autoptr (GSocketAddress) local
      = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote
      = g_socket_connection_get_remote_address (connection, NULL);
  g_autofree gchar *host = NULL;
  g_autoptr (GIOStream) stream = NULL;

  if (!local || !remote)
    return TRUE;
  host = g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  if (!syrinx_connections_take (
          http->admin_connections, host, MAX_ADMIN_CONNECTIONS))
    return TRUE;
  syrinx_connections_tie (http->admin_connections, host, G_OBJECT (connection));
  g_socket_set_timeout (
      g_socket_connection_get_socket (connection), SYRINX_HEAD_TIMEOUT_S);
  stream
      = syrinx_soup_stream_new (connection, G_IO_STREAM (connection), remote);
  soup_server_accept_iostream (http->admin, stream, local, remote, NULL);
  return TRUE;
}

static gboolean
listen_admin (SyrinxHttp *http, const gchar *text, GError **error)
{
  g_autoptr (GSocketAddress) address = syrinx_address_parse (text, error);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *cause = NULL;

  if (!address)
    return FALSE;
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (http->admin_service),
          address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound,
          &cause))
    return syrinx_address_explain (text, OPTIONS, cause, error);
  http->admin_address = describe ("http", bound);
  g_signal_connect (
      http->admin_service, "incoming", G_CALLBACK (take_admin), http);
  return TRUE;
}

/* SoupServer ends a kept-alive connection after one answer unless it listens
 * itself; we accept for it, so it gets a socket on which nobody ever comes. */
static gboolean
keep_alive (SyrinxHttp *http, GError **error)
{
  g_autoptr (GSocket) quiet = NULL;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't make a pair of sockets: %s", g_strerror (errno));
    return FALSE;
  }
  http->quiet_end = ends[1];
  quiet = g_socket_new_from_fd (ends[0], error);
  if (!quiet) {
    close (ends[0]);
    return FALSE;
  }
  return soup_server_listen_socket (http->server, quiet, 0, error);
}

SyrinxHttp *
syrinx_http_new (SyrinxEngine *engine, GError **error)
{
  g_autoptr (SyrinxHttp) http = g_new0 (SyrinxHttp, 1);
  SyrinxConfig *config = syrinx_engine_get_config (engine);

  http->engine = g_object_ref (engine);
  http->quiet_end = -1;
  http->connections = syrinx_connections_new ();
  http->admin_connections = syrinx_connections_new ();
  http->admin_service = g_socket_service_new ();
  http->addresses = syrinx_rate_limit_new (MAX_ADDRESSES);
  http->server
      = soup_server_new ("server-header", "Syrinx", "raw-paths", TRUE, NULL);
  http->admin
      = soup_server_new ("server-header", "Syrinx", "raw-paths", TRUE, NULL);
  soup_server_add_early_handler (http->server, NULL, got_headers, http, NULL);
  g_signal_connect (
      http->server, "request-finished", G_CALLBACK (request_ended), NULL);
  g_signal_connect (
      http->server, "request-aborted", G_CALLBACK (request_ended), NULL);
  soup_server_add_handler (http->server, NULL, handle, http, NULL);
  soup_server_add_handler (http->admin, NULL, handle_admin, http, NULL);
  if (!keep_alive (http, error) || !listen_public (http, config->http, error)
      || (config->https && !listen_tls (http, config->https, error))
      || !listen_admin (http, config->admin, error))
    return NULL;
  return g_steal_pointer (&http);
}

void
syrinx_http_free (SyrinxHttp *http)
{
  g_clear_pointer (&http->front, syrinx_front_free);
  g_clear_pointer (&http->tls_front, syrinx_tls_front_free);
  g_signal_handlers_disconnect_by_data (http->admin_service, http);
  g_socket_service_stop (http->admin_service);
  g_socket_listener_close (G_SOCKET_LISTENER (http->admin_service));
  g_object_unref (http->admin_service);
  soup_server_disconnect (http->server);
  soup_server_disconnect (http->admin);
  g_object_unref (http->server);
  g_object_unref (http->admin);
  if (http->quiet_end >= 0)
    close (http->quiet_end);
  syrinx_connections_unref (http->connections);
  syrinx_connections_unref (http->admin_connections);
  syrinx_rate_limit_free (http->addresses);
  g_object_unref (http->engine);
  g_free (http->address);
  g_free (http->tls_address);
  g_free (http->admin_address);
  g_free (http);
}

const gchar *
syrinx_http_get_address (SyrinxHttp *http)
{
  return http->address;
}

const gchar *
syrinx_http_get_tls_address (SyrinxHttp *http)
{
  return http->tls_address;
}

const gchar *
syrinx_http_get_admin_address (SyrinxHttp *http)
{
  return http->admin_address;
}
