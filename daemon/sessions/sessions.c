/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions that exist. */
#include "sessions.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/crypto/secret.h"

#include <string.h>

#define SESSION_KEY_BYTES 16
#define MAX_ENDED         4096 /* sessions of which we remember that they were */
#define BEAT_MS           1000

struct _SyrinxSession
{
  GObject parent;
  SyrinxSessions *sessions; /* unowned: it owns us, while we are alive */
  SyrinxContent *content;
  gchar *id, *rendition, *region, *client, *track_id;
  const gchar *state;
  gchar *reason; /* of its end; (nullable) */
  guint64 bytes_sent, bytes_since_beat;
  gint64 created_at_s;
  SyrinxEncryption encryption;
  guint rtt_ms;
  gboolean has_wrapped_keys;
  GBytes *key; /* (nullable): its own, for ece */
  guint8 capability[SYRINX_SHA256_BYTES];
  SyrinxGrant *grant;
  gulong watch;
  GHashTable *renditions; /* name → SyrinxRendition */
};

struct _SyrinxSessions
{
  GObject parent;
  SyrinxContent *content;
  SyrinxJournal *journal; /* unowned: the engine frees it after us */
  guint max;
  SyrinxSessionTotals totals;
  GPtrArray *beating; /* of SyrinxSession: bytes_since_beat is not 0 */
  guint beat;         /* source that tells of them, or 0 */
  GHashTable *by_id;  /* id → SyrinxSession */
  GHashTable *ended;  /* set of ids */
  GQueue ended_order; /* the ids, unowned, oldest first */
  guint expiry;       /* source that ends what expires next, or 0 */
  gint is_revoking;   /* atomic: a look at who is revoked is on its way */
};

G_DEFINE_FINAL_TYPE (SyrinxSession, syrinx_session, G_TYPE_OBJECT)
G_DEFINE_FINAL_TYPE (SyrinxSessions, syrinx_sessions, G_TYPE_OBJECT)

enum
{
  ADDED,
  REMOVED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

enum
{
  PROP_ID = 1,
  PROP_SUBJECT,
  PROP_TRACK_ID,
  PROP_RENDITION,
  PROP_REGION,
  PROP_CLIENT,
  PROP_STATE,
  PROP_BYTES_SENT,
  PROP_CREATED_AT,
  PROP_EXPIRES_AT,
  PROP_RTT_MS,
  N_PROPERTIES
};
static GParamSpec *properties[N_PROPERTIES];

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* --- What is told of a session --- */

static void
note (SyrinxSession *session, SyrinxEventKind kind)
{
  syrinx_journal_note (session->sessions->journal,
      &(SyrinxEvent){
          .kind = kind, .session = session, .reason = session->reason });
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

/* No timer runs while nobody reads, or nothing is sent. */
static void
count_for_beat (SyrinxSession *session, gsize sent_bytes)
{
  SyrinxSessions *sessions = session->sessions;

  if (!sent_bytes
      || !syrinx_journal_is_read (
          sessions->journal, SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEAT)))
    return;
  if (!session->bytes_since_beat)
    g_ptr_array_add (sessions->beating, g_object_ref (session));
  session->bytes_since_beat += sent_bytes;
  if (!sessions->beat)
    sessions->beat = g_timeout_add (BEAT_MS, beat_all, sessions);
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
  g_hash_table_remove (sessions->by_id, session->id);
  sessions->totals.n_sessions--;
  sessions->totals.n_playing -= g_str_equal (session->state, "playing");
  sessions->totals.bytes_sent -= session->bytes_sent;
  session->state = "ended";
  session->reason = g_strdup (reason);
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_STATE]);
  g_signal_emit (sessions, signals[REMOVED], 0, session);
  beat (session);
  note (session, SYRINX_EVENT_SESSION_ENDED);
  return TRUE;
}

static gboolean
end_expired (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;
  g_autoptr (GPtrArray) list = syrinx_sessions_list (sessions);

  sessions->expiry = 0;
  for (guint i = 0; i < list->len; i++) {
    SyrinxSession *session = list->pdata[i];
    const gchar *denial = syrinx_grant_get_denial (session->grant, now_s ());
    if (denial)
      syrinx_sessions_terminate (sessions, session->id, denial);
  }
  schedule_expiry (sessions);
  return G_SOURCE_REMOVE;
}

/* One timer for the next end, so that sessions wake nobody up meanwhile. */
static void
schedule_expiry (SyrinxSessions *sessions)
{
  gint64 next_s = G_MAXINT64, delay_s;
  GHashTableIter iter;
  gpointer value;

  g_clear_handle_id (&sessions->expiry, g_source_remove);
  g_hash_table_iter_init (&iter, sessions->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SyrinxSession *session = value;
    next_s = MIN (next_s, syrinx_grant_get_expires_at_s (session->grant));
  }
  if (next_s == G_MAXINT64)
    return;
  delay_s = CLAMP (next_s - now_s () + 1, 1, 24 * 3600);
  sessions->expiry = g_timeout_add_seconds (delay_s, end_expired, sessions);
}

static gboolean
end_revoked (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;

  g_atomic_int_set (&sessions->is_revoking, FALSE);
  end_expired (sessions);
  return G_SOURCE_REMOVE;
}

/* In the thread that revokes. One look for all sessions of a subject: each goes
 * over all that there are. */
static void
grant_revoked (SyrinxGrant *grant, gpointer data)
{
  SyrinxSessions *sessions = data;

  if (g_atomic_int_compare_and_exchange (&sessions->is_revoking, FALSE, TRUE))
    g_idle_add_full (
        G_PRIORITY_HIGH, end_revoked, g_object_ref (sessions), g_object_unref);
}

/* --- Life --- */

SyrinxSession *
syrinx_sessions_create (SyrinxSessions *sessions,
    const SyrinxSessionRequest *request, gchar **capability, GError **error)
{
  g_autoptr (SyrinxSession) session = NULL;
  SyrinxSession *borrowed;

  if (g_hash_table_size (sessions->by_id) >= sessions->max) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
        "all %u sessions are taken; try again soon", sessions->max);
    return NULL;
  }
  borrowed = session = g_object_new (SYRINX_TYPE_SESSION, NULL);
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
  if (!syrinx_session_open (session, request->rendition, error))
    return NULL;
  *capability = syrinx_id_new ();
  syrinx_sha256 (*capability, strlen (*capability), session->capability);
  g_hash_table_insert (
      sessions->by_id, borrowed->id, g_steal_pointer (&session));
  borrowed->watch
      = syrinx_grant_watch (request->grant, grant_revoked, sessions);
  sessions->totals.n_sessions++;
  g_signal_emit (sessions, signals[ADDED], 0, borrowed);
  schedule_expiry (sessions);
  note (borrowed, SYRINX_EVENT_SESSION_BEGAN);
  return borrowed;
}

SyrinxSession *
syrinx_sessions_check (SyrinxSessions *sessions, const gchar *id,
    const gchar *capability, GError **error)
{
  SyrinxSession *session = g_hash_table_lookup (sessions->by_id, id);
  guint8 digest[SYRINX_SHA256_BYTES];

  syrinx_sha256 (capability, strlen (capability), digest);
  if (!session && syrinx_sessions_has_ended (sessions, id)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
        "this session has ended; POST /v1/sessions for a new one");
    return NULL;
  }
  if (!session
      || !syrinx_equal_secret (digest, session->capability, sizeof digest)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no such session");
    return NULL;
  }
  if (syrinx_grant_is_live (session->grant, now_s ()))
    return session;
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
      "this session's token no longer holds; renew the session");
  return NULL;
}

gboolean
syrinx_sessions_has_ended (SyrinxSessions *sessions, const gchar *id)
{
  return g_hash_table_contains (sessions->ended, id);
}

SyrinxRendition *
syrinx_session_open (SyrinxSession *session, const gchar *name, GError **error)
{
  SyrinxRendition *rendition = g_hash_table_lookup (session->renditions, name);

  if (rendition)
    return rendition;
  rendition = syrinx_content_open (
      session->content, session->track_id, name, 0, error);
  if (rendition)
    g_hash_table_insert (session->renditions, g_strdup (name), rendition);
  return rendition;
}

void
syrinx_session_count (SyrinxSession *session, gsize sent_bytes)
{
  if (syrinx_session_has_ended (session))
    return;
  session->bytes_sent += sent_bytes;
  session->sessions->totals.bytes_sent += sent_bytes;
  session->sessions->totals.bytes_sent_ever += sent_bytes;
  count_for_beat (session, sent_bytes);
  if (g_str_equal (session->state, "playing"))
    return;
  session->state = "playing";
  session->sessions->totals.n_playing++;
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_STATE]);
  note (session, SYRINX_EVENT_SESSION_CHANGED);
}

gboolean
syrinx_session_renew (
    SyrinxSession *session, SyrinxGrant *grant, GError **error)
{
  if (g_strcmp0 (syrinx_grant_get_subject (grant),
          syrinx_grant_get_subject (session->grant))
      != 0) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "this session is another listener's");
    return FALSE;
  }
  syrinx_grant_unwatch (session->grant, session->watch);
  syrinx_grant_unref (session->grant);
  session->grant = syrinx_grant_ref (grant);
  session->watch = syrinx_grant_watch (grant, grant_revoked, session->sessions);
  schedule_expiry (session->sessions);
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_EXPIRES_AT]);
  note (session, SYRINX_EVENT_SESSION_CHANGED);
  return TRUE;
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
syrinx_session_get_facts (SyrinxSession *session, SyrinxSessionFacts *facts)
{
  *facts = (SyrinxSessionFacts){ .id = session->id,
    .subject = syrinx_grant_get_subject (session->grant),
    .track_id = session->track_id,
    .rendition = session->rendition,
    .region = session->region,
    .client = session->client,
    .state = session->state,
    .reason = session->reason,
    .encryption = syrinx_encryption_to_string (session->encryption),
    .bytes_sent = session->bytes_sent,
    .created_at_s = session->created_at_s,
    .expires_at_s = syrinx_grant_get_expires_at_s (session->grant),
    .rtt_ms = session->rtt_ms };
}

void
syrinx_sessions_get_totals (
    SyrinxSessions *sessions, SyrinxSessionTotals *totals)
{
  *totals = sessions->totals;
}

const gchar *
syrinx_session_get_id (SyrinxSession *session)
{
  return session->id;
}

const gchar *
syrinx_session_get_track_id (SyrinxSession *session)
{
  return session->track_id;
}

const gchar *
syrinx_session_get_region (SyrinxSession *session)
{
  return session->region;
}

guint
syrinx_session_get_rtt_ms (SyrinxSession *session)
{
  return session->rtt_ms;
}

gboolean
syrinx_session_has_ended (SyrinxSession *session)
{
  return g_str_equal (session->state, "ended");
}

SyrinxEncryption
syrinx_session_get_encryption (SyrinxSession *session)
{
  return session->encryption;
}

GBytes *
syrinx_session_get_key (SyrinxSession *session)
{
  return session->key;
}

gboolean
syrinx_session_has_wrapped_keys (SyrinxSession *session)
{
  return session->has_wrapped_keys;
}

SyrinxGrant *
syrinx_session_get_grant (SyrinxSession *session)
{
  return session->grant;
}

/* --- GObject --- */

static void
session_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SyrinxSession *self = SYRINX_SESSION (object);

  switch (id) {
  case PROP_ID:
    g_value_set_string (value, self->id);
    break;
  case PROP_SUBJECT:
    g_value_set_string (value, syrinx_grant_get_subject (self->grant));
    break;
  case PROP_TRACK_ID:
    g_value_set_string (value, self->track_id);
    break;
  case PROP_RENDITION:
    g_value_set_string (value, self->rendition);
    break;
  case PROP_REGION:
    g_value_set_string (value, self->region);
    break;
  case PROP_CLIENT:
    g_value_set_string (value, self->client);
    break;
  case PROP_STATE:
    g_value_set_string (value, self->state);
    break;
  case PROP_BYTES_SENT:
    g_value_set_uint64 (value, self->bytes_sent);
    break;
  case PROP_CREATED_AT:
    g_value_set_int64 (value, self->created_at_s);
    break;
  case PROP_EXPIRES_AT:
    g_value_set_int64 (value, syrinx_grant_get_expires_at_s (self->grant));
    break;
  case PROP_RTT_MS:
    g_value_set_uint (value, self->rtt_ms);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
session_finalize (GObject *object)
{
  SyrinxSession *self = SYRINX_SESSION (object);

  if (self->watch)
    syrinx_grant_unwatch (self->grant, self->watch);
  g_hash_table_unref (self->renditions);
  g_clear_pointer (&self->grant, syrinx_grant_unref);
  g_clear_pointer (&self->key, g_bytes_unref);
  g_clear_pointer (&self->content, syrinx_content_unref);
  g_free (self->id);
  g_free (self->track_id);
  g_free (self->rendition);
  g_free (self->region);
  g_free (self->client);
  g_free (self->reason);
  G_OBJECT_CLASS (syrinx_session_parent_class)->finalize (object);
}

static void
syrinx_session_class_init (SyrinxSessionClass *klass)
{
  static const gchar *const strings[] = { [PROP_ID] = "id",
    [PROP_SUBJECT] = "subject",
    [PROP_TRACK_ID] = "track-id",
    [PROP_RENDITION] = "rendition",
    [PROP_REGION] = "region",
    [PROP_CLIENT] = "client",
    [PROP_STATE] = "state" };
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = session_get_property;
  object_class->finalize = session_finalize;
  for (guint i = PROP_ID; i <= PROP_STATE; i++)
    properties[i]
        = g_param_spec_string (strings[i], strings[i], strings[i], NULL, flags);
  properties[PROP_BYTES_SENT] = g_param_spec_uint64 (
      "bytes-sent", "Bytes sent", "Bytes sent", 0, G_MAXUINT64, 0, flags);
  properties[PROP_CREATED_AT] = g_param_spec_int64 ("created-at", "Created at",
      "Unix time in seconds", 0, G_MAXINT64, 0, flags);
  properties[PROP_EXPIRES_AT] = g_param_spec_int64 ("expires-at", "Expires at",
      "Unix time in seconds", 0, G_MAXINT64, 0, flags);
  properties[PROP_RTT_MS] = g_param_spec_uint ("rtt-ms", "Round trip",
      "Round trip to the listener in milliseconds", 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
syrinx_session_init (SyrinxSession *self)
{
  self->state = "idle";
  self->renditions = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)syrinx_rendition_unref);
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
