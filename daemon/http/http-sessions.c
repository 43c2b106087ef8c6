/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: sessions begin, are looked at, renewed and ended. */
#include "http-request.h"
#include "daemon/sessions/session-request.h"
#include "soup-stream.h"

#include "core/base/error.h"

#include <string.h>

/* As the client sees it: a trusted proxy may have taken the TLS off. */
static const gchar *
get_scheme (HttpRequest *request)
{
  SyrinxGeography *geography = syrinx_engine_get_geography (request->engine);
  const gchar *peer = soup_server_message_get_remote_host (request->message);
  const gchar *said = soup_message_headers_get_one (
      soup_server_message_get_request_headers (request->message),
      "X-Forwarded-Proto");

  if (said && g_ascii_strcasecmp (said, "https") == 0 && peer
      && syrinx_geography_is_proxy (geography, peer))
    return "https";
  return syrinx_soup_stream_is_tls (
             soup_server_message_get_remote_address (request->message))
             ? "https"
             : "http";
}

/* What the client called us. libsoup's own address has port 80 where the client
 * named none, which behind a proxy may well mean 443. (transfer full) */
static GUri *
get_origin (HttpRequest *request)
{
  const gchar *host = soup_message_headers_get_one (
      soup_server_message_get_request_headers (request->message), "Host");
  g_autofree gchar *text
      = g_strdup_printf ("%s://%s/", get_scheme (request), host ? host : "");
  GUri *origin = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  if (origin && *g_uri_get_host (origin) && !g_uri_get_userinfo (origin)
      && g_str_equal (g_uri_get_path (origin), "/"))
    return origin;
  g_clear_pointer (&origin, g_uri_unref);
  return g_uri_ref (soup_server_message_get_uri (request->message));
}

/* "http://HOST:PORT/v1/sessions/ID/CAPABILITY/" as the client reached us. */
static gchar *
make_base (HttpRequest *request, const gchar *id, const gchar *capability)
{
  g_autoptr (GUri) origin = get_origin (request);
  g_autofree gchar *path
      = g_strdup_printf ("/v1/sessions/%s/%s/", id, capability);

  return g_uri_join (G_URI_FLAGS_NONE, get_scheme (request), NULL,
      g_uri_get_host (origin), g_uri_get_port (origin), path, NULL, NULL);
}

/* @base (nullable): the address does not exist in this form. */
static void
add_url (
    JsonBuilder *json, const gchar *name, const gchar *base, const gchar *rest)
{
  g_autofree gchar *url = base ? g_strconcat (base, rest, NULL) : NULL;

  json_builder_set_member_name (json, name);
  if (url)
    json_builder_add_string_value (json, url);
  else
    json_builder_add_null_value (json);
}

/* The same host, at the port of RTSP or RTSPS. (transfer full) (nullable) */
static gchar *
make_rtsp_url (HttpRequest *request, const gchar *base, gboolean tls)
{
  guint port = syrinx_engine_get_rtsp_port (request->engine, tls);
  g_autoptr (GUri) uri = g_uri_parse (base, G_URI_FLAGS_NONE, NULL);
  g_autofree gchar *path = NULL;

  if (!port || !uri)
    return NULL;
  /* Less "/v1" and the slash at the end. */
  path = g_strdup (g_uri_get_path (uri) + strlen ("/v1"));
  path[strlen (path) - 1] = 0;
  return g_uri_join (G_URI_FLAGS_NONE, tls ? "rtsps" : "rtsp", NULL,
      g_uri_get_host (uri), port, path, NULL, NULL);
}

/* What only its beginning tells. */
static void
add_secrets (HttpRequest *request, JsonBuilder *json, SyrinxSession *session,
    const gchar *base, const gchar *jwe)
{
  gboolean is_ece
      = syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE;
  g_autofree gchar *rtsp = is_ece ? NULL : make_rtsp_url (request, base, FALSE);
  g_autofree gchar *rtsps = is_ece ? NULL : make_rtsp_url (request, base, TRUE);

  add_url (json, "hls_url", is_ece ? NULL : base, "master.m3u8");
  add_url (json, "progressive_url", base, "stream");
  add_url (json, "rtsp_url", rtsp, "");
  add_url (json, "rtsps_url", rtsps, "");
  if (is_ece) {
    add_url (json, "fragments_url", base, "fragments");
    add_url (json, "key_url", jwe ? NULL : base, "key");
  }
  if (jwe) {
    json_builder_set_member_name (json, "key");
    json_builder_add_string_value (json, jwe);
  }
}

/* @base and @jwe: (nullable), see add_secrets(). */
static void
answer_session (HttpRequest *request, SyrinxSession *session, guint status,
    const gchar *base, const gchar *jwe)
{
  static const gchar *const strings[]
      = { "track-id", "rendition", "region", "state" };
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint64 bytes_sent;
  guint rtt_ms;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "id");
  json_builder_add_string_value (json, syrinx_session_get_id (session));
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++) {
    g_autofree gchar *value = NULL;
    g_autofree gchar *name = g_strdelimit (g_strdup (strings[i]), "-", '_');
    g_object_get (session, strings[i], &value, NULL);
    json_builder_set_member_name (json, name);
    json_builder_add_string_value (json, value);
  }
  json_builder_set_member_name (json, "encryption");
  json_builder_add_string_value (json,
      syrinx_encryption_to_string (syrinx_session_get_encryption (session)));
  json_builder_set_member_name (json, "expires_at");
  json_builder_add_int_value (
      json, syrinx_grant_get_expires_at_s (syrinx_session_get_grant (session)));
  g_object_get (session, "bytes-sent", &bytes_sent, "rtt-ms", &rtt_ms, NULL);
  json_builder_set_member_name (json, "bytes_sent");
  json_builder_add_int_value (json, bytes_sent);
  json_builder_set_member_name (json, "rtt_ms");
  json_builder_add_int_value (json, rtt_ms);
  json_builder_set_member_name (json, "server");
  json_builder_add_string_value (json, g_get_host_name ());
  if (base)
    add_secrets (request, json, session, base, jwe);
  json_builder_end_object (json);
  http_json (request->message, status, json);
}

/* --- Beginning --- */

/* FALSE: answered. */
static gboolean
read_body (HttpRequest *request, SyrinxSessionBody *body)
{
  g_autoptr (GBytes) bytes = http_body (request);
  SyrinxConfig *config = syrinx_engine_get_config (request->engine);
  g_autoptr (GError) error = NULL;
  const gchar *field, *data;
  gsize size_bytes;

  data = g_bytes_get_data (bytes, &size_bytes);
  if (syrinx_session_body_parse (data ? data : "", size_bytes,
          (const gchar *const *)config->renditions, body, &field, &error))
    return TRUE;
  http_problem (
      request->message, field ? 422 : 400, field, "%s", error->message);
  return FALSE;
}

static void
locate (HttpRequest *request, SyrinxPlace *place)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_request_headers (request->message);
  const SyrinxClues clues = { .token_region
                              = syrinx_grant_get_region (request->grant),
    .token_rtt_ms = syrinx_grant_get_rtt_ms (request->grant),
    .peer = soup_server_message_get_remote_host (request->message),
    .proxy_region = soup_message_headers_get_one (headers, "X-Syrinx-Region"),
    .forwarded = soup_message_headers_get_list (headers, "X-Forwarded-For") };

  syrinx_geography_locate (
      syrinx_engine_get_geography (request->engine), &clues, place);
}

SyrinxSession *
http_begin_session (
    HttpRequest *request, SyrinxSessionRequest *wanted, gchar **capability)
{
  SyrinxPlace place;
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!syrinx_grant_allows_track (request->grant, wanted->track_id)) {
    http_problem (request->message, 403, "track_id",
        "the token does not allow this track");
    return NULL;
  }
  wanted->grant = request->grant;
  locate (request, &place);
  wanted->region = place.region;
  wanted->rtt_ms = place.rtt_ms;
  wanted->client = place.client;
  if (!http_admit (request, &place, wanted->rendition))
    return NULL;
  session = syrinx_sessions_create (
      syrinx_engine_get_sessions (request->engine), wanted, capability, &error);
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
    http_problem (request->message, 404, "track_id", "there is no such track");
  else if (error)
    http_problem_error (request->message, error);
  return session;
}

void
http_session_create (HttpRequest *request)
{
  g_auto (SyrinxSessionBody) body = { 0 };
  SyrinxSessionRequest wanted = { 0 };
  g_autofree gchar *capability = NULL, *base = NULL, *location = NULL,
                   *jwe = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!read_body (request, &body))
    return;
  wanted.track_id = body.track_id;
  wanted.rendition = body.rendition;
  wanted.encryption = body.encryption;
  wanted.has_wrapped_keys
      = body.public_key && wanted.encryption != SYRINX_ENCRYPTION_NONE;
  session = http_begin_session (request, &wanted, &capability);
  if (!session)
    return;
  if (wanted.has_wrapped_keys
      && !(jwe = http_wrap_keys (request, session, body.public_key, &error))) {
    syrinx_sessions_terminate (syrinx_engine_get_sessions (request->engine),
        syrinx_session_get_id (session), "its keys could not be wrapped");
    http_problem_error (request->message, error);
    return;
  }
  base = make_base (request, syrinx_session_get_id (session), capability);
  location
      = g_strconcat ("/v1/sessions/", syrinx_session_get_id (session), NULL);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (request->message), "Location",
      location);
  answer_session (request, session, 201, base, jwe);
}

/* --- Later --- */

/* The session of the path, if the token's subject (or admin) may have it. */
static SyrinxSession *
find_own (HttpRequest *request)
{
  SyrinxSessions *sessions = syrinx_engine_get_sessions (request->engine);
  SyrinxSession *session;

  if (!http_check_id (request, request->args[0]))
    return NULL;
  session = syrinx_sessions_lookup (sessions, request->args[0]);
  if (session
      && (syrinx_grant_has_scope (request->grant, SYRINX_SCOPE_ADMIN)
          || g_strcmp0 (syrinx_grant_get_subject (request->grant),
                 syrinx_grant_get_subject (syrinx_session_get_grant (session)))
                 == 0))
    return session;
  /* Whether another's session exists is nobody's business. */
  if (!session && syrinx_sessions_has_ended (sessions, request->args[0]))
    http_problem (request->message, 410, NULL, "this session has ended");
  else
    http_problem (request->message, 404, NULL, "there is no such session");
  return NULL;
}

void
http_session_show (HttpRequest *request)
{
  SyrinxSession *session = find_own (request);

  if (session)
    answer_session (request, session, 200, NULL, NULL);
}

void
http_session_end (HttpRequest *request)
{
  SyrinxSession *session = find_own (request);

  if (!session)
    return;
  syrinx_sessions_terminate (syrinx_engine_get_sessions (request->engine),
      request->args[0], "by its listener");
  soup_server_message_set_status (request->message, 204, NULL);
}

void
http_session_renew (HttpRequest *request)
{
  SyrinxSession *session = find_own (request);
  g_autoptr (GError) error = NULL;

  if (!session)
    return;
  if (syrinx_session_renew (session, request->grant, &error))
    answer_session (request, session, 200, NULL, NULL);
  else
    http_problem_error (request->message, error);
}
