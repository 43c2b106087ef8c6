/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A daemon that is killed, damaged, stopped, refused, or whose folder
 * changes. */
#include "service.h"

#include <signal.h>
#include <string.h>

static gboolean
has_a_fragment (gpointer data)
{
  g_autoptr (GBytes) found
      = shell ("find '%s' -name '*.m4s' -size +0 | head -n 1", (gchar *)data);

  return g_bytes_get_size (found) > 0;
}

static void
nothing_is_lost_when_it_is_killed (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "cache-size=1G");
  g_autofree gchar *bearer = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL;
  g_autofree gchar *file
      = sample_file ("Reeds at Dusk", "01 Many Pipes, One Breath.flac");
  g_autoptr (Sound) original = decode (file), heard = NULL;
  g_autoptr (JsonObject) first = NULL, again = NULL;
  g_autoptr (Answer) answer = NULL;
  g_autofree gchar *fragment = NULL;

  daemon_signal (daemon, SIGKILL); /* in the middle of its first scan */
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, bearer, "many pipes");
  first = daemon_session (daemon, bearer, id, NULL);
  fragment = g_strdup_printf ("%.*sopus-128/0.m4s",
      (int)(strrchr (member (first, "hls_url"), '/') + 1
            - member (first, "hls_url")),
      member (first, "hls_url"));
  answer = ask (daemon, "GET", fragment, NULL, NULL);
  g_assert_cmpuint (answer->status, ==, 200);
  wait_until (has_a_fragment, (gpointer)daemon_get_state_dir (daemon),
      "a fragment on the disk", 10);
  daemon_signal (daemon, SIGKILL); /* while the rest is being made */
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  again = daemon_session (daemon, bearer, id, NULL);
  heard = decode (member (again, "hls_url"));
  assert_same_sound ("after two deaths", original, 0, heard, 0.97);
}

static void
a_damaged_fragment_is_made_again (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "memory-size=1M");
  g_autofree gchar *bearer = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autofree gchar *id = NULL, *log = NULL;
  g_autoptr (Sound) original = decode (file), first = NULL, again = NULL;
  g_autoptr (JsonObject) one = NULL, two = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, bearer, "lullaby queue");
  one = daemon_session (daemon, bearer, id, NULL);
  first = decode (member (one, "hls_url"));
  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (
      shell ("cd '%s'; set -- $(find . -name '*.m4s' -size +8k); "
             "test $# -ge 2; for f; do printf XXXX | "
             "dd of=\"$f\" bs=1 seek=5000 conv=notrunc 2>/dev/null; done; "
             "truncate -s 100 \"$2\"",
          daemon_get_state_dir (daemon)));
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  two = daemon_session (daemon, bearer, id, NULL);
  again = decode (member (two, "hls_url"));
  assert_same_sound ("damaged", original, 0, again, 0.97);
  log = daemon_get_log (daemon);
  g_assert_nonnull (strstr (log, "made again"));
}

static void
a_second_daemon_is_refused (void)
{
  g_autoptr (GBytes) said
      = shell ("set +e; '%s/daemon/syrinxd' --state-dir '%s' --library '%s' "
               "--http 127.0.0.1:0 --admin 127.0.0.1:0 2>&1; echo \"exit $?\"",
          g_getenv ("SYRINX_BUILD"), daemon_get_state_dir (service),
          g_getenv ("SYRINX_SAMPLES"));
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));

  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, "exit 1"));
  g_assert_nonnull (strstr (text, daemon_get_state_dir (service)));
}

static gboolean
has_ended (gpointer data)
{
  return !daemon_is_alive (data);
}

static gboolean
is_draining (gpointer data)
{
  g_autoptr (Answer) answer = ask (data, "GET", "/readyz", NULL, NULL);

  return answer->status == 503;
}

static void
what_plays_may_end_before_it_stops (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "drain-seconds=30");
  g_autofree gchar *bearer = NULL, *id = NULL, *body = NULL, *url = NULL;
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (daemon), "last.opus", NULL);
  g_autoptr (JsonObject) session = NULL;
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (Answer) refused = NULL;
  gint64 start_us;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  bearer = daemon_token (daemon, "ann", "listen");
  id = daemon_find (daemon, bearer, "many pipes one breath");
  session = daemon_session (daemon, bearer, id, NULL);
  url = g_strconcat (member (session, "progressive_url"), "?start=3", NULL);
  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "curl", "-sS", "-f",
      "-m", "20", "-o", file, url, NULL);
  g_usleep (G_USEC_PER_SEC);
  start_us = g_get_monotonic_time ();
  kill (daemon_get_pid (daemon), SIGTERM);
  wait_until (is_draining, daemon, "/readyz to tell", 5);
  body = g_strdup_printf ("{\"track_id\":\"%s\"}", id);
  refused = ask (daemon, "POST", "/v1/sessions", bearer, body);
  g_assert_cmpuint (refused->status, ==, 503);
  g_assert_nonnull (answer_header (refused, "retry-after"));
  g_assert_true (g_subprocess_wait_check (curl, NULL, NULL));
  wait_until (has_ended, daemon, "the end", 5);
  g_assert_cmpint (
      g_get_monotonic_time () - start_us, >, 2 * G_TIME_SPAN_SECOND);
}

static void
logs_are_json_for_who_asks (void)
{
  g_autoptr (GBytes) said
      = shell ("'%s/daemon/syrinxd' --log-format json --state-dir '%s' "
               "--library /nowhere --http 127.0.0.1:0 --admin 127.0.0.1:0 "
               "--rtsp none 2>&1 >/dev/null & sleep 1; kill -INT $!; wait $! "
               "|| true",
          g_getenv ("SYRINX_BUILD"), "/tmp/syrinx-json-log");
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), >, 1);
  for (guint i = 0; lines[i]; i++) {
    g_autoptr (JsonNode) node = json_from_string (lines[i], NULL);
    g_test_message ("%s", lines[i]);
    g_assert_nonnull (node);
    g_assert_nonnull (member (json_node_get_object (node), "time"));
    g_assert_nonnull (member (json_node_get_object (node), "message"));
  }
  g_bytes_unref (shell ("rm -rf /tmp/syrinx-json-log"));
}

typedef struct
{
  Daemon *daemon;
  const gchar *token, *words, *id; /* id (nullable): any */
} Expected;

static gboolean
is_found (gpointer data)
{
  Expected *expected = data;
  g_autofree gchar *escaped
      = g_uri_escape_string (expected->words, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("/v1/tracks?q=", escaped, NULL);
  g_autoptr (Answer) answer
      = ask (expected->daemon, "GET", path, expected->token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);
  JsonArray *tracks = json_object_get_array_member (json, "tracks");

  return json_array_get_length (tracks) > 0
         && (!expected->id
             || g_str_equal (expected->id,
                 member (json_array_get_object_element (tracks, 0), "id")));
}

static gboolean
is_lost (gpointer data)
{
  return !is_found (data);
}

static void
the_index_follows_the_folder (void)
{
  g_autofree gchar *library = g_dir_make_tmp ("syrinx-library-XXXXXX", NULL);
  g_autofree gchar *one = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");
  g_autofree gchar *two = sample_file ("Reeds at Dusk", "02 Greensleeves.mp3");
  g_autoptr (Daemon) daemon = NULL;
  g_autofree gchar *bearer = NULL, *id = NULL;

  g_bytes_unref (shell ("cp \"%s\" '%s'", one, library));
  daemon = daemon_new (library, NULL);
  bearer = daemon_token (daemon, "ann", "listen");
  daemon_wait_for_tracks (daemon, 1);
  g_bytes_unref (shell ("cp \"%s\" '%s/x.mp3'", two, library));
  wait_until (is_found, &(Expected){ daemon, bearer, "greensleeves" },
      "the new file to be found", 20);
  id = daemon_find (daemon, bearer, "greensleeves");
  g_bytes_unref (shell ("mkdir '%s/sub'; mv '%s/x.mp3' '%s/sub/y.mp3'", library,
      library, library));
  g_usleep (2 * G_USEC_PER_SEC);
  wait_until (is_found, &(Expected){ daemon, bearer, "greensleeves", id },
      "the moved file to keep its id", 20);
  g_bytes_unref (shell ("rm '%s/sub/y.mp3'", library));
  wait_until (is_lost, &(Expected){ daemon, bearer, "greensleeves" },
      "the removed file to be gone", 20);
  g_clear_pointer (&daemon, daemon_free);
  g_bytes_unref (shell ("rm -r '%s'", library));
}

#define ADD(name) g_test_add_func ("/life/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (nothing_is_lost_when_it_is_killed);
  ADD (a_damaged_fragment_is_made_again);
  ADD (a_second_daemon_is_refused);
  ADD (what_plays_may_end_before_it_stops);
  ADD (logs_are_json_for_who_asks);
  ADD (the_index_follows_the_folder);
  return service_run ();
}
