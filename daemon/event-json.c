/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an event of the journal is written as JSON. */
#include "event-json.h"

#include "daemon/sessions/sessions.h"

#include "core/base/json.h"

static void
add_time (gint64 at_us, JsonBuilder *json)
{
  g_autoptr (GDateTime) second
      = g_date_time_new_from_unix_utc (at_us / G_USEC_PER_SEC);
  g_autoptr (GDateTime) at
      = second ? g_date_time_add (second, at_us % G_USEC_PER_SEC) : NULL;
  g_autofree gchar *text
      = at ? g_date_time_format (at, "%Y-%m-%dT%H:%M:%S.%fZ") : NULL;

  syrinx_json_add_string (json, "time", text);
}

/* What @event leaves out is taken from its session. */
static SyrinxSessionFacts
get_facts (const SyrinxEvent *event)
{
  SyrinxSessionFacts facts = { 0 };

  if (event->session)
    syrinx_session_get_facts (event->session, &facts);
  facts.subject = event->subject ? event->subject : facts.subject;
  facts.region = event->region ? event->region : facts.region;
  facts.track_id = event->track ? event->track : facts.track_id;
  facts.rendition = event->rendition ? event->rendition : facts.rendition;
  return facts;
}

void
syrinx_event_add_json (const SyrinxEvent *event, JsonBuilder *json)
{
  const SyrinxSessionFacts facts = get_facts (event);
  const struct
  {
    const gchar *name, *value;
  } strings[] = { { "session", facts.id }, { "subject", facts.subject },
    { "client", event->client }, { "region", facts.region },
    { "track_id", facts.track_id }, { "rendition", facts.rendition },
    { "state", event->state }, { "reason", event->reason },
    { "through", event->through }, { "key", event->key },
    { "form", event->form }, { "jti", event->jti }, { "scope", event->scope } };
  const struct
  {
    const gchar *name;
    gint64 value;
  } numbers[] = { { "bytes", event->bytes },
    { "position_ms", event->position_ms }, { "epoch", event->epoch },
    { "keys", event->n_keys }, { "expires_at", event->expires_at_s } };

  add_time (event->at_us, json);
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    if (strings[i].value)
      syrinx_json_add_string (json, strings[i].name, strings[i].value);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value)
      syrinx_json_add_int (json, numbers[i].name, numbers[i].value);
}
