/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serialisation of a session: for HTTP's answers and server-sent events (JSON),
 * and for D-Bus (variants) and through it syrinxctl. One table lists the
 * members, so that they have the same names and types everywhere: "track_id" in
 * JSON is "TrackId" on D-Bus. Main thread only. */
#pragma once

#include "sessions.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Adds all members to the object that @json has open: "id", "subject",
 * "track_id", "rendition", "region", "client", "state", "encryption",
 * "created_at", "expires_at" (Unix time in seconds), "bytes_sent", "rtt_ms",
 * "reason". Unknown values are null. */
void syrinx_session_add_json (SyrinxSession *session, JsonBuilder *json);

/* A property of org.syrinx.Syrinx1.Session; unknown values are "" or 0.
 * (transfer floating) (nullable): there is no such property. */
GVariant *
syrinx_session_get_variant (SyrinxSession *session, const gchar *property);
/* All properties, a{sv}. (transfer floating) */
GVariant *syrinx_session_to_variant (SyrinxSession *session);
/* The properties that can change, a{sv}: State, ExpiresAt, BytesSent, Reason.
 * (transfer floating) */
GVariant *syrinx_session_changes_to_variant (SyrinxSession *session);

G_END_DECLS
