/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What server, connection and exchange know of each other. */
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
  HTTP_PHASE_HEAD,    /* a head has begun to come, or the first one has not */
  HTTP_PHASE_IDLE,    /* between requests */
  HTTP_PHASE_BODY,    /* a body comes */
  HTTP_PHASE_WAITING, /* for a handler that has deferred */
  HTTP_PHASE_SENDING, /* for a peer that does not take what is sent */
  HTTP_PHASE_OPEN,    /* an answer without an end, of which all has gone */
  HTTP_PHASE_CLOSING, /* all is sent: until the peer has read it, too */
  HTTP_N_PHASES
} HttpPhase;

struct _HttpConnection
{
  /* constant after init */
  HttpServer *server;
  SyrinxTransport *transport; /* NULL: it was stolen */
  gboolean is_tls;

  guint refs; /* one of the server's while it is open */
  gboolean is_closed;
  gboolean is_serving; /* http_connection_serve() is at it */
  guint64 watch;       /* the reactor's id */
  HttpPhase phase;
  gint64 since_us;
  GList link;     /* in server->phases[phase] */
  GList deferred; /* in server->deferred, if is_deferred */
  gboolean is_deferred;

  /* Input that is not used yet: [from, to) of HTTP_MAX_HEAD_BYTES, which are
   * the server's scratch while this one is served, and its own if some of them
   * have to be kept. */
  gchar *input; /* (nullable) */
  gboolean is_borrowed;
  gsize from, to;
  gsize n_known;      /* of them, known to be no whole head */
  gboolean has_input; /* the socket may have more */
  gboolean is_half_closed;
  gsize n_discarded;

  /* The request */
  HttpExchange *exchange; /* (nullable) */
  GByteArray *body;       /* (nullable) */
  gsize body_left;        /* if it has a length */
  gboolean is_chunked;
  gsize n_chunked_bytes; /* with the framing */
  struct phr_chunked_decoder decoder;
  gboolean is_last;

  /* The answer */
  gboolean is_answering, is_probed;
  gboolean is_open, is_told; /* more is written, whenever all has gone */
  GString *long_head;        /* (nullable): instead of @head */
  gsize n_head, head_sent;
  GBytes *piece; /* (nullable) */
  gsize piece_from, piece_left;
  GQueue waiting;        /* of GBytes, behind @piece */
  gsize n_waiting_bytes; /* of those and what is left of @piece */
  gchar head[HTTP_FRAGMENT_HEAD_BYTES];
};

/* Goes on as far as its socket lets it, or until others must have their turn.
 */
void http_connection_serve (HttpConnection *connection);
/* A new one of @server's. @transport: (transfer full) */
HttpConnection *
http_connection_new (HttpServer *server, SyrinxTransport *transport);
/* At once, whatever it was about. */
void http_connection_close (HttpConnection *connection);
void http_connection_unref (HttpConnection *connection);

/* --- The server --- */

struct _HttpServer
{
  HttpServerSettings settings;
  GQueue phases[HTTP_N_PHASES]; /* of HttpConnection, longest in it first */
  guint n_connections;
  GSource *reaper;
  gint64 reaps_at_us; /* 0: it is not needed */
  GQueue deferred;    /* of HttpConnection */
  GSource *deferral;
  gchar scratch[HTTP_MAX_HEAD_BYTES]; /* of who is served */
};

/* Puts @connection into @phase, in which it is since now. */
void http_server_enter (
    HttpServer *server, HttpConnection *connection, HttpPhase phase);
/* Forgets it; it is closed. */
void http_server_drop (HttpServer *server, HttpConnection *connection);
/* Has it served from the main loop. */
void http_server_defer (HttpServer *server, HttpConnection *connection);

/* --- Exchanges --- */

/* Of @head, whose bytes are copied; NULL: of a request that is refused. */
HttpExchange *
http_exchange_new (HttpConnection *connection, const HttpHead *head);
void http_exchange_take_body (HttpExchange *exchange, GByteArray *body);
/* Whether something has been, or will be, done about it. */
gboolean http_exchange_is_settled (HttpExchange *exchange);
/* All that was written has gone. */
void http_exchange_note_taken (HttpExchange *exchange);
/* The connection lets go of it: it is answered, or (@has_left) the client left.
 */
void http_exchange_detach (HttpExchange *exchange, gboolean has_left);

G_END_DECLS
