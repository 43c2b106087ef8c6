/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and its answer: the answer. */
#include "exchange-private.h"
#include "daemon/net/transport-stream.h"

#include "core/base/error.h"

#include <string.h>

#define DEFAULT_RETRY_S "2"

/* --- Fields --- */

const gchar *
http_exchange_get_set (HttpExchange *self, const gchar *name)
{
  for (guint i = 0; i < self->n_set; i++)
    if (g_ascii_strcasecmp (self->set[i].name, name) == 0)
      return self->set[i].value;
  return NULL;
}

/* Line ends in @value become spaces. */
void
http_exchange_set_header (
    HttpExchange *self, const gchar *name, const gchar *value)
{
  gchar *copy = g_strdelimit (g_strdup (value), "\r\n", ' ');

  for (guint i = 0; i < self->n_set; i++)
    if (g_ascii_strcasecmp (self->set[i].name, name) == 0) {
      g_free (self->set[i].value);
      self->set[i].value = copy;
      return;
    }
  g_assert (self->n_set < HTTP_MAX_SET);
  self->set[self->n_set++] = (HttpSetField){ name, copy };
}

static void
set_default (HttpExchange *self, const gchar *name, const gchar *value)
{
  if (value && !http_exchange_get_set (self, name))
    http_exchange_set_header (self, name, value);
}

void
http_exchange_set_etag (HttpExchange *self, const gchar *etag)
{
  g_autofree gchar *quoted = g_strdup_printf ("\"%s\"", etag);

  http_exchange_set_header (self, "ETag", quoted);
}

void
http_exchange_refuse_ranges (HttpExchange *self)
{
  self->refuses_ranges = TRUE;
}

void
http_exchange_set_retry_after (HttpExchange *self, gint64 wait_us)
{
  g_autofree gchar *text = g_strdup_printf ("%" G_GINT64_FORMAT,
      MAX (1, (wait_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));

  http_exchange_set_header (self, "Retry-After", text);
}

/* --- Heads --- */

static GString *
make_head (HttpExchange *self, guint status)
{
  GString *head = http_head_begin (status, self->minor_version);

  for (guint i = 0; i < self->n_set; i++)
    http_head_add (head, self->set[i].name, self->set[i].value);
  return head;
}

static void
end_head (HttpExchange *self, GString *head)
{
  if (http_connection_is_last (self->connection))
    http_head_add (head, "Connection", "close");
  g_string_append (head, "\r\n");
}

static void
add_length (GString *head, guint64 n_bytes)
{
  g_string_append_printf (
      head, "Content-Length: %" G_GUINT64_FORMAT "\r\n", n_bytes);
}

/* FALSE: the client has left. */
static gboolean
settle (HttpExchange *self)
{
  self->left = NULL;
  self->is_settled = TRUE;
  return self->connection != NULL;
}

/* @n_bytes of @body (nullable) from @first on; a HEAD gets their number
 * only. */
static void
send_part (
    HttpExchange *self, guint status, GBytes *body, gsize first, gsize n_bytes)
{
  gboolean has_length = status != 204 && status != 304;
  GString *head;

  if (!settle (self))
    return;
  head = make_head (self, status);
  if (has_length)
    add_length (head, n_bytes);
  end_head (self, head);
  if (!has_length || http_exchange_is_head (self))
    body = NULL;
  http_connection_answer (self->connection, head, body, first, n_bytes, FALSE);
}

/* --- Conditions and ranges --- */

static void
set_content_range (
    HttpExchange *self, guint64 first, guint64 n_bytes, guint64 size)
{
  g_autofree gchar *range = g_strdup_printf (
      "bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
      first, first + n_bytes - 1, size);

  http_exchange_set_header (self, "Content-Range", range);
}

static void
answer_outside (HttpExchange *self, guint64 size)
{
  g_autofree gchar *range
      = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, size);

  http_exchange_set_header (self, "Content-Range", range);
  http_exchange_answer_problem (
      self, 416, NULL, "the range begins after the end of the content");
}

static HttpVerdict
judge (HttpExchange *self, guint64 size, guint64 *first, guint64 *n_bytes)
{
  gboolean is_get = g_str_equal (self->method, "GET");
  const HttpConditions conditions
      = { .if_match = http_exchange_get_header (self, "If-Match"),
          .if_none_match = http_exchange_get_header (self, "If-None-Match"),
          .if_range = http_exchange_get_header (self, "If-Range"),
          .range = is_get && !self->refuses_ranges
                       ? http_exchange_get_header (self, "Range")
                       : NULL };

  if (!is_get && !http_exchange_is_head (self))
    return HTTP_VERDICT_WHOLE;
  return http_conditions_judge (
      &conditions, http_exchange_get_set (self, "ETag"), size, first, n_bytes);
}

gboolean
http_exchange_judge (HttpExchange *self, guint64 size, guint *status,
    guint64 *first, guint64 *n_bytes)
{
  *first = 0;
  *n_bytes = size;
  *status = 200;
  set_default (self, "Accept-Ranges", self->refuses_ranges ? "none" : "bytes");
  switch (judge (self, size, first, n_bytes)) {
  case HTTP_VERDICT_WHOLE:
    *first = 0;
    *n_bytes = size;
    return TRUE;
  case HTTP_VERDICT_PART:
    set_content_range (self, *first, *n_bytes, size);
    *status = 206;
    return TRUE;
  case HTTP_VERDICT_NOT_MODIFIED:
    send_part (self, 304, NULL, 0, 0);
    return FALSE;
  case HTTP_VERDICT_FAILED:
    http_exchange_answer_problem (
        self, 412, NULL, "the current content has none of these entity tags");
    return FALSE;
  case HTTP_VERDICT_OUTSIDE:
    answer_outside (self, size);
    return FALSE;
  }
  return TRUE;
}

/* --- Whole answers --- */

void
http_exchange_answer_empty (HttpExchange *self, guint status)
{
  send_part (self, status, NULL, 0, 0);
}

void
http_exchange_answer (HttpExchange *self, guint status,
    const gchar *content_type, const gchar *cache_control, GBytes *body)
{
  guint64 first = 0, n_bytes = g_bytes_get_size (body);

  set_default (self, "Cache-Control", cache_control);
  if (status == 200
      && !http_exchange_judge (self, n_bytes, &status, &first, &n_bytes))
    return;
  set_default (self, "Content-Type", content_type);
  send_part (self, status, body, first, n_bytes);
}

void
http_exchange_answer_json (HttpExchange *self, guint status, JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  gchar *text = json_to_string (root, FALSE);
  g_autoptr (GBytes) body = g_bytes_new_take (text, strlen (text));

  http_exchange_answer (self, status, "application/json", "no-store", body);
}

/* --- Problems (RFC 9457) --- */

static GBytes *
describe_problem (guint status, const gchar *field, const gchar *detail)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  gchar *text;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "title");
  json_builder_add_string_value (json, http_phrase_of (status));
  json_builder_set_member_name (json, "status");
  json_builder_add_int_value (json, status);
  json_builder_set_member_name (json, "detail");
  json_builder_add_string_value (json, detail);
  if (field) {
    json_builder_set_member_name (json, "field");
    json_builder_add_string_value (json, field);
  }
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}

void
http_exchange_answer_problem (HttpExchange *self, guint status,
    const gchar *field, const gchar *format, ...)
{
  g_autofree gchar *detail = NULL;
  g_autoptr (GBytes) body = NULL;
  va_list arguments;

  va_start (arguments, format);
  detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  body = describe_problem (status, field, detail);
  if (status == 401)
    set_default (self, "WWW-Authenticate",
        "Bearer realm=\"syrinx\", error=\"invalid_token\"");
  if (status == 429 || status == 503)
    set_default (self, "Retry-After", DEFAULT_RETRY_S);
  http_exchange_set_header (self, "Cache-Control", "no-store");
  http_exchange_set_header (self, "Content-Type", "application/problem+json");
  send_part (self, status, body, 0, g_bytes_get_size (body));
}

void
http_exchange_answer_error (HttpExchange *self, const GError *error)
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
  http_exchange_answer_problem (self, status, NULL, "%s",
      status == 500 ? "something went wrong here; the log says what"
                    : error->message);
}

/* --- Answers that are written in pieces --- */

static void
keep_funcs (
    HttpExchange *self, const HttpStreamFuncs *funcs, gpointer user_data)
{
  self->stream = *funcs;
  self->stream_data = user_data;
}

gboolean
http_exchange_begin (HttpExchange *self, guint status, guint64 n_bytes,
    const HttpStreamFuncs *funcs, gpointer user_data)
{
  gboolean has_body = n_bytes && !http_exchange_is_head (self);
  GString *head;

  if (!settle (self))
    return FALSE;
  head = make_head (self, status);
  add_length (head, n_bytes);
  end_head (self, head);
  if (has_body)
    keep_funcs (self, funcs, user_data);
  http_connection_answer (self->connection, head, NULL, 0, 0, has_body);
  return has_body;
}

void
http_exchange_begin_stream (HttpExchange *self, const gchar *content_type,
    const HttpStreamFuncs *funcs, gpointer user_data)
{
  gboolean is_head = http_exchange_is_head (self);
  GString *head;

  if (!settle (self))
    return;
  self->is_chunked = self->minor_version >= 1;
  if (!self->is_chunked)
    http_connection_set_last (self->connection);
  set_default (self, "Content-Type", content_type);
  set_default (self, "Cache-Control", "no-store");
  head = make_head (self, 200);
  if (self->is_chunked)
    http_head_add (head, "Transfer-Encoding", "chunked");
  end_head (self, head);
  if (!is_head)
    keep_funcs (self, funcs, user_data);
  http_connection_answer (self->connection, head, NULL, 0, 0, !is_head);
}

/* @bytes as one chunk of RFC 9112, section 7.1, in a buffer of exactly the
 * needed size. */
static GBytes *
wrap (GBytes *bytes)
{
  gsize size, n_head;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  gchar head[24], *chunk;

  n_head = g_snprintf (head, sizeof head, "%zx\r\n", size);
  chunk = g_malloc (n_head + size + 2);
  memcpy (chunk, head, n_head);
  memcpy (chunk + n_head, data, size);
  memcpy (chunk + n_head + size, "\r\n", 2);
  return g_bytes_new_take (chunk, n_head + size + 2);
}

gboolean
http_exchange_write (HttpExchange *self, GBytes *bytes)
{
  g_autoptr (GBytes) chunk = NULL;

  if (!self->connection || !g_bytes_get_size (bytes))
    return self->connection != NULL;
  chunk = self->is_chunked ? wrap (bytes) : g_bytes_ref (bytes);
  return http_connection_write (self->connection, chunk);
}

void
http_exchange_end_stream (HttpExchange *self)
{
  static const gchar end[] = "0\r\n\r\n";
  g_autoptr (GBytes) bytes = g_bytes_new_static (end, sizeof end - 1);

  if (!self->connection)
    return;
  self->stream = (HttpStreamFuncs){ 0 };
  if (self->is_chunked && !http_connection_write (self->connection, bytes))
    http_connection_cut (self->connection);
  else
    http_connection_end (self->connection);
}

/* --- The connection itself --- */

GBytes *
http_exchange_make_preamble (
    HttpExchange *self, const gchar *content_type, gboolean *is_chunked)
{
  GString *head;

  *is_chunked = self->minor_version >= 1;
  http_connection_set_last (self->connection);
  set_default (self, "Content-Type", content_type);
  set_default (self, "Cache-Control", "no-store");
  head = make_head (self, 200);
  if (*is_chunked)
    http_head_add (head, "Transfer-Encoding", "chunked");
  end_head (self, head);
  return g_string_free_to_bytes (head);
}

GIOStream *
http_exchange_steal (HttpExchange *self)
{
  g_autoptr (SyrinxTransport) transport = NULL;

  settle (self);
  transport = http_connection_steal (self->connection);
  return syrinx_transport_stream_new (transport);
}
