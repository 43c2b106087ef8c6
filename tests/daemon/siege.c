/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A full syrinxd under attack. After each attack the service answers, and holds
 * no more resources than before. Random, with a printed seed (`--seed` repeats
 * it); SYRINX_STRESS_SECONDS is the duration of the random part. */
#include "crowd.h"
#include "harness.h"
#include "mutate.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define N_SAMPLES       12
#define CROWD           1000
#define PLAYING         100
#define UNFRAMED        1000
#define SLOW            40
#define MUTATIONS_A_BIT 60
#define MAX_PATIENCE_S  3
#define SLACK_FDS       16
#define SLACK_THREADS   12
#define SLACK_KB        (64 * 1024)
#define BIG_S           180 /* a WAV of 34 MB */

static Daemon *service;
static gchar *dir, *library, *token, *mob, *owner, *track;
static guint16 rtsp_port;

/* --- Resources --- */

typedef struct
{
  guint n_fds, n_threads;
  guint64 rss_kb;
} Held;

static guint
count_entries (const gchar *name)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/%s", daemon_get_pid (service), name);
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (entries && g_dir_read_name (entries))
    n++;
  return n;
}

static Held
look (void)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/status", daemon_get_pid (service));
  g_autofree gchar *text = NULL;
  const gchar *rss;
  Held held = { count_entries ("fd"), count_entries ("task"), 0 };

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("syrinxd is gone");
  rss = strstr (text, "VmRSS:");
  held.rss_kb = rss ? g_ascii_strtoull (rss + 6, NULL, 10) : 0;
  return held;
}

static gboolean
is_sanitized (void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return TRUE;
#else
  return FALSE;
#endif
}

static gboolean
has_let_go (gpointer data)
{
  const Held *before = data;
  Held now = look ();

  return now.n_fds <= before->n_fds + SLACK_FDS
         && now.n_threads <= before->n_threads + SLACK_THREADS
         && (is_sanitized () || now.rss_kb <= before->rss_kb + SLACK_KB);
}

static void
assert_answers (void)
{
  gint64 begun_us = g_get_monotonic_time ();
  g_autoptr (Answer) answer = ask (service, "GET", "/healthz", NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  g_assert_cmpint (g_get_monotonic_time () - begun_us, <,
      MAX_PATIENCE_S * G_TIME_SPAN_SECOND);
}

/* Resources are back to their levels before, within some slack. */
static void
assert_is_over (Held before, const gchar *what)
{
  Held after;

  g_assert_true (daemon_is_alive (service));
  wait_until (has_let_go, &before, what, 40);
  after = look ();
  g_test_message ("%s: descriptors %u to %u, threads %u to %u, KiB "
                  "%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
      what, before.n_fds, after.n_fds, before.n_threads, after.n_threads,
      before.rss_kb, after.rss_kb);
  assert_answers ();
}

/* --- Requests --- */

static gchar *
get (const gchar *path, const gchar *more)
{
  return g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, more ? more : "");
}

static gchar *
get_stream (void)
{
  g_autofree gchar *path
      = g_strdup_printf ("/v1/tracks/%s/stream.opus?token=%s", track, mob);

  return get (path, NULL);
}

static gchar *
post_session (void)
{
  g_autofree gchar *body = g_strdup_printf ("{\"track_id\":\"%s\"}", track);

  return g_strdup_printf (
      "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
      "%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
      token, strlen (body), body);
}

static gchar *
get_tracks (void)
{
  g_autofree gchar *more
      = g_strdup_printf ("Authorization: Bearer %s\r\n", token);

  return get ("/v1/tracks?limit=3&q=the", more);
}

/* The path of a new session: "/v1/sessions/ID/CAPABILITY/". (transfer full) */
static gchar *
new_session (void)
{
  g_autoptr (JsonObject) session = daemon_session (service, token, track, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  const gchar *path = strstr (url, "/v1/");

  return g_strndup (path, strrchr (path, '/') + 1 - path);
}

static gchar *
get_of_session (const gchar *name)
{
  g_autofree gchar *base = new_session ();
  g_autofree gchar *path = g_strconcat (base, name, NULL);

  return get (path, NULL);
}

static gchar *
say_rtsp (const gchar *method, const gchar *rest, const gchar *headers)
{
  return g_strdup_printf ("%s rtsp://127.0.0.1:%u/tracks/%s%s?token=%s "
                          "RTSP/1.0\r\nCSeq: 1\r\n%s\r\n",
      method, rtsp_port, track, rest, token, headers);
}

/* --- Mutated requests --- */

typedef struct
{
  gchar *text;
  guint16 port;
} Recorded;

static GArray *
record (void)
{
  const guint16 http = daemon_get_port (service);
  const Recorded good[] = { { get ("/healthz", NULL), http },
    { get_tracks (), http }, { post_session (), http }, { get_stream (), http },
    { get_of_session ("master.m3u8"), http },
    { get_of_session ("opus-64/index.m3u8"), http },
    { get_of_session ("opus-64/0.m4s"), http },
    { get_of_session ("opus-64/1/key"), http },
    { g_strdup ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                "chunked\r\nTrailer: X\r\n\r\n5\r\n{\"a\":\r\n2;x=y\r\n1}\r\n"
                "0\r\nX: y\r\n\r\n"),
        http },
    { say_rtsp ("DESCRIBE", "", "Accept: application/sdp\r\n"), rtsp_port },
    { say_rtsp ("SETUP", "/stream=0",
          "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
        rtsp_port },
    { g_strdup ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\1\0\4abcd"),
        rtsp_port } };
  GArray *all = g_array_new (FALSE, FALSE, sizeof (Recorded));

  g_array_append_vals (all, good, G_N_ELEMENTS (good));
  return all;
}

static const Recorded *
choose (GArray *all)
{
  return &g_array_index (all, Recorded, g_test_rand_int_range (0, all->len));
}

static guint
get_stress_seconds (void)
{
  const gchar *text = g_getenv ("SYRINX_STRESS_SECONDS");

  return text ? g_ascii_strtoull (text, NULL, 10) : 6;
}

static void
clear_recorded (gpointer recorded)
{
  g_free (((Recorded *)recorded)->text);
}

static void
mutated_requests_hurt_nobody (void)
{
  g_autoptr (GArray) all = record ();
  Held before = look ();
  gint64 begun_us = g_get_monotonic_time ();
  guint n = 0, n_answered = 0;

  g_array_set_clear_func (all, clear_recorded);
  while (g_get_monotonic_time () - begun_us
         < get_stress_seconds () * G_TIME_SPAN_SECOND) {
    g_autoptr (Crowd) crowd = crowd_new ();
    for (guint i = 0; i < MUTATIONS_A_BIT; i++, n++) {
      const Recorded *from = choose (all);
      g_autoptr (GString) text = mutate (from->text, choose (all)->text);
      Member *member = crowd_add (crowd, from->port, text->str, text->len);
      if (g_test_rand_bit ())
        crowd_member_shut (member);
    }
    crowd_drain (crowd, 150);
    for (guint i = 0; i < crowd_get_size (crowd); i++)
      n_answered += crowd_get (crowd, i)->n_bytes > 0;
  }
  g_test_message ("%u mutations, %u answered", n, n_answered);
  g_assert_cmpuint (n_answered, >, n / 10);
  assert_is_over (before, "mutations");
}

/* Any one character of the token except the last, whose low bits are unused. */
static void
no_mutated_token_is_let_in (void)
{
  g_autoptr (Crowd) crowd = crowd_new ();
  Held before = look ();

  for (guint i = 0; i < CROWD; i++) {
    g_autofree gchar *text = get_tracks ();
    gchar *start = strstr (text, token);
    gchar *at = start + g_test_rand_int_range (0, strlen (token) - 1);
    gchar was = *at;
    while (*at == was)
      *at = "abcdefghijABCDEFGHIJ0123456789-_"[g_test_rand_int_range (0, 32)];
    crowd_add (crowd, daemon_get_port (service), text, -1);
  }
  g_assert_true (crowd_wait_for (crowd, 12, 20));
  for (guint i = 0; i < CROWD; i++)
    g_assert_true (
        g_str_has_prefix (crowd_get (crowd, i)->head, "HTTP/1.1 401 "));
  g_clear_pointer (&crowd, crowd_free);
  assert_is_over (before, "tokens");
}

static void
requests_without_a_good_length_cost_nothing (void)
{
  g_autofree gchar *target = g_strnfill (15000, 'a');
  g_autofree gchar *path = g_strconcat ("/", target, NULL);
  static const gchar *const bad[] = { "Transfer-Encoding: x\r\n",
    "Content-Length: five\r\n", "Content-Length: 5, 6\r\n",
    "Content-Length: 99999999999999999999\r\n" };
  Held before = look ();

  for (guint i = 0; i < UNFRAMED; i++) {
    g_autofree gchar *text = get (path, bad[i % G_N_ELEMENTS (bad)]);
    g_autoptr (Crowd) crowd = crowd_new ();
    Member *member = crowd_add (crowd, daemon_get_port (service), text, -1);
    g_assert_true (crowd_wait_for (crowd, 128, 5));
    g_assert_true (g_str_has_prefix (member->head, "HTTP/1.1 400 "));
  }
  if (!is_sanitized ())
    g_assert_cmpuint (look ().rss_kb, <, before.rss_kb + UNFRAMED * 5);
  assert_is_over (before, "requests without a length");
}

/* --- Half-closed clients --- */

static gchar *
get_new_stream (void)
{
  g_autofree gchar *other = daemon_find (service, token, "lullaby queue");
  g_autofree gchar *path
      = g_strdup_printf ("/v1/tracks/%s/stream.opus?token=%s", other, token);

  return get (path, NULL);
}

static void
who_says_no_more_gets_the_answer (void)
{
  const guint16 http = daemon_get_port (service);
  const struct
  {
    gchar *text;
    guint16 port;
    const gchar *answer;
  } cases[] = { { get ("/healthz", NULL), http, "HTTP/1.1 200 " },
    { get_tracks (), http, "HTTP/1.1 200 " },
    { post_session (), http, "HTTP/1.1 201 " },
    { get_of_session ("opus-64/1.m4s"), http, "HTTP/1.1 200 " },
    { get_stream (), http, "HTTP/1.1 200 " },
    { get_new_stream (), http, "HTTP/1.1 200 " }, /* it has to be made first */
    { g_strdup ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), rtsp_port,
        "RTSP/1.0 200 " },
    { say_rtsp ("DESCRIBE", "", ""), rtsp_port, "RTSP/1.0 200 " } };
  Held before = look ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Crowd) crowd = crowd_new ();
    Member *member = crowd_add (crowd, cases[i].port, cases[i].text, -1);
    crowd_member_shut (member);
    g_assert_true (crowd_wait_for (crowd, 128, 20));
    if (!strstr (member->head, cases[i].answer))
      g_error ("%s\nwas answered:\n%s", cases[i].text, member->head);
    g_free (cases[i].text);
  }
  assert_is_over (before, "half-closed");
}

static void
requests_in_a_row_are_answered_in_order (void)
{
  g_autofree gchar *base = new_session ();
  g_autofree gchar *path = g_strconcat (base, "opus-64/0.m4s", NULL);
  g_autofree gchar *post = post_session (), *fragment = get (path, NULL);
  g_autofree gchar *health = get ("/healthz", NULL);
  g_autofree gchar *last = get ("/nowhere", "Connection: close\r\n");
  g_autofree gchar *text = g_strconcat (
      fragment, fragment, post, fragment, health, post, post, last, NULL);
  static const gchar *const statuses[]
      = { "200", "200", "201", "200", "200", "201", "201", "404" };
  g_autofree gchar *said = talk (service, text, -1, 20, NULL);
  const gchar *at = said;

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    g_autofree gchar *line = g_strconcat ("HTTP/1.1 ", statuses[i], " ", NULL);
    at = strstr (at, "HTTP/1.1 ");
    g_assert_nonnull (at);
    g_assert_true (g_str_has_prefix (at, line));
    at += strlen (line);
  }
  g_assert_null (strstr (at, "HTTP/1.1 "));
}

/* --- Crowds --- */

static Crowd *
play_crowd (guint n)
{
  g_autofree gchar *text = get_stream ();
  Crowd *crowd = crowd_new ();

  for (guint i = 0; i < n; i++)
    crowd_add (crowd, daemon_get_port (service), text, -1);
  g_assert_true (crowd_wait_for (crowd, 4096, 30));
  g_assert_cmpuint (crowd_count_ended (crowd), ==, 0);
  return crowd;
}

static gboolean
has_no_streams (gpointer unused)
{
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (service), "/metrics", NULL);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);
  g_autofree gchar *text = answer_text (answer);

  return strstr (text, "\nsyrinx_region_streams{region=\"default\"} 0\n")
         != NULL;
}

static void
a_crowd_that_vanishes_leaves_nothing (void)
{
  Held before;

  crowd_free (play_crowd (8)); /* warms up caches */
  wait_until (has_no_streams, NULL, "the first streams to end", 20);
  before = look ();
  crowd_free (play_crowd (CROWD));
  wait_until (has_no_streams, NULL, "the crowd's streams to end", 30);
  assert_is_over (before, "a crowd");
}

static void
who_hardly_reads_holds_up_nobody (void)
{
  g_autoptr (Crowd) crowd = crowd_new ();
  g_autofree gchar *stream = get_stream ();
  g_autofree gchar *path
      = g_strdup_printf ("/v1/tracks/%s/original?token=%s", track, owner);
  g_autofree gchar *original = get (path, NULL);
  Held before = look ();

  for (guint i = 0; i < SLOW; i++)
    crowd_add (crowd, daemon_get_port (service), i % 2 ? stream : original, -1);
  for (guint second = 0; second < 3; second++) {
    g_usleep (G_USEC_PER_SEC);
    for (guint i = 0; i < SLOW; i++)
      crowd_member_read (crowd_get (crowd, i), 1);
    assert_answers ();
  }
  g_clear_pointer (&crowd, crowd_free);
  wait_until (has_no_streams, NULL, "the slow ones' streams to end", 30);
  assert_is_over (before, "slow readers");
}

/* --- Files that shrink or vanish --- */

static gboolean
has_ended (gpointer process)
{
  return !g_subprocess_get_identifier (process);
}

/* Over TLS, where the daemon encrypts what it reads. */
static void
a_file_that_shrinks_ends_its_answer_alone (void)
{
  g_autofree gchar *file = g_build_filename (library, "big.wav", NULL);
  g_autofree gchar *id = daemon_find (service, token, "big");
  g_autofree gchar *address = g_build_filename (
      daemon_get_state_dir (service), "https-address", NULL);
  g_autofree gchar *tls = NULL, *url = NULL;
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (GError) error = NULL;
  Held before = look ();

  g_assert_true (g_file_get_contents (address, &tls, NULL, NULL));
  url = g_strdup_printf ("%sv1/tracks/%s/original?token=%s", tls, id, owner);
  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "curl",
      "-ksS", "--limit-rate", "3M", url, NULL);
  g_assert_no_error (error);
  g_usleep (G_USEC_PER_SEC);
  g_assert_cmpint (truncate (file, 1000), ==, 0);
  wait_until (has_ended, curl, "the transfer to break off", 20);
  g_assert_cmpint (g_subprocess_get_exit_status (curl), !=, 0);
  assert_is_over (before, "a file that shrank");
}

/* --- The operator --- */

/* Ends at most @n sessions of the crowd. Returns how many there were. */
static guint
end_some (guint n)
{
  g_autofree gchar *text = daemon_ctl (service, "--json", "sessions", NULL);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonArray *sessions = json_node_get_array (node);
  guint n_mob = 0;

  for (guint i = 0; i < json_array_get_length (sessions); i++) {
    JsonObject *session = json_array_get_object_element (sessions, i);
    const gchar *subject = json_object_get_string_member (session, "subject");
    if (g_str_equal (subject, "mob") && n_mob++ < n)
      g_free (daemon_ctl (service, "sessions", "terminate",
          json_object_get_string_member (session, "id"), NULL));
  }
  return n_mob;
}

static void
assert_play_on (Crowd *crowd, guint n_ended)
{
  g_autofree guint64 *had = g_new (guint64, crowd_get_size (crowd));
  guint n_more = 0;

  for (guint i = 0; i < crowd_get_size (crowd); i++)
    had[i] = crowd_get (crowd, i)->n_bytes;
  crowd_drain (crowd, 2000);
  for (guint i = 0; i < crowd_get_size (crowd); i++)
    n_more += !crowd_get (crowd, i)->has_ended
              && crowd_get (crowd, i)->n_bytes > had[i];
  g_assert_cmpuint (crowd_count_ended (crowd), ==, n_ended);
  g_assert_cmpuint (n_more, ==, crowd_get_size (crowd) - n_ended);
}

static void
who_plays_plays_on_whatever_is_done (void)
{
  g_autofree gchar *away = g_strconcat (library, ".away", NULL);
  Held before = look ();
  g_autoptr (Crowd) crowd = play_crowd (PLAYING);

  daemon_signal (service, SIGHUP);
  g_free (daemon_ctl (service, "key", "rotate", "--master", NULL));
  g_free (daemon_ctl (service, "key", "rotate", "--track", track, NULL));
  assert_play_on (crowd, 0);
  /* As if it were not mounted. */
  g_assert_cmpint (g_rename (library, away), ==, 0);
  g_assert_cmpint (g_mkdir (library, 0700), ==, 0);
  g_free (daemon_ctl (service, "rescan", "--wait", NULL));
  assert_play_on (crowd, 0);
  g_assert_cmpint (g_rmdir (library), ==, 0);
  g_assert_cmpint (g_rename (away, library), ==, 0);
  g_free (daemon_ctl (service, "rescan", "--wait", NULL));
  daemon_wait_for_tracks (service, N_SAMPLES);
  g_assert_cmpuint (end_some (10), ==, PLAYING);
  assert_play_on (crowd, 10);
  g_free (daemon_ctl (service, "token", "revoke", "--subject", "mob", NULL));
  crowd_drain (crowd, 4000);
  g_assert_cmpuint (crowd_count_ended (crowd), ==, PLAYING);
  g_assert_cmpuint (end_some (0), ==, 0);
  g_clear_pointer (&crowd, crowd_free);
  assert_is_over (before, "the operator");
}

/* --- A full disk --- */

/* Whether the command succeeds. */
static gboolean
does (const gchar *command, const gchar *path)
{
  g_autofree gchar *line = g_strdup_printf ("%s '%s'", command, path);
  gint status = -1;

  return g_spawn_command_line_sync (line, NULL, NULL, &status, NULL)
         && g_spawn_check_wait_status (status, NULL);
}

static void
play_all_tracks (void)
{
  g_autoptr (Answer) answer = ask (service, "GET", "/v1/tracks", token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);
  JsonArray *tracks = json_object_get_array_member (json, "tracks");
  g_autoptr (Crowd) crowd = crowd_new ();

  for (guint i = 0; i < json_array_get_length (tracks); i++) {
    JsonObject *one = json_array_get_object_element (tracks, i);
    g_autofree gchar *path
        = g_strdup_printf ("/v1/tracks/%s/stream.opus?token=%s",
            json_object_get_string_member (one, "id"), token);
    g_autofree gchar *text = get (path, NULL);
    crowd_add (crowd, daemon_get_port (service), text, -1);
  }
  crowd_drain (crowd, 6000);
  assert_answers ();
}

static gboolean
gets_a_session (gpointer unused)
{
  g_autofree gchar *body = g_strdup_printf ("{\"track_id\":\"%s\"}", track);
  g_autoptr (Answer) answer
      = ask (service, "POST", "/v1/sessions", token, body);

  if (answer->status != 201)
    g_assert_cmpuint (answer->status, ==, 503);
  return answer->status == 201;
}

static void
read_rtsp_port (void)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (service), "rtsp-address", NULL);
  g_autofree gchar *address = NULL;

  g_assert_true (g_file_get_contents (path, &address, NULL, NULL));
  rtsp_port = g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

/* Takes new levels and new tokens. */
static void
start_again (void)
{
  daemon_start (service);
  daemon_wait_for_tracks (service, N_SAMPLES);
  g_free (token);
  token = daemon_token (service, "listener", "listen");
  g_free (track);
  track = daemon_find (service, token, "ode to joy");
  read_rtsp_port ();
}

/* A file system that a few tracks fill, whatever the cache's limit. */
static void
a_disk_full_of_cache_is_made_room_on (void)
{
  g_autofree gchar *state = g_strdup (daemon_get_state_dir (service)),
                   *log = NULL;

  daemon_signal (service, SIGTERM);
  if (!does ("mount -t tmpfs -o size=1500k none", state)) {
    g_test_skip ("no file system can be mounted here");
    daemon_start (service);
    return;
  }
  start_again ();
  play_all_tracks ();
  wait_until (has_no_streams, NULL, "the streams to end", 30);
  g_free (track);
  track = daemon_find (service, token, "ode to joy");
  wait_until (gets_a_session, NULL, "room for a session", 20);
  log = daemon_get_log (service);
  g_assert_nonnull (strstr (log, "No space left on device"));
  daemon_signal (service, SIGTERM);
  g_assert_true (does ("umount", state));
  start_again ();
}

/* --- Life --- */

static void
set_up (void)
{
  struct rlimit limit;
  g_autofree gchar *config = NULL;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
  dir = g_dir_make_tmp ("syrinx-siege-XXXXXX", NULL);
  library = g_build_filename (dir, "music", NULL);
  g_bytes_unref (
      shell ("cp -r '%s' '%s'; "
             "ffmpeg -nostdin -v error -f lavfi -i sine=d=%d -ac 2 -ar 48000 "
             "'%s/big.wav'; "
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -subj /CN=siege -keyout '%s/key' -out '%s/crt' "
             "2>/dev/null",
          g_getenv ("SYRINX_SAMPLES"), library, BIG_S, library, dir, dir));
  config = g_strdup_printf (
      "https=127.0.0.1:0\ntls-certificate=%s/crt\ntls-key=%s/key\n"
      "max-connections-per-address=4000\nrequests-per-second=100000\n"
      "requests-per-second-per-subject=100000\n"
      "max-sessions-per-subject=1000000\n"
      "max-sessions-per-address=1000000\nmax-cpu-percent=0",
      dir, dir);
  service = daemon_new (library, config);
  daemon_wait_for_tracks (service, N_SAMPLES + 1);
  token = daemon_token (service, "listener", "listen");
  mob = daemon_token (service, "mob", "listen");
  owner = daemon_token (service, "owner", "listen,original");
  track = daemon_find (service, token, "big");
  read_rtsp_port ();
  crowd_free (play_crowd (1));
}

int
main (int argc, char **argv)
{
  int status;

#define ADD(name) g_test_add_func ("/siege/" #name, name)
  g_test_init (&argc, &argv, NULL);
  set_up ();
  ADD (mutated_requests_hurt_nobody);
  ADD (no_mutated_token_is_let_in);
  ADD (requests_without_a_good_length_cost_nothing);
  ADD (who_says_no_more_gets_the_answer);
  ADD (requests_in_a_row_are_answered_in_order);
  ADD (a_crowd_that_vanishes_leaves_nothing);
  ADD (who_hardly_reads_holds_up_nobody);
  ADD (who_plays_plays_on_whatever_is_done);
  ADD (a_file_that_shrinks_ends_its_answer_alone);
  ADD (a_disk_full_of_cache_is_made_room_on);
  status = g_test_run ();
  daemon_free (service);
  g_bytes_unref (shell ("rm -r '%s'", dir));
  return status;
}
