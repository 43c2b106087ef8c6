/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: events of the journal as server-sent events (WHATWG HTML, section 9.2)
 * for the operator. The journal is read only while there is a client.
 *
 *   session                       a session as in GET /v1/sessions/ID, when it
 *                                 begins, changes and ends
 *   library                       progress of the scan
 *   totals                        sums, once a second while they change
 *   session-seek, error, key-given, key-rotated, token-issued, token-revoked,
 *   server
 *                                 that event of the journal (event-json.h)
 *
 * A new client first gets the state of the library and the existing sessions. A
 * client that is too slow is disconnected and may connect again. */
#include "handlers.h"

#include "daemon/event-json.h"
#include "daemon/sessions/session-json.h"

#include "core/base/json.h"

#include <string.h>

#define MAX_CLIENTS      32
#define MAX_FIRST        512 /* sessions that a new client gets */
#define TOTALS_PERIOD_MS 1000
/* Refusals, of which there may be thousands a second, are only in the
 * totals. */
#define KINDS                                                                  \
  (SYRINX_EVENTS_OF_SESSIONS | SYRINX_EVENT_BIT (SYRINX_EVENT_SCAN_PROGRESS)   \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SCAN_DONE)                              \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_SEEK)                           \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_ERROR)                                  \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_GIVEN)                              \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_ROTATED)                            \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_ISSUED)                           \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_REVOKED)                          \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SERVER))

typedef struct
{
  SyrinxEngine *engine;
  GPtrArray *clients; /* of Client */
  guint reader;       /* of the journal, while there are clients */
  guint timer;
  SyrinxSessionTotals told;
  guint64 n_refused_told;
} Events;

typedef struct
{
  Events *events;
  HttpExchange *exchange;
} Client;

/* --- Sending --- */

static void client_left (gpointer data);

/* FALSE: the client was too slow and has been disconnected. */
static gboolean
send_text (Client *client, GBytes *text)
{
  if (http_exchange_write (client->exchange, text))
    return TRUE;
  http_exchange_end_stream (client->exchange);
  client_left (client);
  return FALSE;
}

/* An event with the object that @json has open as its data. (transfer full) */
static GBytes *
make_text (const gchar *name, JsonBuilder *json)
{
  g_autoptr (JsonNode) root
      = json_builder_get_root (json_builder_end_object (json));
  g_autofree gchar *data = json_to_string (root, FALSE);
  gchar *text = g_strdup_printf ("event: %s\ndata: %s\n\n", name, data);

  return g_bytes_new_take (text, strlen (text));
}

static void
send_to_all (Events *events, GBytes *text)
{
  for (guint i = 0; i < events->clients->len;)
    i += send_text (events->clients->pdata[i], text);
}

/* --- Events as text --- */

/* (transfer full) */
static GBytes *
describe_session (SyrinxSession *session)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  syrinx_session_add_json (session, json);
  return make_text ("session", json);
}

/* (transfer full) */
static GBytes *
describe_library (const SyrinxEventScan *scan)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  syrinx_json_add_boolean (json, "scanning", scan->is_scanning);
  syrinx_json_add_int (json, "files_done", scan->n_done);
  syrinx_json_add_int (json, "files_total", scan->n_total);
  syrinx_json_add_int (json, "files_failed", scan->n_failed);
  return make_text ("library", json);
}

/* (transfer full) */
static GBytes *
describe_event (const SyrinxEvent *event)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  syrinx_event_add_json (event, json);
  return make_text (syrinx_event_kind_to_string (event->kind), json);
}

static void
read_event (const SyrinxEvent *event, gpointer data)
{
  Events *events = data;
  g_autoptr (GBytes) text = NULL;

  if (SYRINX_EVENT_BIT (event->kind) & SYRINX_EVENTS_OF_SESSIONS)
    text = describe_session (event->session);
  else if (SYRINX_EVENT_BIT (event->kind) & SYRINX_EVENTS_OF_LIBRARY)
    text = describe_library (&event->scan);
  else
    text = describe_event (event);
  send_to_all (events, text);
}

static void
add_refusals (const gchar *reason, guint64 count, gpointer json)
{
  syrinx_json_add_int (json, reason, count);
}

/* (transfer full) */
static GBytes *
describe_totals (SyrinxTally *tally, const SyrinxSessionTotals *totals)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  syrinx_json_add_int (json, "sessions", totals->n_sessions);
  syrinx_json_add_int (json, "sessions_playing", totals->n_playing);
  syrinx_json_add_int (json, "bytes_sent", totals->bytes_sent);
  json_builder_set_member_name (json, "refused");
  json_builder_begin_object (json);
  syrinx_tally_foreach_refusal (tally, add_refusals, json);
  json_builder_end_object (json);
  return make_text ("totals", json);
}

static gboolean
tell_totals (gpointer data)
{
  Events *events = data;
  SyrinxTally *tally = syrinx_engine_get_tally (events->engine);
  guint64 n_refused = syrinx_tally_get (tally, SYRINX_EVENT_REFUSED);
  SyrinxSessionTotals totals;
  g_autoptr (GBytes) text = NULL;

  syrinx_sessions_get_totals (
      syrinx_engine_get_sessions (events->engine), &totals);
  if (totals.bytes_sent == events->told.bytes_sent
      && totals.n_sessions == events->told.n_sessions
      && n_refused == events->n_refused_told)
    return G_SOURCE_CONTINUE;
  events->told = totals;
  events->n_refused_told = n_refused;
  text = describe_totals (tally, &totals);
  send_to_all (events, text);
  return G_SOURCE_CONTINUE;
}

/* --- Clients --- */

static void
start_reading (Events *events)
{
  events->reader = syrinx_journal_add_reader (
      syrinx_engine_get_journal (events->engine), KINDS, read_event, events);
  events->timer = g_timeout_add (TOTALS_PERIOD_MS, tell_totals, events);
}

static void
stop_reading (Events *events)
{
  syrinx_journal_remove_reader (
      syrinx_engine_get_journal (events->engine), events->reader);
  g_clear_handle_id (&events->timer, g_source_remove);
}

/* No client is left: HTTP ends before the engine. */
static void
events_free (gpointer data)
{
  Events *events = data;

  g_ptr_array_unref (events->clients);
  g_free (events);
}

/* The one instance of the engine. (transfer none) */
static Events *
get_events (SyrinxEngine *engine)
{
  Events *events = g_object_get_data (G_OBJECT (engine), "syrinx-events");

  if (!events) {
    events = g_new0 (Events, 1);
    events->engine = engine;
    events->clients = g_ptr_array_new_with_free_func (g_free);
    g_object_set_data_full (
        G_OBJECT (engine), "syrinx-events", events, events_free);
  }
  return events;
}

static void
client_left (gpointer data)
{
  Client *client = data;
  Events *events = client->events;

  g_ptr_array_remove (events->clients, client);
  if (events->clients->len == 0)
    stop_reading (events);
}

static void
tell_first (Client *client)
{
  g_autoptr (GPtrArray) list = syrinx_sessions_list (
      syrinx_engine_get_sessions (client->events->engine));
  g_autoptr (GBytes) library = NULL;
  SyrinxEventScan scan;
  gboolean stays;

  syrinx_engine_get_scan (client->events->engine, &scan);
  library = describe_library (&scan);
  stays = send_text (client, library);
  for (guint i = 0; stays && i < list->len && i < MAX_FIRST; i++) {
    g_autoptr (GBytes) text = describe_session (list->pdata[i]);
    stays = send_text (client, text);
  }
}

static void
welcome (Events *events, HttpExchange *exchange)
{
  static const HttpStreamFuncs funcs = { NULL, client_left };
  Client *client = g_new0 (Client, 1);

  client->events = events;
  client->exchange = exchange;
  if (events->clients->len == 0)
    start_reading (events);
  g_ptr_array_add (events->clients, client);
  http_exchange_begin_stream (exchange, "text/event-stream", &funcs, client);
  tell_first (client);
}

void
http_events (HttpExchange *exchange)
{
  Events *events = get_events (http_exchange_get_engine (exchange));

  if (events->clients->len >= MAX_CLIENTS)
    http_exchange_answer_problem (
        exchange, 503, NULL, "too many clients read events already");
  else if (http_exchange_is_head (exchange))
    http_exchange_begin_stream (exchange, "text/event-stream", NULL, NULL);
  else
    welcome (events, exchange);
}
