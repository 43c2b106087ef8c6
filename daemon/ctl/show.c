/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl's commands that show or control a running daemon. */
#include "ctl.h"

#include <json-glib/json-glib.h>

#include <stdio.h>
#include <unistd.h>

#define POLL_INTERVAL_US 200000

static gchar *
format_duration (guint64 ns)
{
  guint64 s = (ns + 500000000) / 1000000000;

  return s >= 3600
             ? g_strdup_printf ("%d:%02d:%02d", (gint)(s / 3600),
                 (gint)(s / 60 % 60), (gint)(s % 60))
             : g_strdup_printf ("%d:%02d", (gint)(s / 60), (gint)(s % 60));
}

/* Prints the document in @json. */
static void
print_json (JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree gchar *text = json_to_string (root, TRUE);

  g_print ("%s\n", text);
}

/* "duration-ns" → "duration_ns" */
static void
add_member (JsonBuilder *json, const gchar *name, GVariant *value)
{
  g_autofree gchar *member = g_strdelimit (g_strdup (name), "-", '_');

  json_builder_set_member_name (json, member);
  json_builder_add_value (json, json_gvariant_serialize (value));
}

/* Labels of properties. */
static const struct
{
  const gchar *name, *label;
} labels[] = { { "version", "version" }, { "http_address", "address" },
  { "sessions", "sessions" }, { "scanning", "scanning" },
  { "tracks", "tracks" }, { "albums", "albums" }, { "artists", "artists" },
  { "duration-ns", "length of all" }, { "failures", "unreadable files" },
  { "fragments", "fragments in the cache" }, { "cache-bytes", "their size" } };

/* (transfer full) */
static gchar *
format_value (const gchar *name, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? "yes" : "no");
  if (g_str_has_suffix (name, "-ns"))
    return format_duration (g_variant_get_uint64 (value));
  if (g_str_has_suffix (name, "-bytes"))
    return g_format_size (g_variant_get_uint64 (value));
  return g_variant_print (value, FALSE);
}

static void
print_status (GVariantDict *status)
{
  static const gchar *const columns[] = { "name", "value", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (columns);

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++) {
    g_autoptr (GVariant) value
        = g_variant_dict_lookup_value (status, labels[i].name, NULL);
    g_autofree gchar *text
        = value ? format_value (labels[i].name, value) : NULL;
    if (text)
      ctl_table_add (table, (const gchar *[]){ labels[i].label, text });
  }
  ctl_table_print (table, FALSE);
}

static void
print_status_json (GVariantDict *status)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++) {
    g_autoptr (GVariant) value
        = g_variant_dict_lookup_value (status, labels[i].name, NULL);
    if (value)
      add_member (json, labels[i].name, value);
  }
  json_builder_end_object (json);
  print_json (json);
}

CtlExit
ctl_status (Ctl *ctl, int argc, char **argv)
{
  static const gchar *const properties[][3]
      = { { "Manager", "Version", "version" },
          { "Manager", "HttpAddress", "http_address" },
          { "Manager", "SessionCount", "sessions" },
          { "Library", "Scanning", "scanning" } };
  g_autoptr (GVariantDict) status = g_variant_dict_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL, statistics = NULL;
  GVariantIter iter;
  const gchar *name;
  guint64 number;

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    g_autoptr (GVariant) value
        = ctl_get_property (ctl, properties[i][0], properties[i][1], &error);
    if (!value)
      return ctl_report (error);
    g_variant_dict_insert_value (status, properties[i][2], value);
  }
  reply = ctl_call (ctl, "Library", "GetStatistics", NULL, "(a{st})", &error);
  if (!reply)
    return ctl_report (error);
  statistics = g_variant_get_child_value (reply, 0);
  g_variant_iter_init (&iter, statistics);
  while (g_variant_iter_next (&iter, "{&st}", &name, &number))
    g_variant_dict_insert (status, name, "t", number);
  if (ctl->json)
    print_status_json (status);
  else
    print_status (status);
  return CTL_OK;
}

static void
print_tracks_json (GVariant *tracks)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_array (json);
  for (gsize i = 0; i < g_variant_n_children (tracks); i++) {
    g_autoptr (GVariant) track = g_variant_get_child_value (tracks, i);
    GVariantIter iter;
    const gchar *name;
    GVariant *value;
    json_builder_begin_object (json);
    g_variant_iter_init (&iter, track);
    while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
      add_member (json, name, value);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  print_json (json);
}

static void
print_tracks (GVariant *tracks)
{
  static const gchar *const columns[]
      = { "id", "title", "artist", "album", "duration", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (columns);

  for (gsize i = 0; i < g_variant_n_children (tracks); i++) {
    g_autoptr (GVariant) track = g_variant_get_child_value (tracks, i);
    const gchar *cells[5] = { NULL };
    g_autofree gchar *duration = NULL;
    guint64 ns = 0;
    for (guint c = 0; c < 4; c++)
      g_variant_lookup (track, columns[c], "&s", &cells[c]);
    g_variant_lookup (track, "duration-ns", "t", &ns);
    cells[4] = duration = format_duration (ns);
    ctl_table_add (table, cells);
  }
  ctl_table_print (table, FALSE);
}

CtlExit
ctl_search (Ctl *ctl, int argc, char **argv)
{
  g_autofree gchar *query = argc > 1 ? g_strjoinv (" ", argv + 1) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL, tracks = NULL;

  if (!query) {
    g_printerr ("syrinxctl: say what to search for\n");
    return CTL_USAGE;
  }
  reply = ctl_call (ctl, "Library", "Search",
      g_variant_new ("(su)", query, 50u), "(aa{sv})", &error);
  if (!reply)
    return ctl_report (error);
  tracks = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    print_tracks_json (tracks);
  else
    print_tracks (tracks);
  return g_variant_n_children (tracks) ? CTL_OK : CTL_NOT_FOUND;
}

static CtlExit
list_failures (Ctl *ctl)
{
  static const gchar *const columns[] = { "folder", "path", "reason", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (columns);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = ctl_call (ctl, "Library", "ListFailures", NULL, "(a(ayays))", &error);
  g_autoptr (GVariantIter) iter = NULL;
  const gchar *folder, *path, *reason;

  if (!reply)
    return ctl_report (error);
  g_variant_get (reply, "(a(ayays))", &iter);
  while (g_variant_iter_next (iter, "(^&ay^&ay&s)", &folder, &path, &reason))
    ctl_table_add (table, (const gchar *[]){ folder, path, reason });
  ctl_table_print (table, ctl->json);
  return CTL_OK;
}

/* Files beyond the names that are kept are only counted. */
static CtlExit
list_skipped (Ctl *ctl)
{
  static const gchar *const columns[] = { "folder", "path", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (columns);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = ctl_call (ctl, "Library", "ListSkipped", NULL, "(ta(ayay))", &error);
  g_autoptr (GVariantIter) iter = NULL;
  const gchar *folder, *path;
  guint64 total;

  if (!reply)
    return ctl_report (error);
  g_variant_get (reply, "(ta(ayay))", &total, &iter);
  while (g_variant_iter_next (iter, "(^&ay^&ay)", &folder, &path))
    ctl_table_add (table, (const gchar *[]){ folder, path });
  ctl_table_print (table, ctl->json);
  if (!ctl->json)
    g_print (
        "%" G_GUINT64_FORMAT " files are left out for their suffixes\n", total);
  return CTL_OK;
}

CtlExit
ctl_failures (Ctl *ctl, int argc, char **argv)
{
  gboolean skipped = FALSE;
  const GOptionEntry entries[]
      = { { "skipped", 's', 0, G_OPTION_ARG_NONE, &skipped,
              "Those that were left out for their suffixes", NULL },
          { NULL } };

  if (!ctl_parse ("failures [--skipped]", entries, &argc, &argv))
    return CTL_USAGE;
  return skipped ? list_skipped (ctl) : list_failures (ctl);
}

static gboolean
read_progress (
    Ctl *ctl, gboolean *scanning, guint *done, guint *total, GError **error)
{
  g_autoptr (GVariant) s = ctl_get_property (ctl, "Library", "Scanning", error);
  g_autoptr (GVariant) d
      = s ? ctl_get_property (ctl, "Library", "FilesDone", error) : NULL;
  g_autoptr (GVariant) t
      = d ? ctl_get_property (ctl, "Library", "FilesTotal", error) : NULL;

  if (!t)
    return FALSE;
  *scanning = g_variant_get_boolean (s);
  *done = g_variant_get_uint32 (d);
  *total = g_variant_get_uint32 (t);
  return TRUE;
}

static void
draw_progress (guint done, guint total)
{
  const guint width = 40;
  guint filled = total ? (guint64)done * width / total : 0;

  if (!isatty (STDERR_FILENO))
    return;
  g_printerr ("\r[%-40.*s] %u/%u ", (gint)filled,
      "########################################", done, total);
}

CtlExit
ctl_rescan (Ctl *ctl, int argc, char **argv)
{
  gboolean wait = FALSE, full = FALSE, scanning = TRUE;
  const GOptionEntry entries[]
      = { { "full", 'f', 0, G_OPTION_ARG_NONE, &full,
              "Read every file again, whether it has changed or not", NULL },
          { "wait", 'w', 0, G_OPTION_ARG_NONE, &wait,
              "Wait until the scan is done, showing progress", NULL },
          { NULL } };
  guint done = 0, total = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (!ctl_parse ("rescan [--full] [--wait]", entries, &argc, &argv))
    return CTL_USAGE;
  reply = ctl_call (
      ctl, "Library", full ? "RescanFully" : "Rescan", NULL, "()", &error);
  if (!reply)
    return ctl_report (error);
  while (wait && scanning) {
    if (!read_progress (ctl, &scanning, &done, &total, &error))
      return ctl_report (error);
    draw_progress (done, total);
    if (scanning)
      g_usleep (POLL_INTERVAL_US);
  }
  if (wait) {
    if (isatty (STDERR_FILENO))
      g_printerr ("\n");
    g_print ("%u of %u files read\n", done, total);
  }
  return CTL_OK;
}

/* The properties of each session, a{sv}. (transfer full) (nullable) */
static GPtrArray *
get_sessions (Ctl *ctl, GError **error)
{
  GPtrArray *sessions;
  g_autoptr (GVariant) reply
      = ctl_call (ctl, "org.freedesktop.DBus.ObjectManager",
          "GetManagedObjects", NULL, "(a{oa{sa{sv}}})", error);
  g_autoptr (GVariantIter) objects = NULL;
  GVariant *interfaces;

  if (!reply)
    return NULL;
  sessions = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &objects);
  while (g_variant_iter_loop (objects, "{&o@a{sa{sv}}}", NULL, &interfaces)) {
    GVariant *session = g_variant_lookup_value (
        interfaces, "org.syrinx.Syrinx1.Session", G_VARIANT_TYPE_VARDICT);
    if (session)
      g_ptr_array_add (sessions, session);
  }
  return sessions;
}

/* "TrackId" → "track_id" (transfer full) */
static gchar *
make_member_name (const gchar *property)
{
  GString *name = g_string_new (NULL);

  for (const gchar *p = property; *p; p++) {
    if (g_ascii_isupper (*p) && p > property)
      g_string_append_c (name, '_');
    g_string_append_c (name, g_ascii_tolower (*p));
  }
  return g_string_free (name, FALSE);
}

/* Uses the names and types of the HTTP API. */
static void
print_sessions_json (GPtrArray *sessions)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_array (json);
  for (guint i = 0; i < sessions->len; i++) {
    GVariantIter properties;
    const gchar *property;
    GVariant *value;
    json_builder_begin_object (json);
    g_variant_iter_init (&properties, sessions->pdata[i]);
    while (g_variant_iter_loop (&properties, "{&sv}", &property, &value)) {
      g_autofree gchar *name = make_member_name (property);
      json_builder_set_member_name (json, name);
      json_builder_add_value (json, json_gvariant_serialize (value));
    }
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  print_json (json);
}

static void
print_sessions (GPtrArray *sessions)
{
  static const gchar *const columns[] = { "id", "subject", "track-id",
    "rendition", "region", "client", "state", "bytes-sent", NULL };
  static const gchar *const names[] = { "Id", "Subject", "TrackId", "Rendition",
    "Region", "Client", "State", "BytesSent" };
  g_autoptr (CtlTable) table = ctl_table_new (columns);

  for (guint i = 0; i < sessions->len; i++) {
    g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);
    for (guint n = 0; n < G_N_ELEMENTS (names); n++) {
      g_autoptr (GVariant) value
          = g_variant_lookup_value (sessions->pdata[i], names[n], NULL);
      g_ptr_array_add (
          cells, !value ? g_strdup ("")
                 : g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
                     ? g_variant_dup_string (value, NULL)
                     : g_variant_print (value, FALSE));
    }
    ctl_table_add (table, (const gchar *const *)cells->pdata);
  }
  ctl_table_print (table, FALSE);
}

static CtlExit
list_sessions (Ctl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions = get_sessions (ctl, &error);

  if (!sessions)
    return ctl_report (error);
  if (ctl->json)
    print_sessions_json (sessions);
  else
    print_sessions (sessions);
  return CTL_OK;
}

CtlExit
ctl_sessions (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (argc == 1)
    return list_sessions (ctl);
  if (argc != 3 || !g_str_equal (argv[1], "terminate")) {
    g_printerr ("syrinxctl: sessions takes nothing, or `terminate ID`\n");
    return CTL_USAGE;
  }
  reply = ctl_call (ctl, "Manager", "TerminateSession",
      g_variant_new ("(ss)", argv[2], ""), "()", &error);
  return reply ? CTL_OK : ctl_report (error);
}

CtlExit
ctl_reload (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = ctl_call (ctl, "Manager", "Reload", NULL, "()", &error);

  return reply ? CTL_OK : ctl_report (error);
}
