/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of the daemon's private bus. */
#include "bus-client.h"

#include <string.h>

#define WAIT_S 20

static void
signal_free (gpointer data)
{
  Signal *heard = data;

  g_free (heard->path);
  g_free (heard->name);
  g_variant_unref (heard->parameters);
  g_free (heard);
}

static void
hear (GDBusConnection *connection, const gchar *sender, const gchar *path,
    const gchar *interface, const gchar *name, GVariant *parameters,
    gpointer data)
{
  Bus *bus = data;
  Signal *heard = g_new0 (Signal, 1);

  heard->path = g_strdup (path);
  heard->name = g_strdup (name);
  heard->parameters = g_variant_ref (parameters);
  g_ptr_array_add (bus->heard, heard);
}

GVariant *
bus_call (Bus *bus, const gchar *path, const gchar *interface,
    const gchar *method, GVariant *parameters)
{
  return g_dbus_connection_call_sync (bus->connection, NULL, path, interface,
      method, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
}

Bus *
bus_new (Daemon *daemon)
{
  g_autofree gchar *address
      = g_strdup_printf ("unix:path=%s/bus", daemon_get_state_dir (daemon));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  Bus *bus = g_new0 (Bus, 1);

  bus->connection = g_dbus_connection_new_for_address_sync (address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
  g_assert_no_error (error);
  bus->heard = g_ptr_array_new_with_free_func (signal_free);
  bus->subscription = g_dbus_connection_signal_subscribe (bus->connection, NULL,
      NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, hear, bus, NULL);
  reply = bus_call (bus, BUS_ROOT, BUS_NAME ".Library", "GetStatistics", NULL);
  g_assert_nonnull (reply);
  return bus;
}

void
bus_free (Bus *bus)
{
  g_dbus_connection_signal_unsubscribe (bus->connection, bus->subscription);
  g_dbus_connection_close_sync (bus->connection, NULL, NULL);
  g_object_unref (bus->connection);
  g_ptr_array_unref (bus->heard);
  g_free (bus);
}
const Signal *
bus_find_signal (
    Bus *bus, const gchar *path, const gchar *name, const gchar *part)
{
  for (guint i = 0; i < bus->heard->len; i++) {
    const Signal *heard = bus->heard->pdata[i];
    g_autofree gchar *text = g_variant_print (heard->parameters, FALSE);
    if (g_str_equal (heard->path, path) && g_str_equal (heard->name, name)
        && strstr (text, part))
      return heard;
  }
  return NULL;
}

const Signal *
bus_wait_for_signal (
    Bus *bus, const gchar *path, const gchar *name, const gchar *part)
{
  gint64 end_us = g_get_monotonic_time () + WAIT_S * G_USEC_PER_SEC;
  const Signal *heard;

  while (!(heard = bus_find_signal (bus, path, name, part))) {
    if (g_get_monotonic_time () > end_us)
      g_error ("waited %d s for %s of %s with %s", WAIT_S, name, path, part);
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  }
  return heard;
}

GVariant *
bus_get_properties (Bus *bus, const gchar *path)
{
  g_autoptr (GVariant) reply
      = bus_call (bus, path, "org.freedesktop.DBus.Properties", "GetAll",
          g_variant_new ("(s)", BUS_SESSION));

  return reply ? g_variant_get_child_value (reply, 0) : NULL;
}

gchar *
bus_find_object (Bus *bus, const gchar *id)
{
  g_autoptr (GVariant) reply = bus_call (bus, BUS_ROOT,
      "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL);
  g_autoptr (GVariantIter) objects = NULL;
  const gchar *path;
  GVariant *interfaces;
  gchar *found = NULL;

  g_assert_nonnull (reply);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &objects);
  while (g_variant_iter_loop (objects, "{&o@a{sa{sv}}}", &path, &interfaces)) {
    g_autoptr (GVariant) session = g_variant_lookup_value (
        interfaces, BUS_SESSION, G_VARIANT_TYPE_VARDICT);
    const gchar *other = NULL;
    if (session && g_variant_lookup (session, "Id", "&s", &other)
        && g_str_equal (other, id))
      found = g_strdup (path);
  }
  return found;
}
