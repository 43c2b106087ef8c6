/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What server, connection and exchange share. */
#pragma once

#include "exchange.h"
#include "http-answer.h"
#include "http-conditions.h"
#include "http-connection.h"
#include "http-head.h"
#include "phr.h"

G_BEGIN_DECLS

/* --- Connections --- */

typedef enum
{
  HTTP_PHASE_HEAD,    /* a head is arriving, or the first is awaited */
  HTTP_PHASE_IDLE,    /* between requests */
  HTTP_PHASE_BODY,    /* a body is arriving */
  HTTP_PHASE_WAITING, /* for a handler that has deferred */
  HTTP_PHASE_SENDING, /* the peer must read before more can be sent */
  HTTP_PHASE_OPEN,    /* an open answer; all of it has been sent so far */
  HTTP_PHASE_CLOSING, /* everything is sent; waits for the peer to close */
  HTTP_N_PHASES
} HttpPhase;

struct _HttpConnection
{
  /* constant after init */
  HttpServer *server;
  SyrinxTransport *transport; /* NULL: stolen */
  gboolean is_tls;

  guint refs; /* one of the server's while it is open */
  gboolean is_closed;
  gboolean is_serving; /* within http_connection_serve() */
  guint64 watch;       /* the reactor's id */
  HttpPhase phase;
  gint64 since_us;
  GList link;     /* in server->phases[phase] */
  GList deferred; /* in server->deferred, if is_deferred */
  gboolean is_deferred;

  /* Unused input: [from, to) of a buffer of HTTP_MAX_HEAD_BYTES, which is the
   * server's scratch while this connection is served, and its own if unused
   * input must be kept. */
  gchar *input; /* (nullable) */
  gboolean is_borrowed;
  gsize from, to;
  gsize n_known;      /* of these, known to be an incomplete head */
  gboolean has_input; /* the socket may have more */
  gboolean is_half_closed;
  gsize n_discarded;

  /* The request */
  HttpExchange *exchange; /* (nullable) */
  GByteArray *body;       /* (nullable) */
  gsize body_left;        /* if it has a length */
  gboolean is_chunked;
  gsize n_chunked_bytes; /* including the framing */
  struct phr_chunked_decoder decoder;
  gboolean is_last;

  /* The answer */
  gboolean is_answering, is_probed;
  gboolean is_open, is_told; /* is written in pieces; took() was called */
  GString *long_head;        /* (nullable): used instead of @head */
  gsize n_head, head_sent;
  GBytes *piece; /* (nullable) */
  gsize piece_from, piece_left;
  GQueue waiting;        /* of GBytes, queued behind @piece */
  gsize n_waiting_bytes; /* in waiting, and unsent of @piece */
  gchar head[HTTP_FRAGMENT_HEAD_BYTES];
};

/* Continues until the socket would block, or until other connections must be
 * served. */
void http_connection_serve (HttpConnection *connection);
/* A new connection of @server. @transport: (transfer full) */
HttpConnection *
http_connection_new (HttpServer *server, SyrinxTransport *transport);
/* Closes the connection at once, in any phase. */
void http_connection_close (HttpConnection *connection);
void http_connection_unref (HttpConnection *connection);

/* --- The server --- */

struct _HttpServer
{
  HttpServerSettings settings;
  GQueue phases[HTTP_N_PHASES]; /* of HttpConnection, oldest first */
  guint n_connections;
  GSource *reaper;
  gint64 reaps_at_us; /* 0: the reaper is not needed */
  GQueue deferred;    /* of HttpConnection */
  GSource *deferral;
  gchar scratch[HTTP_MAX_HEAD_BYTES]; /* of the connection that is served */
};

/* Moves @connection to @phase, and starts the time of that phase. */
void http_server_enter (
    HttpServer *server, HttpConnection *connection, HttpPhase phase);
/* Removes @connection, which is closed. */
void http_server_drop (HttpServer *server, HttpConnection *connection);
/* Makes the main loop serve @connection. */
void http_server_defer (HttpServer *server, HttpConnection *connection);

/* --- Exchanges --- */

/* The exchange of @head, whose bytes are copied; NULL: of a request that was
 * refused before it was parsed. */
HttpExchange *
http_exchange_new (HttpConnection *connection, const HttpHead *head);
void http_exchange_take_body (HttpExchange *exchange, GByteArray *body);
/* Whether it has been answered, deferred or stolen. */
gboolean http_exchange_is_settled (HttpExchange *exchange);
/* Tells the exchange that everything it wrote has been sent. */
void http_exchange_note_taken (HttpExchange *exchange);
/* The connection drops the exchange: it is answered or, if @has_left, the
 * client left. */
void http_exchange_detach (HttpExchange *exchange, gboolean has_left);

G_END_DECLS
