/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: passes a request for a new session to the desk, and the desk's answer
 * to the client. */
#include "handlers.h"

#include "core/base/error.h"

typedef struct
{
  HttpExchange *exchange;
  HttpBegunFunc begun;
  SyrinxBeginning *waiting; /* (nullable): set while it is deferred */
} Asked;

static void
client_left (HttpExchange *exchange, gpointer data)
{
  Asked *asked = data;

  syrinx_beginning_cancel (asked->waiting);
  g_free (asked);
}

static void
answer_refused (HttpExchange *exchange, const SyrinxDeskAnswer *answer)
{
  const GError *error = answer->error;

  if (answer->retry_us)
    http_exchange_set_retry_after (exchange, answer->retry_us);
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND))
    http_exchange_answer_problem (
        exchange, 404, "track_id", "there is no such track");
  else if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_DENIED))
    http_exchange_answer_problem (
        exchange, 403, "track_id", "%s", error->message);
  else
    http_exchange_answer_error (exchange, error);
}

static void
told (const SyrinxDeskAnswer *answer, gpointer data)
{
  g_autofree Asked *asked = data;

  if (answer->session)
    asked->begun (asked->exchange, answer);
  else
    answer_refused (asked->exchange, answer);
}

void
http_begin_session (HttpExchange *exchange, const SyrinxDeskRequest *wanted,
    HttpBegunFunc begun)
{
  SyrinxDesk *desk
      = syrinx_engine_get_desk (http_exchange_get_engine (exchange));
  SyrinxDeskRequest request = *wanted;
  Asked *asked = g_new0 (Asked, 1);
  SyrinxBeginning *waiting;

  asked->exchange = exchange;
  asked->begun = begun;
  request.grant = http_exchange_get_grant (exchange);
  request.requester
      = (SyrinxRequester){ .address = http_exchange_get_peer (exchange),
          .forwarded = http_exchange_get_header (exchange, "X-Forwarded-For"),
          .region = http_exchange_get_header (exchange, "X-Syrinx-Region") };
  request.may_wait = TRUE;
  request.through = "http";
  waiting = syrinx_desk_begin (desk, &request, told, asked);
  if (!waiting)
    return;
  asked->waiting = waiting;
  http_exchange_defer (exchange, client_left, asked);
}
