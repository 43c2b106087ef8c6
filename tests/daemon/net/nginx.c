/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* data/nginx/syrinx.conf in a real nginx, before a real syrinxd. */
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define NGINX     "/usr/sbin/nginx"
#define SKIPPED   77
#define N_STREAMS 8 /* more than one address may have connections */

typedef struct
{
  gchar *dir, *url;
  guint16 port, plain_port;
  Daemon *daemon;
  GPid nginx;
  gchar *token, *track;
} Fixture;

static guint16
free_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GError) error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);

  g_assert_no_error (error);
  return port;
}

/* The configuration as shipped, except for addresses and paths. */
static void
write_configuration (Fixture *f)
{
  g_bytes_unref (shell (
      "cd '%s'; openssl req -x509 -newkey ec -pkeyopt "
      "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=nginx -addext "
      "subjectAltName=IP:127.0.0.1 -keyout key -out crt 2>/dev/null\n"
      "sed -e 's/127.0.0.1:8080/127.0.0.1:%u/; /listen \\[::\\]/d; "
      "s/listen 443/listen 127.0.0.1:%u/; s/listen 80/listen 127.0.0.1:%u/; "
      "s,/etc/ssl/syrinx,'$PWD'/,; s,/\\.crt,/crt,; s,/\\.key,/key,; "
      "s,/var/log/nginx/,'$PWD'/,' '%s' > syrinx.conf\n"
      "cat > nginx.conf <<EOF\n"
      "daemon off; pid $PWD/pid; error_log stderr; worker_processes 1;\n"
      "events {}\n"
      "http { client_body_temp_path $PWD/body; proxy_temp_path $PWD/proxy;\n"
      "  fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path "
      "$PWD/s;\n  include syrinx.conf; }\nEOF",
      f->dir, daemon_get_port (f->daemon), f->port, f->plain_port,
      g_getenv ("SYRINX_NGINX_CONF")));
}

static gboolean
answers (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", f->port, NULL, NULL);

  if (waitpid (f->nginx, NULL, WNOHANG) == f->nginx)
    g_error ("nginx did not start");
  return connection != NULL;
}

static void
start_nginx (Fixture *f)
{
  g_autofree gchar *configuration
      = g_build_filename (f->dir, "nginx.conf", NULL);
  const gchar *const argv[]
      = { NGINX, "-e", "stderr", "-p", f->dir, "-c", configuration, NULL };
  g_autoptr (GError) error = NULL;

  f->port = free_port ();
  f->plain_port = free_port ();
  write_configuration (f);
  g_spawn_async (NULL, (gchar **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
      NULL, &f->nginx, &error);
  g_assert_no_error (error);
  wait_until (answers, f, "nginx", 10);
  f->url = g_strdup_printf ("https://127.0.0.1:%u", f->port);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-nginx-XXXXXX", &error);
  g_assert_no_error (error);
  f->daemon = daemon_new (
      NULL, "trusted-proxies=127.0.0.1\nmax-connections-per-address=4");
  daemon_wait_for_tracks (f->daemon, 12);
  f->token = daemon_token (f->daemon, "nginx", "listen");
  f->track = daemon_find (f->daemon, f->token, "Minuet");
  start_nginx (f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  kill (f->nginx, SIGTERM);
  waitpid (f->nginx, NULL, 0);
  daemon_free (f->daemon);
  g_bytes_unref (shell ("rm -r '%s'", f->dir));
  g_free (f->dir);
  g_free (f->url);
  g_free (f->token);
  g_free (f->track);
}

/* A session begun from 127.0.0.2, through nginx. (transfer full) */
static JsonObject *
new_session (Fixture *f, const gchar *track)
{
  g_autoptr (GBytes) answer = shell (
      "curl -fsS --interface 127.0.0.2 --cacert %s/crt -H 'Authorization: "
      "Bearer %s' -d '{\"track_id\":\"%s\"}' %s/v1/sessions",
      f->dir, f->token, track, f->url);
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer));
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

static void
assert_sounds_like (Sound *sound, const gchar *album, const gchar *name)
{
  g_autofree gchar *file = sample_file (album, name);
  g_autoptr (Sound) original = decode (file);

  g_assert_cmpuint (sound->n, >=, original->n - SOUND_RATE / 10);
  g_assert_cmpfloat (correlate (sound, 0, original), >, 0.9);
}

/* --- Through the proxy --- */

static void
ffmpeg_plays_hls_through_it (Fixture *f, gconstpointer unused)
{
  g_autoptr (JsonObject) session = new_session (f, f->track);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  g_autofree gchar *index = NULL;
  g_autoptr (Sound) sound = NULL;

  g_assert_true (
      g_str_has_prefix (url, f->url)); /* the proxy's scheme and port */
  index = g_strdup_printf (
      "%.*s/opus-128/index.m3u8", (int)(strrchr (url, '/') - url), url);
  sound = decode (index);
  assert_sounds_like (sound, "Pipes at Dawn", "02 Minuet in G.wav");
}

static gboolean
have_begun (gpointer data)
{
  gchar **files = data;
  GStatBuf info;

  for (guint i = 0; i < N_STREAMS; i++)
    if (g_stat (files[i], &info) != 0 || info.st_size == 0)
      return FALSE;
  return TRUE;
}

/* Each stream begins while all play: none is buffered by nginx, and the daemon
 * does not count the proxy's connections as one listener's. */
static void
many_streams_go_through_as_they_come (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *track = daemon_find (f->daemon, f->token, "Many Pipes");
  g_autoptr (JsonObject) session = new_session (f, track);
  const gchar *url = json_object_get_string_member (session, "progressive_url");
  g_autofree gchar *ca = g_build_filename (f->dir, "crt", NULL);
  gchar *files[N_STREAMS + 1] = { NULL };
  GSubprocess *curls[N_STREAMS];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_STREAMS; i++) {
    files[i] = g_strdup_printf ("%s/%u.opus", f->dir, i);
    curls[i] = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "curl",
        "-fsSN", "--cacert", ca, "-o", files[i], url, NULL);
    g_assert_no_error (error);
  }
  wait_until (have_begun, files, "all streams to begin", 10);
  for (guint i = 0; i < N_STREAMS; i++)
    g_assert_nonnull (g_subprocess_get_identifier (curls[i]));
  for (guint i = 0; i < N_STREAMS; i++) {
    g_autoptr (Sound) sound = NULL;
    g_assert_true (g_subprocess_wait_check (curls[i], NULL, &error));
    sound = decode (files[i]);
    assert_sounds_like (
        sound, "Reeds at Dusk", "01 Many Pipes, One Breath.flac");
    g_object_unref (curls[i]);
    g_free (files[i]);
  }
}

static void
a_listener_has_an_address_of_its_own (Fixture *f, gconstpointer unused)
{
  g_autoptr (JsonObject) session = new_session (f, f->track);
  g_autofree gchar *table = daemon_ctl (f->daemon, "--json", "sessions", NULL);

  g_assert_nonnull (
      strstr (table, json_object_get_string_member (session, "id")));
  g_assert_nonnull (strstr (table, "\"client\" : \"127.0.0.2\""));
}

static void
an_address_without_a_port_stays_without (Fixture *f, gconstpointer unused)
{
  g_bytes_unref (shell (
      "curl -fsS --cacert %s/crt -H 'Host: music.example.org' -H "
      "'Authorization: Bearer %s' -d '{\"track_id\":\"%s\"}' %s/v1/sessions | "
      "grep -q '\"https://music.example.org/v1/sessions/'",
      f->dir, f->token, f->track, f->url));
}

static void
the_plain_port_leads_to_https (Fixture *f, gconstpointer unused)
{
  g_bytes_unref (shell ("curl -sS -o /dev/null -w '%%{http_code} "
                        "%%{redirect_url}' http://127.0.0.1:%u/x | grep -qx "
                        "'308 https://127.0.0.1/x'",
      f->plain_port));
}

static void
the_log_holds_no_token_and_no_capability (Fixture *f, gconstpointer unused)
{
  g_autoptr (JsonObject) session = new_session (f, f->track);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  const gchar *id = json_object_get_string_member (session, "id");
  g_auto (GStrv) parts = g_strsplit (strstr (url, id), "/", 3);

  g_bytes_unref (shell ("curl -fsS --cacert %s/crt -o /dev/null -o /dev/null "
                        "'%s' '%s/v1/tracks/%s/stream.opus?token=%s'",
      f->dir, url, f->url, f->track, f->token));
  g_bytes_unref (
      shell ("cd '%s'; grep -q '%s/\\*\\*\\*/master.m3u8' syrinx.log; "
             "grep -q stream.opus syrinx.log; ! grep -e '%s' -e "
             "'%s' syrinx.log syrinx-error.log",
          f->dir, id, parts[1], f->token));
}

int
main (int argc, char **argv)
{
#define TEST(name)                                                             \
  g_test_add ("/nginx/" #name, Fixture, NULL, set_up, name, tear_down)
  g_test_init (&argc, &argv, NULL);
  if (!g_file_test (NGINX, G_FILE_TEST_IS_EXECUTABLE)) {
    g_print ("there is no %s\n", NGINX);
    return SKIPPED;
  }
  TEST (ffmpeg_plays_hls_through_it);
  TEST (many_streams_go_through_as_they_come);
  TEST (a_listener_has_an_address_of_its_own);
  TEST (an_address_without_a_port_stays_without);
  TEST (the_plain_port_leads_to_https);
  TEST (the_log_holds_no_token_and_no_capability);
  return g_test_run ();
}
