/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile requests: what each is answered, and that the service goes on. */
#include "service.h"

#include <string.h>

static gchar *
make_jwt (const gchar *header, const gchar *claims, const gchar *signature)
{
  const gchar *parts[] = { header, claims, signature, NULL };
  GString *jwt = g_string_new (NULL);

  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *text
        = g_base64_encode ((const guchar *)parts[i], strlen (parts[i]));
    g_strdelimit (text, "+", '-');
    g_strdelimit (text, "/", '_');
    text[strcspn (text, "=")] = '\0';
    g_string_append_printf (jwt, "%s%s", i ? "." : "", text);
  }
  return g_string_free (jwt, FALSE);
}

#define CLAIMS                                                                 \
  "{\"sub\":\"eve\",\"aud\":\"syrinx\",\"scope\":\"listen admin\","            \
  "\"exp\":4000000000}"

static void
what_is_no_good_token_opens_nothing (void)
{
  g_autofree gchar *none = make_jwt ("{\"alg\":\"none\"}", CLAIMS, "");
  g_autofree gchar *hmac = make_jwt (
      "{\"alg\":\"HS256\"}", CLAIMS, "0123456789abcdef0123456789abcdef");
  g_autofree gchar *forged = make_jwt ("{\"alg\":\"ES256\"}", CLAIMS,
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  g_autofree gchar *crit = make_jwt (
      "{\"alg\":\"ES256\",\"crit\":[\"x\"],\"x\":1}", CLAIMS, "abc");
  g_autofree gchar *audience = daemon_ctl (service, "token", "issue",
      "--subject", "a", "--audience", "another", NULL);
  g_autofree gchar *short_lived = daemon_ctl (
      service, "token", "issue", "--subject", "a", "--ttl", "1s", NULL);
  g_autofree gchar *flipped = g_strdup (token);
  const gchar *const bad[] = { "", "x", "..", "a.b.c", none, hmac, forged, crit,
    audience, flipped, NULL };

  flipped[strlen (flipped) / 2] ^= 1;
  for (guint i = 0; bad[i]; i++) {
    g_autoptr (Answer) answer
        = ask (service, "GET", "/v1/tracks", bad[i], NULL);
    g_assert_cmpuint (answer->status, ==, 401);
    g_assert_true (g_str_has_prefix (
        answer_header (answer, "www-authenticate"), "Bearer"));
    g_assert_cmpstr (
        answer_header (answer, "content-type"), ==, "application/problem+json");
  }
}

static void
a_token_in_the_address_is_taken_where_the_table_says (void)
{
  g_autofree gchar *admin = daemon_token (service, "root", "listen,admin");
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  const struct
  {
    const gchar *path, *token;
    guint status;
  } cases[] = {
    { "/v1/tracks?token=", token, 401 },
    { "/v1/tracks/%s/artwork?token=", token, 0 },
    { "/v1/tracks/%s/artwork?token=", admin, 403 },
    { "/v1/tracks/%s/original?token=", token, 403 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (GStrv) parts = g_strsplit (cases[i].path, "%s", 2);
    g_autofree gchar *path = g_strconcat (parts[0], parts[1] ? id : "",
        parts[1] ? parts[1] : "", cases[i].token, NULL);
    g_autoptr (Answer) answer = ask (service, "GET", path, NULL, NULL);
    g_test_message ("%s: %u", cases[i].path, answer->status);
    if (cases[i].status)
      g_assert_cmpuint (answer->status, ==, cases[i].status);
    else
      g_assert_true (answer->status == 200 || answer->status == 404);
  }
}

static void
a_bad_request_is_told_which_field_is_bad (void)
{
  static const struct
  {
    const gchar *method, *path, *body;
    guint status;
    const gchar *field;
  } cases[] = {
    { "GET", "/v1/tracks?limit=0", NULL, 422, "limit" },
    { "GET", "/v1/tracks?limit=501", NULL, 422, "limit" },
    { "GET", "/v1/tracks?limit=-1", NULL, 422, "limit" },
    { "GET", "/v1/tracks?limit=1e3", NULL, 422, "limit" },
    { "GET", "/v1/tracks?limit=99999999999999999999", NULL, 422, "limit" },
    { "GET", "/v1/tracks?cursor=nonsense", NULL, 422, "cursor" },
    { "POST", "/v1/sessions", "{}", 422, "track_id" },
    { "POST", "/v1/sessions", "{\"track_id\":7}", 422, "track_id" },
    { "POST", "/v1/sessions", "{\"track_id\":\"AAAAAAAAAAAAAAAAAAAAAA\"}", 404,
        "track_id" },
    { "POST", "/v1/sessions", "{\"track_id\":\"x\",\"rendition\":\"mp3-1\"}",
        422, "rendition" },
    { "POST", "/v1/sessions", "{\"track_id\":\"x\",\"encryption\":\"rot13\"}",
        422, "encryption" },
    { "POST", "/v1/sessions", "{\"track_id\":\"x\",\"colour\":\"red\"}", 422,
        "colour" },
    { "POST", "/v1/sessions",
        "{\"track_id\":\"x\",\"public_key\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
        422, "public_key" },
    { "POST", "/v1/sessions", "[]", 400, NULL },
    { "POST", "/v1/sessions", "{", 400, NULL },
    { "POST", "/v1/sessions", "", 400, NULL },
    { "GET", "/v1/nothing", NULL, 404, NULL },
    { "GET", "/v1/tracks/../../etc/passwd", NULL, 404, NULL },
    { "GET", "/v1/tracks/..%2f..%2fetc%2fpasswd", NULL, 404, NULL },
    { "GET", "/v1/tracks/%00", NULL, 404, NULL },
    { "GET", "/v1/tracks/..%2f..%2fetc%2fpasswd/original", NULL, 403, NULL },
    { "GET", "/v1/sessions/../x", NULL, 404, NULL },
    { "GET", "/v1/sessions/..%2f../..%2f../opus-128/0.m4s", NULL, 404, NULL },
    { "GET", "/syrinx.js/../../../etc/passwd", NULL, 404, NULL },
    { "DELETE", "/v1/tracks", NULL, 405, NULL },
    { "PUT", "/v1/sessions", "{}", 405, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Answer) answer
        = ask (service, cases[i].method, cases[i].path, token, cases[i].body);
    g_autoptr (JsonObject) problem = answer_json (answer);
    g_test_message ("%s %s %s", cases[i].method, cases[i].path,
        cases[i].body ? cases[i].body : "");
    g_assert_cmpuint (answer->status, ==, cases[i].status);
    g_assert_cmpstr (
        answer_header (answer, "content-type"), ==, "application/problem+json");
    g_assert_cmpstr (
        json_object_get_string_member_with_default (problem, "field", NULL), ==,
        cases[i].field);
  }
}

static gchar *
repeat (const gchar *head, gchar c, gsize n, const gchar *tail)
{
  g_autofree gchar *middle = g_strnfill (n, c);

  return g_strconcat (head, middle, tail, NULL);
}

static void
what_is_no_request_costs_its_connection_alone (void)
{
  g_autofree gchar *long_header
      = repeat ("GET / HTTP/1.1\r\nHost: x\r\nX: ", 'a', 200000, "\r\n\r\n");
  g_autofree gchar *long_path
      = repeat ("GET /", 'a', 200000, " HTTP/1.1\r\n\r\n");
  g_autofree gchar *many_headers = NULL, *big_body = NULL, *chunked = NULL;
  GString *many = g_string_new ("GET / HTTP/1.1\r\nHost: x\r\n");
  GString *endless = g_string_new ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n");
  g_autoptr (Answer) after = NULL;

  for (guint i = 0; i < 20000; i++)
    g_string_append_printf (many, "X-%u: y\r\n", i);
  many_headers = g_string_free (g_string_append (many, "\r\n"), FALSE);
  big_body = repeat ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\n"
                     "Content-Length: 1000000\r\n\r\n",
      'a', 1000000, "");
  for (guint i = 0; i < 40; i++) {
    g_autofree gchar *chunk = repeat ("1000\r\n", 'a', 4096, "\r\n");
    g_string_append (endless, chunk);
  }
  chunked = g_string_free (endless, FALSE);
  {
    const struct
    {
      const gchar *name, *text;
      gsize size_bytes;
      const gchar *status; /* (nullable): any */
    } cases[] = {
      { "random", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15,
          NULL },
      { "NULs", "\0\0\0\0\r\n\r\n", 8, NULL },
      { "no version", "GET /\r\n\r\n", 9, NULL },
      { "long header", long_header, strlen (long_header), "HTTP/1.1 431 " },
      { "long path", long_path, strlen (long_path), "HTTP/1.1 431 " },
      { "many headers", many_headers, strlen (many_headers), NULL },
      { "big body", big_body, strlen (big_body), "HTTP/1.1 413 " },
      { "endless chunks", chunked, strlen (chunked), NULL },
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      gboolean ended;
      g_autofree gchar *said
          = talk (service, cases[i].text, cases[i].size_bytes, 12, &ended);
      g_test_message ("%s: %.40s", cases[i].name, said);
      g_assert_true (ended);
      g_assert_false (g_str_has_prefix (said, "HTTP/1.1 2"));
      if (cases[i].status)
        g_assert_true (g_str_has_prefix (said, cases[i].status));
    }
  }
  after = ask (service, "GET", "/healthz", NULL, NULL);
  g_assert_cmpuint (after->status, ==, 200);
}

static void
who_never_finishes_a_request_is_cut_off (void)
{
  gint64 start = g_get_monotonic_time ();
  gboolean ended;
  g_autofree gchar *said = talk (service,
      "GET /v1/tracks HTTP/1.1\r\nHost: x\r\nX-Slow: ", -1, 20, &ended);

  g_assert_true (ended);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 15 * G_TIME_SPAN_SECOND);
}

static guint
count_in (const gchar *text, const gchar *needle)
{
  guint n = 0;

  for (const gchar *at = text; (at = strstr (at, needle)); at++)
    n++;
  return n;
}

/* Fragments and other paths in turn, all requested before any is answered. */
static void
requests_on_one_connection_are_answered_in_order (void)
{
  g_autoptr (JsonObject) session = session_for ("lullaby queue", NULL);
  const gchar *url = member (session, "hls_url");
  const gchar *path = strstr (url, "/v1/");
  gint stem = (int)(strrchr (path, '/') - path);
  g_autofree gchar *text = g_strdup_printf (
      "GET %.*s/opus-128/0.m4s HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET %.*s/opus-128/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET %.*s/opus-128/9999.m4s HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n",
      stem, path, stem, path, stem, path);
  gboolean ended;
  g_autofree gchar *said = talk (service, text, -1, 10, &ended);
  const gchar *at = said;
  static const gchar *const order[]
      = { "HTTP/1.1 200 ", "HTTP/1.1 200 ", "HTTP/1.1 200 ", "HTTP/1.1 404 " };

  g_assert_true (ended);
  g_assert_cmpuint (count_in (said, "HTTP/1.1 "), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    at = strstr (at, order[i]);
    g_assert_nonnull (at);
    at++;
  }
}

static void
what_is_secret_is_not_in_the_log (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *path = g_strdup_printf (
      "/v1/tracks/%s/stream.opus?token=%s&start=x", id, token);
  g_autoptr (Answer) answer = ask (service, "GET", path, NULL, NULL);
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_auto (GStrv) parts = g_strsplit (member (session, "hls_url"), "/", 0);
  g_autofree gchar *log = daemon_get_log (service);

  g_assert_cmpuint (answer->status, ==, 422);
  g_assert_cmpuint (g_strv_length (parts), ==, 8);
  g_assert_null (strstr (log, token));
  g_assert_null (strstr (log, parts[6]));
}

#define ADD(name) g_test_add_func ("/strangers/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (what_is_no_good_token_opens_nothing);
  ADD (a_token_in_the_address_is_taken_where_the_table_says);
  ADD (a_bad_request_is_told_which_field_is_bad);
  ADD (what_is_no_request_costs_its_connection_alone);
  ADD (who_never_finishes_a_request_is_cut_off);
  ADD (requests_on_one_connection_are_answered_in_order);
  ADD (what_is_secret_is_not_in_the_log);
  return service_run ();
}
