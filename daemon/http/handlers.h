/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers of the routes, by subject, and the functions they share. */
#pragma once

#include "daemon/engine.h"
#include "exchange.h"

G_BEGIN_DECLS

#define HTTP_STREAM_TYPE "audio/ogg; codecs=opus"

/* FALSE: @id is malformed, and a 404 was sent. */
gboolean http_check_id (HttpExchange *exchange, const gchar *id);

/* --- Tracks --- */

/* The track that argument 0 names, for which the router has checked the right.
 * NULL: answered. (transfer full) */
SyrinxTrack *http_find_track (HttpExchange *exchange);

/* The filter by groups for the grant's token, written into @filter; NULL if the
 * grant may see every track. */
const SyrinxTrackFilter *
http_get_filter (HttpExchange *exchange, SyrinxTrackFilter *filter);

/* Checks a query parameter that holds words or a path for length and encoding.
 * FALSE: answered with 422. */
gboolean http_check_words (HttpExchange *exchange, const gchar *name);
/* The same of the parameter cursor, which may be longer. */
gboolean http_check_cursor (HttpExchange *exchange);
gboolean http_check_path (HttpExchange *exchange, const gchar *name);
/* The cursor of the query; NULL: the first page is asked for. */
const gchar *http_get_cursor (HttpExchange *exchange);
/* Answers with @error, naming the parameter "cursor" if that is at fault. */
void http_answer_query_error (HttpExchange *exchange, const GError *error);
/* Adds the member "tracks": those of @tracks (nullable) that the token
 * allows. */
void
http_add_tracks (HttpExchange *exchange, JsonBuilder *json, GPtrArray *tracks);

/* --- Sessions --- */

/* The session that argument 0 names, if argument 1 is its capability. (transfer
 * none) NULL: answered. */
SyrinxSession *http_check_session (HttpExchange *exchange);
/* Answers a request whose session has begun. */
typedef void (*HttpBegunFunc) (
    HttpExchange *exchange, const SyrinxDeskAnswer *answer);
/* Asks the desk for a session. @wanted: track, rendition, encryption and public
 * key; the exchange gives the rest. @begun is called when the session has
 * begun, now or later; a refusal is answered without it. */
void http_begin_session (HttpExchange *exchange,
    const SyrinxDeskRequest *wanted, HttpBegunFunc begun);

/* The session, rendition and fragment that @path names, if the fragment may be
 * sent; NULL if not, and http_hls_segment() then answers why. Writes into
 * @path. (transfer none) */
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
