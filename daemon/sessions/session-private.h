/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a session, for session.c (what it is) and sessions.c (how it
 * begins, is found, and ends). */
#pragma once

#include "sessions.h"

#include "core/base/heap.h"
#include "core/base/identifier.h"

G_BEGIN_DECLS

struct _SyrinxSession
{
  GObject parent;

  /* constant after creation */
  SyrinxSessions *sessions; /* unowned; valid while the session has not ended */
  SyrinxContent *content;
  gchar *id, *rendition, *region, *client, *track_id;
  gint64 created_at_s;
  SyrinxEncryption encryption;
  guint rtt_ms;
  gboolean has_wrapped_keys;
  GBytes *key; /* (nullable): its own, for ece */
  guint8 capability[SYRINX_SHA256_BYTES];

  /* main thread only */
  const gchar *state;
  gchar *reason; /* of its end; (nullable) */
  guint64 bytes_sent, bytes_since_beat;
  SyrinxGrant *grant;
  gulong watch;           /* of the grant's revocation */
  SyrinxHeapNode expiry;  /* in the heap of all, until it ends */
  SyrinxSeat *seat;       /* (nullable): NULL once it has ended */
  GHashTable *renditions; /* name → SyrinxRendition */
};

/* Emits "ended". */
void syrinx_session_emit_ended (SyrinxSession *session);
/* Replaces the session's grant by @grant and notifies "expires-at"; the caller
 * watches @grant. */
void syrinx_session_set_grant (SyrinxSession *session, SyrinxGrant *grant);

/* Adds to the totals and to the next beat. (sessions.c) */
void syrinx_sessions_count (
    SyrinxSessions *sessions, SyrinxSession *session, gsize sent_bytes);

G_END_DECLS
