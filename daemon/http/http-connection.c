/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP/1.x connection.
 *
 * It serves one request after another: head, body, the handler's answer, then
 * the next request. A pipelined request stays unread until the answer before it
 * has been sent, so a peer can make the daemon hold one request and one answer
 * at most. Sockets are watched edge-triggered; a plain GET of a fragment that
 * is in memory costs a receive, a send and no allocation.
 *
 * Handlers may answer later from anywhere in the main thread. Such an answer is
 * sent at once, but the next request is read from the main loop, never from
 * within the call: the stack does not grow with the number of connections that
 * wait for each other, and the server's scratch buffer has one user at a time.
 * A connection that is closed stays in memory while a function on the stack
 * uses it. */
#include "http-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS              (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define MAX_REQUESTS_A_TURN 16
#define MAX_FRAGMENT_PATH   256
#define MAX_DISCARDED_BYTES (2 * 1024 * 1024)
#define MAX_CHUNKED_BYTES   (2 * HTTP_MAX_BODY_BYTES)

static const gchar interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

static void
enter (HttpConnection *self, HttpPhase phase)
{
  http_server_enter (self->server, self, phase);
}

/* --- The end --- */

void
http_connection_unref (HttpConnection *self)
{
  if (--self->refs)
    return;
  if (!self->is_borrowed)
    g_free (self->input);
  g_free (self);
}

static void
forget_answer (HttpConnection *self)
{
  if (self->long_head)
    g_string_free (g_steal_pointer (&self->long_head), TRUE);
  g_clear_pointer (&self->piece, g_bytes_unref);
  g_queue_clear_full (&self->waiting, (GDestroyNotify)g_bytes_unref);
  self->n_waiting_bytes = 0;
  self->is_answering = self->is_open = self->is_told = FALSE;
  self->is_probed = FALSE;
}

/* Ends everything of the connection except the transport. */
static void
leave (HttpConnection *self)
{
  HttpExchange *exchange = g_steal_pointer (&self->exchange);

  self->is_closed = TRUE;
  syrinx_reactor_remove (self->server->settings.reactor, self->watch);
  http_server_drop (self->server, self);
  forget_answer (self);
  g_clear_pointer (&self->body, g_byte_array_unref);
  if (exchange)
    http_exchange_detach (exchange, TRUE);
  http_connection_unref (self);
}

void
http_connection_close (HttpConnection *self)
{
  SyrinxTransport *transport;

  if (self->is_closed)
    return;
  transport = g_steal_pointer (&self->transport);
  leave (self);
  syrinx_transport_unref (transport);
}

void
http_connection_cut (HttpConnection *self)
{
  syrinx_transport_reset (self->transport);
  http_connection_close (self);
}

SyrinxTransport *
http_connection_steal (HttpConnection *self)
{
  SyrinxTransport *transport = g_steal_pointer (&self->transport);
  HttpExchange *exchange = g_steal_pointer (&self->exchange);

  http_exchange_detach (exchange, FALSE);
  leave (self);
  return transport;
}

/* Closing a socket with unread input resets it, and the peer may lose the end
 * of the answer. So input is read and dropped until the peer closes, within
 * limits of time and size. */
static void
discard (HttpConnection *self)
{
  while (self->n_discarded < MAX_DISCARDED_BYTES) {
    gssize n = syrinx_transport_recv (
        self->transport, self->server->scratch, sizeof self->server->scratch);
    if (n == -EAGAIN)
      return;
    if (n <= 0)
      break;
    self->n_discarded += n;
  }
  http_connection_close (self);
}

static void
begin_closing (HttpConnection *self)
{
  syrinx_transport_shutdown (self->transport);
  self->from = self->to = 0;
  enter (self, HTTP_PHASE_CLOSING);
}

/* --- Sending: hot --- */

static void
end_answer (HttpConnection *self)
{
  HttpExchange *exchange = g_steal_pointer (&self->exchange);

  forget_answer (self);
  if (exchange)
    http_exchange_detach (exchange, FALSE);
  if (self->is_last)
    begin_closing (self);
  else
    enter (self, self->from < self->to ? HTTP_PHASE_HEAD : HTTP_PHASE_IDLE);
}

static guint
gather (HttpConnection *self, struct iovec parts[2])
{
  const gchar *head = self->long_head ? self->long_head->str : self->head;
  guint n = 0;

  if (self->head_sent < self->n_head)
    parts[n++] = (struct iovec){ (gpointer)(head + self->head_sent),
      self->n_head - self->head_sent };
  if (self->piece_left) {
    const gchar *data = g_bytes_get_data (self->piece, NULL);
    parts[n++] = (struct iovec){ (gpointer)(data + self->piece_from),
      self->piece_left };
  }
  return n;
}

/* @n bytes of the answer have been sent. */
static void
advance (HttpConnection *self, gsize n)
{
  gsize of_head = MIN (n, self->n_head - self->head_sent);

  self->head_sent += of_head;
  self->piece_from += n - of_head;
  self->piece_left -= n - of_head;
  self->n_waiting_bytes -= n - of_head;
  if (self->piece_left)
    return;
  g_clear_pointer (&self->piece, g_bytes_unref);
  self->piece = g_queue_pop_head (&self->waiting);
  self->piece_from = 0;
  self->piece_left = self->piece ? g_bytes_get_size (self->piece) : 0;
}

/* FALSE: the socket is full, or the connection is over. */
static gboolean
send_waiting (HttpConnection *self)
{
  struct iovec parts[2];
  guint n_parts;
  gboolean has_sent = FALSE;

  while ((n_parts = gather (self, parts))) {
    gssize n = syrinx_transport_sendv (self->transport, parts, n_parts);
    if (n == -EAGAIN) {
      if (has_sent || self->phase != HTTP_PHASE_SENDING)
        enter (self, HTTP_PHASE_SENDING);
      return FALSE;
    }
    if (n < 0) {
      http_connection_close (self);
      return FALSE;
    }
    has_sent = TRUE;
    advance (self, n);
  }
  return TRUE;
}

/* TRUE: the whole answer has been sent. */
static gboolean
flush (HttpConnection *self)
{
  if (!send_waiting (self))
    return FALSE;
  if (!self->is_open) {
    end_answer (self);
    return !self->is_closed;
  }
  if (!self->is_told) {
    self->is_told = TRUE;
    enter (self, HTTP_PHASE_OPEN);
    http_exchange_note_taken (self->exchange);
  }
  return FALSE;
}

/* Sends an answer that does not come from within http_connection_serve(). */
static void
flush_later_answer (HttpConnection *self)
{
  self->refs++;
  if (flush (self) && (self->has_input || self->from < self->to))
    http_server_defer (self->server, self);
  http_connection_unref (self);
}

/* --- Reading --- */

/* Reads more input. FALSE: there is none now, or the input has ended. */
static gboolean
fill (HttpConnection *self)
{
  gssize n;

  if (!self->has_input)
    return FALSE;
  if (!self->input) {
    self->input = self->server->scratch;
    self->is_borrowed = TRUE;
  }
  if (self->from) {
    memmove (self->input, self->input + self->from, self->to - self->from);
    self->to -= self->from;
    self->from = 0;
  }
  n = syrinx_transport_recv (
      self->transport, self->input + self->to, HTTP_MAX_HEAD_BYTES - self->to);
  if (n > 0) {
    /* A short read has emptied the socket: a new edge will report more
     * (epoll(7)). */
    if (n < HTTP_MAX_HEAD_BYTES - self->to && !self->is_tls
        && !self->is_half_closed)
      self->has_input = FALSE;
    self->to += n;
    return TRUE;
  }
  self->has_input = FALSE;
  if (n != -EAGAIN)
    http_connection_close (self);
  return FALSE;
}

/* Gives the scratch buffer back to the server; unused input is copied. */
static void
keep_input (HttpConnection *self)
{
  gsize n = self->to - self->from;

  if (self->is_borrowed) {
    gchar *own = n ? g_malloc (HTTP_MAX_HEAD_BYTES) : NULL;
    if (n)
      memcpy (own, self->input + self->from, n);
    self->input = own;
    self->is_borrowed = FALSE;
    self->from = 0;
    self->to = n;
  } else if (!n) {
    g_clear_pointer (&self->input, g_free);
    self->from = self->to = 0;
  }
}

/* Hot: answers a GET of a fragment in memory. FALSE: a handler is needed. */
static gboolean
answer_fragment (HttpConnection *self, const HttpHead *head)
{
  const HttpServerSettings *settings = &self->server->settings;
  gchar path[MAX_FRAGMENT_PATH];
  gsize size;

  if (!head->is_plain || !settings->find_fragment
      || head->target_bytes >= sizeof path)
    return FALSE;
  memcpy (path, head->target, head->target_bytes);
  path[head->target_bytes] = 0;
  self->piece = settings->find_fragment (
      syrinx_transport_get_peer (self->transport), path, settings->user_data);
  if (!self->piece)
    return FALSE;
  size = g_bytes_get_size (self->piece);
  self->n_head = http_head_of_fragment (self->head, size);
  self->head_sent = self->piece_from = 0;
  self->piece_left = self->n_waiting_bytes = size;
  self->is_answering = TRUE;
  self->from += head->n_bytes;
  return TRUE;
}

static void
refuse (HttpConnection *self, const HttpRefusal *refusal)
{
  self->is_last = TRUE;
  if (!self->exchange)
    self->exchange = http_exchange_new (self, NULL);
  g_clear_pointer (&self->body, g_byte_array_unref);
  http_exchange_answer_problem (
      self->exchange, refusal->status, NULL, "%s", refusal->detail);
}

/* The socket has room for a few bytes, since all earlier answers are sent. */
static gboolean
send_interim (HttpConnection *self)
{
  const struct iovec part = { (gpointer)interim, sizeof interim - 1 };

  return syrinx_transport_sendv (self->transport, &part, 1) == part.iov_len;
}

static void
hand_over (HttpConnection *self)
{
  const HttpServerSettings *settings = &self->server->settings;
  HttpExchange *exchange = http_exchange_ref (self->exchange);

  if (self->body)
    http_exchange_take_body (exchange, g_steal_pointer (&self->body));
  settings->handle (exchange, settings->user_data);
  if (!http_exchange_is_settled (exchange)) {
    g_critical ("a handler neither answered nor deferred");
    http_exchange_answer_problem (exchange, 500, NULL, "there is no answer");
  }
  http_exchange_unref (exchange);
}

static void
begin_body (HttpConnection *self, const HttpHead *head)
{
  self->body = g_byte_array_new ();
  self->body_left = head->content_length;
  self->is_chunked = head->is_chunked;
  self->n_chunked_bytes = 0;
  self->decoder = (struct phr_chunked_decoder){ .consume_trailer = 1 };
  enter (self, HTTP_PHASE_BODY);
  if (head->expects_continue && head->minor_version == 1
      && self->from == self->to && !send_interim (self))
    http_connection_close (self);
}

static void
begin_request (HttpConnection *self, const HttpHead *head)
{
  self->exchange = http_exchange_new (self, head);
  self->is_last = head->is_last;
  self->from += head->n_bytes;
  if (head->content_length || head->is_chunked)
    begin_body (self, head);
  else
    hand_over (self);
}

/* FALSE: the head is not complete, or the connection is over. */
static gboolean
read_head (HttpConnection *self)
{
  HttpHeadResult result = HTTP_HEAD_PARTIAL;
  HttpRefusal refusal;
  HttpHead head;

  do {
    gsize n = self->to - self->from;
    if (n > self->n_known)
      result = http_head_parse (
          &head, self->input + self->from, n, self->n_known, &refusal);
    self->n_known = n;
  } while (result == HTTP_HEAD_PARTIAL && fill (self));
  if (result == HTTP_HEAD_PARTIAL) {
    if (!self->is_closed && self->n_known && self->phase != HTTP_PHASE_HEAD)
      enter (self, HTTP_PHASE_HEAD);
    return FALSE;
  }
  self->n_known = 0;
  if (result == HTTP_HEAD_REFUSED)
    refuse (self, &refusal);
  else if (!answer_fragment (self, &head))
    begin_request (self, &head);
  return TRUE;
}

typedef enum
{
  BODY_WHOLE,
  BODY_PARTIAL,
  BODY_BAD,
  BODY_TOO_LARGE
} BodyResult;

static BodyResult
take_counted (HttpConnection *self)
{
  gsize n = MIN (self->to - self->from, self->body_left);

  g_byte_array_append (self->body, (const guint8 *)self->input + self->from, n);
  self->from += n;
  self->body_left -= n;
  return self->body_left ? BODY_PARTIAL : BODY_WHOLE;
}

static BodyResult
take_chunked (HttpConnection *self)
{
  gchar *data = self->input + self->from;
  gsize n = self->to - self->from, n_decoded = n;
  gssize left = phr_decode_chunked (&self->decoder, data, &n_decoded);

  if (left == -1)
    return BODY_BAD;
  self->n_chunked_bytes += left < 0 ? n : n - left;
  if (self->body->len + n_decoded > HTTP_MAX_BODY_BYTES
      || self->n_chunked_bytes > MAX_CHUNKED_BYTES)
    return BODY_TOO_LARGE;
  g_byte_array_append (self->body, (const guint8 *)data, n_decoded);
  /* The next request begins behind the decoded bytes. */
  self->from += n_decoded;
  self->to = left < 0 ? self->from : self->from + left;
  return left < 0 ? BODY_PARTIAL : BODY_WHOLE;
}

/* FALSE: the body is not complete, or the connection is over. */
static gboolean
read_body (HttpConnection *self)
{
  static const HttpRefusal bad = { 400, "the body's chunks are malformed" };
  static const HttpRefusal large = { 413, "a body is at most 64 KiB" };
  BodyResult result = BODY_PARTIAL;

  do {
    if (self->from < self->to)
      result = self->is_chunked ? take_chunked (self) : take_counted (self);
  } while (result == BODY_PARTIAL && fill (self));
  if (result == BODY_PARTIAL)
    return FALSE;
  if (result == BODY_WHOLE)
    hand_over (self);
  else
    refuse (self, result == BODY_BAD ? &bad : &large);
  return TRUE;
}

/* --- Serving --- */

/* Half-closed clients are answered: the end of input may only mean that no
 * request follows. An interim response tells the cases apart: a client that has
 * gone answers it with a reset, others skip it (RFC 9110, section 15.2). */
static void
probe (HttpConnection *self)
{
  if (self->is_probed)
    return;
  self->is_probed = TRUE;
  if (http_exchange_get_minor_version (self->exchange) == 0
      || !send_interim (self))
    http_connection_close (self);
}

/* FALSE: nothing can be done now, or the connection is over. */
static gboolean
step (HttpConnection *self)
{
  if (self->phase == HTTP_PHASE_CLOSING) {
    discard (self);
    return FALSE;
  }
  if (self->is_answering)
    return flush (self);
  if (self->body)
    return read_body (self);
  if (!self->exchange)
    return read_head (self);
  if (self->is_half_closed)
    probe (self);
  return FALSE;
}

void
http_connection_serve (HttpConnection *self)
{
  guint n = 0;

  self->refs++;
  self->is_serving = TRUE;
  while (!self->is_closed && n < 2 * MAX_REQUESTS_A_TURN && step (self))
    n++;
  self->is_serving = FALSE;
  keep_input (self);
  if (!self->is_closed && n == 2 * MAX_REQUESTS_A_TURN)
    http_server_defer (self->server, self);
  http_connection_unref (self);
}

static void
ready (guint32 events, gpointer data)
{
  HttpConnection *self = data;

  if (events & (EPOLLHUP | EPOLLERR)) {
    http_connection_close (self);
    return;
  }
  if (events & (EPOLLIN | EPOLLRDHUP))
    self->has_input = TRUE;
  if (events & EPOLLRDHUP)
    self->is_half_closed = TRUE;
  http_connection_serve (self);
}

/* --- For exchanges --- */

HttpServer *
http_connection_get_server (HttpConnection *self)
{
  return self->server;
}

SyrinxTransport *
http_connection_get_transport (HttpConnection *self)
{
  return self->transport;
}

gboolean
http_connection_is_last (HttpConnection *self)
{
  return self->is_last;
}

void
http_connection_set_last (HttpConnection *self)
{
  self->is_last = TRUE;
}

void
http_connection_wait (HttpConnection *self)
{
  enter (self, HTTP_PHASE_WAITING);
}

void
http_connection_answer (HttpConnection *self, GString *head, GBytes *body,
    gsize first, gsize n_bytes, gboolean is_open)
{
  g_return_if_fail (!self->is_answering);
  self->long_head = head;
  self->n_head = head->len;
  self->head_sent = 0;
  self->piece = body && n_bytes ? g_bytes_ref (body) : NULL;
  self->piece_from = first;
  self->piece_left = self->n_waiting_bytes = self->piece ? n_bytes : 0;
  self->is_answering = TRUE;
  self->is_open = is_open;
  if (!self->is_serving)
    flush_later_answer (self);
}

gboolean
http_connection_write (HttpConnection *self, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);

  if (!size)
    return TRUE;
  if (self->n_waiting_bytes + size
          + self->waiting.length * (gsize)HTTP_PIECE_BYTES
      > HTTP_MAX_WAITING_BYTES)
    return FALSE;
  self->n_waiting_bytes += size;
  self->is_told = FALSE;
  if (self->piece) {
    g_queue_push_tail (&self->waiting, g_bytes_ref (bytes));
    return TRUE;
  }
  self->piece = g_bytes_ref (bytes);
  self->piece_from = 0;
  self->piece_left = size;
  if (self->phase == HTTP_PHASE_OPEN)
    http_server_defer (self->server, self);
  return TRUE;
}

void
http_connection_end (HttpConnection *self)
{
  self->is_open = FALSE;
  http_server_defer (self->server, self);
}

/* --- Life --- */

HttpConnection *
http_connection_new (HttpServer *server, SyrinxTransport *transport)
{
  HttpConnection *self = g_new0 (HttpConnection, 1);

  self->watch = syrinx_reactor_add (server->settings.reactor,
      syrinx_transport_get_fd (transport), EVENTS, ready, self);
  if (!self->watch) {
    g_info ("a connection can't be watched: %s", g_strerror (errno));
    syrinx_transport_unref (transport);
    g_free (self);
    return NULL;
  }
  self->server = server;
  self->transport = transport;
  self->is_tls = syrinx_transport_is_tls (transport);
  self->refs = 1;
  self->phase = HTTP_PHASE_HEAD;
  self->link.data = self;
  self->deferred.data = self;
  /* The transport may hold input that arrived with the end of the handshake. */
  self->has_input = self->is_tls;
  if (self->is_tls)
    http_server_defer (server, self);
  return self;
}
