/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of a progressive stream of a real syrinxd: unencrypted, encrypted
 * for one client (ece), and over TLS. CPU of the daemon per second of a stream,
 * when all play and production has ended. */
#include "tests/daemon/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS    3
#define N_STREAMS 100
#define SETTLE_S  3
#define MEASURE_S 8
#define TRACK     "Amazing Grace" /* 35 s: longer than a round */
#define MAX_RATIO 1.3

typedef enum
{
  CLEAR,
  ECE,
  TLS,
  N_KINDS
} Kind;

static const struct
{
  const gchar *name, *members; /* of the session's body */
  const gchar *goal;
} kinds[N_KINDS] = { [CLEAR] = { "clear", "\"encryption\":\"none\"" },
  [ECE] = { "ece", "\"encryption\":\"ece\"", "1.3" },
  [TLS] = { "tls", "\"encryption\":\"none\"" } };

typedef struct
{
  Daemon *daemon;
  gchar *dir, *tls_url, *token, *track;
  GTlsDatabase *trusted;
} Bench;

typedef struct
{
  GSocketConnection *connection;
  GSource *readable;
  guint64 n_bytes;
} Stream;

/* --- Streams --- */

static gboolean
drink (GObject *input, gpointer data)
{
  Stream *stream = data;
  gchar scrap[65536];
  gssize n;

  while ((n = g_pollable_input_stream_read_nonblocking (
              G_POLLABLE_INPUT_STREAM (input), scrap, sizeof scrap, NULL, NULL))
         > 0)
    stream->n_bytes += n;
  return n < 0; /* 0: end of the stream */
}

static GSocketConnection *
reach (Bench *bench, GUri *uri)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host (
      client, g_uri_get_host (uri), g_uri_get_port (uri), NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static GIOStream *
add_tls (Bench *bench, GSocketConnection *connection)
{
  g_autoptr (GSocketAddress) remote
      = g_socket_connection_get_remote_address (connection, NULL);
  g_autoptr (GError) error = NULL;
  GIOStream *tls = g_tls_client_connection_new (
      G_IO_STREAM (connection), G_SOCKET_CONNECTABLE (remote), &error);

  g_assert_no_error (error);
  g_tls_connection_set_database (G_TLS_CONNECTION (tls), bench->trusted);
  g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, &error);
  g_assert_no_error (error);
  return tls;
}

static void
start_stream (Bench *bench, Kind kind, Stream *stream)
{
  g_autoptr (JsonObject) session = daemon_session (
      bench->daemon, bench->token, bench->track, kinds[kind].members);
  g_autoptr (GUri) uri
      = g_uri_parse (json_object_get_string_member (session, "progressive_url"),
          G_URI_FLAGS_NONE, NULL);
  g_autoptr (GUri) tls_uri = g_uri_parse (bench->tls_url, 0, NULL);
  g_autofree gchar *request = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", g_uri_get_path (uri));
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) io = NULL;
  GInputStream *input;

  stream->n_bytes = 0;
  stream->connection = reach (bench, kind == TLS ? tls_uri : uri);
  io = kind == TLS ? add_tls (bench, stream->connection)
                   : g_object_ref (G_IO_STREAM (stream->connection));
  g_output_stream_write_all (g_io_stream_get_output_stream (io), request,
      strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  input = g_io_stream_get_input_stream (io);
  stream->readable = g_pollable_input_stream_create_source (
      G_POLLABLE_INPUT_STREAM (input), NULL);
  g_source_set_callback (stream->readable, G_SOURCE_FUNC (drink), stream, NULL);
  g_source_attach (stream->readable, NULL);
  g_object_set_data_full (G_OBJECT (stream->connection), "io",
      io == G_IO_STREAM (stream->connection) ? NULL : g_object_ref (io),
      g_object_unref);
}

static void
stop_stream (Stream *stream)
{
  g_source_destroy (stream->readable);
  g_source_unref (stream->readable);
  g_socket_close (g_socket_connection_get_socket (stream->connection), NULL);
  g_object_set_data (G_OBJECT (stream->connection), "io", NULL);
  g_object_unref (stream->connection);
}

/* --- A measurement --- */

static gboolean
time_is_up (gpointer is_up)
{
  *(gboolean *)is_up = TRUE;
  return G_SOURCE_REMOVE;
}

static void
listen_for (guint seconds)
{
  gboolean is_up = FALSE;

  g_timeout_add_seconds (seconds, time_is_up, &is_up);
  while (!is_up)
    g_main_context_iteration (NULL, TRUE);
}

static gdouble
cpu_of (GPid pid)
{
  struct timespec now = { 0 };
  clockid_t clock;

  if (clock_getcpuclockid (pid, &clock) == 0)
    clock_gettime (clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* Microseconds of CPU per second of one stream. */
static gdouble
measure (Bench *bench, Kind kind)
{
  Stream streams[N_STREAMS];
  guint64 n_bytes = 0;
  gdouble cpu_s, begun_s;

  for (guint i = 0; i < N_STREAMS; i++)
    start_stream (bench, kind, &streams[i]);
  listen_for (SETTLE_S);
  for (guint i = 0; i < N_STREAMS; i++)
    n_bytes -= streams[i].n_bytes;
  cpu_s = cpu_of (daemon_get_pid (bench->daemon));
  begun_s = g_get_monotonic_time () / 1e6;
  listen_for (MEASURE_S);
  cpu_s = cpu_of (daemon_get_pid (bench->daemon)) - cpu_s;
  begun_s = g_get_monotonic_time () / 1e6 - begun_s;
  for (guint i = 0; i < N_STREAMS; i++) {
    n_bytes += streams[i].n_bytes;
    stop_stream (&streams[i]);
  }
  if (n_bytes < N_STREAMS * MEASURE_S * 4000) /* 32 kbit/s */
    g_error (
        "%s: only %" G_GUINT64_FORMAT " bytes came", kinds[kind].name, n_bytes);
  return cpu_s * 1e6 / (begun_s * N_STREAMS);
}

/* --- The daemon --- */

static void
set_up (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *config = NULL, *address = NULL, *certificate = NULL;

  bench->dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", &error);
  g_assert_no_error (error);
  certificate = g_build_filename (bench->dir, "crt", NULL);
  g_bytes_unref (
      shell ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=bench -addext subjectAltName="
             "IP:127.0.0.1 -keyout %s/key -out %s 2>/dev/null",
          bench->dir, certificate));
  config = g_strdup_printf (
      "https=127.0.0.1:0\ntls-certificate=%s\ntls-key=%s/key\n"
      "max-connections-per-address=1000\nrequests-per-second=10000\n"
      "requests-per-second-per-subject=10000\n"
      "max-sessions-per-subject=1000000\n"
      "max-sessions-per-address=1000000\nmax-cpu-percent=0",
      certificate, bench->dir);
  bench->daemon = daemon_new (NULL, config);
  bench->trusted = g_tls_file_database_new (certificate, &error);
  g_assert_no_error (error);
  address = g_build_filename (
      daemon_get_state_dir (bench->daemon), "https-address", NULL);
  g_file_get_contents (address, &bench->tls_url, NULL, &error);
  g_assert_no_error (error);
  daemon_wait_for_tracks (bench->daemon, 12);
  bench->token = daemon_token (bench->daemon, "bench", "listen");
  bench->track = daemon_find (bench->daemon, bench->token, TRACK);
}

static void
tear_down (Bench *bench)
{
  g_object_unref (bench->trusted);
  daemon_free (bench->daemon);
  g_bytes_unref (shell ("rm -r '%s'", bench->dir));
  g_free (bench->dir);
  g_free (bench->tls_url);
  g_free (bench->token);
  g_free (bench->track);
}

/* --- The result --- */

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;

  return x < y ? -1 : x > y;
}

static void
report (Kind kind, gdouble value, gdouble clear, FILE *lines)
{
  gdouble ratio = value / clear;
  const gchar *met = !kinds[kind].goal    ? "null"
                     : ratio <= MAX_RATIO ? "true"
                                          : "false";

  printf ("stream %-6s %7.1f us of CPU a second   %.2f of clear%s%s\n",
      kinds[kind].name, value, ratio, kinds[kind].goal ? "   goal 1.3: " : "",
      kinds[kind].goal ? met : "");
  fprintf (lines,
      "{\"figure\":\"stream_%s\",\"value\":%.2f,\"unit\":\"us/s\","
      "\"peer\":\"clear\",\"peer_value\":%.2f,\"ratio\":%.4f,\"goal\":%s,"
      "\"met\":%s}\n",
      kinds[kind].name, value, clear, ratio,
      kinds[kind].goal ? kinds[kind].goal : "null", met);
}

int
main (void)
{
  g_autofree gchar *directory
      = g_build_filename (g_getenv ("SYRINX_BUILD") ?: "build", "bench", NULL);
  g_autofree gchar *path = g_build_filename (directory, "stream.jsonl", NULL);
  gdouble values[N_KINDS][ROUNDS];
  Bench bench = { 0 };
  FILE *lines;

  g_mkdir_with_parents (directory, 0755);
  lines = fopen (path, "w");
  if (!lines)
    g_error ("can not write %s", path);
  set_up (&bench);
  measure (&bench, CLEAR); /* this makes the track's rendition */
  for (guint round = 0; round < ROUNDS; round++)
    for (Kind kind = 0; kind < N_KINDS; kind++)
      values[kind][round] = measure (&bench, kind);
  for (Kind kind = 0; kind < N_KINDS; kind++)
    qsort (values[kind], ROUNDS, sizeof (gdouble), compare);
  for (Kind kind = 0; kind < N_KINDS; kind++)
    report (kind, values[kind][ROUNDS / 2], values[CLEAR][ROUNDS / 2], lines);
  fclose (lines);
  tear_down (&bench);
  return 0;
}
