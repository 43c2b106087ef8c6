/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The D-Bus face: connections, and which users may connect. */
#include "bus.h"

#include "bus-face.h"

#include "core/base/error.h"

#include <glib/gstdio.h>
#include <unistd.h>

struct _SyrinxBus
{
  SyrinxEngine *engine;
  gchar *http_address;
  gchar *socket_path;
  SyrinxBusSessions *sessions;
  GDBusServer *server;
  GHashTable *connections; /* GDBusConnection → SyrinxBusFace, private ones */
  GDBusConnection *public_bus; /* session or system, or NULL */
  SyrinxBusFace *public_face;
};

static gboolean
authorize_peer (GDBusAuthObserver *observer, GIOStream *stream,
    GCredentials *credentials, gpointer user_data)
{
  uid_t uid;

  if (!credentials)
    return FALSE;
  uid = g_credentials_get_unix_user (credentials, NULL);
  return uid == getuid () || uid == 0;
}

static gboolean
allow_external_only (
    GDBusAuthObserver *observer, const gchar *mechanism, gpointer user_data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

static void
connection_closed (GDBusConnection *connection, gboolean remote_vanished,
    GError *error, SyrinxBus *bus)
{
  g_signal_handlers_disconnect_by_data (connection, bus);
  syrinx_bus_sessions_remove_connection (bus->sessions, connection);
  g_hash_table_remove (bus->connections, connection);
}

/* (transfer full) */
static SyrinxBusFace *
show (SyrinxBus *bus, GDBusConnection *connection)
{
  SyrinxBusFace *face = syrinx_bus_face_new (
      bus->engine, bus->sessions, connection, bus->http_address);

  syrinx_bus_sessions_add_connection (bus->sessions, connection);
  return face;
}

static gboolean
new_connection (
    GDBusServer *server, GDBusConnection *connection, SyrinxBus *bus)
{
  g_hash_table_insert (
      bus->connections, g_object_ref (connection), show (bus, connection));
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed), bus);
  return TRUE;
}

static gboolean
serve_private (SyrinxBus *bus, GError **error)
{
  g_autoptr (GDBusAuthObserver) observer = g_dbus_auth_observer_new ();
  g_autofree gchar *guid = g_dbus_generate_guid ();
  g_autofree gchar *escaped = g_dbus_address_escape_value (bus->socket_path);
  g_autofree gchar *address = g_strconcat ("unix:path=", escaped, NULL);

  /* We hold the state directory's lock, so an existing socket is stale. */
  g_unlink (bus->socket_path);
  g_signal_connect (observer, "authorize-authenticated-peer",
      G_CALLBACK (authorize_peer), NULL);
  g_signal_connect (
      observer, "allow-mechanism", G_CALLBACK (allow_external_only), NULL);
  bus->server = g_dbus_server_new_sync (
      address, G_DBUS_SERVER_FLAGS_NONE, guid, observer, NULL, error);
  if (!bus->server) {
    g_prefix_error (error, "can't serve the private bus on %s: ", address);
    return FALSE;
  }
  g_signal_connect (
      bus->server, "new-connection", G_CALLBACK (new_connection), bus);
  g_dbus_server_start (bus->server);
  return TRUE;
}

static gboolean
own_name (GDBusConnection *connection, GError **error)
{
  guint32 answer = 0;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus",
          "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
          g_variant_new ("(su)", SYRINX_BUS_NAME, 0x4 /* no queue */),
          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, 5000, NULL, error);

  if (!reply)
    return FALSE;
  g_variant_get (reply, "(u)", &answer);
  if (answer == 1 || answer == 4)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY,
      "the bus name %s is taken by another syrinxd; stop it, or use --bus none",
      SYRINX_BUS_NAME);
  return FALSE;
}

static gboolean
serve_public (SyrinxBus *bus, GBusType type, GError **error)
{
  bus->public_bus = g_bus_get_sync (type, NULL, error);
  if (!bus->public_bus) {
    g_prefix_error (error,
        "can't reach the %s bus (use --bus none to do without): ",
        type == G_BUS_TYPE_SYSTEM ? "system" : "session");
    return FALSE;
  }
  g_dbus_connection_set_exit_on_close (bus->public_bus, FALSE);
  bus->public_face = show (bus, bus->public_bus);
  return own_name (bus->public_bus, error);
}

SyrinxBus *
syrinx_bus_new (SyrinxEngine *engine, const gchar *name,
    const gchar *http_address, GError **error)
{
  g_autoptr (SyrinxBus) bus = g_new0 (SyrinxBus, 1);

  bus->engine = g_object_ref (engine);
  bus->sessions = syrinx_bus_sessions_new (engine);
  bus->http_address = g_strdup (http_address ? http_address : "");
  bus->socket_path = g_build_filename (
      syrinx_store_get_state_dir (syrinx_engine_get_store (engine)), "bus",
      NULL);
  bus->connections = g_hash_table_new_full (
      NULL, NULL, g_object_unref, (GDestroyNotify)syrinx_bus_face_free);
  if (!serve_private (bus, error))
    return NULL;
  if (g_str_equal (name, "system")
      && !serve_public (bus, G_BUS_TYPE_SYSTEM, error))
    return NULL;
  if (g_str_equal (name, "session")
      && !serve_public (bus, G_BUS_TYPE_SESSION, error))
    return NULL;
  return g_steal_pointer (&bus);
}

static void
disconnect (gpointer connection, gpointer face, gpointer bus)
{
  g_signal_handlers_disconnect_by_data (connection, bus);
}

void
syrinx_bus_free (SyrinxBus *bus)
{
  if (bus->server) {
    g_dbus_server_stop (bus->server);
    g_unlink (bus->socket_path);
  }
  g_hash_table_foreach (bus->connections, disconnect, bus);
  g_hash_table_unref (bus->connections);
  g_clear_pointer (&bus->public_face, syrinx_bus_face_free);
  g_clear_pointer (&bus->sessions, syrinx_bus_sessions_free);
  g_clear_object (&bus->public_bus);
  g_clear_object (&bus->server);
  g_object_unref (bus->engine);
  g_free (bus->http_address);
  g_free (bus->socket_path);
  g_free (bus);
}
