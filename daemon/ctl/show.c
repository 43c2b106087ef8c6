/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl's commands that look at a running daemon or steer it. */
#include "ctl.h"

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

CtlExit
ctl_status (Ctl *ctl, int argc, char **argv)
{
  static const gchar *const columns[] = { "name", "value", NULL };
  static const gchar *const properties[][2] = { { "Manager", "Version" },
    { "Manager", "HttpAddress" }, { "Manager", "SessionCount" },
    { "Library", "Scanning" }, { "Library", "FilesFailed" } };
  g_autoptr (CtlTable) table = ctl_table_new (columns);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL, statistics = NULL;
  GVariantIter iter;
  const gchar *name;
  guint64 number;

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    g_autoptr (GVariant) value
        = ctl_get_property (ctl, properties[i][0], properties[i][1], &error);
    g_autofree gchar *text = NULL;
    if (!value)
      return ctl_report (error);
    text = g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
               ? g_variant_dup_string (value, NULL)
               : g_variant_print (value, FALSE);
    ctl_table_add (table, (const gchar *[]){ properties[i][1], text });
  }
  reply = ctl_call (ctl, "Library", "GetStatistics", NULL, "(a{st})", &error);
  if (!reply)
    return ctl_report (error);
  statistics = g_variant_get_child_value (reply, 0);
  g_variant_iter_init (&iter, statistics);
  while (g_variant_iter_next (&iter, "{&st}", &name, &number)) {
    g_autofree gchar *text
        = g_str_equal (name, "duration-ns")
              ? format_duration (number)
              : g_strdup_printf ("%" G_GUINT64_FORMAT, number);
    ctl_table_add (table, (const gchar *[]){ name, text });
  }
  ctl_table_print (table, ctl->json);
  return CTL_OK;
}

CtlExit
ctl_search (Ctl *ctl, int argc, char **argv)
{
  static const gchar *const columns[]
      = { "id", "title", "artist", "album", "duration", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (columns);
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
  ctl_table_print (table, ctl->json);
  return g_variant_n_children (tracks) ? CTL_OK : CTL_NOT_FOUND;
}

CtlExit
ctl_failures (Ctl *ctl, int argc, char **argv)
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
  gboolean wait = FALSE, scanning = TRUE;
  const GOptionEntry entries[]
      = { { "wait", 'w', 0, G_OPTION_ARG_NONE, &wait,
              "Wait until the scan is done, showing progress", NULL },
          { NULL } };
  guint done = 0, total = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (!ctl_parse ("rescan [--wait]", entries, &argc, &argv))
    return CTL_USAGE;
  reply = ctl_call (ctl, "Library", "Rescan", NULL, "()", &error);
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

static CtlExit
list_sessions (Ctl *ctl)
{
  static const gchar *const columns[] = { "id", "subject", "track-id",
    "rendition", "region", "client", "state", "bytes-sent", NULL };
  static const gchar *const names[] = { "Id", "Subject", "TrackId", "Rendition",
    "Region", "Client", "State", "BytesSent" };
  g_autoptr (CtlTable) table = ctl_table_new (columns);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = ctl_call (ctl, "org.freedesktop.DBus.ObjectManager",
          "GetManagedObjects", NULL, "(a{oa{sa{sv}}})", &error);
  g_autoptr (GVariantIter) objects = NULL;
  GVariant *interfaces;

  if (!reply)
    return ctl_report (error);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &objects);
  while (g_variant_iter_next (objects, "{&o@a{sa{sv}}}", NULL, &interfaces)) {
    g_autoptr (GVariant) owned = interfaces;
    g_autoptr (GVariant) session = g_variant_lookup_value (
        interfaces, "org.syrinx.Syrinx1.Session", G_VARIANT_TYPE ("a{sv}"));
    g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);
    for (guint i = 0; session && i < G_N_ELEMENTS (names); i++) {
      g_autoptr (GVariant) value
          = g_variant_lookup_value (session, names[i], NULL);
      g_ptr_array_add (
          cells, !value ? g_strdup ("")
                 : g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
                     ? g_variant_dup_string (value, NULL)
                     : g_variant_print (value, FALSE));
    }
    if (session)
      ctl_table_add (table, (const gchar *const *)cells->pdata);
  }
  ctl_table_print (table, ctl->json);
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
