/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and its answer, as handlers see them: parsed, bounded,
 * routed, and with the grant of its token where the route requires one.
 * Handlers do not depend on the connection that carries it
 * (daemon/http/http-connection.c).
 *
 * Life: the connection makes it when the head has arrived; when the body (at
 * most 64 KiB) has arrived, too, the router fills in arguments and grant and
 * calls the handler. The handler answers at once, or defers and answers later;
 * until then the exchange stays. Once it is answered, or its client has left,
 * only unref may be called. An answer to a client that has left is dropped; a
 * second answer is a programmer's error. Main thread only. */
#pragma once

#include "core/access/grant.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _HttpExchange HttpExchange;
typedef struct _SyrinxEngine SyrinxEngine;

#define HTTP_MAX_ARGS 4

HttpExchange *http_exchange_ref (HttpExchange *exchange);
void http_exchange_unref (HttpExchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpExchange, http_exchange_unref)

/* --- The request --- */

SyrinxEngine *http_exchange_get_engine (HttpExchange *exchange);
const gchar *http_exchange_get_method (HttpExchange *exchange);
/* Handlers answer HEAD as they answer GET; the body is left out for them. */
gboolean http_exchange_is_head (HttpExchange *exchange);
/* 0 or 1: HTTP/1.0 or 1.1. */
guint http_exchange_get_minor_version (HttpExchange *exchange);
/* The path as received, percent-encoded, without the query; "*" for OPTIONS
 * *. */
const gchar *http_exchange_get_path (HttpExchange *exchange);
/* The path segment that matched {} number @n of the route's pattern. */
const gchar *http_exchange_get_arg (HttpExchange *exchange, guint n);
/* The decoded value of the query parameter @name. (nullable) */
const gchar *
http_exchange_get_query (HttpExchange *exchange, const gchar *name);
/* FALSE: answered with a 422 that names the parameter. */
gboolean http_exchange_get_query_uint (HttpExchange *exchange,
    const gchar *name, guint min, guint max, guint fallback, guint *value);
/* @name in any case; repeated fields are joined by ", " (RFC 9110, section
 * 5.3). (nullable) */
const gchar *
http_exchange_get_header (HttpExchange *exchange, const gchar *name);
/* (transfer none) Empty if there is no body. */
GBytes *http_exchange_get_body (HttpExchange *exchange);
/* The address at the other end of the connection. Valid until it is
 * answered. */
const gchar *http_exchange_get_peer (HttpExchange *exchange);
/* The client's own address: from X-Forwarded-For if the peer is a trusted
 * proxy; "" if it is not known. */
const gchar *http_exchange_get_client (HttpExchange *exchange);
gboolean http_exchange_is_tls (HttpExchange *exchange);
/* The grant of the request's token. (nullable) (transfer none) */
SyrinxGrant *http_exchange_get_grant (HttpExchange *exchange);
/* "https://music.example:8443/": the origin that the client used; a trusted
 * proxy may terminate TLS. Valid until it is answered. (transfer full) */
gchar *http_exchange_make_origin (HttpExchange *exchange);

/* --- The answer --- */

/* Sets a field of the answer that follows, and replaces one of the same name.
 * @name is static. At most HTTP_MAX_SET fields. */
#define HTTP_MAX_SET 12
void http_exchange_set_header (
    HttpExchange *exchange, const gchar *name, const gchar *value);
/* Sets a strong entity tag, given without its quotes. */
void http_exchange_set_etag (HttpExchange *exchange, const gchar *etag);
/* Makes the answer ignore Range: two answers to the same request differ in
 * their bytes, so parts of them do not fit together. */
void http_exchange_refuse_ranges (HttpExchange *exchange);
/* Answers without a body. */
void http_exchange_answer_empty (HttpExchange *exchange, guint status);
/* Answers with a whole representation; @content_type and @cache_control
 * (nullable). With status 200, conditions and ranges are applied (RFC 9110,
 * sections 13 and 14): 206, 304, 412, 416. */
void http_exchange_answer (HttpExchange *exchange, guint status,
    const gchar *content_type, const gchar *cache_control, GBytes *body);
/* Answers with the root of @json, which stays the caller's. */
void http_exchange_answer_json (
    HttpExchange *exchange, guint status, JsonBuilder *json);
/* Answers with application/problem+json (RFC 9457); @field (nullable): the
 * parameter at fault. Adds WWW-Authenticate to a 401 and Retry-After to 429 and
 * 503 unless they are set. */
void http_exchange_answer_problem (HttpExchange *exchange, guint status,
    const gchar *field, const gchar *format, ...) G_GNUC_PRINTF (4, 5);
/* Answers with the status of @error's code. */
void http_exchange_answer_error (HttpExchange *exchange, const GError *error);
/* Sets Retry-After for the 429 or 503 that follows: @wait_us in seconds,
 * rounded up. */
void http_exchange_set_retry_after (HttpExchange *exchange, gint64 wait_us);
/* Answers with @size bytes of @fd, which it takes over. The file is read in
 * pieces outside the main thread, with ranges and conditions as
 * http_exchange_answer() has them. If it turns out to be shorter the connection
 * is cut, so that the client sees that the body is incomplete. */
void http_exchange_answer_file (HttpExchange *exchange, int fd, goffset size,
    const gchar *content_type, const gchar *cache_control);

/* --- Answering later --- */

/* Announces that the handler answers later. If the client leaves before, @left
 * is called once, and no answer is needed any more. Until either, @exchange
 * stays. May be called again, by a handler that waits for several things in
 * turn. */
void http_exchange_defer (HttpExchange *exchange,
    void (*left) (HttpExchange *exchange, gpointer user_data),
    gpointer user_data);

/* --- Answers without an end of their own (server-sent events) --- */

typedef struct
{
  void (*took) (gpointer user_data); /* everything written has been sent */
  void (*left) (gpointer user_data); /* once; the client has left */
} HttpStreamFuncs;

/* Begins a chunked answer with status 200 that has no end of its own. @exchange
 * stays until @left or the end. A HEAD is answered, and no function is
 * called. */
void
http_exchange_begin_stream (HttpExchange *exchange, const gchar *content_type,
    const HttpStreamFuncs *funcs, gpointer user_data);
/* FALSE, and @bytes is not queued, if more than 192 KiB would wait to be
 * sent. */
gboolean http_exchange_write (HttpExchange *exchange, GBytes *bytes);
void http_exchange_end_stream (HttpExchange *exchange);

/* --- The connection itself, for a pipeline to write to --- */

/* Takes the connection out of HTTP instead of answering. (transfer full) */
GIOStream *http_exchange_steal (HttpExchange *exchange);
/* What a pipeline sends first: status line and fields of an answer with
 * @content_type that ends with the connection, chunked if *@is_chunked is set.
 * (transfer full) */
GBytes *http_exchange_make_preamble (
    HttpExchange *exchange, const gchar *content_type, gboolean *is_chunked);

G_END_DECLS
