/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights at the faces of a real daemon: the table of right-cases.h over HTTP
 * and RTSP, and the methods of D-Bus. */
#include "tests/core/access/right-cases.h"
#include "tests/daemon/harness.h"
#include "tests/daemon/rtsp/rtsp-dialogue.h"

#define N_SAMPLES 12

static Daemon *service;
static gchar *tracks[2]; /* the one that narrow tokens allow, and another */
static gchar *full[2];   /* tokens of ann and bob that allow every track */

/* --- Tokens --- */

static gchar *
issue (const RightCase *one)
{
  const gchar *pattern = one->is_narrow ? tracks[0] : "*";

  return daemon_ctl (service, "token", "issue", "--subject", "ann", "--scope",
      one->scope, "--tracks", pattern, "--ttl", one->is_over ? "1s" : "1h",
      NULL);
}

static gboolean
is_refused (gpointer token)
{
  g_autoptr (Answer) answer = ask (service, "GET", "/v1/tracks", token, NULL);

  return answer->status == 401;
}

/* The tokens of all cases; those meant to have expired have expired. */
static GPtrArray *
issue_all (void)
{
  GPtrArray *tokens = g_ptr_array_new_with_free_func (g_free);

  for (guint c = 0; c < G_N_ELEMENTS (right_cases); c++) {
    gchar *token = issue (&right_cases[c]);
    g_ptr_array_add (tokens, token);
    if (right_cases[c].is_over)
      wait_until (is_refused, token, "a token's end", 10);
  }
  return tokens;
}

/* --- HTTP --- */

static gchar
letter_of (guint status)
{
  switch (status) {
  case 200:
  case 201:
  case 204:
    return 'y';
  case 401:
    return 'u';
  case 403:
    return 'd';
  case 404:
    return 'n';
  default:
    g_test_message ("status %u", status);
    return '?';
  }
}

static gchar
letter (const gchar *token, const gchar *method, const gchar *path,
    const gchar *body)
{
  g_autoptr (Answer) answer = ask (service, method, path, token, body);

  return letter_of (answer->status);
}

/* The id of a session of the target's track, begun by its owner. (transfer
 * full) */
static gchar *
session_of (guint target)
{
  g_autoptr (JsonObject) session = daemon_session (
      service, full[!IS_OWN (target)], tracks[!IS_IN (target)], NULL);

  return g_strdup (json_object_get_string_member (session, "id"));
}

static void
end_session (const gchar *id, guint target)
{
  g_autofree gchar *path = g_strconcat ("/v1/sessions/", id, NULL);
  g_autoptr (Answer) answer
      = ask (service, "DELETE", path, full[!IS_OWN (target)], NULL);

  g_assert_true (answer->status == 204 || answer->status == 410);
}

static gchar
use_session (
    const gchar *token, guint target, const gchar *method, const gchar *rest)
{
  g_autofree gchar *id = session_of (target);
  g_autofree gchar *path = g_strconcat ("/v1/sessions/", id, rest, NULL);
  gchar said = letter (token, method, path, NULL);

  end_session (id, target);
  return said;
}

static gchar
use_track (
    const gchar *token, guint target, const gchar *method, const gchar *rest)
{
  g_autofree gchar *path
      = g_strconcat ("/v1/tracks/", tracks[!IS_IN (target)], rest, NULL);

  return letter (token, method, path, NULL);
}

/* Tries both ways to begin a session. */
static gchar
begin (const gchar *token, guint target)
{
  g_autofree gchar *body
      = g_strdup_printf ("{\"track_id\":\"%s\"}", tracks[!IS_IN (target)]);
  g_autoptr (Answer) answer
      = ask (service, "POST", "/v1/sessions", token, body);
  gchar other = use_track (token, target, "HEAD", "/stream.opus");

  if (answer->status == 201) {
    g_autoptr (JsonObject) session = answer_json (answer);
    end_session (json_object_get_string_member (session, "id"), 0);
  }
  g_assert_cmpint (letter_of (answer->status), ==, other);
  return other;
}

static gchar
browse (const gchar *token)
{
  gchar said = letter (token, "GET", "/v1/tracks", NULL);

  g_assert_cmpint (letter (token, "GET", "/v1/albums", NULL), ==, said);
  g_assert_cmpint (letter (token, "GET", "/v1/artists", NULL), ==, said);
  return said;
}

static gchar
administer (const gchar *token)
{
  g_autofree gchar *path
      = g_strconcat (daemon_get_admin_url (service), "/v1/status", NULL);

  return letter (token, "GET", path, NULL);
}

/* A 404 for a track without a picture is not a refusal. */
static gchar
read_artwork (const gchar *token, guint target)
{
  gchar said = use_track (token, target, "GET", "/artwork");

  return said == 'n' ? 'y' : said;
}

/* 0: playing needs a session's capability, not a token. */
static gchar
try_by_http (const gchar *token, SyrinxOperation operation, guint target)
{
  switch (operation) {
  case SYRINX_OPERATION_BROWSE:
    return browse (token);
  case SYRINX_OPERATION_BROWSE_FOLDERS:
    return letter (token, "GET", "/v1/folders", NULL);
  case SYRINX_OPERATION_READ_TRACK:
    return use_track (token, target, "GET", "");
  case SYRINX_OPERATION_READ_ARTWORK:
    return read_artwork (token, target);
  case SYRINX_OPERATION_READ_ORIGINAL:
    return use_track (token, target, "GET", "/original");
  case SYRINX_OPERATION_BEGIN_SESSION:
    return begin (token, target);
  case SYRINX_OPERATION_RENEW_SESSION:
    return use_session (token, target, "POST", "/renew");
  case SYRINX_OPERATION_LOOK_AT_SESSION:
    return use_session (token, target, "GET", "");
  case SYRINX_OPERATION_END_SESSION:
    return use_session (token, target, "DELETE", "");
  case SYRINX_OPERATION_ADMINISTER:
    return administer (token);
  case SYRINX_OPERATION_HEAR_SESSION:
  case SYRINX_N_OPERATIONS:
    break;
  }
  return 0;
}

static void
http_does_what_the_table_says (void)
{
  g_autoptr (GPtrArray) tokens = issue_all ();

  for (guint c = 0; c < G_N_ELEMENTS (right_cases); c++)
    for (SyrinxOperation o = 0; o < SYRINX_N_OPERATIONS; o++) {
      gchar said[N_TARGETS + 1] = { 0 };
      for (guint t = 0; t < N_TARGETS; t++)
        said[t] = try_by_http (tokens->pdata[c], o, t);
      if (!*said)
        continue;
      g_test_message ("%s, operation %u: %s", right_cases[c].name, o, said);
      g_assert_cmpstr (said, ==, right_cases[c].answers[o]);
    }
}

static void
without_a_token_there_is_nothing (void)
{
  for (SyrinxOperation o = 0; o < SYRINX_N_OPERATIONS; o++)
    for (guint t = 0; t < 2; t++) {
      gchar said = try_by_http (NULL, o, t);
      g_test_message ("operation %u: %c", o, said ? said : '-');
      g_assert_true (!said || said == 'u');
    }
}

/* --- What a narrow token may see --- */

static JsonArray *
list (JsonObject *page, const gchar *name)
{
  return json_object_get_array_member (page, name);
}

static JsonObject *
get_page (const gchar *token, const gchar *path)
{
  g_autoptr (Answer) answer = ask (service, "GET", path, token, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  return answer_json (answer);
}

/* Groups with at least one allowed track, with the counts of allowed tracks
 * only. */
static void
lists_show_what_the_token_takes_and_no_more (void)
{
  static const gchar *const names[] = { "tracks", "albums", "artists" };
  g_autofree gchar *narrow = issue (&right_cases[1]);

  g_assert_true (right_cases[1].is_narrow);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_strconcat ("/v1/", names[i], NULL);
    g_autoptr (JsonObject) all = get_page (full[0], path);
    g_autoptr (JsonObject) few = get_page (narrow, path);
    JsonObject *one;
    g_assert_cmpuint (json_array_get_length (list (all, names[i])), >, 1);
    g_assert_cmpuint (json_array_get_length (list (few, names[i])), ==, 1);
    one = json_array_get_object_element (list (few, names[i]), 0);
    if (i == 0) {
      g_assert_cmpstr (
          json_object_get_string_member (one, "id"), ==, tracks[0]);
      continue;
    }
    g_assert_cmpint (json_object_get_int_member (one, "n_tracks"), ==, 1);
    g_assert_cmpstr (json_object_get_string_member_with_default (
                         one, "artwork_track_id", tracks[0]),
        ==, tracks[0]);
  }
}

/* Searches for the name of an album that the token does not show. */
static void
a_search_shows_no_group_besides (void)
{
  g_autofree gchar *narrow = issue (&right_cases[1]);
  g_autoptr (JsonObject) all = get_page (full[0], "/v1/albums");
  g_autoptr (JsonObject) few = get_page (narrow, "/v1/albums");
  const gchar *shown = json_object_get_string_member (
      json_array_get_object_element (list (few, "albums"), 0), "name");
  guint n_searched = 0;

  for (guint i = 0; i < json_array_get_length (list (all, "albums")); i++) {
    const gchar *name = json_object_get_string_member (
        json_array_get_object_element (list (all, "albums"), i), "name");
    g_autofree gchar *escaped = g_uri_escape_string (name, NULL, FALSE);
    g_autofree gchar *path = g_strconcat ("/v1/search?q=", escaped, NULL);
    g_autoptr (JsonObject) found = get_page (full[0], path);
    g_autoptr (JsonObject) found_narrow = get_page (narrow, path);
    if (g_str_equal (name, shown))
      continue;
    g_assert_cmpuint (json_array_get_length (list (found, "albums")), >, 0);
    g_assert_cmpuint (
        json_array_get_length (list (found_narrow, "albums")), ==, 0);
    g_assert_cmpuint (
        json_array_get_length (list (found_narrow, "tracks")), ==, 0);
    n_searched++;
  }
  g_assert_cmpuint (n_searched, >, 0);
}

/* Over all pages nothing is left out, and nothing else is shown. */
static void
pages_of_a_narrow_token_come_to_an_end (void)
{
  g_autofree gchar *narrow = issue (&right_cases[1]);
  g_autofree gchar *cursor = NULL;
  guint n_albums = 0, n_pages = 0;

  do {
    g_autofree gchar *path = g_strdup_printf ("/v1/albums?limit=1%s%s",
        cursor ? "&cursor=" : "", cursor ? cursor : "");
    g_autoptr (JsonObject) page = get_page (narrow, path);
    n_albums += json_array_get_length (list (page, "albums"));
    g_clear_pointer (&cursor, g_free);
    cursor = g_strdup (
        json_object_get_string_member_with_default (page, "next_cursor", NULL));
    g_assert_cmpuint (++n_pages, <, 100);
  } while (cursor);
  g_assert_cmpuint (n_albums, ==, 1);
}

/* --- RTSP --- */

static gchar *
track_url (guint target, const gchar *token)
{
  g_autofree gchar *base = address_of (service, "rtsp-address");

  return g_strdup_printf ("%s/tracks/%s%s%s", base, tracks[!IS_IN (target)],
      token ? "?token=" : "", token ? token : "");
}

static gchar *
bearer (const gchar *token)
{
  return g_strdup_printf ("Authorization: Bearer %s\r\n", token);
}

static void
rtsp_does_what_the_table_says (void)
{
  g_autoptr (GPtrArray) tokens = issue_all ();

  for (guint c = 0; c < G_N_ELEMENTS (right_cases); c++) {
    g_autofree gchar *headers = bearer (tokens->pdata[c]);
    gchar said[N_TARGETS + 1] = { 0 };
    for (guint t = 0; t < N_TARGETS; t++) {
      g_autoptr (Dialogue) dialogue = dialogue_with (service);
      g_autofree gchar *url = track_url (t, NULL), *answer = NULL;
      say (dialogue, "DESCRIBE", url, headers);
      answer = hear (dialogue);
      said[t] = letter_of (status_of (answer));
    }
    g_test_message ("%s: %s", right_cases[c].name, said);
    g_assert_cmpstr (
        said, ==, right_cases[c].answers[SYRINX_OPERATION_BEGIN_SESSION]);
  }
}

/* As on HTTP, since URLs end up in logs. */
static void
an_admin_token_in_an_rtsp_address_is_refused (void)
{
  g_autofree gchar *token = daemon_token (service, "ann", "listen,admin");
  g_autofree gchar *url = track_url (0, token);
  g_autoptr (Dialogue) dialogue = dialogue_with (service);

  check (dialogue, 403, "DESCRIBE", url, NULL);
}

/* A token of another subject does not get the session that the connection
 * has. */
static void
a_connection_gives_its_session_to_its_subject_only (void)
{
  g_autoptr (Dialogue) dialogue = dialogue_with (service);
  g_autofree gchar *anns = bearer (full[0]), *bobs = bearer (full[1]);
  g_autofree gchar *elsewhere = daemon_ctl (service, "token", "issue",
      "--subject", "ann", "--tracks", tracks[1], NULL);
  g_autofree gchar *narrow = bearer (elsewhere), *url = track_url (0, NULL);
  g_autofree gchar *first = expect (dialogue, 200, "DESCRIBE", url, anns);
  g_autofree gchar *again = expect (dialogue, 200, "DESCRIBE", url, anns);
  g_autofree gchar *other = expect (dialogue, 200, "DESCRIBE", url, bobs);
  g_autofree gchar *base = header (first, "Content-Base");
  g_autofree gchar *same = header (again, "Content-Base");
  g_autofree gchar *another = header (other, "Content-Base");

  g_assert_cmpstr (base, ==, same);
  g_assert_cmpstr (base, !=, another);
  check (dialogue, 403, "DESCRIBE", url, narrow);
}

/* The right is checked at DESCRIBE, and again at SETUP. */
static void
a_right_that_has_gone_is_missed_at_setup (void)
{
  g_autofree gchar *token = daemon_token (service, "carol", "listen");
  g_autofree gchar *headers = bearer (token), *url = track_url (0, NULL);
  g_autoptr (Dialogue) dialogue = dialogue_with (service);
  g_autofree gchar *answer = expect (dialogue, 200, "DESCRIBE", url, headers);
  g_autofree gchar *base = header (answer, "Content-Base");
  g_autofree gchar *control = g_strconcat (base, "stream=0", NULL);

  g_free (daemon_ctl (service, "token", "revoke", "--subject", "carol", NULL));
  check (dialogue, 410, "SETUP", control, INTERLEAVED);
  check (dialogue, 401, "DESCRIBE", url, headers);
}

/* --- Limits are one for all faces --- */

static void
a_subject_s_requests_are_counted_whatever_the_face (void)
{
  g_autoptr (Daemon) strict = daemon_new (
      NULL, "requests-per-second=10000\nrequests-per-second-per-subject=1");
  g_autofree gchar *token = daemon_token (strict, "dave", "listen");
  g_autofree gchar *headers = bearer (token);
  g_autoptr (Dialogue) dialogue = dialogue_with (strict);
  g_autofree gchar *base = address_of (strict, "rtsp-address");
  g_autofree gchar *url
      = g_strconcat (base, "/tracks/AAAAAAAAAAAAAAAAAAAAAA", NULL);
  g_autofree gchar *answer = NULL, *retry = NULL;
  guint n = 0;

  for (;;) {
    g_autoptr (Answer) by_http
        = ask (strict, "GET", "/v1/tracks?limit=1", token, NULL);
    if (by_http->status == 429)
      break;
    g_assert_cmpuint (by_http->status, ==, 200);
    g_assert_cmpuint (++n, <, 100);
  }
  answer = expect (dialogue, 503, "DESCRIBE", url, headers);
  retry = header (answer, "Retry-After");
  g_assert_cmpstr (retry, ==, "1");
}

/* --- D-Bus --- */

static GDBusConnection *
connect_to_bus (void)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (service), "bus", NULL);
  g_autofree gchar *address = g_strconcat ("unix:path=", path, NULL);
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

/* The name of the error, or NULL. (transfer full) */
static gchar *
call (GDBusConnection *bus, const gchar *interface, const gchar *method,
    GVariant *arguments)
{
  g_autofree gchar *name = g_strconcat ("org.syrinx.Syrinx1.", interface, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_sync (bus, NULL, "/org/syrinx/Syrinx1", name,
          method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, 10000, NULL, &error);

  return reply ? NULL : g_dbus_error_get_remote_error (error);
}

/* Every caller of the private socket is the operator; on a shared bus the
 * policy keeps others off (tests/daemon/bus/bus.c). */
static void
over_dbus_the_operator_may_everything (void)
{
  g_autoptr (GDBusConnection) bus = connect_to_bus ();
  g_autofree gchar *others = session_of (2), *again = NULL;
  static const struct
  {
    const gchar *interface, *method, *arguments;
  } cases[] = {
    { "Library", "Search", "('green', uint32 5)" },
    { "Library", "GetStatistics", NULL },
    { "Library", "ListFailures", NULL },
    { "Library", "Rescan", NULL },
    { "Manager", "IssueToken", "({'subject': <'eve'>},)" },
    { "Manager", "RevokeToken", "('', 'eve')" },
    { "Manager", "Reload", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *fault = call (bus, cases[i].interface, cases[i].method,
        cases[i].arguments ? g_variant_new_parsed (cases[i].arguments) : NULL);
    g_test_message ("%s: %s", cases[i].method, fault ? fault : "done");
    g_assert_null (fault);
  }
  g_assert_null (call (
      bus, "Manager", "TerminateSession", g_variant_new ("(ss)", others, "")));
  again = call (
      bus, "Manager", "TerminateSession", g_variant_new ("(ss)", others, ""));
  g_assert_cmpstr (again, ==, "org.syrinx.Syrinx1.Error.Expired");
}

#define ADD(test) g_test_add_func ("/rights/" #test, test)

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  service = daemon_new (NULL,
      "requests-per-second=10000\nrequests-per-second-per-subject=10000\n"
      "clock-leeway=0");
  daemon_wait_for_tracks (service, N_SAMPLES);
  full[0] = daemon_token (service, "ann", "listen");
  full[1] = daemon_token (service, "bob", "listen");
  tracks[0] = daemon_find (service, full[0], "minuet");
  tracks[1] = daemon_find (service, full[0], "lullaby queue");
  ADD (http_does_what_the_table_says);
  ADD (without_a_token_there_is_nothing);
  ADD (lists_show_what_the_token_takes_and_no_more);
  ADD (a_search_shows_no_group_besides);
  ADD (pages_of_a_narrow_token_come_to_an_end);
  ADD (rtsp_does_what_the_table_says);
  ADD (an_admin_token_in_an_rtsp_address_is_refused);
  ADD (a_connection_gives_its_session_to_its_subject_only);
  ADD (a_right_that_has_gone_is_missed_at_setup);
  ADD (a_subject_s_requests_are_counted_whatever_the_face);
  ADD (over_dbus_the_operator_may_everything);
  result = g_test_run ();
  g_clear_pointer (&service, daemon_free);
  for (guint i = 0; i < 2; i++) {
    g_free (tracks[i]);
    g_free (full[i]);
  }
  return result;
}
