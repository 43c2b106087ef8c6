/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions that exist: one listener, one track, one grant, one capability.
 * Main thread only. */
#pragma once

#include "encryption.h"

#include "core/content.h"
#include "core/grant.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* One session: a GObject so that D-Bus can follow its properties, all
 * read-only: "id", "subject", "track-id", "rendition", "region", "client",
 * "state" ("idle", "playing", "ended"), "bytes-sent" (guint64), "created-at",
 * "expires-at" (gint64, Unix time in seconds), "rtt-ms" (guint). */
#define SYRINX_TYPE_LISTENER (syrinx_listener_get_type ())
G_DECLARE_FINAL_TYPE (
    SyrinxListener, syrinx_listener, SYRINX, LISTENER, GObject)

const gchar *syrinx_listener_get_id (SyrinxListener *listener);
const gchar *syrinx_listener_get_track_id (SyrinxListener *listener);
const gchar *syrinx_listener_get_region (SyrinxListener *listener);
guint syrinx_listener_get_rtt_ms (SyrinxListener *listener);
/* No session any more, by whatever end. */
gboolean syrinx_listener_has_ended (SyrinxListener *listener);
SyrinxEncryption syrinx_listener_get_encryption (SyrinxListener *listener);
SyrinxGrant *syrinx_listener_get_grant (SyrinxListener *listener);
/* The session's own key, 16 bytes, if it has one (ece). (transfer none) */
GBytes *syrinx_listener_get_key (SyrinxListener *listener);
/* Whether its keys go out wrapped for its public key, and only so. */
gboolean syrinx_listener_has_wrapped_keys (SyrinxListener *listener);

/* Its rendition, opened once and on the epoch it began with for as long as the
 * session lives. (transfer none) Errors: as syrinx_content_open(). */
SyrinxRendition *syrinx_listener_open (
    SyrinxListener *listener, const gchar *rendition, GError **error);

/* Counts what was sent; the session is then playing. */
void syrinx_listener_count (SyrinxListener *listener, gsize sent_bytes);

/* A fresh grant of the same subject: same URLs, later end. DENIED if it is
 * another's. */
gboolean syrinx_listener_renew (
    SyrinxListener *listener, SyrinxGrant *grant, GError **error);

/* Signals: "added" (SyrinxListener), "removed" (SyrinxListener). */
#define SYRINX_TYPE_SESSIONS (syrinx_sessions_get_type ())
G_DECLARE_FINAL_TYPE (
    SyrinxSessions, syrinx_sessions, SYRINX, SESSIONS, GObject)

SyrinxSessions *syrinx_sessions_new (SyrinxContent *content, guint max);
/* Those over it go on. */
void syrinx_sessions_set_max (SyrinxSessions *sessions, guint max);

/* What a new session is to be. */
typedef struct
{
  SyrinxGrant *grant;
  const gchar *track_id, *rendition;
  SyrinxEncryption encryption;
  gboolean has_wrapped_keys; /* the listener gave a public key */
  const gchar *region;
  const gchar *client; /* its address, for the operator */
  guint rtt_ms;        /* to the listener and back */
} SyrinxSessionRequest;

/* *@capability (transfer full) is given out once and kept only as its digest.
 * (transfer none) Errors: OVERLOADED; as syrinx_content_open(). */
SyrinxListener *syrinx_sessions_create (SyrinxSessions *sessions,
    const SyrinxSessionRequest *request, gchar **capability, GError **error);

/* (element-type SyrinxListener) (transfer container) */
GPtrArray *syrinx_sessions_list (SyrinxSessions *sessions);
/* (transfer none) (nullable) */
SyrinxListener *
syrinx_sessions_lookup (SyrinxSessions *sessions, const gchar *id);
/* The session, if it is alive and @capability its own. (transfer none)
 * Errors: NOT_FOUND (also for a wrong capability), EXPIRED. */
SyrinxListener *syrinx_sessions_check (SyrinxSessions *sessions,
    const gchar *id, const gchar *capability, GError **error);
/* Whether @id was a session's that has ended. */
gboolean syrinx_sessions_has_ended (SyrinxSessions *sessions, const gchar *id);
/* Ends it: its URLs answer 410. FALSE if there is none. */
gboolean syrinx_sessions_terminate (
    SyrinxSessions *sessions, const gchar *id, const gchar *reason);

G_END_DECLS
