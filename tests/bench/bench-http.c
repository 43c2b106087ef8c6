/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One encrypted fragment from the cache over HTTP keep-alive, compared with
 * nginx and a file of the same size; also many connections, and idle ones. */
#include "figures.h"
#include "machine.h"
#include "peers.h"
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS       5
#define SECONDS      3
#define N_IDLE       5000
#define IDLE_SECONDS 5
#define N_SESSIONS   64
#define N_LOAD_CORES 2
#define LIMITS                                                                 \
  "requests-per-second=1000000\nmax-connections-per-address=20000\n"           \
  "requests-per-second-per-subject=1000000\n"

/* Microseconds of CPU per request, and its latency. */
typedef struct
{
  gdouble cpu_us[ROUNDS], p99_ms[ROUNDS], per_second[ROUNDS];
  guint n_errors;
} Series;

static void
load (Series *series, guint round, gdouble (*cpu_s) (gconstpointer server),
    gconstpointer server, const Load *wanted)
{
  gdouble before = cpu_s (server);
  LoadResult result;

  load_run (wanted, &result);
  series->cpu_us[round]
      = (cpu_s (server) - before) * 1e6 / MAX (result.n_requests, 1);
  series->p99_ms[round] = result.p99_ms;
  series->per_second[round] = result.n_requests / result.seconds;
  series->n_errors += result.n_errors;
}

static gdouble
daemon_cpu_s (gconstpointer daemon)
{
  return process_cpu_s (daemon_get_pid ((Daemon *)daemon));
}

static gdouble
peer_cpu_s (gconstpointer nginx)
{
  return nginx_cpu_s (nginx);
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
tell (const gchar *name, guint n_connections, const gchar *peer,
    const Series *own, const Series *nginx, gdouble max_cpu, gdouble max_p99)
{
  g_autofree gchar *cpu
      = g_strdup_printf ("%s_cpu_%u_connections", name, n_connections);
  g_autofree gchar *p99
      = g_strdup_printf ("%s_p99_%u_connections", name, n_connections);
  g_autofree gchar *errors
      = g_strdup_printf ("%s_errors_%u_connections", name, n_connections);
  g_autofree gchar *says
      = g_strdup_printf ("a cached fragment%s, %u connections: CPU",
          g_str_has_prefix (name, "https") ? " by HTTPS" : "", n_connections);

  figures_compare (&(Figure){ .figure = cpu,
                       .unit = "us/req",
                       .peer = peer,
                       .kind = GOAL_RATIO_AT_MOST,
                       .goal = max_cpu,
                       .says = says },
      own->cpu_us, nginx->cpu_us, ROUNDS);
  figures_compare (&(Figure){ .figure = p99,
                       .unit = "ms",
                       .peer = peer,
                       .kind = GOAL_RATIO_AT_MOST,
                       .goal = max_p99 },
      own->p99_ms, nginx->p99_ms, ROUNDS);
  figures_add (
      &(Figure){ errors, own->n_errors, "", NULL, 0, GOAL_AT_MOST, 0 });
}

/* Without or with TLS, in turn with nginx. */
static void
compare_with_nginx (Daemon *daemon, const gchar *url, const Nginx *nginx,
    gboolean tls, guint n_connections)
{
  const Load own_load = { url, NULL, n_connections, 1, SECONDS };
  const Load peer_load
      = { tls ? nginx->tls_url : nginx->url, NULL, n_connections, 1, SECONDS };
  Series own = { 0 }, peer = { 0 };
  Rounds rounds = { 0 };
  guint rss_kib = process_rss_kib (daemon_get_pid (daemon));

  while (rounds_next (&rounds, ROUNDS)) {
    load (&own, rounds.index, daemon_cpu_s, daemon, &own_load);
    load (&peer, rounds.index, peer_cpu_s, nginx, &peer_load);
  }
  tell (tls ? "https_fragment" : "http_fragment", n_connections,
      tls ? "nginx, a file by HTTPS" : "nginx, a file", &own, &peer,
      tls ? 1.1 : 0.9, 1.5);
  if (tls)
    figures_add (&(Figure){ "https_growth_a_connection",
        MAX ((gdouble)process_rss_kib (daemon_get_pid (daemon)) - rss_kib, 0)
            / n_connections,
        "KiB", NULL, 0, GOAL_AT_MOST, 64 });
}

/* The rate of both cores together, with as many client threads. */
static void
compare_both_cores (Daemon *daemon, const gchar *url, GBytes *bytes)
{
  Nginx nginx = { 0 };
  Series own = { 0 }, peer = { 0 };
  Rounds rounds = { 0 };

  nginx_start (&nginx, bytes, g_get_num_processors (), NULL);
  while (rounds_next (&rounds, ROUNDS)) {
    load (&own, rounds.index, daemon_cpu_s, daemon,
        &(Load){ url, NULL, 64, N_LOAD_CORES, SECONDS });
    load (&peer, rounds.index, peer_cpu_s, &nginx,
        &(Load){ nginx.url, NULL, 64, N_LOAD_CORES, SECONDS });
  }
  figures_compare (&(Figure){ .figure = "http_fragments_all_cores",
                       .unit = "req/s",
                       .peer = "nginx, worker_processes auto",
                       .kind = GOAL_RATIO_AT_LEAST,
                       .goal = 1 },
      own.per_second, peer.per_second, ROUNDS);
  nginx_stop (&nginx);
}

/* New connections with one handshake each: microseconds of the server's CPU. */
static void
compare_handshakes (
    Daemon *daemon, const gchar *address, const Nginx *nginx, gboolean resumed)
{
  const gchar *peer_address = nginx->tls_url + strlen ("https://");
  gdouble own[ROUNDS], peer[ROUNDS];
  Rounds rounds = { 0 };

  while (rounds_next (&rounds, ROUNDS))
    for (guint i = 0; i < 2; i++) {
      gdouble before = i ? nginx_cpu_s (nginx) : daemon_cpu_s (daemon), after;
      const gchar *at = i ? peer_address : address;
      g_autoptr (GBytes) said
          = shell ("openssl s_time -connect %.*s -%s -time 2 -tls1_2 2>&1 | "
                   "sed -n 's/^\\([0-9]*\\) connections in .*real.*/\\1/p'",
              (int)strcspn (at, "/"), at, resumed ? "reuse" : "new");
      g_autofree gchar *text
          = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
      guint64 n = g_ascii_strtoull (text, NULL, 10);
      after = i ? nginx_cpu_s (nginx) : daemon_cpu_s (daemon);
      if (!n)
        g_error ("openssl s_time counted no connection at %s", at);
      (i ? peer : own)[rounds.index] = (after - before) * 1e6 / n;
    }
  figures_compare (&(Figure){ .figure = resumed ? "https_resumed_handshake_cpu"
                                                : "https_full_handshake_cpu",
                       .unit = "us",
                       .peer = "nginx",
                       .kind = GOAL_RATIO_AT_MOST,
                       .goal = 1 },
      own, peer, ROUNDS);
}

/* --- With an egress budget: a turn for each --- */

/* Makes wrk fetch the fragments of N_SESSIONS sessions in turn. (transfer
 * full) */
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
  Series series[2] = { 0 };
  g_autofree gchar *scripts[2] = { NULL };
  Daemon *daemons[2];
  Rounds rounds = { 0 };

  for (guint i = 0; i < 2; i++) {
    daemons[i] = daemon_new (NULL, i ? LIMITS "max-sessions-per-subject=1000\n"
                                              "egress-budget-kbps=1000000000"
                                     : LIMITS "max-sessions-per-subject=1000");
    daemon_wait_for_tracks (daemons[i], 12);
    scripts[i] = write_script (daemons[i]);
  }
  while (rounds_next (&rounds, ROUNDS))
    for (guint i = 0; i < 2; i++)
      load (&series[i], rounds.index, daemon_cpu_s, daemons[i],
          &(Load){ daemon_get_url (daemons[i]), scripts[i], 64, 1, SECONDS });
  figures_compare (&(Figure){ .figure = "http_fragment_cpu_with_budget",
                       .unit = "us/req",
                       .peer = "without" },
      series[1].cpu_us, series[0].cpu_us, ROUNDS);
  figures_add (&(Figure){ "http_errors_with_budget", series[1].n_errors, "",
      NULL, 0, GOAL_AT_MOST, 0 });
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

/* The URL of the same fragment by TLS. (transfer full) */
static gchar *
find_tls_url (Daemon *daemon, const gchar *url)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (daemon), "https-address", NULL);
  g_autofree gchar *base = NULL;

  if (!g_file_get_contents (path, &base, NULL, NULL))
    g_error ("there is no %s", path);
  g_strchomp (base);
  return g_strconcat (base, url + strlen (daemon_get_url (daemon)) + 1, NULL);
}

static void
raise_limit_of_files (void)
{
  struct rlimit files = { 0 };

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
}

int
main (void)
{
  g_autoptr (Daemon) daemon = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree gchar *fragment = NULL, *config = NULL, *tls = NULL;
  Identity identity = { 0 };
  Nginx nginx = { 0 };

  raise_limit_of_files ();
  identity_make (&identity);
  config = g_strdup_printf (LIMITS
      "https=127.0.0.1:0\ntls-certificate=%s\ntls-key=%s\n",
      identity.certificate, identity.key);
  daemon = daemon_new (NULL, config);
  daemon_wait_for_tracks (daemon, 12);
  fragment = find_fragment (daemon, &bytes);
  tls = find_tls_url (daemon, fragment);
  nginx_start (&nginx, bytes, 1, &identity);
  figures_begin ("http");
  printf ("a fragment of %zu bytes\n", g_bytes_get_size (bytes));
  compare_with_nginx (daemon, fragment, &nginx, FALSE, 64);
  compare_with_nginx (daemon, fragment, &nginx, FALSE, 1000);
  compare_with_nginx (daemon, tls, &nginx, TRUE, 64);
  compare_with_nginx (daemon, tls, &nginx, TRUE, 1000);
  compare_handshakes (daemon, tls + strlen ("https://"), &nginx, FALSE);
  compare_handshakes (daemon, tls + strlen ("https://"), &nginx, TRUE);
  compare_both_cores (daemon, fragment, bytes);
  hold_idle (daemon);
  nginx_stop (&nginx);
  g_clear_pointer (&daemon, daemon_free);
  identity_clear (&identity);
  compare_with_budget ();
  return 0;
}
