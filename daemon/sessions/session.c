/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session: its state, and what is reported of it. */
#include "session-private.h"

G_DEFINE_FINAL_TYPE (SyrinxSession, syrinx_session, G_TYPE_OBJECT)

enum
{
  PROP_EXPIRES_AT = 1,
  N_PROPERTIES
};
static GParamSpec *properties[N_PROPERTIES];

static guint ended_signal;

/* --- State --- */

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
syrinx_session_emit_ended (SyrinxSession *session)
{
  g_signal_emit (session, ended_signal, 0);
}

void
syrinx_session_set_grant (SyrinxSession *session, SyrinxGrant *grant)
{
  g_autoptr (SyrinxGrant) before G_GNUC_UNUSED = session->grant;

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

/* --- Facts --- */

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
  case PROP_EXPIRES_AT:
    g_value_set_int64 (value, syrinx_grant_get_expires_at_s (self->grant));
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
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  ended_signal = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  object_class->get_property = session_get_property;
  object_class->finalize = session_finalize;
  properties[PROP_EXPIRES_AT] = g_param_spec_int64 ("expires-at", "Expires at",
      "Unix time in seconds", 0, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
syrinx_session_init (SyrinxSession *self)
{
  self->state = "idle";
  self->renditions = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)syrinx_rendition_unref);
}
