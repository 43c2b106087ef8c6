/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions that exist. */
#include "sessions.h"

#include "core/error.h"
#include "core/identifier.h"
#include "core/secret.h"

#include <string.h>

#define SESSION_KEY_BYTES 16
#define MAX_ENDED         4096 /* sessions of which we remember that they were */

struct _SyrinxListener
{
  GObject parent;
  SyrinxSessions *sessions; /* unowned: it owns us, while we are alive */
  SyrinxContent *content;
  gchar *id, *rendition, *region, *client, *track_id;
  const gchar *state;
  guint64 bytes_sent;
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
  guint max;
  GHashTable *listeners; /* id → SyrinxListener */
  GHashTable *ended;     /* set of ids */
  GQueue ended_order;    /* the ids, unowned, oldest first */
  guint expiry;          /* source that ends what expires next, or 0 */
  gint is_revoking;      /* atomic: a look at who is revoked is on its way */
};

G_DEFINE_FINAL_TYPE (SyrinxListener, syrinx_listener, G_TYPE_OBJECT)
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
  SyrinxListener *found = g_hash_table_lookup (sessions->listeners, id);
  g_autoptr (SyrinxListener) listener = found ? g_object_ref (found) : NULL;

  if (!listener)
    return FALSE;
  g_message ("session %s of %s has ended: %s", listener->id,
      syrinx_grant_get_subject (listener->grant), reason);
  remember_ended (sessions, listener->id);
  syrinx_grant_unwatch (listener->grant, listener->watch);
  listener->watch = 0;
  g_hash_table_remove (sessions->listeners, listener->id);
  listener->state = "ended";
  g_object_notify_by_pspec (G_OBJECT (listener), properties[PROP_STATE]);
  g_signal_emit (sessions, signals[REMOVED], 0, listener);
  return TRUE;
}

static gboolean
end_expired (gpointer user_data)
{
  SyrinxSessions *sessions = user_data;
  g_autoptr (GPtrArray) listeners = syrinx_sessions_list (sessions);

  sessions->expiry = 0;
  for (guint i = 0; i < listeners->len; i++) {
    SyrinxListener *listener = listeners->pdata[i];
    const gchar *denial = syrinx_grant_get_denial (listener->grant, now_s ());
    if (denial)
      syrinx_sessions_terminate (sessions, listener->id, denial);
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
  g_hash_table_iter_init (&iter, sessions->listeners);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SyrinxListener *listener = value;
    next_s = MIN (next_s, syrinx_grant_get_expires_at_s (listener->grant));
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

SyrinxListener *
syrinx_sessions_create (SyrinxSessions *sessions,
    const SyrinxSessionRequest *request, gchar **capability, GError **error)
{
  g_autoptr (SyrinxListener) listener = NULL;
  SyrinxListener *borrowed;

  if (g_hash_table_size (sessions->listeners) >= sessions->max) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_OVERLOADED,
        "all %u sessions are taken; try again soon", sessions->max);
    return NULL;
  }
  borrowed = listener = g_object_new (SYRINX_TYPE_LISTENER, NULL);
  listener->content = syrinx_content_ref (sessions->content);
  listener->sessions = sessions;
  listener->id = syrinx_id_new ();
  listener->track_id = g_strdup (request->track_id);
  listener->rendition = g_strdup (request->rendition);
  listener->region = g_strdup (request->region);
  listener->client = g_strdup (request->client);
  listener->rtt_ms = request->rtt_ms;
  listener->encryption = request->encryption;
  listener->has_wrapped_keys = request->has_wrapped_keys;
  if (request->encryption == SYRINX_ENCRYPTION_ECE)
    listener->key = syrinx_secret_new_random (SESSION_KEY_BYTES);
  listener->created_at_s = now_s ();
  listener->grant = syrinx_grant_ref (request->grant);
  if (!syrinx_listener_open (listener, request->rendition, error))
    return NULL;
  *capability = syrinx_id_new ();
  syrinx_sha256 (*capability, strlen (*capability), listener->capability);
  g_hash_table_insert (
      sessions->listeners, borrowed->id, g_steal_pointer (&listener));
  borrowed->watch
      = syrinx_grant_watch (request->grant, grant_revoked, sessions);
  g_signal_emit (sessions, signals[ADDED], 0, borrowed);
  schedule_expiry (sessions);
  return borrowed;
}

SyrinxListener *
syrinx_sessions_check (SyrinxSessions *sessions, const gchar *id,
    const gchar *capability, GError **error)
{
  SyrinxListener *listener = g_hash_table_lookup (sessions->listeners, id);
  guint8 digest[SYRINX_SHA256_BYTES];

  syrinx_sha256 (capability, strlen (capability), digest);
  if (!listener && syrinx_sessions_has_ended (sessions, id)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
        "this session has ended; POST /v1/sessions for a new one");
    return NULL;
  }
  if (!listener
      || !syrinx_equal_secret (digest, listener->capability, sizeof digest)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no such session");
    return NULL;
  }
  if (syrinx_grant_is_live (listener->grant, now_s ()))
    return listener;
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
syrinx_listener_open (
    SyrinxListener *listener, const gchar *name, GError **error)
{
  SyrinxRendition *rendition = g_hash_table_lookup (listener->renditions, name);

  if (rendition)
    return rendition;
  rendition = syrinx_content_open (
      listener->content, listener->track_id, name, 0, error);
  if (rendition)
    g_hash_table_insert (listener->renditions, g_strdup (name), rendition);
  return rendition;
}

void
syrinx_listener_count (SyrinxListener *listener, gsize sent_bytes)
{
  listener->bytes_sent += sent_bytes;
  g_object_notify_by_pspec (G_OBJECT (listener), properties[PROP_BYTES_SENT]);
  if (g_str_equal (listener->state, "playing"))
    return;
  listener->state = "playing";
  g_object_notify_by_pspec (G_OBJECT (listener), properties[PROP_STATE]);
}

gboolean
syrinx_listener_renew (
    SyrinxListener *listener, SyrinxGrant *grant, GError **error)
{
  if (g_strcmp0 (syrinx_grant_get_subject (grant),
          syrinx_grant_get_subject (listener->grant))
      != 0) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "this session is another listener's");
    return FALSE;
  }
  syrinx_grant_unwatch (listener->grant, listener->watch);
  syrinx_grant_unref (listener->grant);
  listener->grant = syrinx_grant_ref (grant);
  listener->watch
      = syrinx_grant_watch (grant, grant_revoked, listener->sessions);
  schedule_expiry (listener->sessions);
  g_object_notify_by_pspec (G_OBJECT (listener), properties[PROP_EXPIRES_AT]);
  return TRUE;
}

GPtrArray *
syrinx_sessions_list (SyrinxSessions *sessions)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, sessions->listeners);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, g_object_ref (value));
  return list;
}

SyrinxListener *
syrinx_sessions_lookup (SyrinxSessions *sessions, const gchar *id)
{
  return g_hash_table_lookup (sessions->listeners, id);
}

const gchar *
syrinx_listener_get_id (SyrinxListener *listener)
{
  return listener->id;
}

const gchar *
syrinx_listener_get_track_id (SyrinxListener *listener)
{
  return listener->track_id;
}

const gchar *
syrinx_listener_get_region (SyrinxListener *listener)
{
  return listener->region;
}

guint
syrinx_listener_get_rtt_ms (SyrinxListener *listener)
{
  return listener->rtt_ms;
}

gboolean
syrinx_listener_has_ended (SyrinxListener *listener)
{
  return g_str_equal (listener->state, "ended");
}

SyrinxEncryption
syrinx_listener_get_encryption (SyrinxListener *listener)
{
  return listener->encryption;
}

GBytes *
syrinx_listener_get_key (SyrinxListener *listener)
{
  return listener->key;
}

gboolean
syrinx_listener_has_wrapped_keys (SyrinxListener *listener)
{
  return listener->has_wrapped_keys;
}

SyrinxGrant *
syrinx_listener_get_grant (SyrinxListener *listener)
{
  return listener->grant;
}

/* --- GObject --- */

static void
listener_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SyrinxListener *self = SYRINX_LISTENER (object);

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
listener_finalize (GObject *object)
{
  SyrinxListener *self = SYRINX_LISTENER (object);

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
  G_OBJECT_CLASS (syrinx_listener_parent_class)->finalize (object);
}

static void
syrinx_listener_class_init (SyrinxListenerClass *klass)
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

  object_class->get_property = listener_get_property;
  object_class->finalize = listener_finalize;
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
syrinx_listener_init (SyrinxListener *self)
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
  g_hash_table_unref (self->listeners);
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
      NULL, NULL, G_TYPE_NONE, 1, SYRINX_TYPE_LISTENER);
  signals[REMOVED] = g_signal_new ("removed", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 1, SYRINX_TYPE_LISTENER);
}

static void
syrinx_sessions_init (SyrinxSessions *self)
{
  self->listeners
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
syrinx_sessions_set_max (SyrinxSessions *sessions, guint max)
{
  sessions->max = max;
}

SyrinxSessions *
syrinx_sessions_new (SyrinxContent *content, guint max)
{
  SyrinxSessions *sessions = g_object_new (SYRINX_TYPE_SESSIONS, NULL);

  sessions->content = syrinx_content_ref (content);
  sessions->max = max;
  return sessions;
}
