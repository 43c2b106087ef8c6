/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and its answer, as handlers see them: parsed, bounded,
 * routed, and with the grant of its token where the route asks for one. What
 * carries it (daemon/http/http-connection.c) is nobody's business here.
 *
 * Life: the connection makes it when the head has come; when the body (at most
 * 64 KiB) has come, too, the router fills in arguments and grant and calls the
 * handler. The handler answers at once, or defers and answers later; until then
 * the exchange stays. Once it is answered, or its client has left, nothing but
 * unref may be called. An answer to a client that has left goes nowhere; a
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
/* HEAD: handlers answer as for GET, and the body is left out by itself. */
gboolean http_exchange_is_head (HttpExchange *exchange);
/* 0 or 1: HTTP/1.0 or 1.1. */
guint http_exchange_get_minor_version (HttpExchange *exchange);
/* As it came, percent-encoded, without the query; "*" as the target of an
 * OPTIONS. */
const gchar *http_exchange_get_path (HttpExchange *exchange);
/* What stood for the nth {} of the route's pattern. */
const gchar *http_exchange_get_arg (HttpExchange *exchange, guint n);
/* Decoded. (nullable) */
const gchar *
http_exchange_get_query (HttpExchange *exchange, const gchar *name);
/* FALSE: a 422 that names the parameter was sent. */
gboolean http_exchange_get_query_uint (HttpExchange *exchange,
    const gchar *name, guint min, guint max, guint fallback, guint *value);
/* By any case; lines of one name are joined by ", " (RFC 9110, section 5.3).
 * (nullable) */
const gchar *
http_exchange_get_header (HttpExchange *exchange, const gchar *name);
/* (transfer none): empty if there is none. */
GBytes *http_exchange_get_body (HttpExchange *exchange);
/* The address at the other end of the connection. Until it is answered. */
const gchar *http_exchange_get_peer (HttpExchange *exchange);
/* The listener's own address: X-Forwarded-For's where a trusted proxy says;
 * "" if it is not known. */
const gchar *http_exchange_get_client (HttpExchange *exchange);
gboolean http_exchange_is_tls (HttpExchange *exchange);
/* Of the token. (nullable) (transfer none) */
SyrinxGrant *http_exchange_get_grant (HttpExchange *exchange);
/* "https://music.example:8443/", as the client reached us: a trusted proxy may
 * have taken the TLS off. Until it is answered. (transfer full) */
gchar *http_exchange_make_origin (HttpExchange *exchange);

/* --- The answer --- */

/* In any order, before the answer; replaces one of the same name. @name is
 * static. At most HTTP_MAX_SET of them. */
#define HTTP_MAX_SET 12
void http_exchange_set_header (
    HttpExchange *exchange, const gchar *name, const gchar *value);
/* A strong entity tag, without its quotes. */
void http_exchange_set_etag (HttpExchange *exchange, const gchar *etag);
/* The same request is never answered with the same bytes again, so that parts
 * of its answers don't fit each other: Range is ignored. */
void http_exchange_refuse_ranges (HttpExchange *exchange);
/* Without a body. */
void http_exchange_answer_empty (HttpExchange *exchange, guint status);
/* A whole representation; @content_type and @cache_control (nullable). With
 * status 200, conditions and ranges are seen to (RFC 9110, sections 13 and 14):
 * 206, 304, 412, 416. */
void http_exchange_answer (HttpExchange *exchange, guint status,
    const gchar *content_type, const gchar *cache_control, GBytes *body);
/* The root of @json, which stays the caller's. */
void http_exchange_answer_json (
    HttpExchange *exchange, guint status, JsonBuilder *json);
/* application/problem+json (RFC 9457); @field (nullable): the parameter at
 * fault. Adds WWW-Authenticate to a 401 and Retry-After to 429 and 503 where
 * they are not set. */
void http_exchange_answer_problem (HttpExchange *exchange, guint status,
    const gchar *field, const gchar *format, ...) G_GNUC_PRINTF (4, 5);
/* The status that fits @error's code. */
void http_exchange_answer_error (HttpExchange *exchange, const GError *error);
/* For the 429 or 503 that follows: @wait_us, in seconds rounded up. */
void http_exchange_set_retry_after (HttpExchange *exchange, gint64 wait_us);
/* Takes @fd: @size bytes of it, read piece by piece beside the main loop, with
 * ranges and conditions as http_exchange_answer(). A file that turns out
 * shorter cuts the connection, so that nobody takes it for whole. */
void http_exchange_answer_file (HttpExchange *exchange, int fd, goffset size,
    const gchar *content_type, const gchar *cache_control);

/* --- Answering later --- */

/* The handler will answer later; or the client leaves before, then @left is
 * called once, and no answer is wanted any more. Until either, @exchange stays.
 * May be called again, for who waits for one thing after the other. */
void http_exchange_defer (HttpExchange *exchange,
    void (*left) (HttpExchange *exchange, gpointer user_data),
    gpointer user_data);

/* --- Answers without an end of their own (server-sent events) --- */

typedef struct
{
  void (*took) (gpointer user_data); /* all that was written has gone */
  void (*left) (gpointer user_data); /* once; the client has gone */
} HttpStreamFuncs;

/* A chunked answer that goes on, with status 200. @exchange stays until @left
 * or the end. A HEAD is answered, and nothing is called. */
void
http_exchange_begin_stream (HttpExchange *exchange, const gchar *content_type,
    const HttpStreamFuncs *funcs, gpointer user_data);
/* FALSE, and not taken, if more than 192 KiB would wait to be sent. */
gboolean http_exchange_write (HttpExchange *exchange, GBytes *bytes);
void http_exchange_end_stream (HttpExchange *exchange);

/* --- The connection itself, for a pipeline to write to --- */

/* Instead of an answer: the connection leaves HTTP for good. (transfer full) */
GIOStream *http_exchange_steal (HttpExchange *exchange);
/* What a pipeline sends first: status line and fields as for an answer with
 * @content_type that goes on to the end of the connection, chunked if
 * *@is_chunked. (transfer full) */
GBytes *http_exchange_make_preamble (
    HttpExchange *exchange, const gchar *content_type, gboolean *is_chunked);

G_END_DECLS
