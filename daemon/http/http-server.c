/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections of a server: their time-outs, and connections whose next turn
 * is deferred. */
#include "http-private.h"

#define HEAD_S    10 /* for the whole head */
#define IDLE_S    60
#define BODY_S    30   /* for the whole body */
#define GRACE_S   5    /* before BODY_RATE is checked */
#define BODY_RATE 1024 /* bytes a second, at least */
#define STALL_S   30   /* in which the peer reads nothing */
#define CLOSING_S 5
#define TICK_US   G_USEC_PER_SEC

/* 0: without limit. Deferred exchanges have time limits of their own. */
static const gint64 max_phase_us[HTTP_N_PHASES]
    = { [HTTP_PHASE_HEAD] = HEAD_S * G_USEC_PER_SEC,
        [HTTP_PHASE_IDLE] = IDLE_S * G_USEC_PER_SEC,
        [HTTP_PHASE_BODY] = BODY_S * G_USEC_PER_SEC,
        [HTTP_PHASE_SENDING] = STALL_S * G_USEC_PER_SEC,
        [HTTP_PHASE_CLOSING] = CLOSING_S * G_USEC_PER_SEC };

/* --- Time-outs --- */

/* Makes the reaper run at @at_us at the latest. */
static void
look_at (HttpServer *server, gint64 at_us)
{
  if (server->reaps_at_us && server->reaps_at_us <= at_us)
    return;
  server->reaps_at_us = at_us;
  g_source_set_ready_time (server->reaper, at_us);
}

/* Schedules the reaper for the oldest connection in @phase. */
static void
look_for (HttpServer *server, HttpPhase phase, gint64 now_us)
{
  HttpConnection *oldest = g_queue_peek_head (&server->phases[phase]);

  if (!oldest || !max_phase_us[phase])
    return;
  if (phase == HTTP_PHASE_BODY)
    look_at (server, now_us + TICK_US);
  else
    look_at (server, oldest->since_us + max_phase_us[phase]);
}

/* Closes connections whose body arrives too slowly. */
static void
reap_slow (HttpServer *server, gint64 now_us)
{
  GList *link = server->phases[HTTP_PHASE_BODY].head;

  while (link) {
    HttpConnection *connection = link->data;
    gint64 seconds = (now_us - connection->since_us) / G_USEC_PER_SEC;
    link = link->next;
    if (seconds > GRACE_S && connection->body
        && connection->body->len < (seconds - GRACE_S) * BODY_RATE)
      http_connection_close (connection);
  }
}

void
http_server_step (HttpServer *server, gint64 now_us)
{
  for (HttpPhase phase = 0; phase < HTTP_N_PHASES; phase++) {
    HttpConnection *oldest;
    while (max_phase_us[phase]
           && (oldest = g_queue_peek_head (&server->phases[phase]))
           && oldest->since_us + max_phase_us[phase] <= now_us)
      http_connection_close (oldest);
  }
  reap_slow (server, now_us);
}

static gboolean
reap (gpointer data)
{
  HttpServer *server = data;
  gint64 now_us = g_get_monotonic_time ();

  server->reaps_at_us = 0;
  g_source_set_ready_time (server->reaper, -1);
  http_server_step (server, now_us);
  for (HttpPhase phase = 0; phase < HTTP_N_PHASES; phase++)
    look_for (server, phase, now_us);
  return G_SOURCE_CONTINUE;
}

void
http_server_enter (
    HttpServer *server, HttpConnection *connection, HttpPhase phase)
{
  gint64 now_us = g_get_monotonic_time ();

  g_queue_unlink (&server->phases[connection->phase], &connection->link);
  connection->phase = phase;
  connection->since_us = now_us;
  g_queue_push_tail_link (&server->phases[phase], &connection->link);
  look_for (server, phase, now_us);
}

/* --- Deferred turns --- */

static gboolean
serve_deferred (gpointer data)
{
  HttpServer *server = data;
  guint n = g_queue_get_length (&server->deferred);

  g_source_set_ready_time (server->deferral, -1);
  for (; n && server->deferred.head; n--) {
    HttpConnection *connection = server->deferred.head->data;
    g_queue_unlink (&server->deferred, &connection->deferred);
    connection->is_deferred = FALSE;
    http_connection_serve (connection);
  }
  if (server->deferred.head)
    g_source_set_ready_time (server->deferral, 0);
  return G_SOURCE_CONTINUE;
}

void
http_server_defer (HttpServer *server, HttpConnection *connection)
{
  if (connection->is_deferred)
    return;
  if (!server->deferred.head)
    g_source_set_ready_time (server->deferral, 0);
  connection->is_deferred = TRUE;
  g_queue_push_tail_link (&server->deferred, &connection->deferred);
}

/* --- Life --- */

static gboolean
call_back (GSource *source, GSourceFunc func, gpointer data)
{
  return func (data);
}

/* A source that is dispatched at its ready time, which is set later. (transfer
 * full) */
static GSource *
add_timer (HttpServer *server, GSourceFunc func)
{
  static GSourceFuncs funcs = { .dispatch = call_back };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (source, func, server, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

HttpServer *
http_server_new (const HttpServerSettings *settings)
{
  HttpServer *server = g_new0 (HttpServer, 1);

  server->settings = *settings;
  server->reaper = add_timer (server, reap);
  server->deferral = add_timer (server, serve_deferred);
  return server;
}

void
http_server_free (HttpServer *server)
{
  for (HttpPhase phase = 0; phase < HTTP_N_PHASES; phase++)
    while (server->phases[phase].head)
      http_connection_close (server->phases[phase].head->data);
  g_source_destroy (server->reaper);
  g_source_unref (server->reaper);
  g_source_destroy (server->deferral);
  g_source_unref (server->deferral);
  g_free (server);
}

void
http_server_take (HttpServer *server, SyrinxTransport *transport)
{
  HttpConnection *connection = http_connection_new (server, transport);

  if (!connection)
    return;
  server->n_connections++;
  connection->since_us = g_get_monotonic_time ();
  g_queue_push_tail_link (&server->phases[HTTP_PHASE_HEAD], &connection->link);
  look_for (server, HTTP_PHASE_HEAD, connection->since_us);
}

void
http_server_drop (HttpServer *server, HttpConnection *connection)
{
  g_queue_unlink (&server->phases[connection->phase], &connection->link);
  if (connection->is_deferred)
    g_queue_unlink (&server->deferred, &connection->deferred);
  connection->is_deferred = FALSE;
  server->n_connections--;
}

guint
http_server_get_n_connections (HttpServer *server)
{
  return server->n_connections;
}
