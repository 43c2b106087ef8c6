/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The readers of the journal: whoever is told of a session is told the same. */
#include "service.h"

#include <string.h>

#define BUS       "org.syrinx.Syrinx1"
#define ROOT      "/org/syrinx/Syrinx1"
#define SESSION   BUS ".Session"
#define WAIT_S    20
#define FRAGMENTS 3

/* --- The daemon's private bus, as a client sees it --- */

typedef struct
{
  GDBusConnection *connection;
  GPtrArray *heard; /* of Signal */
  guint subscription;
} Bus;

typedef struct
{
  gchar *path, *name;
  GVariant *parameters;
  gint64 at_us;
} Signal;

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
  heard->at_us = g_get_monotonic_time ();
  g_ptr_array_add (bus->heard, heard);
}

/* (transfer full) (nullable): it answers with an error. */
static GVariant *
bus_call (Bus *bus, const gchar *path, const gchar *interface,
    const gchar *method, GVariant *parameters)
{
  return g_dbus_connection_call_sync (bus->connection, NULL, path, interface,
      method, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
}

/* The daemon has answered it once, and so knows that it is there. */
static Bus *
bus_new (void)
{
  g_autofree gchar *address
      = g_strdup_printf ("unix:path=%s/bus", daemon_get_state_dir (service));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  Bus *bus = g_new0 (Bus, 1);

  bus->connection = g_dbus_connection_new_for_address_sync (address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
  g_assert_no_error (error);
  bus->heard = g_ptr_array_new_with_free_func (signal_free);
  bus->subscription = g_dbus_connection_signal_subscribe (bus->connection, NULL,
      NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, hear, bus, NULL);
  return bus;
}

static void
bus_free (Bus *bus)
{
  g_dbus_connection_signal_unsubscribe (bus->connection, bus->subscription);
  g_dbus_connection_close_sync (bus->connection, NULL, NULL);
  g_object_unref (bus->connection);
  g_ptr_array_unref (bus->heard);
  g_free (bus);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bus, bus_free)

/* The first signal of this name and path whose parameters, as text, hold
 * @part. */
static const Signal *
find_signal (Bus *bus, const gchar *path, const gchar *name, const gchar *part)
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

static const Signal *
wait_for_signal (
    Bus *bus, const gchar *path, const gchar *name, const gchar *part)
{
  gint64 end_us = g_get_monotonic_time () + WAIT_S * G_USEC_PER_SEC;
  const Signal *heard;

  while (!(heard = find_signal (bus, path, name, part))) {
    if (g_get_monotonic_time () > end_us)
      g_error ("waited %d s for %s of %s with %s", WAIT_S, name, path, part);
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  }
  return heard;
}

/* What the object of the session has, a{sv}. (transfer full) (nullable) */
static GVariant *
get_properties (Bus *bus, const gchar *path)
{
  g_autoptr (GVariant) reply
      = bus_call (bus, path, "org.freedesktop.DBus.Properties", "GetAll",
          g_variant_new ("(s)", SESSION));

  return reply ? g_variant_get_child_value (reply, 0) : NULL;
}

/* The object of the session of this id among all. (transfer full) (nullable) */
static gchar *
find_object (Bus *bus, const gchar *id)
{
  g_autoptr (GVariant) reply = bus_call (bus, ROOT,
      "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL);
  g_autoptr (GVariantIter) objects = NULL;
  const gchar *path;
  GVariant *interfaces;
  gchar *found = NULL;

  g_assert_nonnull (reply);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &objects);
  while (g_variant_iter_loop (objects, "{&o@a{sa{sv}}}", &path, &interfaces)) {
    g_autoptr (GVariant) session
        = g_variant_lookup_value (interfaces, SESSION, G_VARIANT_TYPE_VARDICT);
    const gchar *other = NULL;
    if (session && g_variant_lookup (session, "Id", "&s", &other)
        && g_str_equal (other, id))
      found = g_strdup (path);
  }
  return found;
}

/* --- What a listener does --- */

static guint64
fetch (JsonObject *session, guint number)
{
  const gchar *master = member (session, "hls_url");
  g_autofree gchar *url = g_strdup_printf ("%.*sopus-128/%u.m4s",
      (gint)(strlen (master) - strlen ("master.m3u8")), master, number);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  return g_bytes_get_size (answer->body);
}

/* --- D-Bus --- */

static void
a_session_is_an_object_while_it_lives (void)
{
  g_autoptr (Bus) bus = bus_new ();
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = NULL, *added = NULL;
  g_autoptr (GVariant) reply = NULL, gone = NULL;
  g_autoptr (Answer) answer = NULL;

  wait_for_signal (bus, ROOT, "InterfacesAdded", id);
  path = find_object (bus, id);
  g_assert_nonnull (path);
  added = g_strdup_printf ("'%s'", path);
  wait_for_signal (bus, ROOT, "InterfacesAdded", added);
  fetch (session, 0);
  wait_for_signal (bus, path, "PropertiesChanged", "'playing'");
  reply = bus_call (
      bus, path, SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  g_assert_nonnull (reply);
  wait_for_signal (bus, path, "PropertiesChanged", "'enough'");
  wait_for_signal (bus, path, "PropertiesChanged", "'ended'");
  wait_for_signal (bus, ROOT, "InterfacesRemoved", added);
  gone = get_properties (bus, path);
  g_assert_null (gone);
  g_assert_null (find_object (bus, id));
  answer = ask (service, "GET", member (session, "hls_url"), NULL, NULL);
  g_assert_cmpuint (answer->status, ==, 410);
}

static void
objects_can_be_looked_through (void)
{
  g_autoptr (Bus) bus = bus_new ();
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *path = find_object (bus, member (session, "id"));
  g_autoptr (GVariant) root = bus_call (bus, ROOT "/sessions",
      "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) object = bus_call (
      bus, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) none = bus_call (bus, ROOT "/sessions/nosuch", SESSION,
      "Terminate", g_variant_new ("(s)", ""));
  const gchar *text;

  g_assert_null (none);
  g_variant_get (root, "(&s)", &text);
  g_assert_nonnull (strstr (text, strrchr (path, '/') + 1));
  g_variant_get (object, "(&s)", &text);
  g_assert_nonnull (strstr (text, SESSION));
  g_assert_nonnull (strstr (text, "RttMs"));
}

/* Signals that tell of bytes and nothing else. */
static guint
count_beats (Bus *bus, const gchar *path, guint64 *bytes_sent)
{
  guint n = 0;

  for (guint i = 0; i < bus->heard->len; i++) {
    const Signal *heard = bus->heard->pdata[i];
    g_autoptr (GVariant) changed = NULL;
    if (!g_str_equal (heard->path, path))
      continue;
    changed = g_variant_get_child_value (heard->parameters, 1);
    if (g_variant_n_children (changed) == 1
        && g_variant_lookup (changed, "BytesSent", "t", bytes_sent))
      n++;
  }
  return n;
}

static void
bytes_are_told_once_a_second_and_to_who_watches (void)
{
  g_autoptr (Bus) bus = bus_new (), other = bus_new ();
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *path = find_object (bus, member (session, "id"));
  g_autofree gchar *sum = NULL;
  g_autoptr (GVariant) reply = bus_call (
      bus, ROOT, BUS ".Manager", "WatchBytes", g_variant_new ("(b)", TRUE));
  g_autoptr (GVariant) unwatched = NULL, ended = NULL;
  guint64 bytes_sent = 0, told = 0;
  gint64 began_us = g_get_monotonic_time (), took_s;
  guint n_beats;

  g_assert_nonnull (reply);
  for (guint i = 0; i < FRAGMENTS; i++)
    bytes_sent += fetch (session, i);
  sum = g_strdup_printf (
      "{'BytesSent': <uint64 %" G_GUINT64_FORMAT ">}", bytes_sent);
  wait_for_signal (bus, path, "PropertiesChanged", sum);
  took_s = (g_get_monotonic_time () - began_us) / G_USEC_PER_SEC;
  n_beats = count_beats (bus, path, &told);
  g_assert_cmpuint (told, ==, bytes_sent);
  g_assert_cmpuint (n_beats, >=, 1);
  g_assert_cmpuint (n_beats, <=, 1 + took_s);
  unwatched = bus_call (
      bus, ROOT, BUS ".Manager", "WatchBytes", g_variant_new ("(b)", FALSE));
  fetch (session, 0);
  ended = bus_call (
      bus, path, SESSION, "Terminate", g_variant_new ("(s)", "enough"));
  wait_for_signal (bus, path, "PropertiesChanged", "'enough'");
  wait_for_signal (other, path, "PropertiesChanged", "'enough'");
  g_assert_cmpuint (count_beats (bus, path, &told), ==, n_beats);
  g_assert_cmpuint (count_beats (other, path, &told), ==, 0);
}

static void
progress_of_a_scan_is_told (void)
{
  g_autoptr (Bus) bus = bus_new ();
  g_autoptr (GVariant) reply
      = bus_call (bus, ROOT, BUS ".Library", "Rescan", NULL);

  g_assert_nonnull (reply);
  wait_for_signal (bus, ROOT, "ScanDone", "()");
}

/* --- All of them --- */

/* "track_id" → "TrackId" (transfer full) */
static gchar *
make_property_name (const gchar *name)
{
  GString *property = g_string_new (NULL);

  for (const gchar *p = name; *p; p++)
    if (*p != '_')
      g_string_append_c (
          property, p == name || p[-1] == '_' ? g_ascii_toupper (*p) : *p);
  return g_string_free (property, FALSE);
}

/* As D-Bus has it: a string that is not known is "". */
static void
assert_same_value (const gchar *name, JsonNode *json, GVariant *variant)
{
  g_test_message ("%s", name);
  g_assert_nonnull (variant);
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_STRING)) {
    g_assert_cmpstr (
        json_node_is_null (json) ? "" : json_node_get_string (json), ==,
        g_variant_get_string (variant, NULL));
    return;
  }
  g_assert_true (json_node_get_value_type (json) == G_TYPE_INT64);
  g_assert_cmpint (json_node_get_int (json), ==,
      g_variant_is_of_type (variant, G_VARIANT_TYPE_UINT32)
          ? g_variant_get_uint32 (variant)
      : g_variant_is_of_type (variant, G_VARIANT_TYPE_INT64)
          ? g_variant_get_int64 (variant)
          : (gint64)g_variant_get_uint64 (variant));
}

/* Every property of the object is a member of @told. */
static void
assert_same_session (GVariant *properties, JsonObject *told)
{
  g_autoptr (GList) names = json_object_get_members (told);
  guint n_same = 0;

  for (GList *item = names; item; item = item->next) {
    g_autofree gchar *property = make_property_name (item->data);
    g_autoptr (GVariant) value
        = g_variant_lookup_value (properties, property, NULL);
    if (!value)
      continue;
    n_same++;
    assert_same_value (
        item->data, json_object_get_member (told, item->data), value);
  }
  g_assert_cmpuint (n_same, ==, g_variant_n_children (properties));
}

/* (transfer full) */
static JsonObject *
find_listed (const gchar *text, const gchar *id)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonArray *array = json_node_get_array (root);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = json_array_get_object_element (array, i);
    if (g_str_equal (member (object, "id"), id))
      return json_object_ref (object);
  }
  g_error ("no session %s in %s", id, text);
}

static void
syrinxctl_tells_names_and_types_of_the_bus (void)
{
  g_autoptr (Bus) bus = bus_new ();
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  const gchar *id = member (session, "id");
  g_autofree gchar *path = find_object (bus, id);
  g_autoptr (GVariant) properties = NULL;
  g_autofree gchar *listed = NULL;
  g_autoptr (JsonObject) told = NULL;

  fetch (session, 0);
  properties = get_properties (bus, path);
  listed = daemon_ctl (service, "sessions", "--json", NULL);
  told = find_listed (listed, id);
  assert_same_session (properties, told);
}

#define ADD(name) g_test_add_func ("/readers/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_session_is_an_object_while_it_lives);
  ADD (objects_can_be_looked_through);
  ADD (bytes_are_told_once_a_second_and_to_who_watches);
  ADD (progress_of_a_scan_is_told);
  ADD (syrinxctl_tells_names_and_types_of_the_bus);
  return service_run ();
}
