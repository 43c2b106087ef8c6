/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session: what it is, and what is told of it. */
#include "session-private.h"

G_DEFINE_FINAL_TYPE (SyrinxSession, syrinx_session, G_TYPE_OBJECT)

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

static guint ended_signal;

/* --- Its course --- */

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
syrinx_session_set_state (SyrinxSession *session, const gchar *state)
{
  session->state = state;
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_STATE]);
}

void
syrinx_session_emit_ended (SyrinxSession *session)
{
  g_signal_emit (session, ended_signal, 0);
}

void
syrinx_session_set_grant (SyrinxSession *session, SyrinxGrant *grant)
{
  g_autoptr (SyrinxGrant) before = session->grant;

  session->grant = syrinx_grant_ref (grant);
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_EXPIRES_AT]);
}

void
syrinx_session_count (SyrinxSession *session, gsize sent_bytes)
{
  if (syrinx_session_has_ended (session))
    return;
  session->bytes_sent += sent_bytes;
  syrinx_sessions_count (session->sessions, session, sent_bytes);
}

void
syrinx_session_begin_use (SyrinxSession *session)
{
  if (session->seat)
    syrinx_seat_begin_use (session->seat);
}

void
syrinx_session_end_use (SyrinxSession *session)
{
  if (session->seat)
    syrinx_seat_end_use (session->seat, g_get_monotonic_time ());
}

/* --- What is told of it --- */

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

SyrinxSeat *
syrinx_session_get_seat (SyrinxSession *session)
{
  return session->seat;
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

  ended_signal = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
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
