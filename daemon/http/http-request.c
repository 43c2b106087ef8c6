/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routing, access, and the forms of answers. */
#include "http-request.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

/* --- Routing --- */

/* Segments equal those of @pattern; {} takes any that is not empty. */
static gboolean
match (const gchar *pattern, const gchar *path, gchar *args[HTTP_MAX_ARGS])
{
  guint n_args = 0;

  while (*pattern) {
    if (g_str_has_prefix (pattern, "{}")) {
      gsize length = strcspn (path, "/");
      if (!length || n_args == HTTP_MAX_ARGS)
        return FALSE;
      args[n_args++] = g_strndup (path, length);
      pattern += 2;
      path += length;
    } else if (*pattern++ != *path++) {
      return FALSE;
    }
  }
  return *path == 0;
}

static void
clear_args (HttpRequest *request)
{
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    g_clear_pointer (&request->args[i], g_free);
}

static const gchar *
find_token (HttpRequest *request, HttpAccess access)
{
  const gchar *header = soup_message_headers_get_one (
      soup_server_message_get_request_headers (request->message),
      "Authorization");

  if (header && g_ascii_strncasecmp (header, "Bearer ", 7) == 0)
    return header + 7;
  return access == HTTP_LISTEN_QUERY || access == HTTP_ORIGINAL_QUERY
             ? http_query (request, "token")
             : NULL;
}

/* FALSE: answered 429. */
static gboolean
is_within_rate (HttpRequest *request)
{
  guint rate = syrinx_engine_get_config (request->engine)
                   ->requests_per_second_per_subject;
  gint64 wait_us = syrinx_rate_limit_take (
      syrinx_engine_get_subject_limit (request->engine),
      syrinx_grant_get_subject (request->grant), rate,
      rate * HTTP_BURST_SECONDS, g_get_monotonic_time ());

  if (wait_us == 0)
    return TRUE;
  http_problem (request->message, 429, NULL,
      "too many requests with tokens of this subject; wait a little");
  http_retry_after (request->message, wait_us);
  return FALSE;
}

static gboolean
is_allowed (HttpRequest *request, HttpAccess access)
{
  static const SyrinxScope scopes[] = { [HTTP_LISTEN] = SYRINX_SCOPE_LISTEN,
    [HTTP_LISTEN_QUERY] = SYRINX_SCOPE_LISTEN,
    [HTTP_ORIGINAL_QUERY] = SYRINX_SCOPE_ORIGINAL,
    [HTTP_ADMIN] = SYRINX_SCOPE_ADMIN,
    [HTTP_ANY_TOKEN] = 0 };
  const gchar *token = find_token (request, access);
  g_autoptr (GError) error = NULL;

  if (!token) {
    http_problem (request->message, 401, NULL,
        "this needs a token: send Authorization: Bearer TOKEN");
    return FALSE;
  }
  request->grant = syrinx_engine_check_token (request->engine, token, &error);
  if (!request->grant) {
    http_problem (request->message, 401, NULL, "%s", error->message);
    return FALSE;
  }
  if (!is_within_rate (request))
    return FALSE;
  if (token == http_query (request, "token")
      && syrinx_grant_has_scope (request->grant, SYRINX_SCOPE_ADMIN)) {
    http_problem (request->message, 403, "token",
        "a token with scope admin does not belong in a URL");
    return FALSE;
  }
  if (syrinx_grant_has_scope (request->grant, scopes[access]))
    return TRUE;
  http_problem (request->message, 403, NULL,
      "the token's scope does not allow this; it needs %s",
      access == HTTP_ADMIN            ? "admin"
      : access == HTTP_ORIGINAL_QUERY ? "original"
                                      : "listen");
  return FALSE;
}

static void
answer_options (SoupServerMessage *message)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);

  soup_message_headers_replace (
      headers, "Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
  soup_message_headers_replace (headers, "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Range");
  soup_message_headers_replace (headers, "Access-Control-Max-Age", "86400");
  soup_server_message_set_status (message, 204, NULL);
}

const gchar *const http_common_headers[4][2]
    = { { "Referrer-Policy", "no-referrer" },
        { "X-Content-Type-Options", "nosniff" },
        { "Access-Control-Allow-Origin", "*" },
        { "Access-Control-Expose-Headers", "Content-Range, ETag" } };

static void
add_common_headers (SoupServerMessage *message)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);

  for (guint i = 0; i < G_N_ELEMENTS (http_common_headers); i++)
    soup_message_headers_replace (
        headers, http_common_headers[i][0], http_common_headers[i][1]);
}

void
http_route (SyrinxEngine *engine, SoupServerMessage *message,
    const HttpRoute *routes, guint n_routes)
{
  GUri *uri = soup_server_message_get_uri (message);
  const gchar *path = g_uri_get_path (uri), *query = g_uri_get_query (uri);
  const gchar *method = soup_server_message_get_method (message);
  HttpRequest request = { .engine = engine, .message = message };
  gboolean known = FALSE, handled = FALSE;

  add_common_headers (message);
  if (g_str_equal (method, "OPTIONS")) {
    answer_options (message);
    return;
  }
  if (g_str_equal (method, "HEAD"))
    method = "GET";
  request.query = query ? soup_form_decode (query) : NULL;
  for (guint i = 0; i < n_routes; i++, clear_args (&request)) {
    if (!match (routes[i].pattern, path, request.args))
      continue;
    known = TRUE;
    if (!g_str_equal (method, routes[i].method))
      continue;
    handled = TRUE;
    request.handler = routes[i].handler;
    if (routes[i].access == HTTP_OPEN
        || is_allowed (&request, routes[i].access))
      routes[i].handler (&request);
    break;
  }
  clear_args (&request);
  if (!handled)
    http_problem (message, known ? 405 : 404, NULL,
        known ? "this can't be done here" : "there is nothing at this address");
  g_clear_pointer (&request.query, g_hash_table_unref);
  g_clear_pointer (&request.grant, syrinx_grant_unref);
}

/* --- Answers --- */

static void
add_retry_or_challenge (SoupServerMessage *message, guint status)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);

  if (status == 401)
    soup_message_headers_replace (headers, "WWW-Authenticate",
        "Bearer realm=\"syrinx\", error=\"invalid_token\"");
  if (status == 429 || status == 503)
    soup_message_headers_replace (headers, "Retry-After", "2");
}

void
http_problem (SoupServerMessage *message, guint status, const gchar *field,
    const gchar *format, ...)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree gchar *detail = NULL;
  va_list arguments;

  va_start (arguments, format);
  detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "title");
  json_builder_add_string_value (builder, soup_status_get_phrase (status));
  json_builder_set_member_name (builder, "status");
  json_builder_add_int_value (builder, status);
  json_builder_set_member_name (builder, "detail");
  json_builder_add_string_value (builder, detail);
  if (field) {
    json_builder_set_member_name (builder, "field");
    json_builder_add_string_value (builder, field);
  }
  json_builder_end_object (builder);
  http_json (message, status, builder);
  soup_message_headers_set_content_type (
      soup_server_message_get_response_headers (message),
      "application/problem+json", NULL);
  add_retry_or_challenge (message, status);
}

void
http_retry_after (SoupServerMessage *message, gint64 wait_us)
{
  g_autofree gchar *text = g_strdup_printf ("%" G_GINT64_FORMAT,
      MAX (1, (wait_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));

  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Retry-After", text);
}

void
http_problem_error (SoupServerMessage *message, const GError *error)
{
  static const guint statuses[] = {
    [SYRINX_ERROR_FAILED] = 500,
    [SYRINX_ERROR_INVALID] = 422,
    [SYRINX_ERROR_NOT_FOUND] = 404,
    [SYRINX_ERROR_EXISTS] = 409,
    [SYRINX_ERROR_UNAUTHENTICATED] = 401,
    [SYRINX_ERROR_EXPIRED] = 410,
    [SYRINX_ERROR_DENIED] = 403,
    [SYRINX_ERROR_CORRUPT] = 500,
    [SYRINX_ERROR_BUSY] = 409,
    [SYRINX_ERROR_OVERLOADED] = 503,
    [SYRINX_ERROR_UNSUPPORTED] = 422,
    [SYRINX_ERROR_TIMED_OUT] = 503,
    [SYRINX_ERROR_CANCELLED] = 503,
    [SYRINX_ERROR_TOO_MANY] = 429,
  };
  guint status = error->domain == SYRINX_ERROR
                         && error->code < (gint)G_N_ELEMENTS (statuses)
                     ? statuses[error->code]
                     : 500;

  if (status == 500)
    g_warning ("a request failed: %s", error->message);
  http_problem (message, status, NULL, "%s",
      status == 500 ? "something went wrong here; the log says what"
                    : error->message);
}

void
http_json (SoupServerMessage *message, guint status, JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  gchar *text = json_to_string (root, FALSE);
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);

  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (
      message, "application/json", SOUP_MEMORY_TAKE, text, strlen (text));
}

void
http_bytes (SoupServerMessage *message, const gchar *content_type,
    const gchar *cache_control, GBytes *bytes)
{
  SoupMessageHeaders *headers
      = soup_server_message_get_response_headers (message);

  soup_message_headers_set_content_type (headers, content_type, NULL);
  soup_message_headers_replace (headers, "Cache-Control", cache_control);
  soup_message_body_append_bytes (
      soup_server_message_get_response_body (message), bytes);
  soup_server_message_set_status (message, 200, NULL);
}

gboolean
http_is_not_modified (SoupServerMessage *message, const gchar *etag)
{
  SoupMessageHeaders *asked = soup_server_message_get_request_headers (message);
  const gchar *has = soup_message_headers_get_list (asked, "If-None-Match");
  const gchar *range_of = soup_message_headers_get_one (asked, "If-Range");
  g_autofree gchar *quoted = g_strdup_printf ("\"%s\"", etag);

  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "ETag", quoted);
  if (range_of && !g_str_equal (range_of, quoted))
    soup_message_headers_remove (asked, "Range");
  if (!has || !(strstr (has, quoted) || g_str_equal (has, "*")))
    return FALSE;
  soup_server_message_set_status (message, 304, NULL);
  return TRUE;
}

/* --- Questions --- */

const gchar *
http_query (HttpRequest *request, const gchar *name)
{
  return request->query ? g_hash_table_lookup (request->query, name) : NULL;
}

gboolean
http_query_uint (HttpRequest *request, const gchar *name, guint min, guint max,
    guint fallback, guint *value)
{
  const gchar *text = http_query (request, name);
  guint64 number = fallback;

  if (text && !g_ascii_string_to_unsigned (text, 10, min, max, &number, NULL)) {
    http_problem (request->message, 422, name, "%s is a number from %u to %u",
        name, min, max);
    return FALSE;
  }
  *value = number;
  return TRUE;
}

GBytes *
http_body (HttpRequest *request)
{
  return soup_message_body_flatten (
      soup_server_message_get_request_body (request->message));
}

gboolean
http_check_id (HttpRequest *request, const gchar *id)
{
  if (syrinx_id_is_valid (id))
    return TRUE;
  http_problem (request->message, 404, NULL, "there is no such thing");
  return FALSE;
}

gchar *
http_redact (SoupServerMessage *message)
{
  GUri *uri = soup_server_message_get_uri (message);
  g_auto (GStrv) parts = g_strsplit (g_uri_get_path (uri), "/", 8);

  /* /v1/sessions/ID/CAPABILITY/… */
  if (g_strv_length (parts) > 4 && g_str_equal (parts[2], "sessions")) {
    g_free (parts[4]);
    parts[4] = g_strdup ("…");
  }
  return g_strjoinv ("/", parts);
}
