/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The existing sessions.
 *
 * A session begins at the desk (desk.c), which has checked right, room and
 * quota; here it gets its id, its capability and its first rendition. From then
 * on it is in by_id and in the heap of expiries, and its grant is watched. It
 * is found by its capability (players) or by a grant (its owner, or the
 * operator), and its right is checked each time. It ends once, in
 * syrinx_sessions_terminate(), for any cause: its owner, its stream, the
 * operator, its token's expiry, a revocation, a newer session of its subject,
 * the stop of the daemon. After that its object lives as long as it is
 * referenced, and its id is remembered for a while, so that its URLs answer
 * "ended".
 *
 * No function here iterates over all sessions, except to list them. */
#include "session-private.h"

#include "core/access/right.h"
#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <string.h>

#define SESSION_KEY_BYTES 16
#define MAX_ENDED         4096 /* ended sessions whose ids are kept */
#define BEAT_MS           1000

struct _SyrinxSessions
{
  GObject parent;
  SyrinxContent *content;
  SyrinxJournal *journal; /* unowned: the engine frees it after us */
  guint max;
  SyrinxSessionTotals totals;
  GPtrArray *beating; /* of SyrinxSession whose bytes_since_beat is not 0 */
  guint beat;         /* source that notes beats, or 0 */
  GHashTable *by_id;  /* id → SyrinxSession */
  GHashTable *ended;  /* set of ids */
  GQueue ended_order; /* the ids, unowned, oldest first */
  SyrinxQuota *quota;
  SyrinxHeap expiries;  /* by the expiry of their grants */
  guint expiry;         /* source of the next expiry, or 0 */
  gint64 expiry_s;      /* the time it is set for */
  GAsyncQueue *revoked; /* of SyrinxSession with revoked grants; any thread */
};

G_DEFINE_FINAL_TYPE (SyrinxSessions, syrinx_sessions, G_TYPE_OBJECT)

enum
{
  ADDED,
  REMOVED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* --- What is noted of a session --- */

static void
note (SyrinxSession *session, SyrinxEventKind kind)
{
  syrinx_journal_note (session->sessions->journal,
      &(SyrinxEvent){
          .kind = kind, .session = session, .reason = session->reason });
}

void
syrinx_session_note_seek (SyrinxSession *session, gint64 position_ms)
{
  syrinx_journal_note (session->sessions->journal,
      &(SyrinxEvent){ .kind = SYRINX_EVENT_SESSION_SEEK,
          .session = session,
          .position_ms = position_ms });
}

static void
beat (SyrinxSession *session)
{
  const SyrinxEvent event = { .kind = SYRINX_EVENT_SESSION_BEAT,
    .session = session,
    .bytes = session->bytes_since_beat };

  session->bytes_since_beat = 0;
  if (event.bytes)
    syrinx_journal_note (session->sessions->journal, &event);
}

static gboolean
beat_all (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;
  g_autoptr (GPtrArray) beating = g_steal_pointer (&sessions->beating);

  sessions->beat = 0;
  sessions->beating = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < beating->len; i++)
    beat (beating->pdata[i]);
  return G_SOURCE_REMOVE;
}

gboolean
syrinx_sessions_are_beats_read (SyrinxSessions *sessions)
{
  return syrinx_journal_is_read (
      sessions->journal, SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEAT));
}

/* The timer runs only while beats are read and something is sent. */
static void
count_for_beat (SyrinxSession *session, gsize sent_bytes)
{
  SyrinxSessions *sessions = session->sessions;

  if (!sent_bytes || !syrinx_sessions_are_beats_read (sessions))
    return;
  if (!session->bytes_since_beat)
    g_ptr_array_add (sessions->beating, g_object_ref (session));
  session->bytes_since_beat += sent_bytes;
  if (!sessions->beat)
    sessions->beat = g_timeout_add (BEAT_MS, beat_all, sessions);
}

void
syrinx_sessions_count (
    SyrinxSessions *sessions, SyrinxSession *session, gsize sent_bytes)
{
  sessions->totals.bytes_sent += sent_bytes;
  sessions->totals.bytes_sent_ever += sent_bytes;
  count_for_beat (session, sent_bytes);
  if (g_str_equal (session->state, "playing"))
    return;
  sessions->totals.n_playing++;
  session->state = "playing";
  note (session, SYRINX_EVENT_SESSION_CHANGED);
}

/* --- The end of a session --- */

static void schedule_expiry (SyrinxSessions *sessions);

static void
remember_ended (SyrinxSessions *sessions, const gchar *id)
{
  gchar *copy = g_strdup (id);

  if (g_hash_table_add (sessions->ended, copy))
    g_queue_push_tail (&sessions->ended_order, copy);
  while (g_queue_get_length (&sessions->ended_order) > MAX_ENDED)
    g_hash_table_remove (
        sessions->ended, g_queue_pop_head (&sessions->ended_order));
}

gboolean
syrinx_sessions_terminate (
    SyrinxSessions *sessions, const gchar *id, const gchar *reason)
{
  SyrinxSession *found = g_hash_table_lookup (sessions->by_id, id);
  g_autoptr (SyrinxSession) session = found ? g_object_ref (found) : NULL;

  if (!session)
    return FALSE;
  g_message ("session %s of %s has ended: %s", session->id,
      syrinx_grant_get_subject (session->grant), reason);
  remember_ended (sessions, session->id);
  syrinx_grant_unwatch (session->grant, session->watch);
  session->watch = 0;
  syrinx_heap_remove (&sessions->expiries, &session->expiry);
  g_clear_pointer (&session->seat, syrinx_seat_free);
  g_hash_table_remove (sessions->by_id, session->id);
  /* The player counts what it has sent so far. */
  syrinx_session_emit_ended (session);
  sessions->totals.n_sessions--;
  sessions->totals.n_playing -= g_str_equal (session->state, "playing");
  sessions->totals.bytes_sent -= session->bytes_sent;
  session->reason = g_strdup (reason);
  session->state = "ended";
  g_signal_emit (sessions, signals[REMOVED], 0, session);
  beat (session);
  note (session, SYRINX_EVENT_SESSION_ENDED);
  return TRUE;
}

static SyrinxSession *
get_next_to_expire (SyrinxSessions *sessions)
{
  SyrinxHeapNode *node = syrinx_heap_peek (&sessions->expiries);

  return node ? (SyrinxSession *)((guint8 *)node
                                  - G_STRUCT_OFFSET (SyrinxSession, expiry))
              : NULL;
}

static gboolean
end_expired (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;
  SyrinxSession *next;

  sessions->expiry = 0;
  while ((next = get_next_to_expire (sessions)) && next->expiry.key <= now_s ())
    syrinx_sessions_terminate (sessions, next->id, "expired");
  schedule_expiry (sessions);
  return G_SOURCE_REMOVE;
}

/* One timer for the next expiry only. */
static void
schedule_expiry (SyrinxSessions *sessions)
{
  SyrinxSession *next = get_next_to_expire (sessions);
  gint64 delay_s;

  if (sessions->expiry && next && next->expiry.key >= sessions->expiry_s)
    return; /* the timer that is set looks again */
  g_clear_handle_id (&sessions->expiry, g_source_remove);
  if (!next || next->expiry.key == G_MAXINT64)
    return;
  sessions->expiry_s = next->expiry.key;
  delay_s = CLAMP (next->expiry.key - now_s () + 1, 1, 24 * 3600);
  sessions->expiry = g_timeout_add_seconds (delay_s, end_expired, sessions);
}

static gboolean
end_revoked (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;
  gpointer next;

  while ((next = g_async_queue_try_pop (sessions->revoked))) {
    g_autoptr (SyrinxSession) session = next;
    const gchar *denial = syrinx_grant_get_denial (session->grant, now_s ());
    if (denial) /* it has not been renewed meanwhile */
      syrinx_sessions_terminate (sessions, session->id, denial);
  }
  return G_SOURCE_REMOVE;
}

/* Called in the thread that revokes. The session is valid: removing the watch
 * waits for this call to return. */
static void
grant_revoked (SyrinxGrant *grant, gpointer data)
{
  SyrinxSession *session = data;
  SyrinxSessions *sessions = session->sessions;

  g_async_queue_push (sessions->revoked, g_object_ref (session));
  g_idle_add_full (
      G_PRIORITY_HIGH, end_revoked, g_object_ref (sessions), g_object_unref);
}

static void
watch_grant (SyrinxSessions *sessions, SyrinxSession *session)
{
  syrinx_heap_remove (&sessions->expiries, &session->expiry);
  syrinx_heap_insert (&sessions->expiries, &session->expiry,
      syrinx_grant_get_expires_at_s (session->grant));
  session->watch = syrinx_grant_watch (session->grant, grant_revoked, session);
  schedule_expiry (sessions);
}

/* --- Life --- */

static SyrinxSession *
session_new (SyrinxSessions *sessions, const SyrinxSessionRequest *request)
{
  SyrinxSession *session = g_object_new (SYRINX_TYPE_SESSION, NULL);

  session->content = syrinx_content_ref (sessions->content);
  session->sessions = sessions;
  session->id = syrinx_id_new ();
  session->track_id = g_strdup (request->track_id);
  session->rendition = g_strdup (request->rendition);
  session->region = g_strdup (request->region);
  session->client = g_strdup (request->client);
  session->rtt_ms = request->rtt_ms;
  session->encryption = request->encryption;
  session->has_wrapped_keys = request->has_wrapped_keys;
  if (request->encryption == SYRINX_ENCRYPTION_ECE)
    session->key = syrinx_secret_new_random (SESSION_KEY_BYTES);
  session->created_at_s = now_s ();
  session->grant = syrinx_grant_ref (request->grant);
  return session;
}

SyrinxSession *
syrinx_sessions_create (SyrinxSessions *sessions,
    const SyrinxSessionRequest *request, gchar **capability, GError **error)
{
  g_autoptr (SyrinxSession) session = NULL;
  g_autoptr (SyrinxSeat) seat = request->seat;
  SyrinxSession *borrowed;

  if (g_hash_table_size (sessions->by_id) >= sessions->max) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
        "all %u sessions are taken; try again soon", sessions->max);
    return NULL;
  }
  borrowed = session = session_new (sessions, request);
  if (!syrinx_session_open (session, request->rendition, error))
    return NULL;
  *capability = syrinx_id_new ();
  syrinx_sha256 (*capability, strlen (*capability), session->capability);
  g_hash_table_insert (
      sessions->by_id, borrowed->id, g_steal_pointer (&session));
  borrowed->seat = g_steal_pointer (&seat);
  syrinx_seat_occupy (borrowed->seat, borrowed, g_get_monotonic_time ());
  sessions->totals.n_sessions++;
  watch_grant (sessions, borrowed);
  g_signal_emit (sessions, signals[ADDED], 0, borrowed);
  note (borrowed, SYRINX_EVENT_SESSION_BEGAN);
  return borrowed;
}

/* --- Finding it --- */

/* Sets NOT_FOUND or, for an ended session, EXPIRED. */
static void
set_missing (SyrinxSessions *sessions, const gchar *id, GError **error)
{
  if (syrinx_sessions_has_ended (sessions, id))
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
        "this session has ended; POST /v1/sessions for a new one");
  else
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no such session");
}

static gboolean
check_right (SyrinxSession *session, SyrinxGrant *grant,
    SyrinxOperation operation, GError **error)
{
  const SyrinxTarget target = { .track_id = session->track_id,
    .subject = syrinx_grant_get_subject (session->grant) };

  return syrinx_right_check (grant, operation, &target, error);
}

SyrinxSession *
syrinx_sessions_find (SyrinxSessions *sessions, const gchar *id,
    SyrinxGrant *grant, SyrinxOperation operation, GError **error)
{
  SyrinxSession *session = g_hash_table_lookup (sessions->by_id, id);

  if (!session)
    set_missing (sessions, id, error);
  return session && check_right (session, grant, operation, error) ? session
                                                                   : NULL;
}

gboolean
syrinx_session_check_hearing (SyrinxSession *session, GError **error)
{
  if (syrinx_session_has_ended (session)) {
    set_missing (session->sessions, session->id, error);
    return FALSE;
  }
  if (!syrinx_grant_is_live (session->grant, now_s ())) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
        "this session's token no longer holds; renew the session");
    return FALSE;
  }
  if (!check_right (
          session, session->grant, SYRINX_OPERATION_HEAR_SESSION, error))
    return FALSE;
  if (session->seat)
    syrinx_seat_touch (session->seat, g_get_monotonic_time ());
  return TRUE;
}

SyrinxSession *
syrinx_sessions_check (SyrinxSessions *sessions, const gchar *id,
    const gchar *capability, GError **error)
{
  SyrinxSession *session = g_hash_table_lookup (sessions->by_id, id);
  guint8 digest[SYRINX_SHA256_BYTES];

  syrinx_sha256 (capability, strlen (capability), digest);
  if (!session
      || !syrinx_equal_secret (digest, session->capability, sizeof digest)) {
    if (session)
      g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
          "there is no such session");
    else
      set_missing (sessions, id, error);
    return NULL;
  }
  return syrinx_session_check_hearing (session, error) ? session : NULL;
}

gboolean
syrinx_sessions_has_ended (SyrinxSessions *sessions, const gchar *id)
{
  return g_hash_table_contains (sessions->ended, id);
}

gboolean
syrinx_session_renew (
    SyrinxSession *session, SyrinxGrant *grant, GError **error)
{
  if (!check_right (session, grant, SYRINX_OPERATION_RENEW_SESSION, error))
    return FALSE;
  syrinx_grant_unwatch (session->grant, session->watch);
  syrinx_session_set_grant (session, grant);
  watch_grant (session->sessions, session);
  note (session, SYRINX_EVENT_SESSION_CHANGED);
  return TRUE;
}

SyrinxQuota *
syrinx_sessions_get_quota (SyrinxSessions *sessions)
{
  return sessions->quota;
}

GPtrArray *
syrinx_sessions_list (SyrinxSessions *sessions)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, sessions->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, g_object_ref (value));
  return list;
}

SyrinxSession *
syrinx_sessions_lookup (SyrinxSessions *sessions, const gchar *id)
{
  return g_hash_table_lookup (sessions->by_id, id);
}

void
syrinx_sessions_get_totals (
    SyrinxSessions *sessions, SyrinxSessionTotals *totals)
{
  *totals = sessions->totals;
}

static void
sessions_finalize (GObject *object)
{
  SyrinxSessions *self = SYRINX_SESSIONS (object);

  g_clear_handle_id (&self->expiry, g_source_remove);
  g_clear_handle_id (&self->beat, g_source_remove);
  g_ptr_array_unref (self->beating);
  g_hash_table_unref (self->by_id);
  g_queue_clear (&self->ended_order);
  g_hash_table_unref (self->ended);
  syrinx_heap_clear (&self->expiries);
  g_async_queue_unref (self->revoked);
  syrinx_quota_free (self->quota);
  g_clear_pointer (&self->content, syrinx_content_unref);
  G_OBJECT_CLASS (syrinx_sessions_parent_class)->finalize (object);
}

static void
syrinx_sessions_class_init (SyrinxSessionsClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sessions_finalize;
  signals[ADDED] = g_signal_new ("added", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 1, SYRINX_TYPE_SESSION);
  signals[REMOVED] = g_signal_new ("removed", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 1, SYRINX_TYPE_SESSION);
}

static void
syrinx_sessions_init (SyrinxSessions *self)
{
  self->by_id
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->quota = syrinx_quota_new ();
  self->revoked = g_async_queue_new_full (g_object_unref);
  syrinx_heap_init (&self->expiries);
  self->beating = g_ptr_array_new_with_free_func (g_object_unref);
}

void
syrinx_sessions_set_max (SyrinxSessions *sessions, guint max)
{
  sessions->max = max;
}

SyrinxSessions *
syrinx_sessions_new (SyrinxContent *content, SyrinxJournal *journal, guint max)
{
  SyrinxSessions *sessions = g_object_new (SYRINX_TYPE_SESSIONS, NULL);

  sessions->content = syrinx_content_ref (content);
  sessions->journal = journal;
  sessions->max = max;
  return sessions;
}
