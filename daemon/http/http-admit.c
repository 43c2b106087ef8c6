/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: requests for new sessions that wait for room. */
#include "http-request.h"

#include "daemon/gateway/admission.h"

typedef struct
{
  HttpRequest request;  /* its own */
  SyrinxWaiter *waiter; /* (nullable): it waits no more */
  HttpWatch *watch;     /* (nullable) */
} Waiting;

static void
waiting_free (Waiting *waiting)
{
  HttpRequest *request = &waiting->request;

  g_signal_handlers_disconnect_by_data (request->message, waiting);
  g_clear_pointer (&waiting->waiter, syrinx_admission_give_up);
  g_clear_pointer (&waiting->watch, http_watch_free);
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    g_free (request->args[i]);
  g_clear_pointer (&request->query, g_hash_table_unref);
  syrinx_grant_unref (request->grant);
  g_object_unref (request->message);
  g_free (waiting);
}

/* --- Waiting --- */

static void
client_left (gpointer data)
{
  Waiting *waiting = data;

  http_let_go (waiting->request.message);
  waiting_free (waiting);
}

static void
answer_refused (SoupServerMessage *message, gint64 retry_us)
{
  http_problem (message, 503, NULL,
      "there is no room for another session; try again later");
  http_retry_after (message, retry_us);
}

static void
turn_came (gboolean is_admitted, gint64 retry_us, gpointer user_data)
{
  Waiting *waiting = user_data;
  HttpRequest *request = &waiting->request;

  waiting->waiter = NULL;
  g_signal_handlers_disconnect_by_data (request->message, waiting);
  /* Goes on from the main loop, unless the handler pauses it again or takes
   * the connection. */
  soup_server_message_unpause (request->message);
  request->is_admitted = TRUE;
  if (!is_admitted)
    answer_refused (request->message, retry_us);
  else if (!syrinx_grant_is_live (
               request->grant, g_get_real_time () / G_USEC_PER_SEC))
    http_problem (request->message, 401, NULL, "the token no longer holds");
  else
    request->handler (request);
  waiting_free (waiting);
}

static void
message_finished (SoupServerMessage *message, Waiting *waiting)
{
  waiting_free (waiting);
}

static Waiting *
waiting_new (const HttpRequest *request)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->request = *request;
  g_object_ref (request->message);
  syrinx_grant_ref (request->grant);
  if (request->query)
    g_hash_table_ref (request->query);
  for (guint i = 0; i < HTTP_MAX_ARGS; i++)
    waiting->request.args[i] = g_strdup (request->args[i]);
  return waiting;
}

gboolean
http_admit (
    HttpRequest *request, const SyrinxPlace *place, const gchar *rendition)
{
  const SyrinxAdmissionRequest asked = { .region = place->region,
    .weight = place->weight,
    .rtt_ms = place->rtt_ms,
    .kbps = syrinx_admission_kbps_of (rendition) };
  Waiting *waiting;
  gint64 retry_us = 0;

  if (request->is_admitted)
    return TRUE;
  waiting = waiting_new (request);
  switch (syrinx_admission_ask (syrinx_engine_get_admission (request->engine),
      &asked, g_get_monotonic_time (), turn_came, waiting, &waiting->waiter,
      &retry_us)) {
  case SYRINX_ADMISSION_NOW:
    waiting_free (waiting);
    return TRUE;
  case SYRINX_ADMISSION_REFUSED:
    answer_refused (request->message, retry_us);
    waiting_free (waiting);
    return FALSE;
  case SYRINX_ADMISSION_WAITS:
    soup_server_message_pause (request->message);
    g_signal_connect (
        request->message, "finished", G_CALLBACK (message_finished), waiting);
    waiting->watch = http_watch_new (request->message, client_left, waiting);
  }
  return FALSE;
}
