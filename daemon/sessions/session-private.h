/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session is made of, for the two files that keep it: session.c (what it
 * is) and sessions.c (how it begins, is found, and ends). */
#pragma once

#include "sessions.h"

#include "core/base/heap.h"
#include "core/base/identifier.h"

G_BEGIN_DECLS

struct _SyrinxSession
{
  GObject parent;

  /* constant after its beginning */
  SyrinxSessions *sessions; /* unowned: it owns us, while we are alive */
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
  SyrinxHeapNode expiry;  /* among all, while it is alive */
  SyrinxSeat *seat;       /* (nullable): it has ended */
  GHashTable *renditions; /* name → SyrinxRendition */
};

/* Tells who connected to its end. */
void syrinx_session_emit_ended (SyrinxSession *session);
/* Puts @grant in the place of the session's own, and notifies who follows
 * "expires-at"; watching it is the caller's business. */
void syrinx_session_set_grant (SyrinxSession *session, SyrinxGrant *grant);

/* Counts for the totals of all, and for the next beat. (sessions.c) */
void syrinx_sessions_count (
    SyrinxSessions *sessions, SyrinxSession *session, gsize sent_bytes);

G_END_DECLS
