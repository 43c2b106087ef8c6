/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects at the engine's root path, for one D-Bus connection. */
#include "bus-face.h"

#include "daemon/ingest/suffixes.h"

#include "bus-keys.h"
#include "bus.h"
#include "syrinx-dbus.h"

#include "core/base/error.h"

#define KINDS                                                                  \
  (SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEGAN)                               \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_ENDED)                          \
      | SYRINX_EVENTS_OF_LIBRARY)

struct _SyrinxBusFace
{
  SyrinxEngine *engine;
  SyrinxBusSessions *sessions; /* unowned */
  SyrinxDBusManager *manager;
  SyrinxDBusLibrary *library;
  GDBusInterfaceSkeleton *keys;
  guint reader; /* of the journal */
};

static const GDBusErrorEntry error_names[] = {
  { SYRINX_ERROR_FAILED, SYRINX_BUS_NAME ".Error.Failed" },
  { SYRINX_ERROR_INVALID, SYRINX_BUS_NAME ".Error.Invalid" },
  { SYRINX_ERROR_NOT_FOUND, SYRINX_BUS_NAME ".Error.NotFound" },
  { SYRINX_ERROR_EXISTS, SYRINX_BUS_NAME ".Error.Exists" },
  { SYRINX_ERROR_UNAUTHENTICATED, SYRINX_BUS_NAME ".Error.Unauthenticated" },
  { SYRINX_ERROR_EXPIRED, SYRINX_BUS_NAME ".Error.Expired" },
  { SYRINX_ERROR_DENIED, SYRINX_BUS_NAME ".Error.Denied" },
  { SYRINX_ERROR_CORRUPT, SYRINX_BUS_NAME ".Error.Corrupt" },
  { SYRINX_ERROR_BUSY, SYRINX_BUS_NAME ".Error.Busy" },
  { SYRINX_ERROR_OVERLOADED, SYRINX_BUS_NAME ".Error.Overloaded" },
  { SYRINX_ERROR_UNSUPPORTED, SYRINX_BUS_NAME ".Error.Unsupported" },
  { SYRINX_ERROR_TIMED_OUT, SYRINX_BUS_NAME ".Error.TimedOut" },
  { SYRINX_ERROR_CANCELLED, SYRINX_BUS_NAME ".Error.Cancelled" },
  { SYRINX_ERROR_TOO_MANY, SYRINX_BUS_NAME ".Error.TooMany" },
};

/* --- Rights --- */

/* The operation of a method of Manager, Library or Keys. Methods that end a
 * session also check the right to that session. */
static SyrinxOperation
operation_of (GDBusMethodInvocation *invocation)
{
  return g_str_equal (
             g_dbus_method_invocation_get_method_name (invocation), "Search")
             ? SYRINX_OPERATION_BROWSE
             : SYRINX_OPERATION_ADMINISTER;
}

/* Runs before each method call. FALSE: answered with an error. */
static gboolean
authorize (GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *invocation,
    SyrinxBusFace *face)
{
  SyrinxGrant *caller
      = syrinx_gateway_get_operator (syrinx_engine_get_gateway (face->engine));
  GError *error = NULL;

  if (syrinx_right_check (caller, operation_of (invocation), NULL, &error))
    return TRUE;
  g_dbus_method_invocation_take_error (invocation, error);
  return FALSE;
}

/* --- Manager --- */

/* Takes @error; if it is set, answers with it and returns TRUE. */
static gboolean
answered_error (GDBusMethodInvocation *invocation, GError *error)
{
  if (error)
    g_dbus_method_invocation_take_error (invocation, error);
  return error != NULL;
}

typedef struct
{
  const gchar *name, *type;
} TokenOption;

static const TokenOption token_options[] = { { "subject", "s" },
  { "scope", "s" }, { "audience", "s" }, { "issuer", "s" }, { "tracks", "s" },
  { "region", "s" }, { "rtt-ms", "u" }, { "sessions", "u" }, { "ttl-s", "x" },
  { "short", "b" } };

static gboolean
is_token_option (const gchar *name, GVariant *value)
{
  for (guint i = 0; i < G_N_ELEMENTS (token_options); i++)
    if (g_str_equal (name, token_options[i].name))
      return g_variant_is_of_type (
          value, G_VARIANT_TYPE (token_options[i].type));
  return FALSE;
}

/* A limit that is not understood must not count as none: "tracks" of another
 * type would give a token for the whole library. */
static void
check_token_options (GVariant *options, GError **error)
{
  GVariantIter iter;
  const gchar *name;
  GVariant *value;

  g_variant_iter_init (&iter, options);
  while (!*error && g_variant_iter_next (&iter, "{&sv}", &name, &value)) {
    if (!is_token_option (name, value))
      g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
          "no token is issued: there is no option \"%s\" of type %s", name,
          g_variant_get_type_string (value));
    g_variant_unref (value);
  }
}

static gboolean
handle_issue_token (SyrinxDBusManager *manager,
    GDBusMethodInvocation *invocation, GVariant *options, SyrinxBusFace *face)
{
  SyrinxTokenRequest request = { .scope = "listen", .ttl_s = 3600 };
  gboolean is_short = FALSE;
  GError *error = NULL;
  g_autofree gchar *token = NULL;

  check_token_options (options, &error);
  if (answered_error (invocation, error))
    return TRUE;
  g_variant_lookup (options, "subject", "&s", &request.subject);
  g_variant_lookup (options, "scope", "&s", &request.scope);
  g_variant_lookup (options, "audience", "&s", &request.audience);
  g_variant_lookup (options, "issuer", "&s", &request.issuer);
  g_variant_lookup (options, "tracks", "&s", &request.tracks);
  g_variant_lookup (options, "region", "&s", &request.region);
  g_variant_lookup (options, "rtt-ms", "u", &request.rtt_ms);
  g_variant_lookup (options, "sessions", "u", &request.max_sessions);
  g_variant_lookup (options, "ttl-s", "x", &request.ttl_s);
  g_variant_lookup (options, "short", "b", &is_short);
  token = is_short ? syrinx_engine_issue_code (face->engine, &request, &error)
                   : syrinx_engine_issue_token (face->engine, &request, &error);
  if (!answered_error (invocation, error))
    syrinx_dbus_manager_complete_issue_token (manager, invocation, token);
  return TRUE;
}

static gboolean
handle_revoke_token (SyrinxDBusManager *manager,
    GDBusMethodInvocation *invocation, const gchar *jti, const gchar *subject,
    SyrinxBusFace *face)
{
  GError *error = NULL;

  if (!*jti == !*subject)
    g_set_error (&error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "give either the jti of a token or a subject");
  else
    syrinx_engine_revoke (
        face->engine, *jti ? jti : NULL, *subject ? subject : NULL, &error);
  if (!answered_error (invocation, error))
    syrinx_dbus_manager_complete_revoke_token (manager, invocation);
  return TRUE;
}

static gboolean
handle_terminate_session (SyrinxDBusManager *manager,
    GDBusMethodInvocation *invocation, const gchar *id, const gchar *reason,
    SyrinxBusFace *face)
{
  if (syrinx_bus_sessions_terminate (face->sessions, invocation, id, reason))
    syrinx_dbus_manager_complete_terminate_session (manager, invocation);
  return TRUE;
}

static gboolean
handle_watch_bytes (SyrinxDBusManager *manager,
    GDBusMethodInvocation *invocation, gboolean enable, SyrinxBusFace *face)
{
  GDBusConnection *connection
      = g_dbus_method_invocation_get_connection (invocation);
  const gchar *sender = g_dbus_method_invocation_get_sender (invocation);
  GError *error = NULL;

  if (enable)
    syrinx_bus_sessions_watch (face->sessions, connection, sender, &error);
  else
    syrinx_bus_sessions_unwatch (face->sessions, connection, sender);
  if (!answered_error (invocation, error))
    syrinx_dbus_manager_complete_watch_bytes (manager, invocation);
  return TRUE;
}

static gboolean
handle_reload (SyrinxDBusManager *manager, GDBusMethodInvocation *invocation,
    SyrinxBusFace *face)
{
  GError *error = NULL;

  syrinx_engine_reload (face->engine, &error);
  if (!answered_error (invocation, error))
    syrinx_dbus_manager_complete_reload (manager, invocation);
  return TRUE;
}

/* --- Library --- */

static gboolean
handle_rescan (SyrinxDBusLibrary *library, GDBusMethodInvocation *invocation,
    SyrinxBusFace *face)
{
  syrinx_ingest_scan (syrinx_engine_get_ingest (face->engine));
  syrinx_dbus_library_complete_rescan (library, invocation);
  return TRUE;
}

static gboolean
handle_rescan_fully (SyrinxDBusLibrary *library,
    GDBusMethodInvocation *invocation, SyrinxBusFace *face)
{
  syrinx_ingest_scan_fully (syrinx_engine_get_ingest (face->engine));
  syrinx_dbus_library_complete_rescan_fully (library, invocation);
  return TRUE;
}

static void
add_track (GVariantBuilder *tracks, const SyrinxTrack *track)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "id", "s", track->id);
  g_variant_dict_insert (&dict, "title", "s", track->title);
  g_variant_dict_insert (
      &dict, "artist", "s", track->artist ? track->artist : "");
  g_variant_dict_insert (&dict, "album", "s", track->album ? track->album : "");
  g_variant_dict_insert (
      &dict, "duration-ns", "t", syrinx_track_get_duration_ns (track));
  g_variant_builder_add_value (tracks, g_variant_dict_end (&dict));
}

static gboolean
handle_search (SyrinxDBusLibrary *library, GDBusMethodInvocation *invocation,
    const gchar *query, guint limit, SyrinxBusFace *face)
{
  SyrinxTrackQuery words = { .q = query, .limit = CLAMP (limit, 1, 500) };
  g_autofree gchar *cursor = NULL;
  GError *error = NULL;
  GVariantBuilder tracks;
  g_autoptr (GPtrArray) found = syrinx_store_find_tracks (
      syrinx_engine_get_store (face->engine), &words, &cursor, &error);

  if (answered_error (invocation, error))
    return TRUE;
  g_variant_builder_init (&tracks, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < found->len; i++)
    add_track (&tracks, found->pdata[i]);
  syrinx_dbus_library_complete_search (
      library, invocation, g_variant_builder_end (&tracks));
  return TRUE;
}

static gboolean
handle_get_statistics (SyrinxDBusLibrary *library,
    GDBusMethodInvocation *invocation, SyrinxBusFace *face)
{
  SyrinxStoreStats stats;
  GVariantBuilder builder;
  GError *error = NULL;

  syrinx_store_get_stats (
      syrinx_engine_get_store (face->engine), &stats, &error);
  if (answered_error (invocation, error))
    return TRUE;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{st}"));
  g_variant_builder_add (&builder, "{st}", "tracks", stats.n_tracks);
  g_variant_builder_add (&builder, "{st}", "albums", stats.n_albums);
  g_variant_builder_add (&builder, "{st}", "artists", stats.n_artists);
  g_variant_builder_add (&builder, "{st}", "failures", stats.n_failures);
  g_variant_builder_add (&builder, "{st}", "fragments", stats.n_fragments);
  g_variant_builder_add (&builder, "{st}", "cache-bytes", stats.cache_bytes);
  g_variant_builder_add (&builder, "{st}", "duration-ns", stats.duration_ns);
  syrinx_dbus_library_complete_get_statistics (
      library, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static void
add_failure (
    const gchar *root, const gchar *path, const gchar *reason, gpointer builder)
{
  g_variant_builder_add (builder, "(^ay^ays)", root, path, reason);
}

static gboolean
handle_list_failures (SyrinxDBusLibrary *library,
    GDBusMethodInvocation *invocation, SyrinxBusFace *face)
{
  GVariantBuilder builder;
  GError *error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ayays)"));
  syrinx_store_foreach_failure (
      syrinx_engine_get_store (face->engine), add_failure, &builder, &error);
  if (answered_error (invocation, error))
    g_variant_builder_clear (&builder);
  else
    syrinx_dbus_library_complete_list_failures (
        library, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static void
add_skipped (const gchar *root, const gchar *path, gpointer builder)
{
  g_variant_builder_add (builder, "(^ay^ay)", root, path);
}

static gboolean
handle_list_skipped (SyrinxDBusLibrary *library,
    GDBusMethodInvocation *invocation, SyrinxBusFace *face)
{
  GVariantBuilder builder;
  guint64 total;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ayay)"));
  total = syrinx_skipped_foreach (add_skipped, &builder);
  syrinx_dbus_library_complete_list_skipped (
      library, invocation, total, g_variant_builder_end (&builder));
  return TRUE;
}

/* --- Changes --- */

static void
show_scan (SyrinxBusFace *face, const SyrinxEventScan *scan)
{
  syrinx_dbus_library_set_scanning (face->library, scan->is_scanning);
  syrinx_dbus_library_set_files_done (face->library, scan->n_done);
  syrinx_dbus_library_set_files_total (face->library, scan->n_total);
  syrinx_dbus_library_set_files_failed (face->library, scan->n_failed);
}

static void
count_sessions (SyrinxBusFace *face)
{
  SyrinxSessionTotals totals;

  syrinx_sessions_get_totals (
      syrinx_engine_get_sessions (face->engine), &totals);
  syrinx_dbus_manager_set_session_count (face->manager, totals.n_sessions);
}

static void
read_event (const SyrinxEvent *event, gpointer data)
{
  SyrinxBusFace *face = data;

  switch (event->kind) {
  case SYRINX_EVENT_SCAN_PROGRESS:
    show_scan (face, &event->scan);
    break;
  case SYRINX_EVENT_SCAN_DONE:
    show_scan (face, &event->scan);
    syrinx_dbus_library_emit_scan_done (face->library);
    break;
  case SYRINX_EVENT_LIBRARY_CHANGED:
    syrinx_dbus_library_emit_changed (face->library);
    break;
  default:
    count_sessions (face);
  }
}

/* --- Life --- */

static void
make_root (SyrinxBusFace *face, const gchar *http_address)
{
  SyrinxEventScan scan;

  face->manager = syrinx_dbus_manager_skeleton_new ();
  face->library = syrinx_dbus_library_skeleton_new ();
  face->keys = syrinx_bus_keys_new (face->engine);
  syrinx_dbus_manager_set_version (face->manager, SYRINX_VERSION);
  syrinx_dbus_manager_set_http_address (face->manager, http_address);
  syrinx_engine_get_scan (face->engine, &scan);
  show_scan (face, &scan);
  count_sessions (face);
}

static void
export_root (SyrinxBusFace *face, GDBusConnection *connection)
{
  gpointer skeletons[] = { face->manager, face->library, face->keys };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (skeletons); i++)
    if (!g_dbus_interface_skeleton_export (
            skeletons[i], connection, SYRINX_BUS_PATH, &error)) {
      g_warning ("can't export on D-Bus: %s", error->message);
      g_clear_error (&error);
    }
}

static void
handle_calls (SyrinxBusFace *face)
{
  const struct
  {
    gpointer skeleton;
    const gchar *signal;
    GCallback handler;
  } calls[] = {
    { face->manager, "handle-issue-token", G_CALLBACK (handle_issue_token) },
    { face->manager, "handle-revoke-token", G_CALLBACK (handle_revoke_token) },
    { face->manager, "handle-terminate-session",
        G_CALLBACK (handle_terminate_session) },
    { face->manager, "handle-watch-bytes", G_CALLBACK (handle_watch_bytes) },
    { face->manager, "handle-reload", G_CALLBACK (handle_reload) },
    { face->library, "handle-rescan", G_CALLBACK (handle_rescan) },
    { face->library, "handle-rescan-fully", G_CALLBACK (handle_rescan_fully) },
    { face->library, "handle-search", G_CALLBACK (handle_search) },
    { face->library, "handle-get-statistics",
        G_CALLBACK (handle_get_statistics) },
    { face->library, "handle-list-failures",
        G_CALLBACK (handle_list_failures) },
    { face->library, "handle-list-skipped", G_CALLBACK (handle_list_skipped) },
  };

  gpointer skeletons[] = { face->manager, face->library, face->keys };

  for (guint i = 0; i < G_N_ELEMENTS (skeletons); i++)
    g_signal_connect (
        skeletons[i], "g-authorize-method", G_CALLBACK (authorize), face);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_signal_connect (
        calls[i].skeleton, calls[i].signal, calls[i].handler, face);
}

SyrinxBusFace *
syrinx_bus_face_new (SyrinxEngine *engine, SyrinxBusSessions *sessions,
    GDBusConnection *connection, const gchar *http_address)
{
  static gsize errors_registered;
  static volatile gsize quark;
  SyrinxBusFace *face = g_new0 (SyrinxBusFace, 1);

  if (g_once_init_enter (&errors_registered)) {
    g_dbus_error_register_error_domain (g_quark_to_string (SYRINX_ERROR),
        &quark, error_names, G_N_ELEMENTS (error_names));
    g_once_init_leave (&errors_registered, 1);
  }
  face->engine = g_object_ref (engine);
  face->sessions = sessions;
  make_root (face, http_address);
  handle_calls (face);
  face->reader = syrinx_journal_add_reader (
      syrinx_engine_get_journal (engine), KINDS, read_event, face);
  export_root (face, connection);
  return face;
}

void
syrinx_bus_face_free (SyrinxBusFace *face)
{
  syrinx_journal_remove_reader (
      syrinx_engine_get_journal (face->engine), face->reader);
  g_signal_handlers_disconnect_by_data (face->manager, face);
  g_signal_handlers_disconnect_by_data (face->library, face);
  g_signal_handlers_disconnect_by_data (face->keys, face);
  g_dbus_interface_skeleton_unexport (
      G_DBUS_INTERFACE_SKELETON (face->manager));
  g_dbus_interface_skeleton_unexport (
      G_DBUS_INTERFACE_SKELETON (face->library));
  g_dbus_interface_skeleton_unexport (face->keys);
  g_object_unref (face->manager);
  g_object_unref (face->library);
  g_object_unref (face->keys);
  g_object_unref (face->engine);
  g_free (face);
}
