/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a track as one progressive Ogg Opus stream. Its connection is taken
 * from libsoup once the first fragment is there, so that whatever can go wrong
 * before is still answered as an error. */
#include "daemon/sessions/fragment-wait.h"
#include "http-request.h"
#include "soup-stream.h"
#include "daemon/sessions/progressive.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_START_S 1e6

typedef struct
{
  SyrinxEngine *engine;
  SoupServerMessage *message;
  SyrinxSession *session;
  gchar *rendition;
  gdouble start_s;
  gboolean ends_session; /* it was made for this stream */
  gboolean started;
  SyrinxFragmentWait *wait;
  HttpWatch *watch; /* (nullable) */
} Asked;

static void
asked_free (Asked *asked)
{
  g_clear_pointer (&asked->wait, syrinx_fragment_wait_cancel);
  g_clear_pointer (&asked->watch, http_watch_free);
  if (asked->ends_session && !asked->started)
    syrinx_sessions_terminate (syrinx_engine_get_sessions (asked->engine),
        syrinx_session_get_id (asked->session), "it was not played");
  g_object_unref (asked->session);
  g_free (asked->rendition);
  g_free (asked);
}

/* --- Starting --- */

static GBytes *
make_preamble (Asked *asked, gboolean is_chunked)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = soup_date_time_to_string (now, SOUP_DATE_HTTP);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
      "HTTP/1.%d 200 OK\r\nServer: Syrinx\r\nDate: %s\r\n"
      "Content-Type: " HTTP_STREAM_TYPE "\r\nCache-Control: no-store\r\n"
      "Accept-Ranges: none\r\nConnection: close\r\n",
      is_chunked, date);
  if (is_chunked)
    g_string_append (text, "Transfer-Encoding: chunked\r\n");
  if (syrinx_session_get_encryption (asked->session) == SYRINX_ENCRYPTION_ECE)
    g_string_append (text, "Content-Encoding: aes128gcm\r\n");
  for (guint i = 0; i < G_N_ELEMENTS (http_common_headers); i++)
    g_string_append_printf (text, "%s: %s\r\n", http_common_headers[i][0],
        http_common_headers[i][1]);
  g_string_append (text, "\r\n");
  return g_string_free_to_bytes (text);
}

static void
start_stream (Asked *asked)
{
  gboolean is_chunked
      = soup_server_message_get_http_version (asked->message) != SOUP_HTTP_1_0;
  g_autoptr (GBytes) preamble = make_preamble (asked, is_chunked);
  g_autoptr (GIOStream) stolen
      = soup_server_message_steal_connection (asked->message);
  g_autoptr (GIOStream) connection = syrinx_soup_stream_take (stolen);
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

static gboolean
begin (Asked *asked)
{
  const gchar *method = soup_server_message_get_method (asked->message);

  if (soup_server_message_get_http_version (asked->message) > SOUP_HTTP_1_1) {
    http_problem (asked->message, 505, NULL,
        "a progressive stream needs a connection of its own: use HTTP/1.1");
    return FALSE;
  }
  if (g_str_equal (method, "HEAD")) {
    SoupMessageHeaders *headers
        = soup_server_message_get_response_headers (asked->message);
    soup_message_headers_replace (headers, "Content-Type", HTTP_STREAM_TYPE);
    soup_message_headers_replace (headers, "Cache-Control", "no-store");
    soup_message_headers_replace (headers, "Accept-Ranges", "none");
    soup_server_message_set_status (asked->message, 200, NULL);
    return FALSE;
  }
  start_stream (asked);
  return TRUE;
}

/* --- Waiting for the first fragment --- */

static void
message_finished (SoupServerMessage *message, Asked *asked)
{
  g_signal_handlers_disconnect_by_data (message, asked);
  asked_free (asked);
}

static void
client_left (gpointer data)
{
  Asked *asked = data;

  g_signal_handlers_disconnect_by_data (asked->message, asked);
  http_let_go (asked->message);
  asked_free (asked);
}

static void
first_came (GBytes *bytes, const GError *error, gpointer data)
{
  Asked *asked = data;
  g_autoptr (SoupServerMessage) message = g_object_ref (asked->message);

  asked->wait = NULL;
  g_clear_pointer (&asked->watch, http_watch_free);
  if (bytes && begin (asked)) {
    message_finished (message, asked); /* not ours, nor libsoup's, any more */
    return;
  }
  if (!bytes)
    http_problem_error (message, error);
  soup_server_message_unpause (message);
}

/* The fragment that holds the moment, or -1 past the end. */
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
    http_problem (
        asked->message, 422, "start", "the track is over before that moment");
    asked_free (asked);
    return;
  }
  asked->wait = syrinx_fragment_get (
      &(SyrinxFragmentRequest){ NULL, asked->session, rendition, number },
      &bytes, first_came, asked, &error);
  if (asked->wait) {
    soup_server_message_pause (asked->message);
    g_signal_connect (
        asked->message, "finished", G_CALLBACK (message_finished), asked);
    asked->watch = http_watch_new (asked->message, client_left, asked);
    return;
  }
  if (error)
    http_problem_error (asked->message, error);
  else
    begin (asked);
  asked_free (asked);
}

/* --- Requests --- */

static gboolean
read_start (HttpRequest *request, gdouble *start_s)
{
  const gchar *text = http_query (request, "start");
  gchar *end = NULL;

  *start_s = text ? g_ascii_strtod (text, &end) : 0;
  if (!text
      || (end != text && !*end && *start_s >= 0 && *start_s < MAX_START_S))
    return TRUE;
  http_problem (
      request->message, 422, "start", "start is a number of seconds from 0 on");
  return FALSE;
}

static gboolean
is_opus (const gchar *rendition)
{
  return g_str_has_prefix (rendition, "opus-");
}

/* The one that is asked for, else @fallback if it is Opus, else the first that
 * is. NULL: answered. */
static const gchar *
choose_rendition (HttpRequest *request, const gchar *fallback)
{
  gchar **names = syrinx_engine_get_config (request->engine)->renditions;
  const gchar *asked = http_query (request, "rendition");

  if (!asked)
    asked = fallback;
  for (guint i = 0; names[i]; i++)
    if (is_opus (names[i]) && (!asked || g_str_equal (asked, names[i])))
      return names[i];
  for (guint i = 0; names[i] && !http_query (request, "rendition"); i++)
    if (is_opus (names[i]))
      return names[i];
  http_problem (request->message, 422, "rendition",
      "a progressive stream is Ogg Opus; name an opus rendition");
  return NULL;
}

static void
stream_listener (HttpRequest *request, SyrinxSession *session,
    const gchar *name, gboolean ends_session)
{
  Asked *asked = g_new0 (Asked, 1);
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition;

  asked->engine = request->engine;
  asked->message = request->message;
  asked->session = g_object_ref (session);
  asked->rendition = g_strdup (name);
  asked->ends_session = ends_session;
  rendition = syrinx_session_open (session, name, &error);
  if (rendition && read_start (request, &asked->start_s)) {
    ask (asked, rendition);
    return;
  }
  if (error)
    http_problem_error (request->message, error);
  asked_free (asked);
}

void
http_stream (HttpRequest *request)
{
  SyrinxSession *session = http_check_session (request);
  g_autofree gchar *own = NULL;
  const gchar *name;

  if (!session)
    return;
  g_object_get (session, "rendition", &own, NULL);
  name = choose_rendition (request, own);
  if (name)
    stream_listener (request, session, name, FALSE);
}

/* A session of its own, for players that can only take an address. */
void
http_stream_opus (HttpRequest *request)
{
  SyrinxSessionRequest wanted = { .grant = request->grant,
    .track_id = request->args[0],
    .encryption = SYRINX_ENCRYPTION_NONE };
  g_autofree gchar *capability = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxSession *session;

  if (!http_check_id (request, request->args[0])
      || !(wanted.rendition = choose_rendition (request, NULL)))
    return;
  session = http_begin_session (request, &wanted, &capability);
  if (session)
    stream_listener (request, session, wanted.rendition, TRUE);
}
