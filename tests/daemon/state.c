/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: private, and what happens when its index is damaged. */
#include "harness.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define N_SAMPLES 12

static gchar *
text_of (GBytes *bytes)
{
  gsize n_bytes = 0;
  const gchar *data = g_bytes_get_data (bytes, &n_bytes);

  return g_strndup (data ? data : "", n_bytes);
}

/* The output of @command with the state directory, and its exit code. (transfer
 * full) */
static gchar *
run (Daemon *daemon, const gchar *command)
{
  g_autoptr (GBytes) said
      = shell ("set +e; timeout 30 '%s/daemon/'%s 2>&1; echo exit $?",
          g_getenv ("SYRINX_BUILD"), command);
  gchar *text = text_of (said);

  g_test_message ("%s: %s", command, text);
  return text;
}

/* If the test runs as root, access by another user is tried, too. */
static void
assert_closed (Daemon *daemon)
{
  const gchar *dir = daemon_get_state_dir (daemon);
  g_autoptr (GBytes) open
      = shell ("find '%s' -mindepth 1 ! -type l -perm /077", dir);
  g_autofree gchar *names = text_of (open);

  g_assert_cmpstr (names, ==, "");
  if (geteuid () == 0)
    g_bytes_unref (
        shell ("for f in index.db index.db-wal lock http-address audit.log; do "
               "test -e '%s'/$f; if setpriv --reuid 65534 --regid 65534 "
               "--clear-groups cat '%s'/$f 2>/dev/null; then exit 1; fi; done",
            dir, dir));
}

static void
others_read_nothing_in_a_folder_that_they_can_enter (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  const gchar *dir = daemon_get_state_dir (daemon);

  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (shell (
      "rm -rf '%s'; mkdir -m 755 '%s'; chmod 755 '%s/..'", dir, dir, dir));
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  assert_closed (daemon);
}

static void
what_an_older_daemon_left_open_is_closed (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  const gchar *dir = daemon_get_state_dir (daemon);

  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (
      shell ("chmod 755 '%s/..' '%s'; chmod -R go+rX '%s'/*", dir, dir, dir));
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  assert_closed (daemon);
}

/* --- A damaged index --- */

/* The write-ahead log holds pages that would repair it: it is checkpointed
 * first. */
static void
damage (Daemon *daemon, guint from, guint n_bytes)
{
  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (shell ("cd '%s'; sqlite3 index.db 'PRAGMA "
                        "wal_checkpoint(TRUNCATE)' >/dev/null; head -c %u "
                        "/dev/urandom | dd of=index.db bs=1 seek=%u "
                        "conv=notrunc 2>/dev/null",
      daemon_get_state_dir (daemon), n_bytes, from));
}

static gchar *
check (Daemon *daemon, const gchar *options)
{
  g_autofree gchar *command = g_strdup_printf ("syrinxctl --state-dir '%s' "
                                               "check %s",
      daemon_get_state_dir (daemon), options);

  return run (daemon, command);
}

static void
a_damaged_index_is_told_with_what_to_do (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *command = NULL, *refusal = NULL, *found = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  damage (daemon, 0, 100);
  command = g_strdup_printf (
      "syrinxd --state-dir '%s' --http 127.0.0.1:0 --admin 127.0.0.1:0",
      daemon_get_state_dir (daemon));
  refusal = run (daemon, command);
  g_assert_nonnull (strstr (refusal, "index.db"));
  g_assert_nonnull (strstr (refusal, "syrinxctl check --rebuild"));
  g_assert_nonnull (strstr (refusal, "exit 1"));
  found = check (daemon, "");
  g_assert_nonnull (strstr (found, "index: file is not a database"));
  g_assert_nonnull (strstr (found, "exit 1"));
}

static void
damage_inside_is_found (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *whole = NULL, *found = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  whole = check (daemon, "--files");
  g_assert_nonnull (strstr (whole, "exit 0"));
  damage (daemon, 3 * 4096, 8 * 4096);
  found = check (daemon, "");
  g_assert_nonnull (strstr (found, "index: "));
  g_assert_nonnull (strstr (found, "exit 1"));
}

static guint
ask_with (Daemon *daemon, const gchar *token)
{
  g_autoptr (Answer) answer = ask (daemon, "GET", "/v1/tracks", token, NULL);

  return answer->status;
}

/* The page of the revocations is not damaged here. */
static void
a_new_index_keeps_the_old_one_and_the_revocations (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "mallory", "listen");
  g_autofree gchar *revoked = NULL, *rebuilt = NULL, *refused = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  revoked
      = daemon_ctl (daemon, "token", "revoke", "--subject", "mallory", NULL);
  g_assert_cmpuint (ask_with (daemon, token), ==, 401);
  refused = check (daemon, "--rebuild");
  g_assert_nonnull (strstr (refused, "in use by process"));
  daemon_signal (daemon, SIGTERM);
  rebuilt = check (daemon, "--rebuild");
  g_assert_nonnull (strstr (rebuilt, "revocations taken over from it: 1."));
  g_assert_nonnull (strstr (rebuilt, "exit 0"));
  g_bytes_unref (shell (
      "test -s $(ls '%s'/index.db.damaged-*Z)", daemon_get_state_dir (daemon)));
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  g_assert_cmpuint (ask_with (daemon, token), ==, 401);
}

static void
fragments_that_are_gone_or_damaged_are_found (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL, *found = NULL;
  g_autoptr (JsonObject) session = NULL;
  g_autoptr (Sound) heard = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, "lullaby queue");
  session = daemon_session (daemon, token, id, NULL);
  heard = decode (json_object_get_string_member (session, "hls_url"));
  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (shell (
      "rm $(find '%s/chunks' -name 1.m4s)", daemon_get_state_dir (daemon)));
  found = check (daemon, "--files");
  g_assert_nonnull (strstr (found, "cache: "));
  g_assert_nonnull (strstr (found, "exit 1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/state/" #name, name)
  ADD (others_read_nothing_in_a_folder_that_they_can_enter);
  ADD (what_an_older_daemon_left_open_is_closed);
  ADD (a_damaged_index_is_told_with_what_to_do);
  ADD (damage_inside_is_found);
  ADD (a_new_index_keeps_the_old_one_and_the_revocations);
  ADD (fragments_that_are_gone_or_damaged_are_found);
  return g_test_run ();
}
