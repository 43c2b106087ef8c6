/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes on HTTP connections, in pieces of any size: through the daemon's
 * connections, over socket pairs, to handlers that answer in all possible ways.
 * Every answer must be framed as its head says, no request may be answered
 * twice, and nothing may be left over.
 *
 * An input is a sequence of steps: a byte that chooses one of two connections,
 * an action and a size, and then that many bytes. */
#include "daemon/http/exchange.h"
#include "daemon/http/http-server.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CLIENTS    2
#define MAX_DEFERRED 8
#define MAX_ROUNDS   200

typedef struct
{
  int fd; /* -1: the client has left */
  GString *heard;
} Client;

typedef struct
{
  SyrinxReactor *reactor;
  HttpServer *server;
  Client clients[N_CLIENTS];
  GPtrArray *deferred; /* of HttpExchange, no references */
  GPtrArray *streams;
} Fuzz;

/* --- Handlers --- */

static void
exchange_left (HttpExchange *exchange, gpointer data)
{
  Fuzz *fuzz = data;

  g_assert_true (g_ptr_array_remove (fuzz->deferred, exchange));
}

typedef struct
{
  Fuzz *fuzz;
  HttpExchange *exchange;
} Stream;

static void
stream_left (gpointer data)
{
  Stream *stream = data;

  g_assert_true (g_ptr_array_remove (stream->fuzz->streams, stream));
  g_free (stream);
}

static void
answer (HttpExchange *exchange)
{
  g_autoptr (GBytes) body = g_bytes_new (http_exchange_get_path (exchange),
      strlen (http_exchange_get_path (exchange)));
  const gchar *name = http_exchange_get_query (exchange, "h");

  g_assert_cmpuint (
      g_bytes_get_size (http_exchange_get_body (exchange)), <=, 65536);
  http_exchange_set_etag (exchange, "e");
  if (name)
    http_exchange_set_header (exchange, "X-Fuzz", name);
  http_exchange_answer (exchange, 200, "text/plain", "no-cache", body);
}

static void
answer_file (HttpExchange *exchange)
{
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  http_exchange_answer_file (exchange, fd, 100000, "text/plain", NULL);
}

static void
begin_stream (Fuzz *fuzz, HttpExchange *exchange)
{
  static const HttpStreamFuncs funcs = { NULL, stream_left };
  g_autoptr (GBytes) hello = g_bytes_new_static ("hello", 5);
  Stream *stream;

  if (http_exchange_is_head (exchange)) {
    http_exchange_begin_stream (exchange, "text/plain", NULL, NULL);
    return;
  }
  stream = g_new0 (Stream, 1);
  stream->fuzz = fuzz;
  stream->exchange = exchange;
  g_ptr_array_add (fuzz->streams, stream);
  http_exchange_begin_stream (exchange, "text/plain", &funcs, stream);
  g_assert_true (http_exchange_write (exchange, hello));
}

static void
steal (HttpExchange *exchange)
{
  gboolean is_chunked;
  g_autoptr (GBytes) preamble
      = http_exchange_make_preamble (exchange, "text/plain", &is_chunked);
  g_autoptr (GIOStream) stream = http_exchange_steal (exchange);

  g_assert_true (
      g_str_has_prefix (g_bytes_get_data (preamble, NULL), "HTTP/1."));
  g_io_stream_close (stream, NULL, NULL);
}

static void
handle (HttpExchange *exchange, gpointer data)
{
  Fuzz *fuzz = data;
  const gchar *path = http_exchange_get_path (exchange);
  g_autofree gchar *origin = http_exchange_make_origin (exchange);

  g_assert_true (g_str_has_prefix (origin, "http://"));
  g_assert_true (*path == '/' || *path == '*');
  http_exchange_get_header (exchange, "X-Forwarded-For");
  http_exchange_set_header (
      exchange, "X-Method", http_exchange_get_method (exchange));
  switch (path[1]) {
  case 'd':
    if (fuzz->deferred->len < MAX_DEFERRED) {
      g_ptr_array_add (fuzz->deferred, exchange);
      http_exchange_defer (exchange, exchange_left, fuzz);
      return;
    }
    break;
  case 'f':
    answer_file (exchange);
    return;
  case 'p':
    http_exchange_answer_problem (exchange, 422, "q", "%s", path);
    return;
  case 's':
    begin_stream (fuzz, exchange);
    return;
  case 't':
    steal (exchange);
    return;
  case 'u': {
    guint value;
    if (!http_exchange_get_query_uint (exchange, "n", 1, 5, 3, &value))
      return;
    g_assert_true (value >= 1 && value <= 5);
    break;
  }
  case 'n':
    http_exchange_answer_empty (exchange, 204);
    return;
  }
  answer (exchange);
}

static GBytes *
find_fragment (const gchar *peer, gchar *path, gpointer data)
{
  return g_str_has_prefix (path, "/0") ? g_bytes_new_static ("fragment", 8)
                                       : NULL;
}

/* --- Clients --- */

static void
hear (Client *client)
{
  gchar data[4096];
  gssize n;

  while (client->fd >= 0 && (n = recv (client->fd, data, sizeof data, 0)) > 0)
    if (client->heard->len < 1024 * 1024)
      g_string_append_len (client->heard, data, n);
}

static void
run (Fuzz *fuzz)
{
  for (guint i = 0; i < MAX_ROUNDS && g_main_context_iteration (NULL, FALSE);
       i++)
    for (guint j = 0; j < N_CLIENTS; j++)
      hear (&fuzz->clients[j]);
}

static void
connect_client (Fuzz *fuzz, Client *client)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)
      < 0)
    abort ();
  http_server_take (fuzz->server,
      syrinx_transport_new (
          &(SyrinxTransportSettings){ .fd = ends[0], .peer = "192.0.2.1" }));
  client->fd = ends[1];
  client->heard = g_string_new (NULL);
}

/* The value of a field in the head [@at, @end). (nullable) */
static const gchar *
find_field (const gchar *at, const gchar *end, const gchar *name)
{
  g_autofree gchar *line = g_strdup_printf ("\r\n%s: ", name);
  const gchar *found = g_strstr_len (at, end - at, line);

  return found ? found + strlen (line) : NULL;
}

/* Returns: the position after the last chunk; NULL if that has not come. */
static const gchar *
skip_chunks (const gchar *at, const gchar *end)
{
  while (g_strstr_len (at, end - at, "\r\n")) {
    gchar *digits_end;
    guint64 n = g_ascii_strtoull (at, &digits_end, 16);
    g_assert_true (digits_end > at && g_str_has_prefix (digits_end, "\r\n"));
    if (end - digits_end < n + 4)
      return NULL;
    at = digits_end + 2 + n;
    g_assert_true (g_str_has_prefix (at, "\r\n"));
    at += 2;
    if (n == 0)
      return at;
  }
  return NULL;
}

/* Each answer is as long as its head says, and is followed by the next one. */
static void
check_framing (const GString *heard)
{
  const gchar *at = heard->str, *end = at + heard->len;

  while (at && end - at >= 12) {
    const gchar *body = g_strstr_len (at, end - at, "\r\n\r\n");
    const gchar *length, *method;
    guint status;
    g_assert_true (g_str_has_prefix (at, "HTTP/1."));
    if (!body)
      return;
    status = atoi (at + 9);
    g_assert_true (status >= 100 && status < 600);
    length = find_field (at, body + 2, "Content-Length");
    method = find_field (at, body + 2, "X-Method");
    if (status == 100 || status == 204 || status == 304
        || (method && g_str_has_prefix (method, "HEAD\r")))
      at = body + 4;
    else if (length)
      at = body + 4 + MIN ((gsize)(end - body - 4), strtoul (length, NULL, 10));
    else if (find_field (at, body + 2, "Transfer-Encoding"))
      at = skip_chunks (body + 4, end);
    else
      return; /* ends with the connection, as HTTP/1.0 clients are told */
  }
}

static void
leave (Client *client)
{
  if (client->fd >= 0)
    close (client->fd);
  client->fd = -1;
}

static void
send_bytes (Fuzz *fuzz, Client *client, const guint8 *data, gsize n)
{
  while (n && client->fd >= 0) {
    gssize sent = send (client->fd, data, n, MSG_NOSIGNAL);
    if (sent < 0)
      return;
    data += sent;
    n -= sent;
  }
  run (fuzz);
}

static void
answer_deferred (Fuzz *fuzz)
{
  HttpExchange *exchange;

  if (!fuzz->deferred->len)
    return;
  exchange = g_ptr_array_steal_index (fuzz->deferred, 0);
  answer (exchange);
  run (fuzz);
}

static void
end_stream (Fuzz *fuzz)
{
  g_autoptr (GBytes) more = g_bytes_new_static ("more", 4);
  Stream *stream;

  if (!fuzz->streams->len)
    return;
  stream = g_ptr_array_steal_index (fuzz->streams, 0);
  http_exchange_write (stream->exchange, more);
  http_exchange_end_stream (stream->exchange);
  g_free (stream);
  run (fuzz);
}

static void
step (Fuzz *fuzz, FuzzInput *input)
{
  guint8 what = fuzz_take_byte (input);
  Client *client = &fuzz->clients[what & 1];
  gsize n = fuzz_take_byte (input);

  switch (what >> 1 & 7) {
  case 0:
    shutdown (client->fd, SHUT_WR);
    run (fuzz);
    break;
  case 1:
    leave (client);
    run (fuzz);
    break;
  case 2:
    answer_deferred (fuzz);
    break;
  case 3:
    end_stream (fuzz);
    break;
  case 4:
    n *= 64;
    /* fall through */
  default:
    n = MIN (n + 1, input->size);
    send_bytes (fuzz, client, input->data, n);
    input->data += n;
    input->size -= n;
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  Fuzz fuzz = { 0 };

  fuzz.deferred = g_ptr_array_new ();
  fuzz.streams = g_ptr_array_new ();
  fuzz.reactor = syrinx_reactor_new (NULL, NULL);
  fuzz.server = http_server_new (&(HttpServerSettings){ .reactor = fuzz.reactor,
      .handle = handle,
      .find_fragment = find_fragment,
      .user_data = &fuzz });
  for (guint i = 0; i < N_CLIENTS; i++)
    connect_client (&fuzz, &fuzz.clients[i]);
  while (input.size)
    step (&fuzz, &input);
  run (&fuzz);
  for (guint i = 0; i < N_CLIENTS; i++) {
    check_framing (fuzz.clients[i].heard);
    leave (&fuzz.clients[i]);
    g_string_free (fuzz.clients[i].heard, TRUE);
  }
  http_server_free (fuzz.server);
  g_assert_cmpuint (fuzz.deferred->len, ==, 0);
  g_assert_cmpuint (fuzz.streams->len, ==, 0);
  g_ptr_array_unref (fuzz.deferred);
  g_ptr_array_unref (fuzz.streams);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  syrinx_reactor_free (fuzz.reactor);
  return 0;
}
