/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a session is written, for whoever is told of one: HTTP's answers and
 * server-sent events (JSON), D-Bus (variants) and through it syrinxctl. One
 * table of members, so that they have the same names and types everywhere:
 * "track_id" in JSON is "TrackId" on D-Bus. Main thread only. */
#pragma once

#include "sessions.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Adds all of the members to the object that @json has open: "id", "subject",
 * "track_id", "rendition", "region", "client", "state", "encryption",
 * "created_at", "expires_at" (Unix time in seconds), "bytes_sent", "rtt_ms",
 * "reason". What is not known is null. */
void syrinx_session_add_json (SyrinxSession *session, JsonBuilder *json);

/* A property of org.syrinx.Syrinx1.Session; what is not known is "" or 0.
 * (transfer floating) (nullable): there is none of this name. */
GVariant *
syrinx_session_get_variant (SyrinxSession *session, const gchar *property);
/* All of the properties, a{sv}. (transfer floating) */
GVariant *syrinx_session_to_variant (SyrinxSession *session);
/* Those that change, a{sv}: State, ExpiresAt, BytesSent, Reason. (transfer
 * floating) */
GVariant *syrinx_session_changes_to_variant (SyrinxSession *session);

G_END_DECLS
