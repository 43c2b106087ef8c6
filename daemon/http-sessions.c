/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: sessions begin, are looked at, renewed and ended. */
#include "http-request.h"

#include "core/error.h"
#include "core/json.h"

static gchar *
make_url (HttpRequest *request, const gchar *id, const gchar *capability)
{
  GUri *uri = soup_server_message_get_uri (request->message);
  gint port = g_uri_get_port (uri);
  const gchar *host = g_uri_get_host (uri);
  gboolean is_v6 = strchr (host, ':') != NULL;
  g_autofree gchar *with_port
      = port > 0 ? g_strdup_printf (":%d", port) : g_strdup ("");

  return g_strdup_printf ("%s://%s%s%s%s/v1/sessions/%s/%s/master.m3u8",
      g_uri_get_scheme (uri), is_v6 ? "[" : "", host, is_v6 ? "]" : "",
      with_port, id, capability);
}

static void
answer_session (HttpRequest *request, SyrinxListener *listener, guint status,
    const gchar *hls_url)
{
  static const gchar *const strings[]
      = { "track-id", "rendition", "region", "state" };
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint64 bytes_sent;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "id");
  json_builder_add_string_value (json, syrinx_listener_get_id (listener));
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++) {
    g_autofree gchar *value = NULL;
    g_autofree gchar *name = g_strdelimit (g_strdup (strings[i]), "-", '_');
    g_object_get (listener, strings[i], &value, NULL);
    json_builder_set_member_name (json, name);
    json_builder_add_string_value (json, value);
  }
  json_builder_set_member_name (json, "encryption");
  json_builder_add_string_value (
      json, syrinx_listener_get_encryption (listener) == SYRINX_ENCRYPTION_NONE
                ? "none"
                : "hls-aes128");
  json_builder_set_member_name (json, "expires_at");
  json_builder_add_int_value (json,
      syrinx_grant_get_expires_at_s (syrinx_listener_get_grant (listener)));
  g_object_get (listener, "bytes-sent", &bytes_sent, NULL);
  json_builder_set_member_name (json, "bytes_sent");
  json_builder_add_int_value (json, bytes_sent);
  json_builder_set_member_name (json, "server");
  json_builder_add_string_value (json, g_get_host_name ());
  if (hls_url) {
    json_builder_set_member_name (json, "hls_url");
    json_builder_add_string_value (json, hls_url);
  }
  json_builder_end_object (json);
  http_json (request->message, status, json);
}

/* The members of the body, each checked. FALSE: answered. */
static gboolean
read_body (HttpRequest *request, JsonObject *body, const gchar **track_id,
    const gchar **rendition, SyrinxEncryption *encryption)
{
  static const gchar *const known[]
      = { "track_id", "rendition", "encryption", NULL };
  g_autoptr (GList) members = json_object_get_members (body);
  const gchar *value;

  for (GList *m = members; m; m = m->next)
    if (!g_strv_contains (known, m->data)) {
      http_problem (request->message, 422, m->data,
          "a session has track_id, rendition and encryption");
      return FALSE;
    } else if (!syrinx_json_get_string (body, m->data)) {
      http_problem (request->message, 422, m->data, "this must be a string");
      return FALSE;
    }
  *track_id = syrinx_json_get_string (body, "track_id");
  value = syrinx_json_get_string (body, "rendition");
  *rendition = value
                   ? value
                   : syrinx_engine_get_config (request->engine)->renditions[0];
  value = syrinx_json_get_string (body, "encryption");
  *encryption = g_strcmp0 (value, "none") == 0 ? SYRINX_ENCRYPTION_NONE
                                               : SYRINX_ENCRYPTION_HLS_AES128;
  if (value && !g_str_equal (value, "none")
      && !g_str_equal (value, "hls-aes128")) {
    http_problem (request->message, 422, "encryption",
        "encryption is hls-aes128 or none");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_session_body (
    HttpRequest *request, const gchar *track_id, const gchar *rendition)
{
  SyrinxConfig *config = syrinx_engine_get_config (request->engine);

  if (!track_id)
    http_problem (
        request->message, 422, "track_id", "say which track: track_id");
  else if (!g_strv_contains (
               (const gchar *const *)config->renditions, rendition))
    http_problem (request->message, 422, "rendition",
        "there is no rendition of that name here");
  else if (!syrinx_grant_allows_track (request->grant, track_id))
    http_problem (request->message, 403, "track_id",
        "the token does not allow this track");
  else
    return TRUE;
  return FALSE;
}

void
http_session_create (HttpRequest *request)
{
  g_autoptr (JsonObject) body = http_body (request);
  const gchar *track_id, *rendition, *region;
  SyrinxEncryption encryption;
  SyrinxListener *listener;
  g_autofree gchar *capability = NULL, *url = NULL;
  g_autoptr (GError) error = NULL;

  if (!body || !read_body (request, body, &track_id, &rendition, &encryption)
      || !check_session_body (request, track_id, rendition))
    return;
  region = syrinx_grant_get_region (request->grant);
  listener
      = syrinx_sessions_create (syrinx_engine_get_sessions (request->engine),
          request->grant, track_id, rendition, encryption,
          region ? region : syrinx_engine_get_config (request->engine)->region,
          soup_server_message_get_remote_host (request->message), &capability,
          &error);
  if (!listener) {
    if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
      http_problem (
          request->message, 404, "track_id", "there is no such track");
    else
      http_problem_error (request->message, error);
    return;
  }
  url = make_url (request, syrinx_listener_get_id (listener), capability);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (request->message), "Location",
      url);
  answer_session (request, listener, 201, url);
}

/* The session of the path, if the token's subject (or admin) may have it. */
static SyrinxListener *
find_own (HttpRequest *request)
{
  SyrinxSessions *sessions = syrinx_engine_get_sessions (request->engine);
  SyrinxListener *listener;

  if (!http_check_id (request, request->args[0]))
    return NULL;
  listener = syrinx_sessions_lookup (sessions, request->args[0]);
  if (listener
      && (syrinx_grant_has_scope (request->grant, SYRINX_SCOPE_ADMIN)
          || g_strcmp0 (syrinx_grant_get_subject (request->grant),
                 syrinx_grant_get_subject (
                     syrinx_listener_get_grant (listener)))
                 == 0))
    return listener;
  /* Whether another's session exists is nobody's business. */
  if (!listener && syrinx_sessions_has_ended (sessions, request->args[0]))
    http_problem (request->message, 410, NULL, "this session has ended");
  else
    http_problem (request->message, 404, NULL, "there is no such session");
  return NULL;
}

void
http_session_show (HttpRequest *request)
{
  SyrinxListener *listener = find_own (request);

  if (listener)
    answer_session (request, listener, 200, NULL);
}

void
http_session_end (HttpRequest *request)
{
  SyrinxListener *listener = find_own (request);

  if (!listener)
    return;
  syrinx_sessions_terminate (syrinx_engine_get_sessions (request->engine),
      request->args[0], "by its listener");
  soup_server_message_set_status (request->message, 204, NULL);
}

void
http_session_renew (HttpRequest *request)
{
  SyrinxListener *listener = find_own (request);
  g_autoptr (GError) error = NULL;

  if (!listener)
    return;
  if (syrinx_listener_renew (listener, request->grant, &error))
    answer_session (request, listener, 200, NULL);
  else
    http_problem_error (request->message, error);
}
