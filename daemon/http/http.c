/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP face: its endpoints, limits, and the table of routes. */
#include "http.h"

#include "daemon/config/address.h"
#include "daemon/net/endpoint.h"
#include "daemon/sessions/fragment-wait.h"
#include "handlers.h"
#include "http-route.h"
#include "http-server.h"

#include "core/base/error.h"

#define MAX_ADMIN_CONNECTIONS 256 /* from one address */

#define OPEN(handler)   handler, HTTP_OPEN, HTTP_RIGHT, 0
#define MAY(access, op) HTTP_##access, HTTP_RIGHT, SYRINX_OPERATION_##op
#define MAY_TRACK(access, op)                                                  \
  HTTP_##access, HTTP_RIGHT_TO_TRACK, SYRINX_OPERATION_##op
#define ASKS_ITSELF HTTP_TOKEN, HTTP_RIGHT_LATER, 0

static const HttpRoute routes[] = {
  { "GET", "/", OPEN (http_page) },
  { "GET", "/healthz", OPEN (http_healthz) },
  { "GET", "/readyz", OPEN (http_readyz) },
  { "GET", "/v1/tracks", http_tracks, MAY (TOKEN, BROWSE) },
  { "GET", "/v1/tracks/{}", http_track, MAY_TRACK (TOKEN, READ_TRACK) },
  { "GET", "/v1/tracks/{}/artwork", http_artwork,
      MAY_TRACK (TOKEN_QUERY, READ_ARTWORK) },
  { "GET", "/v1/tracks/{}/original", http_original,
      MAY_TRACK (TOKEN_QUERY, READ_ORIGINAL) },
  { "GET", "/v1/tracks/{}/stream.opus", http_stream_opus,
      MAY_TRACK (TOKEN_QUERY, BEGIN_SESSION) },
  { "GET", "/v1/albums", http_albums, MAY (TOKEN, BROWSE) },
  { "GET", "/v1/artists", http_artists, MAY (TOKEN, BROWSE) },
  { "GET", "/v1/folders", http_folders, MAY (TOKEN, BROWSE_FOLDERS) },
  { "GET", "/v1/search", http_search, MAY (TOKEN, BROWSE) },
  { "POST", "/v1/sessions", http_session_create, ASKS_ITSELF },
  { "GET", "/v1/sessions/{}", http_session_show, ASKS_ITSELF },
  { "DELETE", "/v1/sessions/{}", http_session_end, ASKS_ITSELF },
  { "POST", "/v1/sessions/{}/renew", http_session_renew, ASKS_ITSELF },
  { "GET", "/v1/sessions/{}/{}/master.m3u8", OPEN (http_hls_master) },
  { "GET", "/v1/sessions/{}/{}/stream", OPEN (http_stream) },
  { "GET", "/v1/sessions/{}/{}/fragments", OPEN (http_fragments) },
  { "GET", "/v1/sessions/{}/{}/key", OPEN (http_session_key) },
  { "GET", "/v1/sessions/{}/{}/{}/index.m3u8", OPEN (http_hls_index) },
  { "GET", "/v1/sessions/{}/{}/{}/{}/key", OPEN (http_hls_key) },
  { "GET", "/v1/sessions/{}/{}/{}/{}", OPEN (http_hls_segment) },
  { "GET", "/{}", OPEN (http_page) },
};

static const HttpRoute admin_routes[] = {
  { "GET", "/healthz", OPEN (http_healthz) },
  { "GET", "/metrics", OPEN (http_metrics) },
  { "GET", "/v1/events", http_events, MAY (TOKEN, ADMINISTER) },
  { "GET", "/v1/status", http_status, MAY (TOKEN, ADMINISTER) },
};

struct _SyrinxHttp
{
  SyrinxEngine *engine;
  SyrinxReactor *reactor;
  SyrinxConnections *connections, *admin_connections;
  HttpServer *server, *admin;
  SyrinxEndpoint *clear, *tls, *admin_clear; /* tls: (nullable) */
  gchar *address, *tls_address, *admin_address;
};

/* --- Limits --- */

static SyrinxGateway *
get_gateway (SyrinxHttp *http)
{
  return syrinx_engine_get_gateway (http->engine);
}

static gboolean
is_proxy (const gchar *peer, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  return syrinx_gateway_is_proxy (get_gateway (http), peer);
}

static void
find_client (const gchar *peer, const gchar *forwarded, gchar client[46],
    gpointer user_data)
{
  SyrinxHttp *http = user_data;

  syrinx_gateway_find_client (get_gateway (http),
      &(SyrinxRequester){ .address = peer, .forwarded = forwarded }, client);
}

static guint
get_max_connections (const gchar *peer, gpointer user_data)
{
  SyrinxHttp *http = user_data;

  return syrinx_gateway_get_max_connections (get_gateway (http), peer);
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

/* Hot. Fragments that must wait for their turn or are not in memory are left to
 * http_hls_segment(). */
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
  /* Requests of a trusted proxy need a handler, which reads their headers. */
  if (!bytes
      || (!is_proxy (peer, http)
          && syrinx_gateway_take_request (get_gateway (http), peer) > 0))
    return NULL;
  syrinx_session_count (request.session, g_bytes_get_size (bytes));
  return g_steal_pointer (&bytes);
}

static void
handle (HttpExchange *exchange, gpointer user_data)
{
  SyrinxHttp *http = user_data;
  gint64 wait_us = syrinx_gateway_take_request (
      get_gateway (http), http_exchange_get_client (exchange));

  if (wait_us == 0) {
    http_route (exchange, routes, G_N_ELEMENTS (routes));
    return;
  }
  syrinx_gateway_note_refused (get_gateway (http), "too-often",
      http_exchange_get_client (exchange), NULL, "http");
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
