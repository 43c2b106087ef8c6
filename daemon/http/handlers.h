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

/* The one that argument 0 names, to which the route has asked for the right.
 * NULL: answered.
 * (transfer full) */
SyrinxTrack *http_find_track (HttpExchange *exchange);

/* What the store is to show of groups, for the exchange's token: @filter,
 * filled in, or NULL if that is everything. */
const SyrinxTrackFilter *
http_get_filter (HttpExchange *exchange, SyrinxTrackFilter *filter);

/* A query's text, bounded, as words or as a path. FALSE: answered 422. */
gboolean http_check_words (HttpExchange *exchange, const gchar *name);
gboolean http_check_path (HttpExchange *exchange, const gchar *name);
/* Where the last page ended, NULL: the first page is asked for. */
const gchar *http_get_cursor (HttpExchange *exchange);
/* Answers with @error, naming the cursor if that is what is wrong. */
void http_answer_query_error (HttpExchange *exchange, const GError *error);
/* The member "tracks": those that the token allows. @tracks (nullable) */
void
http_add_tracks (HttpExchange *exchange, JsonBuilder *json, GPtrArray *tracks);

/* --- Sessions --- */

/* The session that argument 0 and its capability, argument 1, name. (transfer
 * none) NULL: answered. */
SyrinxSession *http_check_session (HttpExchange *exchange);
/* Answers a request whose session has begun. */
typedef void (*HttpBegunFunc) (
    HttpExchange *exchange, const SyrinxDeskAnswer *answer);
/* Asks the desk for a session. @wanted: track, rendition, encryption and public
 * key; the rest is the exchange's. @begun is called when it has begun, now or
 * later; otherwise the request is answered by itself. */
void http_begin_session (HttpExchange *exchange,
    const SyrinxDeskRequest *wanted, HttpBegunFunc begun);

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
void http_folders (HttpExchange *exchange);
void http_search (HttpExchange *exchange);
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
