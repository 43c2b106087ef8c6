/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy for the system bus: everybody may read, and only root and the
 * group may make changes. On a bus of the test's own, with the installed
 * policy. */
#include "tests/daemon/harness.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SKIPPED  77
#define STRANGER "setpriv --reuid=65534 --regid=65534 --clear-groups"

/* Debian's system.conf without service activation. */
static const gchar bus_config[]
    = "<busconfig><type>system</type><listen>unix:path=%s/socket</listen>"
      "<auth>EXTERNAL</auth>"
      "<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/>"
      "<deny send_type=\"method_call\"/><allow send_type=\"signal\"/>"
      "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>"
      "<allow send_requested_reply=\"true\" send_type=\"error\"/>"
      "<allow receive_type=\"method_call\"/>"
      "<allow receive_type=\"method_return\"/>"
      "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>"
      "<allow send_destination=\"org.freedesktop.DBus\"/></policy>"
      "<include>%s</include></busconfig>";

typedef struct
{
  gchar *dir;
  GSubprocess *bus;
  Daemon *daemon;
} Fixture;

static gchar *
read_policy (void)
{
  g_autofree gchar *path = g_build_filename (g_getenv ("SYRINX_SAMPLES"), "..",
      "dbus", "org.syrinx.Syrinx1.conf", NULL);
  gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("can't read %s", path);
  return text;
}

static gboolean
is_there (gpointer path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree gchar *policy = read_policy (), *policy_path = NULL, *path = NULL;
  g_autofree gchar *config = NULL, *socket = NULL, *address = NULL;
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-bus-XXXXXX", NULL);
  chmod (f->dir, 0755);
  policy_path = g_build_filename (f->dir, "policy.conf", NULL);
  path = g_build_filename (f->dir, "bus.conf", NULL);
  socket = g_build_filename (f->dir, "socket", NULL);
  config = g_strdup_printf (bus_config, f->dir, policy_path);
  g_assert_true (g_file_set_contents (policy_path, policy, -1, NULL));
  g_assert_true (g_file_set_contents (path, config, -1, NULL));
  f->bus = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error,
      "dbus-daemon", "--nofork", "--config-file", path, NULL);
  g_assert_no_error (error);
  wait_until (is_there, socket, "the bus", 10);
  address = g_strconcat ("unix:path=", socket, NULL);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
  f->daemon = daemon_new (NULL, "bus=system");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->daemon, daemon_free);
  g_subprocess_force_exit (f->bus);
  g_clear_object (&f->bus);
  g_bytes_unref (shell ("rm -r '%s'", f->dir));
  g_free (f->dir);
}

/* The output of gdbus, of a failure, too. */
static gchar *
call (const gchar *who, const gchar *method, const gchar *arguments)
{
  g_autoptr (GBytes) said
      = shell ("%s gdbus call --system --dest org.syrinx.Syrinx1 --object-path "
               "/org/syrinx/Syrinx1 --method %s %s 2>&1 || true",
          who, method, arguments);

  return g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
}

static void
everybody_may_look_and_few_may_change (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const gchar *method, *arguments;
    gboolean for_all;
  } cases[] = {
    { "org.freedesktop.DBus.Properties.Get",
        "org.syrinx.Syrinx1.Manager Version", TRUE },
    { "org.freedesktop.DBus.ObjectManager.GetManagedObjects", "", TRUE },
    { "org.freedesktop.DBus.Introspectable.Introspect", "", TRUE },
    { "org.syrinx.Syrinx1.Library.Search", "green 5", TRUE },
    { "org.syrinx.Syrinx1.Library.GetStatistics", "", TRUE },
    { "org.syrinx.Syrinx1.Library.Rescan", "", FALSE },
    { "org.syrinx.Syrinx1.Manager.IssueToken", "\"{'subject': <'eve'>}\"",
        FALSE },
    { "org.syrinx.Syrinx1.Manager.RevokeToken", "'' ann", FALSE },
    { "org.syrinx.Syrinx1.Manager.WatchBytes", "true", FALSE },
    { "org.syrinx.Syrinx1.Manager.Reload", "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *root = call ("", cases[i].method, cases[i].arguments);
    g_autofree gchar *nobody
        = call (STRANGER, cases[i].method, cases[i].arguments);
    g_test_message ("%s: %.60s", cases[i].method, nobody);
    g_assert_null (strstr (root, "Error"));
    if (cases[i].for_all)
      g_assert_null (strstr (nobody, "Error"));
    else
      g_assert_nonnull (
          strstr (nobody, "org.freedesktop.DBus.Error.AccessDenied"));
  }
}

static void
a_limit_that_is_not_understood_gives_no_token (Fixture *f, gconstpointer data)
{
  static const gchar *const options[] = { "'tracks': <['abc']>",
    "'tracks': <5>", "'track': <'abc'>", "'sessions': <int64 1>" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autofree gchar *arguments
        = g_strdup_printf ("\"{'subject': <'eve'>, %s}\"", options[i]);
    g_autofree gchar *said
        = call ("", "org.syrinx.Syrinx1.Manager.IssueToken", arguments);

    g_test_message ("%s: %.100s", options[i], said);
    g_assert_nonnull (strstr (said, "org.syrinx.Syrinx1.Error.Invalid"));
  }
}

static void
nobody_takes_our_name (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) ours = shell (
      STRANGER " gdbus call --system --dest org.freedesktop.DBus --object-path "
               "/org/freedesktop/DBus --method "
               "org.freedesktop.DBus.RequestName org.syrinx.Syrinx1 0 2>&1 "
               "|| true");
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (ours, NULL), g_bytes_get_size (ours));

  g_assert_nonnull (strstr (text, "AccessDenied"));
}

/* There may be 32 watchers at a time; each of these leaves after its answer. */
static void
watchers_that_leave_make_room (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 40; i++) {
    g_autofree gchar *text
        = call ("", "org.syrinx.Syrinx1.Manager.WatchBytes", "true");
    g_assert_cmpstr (text, ==, "()\n");
  }
}

static gboolean
has_changed (gpointer data)
{
  g_autofree gchar *text = NULL;

  return g_file_get_contents (data, &text, NULL, NULL)
         && strstr (text, "SessionCount") && strstr (text, "InterfacesAdded");
}

/* gdbus monitor is used as the client. */
static void
changes_are_signalled (Fixture *f, gconstpointer data)
{
  g_autofree gchar *file = g_build_filename (f->dir, "signals", NULL);
  g_autofree gchar *token = daemon_token (f->daemon, "ann", "listen");
  g_autofree gchar *id = NULL;
  g_autoptr (JsonObject) session = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) monitor = NULL;

  daemon_wait_for_tracks (f->daemon, 12);
  id = daemon_find (f->daemon, token, "minuet");
  g_subprocess_launcher_set_stdout_file_path (launcher, file);
  monitor = g_subprocess_launcher_spawn (launcher, NULL, "gdbus", "monitor",
      "--system", "--dest", "org.syrinx.Syrinx1", NULL);
  g_usleep (G_USEC_PER_SEC / 2); /* until it has subscribed */
  session = daemon_session (f->daemon, token, id, NULL);
  wait_until (has_changed, file, "the signals", 10);
  g_subprocess_force_exit (monitor);
}

#define ADD(test)                                                              \
  g_test_add ("/bus/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (geteuid () != 0) {
    g_printerr ("only root can be more than one user\n");
    return SKIPPED;
  }
  ADD (everybody_may_look_and_few_may_change);
  ADD (a_limit_that_is_not_understood_gives_no_token);
  ADD (nobody_takes_our_name);
  ADD (watchers_that_leave_make_room);
  ADD (changes_are_signalled);
  return g_test_run ();
}
