/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection, as exchanges write to it. Private to daemon/http. */
#pragma once

#include "http-server.h"

G_BEGIN_DECLS

/* How many bytes of an open answer may wait to be sent, and what each piece
 * counts besides its bytes, for the memory it needs itself. */
#define HTTP_MAX_WAITING_BYTES (192 * 1024)
#define HTTP_PIECE_BYTES       128

typedef struct _HttpConnection HttpConnection;

HttpServer *http_connection_get_server (HttpConnection *connection);
SyrinxTransport *http_connection_get_transport (HttpConnection *connection);
/* Whether the connection ends with this answer, so that its head must say
 * so. */
gboolean http_connection_is_last (HttpConnection *connection);
/* Makes the connection end with the answer. */
void http_connection_set_last (HttpConnection *connection);
/* To be called when the exchange is deferred, to notice that its client
 * leaves. */
void http_connection_wait (HttpConnection *connection);

/* Sends the answer to the exchange of @connection: @head (transfer full), then
 * @n_bytes of @body (nullable) from @first on. @is_open: more is written until
 * http_connection_end(). */
void http_connection_answer (HttpConnection *connection, GString *head,
    GBytes *body, gsize first, gsize n_bytes, gboolean is_open);
/* FALSE, and @bytes is not queued, if more than HTTP_MAX_WAITING_BYTES would
 * wait. */
gboolean http_connection_write (HttpConnection *connection, GBytes *bytes);
void http_connection_end (HttpConnection *connection);
/* Closes the connection in the middle of an answer that can't be completed, so
 * that the client sees that it is incomplete. */
void http_connection_cut (HttpConnection *connection);
/* Takes the transport out of HTTP and frees @connection. (transfer full) */
SyrinxTransport *http_connection_steal (HttpConnection *connection);

G_END_DECLS
