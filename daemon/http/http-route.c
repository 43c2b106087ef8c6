/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routing and access. */
#include "exchange-private.h"

#include "daemon/engine.h"

#include <string.h>

/* --- Access --- */

static const gchar *
find_token (HttpExchange *exchange, HttpAccess access)
{
  const gchar *header = http_exchange_get_header (exchange, "Authorization");

  if (header && g_ascii_strncasecmp (header, "Bearer ", 7) == 0)
    return header + 7;
  return access == HTTP_LISTEN_QUERY || access == HTTP_ORIGINAL_QUERY
             ? http_exchange_get_query (exchange, "token")
             : NULL;
}

/* FALSE: answered 429. */
static gboolean
is_within_rate (HttpExchange *exchange)
{
  SyrinxEngine *engine = http_exchange_get_engine (exchange);
  guint rate
      = syrinx_engine_get_config (engine)->requests_per_second_per_subject;
  gint64 wait_us
      = syrinx_rate_limit_take (syrinx_engine_get_subject_limit (engine),
          syrinx_grant_get_subject (exchange->grant), rate,
          rate * HTTP_BURST_SECONDS, g_get_monotonic_time ());

  if (wait_us == 0)
    return TRUE;
  http_exchange_set_retry_after (exchange, wait_us);
  http_exchange_answer_problem (exchange, 429, NULL,
      "too many requests with tokens of this subject; wait a little");
  return FALSE;
}

/* RFC 6750, section 3: who sent no token made no error. */
static void
ask_for_token (HttpExchange *exchange)
{
  http_exchange_set_header (
      exchange, "WWW-Authenticate", "Bearer realm=\"syrinx\"");
  http_exchange_answer_problem (exchange, 401, NULL,
      "this needs a token: send Authorization: Bearer TOKEN");
}

/* FALSE: answered. */
static gboolean
is_allowed (HttpExchange *exchange, HttpAccess access)
{
  static const SyrinxScope scopes[] = { [HTTP_LISTEN] = SYRINX_SCOPE_LISTEN,
    [HTTP_LISTEN_QUERY] = SYRINX_SCOPE_LISTEN,
    [HTTP_ORIGINAL_QUERY] = SYRINX_SCOPE_ORIGINAL,
    [HTTP_ADMIN] = SYRINX_SCOPE_ADMIN,
    [HTTP_ANY_TOKEN] = 0 };
  const gchar *token = find_token (exchange, access);
  g_autoptr (GError) error = NULL;

  if (!token) {
    ask_for_token (exchange);
    return FALSE;
  }
  exchange->grant = syrinx_engine_check_token (
      http_exchange_get_engine (exchange), token, &error);
  if (!exchange->grant) {
    http_exchange_answer_problem (exchange, 401, NULL, "%s", error->message);
    return FALSE;
  }
  if (!is_within_rate (exchange))
    return FALSE;
  if (token == http_exchange_get_query (exchange, "token")
      && syrinx_grant_has_scope (exchange->grant, SYRINX_SCOPE_ADMIN)) {
    http_exchange_answer_problem (exchange, 403, "token",
        "a token with scope admin does not belong in a URL");
    return FALSE;
  }
  if (syrinx_grant_has_scope (exchange->grant, scopes[access]))
    return TRUE;
  http_exchange_answer_problem (exchange, 403, NULL,
      "the token's scope does not allow this; it needs %s",
      access == HTTP_ADMIN            ? "admin"
      : access == HTTP_ORIGINAL_QUERY ? "original"
                                      : "listen");
  return FALSE;
}

/* --- Routing --- */

typedef struct
{
  const gchar *text;
  gsize length;
} Piece;

/* Segments equal those of @pattern; {} takes any that is not empty. */
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
  exchange->route = route;
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    if (args[i].text)
      exchange->args[i] = g_strndup (args[i].text, args[i].length);
  if (route->access == HTTP_OPEN || is_allowed (exchange, route->access))
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

void
http_route_again (HttpExchange *exchange)
{
  exchange->route->handler (exchange);
}
