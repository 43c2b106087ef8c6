/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's watchdog is notified while all threads answer, and not while one
 * hangs. */
#include "harness.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERIOD_MS 1000
#define SIGN      "WATCHDOG=1"

typedef struct
{
  gchar *dir;
  gint socket; /* in place of systemd's */
  Daemon *daemon;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree gchar *path = NULL;

  f->dir = g_dir_make_tmp ("syrinx-watchdog-XXXXXX", NULL);
  path = g_build_filename (f->dir, "notify", NULL);
  f->socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (
      bind (f->socket, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_setenv ("NOTIFY_SOCKET", path, TRUE);
  g_setenv ("WATCHDOG_USEC", G_STRINGIFY (PERIOD_MS) "000", TRUE);
  f->daemon = daemon_new (NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (f->dir, "notify", NULL);

  daemon_free (f->daemon);
  close (f->socket);
  g_unlink (path);
  g_rmdir (f->dir);
  g_free (f->dir);
}

/* Whether a notification arrives within @timeout_ms. */
static gboolean
is_fed (Fixture *f, guint timeout_ms)
{
  gint64 end_us
      = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  struct pollfd pfd = { f->socket, POLLIN, 0 };
  gchar text[512];

  for (;;) {
    gint64 left_us = end_us - g_get_monotonic_time ();
    gssize n;

    if (left_us <= 0 || poll (&pfd, 1, left_us / 1000 + 1) <= 0)
      return FALSE;
    n = recv (f->socket, text, sizeof text - 1, 0);
    g_assert_cmpint (n, >=, 0);
    text[n] = '\0';
    if (strstr (text, SIGN))
      return TRUE;
  }
}

static void
assert_fed (Fixture *f)
{
  for (guint i = 0; i < 3; i++)
    g_assert_true (is_fed (f, 30 * PERIOD_MS));
}

static void
it_is_fed_while_all_threads_answer (Fixture *f, gconstpointer data)
{
  assert_fed (f);
}

/* Ids of the daemon's threads whose name is @prefix, or @prefix followed by a
 * digit. */
static GArray *
find_threads (Fixture *f, const gchar *prefix)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/task", daemon_get_pid (f->daemon));
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  const gchar *entry;

  while ((entry = g_dir_read_name (dir))) {
    g_autofree gchar *file = g_build_filename (path, entry, "comm", NULL);
    g_autofree gchar *name = NULL;
    pid_t id = atoi (entry);
    gsize length = strlen (prefix);

    if (g_file_get_contents (file, &name, NULL, NULL)
        && strncmp (name, prefix, length) == 0
        && (name[length] == '\n' || g_ascii_isdigit (name[length])))
      g_array_append_val (ids, id);
  }
  return ids;
}

static gboolean
stop_thread (pid_t id)
{
  if (ptrace (PTRACE_SEIZE, id, NULL, NULL) != 0)
    return FALSE;
  g_assert_cmpint (ptrace (PTRACE_INTERRUPT, id, NULL, NULL), ==, 0);
  g_assert_cmpint (waitpid (id, NULL, __WALL), ==, id);
  return TRUE;
}

static gboolean
has_told (gpointer data)
{
  g_autofree gchar *log = daemon_get_log (data);

  return strstr (log, "does not answer") != NULL;
}

/* @data: the name of the threads, which a debugger stops one by one. */
static void
it_is_not_fed_while_a_thread_hangs (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) ids = NULL;

  assert_fed (f);
  ids = find_threads (f, data);
  g_assert_cmpuint (ids->len, >, 0);
  for (guint i = 0; i < ids->len; i++)
    if (!stop_thread (g_array_index (ids, pid_t, i))) {
      g_test_skip ("no thread may be traced here");
      return;
    }
  wait_until (has_told, f->daemon, "the watchdog to tell", 30);
  while (is_fed (f, 100))
    ; /* drops earlier notifications */
  g_assert_false (is_fed (f, 3 * PERIOD_MS));
  for (guint i = 0; i < ids->len; i++)
    g_assert_cmpint (
        ptrace (PTRACE_DETACH, g_array_index (ids, pid_t, i), NULL, NULL), ==,
        0);
  assert_fed (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/watchdog/it_is_fed_while_all_threads_answer", Fixture, NULL,
      set_up, it_is_fed_while_all_threads_answer, tear_down);
  g_test_add ("/watchdog/it_is_not_fed_while_the_io_loop_hangs", Fixture,
      "syrinx-io", set_up, it_is_not_fed_while_a_thread_hangs, tear_down);
  g_test_add ("/watchdog/it_is_not_fed_while_the_scheduler_hangs", Fixture,
      "syrinx-", set_up, it_is_not_fed_while_a_thread_hangs, tear_down);
  return g_test_run ();
}
