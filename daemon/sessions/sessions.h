/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The existing sessions: each has one listener, one track, one grant, one
 * capability. Main thread only. */
#pragma once

#include "encryption.h"
#include "quota.h"

#include "daemon/journal.h"

#include "core/content/content.h"
#include "core/access/right.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Signal: "ended", once.
 *
 * Property: "expires-at" (gint64, Unix time in seconds), with notify when it is
 * renewed. */
#define SYRINX_TYPE_SESSION (syrinx_session_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxSession, syrinx_session, SYRINX, SESSION, GObject)

/* Everything that is reported of a session, as of now: nothing secret. The
 * strings belong to the session. session-json.h serialises it. */
typedef struct
{
  const gchar *id, *subject, *track_id, *rendition, *region;
  const gchar *client;               /* its address; (nullable) */
  const gchar *state;                /* idle, playing, ended */
  const gchar *reason;               /* of its end; (nullable) */
  const gchar *encryption;           /* none, hls-aes128, ece */
  guint64 bytes_sent;                /* media */
  gint64 created_at_s, expires_at_s; /* Unix time */
  guint rtt_ms;                      /* round trip to the listener */
} SyrinxSessionFacts;

void
syrinx_session_get_facts (SyrinxSession *session, SyrinxSessionFacts *facts);

const gchar *syrinx_session_get_id (SyrinxSession *session);
const gchar *syrinx_session_get_track_id (SyrinxSession *session);
const gchar *syrinx_session_get_region (SyrinxSession *session);
guint syrinx_session_get_rtt_ms (SyrinxSession *session);
/* Whether it has ended, for any cause. */
gboolean syrinx_session_has_ended (SyrinxSession *session);
SyrinxEncryption syrinx_session_get_encryption (SyrinxSession *session);
SyrinxGrant *syrinx_session_get_grant (SyrinxSession *session);
/* The session's own key, 16 bytes, if it has one (ece). (transfer none) */
GBytes *syrinx_session_get_key (SyrinxSession *session);
/* Whether its keys are given out only wrapped for its public key. */
gboolean syrinx_session_has_wrapped_keys (SyrinxSession *session);

/* The rendition, opened once; the epoch stays the same for the life of the
 * session. (transfer none) Errors: as syrinx_content_open(). */
SyrinxRendition *syrinx_session_open (
    SyrinxSession *session, const gchar *rendition, GError **error);

/* Notes in the journal that playing continues at @position_ms. */
void syrinx_session_note_seek (SyrinxSession *session, gint64 position_ms);

/* Counts @sent_bytes; the state becomes playing. */
void syrinx_session_count (SyrinxSession *session, gsize sent_bytes);

/* A stream begins to run on it, or ends: between the two it is not idle
 * (quota.h). */
void syrinx_session_begin_use (SyrinxSession *session);
void syrinx_session_end_use (SyrinxSession *session);
/* (transfer none) (nullable): NULL if it has ended */
SyrinxSeat *syrinx_session_get_seat (SyrinxSession *session);

/* Whether the session's grant allows playing now; to be called before any media
 * are sent. It counts as use. Errors: EXPIRED (the session has ended, or its
 * token has expired), DENIED. */
gboolean syrinx_session_check_hearing (SyrinxSession *session, GError **error);

/* Replaces the grant by one that expires later; the URLs stay. Errors: as
 * syrinx_right_check() for SYRINX_OPERATION_RENEW_SESSION. */
gboolean syrinx_session_renew (
    SyrinxSession *session, SyrinxGrant *grant, GError **error);

/* Signals: "added" (SyrinxSession), "removed" (SyrinxSession). */
#define SYRINX_TYPE_SESSIONS (syrinx_sessions_get_type ())
G_DECLARE_FINAL_TYPE (
    SyrinxSessions, syrinx_sessions, SYRINX, SESSIONS, GObject)

/* Notes in @journal the begin, changes, beats and end of each session. @journal
 * must outlive it. (transfer full) */
SyrinxSessions *
syrinx_sessions_new (SyrinxContent *content, SyrinxJournal *journal, guint max);
/* Existing sessions beyond @max go on. */
void syrinx_sessions_set_max (SyrinxSessions *sessions, guint max);

/* The properties of a new session. */
typedef struct
{
  SyrinxGrant *grant;
  const gchar *track_id, *rendition;
  SyrinxEncryption encryption;
  gboolean has_wrapped_keys; /* the listener gave a public key */
  const gchar *region;
  const gchar *client; /* its address, for the operator */
  guint rtt_ms;        /* round trip to the listener */
  SyrinxSeat *seat;    /* (transfer full), also on an error */
} SyrinxSessionRequest;

/* Creates a session. *@capability (transfer full) is given out only here; the
 * session keeps its digest. (transfer none) Errors: OVERLOADED; as
 * syrinx_content_open(). */
SyrinxSession *syrinx_sessions_create (SyrinxSessions *sessions,
    const SyrinxSessionRequest *request, gchar **capability, GError **error);

typedef struct
{
  guint n_sessions, n_playing;
  guint64 bytes_sent;      /* of existing sessions */
  guint64 bytes_sent_ever; /* since the start */
} SyrinxSessionTotals;

/* Whether the journal's beats are read, so that sent bytes should be counted
 * now and not only at the end. */
gboolean syrinx_sessions_are_beats_read (SyrinxSessions *sessions);
/* Totals that are kept up to date: constant time. */
void syrinx_sessions_get_totals (
    SyrinxSessions *sessions, SyrinxSessionTotals *totals);
/* The count of sessions by subject and address. (transfer none) */
SyrinxQuota *syrinx_sessions_get_quota (SyrinxSessions *sessions);
/* (element-type SyrinxSession) (transfer container) */
GPtrArray *syrinx_sessions_list (SyrinxSessions *sessions);
/* (transfer none) (nullable) */
SyrinxSession *
syrinx_sessions_lookup (SyrinxSessions *sessions, const gchar *id);
/* The session @id, if @grant allows @operation on it. (transfer none) Errors:
 * NOT_FOUND, EXPIRED (it has ended), or as syrinx_right_check(). */
SyrinxSession *syrinx_sessions_find (SyrinxSessions *sessions, const gchar *id,
    SyrinxGrant *grant, SyrinxOperation operation, GError **error);
/* The session @id, if @capability is its own and it may be played now.
 * (transfer none) Errors: NOT_FOUND (also for a wrong capability), or as
 * syrinx_session_check_hearing(). */
SyrinxSession *syrinx_sessions_check (SyrinxSessions *sessions, const gchar *id,
    const gchar *capability, GError **error);
/* Whether a session with this @id has ended. */
gboolean syrinx_sessions_has_ended (SyrinxSessions *sessions, const gchar *id);
/* Ends the session @id: its URLs answer 410. FALSE if there is none. */
gboolean syrinx_sessions_terminate (
    SyrinxSessions *sessions, const gchar *id, const gchar *reason);

G_END_DECLS
