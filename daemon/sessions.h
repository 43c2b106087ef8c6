/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions that exist: one listener, one track, one grant, one capability,
 * one pipeline. Main thread only. */
#pragma once

#include "core/content.h"
#include "core/grant.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_ENCRYPTION_HLS_AES128,
  SYRINX_ENCRYPTION_ECE,
  SYRINX_ENCRYPTION_NONE
} SyrinxEncryption;

/* One session: a GObject so that D-Bus can follow its properties: "id",
 * "subject", "track-id", "rendition", "region", "client", "state" ("idle",
 * "playing", "ended"), "bytes-sent" (guint64), "created-at", "expires-at". */
#define SYRINX_TYPE_LISTENER (syrinx_listener_get_type ())
G_DECLARE_FINAL_TYPE (
    SyrinxListener, syrinx_listener, SYRINX, LISTENER, GObject)

/* Signals: "added" (SyrinxListener), "removed" (SyrinxListener). */
#define SYRINX_TYPE_SESSIONS (syrinx_sessions_get_type ())
G_DECLARE_FINAL_TYPE (
    SyrinxSessions, syrinx_sessions, SYRINX, SESSIONS, GObject)

/* (element-type SyrinxListener) (transfer container) */
GPtrArray *syrinx_sessions_list (SyrinxSessions *sessions);
/* (transfer none) (nullable) */
SyrinxListener *
syrinx_sessions_lookup (SyrinxSessions *sessions, const gchar *id);
/* Ends it: its pipeline stops, its URLs answer 410. FALSE if there is none. */
gboolean syrinx_sessions_terminate (
    SyrinxSessions *sessions, const gchar *id, const gchar *reason);

G_END_DECLS
