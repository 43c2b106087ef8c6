/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many sessions one subject and one address get from a real daemon, and
 * which idle session ends for a new one. */
#include "tests/daemon/harness.h"
#include "tests/daemon/rtsp/rtsp-dialogue.h"

#include <string.h>

#define N_SAMPLES    12
#define DEFAULT      16 /* max-sessions-per-subject */
#define IDLE_SECONDS 30

static Daemon *service;
static gchar *track;

static Answer *
post (Daemon *daemon, const gchar *token)
{
  g_autofree gchar *body = g_strdup_printf (
      "{\"track_id\":\"%s\",\"encryption\":\"none\"}", track);

  return ask (daemon, "POST", "/v1/sessions", token, body);
}

static guint
try_post (Daemon *daemon, const gchar *token)
{
  g_autoptr (Answer) answer = post (daemon, token);

  return answer->status;
}

/* The id of a new session. (transfer full) */
static gchar *
begin (const gchar *token)
{
  g_autoptr (JsonObject) session
      = daemon_session (service, token, track, "\"encryption\":\"none\"");

  return g_strdup (json_object_get_string_member (session, "id"));
}

static guint
status_of_session (const gchar *token, const gchar *id)
{
  g_autofree gchar *path = g_strconcat ("/v1/sessions/", id, NULL);
  g_autoptr (Answer) answer = ask (service, "GET", path, token, NULL);

  return answer->status;
}

static void
one_more_than_a_subject_may_have_is_refused (void)
{
  g_autofree gchar *anns = daemon_token (service, "ann", "listen");
  g_autofree gchar *more = daemon_token (service, "ann", "listen");
  g_autofree gchar *bobs = daemon_token (service, "bob", "listen");
  g_autofree gchar *first = begin (anns), *path = NULL;
  g_autoptr (Answer) refused = NULL, ended = NULL;

  for (guint i = 1; i < DEFAULT; i++)
    g_free (begin (i % 2 ? anns : more));
  refused = post (service, more);
  g_assert_cmpuint (refused->status, ==, 429);
  g_assert_cmpstr (
      answer_header (refused, "content-type"), ==, "application/problem+json");
  g_assert_cmpint (
      g_ascii_strtoll (answer_header (refused, "retry-after"), NULL, 10), <=,
      IDLE_SECONDS);
  g_assert_cmpuint (try_post (service, bobs), ==, 201);
  path = g_strconcat ("/v1/sessions/", first, NULL);
  ended = ask (service, "DELETE", path, more, NULL);
  g_assert_cmpuint (ended->status, ==, 204);
  g_assert_cmpuint (try_post (service, anns), ==, 201);
  g_assert_cmpuint (try_post (service, anns), ==, 429);
}

static void
a_token_says_how_many_it_is_for (void)
{
  g_autofree gchar *two = daemon_ctl (
      service, "token", "issue", "--subject", "two", "--sessions", "2", NULL);
  g_autofree gchar *many = daemon_ctl (
      service, "token", "issue", "--subject", "many", "--sessions", "40", NULL);

  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (try_post (service, two), ==, 201);
  g_assert_cmpuint (try_post (service, two), ==, 429);
  for (guint i = 0; i < 40; i++)
    g_assert_cmpuint (try_post (service, many), ==, 201);
  g_assert_cmpuint (try_post (service, many), ==, 429);
}

/* RTSP sessions count, too, and RTSP refuses at once. */
static void
every_face_counts (void)
{
  g_autofree gchar *token = daemon_ctl (
      service, "token", "issue", "--subject", "eve", "--sessions", "1", NULL);
  g_autofree gchar *headers
      = g_strdup_printf ("Authorization: Bearer %s\r\n", token);
  g_autofree gchar *base = address_of (service, "rtsp-address");
  g_autofree gchar *url = g_strconcat (base, "/tracks/", track, NULL);
  g_autoptr (Dialogue) dialogue = dialogue_with (service);
  g_autoptr (Dialogue) second = dialogue_with (service);
  g_autofree gchar *answer = NULL, *retry = NULL;

  check (dialogue, 200, "DESCRIBE", url, headers);
  g_assert_cmpuint (try_post (service, token), ==, 429);
  answer = expect (second, 503, "DESCRIBE", url, headers);
  retry = header (answer, "Retry-After");
  g_assert_nonnull (retry);
}

/* Whatever the number of subjects. */
static void
an_address_has_a_bound_of_its_own (void)
{
  g_autoptr (Daemon) strict = daemon_new (
      NULL, "max-sessions-per-address=3\nmax-sessions-per-subject=2");
  g_autofree gchar *anns = daemon_token (strict, "ann", "listen");
  g_autofree gchar *bobs = daemon_token (strict, "bob", "listen");

  daemon_wait_for_tracks (strict, N_SAMPLES);
  g_free (track);
  track = daemon_find (strict, anns, "minuet");
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (try_post (strict, anns), ==, 201);
  g_assert_cmpuint (try_post (strict, anns), ==, 429);
  g_assert_cmpuint (try_post (strict, bobs), ==, 201);
  g_assert_cmpuint (try_post (strict, bobs), ==, 429);
}

typedef struct
{
  const gchar *token;
  gchar *begun; /* (nullable) */
} Waiting;

static gboolean
has_begun (gpointer data)
{
  Waiting *waiting = data;
  g_autoptr (Answer) answer = post (service, waiting->token);
  g_autoptr (JsonObject) session = NULL;

  if (answer->status != 201)
    return FALSE;
  session = answer_json (answer);
  waiting->begun = g_strdup (json_object_get_string_member (session, "id"));
  return TRUE;
}

/* Of two sessions the one with a stream stays, although it is older; the other
 * one was never used. */
static void
an_idle_session_makes_place_and_one_that_plays_does_not (void)
{
  g_autofree gchar *token = daemon_ctl (
      service, "token", "issue", "--subject", "zoe", "--sessions", "2", NULL);
  g_autofree gchar *headers
      = g_strdup_printf ("Authorization: Bearer %s\r\n", token);
  g_autofree gchar *base = address_of (service, "rtsp-address");
  g_autofree gchar *url = g_strconcat (base, "/tracks/", track, NULL);
  g_autoptr (Dialogue) dialogue = dialogue_with (service);
  g_autofree gchar *described
      = expect (dialogue, 200, "DESCRIBE", url, headers);
  g_autofree gchar *content = header (described, "Content-Base");
  g_autofree gchar *idle = NULL;
  Waiting waiting = { .token = token };
  gint64 start_us;

  content[strlen (content) - 1] = 0; /* without its slash */
  set_up (dialogue, content);        /* a stream that does not play yet */
  idle = begin (token);
  start_us = g_get_monotonic_time ();
  wait_until (has_begun, &waiting, "an idle session's place", 60);
  g_assert_cmpint (g_get_monotonic_time () - start_us, >,
      (IDLE_SECONDS - 2) * G_USEC_PER_SEC);
  g_assert_cmpuint (status_of_session (token, idle), ==, 410);
  g_assert_cmpuint (status_of_session (token, waiting.begun), ==, 200);
  check (dialogue, 200, "PLAY", content, NULL);
  g_free (waiting.begun);
}

#define ADD(test) g_test_add_func ("/limits/" #test, test)

int
main (int argc, char **argv)
{
  g_autofree gchar *token = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  service = daemon_new (NULL, "requests-per-second=10000\n"
                              "requests-per-second-per-subject=10000");
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "finder", "listen");
  track = daemon_find (service, token, "minuet");
  ADD (one_more_than_a_subject_may_have_is_refused);
  ADD (a_token_says_how_many_it_is_for);
  ADD (every_face_counts);
  ADD (an_idle_session_makes_place_and_one_that_plays_does_not);
  ADD (an_address_has_a_bound_of_its_own);
  result = g_test_run ();
  g_clear_pointer (&service, daemon_free);
  g_free (track);
  return result;
}
