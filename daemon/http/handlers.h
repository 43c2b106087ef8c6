/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers of the routes, by subject, and what they share. */
#pragma once

#include "daemon/engine.h"
#include "exchange.h"

G_BEGIN_DECLS

#define HTTP_STREAM_TYPE "audio/ogg; codecs=opus"

/* FALSE: answered 404. */
gboolean http_check_id (HttpExchange *exchange, const gchar *id);

/* --- Tracks --- */

/* The one that argument 0 names, if the token allows it. NULL: answered.
 * (transfer full) */
SyrinxTrack *http_find_track (HttpExchange *exchange);

/* --- Sessions --- */

/* The session that argument 0 and its capability, argument 1, name. (transfer
 * none) NULL: answered. */
SyrinxSession *http_check_session (HttpExchange *exchange);
/* Fills in what the request tells of the client and begins a session. NULL:
 * answered, or it waits for room and its handler will be called again. */
SyrinxSession *http_begin_session (
    HttpExchange *exchange, SyrinxSessionRequest *wanted, gchar **capability);
/* Whether a session may begin now. FALSE: answered, or it waits, and then its
 * handler is called again. */
gboolean http_admit (
    HttpExchange *exchange, const SyrinxPlace *place, const gchar *rendition);
void http_add_admission_metrics (HttpExchange *exchange, GString *text);
void http_add_region_metrics (HttpExchange *exchange, GString *text);
/* The session's keys as a JWE (compact) of a JWK Set for the owner of
 * @public_key (JWK). (transfer full) Errors: as syrinx_jwe_wrap(). */
gchar *http_wrap_keys (HttpExchange *exchange, SyrinxSession *session,
    const gchar *public_key, GError **error);
/* Enters in the audit log that this request got a key: @rendition's, or with
 * NULL the session's own. @form: raw or jwe. Before it is answered. */
void http_audit_key (HttpExchange *exchange, SyrinxSession *session,
    SyrinxRendition *rendition, const gchar *form);

/* The session, rendition and fragment that @path names, if all is in order;
 * else NULL, and why is for http_hls_segment() to tell. Writes into @path.
 * (transfer none) */
SyrinxSession *http_hls_find (SyrinxEngine *engine, gchar *path,
    SyrinxRendition **rendition, gint *number);

/* --- The handlers, by subject --- */

void http_tracks (HttpExchange *exchange);
void http_track (HttpExchange *exchange);
void http_artwork (HttpExchange *exchange);
void http_original (HttpExchange *exchange);
void http_albums (HttpExchange *exchange);
void http_artists (HttpExchange *exchange);
void http_session_create (HttpExchange *exchange);
void http_session_show (HttpExchange *exchange);
void http_session_end (HttpExchange *exchange);
void http_session_renew (HttpExchange *exchange);
void http_hls_master (HttpExchange *exchange);
void http_hls_index (HttpExchange *exchange);
void http_hls_segment (HttpExchange *exchange); /* init.mp4 and N.m4s */
void http_hls_key (HttpExchange *exchange);
void http_fragments (HttpExchange *exchange);
void http_session_key (HttpExchange *exchange);
void http_stream (HttpExchange *exchange);
void http_stream_opus (HttpExchange *exchange);
void http_page (HttpExchange *exchange);
void http_healthz (HttpExchange *exchange);
void http_readyz (HttpExchange *exchange);
void http_metrics (HttpExchange *exchange);
void http_status (HttpExchange *exchange);
void http_events (HttpExchange *exchange);

G_END_DECLS
