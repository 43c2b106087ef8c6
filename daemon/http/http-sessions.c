/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: begins, shows, renews and ends sessions. */
#include "handlers.h"
#include "daemon/sessions/session-json.h"
#include "daemon/sessions/session-request.h"

#include "core/base/error.h"

#include <string.h>

/* "http://HOST:PORT/v1/sessions/ID/CAPABILITY/" by the origin that the client
 * used. */
static gchar *
make_base (HttpExchange *exchange, const gchar *id, const gchar *capability)
{
  g_autofree gchar *origin = http_exchange_make_origin (exchange);

  return g_strdup_printf ("%sv1/sessions/%s/%s/", origin, id, capability);
}

/* @base (nullable): there is no such URL, and the member is null. */
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

/* @base on the same host, at the port of RTSP or, if @tls, RTSPS. (transfer
 * full) (nullable) */
static gchar *
make_rtsp_url (HttpExchange *exchange, const gchar *base, gboolean tls)
{
  guint port
      = syrinx_engine_get_rtsp_port (http_exchange_get_engine (exchange), tls);
  g_autoptr (GUri) uri = g_uri_parse (base, G_URI_FLAGS_NONE, NULL);
  g_autofree gchar *path = NULL;

  if (!port || !uri)
    return NULL;
  /* Without "/v1" and the slash at the end. */
  path = g_strdup (g_uri_get_path (uri) + strlen ("/v1"));
  path[strlen (path) - 1] = 0;
  return g_uri_join (G_URI_FLAGS_NONE, tls ? "rtsps" : "rtsp", NULL,
      g_uri_get_host (uri), port, path, NULL, NULL);
}

/* Adds what is sent only once, in the answer that begins the session. */
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
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  syrinx_session_add_json (session, json);
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
answer_begun (HttpExchange *exchange, const SyrinxDeskAnswer *answer)
{
  const gchar *id = syrinx_session_get_id (answer->session);
  g_autofree gchar *base = make_base (exchange, id, answer->capability);
  g_autofree gchar *location = g_strconcat ("/v1/sessions/", id, NULL);

  http_exchange_set_header (exchange, "Location", location);
  answer_session (exchange, answer->session, 201, base, answer->keys);
}

void
http_session_create (HttpExchange *exchange)
{
  g_auto (SyrinxSessionBody) body = { 0 };
  SyrinxDeskRequest wanted = { 0 };

  if (!read_body (exchange, &body))
    return;
  wanted.track_id = body.track_id;
  wanted.rendition = body.rendition;
  wanted.encryption = body.encryption;
  wanted.public_key = body.public_key;
  http_begin_session (exchange, &wanted, answer_begun);
}

/* --- Existing sessions --- */

/* The session that the path names, if the token allows @operation. NULL:
 * answered. */
static SyrinxSession *
find_session (HttpExchange *exchange, SyrinxOperation operation)
{
  SyrinxSessions *sessions
      = syrinx_engine_get_sessions (http_exchange_get_engine (exchange));
  const gchar *id = http_exchange_get_arg (exchange, 0);
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!http_check_id (exchange, id))
    return NULL;
  session = syrinx_sessions_find (
      sessions, id, http_exchange_get_grant (exchange), operation, &error);
  if (!session)
    http_exchange_answer_error (exchange, error);
  return session;
}

void
http_session_show (HttpExchange *exchange)
{
  SyrinxSession *session
      = find_session (exchange, SYRINX_OPERATION_LOOK_AT_SESSION);

  if (session)
    answer_session (exchange, session, 200, NULL, NULL);
}

void
http_session_end (HttpExchange *exchange)
{
  if (!find_session (exchange, SYRINX_OPERATION_END_SESSION))
    return;
  syrinx_sessions_terminate (
      syrinx_engine_get_sessions (http_exchange_get_engine (exchange)),
      http_exchange_get_arg (exchange, 0), "by its listener");
  http_exchange_answer_empty (exchange, 204);
}

void
http_session_renew (HttpExchange *exchange)
{
  SyrinxSession *session
      = find_session (exchange, SYRINX_OPERATION_RENEW_SESSION);
  g_autoptr (GError) error = NULL;

  if (!session)
    return;
  if (syrinx_session_renew (
          session, http_exchange_get_grant (exchange), &error))
    answer_session (exchange, session, 200, NULL, NULL);
  else
    http_exchange_answer_error (exchange, error);
}
