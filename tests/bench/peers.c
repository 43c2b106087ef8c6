/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peers.h"

#include "figures.h"
#include "tests/daemon/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- A certificate --- */

void
identity_make (Identity *identity)
{
  identity->dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", NULL);
  identity->certificate = g_build_filename (identity->dir, "crt", NULL);
  identity->key = g_build_filename (identity->dir, "key", NULL);
  g_bytes_unref (
      shell ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=bench -addext subjectAltName="
             "IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
          identity->key, identity->certificate));
}

void
identity_clear (Identity *identity)
{
  g_bytes_unref (shell ("rm -r '%s'", identity->dir));
  g_clear_pointer (&identity->dir, g_free);
  g_clear_pointer (&identity->certificate, g_free);
  g_clear_pointer (&identity->key, g_free);
}

/* --- nginx --- */

static const gchar nginx_config[]
    = "worker_processes %u; daemon on; pid %s/pid; error_log %s/error;\n"
      "worker_rlimit_nofile 65536;\n"
      "events { worker_connections 32768; }\n"
      "http { access_log off; sendfile on; tcp_nopush on;\n"
      "  keepalive_requests 1000000000;\n"
      "  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
      "  uwsgi_temp_path %s; scgi_temp_path %s;\n"
      "  server { listen 127.0.0.1:%u backlog=4096; %s root %s; } }\n";

static guint16
find_free_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static gchar *
make_tls_lines (guint16 port, const Identity *identity)
{
  if (!identity)
    return g_strdup ("");
  return g_strdup_printf (
      "listen 127.0.0.1:%u ssl backlog=4096; ssl_certificate %s;\n"
      "  ssl_certificate_key %s; ssl_protocols TLSv1.2 TLSv1.3;\n"
      "  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n"
      "  ssl_session_cache off; ssl_session_tickets on;",
      port, identity->certificate, identity->key);
}

static void
find_workers (Nginx *nginx)
{
  g_autoptr (GBytes) children = shell (
      "for try in $(seq 100); do [ -s %s/pid ] && pgrep -P $(cat %s/pid) && "
      "break; sleep 0.05; done",
      nginx->dir, nginx->dir);
  g_autofree gchar *text = g_strndup (
      g_bytes_get_data (children, NULL), g_bytes_get_size (children));
  g_auto (GStrv) pids = g_strsplit (g_strstrip (text), "\n", -1);

  nginx->n_workers = g_strv_length (pids);
  nginx->workers = g_new (GPid, nginx->n_workers);
  for (guint i = 0; i < nginx->n_workers; i++)
    nginx->workers[i] = atoi (pids[i]);
}

void
nginx_start (
    Nginx *nginx, GBytes *file, guint n_workers, const Identity *identity)
{
  guint16 port = find_free_port (), tls_port = find_free_port ();
  g_autofree gchar *tls = make_tls_lines (tls_port, identity);
  g_autofree gchar *config = NULL, *path = NULL, *served = NULL;

  nginx->dir = g_dir_make_tmp ("syrinx-nginx-XXXXXX", NULL);
  path = g_build_filename (nginx->dir, "nginx.conf", NULL);
  served = g_build_filename (nginx->dir, "fragment", NULL);
  config = g_strdup_printf (nginx_config, n_workers, nginx->dir, nginx->dir,
      nginx->dir, nginx->dir, nginx->dir, nginx->dir, nginx->dir, port, tls,
      nginx->dir);
  if (!g_file_set_contents (path, config, -1, NULL)
      || !g_file_set_contents (
          served, g_bytes_get_data (file, NULL), g_bytes_get_size (file), NULL))
    g_error ("can't write to %s", nginx->dir);
  g_bytes_unref (shell ("chmod 755 %s; nginx -c %s", nginx->dir, path));
  find_workers (nginx);
  nginx->url = g_strdup_printf ("http://127.0.0.1:%u/fragment", port);
  nginx->tls_url = g_strdup_printf ("https://127.0.0.1:%u/fragment", tls_port);
}

void
nginx_stop (Nginx *nginx)
{
  g_bytes_unref (
      shell ("kill $(cat %s/pid); rm -rf %s", nginx->dir, nginx->dir));
  g_free (nginx->dir);
  g_free (nginx->url);
  g_free (nginx->tls_url);
  g_free (nginx->workers);
}

gdouble
nginx_cpu_s (const Nginx *nginx)
{
  gdouble sum = 0;

  for (guint i = 0; i < nginx->n_workers; i++)
    sum += process_cpu_s (nginx->workers[i]);
  return sum;
}

guint
nginx_rss_kib (const Nginx *nginx)
{
  guint sum = 0;

  for (guint i = 0; i < nginx->n_workers; i++)
    sum += process_rss_kib (nginx->workers[i]);
  return sum;
}

/* --- wrk --- */

/* "12.34ms" → 12.34 */
static gdouble
read_ms (const gchar *text)
{
  gchar *unit;
  gdouble value = g_ascii_strtod (text, &unit);

  return g_str_has_prefix (unit, "us")   ? value / 1000
         : g_str_has_prefix (unit, "ms") ? value
                                         : value * 1000;
}

static guint
count_errors (const gchar *text)
{
  const gchar *errors = strstr (text, "Socket errors:");
  const gchar *bad = strstr (text, "Non-2xx or 3xx responses:");
  guint counts[4] = { 0 }, n = 0;

  if (errors
      && sscanf (errors,
             "Socket errors: connect %u, read %u, write %u, timeout %u",
             &counts[0], &counts[1], &counts[2], &counts[3])
             == 4)
    n = counts[0] + counts[1] + counts[2] + counts[3];
  return bad ? n + atoi (bad + strlen ("Non-2xx or 3xx responses:")) : n;
}

void
load_run (const Load *load, LoadResult *result)
{
  gint64 before_us = g_get_monotonic_time ();
  g_autoptr (GBytes) said
      = shell ("wrk --latency -t%u -c%u -d%us --timeout 10s %s '%s' '%s'",
          MAX (load->n_threads, 1), load->n_connections, load->seconds,
          load->script ? "-s" : "--", load->script ? load->script : load->url,
          load->script ? load->url : "");
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  const gchar *requests = strstr (text, " requests in");
  const gchar *p99 = strstr (text, "99%");

  result->seconds = (g_get_monotonic_time () - before_us) / 1e6;
  if (!requests || !p99)
    g_error ("wrk: %s", text);
  while (requests > text && g_ascii_isdigit (requests[-1]))
    requests--;
  result->n_requests = g_ascii_strtoull (requests, NULL, 10);
  result->p99_ms = read_ms (p99 + strlen ("99%"));
  result->n_errors = count_errors (text);
}
