/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl's connection to the daemon. */
#include "ctl.h"

#include "core/base/error.h"

#define BUS_NAME        "org.syrinx.Syrinx1"
#define BUS_PATH        "/org/syrinx/Syrinx1"
#define CALL_TIMEOUT_MS 30000

SyrinxConfig *
ctl_load_config (Ctl *ctl, GError **error)
{
  g_autoptr (GHashTable) overrides
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  g_hash_table_insert (
      overrides, (gpointer) "state-dir", g_strdup (ctl->state_dir));
  return syrinx_config_load (ctl->config_file, overrides, error);
}

static gboolean
connect_private (Ctl *ctl)
{
  g_autofree gchar *path = g_build_filename (ctl->state_dir, "bus", NULL);
  g_autofree gchar *escaped = g_dbus_address_escape_value (path);
  g_autofree gchar *address = g_strconcat ("unix:path=", escaped, NULL);

  ctl->link = g_dbus_connection_new_for_address_sync (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);
  return ctl->link != NULL;
}

static gboolean
connect_system (Ctl *ctl)
{
  g_autoptr (GDBusConnection) bus
      = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);
  g_autoptr (GVariant) reply = NULL;
  gboolean owned = FALSE;

  if (bus)
    reply = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus",
        "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
        g_variant_new ("(s)", BUS_NAME), G_VARIANT_TYPE ("(b)"),
        G_DBUS_CALL_FLAGS_NONE, 5000, NULL, NULL);
  if (reply)
    g_variant_get (reply, "(b)", &owned);
  if (owned)
    ctl->link = g_steal_pointer (&bus);
  return owned;
}

gboolean
ctl_connect (Ctl *ctl, GError **error)
{
  if (ctl->link || connect_private (ctl) || connect_system (ctl))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
      "no syrinxd answers on %s/bus or the system bus; is it running, and is "
      "--state-dir the one it was started with?",
      ctl->state_dir);
  return FALSE;
}

static GVariant *
call (Ctl *ctl, const gchar *interface, const gchar *method,
    GVariant *arguments, const gchar *reply_type, GError **error)
{
  gboolean is_private = !g_dbus_connection_get_unique_name (ctl->link);

  return g_dbus_connection_call_sync (ctl->link, is_private ? NULL : BUS_NAME,
      BUS_PATH, interface, method, arguments, G_VARIANT_TYPE (reply_type),
      G_DBUS_CALL_FLAGS_NONE,
      ctl->timeout_ms ? ctl->timeout_ms : CALL_TIMEOUT_MS, NULL, error);
}

GVariant *
ctl_call (Ctl *ctl, const gchar *interface, const gchar *method,
    GVariant *arguments, const gchar *reply_type, GError **error)
{
  g_autoptr (GVariant) owned
      = arguments ? g_variant_ref_sink (arguments) : NULL;
  g_autofree gchar *full = strchr (interface, '.')
                               ? g_strdup (interface)
                               : g_strconcat (BUS_NAME ".", interface, NULL);

  if (!ctl_connect (ctl, error))
    return NULL;
  return call (ctl, full, method, owned, reply_type, error);
}

GVariant *
ctl_get_property (
    Ctl *ctl, const gchar *interface, const gchar *property, GError **error)
{
  g_autofree gchar *full = g_strconcat (BUS_NAME ".", interface, NULL);
  g_autoptr (GVariant) reply = ctl_call (ctl, "org.freedesktop.DBus.Properties",
      "Get", g_variant_new ("(ss)", full, property), "(v)", error);
  GVariant *value = NULL;

  if (reply)
    g_variant_get (reply, "(v)", &value);
  return value;
}

CtlExit
ctl_report (const GError *error)
{
  g_autofree gchar *remote = g_dbus_error_get_remote_error (error);
  g_autoptr (GError) copy = g_error_copy (error);

  g_dbus_error_strip_remote_error (copy);
  g_printerr ("syrinxctl: %s\n", copy->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return CTL_NO_DAEMON;
  return g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND)
                 || (remote && g_str_has_suffix (remote, ".NotFound"))
             ? CTL_NOT_FOUND
             : CTL_FAILED;
}
