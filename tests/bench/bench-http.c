/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One encrypted fragment from the cache over HTTP keep-alive, beside nginx with
 * a file of the same size; many connections, and idle ones. */
#include "figures.h"
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS       5
#define SECONDS      3
#define N_IDLE       5000
#define IDLE_SECONDS 5
#define N_SESSIONS   64
#define LIMITS                                                                 \
  "requests-per-second=1000000\nmax-connections-per-address=20000\n"

typedef struct
{
  gchar *dir, *url;
  GPid worker;
} Nginx;

/* --- nginx --- */

static const gchar nginx_config[]
    = "worker_processes 1; daemon on; pid %s/pid; error_log %s/error;\n"
      "events { worker_connections 8192; }\n"
      "http { access_log off; sendfile on; tcp_nopush on;\n"
      "  keepalive_requests 1000000000;\n"
      "  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
      "  uwsgi_temp_path %s; scgi_temp_path %s;\n"
      "  server { listen 127.0.0.1:%u; root %s; } }\n";

static guint16
find_free_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static void
nginx_start (Nginx *nginx, GBytes *file)
{
  guint16 port = find_free_port ();
  g_autofree gchar *config = NULL, *path = NULL, *served = NULL;
  g_autoptr (GBytes) children = NULL;
  g_autofree gchar *text = NULL;

  nginx->dir = g_dir_make_tmp ("syrinx-nginx-XXXXXX", NULL);
  path = g_build_filename (nginx->dir, "nginx.conf", NULL);
  served = g_build_filename (nginx->dir, "fragment", NULL);
  config = g_strdup_printf (nginx_config, nginx->dir, nginx->dir, nginx->dir,
      nginx->dir, nginx->dir, nginx->dir, nginx->dir, port, nginx->dir);
  if (!g_file_set_contents (path, config, -1, NULL)
      || !g_file_set_contents (
          served, g_bytes_get_data (file, NULL), g_bytes_get_size (file), NULL))
    g_error ("can't write to %s", nginx->dir);
  g_bytes_unref (shell ("chmod 755 %s; nginx -c %s", nginx->dir, path));
  children = shell ("sleep 0.2; pgrep -P $(cat %s/pid)", nginx->dir);
  text = g_strndup (
      g_bytes_get_data (children, NULL), g_bytes_get_size (children));
  nginx->worker = atoi (text);
  nginx->url = g_strdup_printf ("http://127.0.0.1:%u/fragment", port);
}

static void
nginx_stop (Nginx *nginx)
{
  g_bytes_unref (
      shell ("kill $(cat %s/pid); rm -rf %s", nginx->dir, nginx->dir));
  g_free (nginx->dir);
  g_free (nginx->url);
}

/* --- wrk --- */

/* Microseconds of CPU a request in @pid; adds what wrk says went wrong. @script
 * (nullable): a file. */
static gdouble
load_by (GPid pid, const gchar *url, const gchar *script, guint n_connections,
    gdouble *n_errors)
{
  gdouble before = process_cpu_s (pid), after;
  g_autoptr (GBytes) said = shell (
      "wrk -t1 -c%u -d%ds --timeout 10s %s '%s' '%s'", n_connections, SECONDS,
      script ? "-s" : "--", script ? script : url, script ? url : "");
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  const gchar *requests = strstr (text, " requests in");
  const gchar *errors = strstr (text, "Socket errors:");
  const gchar *bad = strstr (text, "Non-2xx or 3xx responses:");
  guint counts[4] = { 0 };

  after = process_cpu_s (pid);
  if (!requests)
    g_error ("wrk: %s", text);
  while (requests > text && g_ascii_isdigit (requests[-1]))
    requests--;
  if (errors
      && sscanf (errors,
             "Socket errors: connect %u, read %u, write %u, timeout %u",
             &counts[0], &counts[1], &counts[2], &counts[3])
             == 4)
    *n_errors += counts[0] + counts[1] + counts[2] + counts[3];
  if (bad)
    *n_errors += atoi (bad + strlen ("Non-2xx or 3xx responses:"));
  return (after - before) * 1e6 / g_ascii_strtoull (requests, NULL, 10);
}

static gdouble
load (GPid pid, const gchar *url, guint n_connections, gdouble *n_errors)
{
  return load_by (pid, url, NULL, n_connections, n_errors);
}

/* --- The bench --- */

static gchar *
find_fragment (Daemon *daemon, GBytes **bytes)
{
  g_autofree gchar *token = daemon_token (daemon, "bench", "listen");
  g_autofree gchar *id = daemon_find (daemon, token, "many pipes one breath");
  g_autoptr (JsonObject) session = daemon_session (daemon, token, id, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  gchar *fragment = g_strdup_printf (
      "%.*sopus-128/1.m4s", (int)(strrchr (url, '/') + 1 - url), url);
  g_autoptr (Answer) answer = ask (daemon, "GET", fragment, NULL, NULL);

  if (answer->status != 200)
    g_error ("no fragment: %u", answer->status);
  *bytes = g_bytes_ref (answer->body);
  return fragment;
}

static void
compare_with_nginx (Daemon *daemon, const gchar *fragment, Nginx *nginx)
{
  gdouble own[ROUNDS], peer[ROUNDS], many[ROUNDS];
  gdouble n_errors = 0, n_nginx_errors = 0;
  GPid pid = daemon_get_pid (daemon);
  gdouble own_us;

  for (guint i = 0; i < ROUNDS; i++) {
    own[i] = load (pid, fragment, 64, &n_errors);
    peer[i] = load (nginx->worker, nginx->url, 64, &n_nginx_errors);
    many[i] = load (pid, fragment, 1000, &n_errors);
  }
  own_us = figures_median (own, ROUNDS);
  figures_add (&(Figure){ "http_fragment_cpu_64_connections", own_us, "us/req",
      "nginx, a file", figures_median (peer, ROUNDS), GOAL_RATIO_AT_MOST,
      1.5 });
  figures_add (&(Figure){ "http_fragment_cpu_1000_connections",
      figures_median (many, ROUNDS), "us/req", "64 connections", own_us,
      GOAL_RATIO_AT_MOST, 1.3 });
  figures_add (&(Figure){
      "http_errors_and_timeouts", n_errors, "", NULL, 0, GOAL_AT_MOST, 0 });
}

/* --- With an egress budget: a turn for each --- */

/* Has wrk go round the fragments of N_SESSIONS sessions. (transfer full) */
static gchar *
write_script (Daemon *daemon)
{
  g_autoptr (GString) text = g_string_new ("local paths = {\n");
  gchar *path = NULL;
  int fd = g_file_open_tmp ("syrinx-wrk-XXXXXX.lua", &path, NULL);

  for (guint i = 0; i < N_SESSIONS; i++) {
    g_autoptr (GBytes) bytes = NULL;
    g_autofree gchar *url = find_fragment (daemon, &bytes);
    g_string_append_printf (
        text, "'%s',\n", url + strlen (daemon_get_url (daemon)));
  }
  g_string_append (text,
      "}\nlocal i = 0\nfunction request ()\n  i = i % #paths + 1\n"
      "  return wrk.format ('GET', paths[i])\nend\n");
  if (fd < 0 || !g_file_set_contents (path, text->str, -1, NULL))
    g_error ("can't write wrk's script");
  close (fd);
  return path;
}

static void
compare_with_budget (void)
{
  gdouble costs[2][ROUNDS], n_errors = 0;
  g_autofree gchar *scripts[2] = { NULL };
  Daemon *daemons[2];

  for (guint i = 0; i < 2; i++) {
    daemons[i] = daemon_new (
        NULL, i ? LIMITS "egress-budget-kbps=1000000000" : LIMITS);
    daemon_wait_for_tracks (daemons[i], 12);
    scripts[i] = write_script (daemons[i]);
  }
  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < 2; i++)
      costs[i][round] = load_by (daemon_get_pid (daemons[i]),
          daemon_get_url (daemons[i]), scripts[i], 64, &n_errors);
  figures_add (&(Figure){ "http_fragment_cpu_with_budget",
      figures_median (costs[1], ROUNDS), "us/req", "without",
      figures_median (costs[0], ROUNDS) });
  figures_add (&(Figure){
      "http_errors_with_budget", n_errors, "", NULL, 0, GOAL_AT_MOST, 0 });
  for (guint i = 0; i < 2; i++) {
    g_unlink (scripts[i]);
    daemon_free (daemons[i]);
  }
}

static void
hold_idle (Daemon *daemon)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GPid pid = daemon_get_pid (daemon);
  gdouble before;
  guint rss = process_rss_kib (pid);
  static const gchar text[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

  for (guint i = 0; i < N_IDLE; i++) {
    g_autoptr (GError) error = NULL;
    GSocketConnection *connection = g_socket_client_connect_to_host (
        client, "127.0.0.1", daemon_get_port (daemon), NULL, &error);
    gchar answer[4096];
    if (!connection)
      g_error ("connection %u: %s", i, error->message);
    g_ptr_array_add (held, connection);
    g_output_stream_write_all (
        g_io_stream_get_output_stream (G_IO_STREAM (connection)), text,
        sizeof text - 1, NULL, NULL, NULL);
    g_input_stream_read (
        g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer,
        sizeof answer, NULL, NULL);
  }
  before = process_cpu_s (pid);
  g_usleep (IDLE_SECONDS * G_USEC_PER_SEC);
  figures_add (&(Figure){ "http_5000_idle_connections_cpu",
      (process_cpu_s (pid) - before) / IDLE_SECONDS * 100, "%", NULL, 0,
      GOAL_AT_MOST, 1 });
  figures_add (&(Figure){ "http_idle_connection_memory",
      ((gdouble)process_rss_kib (pid) - rss) / N_IDLE, "KiB", NULL, 0 });
}

int
main (void)
{
  struct rlimit files = { 0 };
  g_autoptr (Daemon) daemon = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree gchar *fragment = NULL;
  Nginx nginx = { 0 };

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  daemon = daemon_new (NULL, LIMITS);
  daemon_wait_for_tracks (daemon, 12);
  fragment = find_fragment (daemon, &bytes);
  nginx_start (&nginx, bytes);
  figures_begin ("http");
  printf ("a fragment of %zu bytes\n", g_bytes_get_size (bytes));
  compare_with_nginx (daemon, fragment, &nginx);
  hold_idle (daemon);
  nginx_stop (&nginx);
  g_clear_pointer (&daemon, daemon_free);
  compare_with_budget ();
  return 0;
}
