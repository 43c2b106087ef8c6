/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A full syrinxd with an egress budget: how fragments and streams share it, and
 * which requests time out. */
#include "tests/daemon/harness.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_REGIONS       4
#define PER_REGION      6 /* connections for fragments */
#define PER_SESSION     3
#define N_STREAMS       2
#define N_CLIENTS       (N_REGIONS * PER_REGION + N_STREAMS)
#define BUDGET_KBPS     20000
#define WARM_UP_SECONDS 1
#define SECONDS         6

static const struct
{
  const gchar *name;
  guint weight;
} regions[N_REGIONS]
    = { { "near", 8 }, { "next", 4 }, { "far", 2 }, { "moon", 1 } };

static const gchar region_groups[]
    = "[region near]\nweight=8\nrtt-ms=10\n[region next]\nweight=4\n"
      "[region far]\nweight=2\n[region moon]\nweight=1\nrtt-ms=1000\n";

static Daemon *service;
static gchar *token, *track;
static guint n_fragments;

/* --- The service --- */

static gchar *
token_of (const gchar *region)
{
  return daemon_ctl (service, "token", "issue", "--subject", region, "--scope",
      "listen", "--region", region, NULL);
}

/* The prefix of a new session's fragments: "/v1/sessions/…/RENDITION/".
 * (transfer full) *@id (nullable): (transfer full) */
static gchar *
begin_session (const gchar *by, const gchar *rendition, gchar **id)
{
  g_autoptr (JsonObject) session = daemon_session (service, by, track, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url")
                     + strlen (daemon_get_url (service));

  if (id)
    *id = g_strdup (json_object_get_string_member (session, "id"));
  return g_strdup_printf (
      "%.*s%s/", (int)(strrchr (url, '/') + 1 - url), url, rendition);
}

/* Makes the fragments: a HEAD needs no turn. */
static void
make_fragments (const gchar *rendition)
{
  g_autofree gchar *prefix = begin_session (token, rendition, NULL);

  for (n_fragments = 0;; n_fragments++) {
    g_autofree gchar *path = g_strdup_printf ("%s%u.m4s", prefix, n_fragments);
    g_autoptr (Answer) answer = ask (service, "HEAD", path, NULL, NULL);
    if (answer->status == 404)
      return;
    g_assert_cmpuint (answer->status, ==, 200);
  }
}

static void
start_service (guint budget_kbps, const gchar *rendition)
{
  g_autofree gchar *config = g_strdup_printf (
      "egress-budget-kbps=%u\nrequests-per-second=100000\n"
      "requests-per-second-per-subject=100000\n"
      "max-sessions-per-subject=1000000\n"
      "max-sessions-per-address=1000000\nmax-cpu-percent=0\n%s",
      budget_kbps, region_groups);

  g_clear_pointer (&service, daemon_free);
  g_free (token);
  g_free (track);
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, 12);
  token = daemon_token (service, "listener", "listen");
  track = daemon_find (service, token, "lullaby queue");
  make_fragments (rendition);
  g_assert_cmpuint (n_fragments, >, 4);
}

static guint64
read_metric (const gchar *name)
{
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (service), "/metrics", NULL);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);
  g_autofree gchar *text = answer_text (answer);
  g_autofree gchar *line_start = g_strdup_printf ("\n%s ", name);
  const gchar *found = strstr (text, line_start);

  g_assert_nonnull (found);
  return g_ascii_strtoull (found + strlen (line_start), NULL, 10);
}

static gboolean
has_waiting (gpointer n)
{
  return read_metric ("syrinx_turns_waiting") == GPOINTER_TO_UINT (n);
}

static void
wait_for_waiting (guint n)
{
  wait_until (has_waiting, GUINT_TO_POINTER (n), "requests to wait", 10);
}

/* --- Clients that read as fast as they can --- */

typedef struct
{
  int fd;
  guint region;
  gchar *prefix; /* of the fragments; NULL: it plays a stream */
  guint number;
  GString *said; /* a head, or the stream's pages so far */
  guint64 rest_bytes;
  guint64 taken_bytes;
  gint64 begin_us, played_us; /* of a stream: the end of its last page */
  gint64 least_ahead_us;      /* the smallest margin before a page was due */
} Client;

static void
say (Client *client, const gchar *text)
{
  g_assert_cmpint (
      send (client->fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

static void
ask_next (Client *client)
{
  g_autofree gchar *text
      = g_strdup_printf ("GET %s%u.m4s HTTP/1.1\r\nHost: localhost\r\n\r\n",
          client->prefix, client->number++ % n_fragments);

  say (client, text);
}

static void
connect_client (Client *client)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
    .sin_port = htons (daemon_get_port (service)),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  client->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (
      connect (client->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  client->said = g_string_new (NULL);
}

static void
disconnect_client (Client *client)
{
  close (client->fd);
  g_free (client->prefix);
  g_string_free (client->said, TRUE);
}

/* Reads the answers to ask_next(). */
static void
take_answer (Client *client, const gchar *data, gsize size_bytes)
{
  while (size_bytes) {
    gsize n = MIN (client->rest_bytes, size_bytes);
    const gchar *length;
    client->rest_bytes -= n;
    client->taken_bytes += n;
    data += n;
    size_bytes -= n;
    if (n && !client->rest_bytes)
      ask_next (client);
    if (!size_bytes)
      return;
    g_string_append_c (client->said, *data++);
    size_bytes--;
    if (!g_str_has_suffix (client->said->str, "\r\n\r\n"))
      continue;
    g_assert_true (g_str_has_prefix (client->said->str, "HTTP/1.1 200 "));
    length = strstr (client->said->str, "\r\nContent-Length: ");
    client->rest_bytes = g_ascii_strtoull (length + 18, NULL, 10);
    g_string_truncate (client->said, 0);
  }
}

/* A player that starts at the first page needs each page when it has played
 * those before it. */
static void
take_pages (Client *client, const gchar *data, gsize size_bytes)
{
  gint64 now_us = g_get_monotonic_time ();
  gsize kept = client->said->len, at;

  if (!client->begin_us)
    client->begin_us = now_us;
  else if (now_us > client->begin_us + G_USEC_PER_SEC)
    client->least_ahead_us = MIN (client->least_ahead_us,
        client->played_us - (now_us - client->begin_us));
  client->taken_bytes += size_bytes;
  g_string_append_len (client->said, data, size_bytes);
  for (at = kept > 16 ? kept - 16 : 0; at + 14 <= client->said->len; at++) {
    guint64 granule;
    if (memcmp (client->said->str + at, "OggS", 4) != 0)
      continue;
    memcpy (&granule, client->said->str + at + 6, sizeof granule);
    client->played_us = MAX (client->played_us,
        (gint64)(GUINT64_FROM_LE (granule) * G_USEC_PER_SEC / 48000));
  }
}

static void
run (Client *clients, guint n, guint seconds)
{
  gint64 end_us = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  struct pollfd fds[N_CLIENTS];
  gchar data[65536];

  for (guint i = 0; i < n; i++)
    fds[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
  while (g_get_monotonic_time () < end_us) {
    poll (fds, n, 10);
    for (guint i = 0; i < n; i++) {
      gssize size_bytes
          = fds[i].revents ? recv (fds[i].fd, data, sizeof data, MSG_DONTWAIT)
                           : -1;
      if (size_bytes < 0)
        continue;
      g_assert_cmpint (size_bytes, >, 0);
      if (clients[i].prefix)
        take_answer (&clients[i], data, size_bytes);
      else
        take_pages (&clients[i], data, size_bytes);
    }
  }
}

static void
begin_fragments (Client *clients, guint region)
{
  g_autofree gchar *by = token_of (regions[region].name);
  g_autofree gchar *prefix = NULL;

  for (guint i = 0; i < PER_REGION; i++) {
    if (i % PER_SESSION == 0) {
      g_free (prefix);
      prefix = begin_session (by, "opus-64", NULL);
    }
    connect_client (&clients[i]);
    clients[i].region = region;
    clients[i].prefix = g_strdup (prefix);
    clients[i].number = i % PER_SESSION;
    ask_next (&clients[i]);
  }
}

static void
begin_stream (Client *client, guint region)
{
  g_autofree gchar *by = token_of (regions[region].name);
  g_autofree gchar *text
      = g_strdup_printf ("GET /v1/tracks/%s/stream.opus?token=%s HTTP/1.0\r\n"
                         "Host: localhost\r\n\r\n",
          track, by);

  connect_client (client);
  client->region = region;
  client->least_ahead_us = G_MAXINT64;
  say (client, text);
}

/* --- Shares --- */

static void
check_shares (const Client *clients)
{
  guint64 taken_bytes[N_REGIONS] = { 0 }, all_bytes = 0;

  for (guint i = 0; i < N_CLIENTS; i++) {
    taken_bytes[clients[i].region] += clients[i].taken_bytes;
    all_bytes += clients[i].taken_bytes;
  }
  g_test_message ("%.0f kbit/s", all_bytes * 8e-3 / SECONDS);
  for (guint i = 0; i < N_REGIONS; i++) {
    gdouble share
        = (gdouble)taken_bytes[i] / all_bytes * 15 / regions[i].weight;
    g_test_message ("%s: %.3f of its share", regions[i].name, share);
    g_assert_cmpfloat (fabs (share - 1), <, 0.1);
  }
  g_assert_cmpfloat (
      fabs (all_bytes * 8e-3 / SECONDS / BUDGET_KBPS - 1), <, 0.1);
}

static void
regions_share_by_weight_and_streams_keep_time (void)
{
  Client clients[N_CLIENTS] = { 0 };
  Client *streams = clients + N_REGIONS * PER_REGION;

  start_service (BUDGET_KBPS, "opus-64");
  for (guint i = 0; i < N_REGIONS; i++)
    begin_fragments (clients + i * PER_REGION, i);
  run (clients, N_REGIONS * PER_REGION, WARM_UP_SECONDS);
  begin_stream (&streams[0], 0);
  begin_stream (&streams[1], N_REGIONS - 1);
  run (clients, N_CLIENTS, WARM_UP_SECONDS);
  for (guint i = 0; i < N_CLIENTS; i++)
    clients[i].taken_bytes = 0;
  run (clients, N_CLIENTS, SECONDS);
  check_shares (clients);
  for (guint i = 0; i < N_STREAMS; i++) {
    g_test_message (
        "a stream was %.2f s ahead and more", streams[i].least_ahead_us / 1e6);
    g_assert_cmpint (streams[i].played_us, >=, SECONDS * G_USEC_PER_SEC);
    g_assert_cmpint (streams[i].least_ahead_us, >=, G_USEC_PER_SEC);
  }
  for (guint i = 0; i < N_CLIENTS; i++)
    disconnect_client (&clients[i]);
  wait_for_waiting (0);
}

/* --- Time-outs --- */

/* The status of its answer; 0 if there is none within @seconds. */
static guint
read_status (Client *client, guint seconds)
{
  struct pollfd fd = { .fd = client->fd, .events = POLLIN };
  gchar data[4096];
  gssize n;

  if (poll (&fd, 1, seconds * 1000) == 0)
    return 0;
  n = recv (client->fd, data, sizeof data, 0);
  g_assert_cmpint (n, >, 12);
  g_string_append_len (client->said, data, n);
  return g_ascii_strtoull (client->said->str + 9, NULL, 10);
}

/* Uses up 10 s of a budget of 50 kbit/s. */
static void
block (void)
{
  g_autofree gchar *prefix = begin_session (token, "opus-128", NULL);
  g_autofree gchar *path = g_strconcat (prefix, "1.m4s", NULL);
  g_autoptr (Answer) answer = ask (service, "GET", path, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
}

static void
begin_waiting (Client *client, const gchar *prefix, const gchar *headers)
{
  g_autofree gchar *text = g_strdup_printf (
      "GET %s0.m4s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", prefix, headers);

  connect_client (client);
  say (client, text);
}

static void
who_leaves_waits_no_longer_and_who_asks_too_much_hears_so (void)
{
  g_autofree gchar *id = NULL, *prefix = NULL, *path = NULL;
  g_autoptr (Answer) answer = NULL;
  Client clients[8] = { 0 }, more = { 0 };

  start_service (50, "opus-128");
  prefix = begin_session (token, "opus-128", &id);
  block ();
  /* Range makes every other one go through a handler. */
  for (guint i = 0; i < 8; i++)
    begin_waiting (&clients[i], prefix, i % 2 ? "Range: bytes=0-9\r\n" : "");
  wait_for_waiting (8);
  begin_waiting (&more, prefix, "");
  g_assert_cmpuint (read_status (&more, 5), ==, 429);
  g_assert_nonnull (strstr (more.said->str, "\r\nRetry-After: "));
  disconnect_client (&more);
  for (guint i = 0; i < 4; i++)
    disconnect_client (&clients[i]);
  wait_for_waiting (4);
  path = g_strdup_printf ("/v1/sessions/%s", id);
  answer = ask (service, "DELETE", path, token, NULL);
  g_assert_cmpuint (answer->status, ==, 204);
  wait_for_waiting (0);
  for (guint i = 4; i < 8; i++) {
    g_assert_cmpuint (read_status (&clients[i], 5), ==, 410);
    disconnect_client (&clients[i]);
  }
}

static void
who_waits_too_long_is_told_when_to_come_again (void)
{
  g_autofree gchar *prefix = NULL;
  Client plain = { 0 }, special = { 0 };

  start_service (50, "opus-128");
  prefix = begin_session (token, "opus-128", NULL);
  block ();
  begin_waiting (&plain, prefix, "");
  begin_waiting (&special, prefix, "Range: bytes=0-9\r\n");
  g_assert_cmpuint (read_status (&plain, 12), ==, 503);
  g_assert_nonnull (strstr (plain.said->str, "\r\nRetry-After: "));
  g_assert_cmpuint (read_status (&special, 5), ==, 503);
  g_assert_nonnull (strstr (special.said->str, "\r\nRetry-After: "));
  disconnect_client (&plain);
  disconnect_client (&special);
}

static void
a_revoked_token_waits_no_longer (void)
{
  g_autofree gchar *by = NULL, *prefix = NULL, *said = NULL;
  Client client = { 0 };

  start_service (50, "opus-128");
  by = token_of ("near");
  prefix = begin_session (by, "opus-128", NULL);
  block ();
  begin_waiting (&client, prefix, "");
  wait_for_waiting (1);
  said = daemon_ctl (service, "token", "revoke", "--subject", "near", NULL);
  g_assert_cmpuint (read_status (&client, 5), ==, 410);
  wait_for_waiting (0);
  disconnect_client (&client);
}

/* --- Without a budget --- */

static void
without_a_budget_nothing_waits (void)
{
  g_autofree gchar *prefix = NULL, *text = NULL, *url = NULL;
  g_autoptr (Answer) answer = NULL;

  start_service (0, "opus-64");
  prefix = begin_session (token, "opus-64", NULL);
  for (guint i = 0; i < n_fragments; i++) {
    g_autofree gchar *path = g_strdup_printf ("%s%u.m4s", prefix, i);
    g_autoptr (Answer) fragment = ask (service, "GET", path, NULL, NULL);
    g_assert_cmpuint (fragment->status, ==, 200);
  }
  url = g_strconcat (daemon_get_admin_url (service), "/metrics", NULL);
  answer = ask (service, "GET", url, NULL, NULL);
  text = answer_text (answer);
  g_assert_null (strstr (text, "syrinx_region_streams{region=\"default\"} 1"));
  g_assert_cmpuint (read_metric ("syrinx_turns_waiting"), ==, 0);
  g_assert_cmpuint (read_metric ("syrinx_turns_refused_total"), ==, 0);
}

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
#define ADD(test) g_test_add_func ("/turns/" #test, test)
  ADD (regions_share_by_weight_and_streams_keep_time);
  ADD (who_leaves_waits_no_longer_and_who_asks_too_much_hears_so);
  ADD (who_waits_too_long_is_told_when_to_come_again);
  ADD (a_revoked_token_waits_no_longer);
  ADD (without_a_budget_nothing_waits);
  status = g_test_run ();
  g_clear_pointer (&service, daemon_free);
  g_free (token);
  g_free (track);
  return status;
}
