/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other servers that are measured for comparison, and the load generator. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* --- A certificate for 127.0.0.1 --- */

typedef struct
{
  gchar *dir, *certificate, *key; /* paths */
} Identity;

void identity_make (Identity *identity);
void identity_clear (Identity *identity);

/* --- nginx, with one file --- */

typedef struct
{
  gchar *dir, *url, *tls_url; /* of the file */
  GPid *workers;
  guint n_workers;
} Nginx;

/* @n_workers: its worker processes. @identity: (nullable): no HTTPS. */
void nginx_start (
    Nginx *nginx, GBytes *file, guint n_workers, const Identity *identity);
void nginx_stop (Nginx *nginx);
/* CPU seconds of all its workers so far. */
gdouble nginx_cpu_s (const Nginx *nginx);
guint nginx_rss_kib (const Nginx *nginx);

/* --- wrk --- */

typedef struct
{
  const gchar *url;
  const gchar *script; /* (nullable): a file that chooses the requests */
  guint n_connections, n_threads, seconds;
} Load;

typedef struct
{
  guint64 n_requests;
  gdouble seconds;
  gdouble p99_ms; /* latency */
  guint n_errors; /* of sockets, time-outs, and answers that are not 2xx */
} LoadResult;

void load_run (const Load *load, LoadResult *result);

G_END_DECLS
