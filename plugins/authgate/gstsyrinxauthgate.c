/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxauthgate: passes data while its grant is live. */

/**
 * SECTION:element-syrinxauthgate
 * @title: syrinxauthgate
 *
 * Verifies #token once, and checks with every buffer that the resulting grant
 * has neither expired nor been revoked. When it has, an out-of-band event
 * `syrinx-denied` goes downstream at once, even while no data flows, an element
 * message `syrinx-denied` with the field `reason` is posted, and no more
 * buffers pass; #deny chooses what upstream is told.
 *
 * The keys come from #jwks or #key-file; the element fetches nothing.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=song.opus ! \
 *   syrinxauthgate jwks=jwks.json audience=syrinx token=$TOKEN ! \
 *   filesink location=copy.opus
 * ]|
 */
#include "gstsyrinxauthgate.h"

#include "core/base/error.h"
#include "core/schedule/demand.h"
#include "core/schedule/scheduler.h"
#include "core/access/token.h"

#include <glib/gstdio.h>

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (authgate_debug);
#define GST_CAT_DEFAULT authgate_debug

#define MAX_KEY_BYTES 65536
#define TRACK_URI     "syrinx://track/"

typedef enum
{
  DENY_ERROR,
  DENY_DROP,
  DENY_EOS,
} Deny;

#define DEFAULT_DENY DENY_ERROR

typedef struct
{
  gchar *token, *jwks, *key_file, *audience, *issuer;
  SyrinxGrant *grant; /* (nullable): set instead of a token */
  Deny deny;
} Settings;

struct _GstSyrinxAuthGate
{
  GstElement parent;

  GstPad *sink_pad, *src_pad; /* constant after init */

  SyrinxScheduler *scheduler; /* for timer; set from READY to PAUSED and back */

  /* protected by the object lock */
  Settings settings;
  SyrinxGrant *grant;   /* (nullable) */
  const gchar *refusal; /* (nullable), static: why there is no grant */
  gulong watch;
  SyrinxTimer *timer; /* (nullable) */
  gboolean running;
  guint64 passed_buffers, denied_buffers;

  gint denied; /* atomic */

  /* streaming thread only */
  gboolean track_checked;
};

enum
{
  PROP_TOKEN = 1,
  PROP_JWKS,
  PROP_KEY_FILE,
  PROP_AUDIENCE,
  PROP_ISSUER,
  PROP_DENY,
  PROP_GRANT,
  PROP_STATS,
};

G_DEFINE_FINAL_TYPE (GstSyrinxAuthGate, gst_syrinx_auth_gate, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxauthgate, "syrinxauthgate", GST_RANK_NONE, GST_TYPE_SYRINX_AUTH_GATE)

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static Deny
get_deny (GstSyrinxAuthGate *self)
{
  Deny deny;

  GST_OBJECT_LOCK (self);
  deny = self->settings.deny;
  GST_OBJECT_UNLOCK (self);
  return deny;
}

static void
push_eos (GstElement *element, gpointer user_data)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (element);

  GST_PAD_STREAM_LOCK (self->sink_pad);
  gst_pad_push_event (self->src_pad, gst_event_new_eos ());
  GST_PAD_STREAM_UNLOCK (self->sink_pad);
}

/* Refuses all further data. From any thread, with no lock held; acts only
 * once. */
static void
deny (GstSyrinxAuthGate *self, const gchar *reason)
{
  if (!g_atomic_int_compare_and_exchange (&self->denied, FALSE, TRUE))
    return;
  GST_INFO_OBJECT (self, "denied: %s", reason);
  gst_pad_push_event (self->src_pad, syrinx_event_new_denied (reason));
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                              gst_structure_new ("syrinx-denied", "reason",
                                  G_TYPE_STRING, reason, NULL)));
  switch (get_deny (self)) {
  case DENY_ERROR:
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_AUTHORIZED,
        ("Access has ended or was not allowed: %s.", reason), (NULL));
    break;
  case DENY_EOS: /* serialized with data: not from this thread */
    gst_element_call_async (GST_ELEMENT (self), push_eos, NULL, NULL);
    break;
  case DENY_DROP:
    break;
  }
}

/* Hot. Returns: (nullable): why no data may pass */
static const gchar *
find_denial (GstSyrinxAuthGate *self, guint n_buffers)
{
  const gchar *denial;

  GST_OBJECT_LOCK (self);
  denial = self->grant ? syrinx_grant_get_denial (self->grant, now_s ())
                       : self->refusal;
  if (denial || g_atomic_int_get (&self->denied))
    self->denied_buffers += n_buffers;
  else
    self->passed_buffers += n_buffers;
  GST_OBJECT_UNLOCK (self);
  return denial;
}

/* The id in the source's URI syrinx://track/ID. (transfer full) (nullable) */
static gchar *
find_track (GstSyrinxAuthGate *self)
{
  GstQuery *query = gst_query_new_uri ();
  g_autofree gchar *uri = NULL;
  gchar *track = NULL;

  if (gst_pad_peer_query (self->sink_pad, query))
    gst_query_parse_uri (query, &uri);
  gst_query_unref (query);
  if (uri && g_str_has_prefix (uri, TRACK_URI)) {
    const gchar *id = uri + strlen (TRACK_URI);
    track = g_strndup (id, strcspn (id, "?/#"));
  }
  return track;
}

/* Checks the stream's track. A grant that was set has had its track checked by
 * the application; a token for some tracks does not open a stream without a
 * track. */
static gboolean
allows_stream (GstSyrinxAuthGate *self)
{
  g_autofree gchar *track = find_track (self);
  g_autoptr (SyrinxGrant) grant = NULL;
  gboolean handed_over;

  GST_OBJECT_LOCK (self);
  grant = self->grant ? syrinx_grant_ref (self->grant) : NULL;
  handed_over = self->settings.grant != NULL;
  GST_OBJECT_UNLOCK (self);
  return grant && syrinx_grant_has_scope (grant, SYRINX_SCOPE_LISTEN)
         && ((!track && handed_over)
             || syrinx_grant_allows_track (grant, track ? track : ""));
}

/* Hot. */
static gboolean
may_pass (GstSyrinxAuthGate *self, guint n_buffers)
{
  const gchar *denial = find_denial (self, n_buffers);

  if (!denial && !self->track_checked) {
    self->track_checked = TRUE;
    if (!allows_stream (self))
      denial = "not-allowed";
  }
  if (denial)
    deny (self, denial);
  return !g_atomic_int_get (&self->denied);
}

static GstFlowReturn
refuse (GstSyrinxAuthGate *self)
{
  switch (get_deny (self)) {
  case DENY_DROP:
    return GST_FLOW_OK;
  case DENY_EOS:
    return GST_FLOW_EOS;
  default:
    return GST_FLOW_ERROR;
  }
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (parent);

  if (may_pass (self, 1))
    return gst_pad_push (self->src_pad, buffer);
  gst_buffer_unref (buffer);
  return refuse (self);
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (parent);

  if (may_pass (self, gst_buffer_list_length (list)))
    return gst_pad_push_list (self->src_pad, list);
  gst_buffer_list_unref (list);
  return refuse (self);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    GST_SYRINX_AUTH_GATE (parent)->track_checked = FALSE;
  return gst_pad_event_default (pad, parent, event);
}

/* Hot: demands pass here, and the default handler would search for other
 * pads. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  return gst_pad_push_event (GST_SYRINX_AUTH_GATE (parent)->sink_pad, event);
}

static void
on_revoked (SyrinxGrant *grant, gpointer user_data)
{
  deny (user_data, "revoked");
}

static void arm_timer (GstSyrinxAuthGate *self);

static void
on_expiry (gpointer user_data)
{
  GstSyrinxAuthGate *self = user_data;
  const gchar *denial = find_denial (self, 0);

  if (denial)
    deny (self, denial);
  else
    arm_timer (self); /* the wall clock was set back, or there is a new grant */
}

/* -1: no timer is needed. */
static gint64
get_wait_locked (GstSyrinxAuthGate *self)
{
  gint64 expires_at_s
      = self->grant ? syrinx_grant_get_expires_at_s (self->grant) : G_MAXINT64;

  if (!self->running || expires_at_s >= G_MAXINT64 / G_USEC_PER_SEC / 2)
    return -1;
  return MAX (0, expires_at_s * G_USEC_PER_SEC - g_get_real_time ());
}

/* Ends a stream that is held and receives no buffer. The scheduler's timers are
 * used, since the system clock keeps all waiting entries in one sorted list,
 * which each of many sessions would search. */
static void
arm_timer (GstSyrinxAuthGate *self)
{
  SyrinxTimer *old;
  gint64 wait_us;

  GST_OBJECT_LOCK (self);
  old = g_steal_pointer (&self->timer);
  wait_us = get_wait_locked (self);
  if (wait_us >= 0)
    self->timer = syrinx_scheduler_add_timer (self->scheduler,
        g_get_monotonic_time () + wait_us + 1000, on_expiry, self);
  GST_OBJECT_UNLOCK (self);
  if (old)
    syrinx_timer_cancel (old);
}

/* @grant (transfer full) (nullable) */
static void
replace_grant (
    GstSyrinxAuthGate *self, SyrinxGrant *grant, const gchar *refusal)
{
  SyrinxGrant *old;
  gulong old_watch, watch;

  GST_OBJECT_LOCK (self);
  old = self->grant;
  old_watch = self->watch;
  self->grant = grant ? syrinx_grant_ref (grant) : NULL;
  self->refusal = refusal;
  self->watch = 0;
  GST_OBJECT_UNLOCK (self);
  if (old) {
    syrinx_grant_unwatch (old, old_watch);
    syrinx_grant_unref (old);
  }
  if (!grant)
    return;
  watch = syrinx_grant_watch (grant, on_revoked, self);
  GST_OBJECT_LOCK (self);
  self->watch = watch;
  GST_OBJECT_UNLOCK (self);
  syrinx_grant_unref (grant);
}

static gchar *
read_keys (const gchar *path, GError **error)
{
  g_autofree gchar *text = NULL;
  GStatBuf info;

  if (g_stat (path, &info) == 0
      && (!S_ISREG (info.st_mode) || info.st_size > MAX_KEY_BYTES)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s is no file of at most %d bytes", path, MAX_KEY_BYTES);
    return NULL;
  }
  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  return g_steal_pointer (&text);
}

/* The JWK Set. (transfer full) (nullable) */
static gchar *
load_jwks (const gchar *jwks, const gchar *key_file, GError **error)
{
  g_autofree gchar *key = NULL;

  if (jwks && g_str_has_prefix (jwks, "{"))
    return g_strdup (jwks);
  if (jwks)
    return read_keys (jwks, error);
  if (key_file && (key = read_keys (key_file, error)))
    return g_strdup_printf ("{\"keys\":[%s]}", key);
  if (error && !*error)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "A token needs jwks or key-file");
  return NULL;
}

static const gchar *
name_refusal (const GError *error)
{
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED))
    return "expired";
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_DENIED))
    return "revoked";
  return "unauthenticated";
}

static gboolean
check_token (GstSyrinxAuthGate *self, const Settings *settings, GError **error)
{
  g_autofree gchar *jwks
      = load_jwks (settings->jwks, settings->key_file, error);
  const SyrinxTokenPolicy policy = { .audience = settings->audience,
    .issuer = settings->issuer,
    .leeway_s = SYRINX_TOKEN_LEEWAY_S };
  g_autoptr (SyrinxVerifier) verifier = NULL;
  g_autoptr (GError) refused = NULL;
  SyrinxGrant *grant;

  if (jwks)
    verifier = syrinx_verifier_new (jwks, &policy, error);
  if (!verifier)
    return FALSE;
  grant = syrinx_verifier_check (verifier, settings->token, &refused);
  if (!grant)
    GST_INFO_OBJECT (self, "token refused: %s", refused->message);
  replace_grant (self, grant, grant ? NULL : name_refusal (refused));
  return TRUE;
}

/* Settings that can only be changed in READY are constant now and read without
 * the lock. */
static gboolean
start (GstSyrinxAuthGate *self)
{
  g_autoptr (SyrinxGrant) grant = NULL;
  g_autoptr (GError) error = NULL;

  g_atomic_int_set (&self->denied, FALSE);
  self->track_checked = FALSE;
  self->scheduler = syrinx_scheduler_get ("default");
  GST_OBJECT_LOCK (self);
  self->running = TRUE;
  self->passed_buffers = self->denied_buffers = 0;
  if (self->settings.grant)
    grant = syrinx_grant_ref (self->settings.grant);
  GST_OBJECT_UNLOCK (self);
  if (grant)
    replace_grant (self, g_steal_pointer (&grant), NULL);
  else if (!self->settings.token)
    replace_grant (self, NULL, "unauthenticated");
  else if (!check_token (self, &self->settings, &error)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("The keys to check tokens with can't be used."),
        ("%s", error->message));
    return FALSE;
  }
  arm_timer (self);
  return TRUE;
}

static void
stop (GstSyrinxAuthGate *self)
{
  GST_OBJECT_LOCK (self);
  self->running = FALSE;
  GST_OBJECT_UNLOCK (self);
  arm_timer (self); /* disarms it, since the element is stopped */
  replace_grant (self, NULL, "unauthenticated");
  g_clear_pointer (&self->scheduler, syrinx_scheduler_unref);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self)) {
    stop (self);
    return GST_STATE_CHANGE_FAILURE;
  }
  result = GST_ELEMENT_CLASS (gst_syrinx_auth_gate_parent_class)
               ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  return result;
}

/* Replaces the grant by a renewed one, also while data flows. */
static void
set_grant (GstSyrinxAuthGate *self, SyrinxGrant *grant)
{
  g_autoptr (SyrinxGrant) old = NULL;
  gboolean running;

  GST_OBJECT_LOCK (self);
  old = g_steal_pointer (&self->settings.grant);
  self->settings.grant = grant ? syrinx_grant_ref (grant) : NULL;
  running = self->running;
  GST_OBJECT_UNLOCK (self);
  if (!running)
    return;
  replace_grant (self, grant ? syrinx_grant_ref (grant) : NULL,
      grant ? NULL : "unauthenticated");
  arm_timer (self);
}

static gchar **
find_text (Settings *settings, guint id)
{
  switch (id) {
  case PROP_TOKEN:
    return &settings->token;
  case PROP_JWKS:
    return &settings->jwks;
  case PROP_KEY_FILE:
    return &settings->key_file;
  case PROP_AUDIENCE:
    return &settings->audience;
  case PROP_ISSUER:
    return &settings->issuer;
  default:
    return NULL;
  }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (object);
  gchar **text = find_text (&self->settings, id);

  if (id == PROP_GRANT) {
    set_grant (self, g_value_get_boxed (value));
    return;
  }
  GST_OBJECT_LOCK (self);
  if (text) {
    g_free (*text);
    *text = g_value_dup_string (value);
  } else if (id == PROP_DENY)
    self->settings.deny = g_value_get_enum (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxAuthGate *self = GST_SYRINX_AUTH_GATE (object);
  gchar **text = find_text (&self->settings, id);

  GST_OBJECT_LOCK (self);
  if (text)
    g_value_set_string (value, *text);
  else if (id == PROP_DENY)
    g_value_set_enum (value, self->settings.deny);
  else if (id == PROP_GRANT)
    g_value_set_boxed (value, self->settings.grant);
  else if (id == PROP_STATS)
    g_value_take_boxed (
        value, gst_structure_new ("syrinx-gate-stats", "passed-buffers",
                   G_TYPE_UINT64, self->passed_buffers, "denied-buffers",
                   G_TYPE_UINT64, self->denied_buffers, NULL));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  Settings *settings = &GST_SYRINX_AUTH_GATE (object)->settings;

  for (guint id = PROP_TOKEN; id <= PROP_ISSUER; id++)
    g_free (*find_text (settings, id));
  g_clear_pointer (&settings->grant, syrinx_grant_unref);
  G_OBJECT_CLASS (gst_syrinx_auth_gate_parent_class)->finalize (object);
}

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void
gst_syrinx_auth_gate_init (GstSyrinxAuthGate *self)
{
  self->settings.deny = DEFAULT_DENY;
  self->refusal = "unauthenticated";
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, chain);
  gst_pad_set_chain_list_function (self->sink_pad, chain_list);
  gst_pad_set_event_function (self->sink_pad, sink_event);
  GST_PAD_SET_PROXY_CAPS (self->sink_pad);
  GST_PAD_SET_PROXY_ALLOCATION (self->sink_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->src_pad, src_event);
  GST_PAD_SET_PROXY_CAPS (self->src_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}

static GType
deny_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { DENY_ERROR, "Post an error, refuse data with it", "error" },
    { DENY_DROP, "Take data and drop it", "drop" },
    { DENY_EOS, "End the stream", "eos" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxAuthGateDeny", values));
  return type;
}

static void
install_texts (GObjectClass *object_class)
{
  static const struct
  {
    guint id;
    const gchar *name, *nick, *blurb;
  } texts[] = {
    { PROP_TOKEN, "token", "Token", "The JWT to check, at most 8192 bytes" },
    { PROP_JWKS, "jwks", "JWK Set",
        "Public keys: a file's path or the JSON, at most 65536 bytes" },
    { PROP_KEY_FILE, "key-file", "Key file",
        "Path of one public key as a JWK, used if there is no jwks" },
    { PROP_AUDIENCE, "audience", "Audience",
        "What the token's aud must hold (NULL: anything)" },
    { PROP_ISSUER, "issuer", "Issuer",
        "What the token's iss must be (NULL: anything)" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_object_class_install_property (object_class, texts[i].id,
        g_param_spec_string (texts[i].name, texts[i].nick, texts[i].blurb, NULL,
            (texts[i].id == PROP_TOKEN
                    ? G_PARAM_WRITABLE /* not readable: pipeline dumps show
                                          properties */
                    : G_PARAM_READWRITE)
                | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

static void
gst_syrinx_auth_gate_class_init (GstSyrinxAuthGateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      authgate_debug, "syrinxauthgate", 0, "the gate of grants");
  object_class->get_property = get_property;
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  install_texts (object_class);
  g_object_class_install_property (object_class, PROP_DENY,
      g_param_spec_enum ("deny", "Deny", "What upstream gets after a denial",
          deny_get_type (), DEFAULT_DENY,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_GRANT,
      g_param_spec_boxed ("grant", "Grant",
          "A checked grant, used instead of a token", SYRINX_TYPE_GRANT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "passed-buffers and denied-buffers (guint64)", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api (deny_get_type (), 0);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Syrinx gate",
      "Filter/Network", "Lets data pass while its grant holds", "Syrinx");
}
