/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of interleaved RTSP: CPU per second of a session, memory per client,
 * threads; compared with a plain gst-rtsp-server on the same files, with one
 * media per client. */
#include "tests/daemon/harness.h"
#include "figures.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS    3
#define N_CLIENTS 200
#define N_FEW     20
#define N_TRACKS  12
#define TRACK_S   90 /* longer than a round */
#define SETTLE_S  4
#define MEASURE_S 12
#define ANSWER_MS 20000
#define PACKET_S  0.02
#define MIN_FED   0.97 /* of the packets that were due */

typedef struct
{
  gdouble cpu_ms; /* for each second of a session */
  gdouble client_kib, threads, threads_few, fed;
} Result;

typedef struct
{
  int fd;
  GByteArray *input;
  guint n_packets;
} Client;

/* --- Clients --- */

static int
connect_to (guint16 port)
{
  g_autoptr (GSocketAddress) address
      = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  struct sockaddr_storage native;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_socket_address_to_native (address, &native, sizeof native, NULL);
  if (connect (fd, (struct sockaddr *)&native,
          g_socket_address_get_native_size (address))
      < 0)
    g_error ("connect: %s", g_strerror (errno));
  return fd;
}

/* Removes the complete interleaved packets. */
static void
take_packets (Client *client)
{
  guint taken = 0;

  while (client->input->len - taken >= 4) {
    const guint8 *at = client->input->data + taken;
    guint size = 4 + (at[2] << 8 | at[3]);
    if (*at != '$' || size > client->input->len - taken)
      break;
    client->n_packets += at[1] == 0;
    taken += size;
  }
  if (taken)
    g_byte_array_remove_range (client->input, 0, taken);
}

static gboolean
drink (Client *client, int flags)
{
  guint8 buffer[16384];
  gssize n = recv (client->fd, buffer, sizeof buffer, flags);

  if (n > 0) {
    g_byte_array_append (client->input, buffer, n);
    take_packets (client);
  }
  return n > 0;
}

/* Returns: the session's id in the answer. (transfer full) (nullable) */
static gchar *
request (Client *client, guint cseq, const gchar *method, const gchar *url,
    const gchar *more, const gchar *session)
{
  g_autofree gchar *text
      = g_strdup_printf ("%s %s RTSP/1.0\r\nCSeq: %u\r\n%s%s%s%s\r\n", method,
          url, cseq, more ? more : "", session ? "Session: " : "",
          session ? session : "", session ? "\r\n" : "");
  struct pollfd wait = { client->fd, POLLIN, 0 };

  if (send (client->fd, text, strlen (text), MSG_NOSIGNAL) < 0)
    g_error ("%s: %s", method, g_strerror (errno));
  for (;;) {
    gsize body = 0;
    const gchar *data = (const gchar *)client->input->data, *end, *found;
    end = client->input->len && *data == 'R'
              ? g_strstr_len (data, client->input->len, "\r\n\r\n")
              : NULL;
    if (end) {
      g_autofree gchar *head = g_strndup (data, end + 2 - data);
      gchar *id = NULL;
      if (!g_str_has_prefix (head, "RTSP/1.0 200"))
        g_error ("%s %s: %s", method, url, head);
      if ((found = strstr (head, "Content-Length: ")))
        body = g_ascii_strtoull (found + 16, NULL, 10);
      if ((found = strstr (head, "Session: ")))
        id = g_strndup (found + 9, strcspn (found + 9, ";\r"));
      if (client->input->len >= end + 4 - data + body) {
        g_byte_array_remove_range (client->input, 0, end + 4 - data + body);
        take_packets (client);
        return id;
      }
      g_free (id);
    }
    if (poll (&wait, 1, ANSWER_MS) != 1 || !drink (client, 0))
      g_error ("no answer to %s %s", method, url);
  }
}

static void
begin (Client *client, guint16 port, const gchar *url)
{
  g_autofree gchar *stream = g_strconcat (url, "/stream=0", NULL);
  g_autofree gchar *session = NULL;

  client->fd = connect_to (port);
  client->input = g_byte_array_new ();
  client->n_packets = 0;
  g_free (request (client, 1, "DESCRIBE", url, NULL, NULL));
  session = request (client, 2, "SETUP", stream,
      "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", NULL);
  g_free (request (client, 3, "PLAY", url, "Range: npt=0-\r\n", session));
}

static void
end (Client *client)
{
  close (client->fd);
  g_byte_array_unref (client->input);
}

/* Reads for @seconds. */
static void
listen_all (Client *clients, guint n, gdouble seconds)
{
  gint64 end_us = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  g_autofree struct pollfd *waits = g_new0 (struct pollfd, n);

  for (guint i = 0; i < n; i++)
    waits[i] = (struct pollfd){ clients[i].fd, POLLIN, 0 };
  for (;;) {
    gint64 left_ms = (end_us - g_get_monotonic_time ()) / 1000;
    if (left_ms <= 0)
      return;
    if (poll (waits, n, MIN (left_ms, 100)) > 0)
      for (guint i = 0; i < n; i++)
        if (waits[i].revents && !drink (&clients[i], MSG_DONTWAIT))
          g_error ("a client was cut off");
    g_usleep (20000); /* its own wake-ups cost the server nothing */
  }
}

static guint
count_packets (Client *clients, guint n)
{
  guint sum = 0;

  for (guint i = 0; i < n; i++)
    sum += clients[i].n_packets;
  return sum;
}

/* --- One round of one server --- */

static Result
measure (GPid pid, guint16 port, gchar **urls, guint idle_kib)
{
  static Client clients[N_CLIENTS];
  Result result = { 0 };
  guint before;
  gdouble cpu_s;

  for (guint i = 0; i < N_CLIENTS; i++) {
    begin (&clients[i], port, urls[i]);
    if (i + 1 == N_FEW)
      result.threads_few = process_threads (pid);
  }
  listen_all (clients, N_CLIENTS, SETTLE_S);
  before = count_packets (clients, N_CLIENTS);
  cpu_s = process_cpu_s (pid);
  listen_all (clients, N_CLIENTS, MEASURE_S);
  result.cpu_ms
      = (process_cpu_s (pid) - cpu_s) * 1000 / (N_CLIENTS * MEASURE_S);
  result.fed = (count_packets (clients, N_CLIENTS) - before) * PACKET_S
               / (N_CLIENTS * MEASURE_S);
  result.client_kib = ((gdouble)process_rss_kib (pid) - idle_kib) / N_CLIENTS;
  result.threads = process_threads (pid);
  for (guint i = 0; i < N_CLIENTS; i++)
    end (&clients[i]);
  if (result.fed < MIN_FED)
    g_error ("only %.0f %% of the packets came in time", result.fed * 100);
  return result;
}

/* --- Files --- */

/* The samples, each repeated, as Opus of 128 kbit/s. */
static gchar *
make_library (void)
{
  gchar *dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", NULL);

  g_bytes_unref (shell (
      "cd '%s'; i=10; find '%s' -type f -regex "
      "'.*\\.\\(opus\\|wav\\|m4a\\|ogg\\|"
      "mp3\\|flac\\)' | sort | head -n %d | while read -r f; do ffmpeg "
      "-nostdin "
      "-v error -stream_loop -1 -i \"$f\" -t %d -map 0:a:0 -map_metadata -1 "
      "-metadata title=\"Bench $i\" -c:a libopus -b:a 128k bench-$i.opus; "
      "i=$((i + 1)); done",
      dir, g_getenv ("SYRINX_SAMPLES"), N_TRACKS, TRACK_S));
  return dir;
}

/* --- Syrinx --- */

static guint16
port_of (const gchar *address)
{
  return g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

/* Opens one session for each client. (transfer full) */
static gchar *
open_session (Daemon *daemon, const gchar *token, const gchar *track_id,
    gboolean make_all)
{
  g_autoptr (JsonObject) session
      = daemon_session (daemon, token, track_id, "\"encryption\":\"none\"");

  if (make_all)
    g_bytes_unref (shell ("ffmpeg -nostdin -v error -i '%s' -c copy -f null -",
        json_object_get_string_member (session, "hls_url")));
  return g_strdup (json_object_get_string_member (session, "rtsp_url"));
}

static Result
measure_syrinx (const gchar *library)
{
  g_autoptr (Daemon) daemon
      = daemon_new (library, "rtsp=127.0.0.1:0\nmax-cpu-percent=0\n"
                             "max-sessions-per-subject=10000\n"
                             "memory-size=64M\nrenditions=opus-128");
  g_autofree gchar *token = NULL, *address = NULL;
  gchar *urls[N_CLIENTS], *ids[N_TRACKS];
  guint idle_kib = 0;
  Result result;

  daemon_wait_for_tracks (daemon, N_TRACKS);
  token = daemon_token (daemon, "bench", "listen");
  for (guint i = 0; i < N_TRACKS; i++) {
    g_autofree gchar *words = g_strdup_printf ("bench %u", i + 10);
    ids[i] = daemon_find (daemon, token, words);
  }
  for (guint i = 0; i < N_CLIENTS; i++) {
    if (i == N_TRACKS)
      idle_kib = process_rss_kib (daemon_get_pid (daemon));
    urls[i] = open_session (daemon, token, ids[i % N_TRACKS], i < N_TRACKS);
  }
  address = g_strndup (urls[0], strchr (urls[0] + 7, '/') - urls[0]);
  result = measure (daemon_get_pid (daemon), port_of (address), urls, idle_kib);
  for (guint i = 0; i < N_CLIENTS; i++)
    g_free (urls[i]);
  for (guint i = 0; i < N_TRACKS; i++)
    g_free (ids[i]);
  return result;
}

/* --- The peer --- */

static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GPid
start_peer (const gchar *library, guint16 *port)
{
  g_autofree gchar *program = g_build_filename (
      g_getenv ("SYRINX_BUILD"), "tests", "bench", "rtsp-peer", NULL);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  gchar text[16] = "";
  GPid pid;
  int out;

  g_ptr_array_add (argv, g_strdup (program));
  for (guint i = 0; i < N_TRACKS; i++)
    g_ptr_array_add (
        argv, g_strdup_printf ("%s/bench-%u.opus", library, i + 10));
  g_ptr_array_add (argv, NULL);
  if (!g_spawn_async_with_pipes (NULL, (gchar **)argv->pdata, NULL,
          G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL, &pid, NULL, &out,
          NULL, &error))
    g_error ("%s", error->message);
  if (read (out, text, sizeof text - 1) <= 0)
    g_error ("the peer did not start");
  close (out);
  *port = g_ascii_strtoull (text, NULL, 10);
  return pid;
}

static Result
measure_peer (const gchar *library)
{
  guint16 port;
  GPid pid = start_peer (library, &port);
  gchar *urls[N_CLIENTS];
  Result result;

  for (guint i = 0; i < N_CLIENTS; i++)
    urls[i] = g_strdup_printf ("rtsp://127.0.0.1:%u/%u", port, i % N_TRACKS);
  result = measure (pid, port, urls, process_rss_kib (pid));
  kill (pid, SIGTERM);
  waitpid (pid, NULL, 0);
  for (guint i = 0; i < N_CLIENTS; i++)
    g_free (urls[i]);
  return result;
}

/* --- Figures --- */

static void
add (const gchar *name, const gchar *unit, gsize offset, Result *own,
    Result *peer, GoalKind kind, gdouble goal)
{
  gdouble values[ROUNDS], peers[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++) {
    values[i] = G_STRUCT_MEMBER (gdouble, &own[i], offset);
    peers[i] = G_STRUCT_MEMBER (gdouble, &peer[i], offset);
  }
  figures_add (&(Figure){ .figure = name,
      .value = figures_median (values, ROUNDS),
      .unit = unit,
      .peer = "gst-rtsp-server",
      .peer_value = figures_median (peers, ROUNDS),
      .kind = kind,
      .goal = goal });
}

int
main (void)
{
  g_autofree gchar *library = make_library ();
  Result own[ROUNDS], peer[ROUNDS];
  gdouble growth[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++) {
    own[i] = measure_syrinx (library);
    peer[i] = measure_peer (library);
    growth[i] = own[i].threads - own[i].threads_few;
  }
  figures_begin ("rtsp");
#define FIELD(name) G_STRUCT_OFFSET (Result, name)
  add ("rtsp_cpu_per_session_second", "ms", FIELD (cpu_ms), own, peer,
      GOAL_RATIO_AT_MOST, 1 / 3.0);
  add ("rtsp_memory_per_client", "KiB", FIELD (client_kib), own, peer,
      GOAL_RATIO_AT_MOST, 0.25);
  add ("rtsp_threads_at_20", "threads", FIELD (threads_few), own, peer,
      GOAL_NONE, 0);
  add ("rtsp_threads_at_200", "threads", FIELD (threads), own, peer, GOAL_NONE,
      0);
  add ("rtsp_packets_in_time", "share", FIELD (fed), own, peer, GOAL_NONE, 0);
#undef FIELD
  figures_add (&(Figure){ .figure = "rtsp_threads_growth",
      .value = figures_median (growth, ROUNDS),
      .unit = "threads",
      .kind = GOAL_AT_MOST,
      .goal = 0 });
  g_bytes_unref (shell ("rm -r '%s'", library));
  return 0;
}
