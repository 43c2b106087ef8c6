/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: sessions begin, are looked at, renewed and ended. */
#include "handlers.h"
#include "daemon/sessions/session-request.h"

#include "core/base/error.h"

#include <string.h>

/* "http://HOST:PORT/v1/sessions/ID/CAPABILITY/" as the client reached us. */
static gchar *
make_base (HttpExchange *exchange, const gchar *id, const gchar *capability)
{
  g_autofree gchar *origin = http_exchange_make_origin (exchange);

  return g_strdup_printf ("%sv1/sessions/%s/%s/", origin, id, capability);
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
make_rtsp_url (HttpExchange *exchange, const gchar *base, gboolean tls)
{
  guint port
      = syrinx_engine_get_rtsp_port (http_exchange_get_engine (exchange), tls);
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
add_secrets (HttpExchange *exchange, JsonBuilder *json, SyrinxSession *session,
    const gchar *base, const gchar *jwe)
{
  gboolean is_ece
      = syrinx_session_get_encryption (session) == SYRINX_ENCRYPTION_ECE;
  g_autofree gchar *rtsp
      = is_ece ? NULL : make_rtsp_url (exchange, base, FALSE);
  g_autofree gchar *rtsps
      = is_ece ? NULL : make_rtsp_url (exchange, base, TRUE);

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
answer_session (HttpExchange *exchange, SyrinxSession *session, guint status,
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
    add_secrets (exchange, json, session, base, jwe);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, status, json);
}

/* --- Beginning --- */

/* FALSE: answered. */
static gboolean
read_body (HttpExchange *exchange, SyrinxSessionBody *body)
{
  GBytes *bytes = http_exchange_get_body (exchange);
  SyrinxConfig *config
      = syrinx_engine_get_config (http_exchange_get_engine (exchange));
  g_autoptr (GError) error = NULL;
  const gchar *field, *data;
  gsize size_bytes;

  data = g_bytes_get_data (bytes, &size_bytes);
  if (syrinx_session_body_parse (data ? data : "", size_bytes,
          (const gchar *const *)config->renditions, body, &field, &error))
    return TRUE;
  http_exchange_answer_problem (
      exchange, field ? 422 : 400, field, "%s", error->message);
  return FALSE;
}

static void
locate (HttpExchange *exchange, SyrinxPlace *place)
{
  const SyrinxClues clues = { .token_region = syrinx_grant_get_region (
                                  http_exchange_get_grant (exchange)),
    .token_rtt_ms
    = syrinx_grant_get_rtt_ms (http_exchange_get_grant (exchange)),
    .peer = http_exchange_get_peer (exchange),
    .proxy_region = http_exchange_get_header (exchange, "X-Syrinx-Region"),
    .forwarded = http_exchange_get_header (exchange, "X-Forwarded-For") };

  syrinx_geography_locate (
      syrinx_engine_get_geography (http_exchange_get_engine (exchange)), &clues,
      place);
}

SyrinxSession *
http_begin_session (
    HttpExchange *exchange, SyrinxSessionRequest *wanted, gchar **capability)
{
  SyrinxPlace place;
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!syrinx_grant_allows_track (
          http_exchange_get_grant (exchange), wanted->track_id)) {
    http_exchange_answer_problem (
        exchange, 403, "track_id", "the token does not allow this track");
    return NULL;
  }
  wanted->grant = http_exchange_get_grant (exchange);
  locate (exchange, &place);
  wanted->region = place.region;
  wanted->rtt_ms = place.rtt_ms;
  wanted->client = place.client;
  if (!http_admit (exchange, &place, wanted->rendition))
    return NULL;
  session = syrinx_sessions_create (
      syrinx_engine_get_sessions (http_exchange_get_engine (exchange)), wanted,
      capability, &error);
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
    http_exchange_answer_problem (
        exchange, 404, "track_id", "there is no such track");
  else if (error)
    http_exchange_answer_error (exchange, error);
  return session;
}

void
http_session_create (HttpExchange *exchange)
{
  g_auto (SyrinxSessionBody) body = { 0 };
  SyrinxSessionRequest wanted = { 0 };
  g_autofree gchar *capability = NULL, *base = NULL, *location = NULL,
                   *jwe = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!read_body (exchange, &body))
    return;
  wanted.track_id = body.track_id;
  wanted.rendition = body.rendition;
  wanted.encryption = body.encryption;
  wanted.has_wrapped_keys
      = body.public_key && wanted.encryption != SYRINX_ENCRYPTION_NONE;
  session = http_begin_session (exchange, &wanted, &capability);
  if (!session)
    return;
  if (wanted.has_wrapped_keys
      && !(jwe = http_wrap_keys (exchange, session, body.public_key, &error))) {
    syrinx_sessions_terminate (
        syrinx_engine_get_sessions (http_exchange_get_engine (exchange)),
        syrinx_session_get_id (session), "its keys could not be wrapped");
    http_exchange_answer_error (exchange, error);
    return;
  }
  base = make_base (exchange, syrinx_session_get_id (session), capability);
  location
      = g_strconcat ("/v1/sessions/", syrinx_session_get_id (session), NULL);
  http_exchange_set_header (exchange, "Location", location);
  answer_session (exchange, session, 201, base, jwe);
}

/* --- Later --- */

/* The session of the path, if the token's subject (or admin) may have it. */
static SyrinxSession *
find_own (HttpExchange *exchange)
{
  SyrinxSessions *sessions
      = syrinx_engine_get_sessions (http_exchange_get_engine (exchange));
  SyrinxSession *session;

  if (!http_check_id (exchange, http_exchange_get_arg (exchange, 0)))
    return NULL;
  session
      = syrinx_sessions_lookup (sessions, http_exchange_get_arg (exchange, 0));
  if (session
      && (syrinx_grant_has_scope (
              http_exchange_get_grant (exchange), SYRINX_SCOPE_ADMIN)
          || g_strcmp0 (
                 syrinx_grant_get_subject (http_exchange_get_grant (exchange)),
                 syrinx_grant_get_subject (syrinx_session_get_grant (session)))
                 == 0))
    return session;
  /* Whether another's session exists is nobody's business. */
  if (!session
      && syrinx_sessions_has_ended (
          sessions, http_exchange_get_arg (exchange, 0)))
    http_exchange_answer_problem (
        exchange, 410, NULL, "this session has ended");
  else
    http_exchange_answer_problem (
        exchange, 404, NULL, "there is no such session");
  return NULL;
}

void
http_session_show (HttpExchange *exchange)
{
  SyrinxSession *session = find_own (exchange);

  if (session)
    answer_session (exchange, session, 200, NULL, NULL);
}

void
http_session_end (HttpExchange *exchange)
{
  SyrinxSession *session = find_own (exchange);

  if (!session)
    return;
  syrinx_sessions_terminate (
      syrinx_engine_get_sessions (http_exchange_get_engine (exchange)),
      http_exchange_get_arg (exchange, 0), "by its listener");
  http_exchange_answer_empty (exchange, 204);
}

void
http_session_renew (HttpExchange *exchange)
{
  SyrinxSession *session = find_own (exchange);
  g_autoptr (GError) error = NULL;

  if (!session)
    return;
  if (syrinx_session_renew (
          session, http_exchange_get_grant (exchange), &error))
    answer_session (exchange, session, 200, NULL, NULL);
  else
    http_exchange_answer_error (exchange, error);
}
