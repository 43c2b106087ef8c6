/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection, as exchanges write to it. Inside this room only. */
#pragma once

#include "http-server.h"

G_BEGIN_DECLS

/* What an open answer may have waiting to be sent, and what each piece of it
 * counts besides its bytes, since it costs memory of its own. */
#define HTTP_MAX_WAITING_BYTES (192 * 1024)
#define HTTP_PIECE_BYTES       128

typedef struct _HttpConnection HttpConnection;

HttpServer *http_connection_get_server (HttpConnection *connection);
SyrinxTransport *http_connection_get_transport (HttpConnection *connection);
/* Whether the answer is the last, so that it must say so. */
gboolean http_connection_is_last (HttpConnection *connection);
/* Has the connection end with the answer. */
void http_connection_set_last (HttpConnection *connection);
/* Whether the exchange is deferred, so that its client is watched. */
void http_connection_wait (HttpConnection *connection);

/* The answer to the exchange of @connection: @head (transfer full), then
 * @n_bytes of @body (nullable) from @first on. @is_open: more is written until
 * http_connection_end(). */
void http_connection_answer (HttpConnection *connection, GString *head,
    GBytes *body, gsize first, gsize n_bytes, gboolean is_open);
/* FALSE, and not taken, if more than HTTP_MAX_WAITING_BYTES would wait. */
gboolean http_connection_write (HttpConnection *connection, GBytes *bytes);
void http_connection_end (HttpConnection *connection);
/* What is being answered can't go on: so that nobody takes it for whole. */
void http_connection_cut (HttpConnection *connection);
/* Leaves HTTP: (transfer full). @connection is no more. */
SyrinxTransport *http_connection_steal (HttpConnection *connection);

G_END_DECLS
