/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions as D-Bus objects. */
#include "bus-sessions.h"

#include "bus.h"
#include "daemon/sessions/session-json.h"
#include "syrinx-dbus.h"

#include "core/base/error.h"

#include <string.h>

#define SESSIONS_PATH     SYRINX_BUS_PATH "/sessions"
#define SESSION_INTERFACE SYRINX_BUS_NAME ".Session"
#define PROPERTIES        "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER    "org.freedesktop.DBus.ObjectManager"
#define MAX_WATCHERS      32

static const gchar object_manager_xml[]
    = "<node><interface name='" OBJECT_MANAGER "'>"
      "<method name='GetManagedObjects'>"
      "<arg name='objects' type='a{oa{sa{sv}}}' direction='out'/></method>"
      "<signal name='InterfacesAdded'><arg name='object' type='o'/>"
      "<arg name='interfaces' type='a{sa{sv}}'/></signal>"
      "<signal name='InterfacesRemoved'><arg name='object' type='o'/>"
      "<arg name='interfaces' type='as'/></signal>"
      "</interface></node>";

typedef struct
{
  GDBusConnection *connection;
  guint manager, subtree; /* registrations, or 0 */
} Link;

typedef struct
{
  SyrinxBusSessions *owner;
  GDBusConnection *connection;
  gchar *name; /* (nullable) */
  guint vanish;
} Watcher;

struct _SyrinxBusSessions
{
  SyrinxEngine *engine;
  GDBusNodeInfo *object_manager;
  GPtrArray *links;    /* of Link */
  GPtrArray *watchers; /* of Watcher */
  guint reader;        /* of the journal, while there are links; or 0 */
  guint beat_reader;   /* of beats, while there are watchers; or 0 */
};

/* --- Names --- */

/* (transfer full) */
static gchar *
make_path (SyrinxSession *session)
{
  g_autofree gchar *escaped
      = g_dbus_escape_object_path (syrinx_session_get_id (session));

  return g_strconcat (SESSIONS_PATH "/", escaped, NULL);
}

/* (transfer none) (nullable) */
static SyrinxSession *
find_session (SyrinxBusSessions *self, const gchar *node)
{
  g_autofree guint8 *id = node ? g_dbus_unescape_object_path (node) : NULL;

  return id ? syrinx_sessions_lookup (
             syrinx_engine_get_sessions (self->engine), (const gchar *)id)
            : NULL;
}

static SyrinxSession *
find_session_at (SyrinxBusSessions *self, const gchar *path)
{
  return g_str_has_prefix (path, SESSIONS_PATH "/")
             ? find_session (self, path + strlen (SESSIONS_PATH "/"))
             : NULL;
}

/* --- Signals --- */

/* @name (nullable): the only recipient. Takes @parameters. A signal is lost if
 * the connection is closing. */
static void
emit (GDBusConnection *connection, const gchar *name, const gchar *path,
    const gchar *interface, const gchar *signal, GVariant *parameters)
{
  g_dbus_connection_emit_signal (
      connection, name, path, interface, signal, parameters, NULL);
}

static void
emit_to_all (SyrinxBusSessions *self, const gchar *path, const gchar *interface,
    const gchar *signal, GVariant *parameters)
{
  g_autoptr (GVariant) shared = g_variant_ref_sink (parameters);

  for (guint i = 0; i < self->links->len; i++) {
    const Link *link = self->links->pdata[i];
    emit (link->connection, NULL, path, interface, signal, shared);
  }
}

/* a{sa{sv}} (transfer floating) */
static GVariant *
describe (SyrinxSession *session)
{
  GVariantBuilder interfaces;

  g_variant_builder_init (&interfaces, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&interfaces, "{s@a{sv}}", SESSION_INTERFACE,
      syrinx_session_to_variant (session));
  return g_variant_builder_end (&interfaces);
}

static void
tell_session (const SyrinxEvent *event, gpointer data)
{
  static const gchar *const interfaces[] = { SESSION_INTERFACE, NULL };
  SyrinxBusSessions *self = data;
  g_autofree gchar *path = make_path (event->session);

  if (event->kind == SYRINX_EVENT_SESSION_BEGAN) {
    emit_to_all (self, SYRINX_BUS_PATH, OBJECT_MANAGER, "InterfacesAdded",
        g_variant_new ("(o@a{sa{sv}})", path, describe (event->session)));
    return;
  }
  emit_to_all (self, path, PROPERTIES, "PropertiesChanged",
      g_variant_new ("(s@a{sv}as)", SESSION_INTERFACE,
          syrinx_session_changes_to_variant (event->session), NULL));
  if (event->kind == SYRINX_EVENT_SESSION_ENDED)
    emit_to_all (self, SYRINX_BUS_PATH, OBJECT_MANAGER, "InterfacesRemoved",
        g_variant_new ("(o^as)", path, interfaces));
}

static void
tell_beat (const SyrinxEvent *event, gpointer data)
{
  SyrinxBusSessions *self = data;
  g_autofree gchar *path = make_path (event->session);
  g_autoptr (GVariant) parameters = NULL;
  GVariantBuilder changed;

  g_variant_builder_init (&changed, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&changed, "{sv}", "BytesSent",
      syrinx_session_get_variant (event->session, "BytesSent"));
  parameters = g_variant_ref_sink (
      g_variant_new ("(sa{sv}as)", SESSION_INTERFACE, &changed, NULL));
  for (guint i = 0; i < self->watchers->len; i++) {
    const Watcher *watcher = self->watchers->pdata[i];
    emit (watcher->connection, watcher->name, path, PROPERTIES,
        "PropertiesChanged", parameters);
  }
}

/* --- Watchers --- */

static void
read_beats_if_watched (SyrinxBusSessions *self)
{
  SyrinxJournal *journal = syrinx_engine_get_journal (self->engine);

  if (self->watchers->len > 0 && !self->beat_reader)
    self->beat_reader = syrinx_journal_add_reader (
        journal, SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEAT), tell_beat, self);
  if (self->watchers->len == 0 && self->beat_reader) {
    syrinx_journal_remove_reader (journal, self->beat_reader);
    self->beat_reader = 0;
  }
}

static void
watcher_free (gpointer data)
{
  Watcher *watcher = data;

  if (watcher->vanish)
    g_bus_unwatch_name (watcher->vanish);
  g_object_unref (watcher->connection);
  g_free (watcher->name);
  g_free (watcher);
}

static void
watcher_vanished (GDBusConnection *connection, const gchar *name, gpointer data)
{
  Watcher *watcher = data;
  SyrinxBusSessions *self = watcher->owner;

  g_ptr_array_remove (self->watchers, watcher);
  read_beats_if_watched (self);
}

/* (nullable) */
static Watcher *
find_watcher (
    SyrinxBusSessions *self, GDBusConnection *connection, const gchar *name)
{
  for (guint i = 0; i < self->watchers->len; i++) {
    Watcher *watcher = self->watchers->pdata[i];
    if (watcher->connection == connection
        && g_strcmp0 (watcher->name, name) == 0)
      return watcher;
  }
  return NULL;
}

gboolean
syrinx_bus_sessions_watch (SyrinxBusSessions *self, GDBusConnection *connection,
    const gchar *name, GError **error)
{
  Watcher *watcher;

  if (find_watcher (self, connection, name))
    return TRUE;
  if (self->watchers->len >= MAX_WATCHERS) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
        "%d callers watch already, and no more may", MAX_WATCHERS);
    return FALSE;
  }
  watcher = g_new0 (Watcher, 1);
  watcher->owner = self;
  watcher->connection = g_object_ref (connection);
  watcher->name = g_strdup (name);
  g_ptr_array_add (self->watchers, watcher);
  if (name)
    watcher->vanish = g_bus_watch_name_on_connection (connection, name,
        G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, watcher_vanished, watcher, NULL);
  read_beats_if_watched (self);
  return TRUE;
}

gboolean
syrinx_bus_sessions_unwatch (
    SyrinxBusSessions *self, GDBusConnection *connection, const gchar *name)
{
  Watcher *watcher = find_watcher (self, connection, name);

  if (watcher)
    g_ptr_array_remove (self->watchers, watcher);
  read_beats_if_watched (self);
  return watcher != NULL;
}

/* --- Method calls and properties --- */

static void
answer_managed_objects (GDBusConnection *connection, const gchar *sender,
    const gchar *path, const gchar *interface, const gchar *method,
    GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  SyrinxBusSessions *self = data;
  g_autoptr (GPtrArray) list
      = syrinx_sessions_list (syrinx_engine_get_sessions (self->engine));
  GVariantBuilder objects;

  g_variant_builder_init (&objects, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  for (guint i = 0; i < list->len; i++) {
    g_autofree gchar *session = make_path (list->pdata[i]);
    g_variant_builder_add (
        &objects, "{o@a{sa{sv}}}", session, describe (list->pdata[i]));
  }
  g_dbus_method_invocation_return_value (
      invocation, g_variant_new ("(a{oa{sa{sv}}})", &objects));
}

gboolean
syrinx_bus_sessions_terminate (SyrinxBusSessions *self,
    GDBusMethodInvocation *invocation, const gchar *id, const gchar *reason)
{
  SyrinxSessions *sessions = syrinx_engine_get_sessions (self->engine);
  SyrinxGrant *caller
      = syrinx_gateway_get_operator (syrinx_engine_get_gateway (self->engine));
  GError *error = NULL;

  if (syrinx_sessions_find (
          sessions, id, caller, SYRINX_OPERATION_END_SESSION, &error))
    return syrinx_sessions_terminate (
        sessions, id, *reason ? reason : "ended by the operator");
  g_dbus_method_invocation_take_error (invocation, error);
  return FALSE;
}

/* A session's only method is Terminate. */
static void
call_session (GDBusConnection *connection, const gchar *sender,
    const gchar *path, const gchar *interface, const gchar *method,
    GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  SyrinxBusSessions *self = data;
  SyrinxSession *session = find_session_at (self, path);
  g_autofree gchar *id
      = g_strdup (session ? syrinx_session_get_id (session) : path);
  const gchar *reason;

  g_variant_get (parameters, "(&s)", &reason);
  if (syrinx_bus_sessions_terminate (self, invocation, id, reason))
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static GVariant *
get_property (GDBusConnection *connection, const gchar *sender,
    const gchar *path, const gchar *interface, const gchar *property,
    GError **error, gpointer data)
{
  SyrinxSession *session = find_session_at (data, path);

  if (session)
    return syrinx_session_get_variant (session, property);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "there is no session at %s", path);
  return NULL;
}

/* (transfer full) */
static gchar **
enumerate (GDBusConnection *connection, const gchar *sender, const gchar *path,
    gpointer data)
{
  SyrinxBusSessions *self = data;
  g_autoptr (GPtrArray) list
      = syrinx_sessions_list (syrinx_engine_get_sessions (self->engine));
  gchar **nodes = g_new0 (gchar *, list->len + 1);

  for (guint i = 0; i < list->len; i++)
    nodes[i]
        = g_dbus_escape_object_path (syrinx_session_get_id (list->pdata[i]));
  return nodes;
}

/* (transfer full) (nullable) */
static GDBusInterfaceInfo **
introspect (GDBusConnection *connection, const gchar *sender, const gchar *path,
    const gchar *node, gpointer data)
{
  GDBusInterfaceInfo **interfaces;

  if (!find_session (data, node))
    return NULL;
  interfaces = g_new0 (GDBusInterfaceInfo *, 2);
  interfaces[0]
      = g_dbus_interface_info_ref (syrinx_dbus_session_interface_info ());
  return interfaces;
}

static const GDBusInterfaceVTable *
dispatch (GDBusConnection *connection, const gchar *sender, const gchar *path,
    const gchar *interface, const gchar *node, gpointer *out_data,
    gpointer data)
{
  static const GDBusInterfaceVTable session
      = { .method_call = call_session, .get_property = get_property };

  *out_data = data;
  return find_session (data, node) ? &session : NULL;
}

/* --- Connections --- */

static void
link_free (gpointer data)
{
  Link *link = data;

  if (link->manager)
    g_dbus_connection_unregister_object (link->connection, link->manager);
  if (link->subtree)
    g_dbus_connection_unregister_subtree (link->connection, link->subtree);
  g_object_unref (link->connection);
  g_free (link);
}

void
syrinx_bus_sessions_add_connection (
    SyrinxBusSessions *self, GDBusConnection *connection)
{
  static const GDBusInterfaceVTable manager
      = { .method_call = answer_managed_objects };
  static const GDBusSubtreeVTable subtree = {
    .enumerate = enumerate, .introspect = introspect, .dispatch = dispatch
  };
  Link *link = g_new0 (Link, 1);
  g_autoptr (GError) error = NULL;

  link->connection = g_object_ref (connection);
  link->manager
      = g_dbus_connection_register_object (connection, SYRINX_BUS_PATH,
          self->object_manager->interfaces[0], &manager, self, NULL, &error);
  if (link->manager)
    link->subtree
        = g_dbus_connection_register_subtree (connection, SESSIONS_PATH,
            &subtree, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, self,
            NULL, &error);
  if (error)
    g_warning ("can't show the sessions on D-Bus: %s", error->message);
  g_ptr_array_add (self->links, link);
  if (!self->reader)
    self->reader
        = syrinx_journal_add_reader (syrinx_engine_get_journal (self->engine),
            SYRINX_EVENTS_OF_SESSIONS, tell_session, self);
}

static void
stop_reading_if_alone (SyrinxBusSessions *self)
{
  if (self->links->len > 0 || !self->reader)
    return;
  syrinx_journal_remove_reader (
      syrinx_engine_get_journal (self->engine), self->reader);
  self->reader = 0;
}

void
syrinx_bus_sessions_remove_connection (
    SyrinxBusSessions *self, GDBusConnection *connection)
{
  for (guint i = self->watchers->len; i > 0; i--)
    if (((Watcher *)self->watchers->pdata[i - 1])->connection == connection)
      g_ptr_array_remove_index (self->watchers, i - 1);
  for (guint i = self->links->len; i > 0; i--)
    if (((Link *)self->links->pdata[i - 1])->connection == connection)
      g_ptr_array_remove_index (self->links, i - 1);
  read_beats_if_watched (self);
  stop_reading_if_alone (self);
}

/* --- Life --- */

SyrinxBusSessions *
syrinx_bus_sessions_new (SyrinxEngine *engine)
{
  SyrinxBusSessions *self = g_new0 (SyrinxBusSessions, 1);

  self->engine = g_object_ref (engine);
  self->object_manager
      = g_dbus_node_info_new_for_xml (object_manager_xml, NULL);
  self->links = g_ptr_array_new_with_free_func (link_free);
  self->watchers = g_ptr_array_new_with_free_func (watcher_free);
  return self;
}

void
syrinx_bus_sessions_free (SyrinxBusSessions *self)
{
  g_ptr_array_set_size (self->watchers, 0);
  g_ptr_array_set_size (self->links, 0);
  read_beats_if_watched (self);
  stop_reading_if_alone (self);
  g_ptr_array_unref (self->watchers);
  g_ptr_array_unref (self->links);
  g_dbus_node_info_unref (self->object_manager);
  g_object_unref (self->engine);
  g_free (self);
}
