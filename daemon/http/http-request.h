/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request on its way: what a handler gets, and how it answers. */
#pragma once

#include "daemon/engine.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

#define HTTP_MAX_ARGS      4
#define HTTP_BURST_SECONDS 10 /* of requests may come at once */

typedef struct _HttpRequest HttpRequest;
typedef void (*HttpHandler) (HttpRequest *request);

struct _HttpRequest
{
  SyrinxEngine *engine;
  SoupServerMessage *message;
  GHashTable *query;          /* (nullable) name → value */
  gchar *args[HTTP_MAX_ARGS]; /* what stood for {} in the path */
  SyrinxGrant *grant;         /* (nullable) of the token, if asked */
  HttpHandler handler;
  gboolean is_admitted; /* it has waited, or need not */
};

/* Who may come in. */
typedef enum
{
  HTTP_OPEN,           /* anybody: it checks a capability, or is public */
  HTTP_LISTEN,         /* Bearer with scope listen */
  HTTP_LISTEN_QUERY,   /* the same, or ?token= (never with scope admin) */
  HTTP_ORIGINAL_QUERY, /* scope original, Bearer or ?token= */
  HTTP_ADMIN,          /* scope admin */
  HTTP_ANY_TOKEN,      /* any valid token; the handler looks at its subject */
} HttpAccess;

typedef struct
{
  const gchar *method;  /* GET answers HEAD too */
  const gchar *pattern; /* "/v1/tracks/{}" */
  HttpAccess access;
  HttpHandler handler;
} HttpRoute;

/* Finds the route, checks access and query, and lets it answer. */
void http_route (SyrinxEngine *engine, SoupServerMessage *message,
    const HttpRoute *routes, guint n_routes);

/* --- Answers --- */

/* application/problem+json (RFC 9457); @field (nullable): the parameter at
 * fault. Adds WWW-Authenticate to a 401 and Retry-After to 429 and 503. */
void http_problem (SoupServerMessage *message, guint status, const gchar *field,
    const gchar *format, ...) G_GNUC_PRINTF (4, 5);
/* The status that fits @error's code. */
void http_problem_error (SoupServerMessage *message, const GError *error);
/* Says when to come again: @wait_us, in seconds rounded up. */
void http_retry_after (SoupServerMessage *message, gint64 wait_us);

/* Takes @builder's root. */
void http_json (SoupServerMessage *message, guint status, JsonBuilder *builder);
void http_bytes (SoupServerMessage *message, const gchar *content_type,
    const gchar *cache_control, GBytes *bytes);

/* Conditional GET: sets @etag (unquoted), and answers 304 if the client has
 * it. An If-Range that does not fit makes a range request a whole one. */
gboolean http_is_not_modified (SoupServerMessage *message, const gchar *etag);

/* --- Questions --- */

const gchar *http_query (HttpRequest *request, const gchar *name);
/* FALSE: a 422 that names the field was sent. */
gboolean http_query_uint (HttpRequest *request, const gchar *name, guint min,
    guint max, guint fallback, guint *value);
/* The whole body. (transfer full) */
GBytes *http_body (HttpRequest *request);
/* FALSE: answered 404. */
gboolean http_check_id (HttpRequest *request, const gchar *id);
/* The request's path with tokens and capabilities taken out. (transfer full) */
gchar *http_redact (SoupServerMessage *message);

/* --- What answers have in common, with libsoup and without --- */

#define HTTP_STREAM_TYPE            "audio/ogg; codecs=opus"
#define HTTP_FRAGMENT_CACHE_CONTROL "private, max-age=31536000, immutable"

/* Pairs of name and value that every answer carries. */
extern const gchar *const http_common_headers[4][2];

/* The session, rendition and fragment that @path names, if all is in order;
 * else NULL, and why is for http_route() to tell. Writes into @path.
 * (transfer none) */
SyrinxSession *http_hls_find (SyrinxEngine *engine, gchar *path,
    SyrinxRendition **rendition, gint *number);

/* --- Clients that leave while their request is paused --- */

/* Before libsoup is given a connection, with @remote. */
void http_remember_socket (GSocketAddress *remote, GSocket *socket);
typedef struct _HttpWatch HttpWatch;
/* Once, if the client of a paused @message leaves. (transfer full) (nullable)
 */
HttpWatch *http_watch_new (SoupServerMessage *message,
    void (*func) (gpointer user_data), gpointer user_data);
void http_watch_free (HttpWatch *watch);
/* Ends a paused message of which nobody awaits the answer. */
void http_let_go (SoupServerMessage *message);

/* Ends the connection of an answer that has begun and can't go on, so that
 * nobody takes it for whole. */
void http_cut (SoupServerMessage *message);

/* --- Tracks --- */

/* The one that args[0] names, if the token allows it. NULL: answered. (transfer
 * full) */
SyrinxTrack *http_find_track (HttpRequest *request);

/* --- Sessions --- */

/* The session that args[0] and its capability args[1] name. (transfer none)
 * NULL: answered. */
SyrinxSession *http_check_session (HttpRequest *request);
/* Fills in what the request tells of the client and begins a session. NULL:
 * answered, or it waits for room and its handler will be called again. */
SyrinxSession *http_begin_session (
    HttpRequest *request, SyrinxSessionRequest *wanted, gchar **capability);
/* Whether a session may begin now. FALSE: answered, or it waits, and then its
 * handler is called again, with a request of its own. */
gboolean http_admit (
    HttpRequest *request, const SyrinxPlace *place, const gchar *rendition);
/* So that a client that goes away while it waits is noticed: libsoup does not
 * know the socket of a connection that it did not accept itself. : the
 * address that libsoup is given with it. */
void http_remember_socket (GSocketAddress *remote, GSocket *socket);
void http_add_admission_metrics (HttpRequest *request, GString *text);
void http_add_region_metrics (HttpRequest *request, GString *text);
/* The session's keys as a JWE (compact) of a JWK Set for the owner of
 * @public_key (JWK). (transfer full) Errors: as syrinx_jwe_wrap(). */
gchar *http_wrap_keys (HttpRequest *request, SyrinxSession *session,
    const gchar *public_key, GError **error);
/* Enters in the audit log that this request got a key: , or with
 * NULL the session's own. : raw or jwe. */
void http_audit_key (HttpRequest *request, SyrinxSession *session,
    SyrinxRendition *rendition, const gchar *form);

/* --- The handlers, by subject --- */

void http_tracks (HttpRequest *request);
void http_track (HttpRequest *request);
void http_artwork (HttpRequest *request);
void http_original (HttpRequest *request);
void http_albums (HttpRequest *request);
void http_artists (HttpRequest *request);
void http_session_create (HttpRequest *request);
void http_session_show (HttpRequest *request);
void http_session_end (HttpRequest *request);
void http_session_renew (HttpRequest *request);
void http_hls_master (HttpRequest *request);
void http_hls_index (HttpRequest *request);
void http_hls_segment (HttpRequest *request); /* init.mp4 and N.m4s */
void http_hls_key (HttpRequest *request);
void http_fragments (HttpRequest *request);
void http_session_key (HttpRequest *request);
void http_stream (HttpRequest *request);
void http_stream_opus (HttpRequest *request);
void http_page (HttpRequest *request);
void http_healthz (HttpRequest *request);
void http_readyz (HttpRequest *request);
void http_metrics (HttpRequest *request);
void http_status (HttpRequest *request);
void http_events (HttpRequest *request);

G_END_DECLS
