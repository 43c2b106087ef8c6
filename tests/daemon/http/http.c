/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP of a real syrinxd: ranges, conditions, and the fields that standards
 * require. */
#include "tests/daemon/service.h"

#include <string.h>

/* --- Answers --- */

typedef struct
{
  guint status;
  gchar *head; /* including the empty line */
  gchar *body;
  gsize n_body;
} Said;

static void
said_free (Said *said)
{
  g_free (said->head);
  g_free (said->body);
  g_free (said);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Said, said_free)

/* On a connection of its own; @fields: lines, or "". NULs in the body are
 * replaced by dots. (transfer full) */
static Said *
request (const gchar *method, const gchar *path, const gchar *fields)
{
  g_autofree gchar *text = g_strdup_printf (
      "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path,
      fields);
  gboolean ended;
  g_autofree gchar *all = talk (service, text, -1, 20, &ended);
  const gchar *body = strstr (all, "\r\n\r\n");
  Said *said = g_new0 (Said, 1);

  g_assert_true (ended);
  g_assert_nonnull (body);
  said->status = g_ascii_strtoull (all + strlen ("HTTP/1.1 "), NULL, 10);
  said->head = g_strndup (all, body + 4 - all);
  said->body = g_strdup (body + 4);
  said->n_body = strlen (said->body);
  return said;
}

static gboolean
has_line (const Said *said, const gchar *line)
{
  g_autofree gchar *whole = g_strdup_printf ("\r\n%s\r\n", line);

  return strstr (said->head, whole) != NULL;
}

/* The path of a fragment that has been made. (transfer full) */
static gchar *
get_fragment_path (const gchar *members, const gchar *name)
{
  g_autoptr (JsonObject) session = session_for ("minuet", members);
  const gchar *url = json_object_has_member (session, "fragments_url")
                         ? member (session, "fragments_url")
                         : member (session, "hls_url");
  const gchar *path = strstr (url, "/v1/");
  gchar *full = g_strdup_printf (
      "%.*s/opus-128/%s", (int)(strrchr (path, '/') - path), path, name);
  g_autoptr (Said) whole = request ("GET", full, "");

  g_assert_cmpuint (whole->status, ==, 200);
  return full;
}

/* --- Ranges --- */

static void
assert_range (const gchar *path, const Said *whole, const gchar *range,
    gsize first, gsize n_bytes)
{
  g_autofree gchar *field = g_strdup_printf ("Range: %s\r\n", range);
  g_autofree gchar *content
      = g_strdup_printf ("Content-Range: bytes %zu-%zu/%zu", first,
          first + n_bytes - 1, whole->n_body);
  g_autofree gchar *length = g_strdup_printf ("Content-Length: %zu", n_bytes);
  g_autoptr (Said) part = request ("GET", path, field);

  g_test_message ("%s of %s", range, path);
  g_assert_cmpuint (part->status, ==, 206);
  g_assert_true (has_line (part, content));
  g_assert_true (has_line (part, length));
  g_assert_cmpuint (part->n_body, ==, n_bytes);
  g_assert_true (memcmp (part->body, whole->body + first, n_bytes) == 0);
}

static void
parts_come_of_whatever_has_a_length (void)
{
  g_autofree gchar *fragment = get_fragment_path (NULL, "0.m4s");
  g_autofree gchar *init = get_fragment_path (NULL, "init.mp4");
  g_autofree gchar *playlist = get_fragment_path (NULL, "index.m3u8");
  const gchar *const paths[]
      = { fragment, init, playlist, "/syrinx.js", "/syrinx.css", "/" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (Said) whole = request ("GET", paths[i], "");
    g_autoptr (Said) none
        = request ("GET", paths[i], "Range: bytes=9999999-\r\n");
    g_autofree gchar *unsatisfied
        = g_strdup_printf ("Content-Range: bytes */%zu", whole->n_body);
    g_assert_cmpuint (whole->status, ==, 200);
    g_assert_true (has_line (whole, "Accept-Ranges: bytes"));
    assert_range (paths[i], whole, "bytes=0-99", 0, 100);
    assert_range (paths[i], whole, "bytes=-50", whole->n_body - 50, 50);
    assert_range (paths[i], whole, "bytes=0-999999", 0, whole->n_body);
    assert_range (paths[i], whole, "bytes=10-", 10, whole->n_body - 10);
    g_assert_cmpuint (none->status, ==, 416);
    g_assert_true (has_line (none, unsatisfied));
  }
}

static void
several_ranges_and_those_of_another_state_get_the_whole (void)
{
  static const gchar *const fields[] = { "Range: bytes=0-1,5-6\r\n",
    "Range: bytes=0-1\r\nRange: bytes=2-3\r\n",
    "Range: bytes=0-9\r\nIf-Range: \"another\"\r\n",
    "Range: bytes=0-9\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "Range: nonsense\r\n" };
  g_autofree gchar *fragment = get_fragment_path (NULL, "0.m4s");
  const gchar *const paths[] = { fragment, "/syrinx.js" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (Said) whole = request ("GET", paths[i], "");
    for (guint j = 0; j < G_N_ELEMENTS (fields); j++) {
      g_autoptr (Said) said = request ("GET", paths[i], fields[j]);
      g_assert_cmpuint (said->status, ==, 200);
      g_assert_cmpuint (said->n_body, ==, whole->n_body);
    }
  }
}

/* Each answer has a new salt, so ranges of two answers do not fit together. */
static void
what_is_encrypted_anew_each_time_has_no_parts (void)
{
  g_autofree gchar *path
      = get_fragment_path ("\"encryption\":\"ece\"", "0.m4s");
  g_autoptr (Said) said = request ("GET", path, "Range: bytes=0-9\r\n");

  g_assert_cmpuint (said->status, ==, 200);
  g_assert_true (has_line (said, "Accept-Ranges: none"));
  g_assert_true (has_line (said, "Content-Encoding: aes128gcm"));
}

static void
who_has_it_is_told_so (void)
{
  g_autoptr (Said) whole = request ("GET", "/", "");
  const gchar *etag = strstr (whole->head, "ETag: ");
  g_autofree gchar *tag = g_strndup (etag + 6, strcspn (etag + 6, "\r"));
  g_autofree gchar *has
      = g_strdup_printf ("If-None-Match: W/\"x\", %s\r\n", tag);
  g_autofree gchar *of
      = g_strdup_printf ("If-Range: %s\r\nRange: bytes=0-9\r\n", tag);
  g_autoptr (Said) same = request ("GET", "/", has);
  g_autoptr (Said) other = request ("GET", "/", "If-Match: \"x\"\r\n");
  g_autoptr (Said) part = request ("GET", "/", of);

  g_assert_cmpuint (same->status, ==, 304);
  g_assert_cmpuint (same->n_body, ==, 0);
  g_assert_null (strstr (same->head, "Content-Length"));
  g_assert_nonnull (strstr (same->head, tag));
  g_assert_cmpuint (other->status, ==, 412);
  g_assert_cmpuint (part->status, ==, 206);
}

static void
head_tells_of_get (void)
{
  g_autofree gchar *fragment = get_fragment_path (NULL, "0.m4s");
  const gchar *const paths[] = { fragment, "/", "/healthz" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (Said) whole = request ("GET", paths[i], "");
    g_autoptr (Said) head = request ("HEAD", paths[i], "Range: bytes=0-1\r\n");
    g_autofree gchar *length
        = g_strdup_printf ("Content-Length: %zu", whole->n_body);
    g_assert_cmpuint (head->status, ==, 200);
    g_assert_cmpuint (head->n_body, ==, 0);
    g_assert_true (has_line (head, length));
  }
}

/* --- Statuses and fields --- */

static void
what_can_be_done_is_said_where_it_can_not (void)
{
  static const struct
  {
    const gchar *method, *path, *allow;
  } cases[] = { { "DELETE", "/v1/tracks", "Allow: GET, HEAD, OPTIONS" },
    { "PUT", "/v1/sessions", "Allow: POST, OPTIONS" },
    { "BREW", "/v1/sessions/x", "Allow: GET, HEAD, DELETE, OPTIONS" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Said) said = request (cases[i].method, cases[i].path, "");
    g_test_message ("%s", said->head);
    g_assert_cmpuint (said->status, ==, 405);
    g_assert_true (has_line (said, cases[i].allow));
  }
}

static void
who_sends_no_token_has_made_no_error (void)
{
  g_autoptr (Said) none = request ("GET", "/v1/tracks", "");
  g_autoptr (Said) bad
      = request ("GET", "/v1/tracks", "Authorization: Bearer x\r\n");

  g_assert_cmpuint (none->status, ==, 401);
  g_assert_true (has_line (none, "WWW-Authenticate: Bearer realm=\"syrinx\""));
  g_assert_cmpuint (bad->status, ==, 401);
  g_assert_nonnull (strstr (bad->head, "error=\"invalid_token\""));
}

static void
an_empty_cursor_is_the_first_page (void)
{
  static const gchar *const paths[] = { "/v1/tracks?limit=2&cursor=",
    "/v1/albums?limit=2&cursor=", "/v1/artists?limit=2&cursor=" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (Answer) answer = ask (service, "GET", paths[i], token, NULL);
    g_assert_cmpuint (answer->status, ==, 200);
  }
}

/* A cursor holds the sort keys of the last row, and those may be long. */
static void
tracks_with_the_longest_tags_are_paged_through (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-long-XXXXXX", NULL);
  g_autofree gchar *longest = g_strnfill (510, 'a');
  g_autofree gchar *own_token = NULL, *next = NULL;
  g_autoptr (Daemon) own = NULL;

  for (guint i = 0; i < 3; i++)
    g_bytes_unref (
        shell ("ffmpeg -v error -f lavfi -i sine=d=1 -metadata artist=%u%s "
               "-metadata album=%u%s -metadata title=%u%s '%s/%u.flac'",
            i, longest, i, longest, i, longest, dir, i));
  own = daemon_new (dir, NULL);
  daemon_wait_for_tracks (own, 3);
  own_token = daemon_token (own, "ann", "listen");
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *path
        = g_strdup_printf ("/v1/tracks?limit=1&cursor=%s", next ? next : "");
    g_autoptr (Answer) answer = ask (own, "GET", path, own_token, NULL);
    g_autoptr (JsonObject) page = NULL;
    g_assert_cmpuint (answer->status, ==, 200);
    page = answer_json (answer);
    g_free (next);
    next = g_strdup (
        json_object_get_string_member_with_default (page, "next_cursor", NULL));
  }
  g_bytes_unref (shell ("rm -r '%s'", dir));
}

static void
a_query_is_read_as_forms_are (void)
{
  g_autoptr (Answer) spaced
      = ask (service, "GET", "/v1/tracks?q=minuet+in&limit=1", token, NULL);
  g_autoptr (Answer) encoded = ask (service, "GET",
      "/v1/tracks?limit=500&q=minuet%20in&limit=1", token, NULL);
  g_autoptr (JsonObject) one = answer_json (spaced);
  g_autoptr (JsonObject) other = answer_json (encoded);

  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (one, "tracks")), ==,
      1);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (other, "tracks")),
      ==, 1);
}

static void
all_answers_have_the_common_fields (void)
{
  g_autofree gchar *fragment = get_fragment_path (NULL, "0.m4s");
  const gchar *const paths[] = { "/", "/v1/nothing", "/v1/tracks", fragment };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (Said) said = request ("GET", paths[i], "");
    g_assert_true (has_line (said, "Server: Syrinx"));
    g_assert_true (has_line (said, "Referrer-Policy: no-referrer"));
    g_assert_true (has_line (said, "X-Content-Type-Options: nosniff"));
    g_assert_true (has_line (said, "Access-Control-Allow-Origin: *"));
    g_assert_nonnull (strstr (said->head, "\r\nDate: "));
    g_assert_nonnull (strstr (said->head, " GMT\r\n"));
    g_assert_true (has_line (said, "Connection: close"));
  }
}

#define ADD(name) g_test_add_func ("/http/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (parts_come_of_whatever_has_a_length);
  ADD (several_ranges_and_those_of_another_state_get_the_whole);
  ADD (what_is_encrypted_anew_each_time_has_no_parts);
  ADD (who_has_it_is_told_so);
  ADD (head_tells_of_get);
  ADD (what_can_be_done_is_said_where_it_can_not);
  ADD (who_sends_no_token_has_made_no_error);
  ADD (an_empty_cursor_is_the_first_page);
  ADD (tracks_with_the_longest_tags_are_paged_through);
  ADD (a_query_is_read_as_forms_are);
  ADD (all_answers_have_the_common_fields);
  return service_run ();
}
