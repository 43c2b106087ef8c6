/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attacks on HTTP that once succeeded: one request that takes gigabytes,
 * targets that are leaked, requests that never end, connections that are freed
 * by others, and a daemon without descriptors. */
#include "tests/daemon/crowd.h"
#include "tests/daemon/harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define N_RANGES        5000
#define N_UNREAD        50
#define N_LEAKS         300
#define TARGET_BYTES    15000
#define MAX_HELD_KB     256 /* by one connection */
#define SLACK_KB        (8 * 1024)
#define SLOW_PATIENCE_S 20
#define N_WAITING       6
#define FEW_DESCRIPTORS 120

static Daemon *service;
static gchar *token;

/* Sanitizers delay the reuse of freed memory. */
static gboolean
is_sanitized (void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return TRUE;
#else
  return FALSE;
#endif
}

static guint64
get_rss_kb (void)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/status", daemon_get_pid (service));
  g_autofree gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_ascii_strtoull (strstr (text, "VmRSS:") + 6, NULL, 10);
}

static void
assert_answers (void)
{
  g_autoptr (Answer) answer = ask (service, "GET", "/healthz", NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
}

static void
begin (const gchar *config)
{
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, 12);
  token = daemon_token (service, "eve", "listen");
}

static void
end (void)
{
  assert_answers ();
  g_clear_pointer (&service, daemon_free);
  g_clear_pointer (&token, g_free);
}

#define LIMITS                                                                 \
  "requests-per-second=1000000\nrequests-per-second-per-subject=1000000\n"     \
  "max-connections-per-address=10000\n"

/* "/v1/sessions/ID/CAPABILITY/opus-128/"; *@id (nullable) (transfer full).
 * (transfer full) */
static gchar *
new_session (gchar **id)
{
  g_autofree gchar *track = daemon_find (service, token, "minuet");
  g_autoptr (JsonObject) session
      = daemon_session (service, token, track, "\"encryption\":\"none\"");
  const gchar *url = json_object_get_string_member (session, "hls_url");
  const gchar *path = strstr (url, "/v1/");

  if (id)
    *id = g_strdup (json_object_get_string_member (session, "id"));
  return g_strdup_printf (
      "%.*s/opus-128/", (int)(strrchr (path, '/') - path), path);
}

/* --- Ranges --- */

static gchar *
ask_for_ranges (const gchar *path, guint n)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
      "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=", path);
  while (n--)
    g_string_append (text, "0-,");
  g_string_append (text, "0-\r\n\r\n");
  return g_string_free (text, FALSE);
}

static void
thousands_of_ranges_are_answered_by_the_whole_once (void)
{
  g_autofree gchar *prefix = NULL, *fragment = NULL, *playlist = NULL;
  guint64 before_kb;

  begin (LIMITS);
  prefix = new_session (NULL);
  fragment = g_strconcat (prefix, "0.m4s", NULL);
  playlist = g_strconcat (prefix, "index.m3u8", NULL);
  before_kb = get_rss_kb ();
  for (guint i = 0; i < 3; i++) {
    const gchar *const paths[] = { fragment, playlist, "/syrinx.js" };
    g_autofree gchar *text = ask_for_ranges (paths[i], N_RANGES);
    gboolean ended;
    g_autofree gchar *said = talk (service, text, -1, 10, &ended);
    g_assert_true (ended);
    g_assert_true (g_str_has_prefix (said, "HTTP/1.1 200 "));
    g_assert_cmpuint (strlen (said), <, 500000);
  }
  if (!is_sanitized ())
    g_assert_cmpuint (get_rss_kb (), <, before_kb + SLACK_KB);
  end ();
}

/* Fragments, the page, a list that is generated for the request, a file. */
static void
who_does_not_read_has_the_daemon_hold_little (void)
{
  g_autofree gchar *prefix = NULL, *fragment = NULL, *authorized = NULL;
  g_autofree gchar *list = NULL;
  guint64 before_kb;

  begin (LIMITS);
  prefix = new_session (NULL);
  fragment = g_strconcat (prefix, "0.m4s", NULL);
  authorized = g_strdup_printf ("Authorization: Bearer %s\r\n", token);
  list = g_strdup_printf ("GET /v1/tracks?limit=500 HTTP/1.1\r\nHost: x\r\n"
                          "%s\r\n",
      authorized);
  {
    g_autofree gchar *ranges = ask_for_ranges (fragment, N_RANGES);
    g_autofree gchar *one
        = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", fragment);
    const gchar *const texts[]
        = { ranges, one, list, "GET /hls.min.js HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n" };
    before_kb = get_rss_kb ();
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
      g_autoptr (Crowd) crowd = crowd_new ();
      g_autoptr (GString) many = g_string_new (NULL);
      while (many->len < 200000)
        g_string_append (many, texts[i]);
      for (guint j = 0; j < N_UNREAD; j++)
        crowd_add (crowd, daemon_get_port (service), many->str, many->len);
      g_usleep (G_USEC_PER_SEC / 5); /* time for what the daemon still does */
      assert_answers ();
      g_test_message ("%.20s: %" G_GINT64_FORMAT " KiB a connection", texts[i],
          ((gint64)get_rss_kb () - (gint64)before_kb) / N_UNREAD);
      if (!is_sanitized ())
        g_assert_cmpuint (get_rss_kb (), <, before_kb + N_UNREAD * MAX_HELD_KB);
    }
  }
  end ();
}

/* --- Leaks --- */

static void
odd_requests_leave_nothing_behind (void)
{
  g_autofree gchar *letters = g_strnfill (TARGET_BYTES, 'A');
  g_autoptr (GString) fields = g_string_new (NULL);
  guint64 before_kb;

  for (guint i = 0; i < 33; i++)
    g_string_append_printf (fields, "X%u: 1\r\n", i);
  begin (LIMITS);
  {
    gchar *const texts[] = {
      g_strdup_printf ("GET /%.14000s HTTP/1.1\r\nHost: x\r\n%sContent-Length: "
                       "abc\r\n\r\n",
          letters, fields->str),
      g_strdup_printf ("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /%s HTTP/1.1\r\n"
                       "Host: x\r\nContent-Length: abc\r\n\r\n",
          letters),
      g_strdup_printf ("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /%s HTTP/1.1\r\n"
                       "Host: x\r\nTransfer-Encoding: foo\r\n\r\n",
          letters),
      g_strdup_printf ("GET /%s HTTP/9.1\r\nHost: x\r\n\r\n", letters),
      g_strdup_printf ("GET /%s HTTP/1.1 x\r\nHost: x\r\n\r\n", letters),
      g_strdup_printf ("GET /%s HTTP/1.1\r\nHost: a b\r\n\r\n", letters),
      g_strdup_printf ("GET /%s HTTP/1.1\r\n\r\n", letters),
      g_strdup_printf ("GET http://[%s HTTP/1.1\r\nHost: x\r\n\r\n", letters),
      g_strdup_printf ("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", letters),
    };
    before_kb = get_rss_kb ();
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
      for (guint j = 0; j < N_LEAKS; j++) {
        gboolean ended;
        g_autofree gchar *said = talk (service, texts[i], -1, 5, &ended);
        g_assert_true (ended);
      }
      if (!is_sanitized ())
        g_assert_cmpuint (get_rss_kb (), <, before_kb + SLACK_KB / 4);
    }
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
      g_free (texts[i]);
  }
  end ();
}

/* --- Time --- */

typedef struct
{
  const gchar *name, *text;
  GSocketConnection *connection;
  gint64 ended_us; /* 0: not yet */
} Slow;

/* Sends one more byte. */
static void
drip (Slow *slow)
{
  GSocket *socket = g_socket_connection_get_socket (slow->connection);
  gchar answer[4096];
  gssize n;

  if (g_socket_send (socket, "a", 1, NULL, NULL) < 0) {
    slow->ended_us = g_get_monotonic_time ();
    return;
  }
  while ((n = g_socket_receive_with_blocking (
              socket, answer, sizeof answer, FALSE, NULL, NULL))
         > 0)
    continue;
  if (n == 0)
    slow->ended_us = g_get_monotonic_time ();
}

static guint
drip_all (Slow *slow, guint n)
{
  guint n_open = 0;

  for (guint i = 0; i < n; i++) {
    if (!slow[i].ended_us)
      drip (&slow[i]);
    n_open += !slow[i].ended_us;
  }
  return n_open;
}

static void
who_drips_is_cut_off_whatever_it_drips (void)
{
#define POST "POST /v1/sessions HTTP/1.1\r\nHost: x\r\n"
  Slow slow[] = { { "first head", "GET /" },
    { "second head", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /" },
    { "body", POST "Content-Length: 60000\r\n\r\n" },
    { "second body", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" POST
                     "Content-Length: 60000\r\n\r\n" },
    { "extension of a chunk", POST "Transfer-Encoding: chunked\r\n\r\n1;a=" } };
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  gint64 begun_us;

  begin (LIMITS);
  begun_us = g_get_monotonic_time ();
  for (guint i = 0; i < G_N_ELEMENTS (slow); i++) {
    g_autoptr (GError) error = NULL;
    slow[i].connection = g_socket_client_connect_to_host (
        client, "127.0.0.1", daemon_get_port (service), NULL, &error);
    g_assert_no_error (error);
    g_assert_true (g_output_stream_write_all (
        g_io_stream_get_output_stream (G_IO_STREAM (slow[i].connection)),
        slow[i].text, strlen (slow[i].text), NULL, NULL, NULL));
  }
  while (drip_all (slow, G_N_ELEMENTS (slow))
         && g_get_monotonic_time () - begun_us
                < SLOW_PATIENCE_S * G_TIME_SPAN_SECOND)
    g_usleep (G_USEC_PER_SEC / 2);
  for (guint i = 0; i < G_N_ELEMENTS (slow); i++) {
    g_test_message ("%s: after %.1f s", slow[i].name,
        (slow[i].ended_us - begun_us) / (gdouble)G_USEC_PER_SEC);
    g_assert_cmpint (slow[i].ended_us, >, 0);
    g_object_unref (slow[i].connection);
  }
  end ();
}

/* --- Events of freed objects --- */

static void
say_more (Member *member, const gchar *text)
{
  if (member->fd >= 0)
    g_assert_cmpint (send (member->fd, text, strlen (text), MSG_NOSIGNAL), ==,
        strlen (text));
}

/* In one batch of events a session ends, and clients whose fragments wait for a
 * turn send more, or leave. */
static void
end_under_those_who_wait (gboolean they_leave)
{
  g_autofree gchar *id = NULL, *text = NULL;
  g_autofree gchar *prefix = new_session (&id);
  g_autoptr (Crowd) crowd = crowd_new ();
  Member *ending;

  for (guint i = 0; i < N_WAITING; i++) {
    g_autofree gchar *get = g_strdup_printf (
        "GET %s%u.m4s HTTP/1.1\r\nHost: x\r\n\r\n", prefix, i);
    crowd_add (crowd, daemon_get_port (service), get, -1);
  }
  ending = crowd_add (crowd, daemon_get_port (service), "", 0);
  crowd_drain (crowd, 700);
  text = g_strdup_printf ("DELETE /v1/sessions/%s HTTP/1.1\r\nHost: x\r\n"
                          "Authorization: Bearer %s\r\n\r\n",
      id, token);
  kill (daemon_get_pid (service), SIGSTOP);
  g_usleep (50000); /* until they wait */
  say_more (ending, text);
  for (guint i = 0; i < N_WAITING; i++)
    say_more (crowd_get (crowd, i), "GET /x HTTP/1.1\r\n");
  if (they_leave)
    g_clear_pointer (&crowd, crowd_free);
  kill (daemon_get_pid (service), SIGCONT);
  if (crowd)
    crowd_drain (crowd, 200);
  assert_answers ();
}

static void
a_session_ends_under_those_who_wait (void)
{
  begin (LIMITS "egress-budget-kbps=50\nrenditions=opus-128");
  for (guint round = 0; round < 6; round++)
    end_under_those_who_wait (round % 2);
  end ();
}

/* --- Descriptors --- */

static void
without_descriptors_it_waits_for_some (void)
{
  const struct rlimit few = { FEW_DESCRIPTORS, FEW_DESCRIPTORS };
  struct rlimit many;
  g_autoptr (Crowd) crowd = NULL;

  begin (LIMITS);
  g_assert_cmpint (
      prlimit (daemon_get_pid (service), RLIMIT_NOFILE, &few, &many), ==, 0);
  crowd = crowd_new ();
  for (guint i = 0; i < 2 * FEW_DESCRIPTORS; i++)
    crowd_add (crowd, daemon_get_port (service), "GET / HTTP/1.1\r\n", -1);
  crowd_drain (crowd, 500);
  g_assert_true (daemon_is_alive (service));
  g_clear_pointer (&crowd, crowd_free);
  assert_answers ();
  end ();
}

#define ADD(name) g_test_add_func ("/http-attacks/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (thousands_of_ranges_are_answered_by_the_whole_once);
  ADD (who_does_not_read_has_the_daemon_hold_little);
  ADD (odd_requests_leave_nothing_behind);
  ADD (who_drips_is_cut_off_whatever_it_drips);
  ADD (a_session_ends_under_those_who_wait);
  ADD (without_descriptors_it_waits_for_some);
  return g_test_run ();
}
