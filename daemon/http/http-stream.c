/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a track as one progressive Ogg Opus stream. The connection leaves HTTP
 * only once the first fragment is available, so that failures before it are
 * still answered as errors. */
#include "handlers.h"

#include "daemon/sessions/fragment-wait.h"
#include "daemon/sessions/progressive.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_START_S 1e6

typedef struct
{
  SyrinxEngine *engine;
  HttpExchange *exchange;
  SyrinxSession *session;
  gchar *rendition;
  gdouble start_s;
  gboolean ends_session; /* the session was made for this stream */
  gboolean started;
  SyrinxFragmentWait *wait;
} Asked;

static void
asked_free (Asked *asked)
{
  g_clear_pointer (&asked->wait, syrinx_fragment_wait_cancel);
  if (asked->ends_session && !asked->started)
    syrinx_sessions_terminate (syrinx_engine_get_sessions (asked->engine),
        syrinx_session_get_id (asked->session), "it was not played");
  g_object_unref (asked->session);
  g_free (asked->rendition);
  g_free (asked);
}

/* --- Starting --- */

static void
start_stream (Asked *asked)
{
  gboolean is_chunked;
  g_autoptr (GBytes) preamble = http_exchange_make_preamble (
      asked->exchange, HTTP_STREAM_TYPE, &is_chunked);
  g_autoptr (GIOStream) connection
      = http_exchange_steal (g_steal_pointer (&asked->exchange));
  g_autoptr (GError) error = NULL;
  const SyrinxStreamRequest request = { .session = asked->session,
    .rendition = asked->rendition,
    .start_s = asked->start_s,
    .connection = connection,
    .preamble = preamble,
    .is_chunked = is_chunked,
    .ends_session = asked->ends_session };

  asked->started = syrinx_streams_start (
      syrinx_engine_get_streams (asked->engine), &request, &error);
  if (!asked->started) {
    g_warning ("a stream can't start: %s", error->message);
    g_io_stream_close (connection, NULL, NULL);
  }
}

static void
begin (Asked *asked)
{
  HttpExchange *exchange = asked->exchange;

  http_exchange_set_header (exchange, "Cache-Control", "no-store");
  http_exchange_set_header (exchange, "Accept-Ranges", "none");
  if (syrinx_session_get_encryption (asked->session) == SYRINX_ENCRYPTION_ECE)
    http_exchange_set_header (exchange, "Content-Encoding", "aes128gcm");
  if (http_exchange_is_head (exchange))
    http_exchange_begin_stream (exchange, HTTP_STREAM_TYPE, NULL, NULL);
  else
    start_stream (asked);
}

/* --- Waiting for the first fragment --- */

static void
client_left (HttpExchange *exchange, gpointer data)
{
  asked_free (data);
}

static void
first_came (GBytes *bytes, const GError *error, gpointer data)
{
  Asked *asked = data;

  asked->wait = NULL;
  if (bytes)
    begin (asked);
  else
    http_exchange_answer_error (asked->exchange, error);
  asked_free (asked);
}

/* The fragment that contains @start_s, or -1 past the end. */
static gint
find_fragment (const SyrinxRenditionRow *row, gdouble start_s)
{
  gdouble units = start_s * row->timescale + row->pre_skip;

  return units < row->n_units ? (gint)(units / row->fragment_units) : -1;
}

static void
ask (Asked *asked, SyrinxRendition *rendition)
{
  gint number
      = find_fragment (syrinx_rendition_get_row (rendition), asked->start_s);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (number < 0) {
    http_exchange_answer_problem (
        asked->exchange, 422, "start", "the track ends before that position");
    asked_free (asked);
    return;
  }
  asked->wait = syrinx_fragment_get (
      &(SyrinxFragmentRequest){ NULL, asked->session, rendition, number },
      &bytes, first_came, asked, &error);
  if (asked->wait) {
    http_exchange_defer (asked->exchange, client_left, asked);
    return;
  }
  if (error)
    http_exchange_answer_error (asked->exchange, error);
  else
    begin (asked);
  asked_free (asked);
}

/* --- Requests --- */

static gboolean
read_start (HttpExchange *exchange, gdouble *start_s)
{
  const gchar *text = http_exchange_get_query (exchange, "start");
  gchar *end = NULL;

  *start_s = text ? g_ascii_strtod (text, &end) : 0;
  if (!text
      || (end != text && !*end && *start_s >= 0 && *start_s < MAX_START_S))
    return TRUE;
  http_exchange_answer_problem (
      exchange, 422, "start", "start is a number of seconds from 0 on");
  return FALSE;
}

static gboolean
is_opus (const gchar *rendition)
{
  return g_str_has_prefix (rendition, "opus-");
}

/* The rendition that the query names, else @fallback if it is Opus, else the
 * first Opus one. NULL: answered. */
static const gchar *
choose_rendition (HttpExchange *exchange, const gchar *fallback)
{
  gchar **names = syrinx_engine_get_config (http_exchange_get_engine (exchange))
                      ->renditions;
  const gchar *asked = http_exchange_get_query (exchange, "rendition");

  if (!asked)
    asked = fallback;
  for (guint i = 0; names[i]; i++)
    if (is_opus (names[i]) && (!asked || g_str_equal (asked, names[i])))
      return names[i];
  for (guint i = 0;
       names[i] && !http_exchange_get_query (exchange, "rendition"); i++)
    if (is_opus (names[i]))
      return names[i];
  http_exchange_answer_problem (exchange, 422, "rendition",
      "a progressive stream is Ogg Opus; name an opus rendition");
  return NULL;
}

static void
stream_listener (HttpExchange *exchange, SyrinxSession *session,
    const gchar *name, gboolean ends_session)
{
  Asked *asked = g_new0 (Asked, 1);
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition;

  asked->engine = http_exchange_get_engine (exchange);
  asked->exchange = exchange;
  asked->session = g_object_ref (session);
  asked->rendition = g_strdup (name);
  asked->ends_session = ends_session;
  rendition = syrinx_session_open (session, name, &error);
  if (rendition && read_start (exchange, &asked->start_s)) {
    ask (asked, rendition);
    return;
  }
  if (error)
    http_exchange_answer_error (exchange, error);
  asked_free (asked);
}

void
http_stream (HttpExchange *exchange)
{
  SyrinxSession *session = http_check_session (exchange);
  SyrinxSessionFacts facts;
  const gchar *name;

  if (!session)
    return;
  syrinx_session_get_facts (session, &facts);
  name = choose_rendition (exchange, facts.rendition);
  if (name)
    stream_listener (exchange, session, name, FALSE);
}

static void
stream_begun (HttpExchange *exchange, const SyrinxDeskAnswer *answer)
{
  SyrinxSessionFacts facts;

  syrinx_session_get_facts (answer->session, &facts);
  stream_listener (exchange, answer->session, facts.rendition, TRUE);
}

/* Begins a session of its own, for players that can only open a URL. */
void
http_stream_opus (HttpExchange *exchange)
{
  SyrinxDeskRequest wanted = { .track_id = http_exchange_get_arg (exchange, 0),
    .encryption = SYRINX_ENCRYPTION_NONE };

  if (!http_check_id (exchange, wanted.track_id)
      || !(wanted.rendition = choose_rendition (exchange, NULL)))
    return;
  http_begin_session (exchange, &wanted, stream_begun);
}
