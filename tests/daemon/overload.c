/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A full syrinxd: which requests wait, are admitted, or are refused. Requests
 * that wait use sockets of their own, so that there can be many. */
#include "harness.h"

#include <sched.h>
#include <string.h>

#define PATIENCE_MS 2000

static const gchar one_place[]
    = "max-sessions=1\nadmission-queue=2\nadmission-wait-ms=2000\n"
      "trusted-proxies=127.0.0.1\n"
      "[region near]\nweight=8\nrtt-ms=10\n[region far]\nweight=1\n";

static Daemon *service;
static gchar *token, *track;

static void
start_service (const gchar *config)
{
  g_clear_pointer (&service, daemon_free);
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, 1);
  g_free (token);
  token = daemon_token (service, "listener", "listen");
  g_free (track);
  track = daemon_find (service, token, "ode to joy");
}

/* --- Waiting requests --- */

typedef struct
{
  GSocketConnection *connection;
  GString *said;
} Request;

static GSocket *
socket_of (Request *request)
{
  return g_socket_connection_get_socket (request->connection);
}

static Request *
send_text (const gchar *text)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  Request *request = g_new0 (Request, 1);
  g_autoptr (GError) error = NULL;

  request->connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", daemon_get_port (service), NULL, &error);
  g_assert_no_error (error);
  request->said = g_string_new (NULL);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (request->connection)), text,
      strlen (text), NULL, NULL, &error);
  g_assert_no_error (error);
  return request;
}

static Request *
ask_by_token (const gchar *asking, const gchar *region)
{
  g_autofree gchar *body = g_strdup_printf ("{\"track_id\":\"%s\"}", track);
  g_autofree gchar *text = g_strdup_printf (
      "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n"
      "Authorization: Bearer %s\r\nX-Syrinx-Region: %s\r\n"
      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
      asking, region, strlen (body), body);

  return send_text (text);
}

static Request *
ask_for_session (const gchar *region)
{
  return ask_by_token (token, region);
}

static void
request_free (Request *request)
{
  g_object_unref (request->connection);
  g_string_free (request->said, TRUE);
  g_free (request);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

/* Reads until @size_bytes have been received in all. */
static void
hear (Request *request, gsize size_bytes)
{
  gchar buffer[4096];

  g_socket_set_timeout (socket_of (request), 20);
  while (request->said->len < size_bytes) {
    g_autoptr (GError) error = NULL;
    gssize n = g_socket_receive (
        socket_of (request), buffer, sizeof buffer, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (n, >, 0);
    g_string_append_len (request->said, buffer, n);
  }
}

static guint
get_status (Request *request)
{
  hear (request, strlen ("HTTP/1.1 200"));
  return g_ascii_strtoull (request->said->str + 9, NULL, 10);
}

static gboolean
is_answered (Request *request)
{
  return request->said->len > 0
         || g_socket_condition_check (socket_of (request), G_IO_IN);
}

/* --- Statistics of the daemon --- */

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
has_waiting (gpointer data)
{
  return read_metric ("syrinx_admission_waiting") == GPOINTER_TO_UINT (data);
}

static void
wait_for_waiting (guint n)
{
  wait_until (has_waiting, GUINT_TO_POINTER (n), "requests to wait", 10);
}

static void
end_session (const gchar *id)
{
  g_autofree gchar *path = g_strconcat ("/v1/sessions/", id, NULL);
  g_autoptr (Answer) answer = ask (service, "DELETE", path, token, NULL);

  g_assert_cmpuint (answer->status, ==, 204);
}

/* Ends the session of an answer with status 201. */
static void
end_session_of (Request *request)
{
  const gchar *id;
  g_autofree gchar *copy = NULL;

  g_assert_cmpuint (get_status (request), ==, 201);
  while (!(id = strstr (request->said->str, "{\"id\":\""))
         || !strchr (id + 7, '"'))
    hear (request, request->said->len + 1);
  copy = g_strndup (id + 7, strcspn (id + 7, "\""));
  end_session (copy);
}

/* Takes the only place and returns the session's id. (transfer full) */
static gchar *
fill (void)
{
  g_autoptr (JsonObject) session = daemon_session (service, token, track, NULL);

  return g_strdup (json_object_get_string_member (session, "id"));
}

/* --- Tests --- */

static void
the_nearest_region_is_let_in_first (void)
{
  g_autofree gchar *first = fill ();
  g_autoptr (Request) far = ask_for_session ("far");
  g_autoptr (Request) near = NULL;

  wait_for_waiting (1);
  near = ask_for_session ("near");
  wait_for_waiting (2);
  end_session (first);
  g_assert_cmpuint (get_status (near), ==, 201);
  g_assert_false (is_answered (far));
  end_session_of (near);
  end_session_of (far);
}

static void
who_has_waited_long_enough_hears_when_to_come_again (void)
{
  g_autofree gchar *first = fill ();
  guint64 n_refused = read_metric ("syrinx_admission_refused_total");
  gint64 begin_us = g_get_monotonic_time (), took_ms;
  g_autoptr (Request) request = ask_for_session ("near");

  g_assert_cmpuint (get_status (request), ==, 503);
  took_ms = (g_get_monotonic_time () - begin_us) / 1000;
  g_assert_cmpint (took_ms, >=, PATIENCE_MS);
  g_assert_cmpint (took_ms, <, PATIENCE_MS + 1000);
  while (!strstr (request->said->str, "\r\n\r\n"))
    hear (request, request->said->len + 1);
  g_assert_nonnull (strstr (request->said->str, "\r\nRetry-After: "));
  g_assert_cmpuint (
      read_metric ("syrinx_admission_refused_total"), ==, n_refused + 1);
  end_session (first);
}

static void
a_full_queue_answers_at_once (void)
{
  g_autofree gchar *first = fill ();
  g_autoptr (Request) a = ask_for_session ("far");
  g_autoptr (Request) b = NULL, c = NULL, near = NULL;

  wait_for_waiting (1);
  b = ask_for_session ("far");
  wait_for_waiting (2);
  c = ask_for_session ("far");
  g_assert_cmpuint (get_status (c), ==, 503);
  near = ask_for_session ("near");
  g_assert_cmpuint (get_status (b), ==, 503);
  g_assert_false (is_answered (a));
  end_session (first);
  end_session_of (near);
  end_session_of (a);
}

static void
a_client_that_goes_away_leaves_the_queue (void)
{
  g_autofree gchar *first = fill ();
  Request *gone = ask_for_session ("near");
  g_autoptr (Request) patient = NULL;

  wait_for_waiting (1);
  patient = ask_for_session ("far");
  wait_for_waiting (2);
  request_free (gone);
  wait_for_waiting (1);
  end_session (first);
  end_session_of (patient);
}

/* The right is checked again after the wait. */
static void
a_token_that_is_revoked_while_it_waits_gets_no_session (void)
{
  g_autofree gchar *doomed = daemon_token (service, "doomed", "listen");
  g_autofree gchar *first = fill ();
  g_autoptr (Request) request = ask_by_token (doomed, "near");

  wait_for_waiting (1);
  g_free (daemon_ctl (service, "token", "revoke", "--subject", "doomed", NULL));
  g_assert_false (is_answered (request));
  end_session (first);
  g_assert_cmpuint (get_status (request), ==, 401);
  g_free (first);
  first = fill (); /* the place was not lost */
  end_session (first);
}

/* A waiting request holds a seat of its subject; it is freed when the client
 * leaves. */
static void
a_client_that_leaves_the_queue_gives_its_seat_back (void)
{
  g_autofree gchar *single = daemon_ctl (service, "token", "issue", "--subject",
      "single", "--sessions", "1", NULL);
  g_autofree gchar *first = fill ();
  Request *gone = ask_by_token (single, "near");
  g_autoptr (Request) beside = NULL, again = NULL;

  wait_for_waiting (1);
  beside = ask_by_token (single, "near");
  g_assert_cmpuint (get_status (beside), ==, 429);
  request_free (gone);
  wait_for_waiting (0);
  again = ask_by_token (single, "near");
  wait_for_waiting (1);
  end_session (first);
  g_assert_cmpuint (get_status (again), ==, 201);
  g_free (daemon_ctl (service, "token", "revoke", "--subject", "single", NULL));
  g_free (first);
  first = fill ();
  end_session (first);
}

static void
a_stream_waits_and_then_plays (void)
{
  g_autofree gchar *first = fill ();
  g_autofree gchar *text
      = g_strdup_printf ("GET /v1/tracks/%s/stream.opus?token=%s HTTP/1.1\r\n"
                         "Host: localhost\r\n\r\n",
          track, token);
  g_autoptr (Request) request = send_text (text);

  wait_for_waiting (1);
  g_assert_false (is_answered (request));
  end_session (first);
  g_assert_cmpuint (get_status (request), ==, 200);
  hear (request, 20000);
  g_assert_nonnull (g_strstr_len (request->said->str, 2000, "OggS"));
}

static gboolean
has_no_session (gpointer data)
{
  return read_metric ("syrinx_sessions") == 0;
}

static void
whoever_vanished_while_playing_makes_room (void)
{
  wait_until (has_no_session, NULL, "the stream's session to end", 20);
  g_assert_cmpuint (
      read_metric ("syrinx_egress_reserved_bits_per_second"), ==, 0);
}

static void
the_egress_of_renditions_is_bounded (void)
{
  g_autoptr (JsonObject) large = NULL, small = NULL, last = NULL;
  g_autofree gchar *body = NULL;
  g_autoptr (Answer) answer = NULL;

  start_service (
      "max-egress-kbps=200\nadmission-wait-ms=100\nmax-cpu-percent=0");
  large = daemon_session (service, token, track, NULL);
  small = daemon_session (service, token, track, "\"rendition\":\"opus-64\"");
  g_assert_cmpuint (read_metric ("syrinx_egress_reserved_bits_per_second"), ==,
      128000 + 64000);
  body = g_strdup_printf (
      "{\"track_id\":\"%s\",\"rendition\":\"opus-64\"}", track);
  answer = ask (service, "POST", "/v1/sessions", token, body);
  g_assert_cmpuint (answer->status, ==, 503);
  end_session (json_object_get_string_member (large, "id"));
  last = daemon_session (service, token, track, "\"rendition\":\"opus-64\"");
}

/* Requests that cost CPU but begin no session. */
static void
keep_busy (void)
{
  for (guint i = 0; i < 300; i++) {
    g_autoptr (Answer) answer = ask (service, "GET", "/v1/tracks", token, NULL);
    g_assert_cmpuint (answer->status, ==, 200);
  }
}

/* On one core, so that one percent of all cores is little. */
static void
too_much_cpu_makes_new_sessions_wait (void)
{
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (Request) request = NULL;
  cpu_set_t one;

  sched_getaffinity (0, sizeof one, &one);
  for (guint i = 0, n = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET (i, &one) && n++)
      CPU_CLR (i, &one);
  sched_setaffinity (0, sizeof one, &one);
  start_service ("max-cpu-percent=1\nadmission-wait-ms=20000\n"
                 "requests-per-second=1000000\n"
                 "requests-per-second-per-subject=1000000\n"
                 "max-sessions-per-subject=1000000\n"
                 "max-sessions-per-address=1000000");
  first = daemon_session (service, token, track, NULL);
  keep_busy ();
  request = ask_for_session ("any");
  wait_for_waiting (1);
  g_assert_cmpuint (get_status (request), ==, 201);
}

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
  start_service (one_place);
#define ADD(test) g_test_add_func ("/overload/" #test, test)
  ADD (the_nearest_region_is_let_in_first);
  ADD (who_has_waited_long_enough_hears_when_to_come_again);
  ADD (a_full_queue_answers_at_once);
  ADD (a_client_that_goes_away_leaves_the_queue);
  ADD (a_token_that_is_revoked_while_it_waits_gets_no_session);
  ADD (a_client_that_leaves_the_queue_gives_its_seat_back);
  ADD (a_stream_waits_and_then_plays);
  ADD (whoever_vanished_while_playing_makes_room);
  ADD (the_egress_of_renditions_is_bounded);
  ADD (too_much_cpu_makes_new_sessions_wait);
  status = g_test_run ();
  daemon_free (service);
  g_free (token);
  g_free (track);
  return status;
}
