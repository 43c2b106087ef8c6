/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and its answer: life, and the request. */
#include "exchange-private.h"

#include <string.h>

/* --- Life --- */

/* The counterpart of @piece in @copy of the parsed bytes, terminated by NUL,
 * which overwrites the delimiter behind the piece. */
static const gchar *
cut (gchar *copy, const gchar *start, const gchar *piece, gsize length)
{
  copy[piece - start + length] = 0;
  return copy + (piece - start);
}

/* The absolute form "http://HOST/PATH?QUERY" is accepted, too (RFC 9112,
 * section 3.2.2). */
static void
set_target (HttpExchange *self, const gchar *target)
{
  const gchar *authority = *target == '/' ? NULL : strstr (target, "://");
  gchar *query;

  if (authority)
    target = authority + 3 + strcspn (authority + 3, "/?");
  self->path = target;
  query = strchr (target, '?');
  if (query) {
    *query = 0;
    self->query = query + 1;
  }
  if (!*self->path)
    self->path = "/";
}

static void
copy_head (HttpExchange *self, const HttpHead *head)
{
  /* An empty line may stand before the request line (RFC 9112, section 2.2). */
  const gchar *start = head->method;
  gsize n_bytes = head->n_fields
                      ? head->fields[head->n_fields - 1].value
                            + head->fields[head->n_fields - 1].value_bytes
                            - start
                      : head->target + head->target_bytes - start;

  self->head = g_malloc (n_bytes + 1);
  memcpy (self->head, start, n_bytes);
  self->n_fields = head->n_fields;
  self->fields = g_malloc_n (MAX (head->n_fields, 1), sizeof *self->fields);
  self->method = cut (self->head, start, head->method, head->method_bytes);
  for (guint i = 0; i < self->n_fields; i++) {
    const HttpField *field = &head->fields[i];
    self->fields[i][0]
        = cut (self->head, start, field->name, field->name_bytes) - self->head;
    self->fields[i][1]
        = cut (self->head, start, field->value, field->value_bytes)
          - self->head;
  }
  set_target (self, cut (self->head, start, head->target, head->target_bytes));
}

HttpExchange *
http_exchange_new (HttpConnection *connection, const HttpHead *head)
{
  HttpExchange *self = g_new0 (HttpExchange, 1);

  self->refs = 1;
  self->connection = connection;
  self->settings = &http_connection_get_server (connection)->settings;
  self->method = "";
  self->path = "/";
  self->minor_version = head ? head->minor_version : 1;
  if (head)
    copy_head (self, head);
  return self;
}

HttpExchange *
http_exchange_ref (HttpExchange *self)
{
  self->refs++;
  return self;
}

static void
clear_parameter (gpointer parameter)
{
  g_free (((HttpParameter *)parameter)->value);
}

static void
clear_joined (gpointer text)
{
  g_free (*(gchar **)text);
}

void
http_exchange_unref (HttpExchange *self)
{
  if (--self->refs)
    return;
  g_free (self->head);
  g_free (self->fields);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->joined, g_array_unref);
  g_clear_pointer (&self->parameters, g_array_unref);
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    g_free (self->args[i]);
  g_clear_pointer (&self->grant, syrinx_grant_unref);
  for (guint i = 0; i < self->n_set; i++)
    g_free (self->set[i].value);
  g_free (self);
}

void
http_exchange_take_body (HttpExchange *self, GByteArray *body)
{
  self->body = g_byte_array_free_to_bytes (body);
}

gboolean
http_exchange_is_settled (HttpExchange *self)
{
  return self->is_settled || !self->connection;
}

void
http_exchange_detach (HttpExchange *self, gboolean has_left)
{
  void (*left) (HttpExchange *, gpointer) = g_steal_pointer (&self->left);
  void (*stream_left) (gpointer) = g_steal_pointer (&self->stream.left);

  self->connection = NULL;
  self->stream.took = NULL;
  if (has_left && left)
    left (self, self->left_data);
  if (has_left && stream_left)
    stream_left (self->stream_data);
  http_exchange_unref (self);
}

void
http_exchange_note_taken (HttpExchange *self)
{
  if (self->stream.took)
    self->stream.took (self->stream_data);
}

void
http_exchange_defer (HttpExchange *self,
    void (*left) (HttpExchange *exchange, gpointer user_data),
    gpointer user_data)
{
  g_return_if_fail (self->connection);
  self->is_settled = TRUE;
  self->left = left;
  self->left_data = user_data;
  http_connection_wait (self->connection);
}

/* --- The client --- */

SyrinxEngine *
http_exchange_get_engine (HttpExchange *self)
{
  return self->settings->engine;
}

const gchar *
http_exchange_get_peer (HttpExchange *self)
{
  return syrinx_transport_get_peer (
      http_connection_get_transport (self->connection));
}

const gchar *
http_exchange_get_client (HttpExchange *self)
{
  const HttpServerSettings *settings = self->settings;
  const gchar *peer;

  if (self->has_client || !self->connection)
    return self->client;
  peer = http_exchange_get_peer (self);
  if (settings->find_client)
    settings->find_client (peer,
        http_exchange_get_header (self, "X-Forwarded-For"), self->client,
        settings->user_data);
  else
    g_strlcpy (self->client, peer, sizeof self->client);
  self->has_client = TRUE;
  return self->client;
}

gboolean
http_exchange_is_tls (HttpExchange *self)
{
  return syrinx_transport_is_tls (
      http_connection_get_transport (self->connection));
}

SyrinxGrant *
http_exchange_get_grant (HttpExchange *self)
{
  return self->grant;
}

/* The scheme that the client used: a trusted proxy may terminate TLS. */
static const gchar *
get_scheme (HttpExchange *self)
{
  const HttpServerSettings *settings = self->settings;
  const gchar *said = http_exchange_get_header (self, "X-Forwarded-Proto");

  if (said && g_ascii_strcasecmp (said, "https") == 0 && settings->is_proxy
      && settings->is_proxy (
          http_exchange_get_peer (self), settings->user_data))
    return "https";
  return http_exchange_is_tls (self) ? "https" : "http";
}

/* The origin by the local address of the connection, for clients that sent no
 * Host. (transfer full) */
static gchar *
make_local_origin (HttpExchange *self, const gchar *scheme)
{
  GSocketAddress *address = syrinx_transport_get_local_address (
      http_connection_get_transport (self->connection));
  g_autofree gchar *text
      = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

  return g_strdup_printf ("%s://%s/", scheme, text);
}

gchar *
http_exchange_make_origin (HttpExchange *self)
{
  const gchar *host = http_exchange_get_header (self, "Host");
  const gchar *scheme = get_scheme (self);
  g_autofree gchar *text
      = g_strdup_printf ("%s://%s/", scheme, host ? host : "");
  g_autoptr (GUri) origin = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  if (!origin || !g_uri_get_host (origin) || !*g_uri_get_host (origin)
      || g_uri_get_userinfo (origin)
      || !g_str_equal (g_uri_get_path (origin), "/"))
    return make_local_origin (self, scheme);
  return g_uri_join (G_URI_FLAGS_NONE, scheme, NULL, g_uri_get_host (origin),
      g_uri_get_port (origin), "/", NULL, NULL);
}

/* --- The request --- */

const gchar *
http_exchange_get_method (HttpExchange *self)
{
  return self->method;
}

gboolean
http_exchange_is_head (HttpExchange *self)
{
  return g_str_equal (self->method, "HEAD");
}

guint
http_exchange_get_minor_version (HttpExchange *self)
{
  return self->minor_version;
}

const gchar *
http_exchange_get_path (HttpExchange *self)
{
  return self->path;
}

const gchar *
http_exchange_get_arg (HttpExchange *self, guint n)
{
  return n < HTTP_MAX_ARGS ? self->args[n] : NULL;
}

GBytes *
http_exchange_get_body (HttpExchange *self)
{
  if (!self->body)
    self->body = g_bytes_new_static ("", 0);
  return self->body;
}

/* The value of the next line of @name, searched from *@i on. (nullable) */
static const gchar *
next_value (HttpExchange *self, const gchar *name, guint *i)
{
  while (*i < self->n_fields) {
    const guint16 *field = self->fields[(*i)++];
    if (g_ascii_strcasecmp (self->head + field[0], name) == 0)
      return self->head + field[1];
  }
  return NULL;
}

/* Keeps @text for the life of the exchange. */
static const gchar *
keep_joined (HttpExchange *self, gchar *text)
{
  if (!self->joined) {
    self->joined = g_array_new (FALSE, FALSE, sizeof (gchar *));
    g_array_set_clear_func (self->joined, clear_joined);
  }
  for (guint i = 0; i < self->joined->len; i++) {
    gchar *known = g_array_index (self->joined, gchar *, i);
    if (g_str_equal (known, text)) {
      g_free (text);
      return known;
    }
  }
  g_array_append_val (self->joined, text);
  return text;
}

const gchar *
http_exchange_get_header (HttpExchange *self, const gchar *name)
{
  guint i = 0;
  const gchar *first = next_value (self, name, &i);
  const gchar *next = first ? next_value (self, name, &i) : NULL;
  GString *all;

  if (!next)
    return first;
  all = g_string_new (first);
  for (; next; next = next_value (self, name, &i))
    g_string_append_printf (all, ", %s", next);
  return keep_joined (self, g_string_free (all, FALSE));
}

/* Decodes "a+b%20c". (nullable): wrong percent-encoding, or an encoded NUL. */
static gchar *
decode_form (const gchar *text, gsize length)
{
  g_autofree gchar *spaced = g_strndup (text, length);

  return g_uri_unescape_string (g_strdelimit (spaced, "+", ' '), NULL);
}

/* The last parameter of this name counts. (nullable) (transfer full) */
static gchar *
find_parameter (HttpExchange *self, const gchar *name)
{
  gchar *found = NULL;

  for (const gchar *at = self->query; at;) {
    gsize length = strcspn (at, "&");
    const gchar *equals = memchr (at, '=', length);
    g_autofree gchar *own = decode_form (at, equals ? equals - at : length);
    if (own && g_str_equal (own, name)) {
      g_free (found);
      found = equals ? decode_form (equals + 1, at + length - equals - 1)
                     : g_strdup ("");
    }
    at = at[length] ? at + length + 1 : NULL;
  }
  return found;
}

const gchar *
http_exchange_get_query (HttpExchange *self, const gchar *name)
{
  HttpParameter parameter = { name, NULL };

  if (!self->query)
    return NULL;
  if (!self->parameters) {
    self->parameters = g_array_new (FALSE, FALSE, sizeof parameter);
    g_array_set_clear_func (self->parameters, clear_parameter);
  }
  for (guint i = 0; i < self->parameters->len; i++) {
    HttpParameter *known = &g_array_index (self->parameters, HttpParameter, i);
    if (g_str_equal (known->name, name))
      return known->value;
  }
  parameter.value = find_parameter (self, name);
  g_array_append_val (self->parameters, parameter);
  return parameter.value;
}

gboolean
http_exchange_get_query_uint (HttpExchange *self, const gchar *name, guint min,
    guint max, guint fallback, guint *value)
{
  const gchar *text = http_exchange_get_query (self, name);
  guint64 number = fallback;

  if (text && !g_ascii_string_to_unsigned (text, 10, min, max, &number, NULL)) {
    http_exchange_answer_problem (
        self, 422, name, "%s is a number from %u to %u", name, min, max);
    return FALSE;
  }
  *value = number;
  return TRUE;
}
