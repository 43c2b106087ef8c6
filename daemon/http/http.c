/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP face: where it listens, its limits, and the table of addresses. */
#include "http.h"

#include "daemon/config/address.h"
#include "daemon/net/endpoint.h"
#include "daemon/net/rate-limit.h"
#include "daemon/sessions/fragment-wait.h"
#include "handlers.h"
#include "http-route.h"
#include "http-server.h"

#include "core/base/error.h"

#define MAX_ADDRESSES         16384
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
  SyrinxReactor *reactor;
  SyrinxConnections *connections, *admin_connections;
  HttpServer *server, *admin;
  SyrinxEndpoint *clear, *tls, *admin_clear; /* tls: (nullable) */
  SyrinxRateLimit *addresses;
  gchar *address, *tls_address, *admin_address;
};

/* --- Limits --- */

/* Microseconds for which @client must wait, 0 if it need not. */
static gint64
take_address (SyrinxHttp *http, const gchar *client)
{
  guint rate = syrinx_engine_get_config (http->engine)->requests_per_second;

  return syrinx_rate_limit_take_for_address (http->addresses, client, rate,
      rate * HTTP_BURST_SECONDS, g_get_monotonic_time ());
}

static gboolean
is_proxy (const gchar *peer, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  return syrinx_geography_is_proxy (
      syrinx_engine_get_geography (http->engine), peer);
}

static void
find_client (const gchar *peer, const gchar *forwarded, gchar client[46],
    gpointer user_data)
{
  SyrinxHttp *http = user_data;

  syrinx_geography_find_client (
      syrinx_engine_get_geography (http->engine), peer, forwarded, client);
}

static guint
get_max_connections (const gchar *peer, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  return is_proxy (peer, http) ? 0
                               : syrinx_engine_get_config (http->engine)
                                     ->max_connections_per_address;
}

static guint
get_max_admin_connections (const gchar *peer, gpointer user_data)
{
  return MAX_ADMIN_CONNECTIONS;
}

/* --- Requests --- */

static void
ignore_fragment (GBytes *bytes, const GError *error, gpointer user_data)
{
}

/* Hot. What takes turns or is not there yet waits in http_hls_segment(). */
static GBytes *
find_fragment (const gchar *peer, gchar *path, gpointer user_data)
{
  SyrinxHttp *http = user_data;
  SyrinxFragmentRequest request = { NULL };
  SyrinxFragmentWait *wait;
  g_autoptr (GBytes) bytes = NULL;

  if (syrinx_turns_is_needed (syrinx_engine_get_turns (http->engine)))
    return NULL;
  request.session
      = http_hls_find (http->engine, path, &request.rendition, &request.number);
  if (!request.session)
    return NULL;
  wait = syrinx_fragment_get (&request, &bytes, ignore_fragment, NULL, NULL);
  if (wait)
    syrinx_fragment_wait_cancel (wait);
  /* A trusted proxy speaks for many: its headers have to be read. */
  if (!bytes || (!is_proxy (peer, http) && take_address (http, peer) > 0))
    return NULL;
  syrinx_session_count (request.session, g_bytes_get_size (bytes));
  return g_steal_pointer (&bytes);
}

static void
handle (HttpExchange *exchange, gpointer user_data)
{
  SyrinxHttp *http = user_data;
  const gchar *client = http_exchange_get_client (exchange);
  gint64 wait_us = *client ? take_address (http, client) : 0;

  if (wait_us == 0) {
    http_route (exchange, routes, G_N_ELEMENTS (routes));
    return;
  }
  http_exchange_set_retry_after (exchange, wait_us);
  http_exchange_answer_problem (exchange, 429, NULL,
      "too many requests from this address; wait a little");
}

static void
handle_admin (HttpExchange *exchange, gpointer user_data)
{
  http_route (exchange, admin_routes, G_N_ELEMENTS (admin_routes));
}

static HttpServer *
make_server (SyrinxHttp *http)
{
  return http_server_new (&(HttpServerSettings){ .reactor = http->reactor,
      .engine = http->engine,
      .handle = handle,
      .find_fragment = find_fragment,
      .find_client = find_client,
      .is_proxy = is_proxy,
      .user_data = http });
}

static HttpServer *
make_admin_server (SyrinxHttp *http)
{
  return http_server_new (&(HttpServerSettings){ .reactor = http->reactor,
      .engine = http->engine,
      .handle = handle_admin,
      .user_data = http });
}

/* --- Listening --- */

#define OPTIONS "--http, --https and --admin"

static void
take (SyrinxTransport *transport, gpointer user_data)
{
  http_server_take (((SyrinxHttp *)user_data)->server, transport);
}

static void
take_admin (SyrinxTransport *transport, gpointer user_data)
{
  http_server_take (((SyrinxHttp *)user_data)->admin, transport);
}

static gchar *
describe (const gchar *scheme, SyrinxEndpoint *endpoint)
{
  g_autofree gchar *text = g_socket_connectable_to_string (
      G_SOCKET_CONNECTABLE (syrinx_endpoint_get_address (endpoint)));

  return g_strdup_printf ("%s://%s/", scheme, text);
}

static gboolean
listen_public (SyrinxHttp *http, const gchar *text, GError **error)
{
  const SyrinxEndpointSettings settings = { .address = text,
    .option = OPTIONS,
    .reactor = http->reactor,
    .connections = http->connections,
    .get_max = get_max_connections,
    .accepted = take,
    .user_data = http };

  http->clear = syrinx_endpoint_new (&settings, error);
  if (!http->clear)
    return FALSE;
  http->address = describe ("http", http->clear);
  if (!syrinx_address_is_loopback (syrinx_endpoint_get_address (http->clear)))
    g_warning ("%s is reachable from other machines and not encrypted on the "
               "way: make it loopback and set https, or put TLS in front of it",
        http->address);
  return TRUE;
}

static gboolean
listen_tls (SyrinxHttp *http, const gchar *text, GError **error)
{
  static const gchar plain_answer[]
      = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: "
        "text/plain\r\nContent-Length: 28\r\n\r\nThis port speaks HTTPS only\n";
  const SyrinxEndpointSettings settings = { .address = text,
    .option = OPTIONS,
    .tls = syrinx_engine_get_tls_context (http->engine),
    .alpn = "http/1.1",
    .plain_answer = plain_answer,
    .reactor = http->reactor,
    .connections = http->connections,
    .get_max = get_max_connections,
    .accepted = take,
    .user_data = http };

  http->tls = syrinx_endpoint_new (&settings, error);
  if (!http->tls)
    return FALSE;
  http->tls_address = describe ("https", http->tls);
  return TRUE;
}

static gboolean
listen_admin (SyrinxHttp *http, const gchar *text, GError **error)
{
  const SyrinxEndpointSettings settings = { .address = text,
    .option = OPTIONS,
    .reactor = http->reactor,
    .connections = http->admin_connections,
    .get_max = get_max_admin_connections,
    .accepted = take_admin,
    .user_data = http };

  http->admin_clear = syrinx_endpoint_new (&settings, error);
  if (!http->admin_clear)
    return FALSE;
  http->admin_address = describe ("http", http->admin_clear);
  return TRUE;
}

/* --- Life --- */

SyrinxHttp *
syrinx_http_new (SyrinxEngine *engine, GError **error)
{
  g_autoptr (SyrinxHttp) http = g_new0 (SyrinxHttp, 1);
  SyrinxConfig *config = syrinx_engine_get_config (engine);

  http->engine = g_object_ref (engine);
  http->connections = syrinx_connections_new ();
  http->admin_connections = syrinx_connections_new ();
  http->addresses = syrinx_rate_limit_new (MAX_ADDRESSES);
  http->reactor = syrinx_reactor_new (NULL, error);
  if (!http->reactor)
    return NULL;
  http->server = make_server (http);
  http->admin = make_admin_server (http);
  if (!listen_public (http, config->http, error)
      || (config->https && !listen_tls (http, config->https, error))
      || !listen_admin (http, config->admin, error))
    return NULL;
  return g_steal_pointer (&http);
}

void
syrinx_http_free (SyrinxHttp *http)
{
  g_clear_pointer (&http->clear, syrinx_endpoint_free);
  g_clear_pointer (&http->tls, syrinx_endpoint_free);
  g_clear_pointer (&http->admin_clear, syrinx_endpoint_free);
  g_clear_pointer (&http->server, http_server_free);
  g_clear_pointer (&http->admin, http_server_free);
  g_clear_pointer (&http->reactor, syrinx_reactor_free);
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
