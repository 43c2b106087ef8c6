/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an event of the journal is written as JSON. Main thread only. */
#pragma once

#include "journal.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Adds the members of @event to the object that @json has open: "time" (RFC
 * 3339, UTC), "session" (its id), "subject", "client", "region", "track_id",
 * "rendition", "state", "reason", "through", "key", "form", "jti", "scope",
 * "bytes", "position_ms", "epoch", "keys", "expires_at" (Unix time). An event
 * of a session that leaves out subject, region, track or rendition has its
 * session's. Members that are NULL or 0 are left out. */
void syrinx_event_add_json (const SyrinxEvent *event, JsonBuilder *json);

G_END_DECLS
