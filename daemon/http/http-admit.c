/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: requests for new sessions that wait for room. */
#include "handlers.h"

#include "daemon/gateway/admission.h"
#include "exchange-private.h"

typedef struct
{
  HttpExchange *exchange;
  SyrinxWaiter *waiter; /* (nullable): it waits no more */
} Waiting;

static void
waiting_free (Waiting *waiting)
{
  g_clear_pointer (&waiting->waiter, syrinx_admission_give_up);
  g_free (waiting);
}

static void
client_left (HttpExchange *exchange, gpointer data)
{
  waiting_free (data);
}

static void
answer_refused (HttpExchange *exchange, gint64 retry_us)
{
  http_exchange_set_retry_after (exchange, retry_us);
  http_exchange_answer_problem (exchange, 503, NULL,
      "there is no room for another session; try again later");
}

static void
turn_came (gboolean is_admitted, gint64 retry_us, gpointer user_data)
{
  Waiting *waiting = user_data;
  HttpExchange *exchange = waiting->exchange;

  waiting->waiter = NULL;
  waiting_free (waiting);
  exchange->is_admitted = TRUE;
  if (!is_admitted)
    answer_refused (exchange, retry_us);
  else if (!syrinx_grant_is_live (http_exchange_get_grant (exchange),
               g_get_real_time () / G_USEC_PER_SEC))
    http_exchange_answer_problem (
        exchange, 401, NULL, "the token no longer holds");
  else
    http_route_again (exchange);
}

gboolean
http_admit (
    HttpExchange *exchange, const SyrinxPlace *place, const gchar *rendition)
{
  const SyrinxAdmissionRequest asked = { .region = place->region,
    .weight = place->weight,
    .rtt_ms = place->rtt_ms,
    .kbps = syrinx_admission_kbps_of (rendition) };
  Waiting *waiting;
  gint64 retry_us = 0;

  if (exchange->is_admitted)
    return TRUE;
  waiting = g_new0 (Waiting, 1);
  waiting->exchange = exchange;
  switch (syrinx_admission_ask (
      syrinx_engine_get_admission (http_exchange_get_engine (exchange)), &asked,
      g_get_monotonic_time (), turn_came, waiting, &waiting->waiter,
      &retry_us)) {
  case SYRINX_ADMISSION_NOW:
    waiting_free (waiting);
    return TRUE;
  case SYRINX_ADMISSION_REFUSED:
    answer_refused (exchange, retry_us);
    waiting_free (waiting);
    return FALSE;
  case SYRINX_ADMISSION_WAITS:
    http_exchange_defer (exchange, client_left, waiting);
  }
  return FALSE;
}
