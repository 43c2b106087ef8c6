/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routing and access. */
#include "exchange-private.h"

#include "daemon/engine.h"

#include "core/base/error.h"

#include <string.h>

/* --- Access --- */

/* A request without any token gets no error code (RFC 6750, section 3). */
static void
ask_for_token (HttpExchange *exchange, const SyrinxCredentials *credentials)
{
  if (!syrinx_credentials_are_given (credentials))
    http_exchange_set_header (
        exchange, "WWW-Authenticate", "Bearer realm=\"syrinx\"");
}

/* FALSE: answered. */
static gboolean
authenticate (HttpExchange *exchange, HttpAccess access)
{
  SyrinxEngine *engine = http_exchange_get_engine (exchange);
  const SyrinxCredentials credentials
      = { .authorization = http_exchange_get_header (exchange, "Authorization"),
          .query = access == HTTP_TOKEN_QUERY
                       ? http_exchange_get_query (exchange, "token")
                       : NULL };
  g_autoptr (GError) error = NULL;
  gint64 retry_us;

  exchange->grant = syrinx_gateway_authenticate (
      syrinx_engine_get_gateway (engine), &credentials, &retry_us, &error);
  if (exchange->grant)
    return TRUE;
  if (retry_us)
    http_exchange_set_retry_after (exchange, retry_us);
  ask_for_token (exchange, &credentials);
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_DENIED))
    http_exchange_answer_problem (exchange, 403, "token", "%s", error->message);
  else
    http_exchange_answer_error (exchange, error);
  return FALSE;
}

/* FALSE: answered. */
static gboolean
is_allowed (HttpExchange *exchange, const HttpRoute *route)
{
  const SyrinxTarget target
      = { .track_id = http_exchange_get_arg (exchange, 0) };
  g_autoptr (GError) error = NULL;

  if (!authenticate (exchange, route->access))
    return FALSE;
  if (route->right == HTTP_RIGHT_LATER
      || syrinx_right_check (exchange->grant, route->operation,
          route->right == HTTP_RIGHT_TO_TRACK ? &target : NULL, &error))
    return TRUE;
  syrinx_gateway_note_refused (
      syrinx_engine_get_gateway (http_exchange_get_engine (exchange)),
      "no-right", http_exchange_get_client (exchange), exchange->grant, "http");
  http_exchange_answer_error (exchange, error);
  return FALSE;
}

/* --- Routing --- */

typedef struct
{
  const gchar *text;
  gsize length;
} Piece;

/* Segments must equal those of @pattern; {} matches any that is not empty. */
static gboolean
match (const gchar *pattern, const gchar *path, Piece args[HTTP_MAX_ARGS])
{
  guint n_args = 0;

  memset (args, 0, HTTP_MAX_ARGS * sizeof *args);
  while (*pattern) {
    if (pattern[0] == '{' && pattern[1] == '}') {
      gsize length = strcspn (path, "/");
      if (!length || n_args == HTTP_MAX_ARGS)
        return FALSE;
      args[n_args++] = (Piece){ path, length };
      pattern += 2;
      path += length;
    } else if (*pattern++ != *path++) {
      return FALSE;
    }
  }
  return *path == 0;
}

static void
answer_options (HttpExchange *exchange)
{
  http_exchange_set_header (
      exchange, "Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
  http_exchange_set_header (exchange, "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Range");
  http_exchange_set_header (exchange, "Access-Control-Max-Age", "86400");
  http_exchange_answer_empty (exchange, 204);
}

static void
add_method (GString *list, const gchar *method)
{
  g_string_append_printf (list, "%s%s", list->len ? ", " : "", method);
  if (g_str_equal (method, "GET"))
    g_string_append (list, ", HEAD");
}

static void
run (HttpExchange *exchange, const HttpRoute *route,
    const Piece args[HTTP_MAX_ARGS])
{
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    if (args[i].text)
      exchange->args[i] = g_strndup (args[i].text, args[i].length);
  if (route->access == HTTP_OPEN || is_allowed (exchange, route))
    route->handler (exchange);
}

void
http_route (HttpExchange *exchange, const HttpRoute *routes, guint n_routes)
{
  const gchar *method = http_exchange_get_method (exchange);
  const gchar *path = http_exchange_get_path (exchange);
  g_autoptr (GString) allowed = NULL;
  Piece args[HTTP_MAX_ARGS];

  if (g_str_equal (method, "OPTIONS")) {
    answer_options (exchange);
    return;
  }
  if (http_exchange_is_head (exchange))
    method = "GET";
  for (guint i = 0; i < n_routes; i++) {
    if (!match (routes[i].pattern, path, args))
      continue;
    if (g_str_equal (method, routes[i].method)) {
      run (exchange, &routes[i], args);
      return;
    }
    if (!allowed)
      allowed = g_string_new (NULL);
    add_method (allowed, routes[i].method);
  }
  if (!allowed) {
    http_exchange_answer_problem (
        exchange, 404, NULL, "there is nothing at this address");
    return;
  }
  g_string_append (allowed, ", OPTIONS");
  http_exchange_set_header (exchange, "Allow", allowed->str);
  http_exchange_answer_problem (exchange, 405, NULL, "this can't be done here");
}
