/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: one typed event for all that happens to sessions, keys, tokens,
 * the library and this server. Who does something notes it here once; the audit
 * log, server-sent events, D-Bus, metrics, and whoever else wants to know are
 * readers, and are not called from anywhere else.
 *
 * Life: the engine makes the journal before everything that notes in it and
 * frees it after. Readers register with the kinds that they want. They are
 * called on the thread that made the journal (the main thread), in the order in
 * which events were noted:
 *
 * - An event that the main thread notes has been read when
 *   syrinx_journal_note() returns. Nothing is copied.
 * - One that a reader notes while it reads is kept until all have read the
 *   first.
 * - One that another thread notes is copied into a queue of at most
 *   SYRINX_JOURNAL_MAX_CARRIED, which the main loop empties, and which the main
 *   thread empties before it notes an event of its own. When the queue is full
 *   because the main loop is held up, the new event is dropped and counted, and
 *   the log tells how many were.
 *
 * A kind that nobody reads costs one atomic read. A reader must not block, and
 * what it keeps for clients that are slow it must bound itself. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxJournal SyrinxJournal;
typedef struct _SyrinxSession SyrinxSession;

#define SYRINX_JOURNAL_MAX_CARRIED 4096

/* What has happened, and which members of the event tell of it besides kind and
 * time. No member ever holds a secret: no key, capability, token or code. */
typedef enum
{
  /* session, as it is now. BEGAN: once. CHANGED: its state or its expiry.
   * ENDED: once, with reason; its state is "ended". */
  SYRINX_EVENT_SESSION_BEGAN,
  SYRINX_EVENT_SESSION_CHANGED,
  SYRINX_EVENT_SESSION_ENDED,
  /* session, bytes: sent to it since its last beat. At most once a second and
   * session, and only while this kind is read. A session's beats add up to its
   * bytes. */
  SYRINX_EVENT_SESSION_BEAT,
  /* session, position_ms: where it goes on. */
  SYRINX_EVENT_SESSION_SEEK,
  /* reason (a short name such as "no-scope", of a small set); client, region,
   * subject, track, rendition as far as they are known; through: the face. */
  SYRINX_EVENT_REFUSED,
  /* reason (a sentence); session or track as far as they are known. */
  SYRINX_EVENT_ERROR,

  /* session, client, rendition, epoch, key, form. */
  SYRINX_EVENT_KEY_GIVEN,
  /* key, track, rendition, n_keys, through. */
  SYRINX_EVENT_KEY_ROTATED,

  /* jti, subject, scope, expires_at_s, through. */
  SYRINX_EVENT_TOKEN_ISSUED,
  /* jti or subject, through. */
  SYRINX_EVENT_TOKEN_REVOKED,

  /* scan. PROGRESS: a file more, or a scan begins. DONE: it has ended. */
  SYRINX_EVENT_SCAN_PROGRESS,
  SYRINX_EVENT_SCAN_DONE,
  /* Tracks were added, changed or removed. */
  SYRINX_EVENT_LIBRARY_CHANGED,

  /* state ("reloaded", "draining"). */
  SYRINX_EVENT_SERVER,
  SYRINX_N_EVENTS
} SyrinxEventKind;

/* For masks of kinds. */
#define SYRINX_EVENT_BIT(kind) (1u << (kind))
#define SYRINX_EVENTS_ALL      (SYRINX_EVENT_BIT (SYRINX_N_EVENTS) - 1)
#define SYRINX_EVENTS_OF_SESSIONS                                              \
  (SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEGAN)                               \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_CHANGED)                        \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_ENDED))
#define SYRINX_EVENTS_OF_LIBRARY                                               \
  (SYRINX_EVENT_BIT (SYRINX_EVENT_SCAN_PROGRESS)                               \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SCAN_DONE)                              \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_LIBRARY_CHANGED))

/* "session-began", "token-issued" and so on: names that stay. */
const gchar *syrinx_event_kind_to_string (SyrinxEventKind kind);

typedef struct
{
  gboolean is_scanning;
  guint n_done, n_total, n_failed; /* files */
} SyrinxEventScan;

/* What is not told is NULL or 0. Pointers are valid during the call. */
typedef struct
{
  SyrinxEventKind kind;
  gint64
      at_us; /* real time in microseconds; 0: syrinx_journal_note() sets it */

  SyrinxSession *session;
  const gchar *subject, *client, *region;
  const gchar *track, *rendition;
  const gchar *state, *reason;
  const gchar *through; /* http, rtsp, bus, files */
  guint64 bytes;
  gint64 position_ms;

  guint epoch;
  const gchar *key;  /* content, session, srtp, master */
  const gchar *form; /* raw, jwe, sdes, mikey, any */
  guint64 n_keys;
  const gchar *jti, *scope;
  gint64 expires_at_s; /* Unix time */

  SyrinxEventScan scan;
} SyrinxEvent;

/* On the thread that made the journal. */
typedef void (*SyrinxJournalFunc) (
    const SyrinxEvent *event, gpointer user_data);

/* The caller's thread and main context are where readers are called.
 * (transfer full) */
SyrinxJournal *syrinx_journal_new (void);
/* Events that still wait are dropped. No other thread may note any more. */
void syrinx_journal_free (SyrinxJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxJournal, syrinx_journal_free)

/* @kinds: of SYRINX_EVENT_BIT(). Returns: what removes it, never 0. Both on the
 * journal's thread, also by a reader while it reads. */
guint syrinx_journal_add_reader (SyrinxJournal *journal, guint kinds,
    SyrinxJournalFunc func, gpointer user_data);
void syrinx_journal_remove_reader (SyrinxJournal *journal, guint id);

/* Whether anybody reads one of @kinds, so that what is dear to find out need
 * not be. Any thread. */
gboolean syrinx_journal_is_read (SyrinxJournal *journal, guint kinds);

/* Any thread. */
void syrinx_journal_note (SyrinxJournal *journal, const SyrinxEvent *event);

/* Events of other threads that were dropped since the start. Any thread. */
guint64 syrinx_journal_get_n_lost (SyrinxJournal *journal);

G_END_DECLS
