/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: one typed event for everything that happens to sessions, keys,
 * tokens, the library and this server. The code that does something notes it
 * here once; the audit log, server-sent events, D-Bus and metrics are readers
 * of the journal, and are not called from anywhere else.
 *
 * Life: the engine makes the journal before everything that notes in it and
 * frees it after. Readers register with the kinds that they want. They are
 * called on the thread that made the journal (the main thread), in the order in
 * which events were noted:
 *
 * - An event noted by the main thread has been read when syrinx_journal_note()
 *   returns. Nothing is copied.
 * - An event noted by a reader while it reads is kept until all readers have
 *   had the first event.
 * - An event noted by another thread is copied into a queue of at most
 *   SYRINX_JOURNAL_MAX_CARRIED, which the main loop empties, and which the main
 *   thread empties before it notes an event of its own. When the queue is full
 *   because the main loop is held up, the new event is dropped and counted, and
 *   the log says how many were.
 *
 * A kind that nobody reads costs one atomic read. A reader must not block, and
 * must itself bound what it keeps for slow clients. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxJournal SyrinxJournal;
typedef struct _SyrinxSession SyrinxSession;

#define SYRINX_JOURNAL_MAX_CARRIED 4096

/* What has happened, and which members of the event are set besides kind and
 * time. No member ever holds a secret: no key, capability, token or code. */
typedef enum
{
  /* session, as it is now. BEGAN: once. CHANGED: its state or its expiry.
   * ENDED: once, with reason; its state is "ended". */
  SYRINX_EVENT_SESSION_BEGAN,
  SYRINX_EVENT_SESSION_CHANGED,
  SYRINX_EVENT_SESSION_ENDED,
  /* session, bytes: sent to it since its last beat. At most once a second for
   * each session, and only while this kind is read. A session's beats add up to
   * its bytes. */
  SYRINX_EVENT_SESSION_BEAT,
  /* session, position_ms: where playing continues. */
  SYRINX_EVENT_SESSION_SEEK,
  /* reason (a short name such as "no-scope", from a small set); client, region,
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

  /* scan. PROGRESS: one more file was read, or a scan begins. DONE: the scan
   * has ended. */
  SYRINX_EVENT_SCAN_PROGRESS,
  SYRINX_EVENT_SCAN_DONE,
  /* Tracks were added, changed or removed. */
  SYRINX_EVENT_LIBRARY_CHANGED,

  /* state ("reloaded", "draining"). */
  SYRINX_EVENT_SERVER,
  SYRINX_N_EVENTS
} SyrinxEventKind;

/* Bits of a mask of kinds. */
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

/* "session-began", "token-issued" and so on. These names are stable. */
const gchar *syrinx_event_kind_to_string (SyrinxEventKind kind);

typedef struct
{
  gboolean is_scanning;
  guint n_done, n_total, n_failed; /* files */
} SyrinxEventScan;

/* Members that do not apply are NULL or 0. Pointers are valid during the
 * call. */
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

/* Called on the thread that made the journal. */
typedef void (*SyrinxJournalFunc) (
    const SyrinxEvent *event, gpointer user_data);

/* Readers are called on the calling thread, from its main context. (transfer
 * full) */
SyrinxJournal *syrinx_journal_new (void);
/* Unread events are dropped. No other thread may note any more. */
void syrinx_journal_free (SyrinxJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxJournal, syrinx_journal_free)

/* @kinds: a mask of SYRINX_EVENT_BIT(). Returns an id for removal, never 0.
 * Both functions run on the journal's thread, and may be called by a reader
 * while it reads. */
guint syrinx_journal_add_reader (SyrinxJournal *journal, guint kinds,
    SyrinxJournalFunc func, gpointer user_data);
void syrinx_journal_remove_reader (SyrinxJournal *journal, guint id);

/* Whether any of @kinds has a reader; ask before computing an event that is
 * expensive. Any thread. */
gboolean syrinx_journal_is_read (SyrinxJournal *journal, guint kinds);

/* Any thread. */
void syrinx_journal_note (SyrinxJournal *journal, const SyrinxEvent *event);

/* How many events of other threads were dropped since the start. Any thread. */
guint64 syrinx_journal_get_n_lost (SyrinxJournal *journal);

G_END_DECLS
