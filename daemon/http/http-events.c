/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: what happens in the service, as server-sent events (WHATWG HTML,
 * section 9.2) for the operator. Costs nothing while nobody reads. */
#include "handlers.h"

#include <string.h>

#define MAX_READERS      32
#define MAX_FIRST        512 /* sessions that a new reader is told of */
#define TOTALS_PERIOD_MS 1000

typedef struct
{
  SyrinxEngine *engine;
  GPtrArray *readers; /* of Reader */
  guint timer;
  guint64 last_sent_bytes;
} Events;

typedef struct
{
  Events *events;
  HttpExchange *exchange;
} Reader;

/* --- Sending --- */

static void reader_left (gpointer data);

/* One that is too slow starts anew. FALSE: it is gone. */
static gboolean
send_text (Reader *reader, GBytes *text)
{
  if (http_exchange_write (reader->exchange, text))
    return TRUE;
  http_exchange_end_stream (reader->exchange);
  reader_left (reader);
  return FALSE;
}

/* Takes @json; @reader (nullable): all of them. FALSE: that reader is gone. */
static gboolean
send_event (
    Events *events, Reader *reader, const gchar *name, JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree gchar *data = json_to_string (root, FALSE);
  gchar *text = g_strdup_printf ("event: %s\ndata: %s\n\n", name, data);
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  gboolean stays = !reader || send_text (reader, bytes);

  for (guint i = 0; !reader && i < events->readers->len;)
    i += send_text (events->readers->pdata[i], bytes);
  g_object_unref (json);
  return stays;
}

static void
add_number (JsonBuilder *json, const gchar *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

static void
add_string (JsonBuilder *json, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

/* --- What is told --- */

/* FALSE: @reader is gone. */
static gboolean
tell_session (Events *events, Reader *reader, SyrinxSession *session)
{
  static const gchar *const names[] = { "id", "subject", "track-id",
    "rendition", "region", "client", "state" };
  static const gchar *const members[] = { "id", "subject", "track_id",
    "rendition", "region", "client", "state" };
  JsonBuilder *json = json_builder_begin_object (json_builder_new ());
  guint64 bytes_sent;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *value = NULL;
    g_object_get (session, names[i], &value, NULL);
    add_string (json, members[i], value);
  }
  g_object_get (session, "bytes-sent", &bytes_sent, NULL);
  add_number (json, "bytes_sent", bytes_sent);
  return send_event (events, reader, "session", json_builder_end_object (json));
}

/* FALSE: @reader is gone. */
static gboolean
tell_library (Events *events, Reader *reader)
{
  JsonBuilder *json = json_builder_begin_object (json_builder_new ());
  gboolean scanning;
  guint done, total, failed;

  g_object_get (syrinx_engine_get_ingest (events->engine), "scanning",
      &scanning, "files-done", &done, "files-total", &total, "files-failed",
      &failed, NULL);
  json_builder_set_member_name (json, "scanning");
  json_builder_add_boolean_value (json, scanning);
  add_number (json, "files_done", done);
  add_number (json, "files_total", total);
  add_number (json, "files_failed", failed);
  return send_event (events, reader, "library", json_builder_end_object (json));
}

static gboolean
tell_totals (gpointer data)
{
  Events *events = data;
  g_autoptr (GPtrArray) list
      = syrinx_sessions_list (syrinx_engine_get_sessions (events->engine));
  JsonBuilder *json;
  guint64 sum = 0;

  for (guint i = 0; i < list->len; i++) {
    guint64 bytes_sent;
    g_object_get (list->pdata[i], "bytes-sent", &bytes_sent, NULL);
    sum += bytes_sent;
  }
  if (sum == events->last_sent_bytes)
    return G_SOURCE_CONTINUE;
  events->last_sent_bytes = sum;
  json = json_builder_begin_object (json_builder_new ());
  add_number (json, "sessions", list->len);
  add_number (json, "bytes_sent", sum);
  send_event (events, NULL, "totals", json_builder_end_object (json));
  return G_SOURCE_CONTINUE;
}

/* --- What happens --- */

static void
session_changed (SyrinxSession *session, GParamSpec *pspec, Events *events)
{
  tell_session (events, NULL, session);
}

static void
session_added (SyrinxSessions *sessions, SyrinxSession *session, Events *events)
{
  g_signal_connect (
      session, "notify::state", G_CALLBACK (session_changed), events);
  tell_session (events, NULL, session);
}

/* Its state has told of the end. */
static void
session_removed (
    SyrinxSessions *sessions, SyrinxSession *session, Events *events)
{
  g_signal_handlers_disconnect_by_data (session, events);
}

static void
library_changed (gpointer ingest, GParamSpec *pspec, Events *events)
{
  tell_library (events, NULL);
}

static void
watch (Events *events)
{
  SyrinxSessions *sessions = syrinx_engine_get_sessions (events->engine);
  SyrinxIngest *ingest = syrinx_engine_get_ingest (events->engine);
  g_autoptr (GPtrArray) list = syrinx_sessions_list (sessions);

  for (guint i = 0; i < list->len; i++)
    g_signal_connect (
        list->pdata[i], "notify::state", G_CALLBACK (session_changed), events);
  g_signal_connect (sessions, "added", G_CALLBACK (session_added), events);
  g_signal_connect (sessions, "removed", G_CALLBACK (session_removed), events);
  g_signal_connect (
      ingest, "notify::scanning", G_CALLBACK (library_changed), events);
  g_signal_connect (
      ingest, "notify::files-done", G_CALLBACK (library_changed), events);
  events->timer = g_timeout_add (TOTALS_PERIOD_MS, tell_totals, events);
}

static void
unwatch (Events *events)
{
  SyrinxSessions *sessions = syrinx_engine_get_sessions (events->engine);
  g_autoptr (GPtrArray) list = syrinx_sessions_list (sessions);

  for (guint i = 0; i < list->len; i++)
    g_signal_handlers_disconnect_by_data (list->pdata[i], events);
  g_signal_handlers_disconnect_by_data (sessions, events);
  g_signal_handlers_disconnect_by_data (
      syrinx_engine_get_ingest (events->engine), events);
  g_clear_handle_id (&events->timer, g_source_remove);
}

/* --- Readers --- */

static void
events_free (gpointer data)
{
  Events *events = data;

  g_ptr_array_unref (events->readers);
  g_clear_handle_id (&events->timer, g_source_remove);
  g_free (events);
}

/* The engine's own. (transfer none) */
static Events *
get_events (SyrinxEngine *engine)
{
  Events *events = g_object_get_data (G_OBJECT (engine), "syrinx-events");

  if (!events) {
    events = g_new0 (Events, 1);
    events->engine = engine;
    events->readers = g_ptr_array_new_with_free_func (g_free);
    g_object_set_data_full (
        G_OBJECT (engine), "syrinx-events", events, events_free);
  }
  return events;
}

static void
reader_left (gpointer data)
{
  Reader *reader = data;
  Events *events = reader->events;

  g_ptr_array_remove (events->readers, reader);
  if (events->readers->len == 0)
    unwatch (events);
}

static void
begin_reading (Events *events, HttpExchange *exchange)
{
  static const HttpStreamFuncs funcs = { NULL, reader_left };
  g_autoptr (GPtrArray) list
      = syrinx_sessions_list (syrinx_engine_get_sessions (events->engine));
  Reader *reader = g_new0 (Reader, 1);
  gboolean stays;

  reader->events = events;
  reader->exchange = exchange;
  if (events->readers->len == 0)
    watch (events);
  g_ptr_array_add (events->readers, reader);
  http_exchange_begin_stream (exchange, "text/event-stream", &funcs, reader);
  stays = tell_library (events, reader);
  for (guint i = 0; stays && i < list->len && i < MAX_FIRST; i++)
    stays = tell_session (events, reader, list->pdata[i]);
}

void
http_events (HttpExchange *exchange)
{
  Events *events = get_events (http_exchange_get_engine (exchange));

  if (events->readers->len >= MAX_READERS)
    http_exchange_answer_problem (
        exchange, 503, NULL, "there are as many readers as may be");
  else if (http_exchange_is_head (exchange))
    http_exchange_begin_stream (exchange, "text/event-stream", NULL, NULL);
  else
    begin_reading (events, exchange);
}
