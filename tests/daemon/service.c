/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole service: a real syrinxd on the samples, real players, and what
 * comes from strangers. */
#include "harness.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_SAMPLES     12
#define FRAME_SAMPLES 960 /* of Opus, 20 ms */
#define OPUS_PRE_SKIP 312

static const struct
{
  const gchar *album, *file, *words;
  gdouble alike; /* of lossy originals the encoder hears other details */
} samples[] = {
  { "Pipes at Dawn", "01 Ode to Joy.opus", "ode to joy", 0.95 },
  { "Pipes at Dawn", "02 Minuet in G.wav", "minuet", 0.85 },
  { "Pipes at Dawn", "04 Коробейники.ogg", "коробейники", 0.95 },
  { "Pipes at Dawn", "06 Lullaby for a Queue.flac", "lullaby queue", 0.98 },
  { "Reeds at Dusk", "02 Greensleeves.mp3", "greensleeves", 0.85 },
  { "Reeds at Dusk", "05 Amazing Grace.m4a", "amazing grace", 0.85 },
};

/* One for all tests that do not hurt it. */
static Daemon *service;
static gchar *token;

static const gchar *
member (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member (object, name);
}

static JsonObject *
session_for (const gchar *words, const gchar *members)
{
  g_autofree gchar *id = daemon_find (service, token, words);

  return daemon_session (service, token, id, members);
}

/* Length within one frame, and the same sound at the same time. */
static void
assert_same_sound (const gchar *what, const Sound *original, gsize offset,
    const Sound *heard, gdouble alike)
{
  gdouble correlation = correlate (original, offset, heard);
  gint64 longer = (gint64)heard->n - (gint64)(original->n - offset);

  g_test_message (
      "%s: %+" G_GINT64_FORMAT " samples, %.3f", what, longer, correlation);
  g_assert_cmpint (ABS (longer), <=, FRAME_SAMPLES);
  g_assert_cmpfloat (correlation, >, alike);
}

/* --- Players --- */

static void
hls_sounds_like_the_original (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_autofree gchar *file = sample_file (samples[i].album, samples[i].file);
    g_autoptr (JsonObject) session = session_for (samples[i].words, NULL);
    g_autoptr (Sound) original = decode (file);
    g_autoptr (Sound) heard = decode (member (session, "hls_url"));

    assert_same_sound (samples[i].words, original, 0, heard, samples[i].alike);
  }
}

static void
every_rendition_sounds_like_the_original (void)
{
  static const gchar *const names[] = { "opus-128", "opus-64", "aac-128" };
  g_autofree gchar *file
      = sample_file ("Reeds at Dusk", "01 Many Pipes, One Breath.flac");
  g_autoptr (Sound) original = decode (file);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (JsonObject) session
        = session_for ("many pipes one breath", NULL);
    const gchar *url = member (session, "hls_url");
    g_autofree gchar *one = g_strdup_printf ("%.*s%s/index.m3u8",
        (int)(strrchr (url, '/') + 1 - url), url, names[i]);
    g_autoptr (Sound) heard = decode (one);

    assert_same_sound (names[i], original, 0, heard, 0.97);
  }
}

static void
a_clear_session_plays_in_playbin3 (void)
{
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autoptr (JsonObject) session
      = session_for ("lullaby queue", "\"encryption\":\"none\"");
  g_autofree gchar *wav
      = g_build_filename (daemon_get_state_dir (service), "playbin.wav", NULL);
  g_autoptr (Sound) original = decode (file), heard = NULL;

  g_bytes_unref (shell ("gst-launch-1.0 -q playbin3 uri='%s' audio-sink="
                        "'audioconvert ! wavenc ! filesink location=%s'",
      member (session, "hls_url"), wav));
  heard = decode (wav);
  /* qtdemux 1.22 does not tell opusdec of the pre-skip. */
  g_test_message ("playbin3: %.3f", correlate (heard, OPUS_PRE_SKIP, original));
  g_assert_cmpfloat (correlate (heard, OPUS_PRE_SKIP, original), >, 0.97);
  g_assert_cmpint (heard->n, <=, original->n + OPUS_PRE_SKIP + FRAME_SAMPLES);
}

static void
the_progressive_stream_sounds_like_the_original (void)
{
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autoptr (JsonObject) session = session_for ("lullaby queue", NULL);
  const gchar *url = member (session, "progressive_url");
  g_autofree gchar *later = g_strconcat (url, "?start=11.5", NULL);
  g_autofree gchar *wav
      = g_build_filename (daemon_get_state_dir (service), "soup.wav", NULL);
  g_autoptr (Sound) original = decode (file), rest = NULL, souped = NULL;

  g_bytes_unref (
      shell ("gst-launch-1.0 -q souphttpsrc location='%s' ! oggdemux "
             "! opusdec ! audioconvert ! wavenc ! filesink "
             "location=%s",
          url, wav));
  souped = decode (wav);
  assert_same_sound ("souphttpsrc", original, 0, souped, 0.97);
  rest = decode (later);
  assert_same_sound ("ffmpeg, from 11.5 s on", original,
      (gsize)(11.5 * SOUND_RATE), rest, 0.97);
}

static void
a_player_that_can_only_take_an_address_plays (void)
{
  g_autofree gchar *id = daemon_find (service, token, "greensleeves");
  g_autofree gchar *url
      = g_strdup_printf ("%s/v1/tracks/%s/stream.opus?start=24&token=%s",
          daemon_get_url (service), id, token);
  g_autofree gchar *file = sample_file ("Reeds at Dusk", "02 Greensleeves.mp3");
  g_autoptr (Sound) original = decode (file), heard = decode (url);

  assert_same_sound ("stream.opus", original, 24 * SOUND_RATE, heard, 0.85);
}

static void
an_ece_session_plays_through_chunkdec (void)
{
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autoptr (JsonObject) session
      = session_for ("lullaby queue", "\"encryption\":\"ece\"");
  g_autofree gchar *wav
      = g_build_filename (daemon_get_state_dir (service), "ece.wav", NULL);
  g_autoptr (Answer) key
      = ask (service, "GET", member (session, "key_url"), NULL, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (Sound) original = decode (file), heard = NULL;
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (key->body, &size_bytes);

  g_assert_cmpuint (size_bytes, ==, 16);
  g_assert_cmpstr (answer_header (key, "cache-control"), ==, "no-store");
  g_assert_true (json_object_get_null_member (session, "hls_url"));
  text = g_base64_encode (data, size_bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  g_bytes_unref (
      shell ("gst-launch-1.0 -q souphttpsrc location='%s?start=12' ! "
             "syrinxchunkdec format=ece key=%s ! oggdemux ! opusdec ! "
             "audioconvert ! wavenc ! filesink location=%s",
          member (session, "progressive_url"), text, wav));
  heard = decode (wav);
  assert_same_sound ("ece", original, 12 * SOUND_RATE, heard, 0.97);
}

/* Real time, but for the lead: a player that asks for the future waits. */
static void
a_stream_is_sent_as_it_is_played (void)
{
  g_autoptr (JsonObject) session = session_for ("many pipes one breath", NULL);
  g_autoptr (GBytes) bytes = shell (
      "curl -s -m 2 '%s' || true", member (session, "progressive_url"));
  gdouble seconds = g_bytes_get_size (bytes) * 8 / 128e3;

  g_test_message ("%.1f s of sound in 2 s", seconds);
  g_assert_cmpfloat (seconds, >, 4);
  g_assert_cmpfloat (seconds, <, 10);
}

/* --- Files as they are --- */

static gchar *
ask_range (const gchar *path, const gchar *bearer, const gchar *more)
{
  g_autofree gchar *text = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s"
      "Connection: close\r\n\r\n",
      path, bearer, more);

  return talk (service, text, -1, 10, NULL);
}

static void
an_original_comes_whole_and_in_ranges (void)
{
  g_autofree gchar *bearer = daemon_token (service, "owner", "listen,original");
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *path = g_strdup_printf ("/v1/tracks/%s/original", id);
  g_autofree gchar *file = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");
  g_autofree gchar *contents = NULL, *part = NULL, *over = NULL, *same = NULL,
                   *changed = NULL, *if_range = NULL;
  g_autoptr (Answer) whole = ask (service, "GET", path, bearer, NULL);
  g_autoptr (Answer) head = ask (service, "HEAD", path, bearer, NULL);
  g_autoptr (Answer) denied = ask (service, "GET", path, token, NULL);
  gsize size_bytes;

  g_assert_true (g_file_get_contents (file, &contents, &size_bytes, NULL));
  g_assert_cmpmem (contents, size_bytes, g_bytes_get_data (whole->body, NULL),
      g_bytes_get_size (whole->body));
  g_assert_cmpuint (
      g_ascii_strtoull (answer_header (head, "content-length"), NULL, 10), ==,
      size_bytes);
  g_assert_cmpuint (denied->status, ==, 403);
  part = ask_range (path, bearer, "Range: bytes=0-3\r\n");
  g_assert_true (g_str_has_prefix (part, "HTTP/1.1 206 "));
  g_assert_true (g_str_has_suffix (part, "\r\n\r\nRIFF"));
  over = ask_range (path, bearer, "Range: bytes=99999999999-\r\n");
  g_assert_true (g_str_has_prefix (over, "HTTP/1.1 416 "));
  if_range = g_strdup_printf (
      "If-None-Match: %s\r\n", answer_header (whole, "etag"));
  same = ask_range (path, bearer, if_range);
  g_assert_true (g_str_has_prefix (same, "HTTP/1.1 304 "));
  changed = ask_range (
      path, bearer, "Range: bytes=0-3\r\nIf-Range: \"another\"\r\n");
  g_assert_true (g_str_has_prefix (changed, "HTTP/1.1 200 "));
}

/* --- Bad requests --- */

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
      const gchar *status; /* (nullable): none is promised */
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

/* Fragments and other things in turn, all asked before any is answered. */
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

/* --- Rights that end --- */

static void
a_session_is_its_subjects (void)
{
  g_autofree gchar *other = daemon_token (service, "mallory", "listen");
  g_autofree gchar *admin = daemon_token (service, "root", "admin");
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *path
      = g_strconcat ("/v1/sessions/", member (session, "id"), NULL);
  const gchar *url = member (session, "hls_url");
  g_autofree gchar *guessed = g_strdup (url);
  g_autoptr (Answer) own = ask (service, "GET", path, token, NULL);
  g_autoptr (Answer) others = ask (service, "GET", path, other, NULL);
  g_autoptr (Answer) plays = ask (service, "GET", url, NULL, NULL);
  g_autoptr (Answer) guess = NULL, ended = NULL, gone = NULL;

  g_assert_cmpuint (own->status, ==, 200);
  g_assert_cmpuint (others->status, ==, 404);
  g_assert_cmpuint (plays->status, ==, 200);
  g_assert_cmpstr (answer_header (plays, "referrer-policy"), ==, "no-referrer");
  guessed[strlen (guessed) - strlen ("/master.m3u8") - 2] ^= 1;
  guess = ask (service, "GET", guessed, NULL, NULL);
  g_assert_cmpuint (guess->status, ==, 404);
  ended = ask (service, "DELETE", path, admin, NULL);
  g_assert_cmpuint (ended->status, ==, 204);
  gone = ask (service, "GET", url, NULL, NULL);
  g_assert_cmpuint (gone->status, ==, 410);
}

static void
revocation_ends_what_plays (void)
{
  g_autofree gchar *own = daemon_token (service, "fickle", "listen");
  g_autofree gchar *id = daemon_find (service, token, "many pipes");
  g_autoptr (JsonObject) session = daemon_session (service, own, id, NULL);
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (service), "slow.opus", NULL);
  g_autofree gchar *done = NULL, *revoked = NULL;
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (Answer) hls = NULL, fresh = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, "curl",
      "-s", "-m", "20", "-o", file, member (session, "progressive_url"), NULL);
  g_assert_no_error (error);
  g_usleep (G_USEC_PER_SEC);
  revoked
      = daemon_ctl (service, "token", "revoke", "--subject", "fickle", NULL);
  hls = ask (service, "GET", member (session, "hls_url"), NULL, NULL);
  g_assert_cmpuint (hls->status, ==, 410);
  fresh = ask (service, "GET", "/v1/tracks", own, NULL);
  g_assert_cmpuint (fresh->status, ==, 401);
  start = g_get_monotonic_time ();
  g_subprocess_wait (curl, NULL, &error);
  g_assert_no_error (error);
  /* There was sound for another ten seconds. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, G_TIME_SPAN_SECOND);
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

/* --- Faults --- */

static gboolean
has_a_fragment (gpointer data)
{
  g_autoptr (GBytes) found
      = shell ("find '%s' -name '*.m4s' -size +0 | head -n 1", (gchar *)data);

  return g_bytes_get_size (found) > 0;
}

static void
nothing_is_lost_when_it_is_killed (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "cache-size=1G");
  g_autofree gchar *bearer = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL;
  g_autofree gchar *file
      = sample_file ("Reeds at Dusk", "01 Many Pipes, One Breath.flac");
  g_autoptr (Sound) original = decode (file), heard = NULL;
  g_autoptr (JsonObject) first = NULL, again = NULL;
  g_autoptr (Answer) answer = NULL;
  g_autofree gchar *fragment = NULL;

  daemon_signal (daemon, SIGKILL); /* in the middle of its first scan */
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, bearer, "many pipes");
  first = daemon_session (daemon, bearer, id, NULL);
  fragment = g_strdup_printf ("%.*sopus-128/0.m4s",
      (int)(strrchr (member (first, "hls_url"), '/') + 1
            - member (first, "hls_url")),
      member (first, "hls_url"));
  answer = ask (daemon, "GET", fragment, NULL, NULL);
  g_assert_cmpuint (answer->status, ==, 200);
  wait_until (has_a_fragment, (gpointer)daemon_get_state_dir (daemon),
      "a fragment on the disk", 10);
  daemon_signal (daemon, SIGKILL); /* while the rest is being made */
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  again = daemon_session (daemon, bearer, id, NULL);
  heard = decode (member (again, "hls_url"));
  assert_same_sound ("after two deaths", original, 0, heard, 0.97);
}

static void
a_damaged_fragment_is_made_again (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "memory-size=1M");
  g_autofree gchar *bearer = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *file
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autofree gchar *id = NULL, *log = NULL;
  g_autoptr (Sound) original = decode (file), first = NULL, again = NULL;
  g_autoptr (JsonObject) one = NULL, two = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, bearer, "lullaby queue");
  one = daemon_session (daemon, bearer, id, NULL);
  first = decode (member (one, "hls_url"));
  daemon_signal (daemon, SIGTERM);
  g_bytes_unref (
      shell ("cd '%s'; set -- $(find . -name '*.m4s' -size +8k); "
             "test $# -ge 2; for f; do printf XXXX | "
             "dd of=\"$f\" bs=1 seek=5000 conv=notrunc 2>/dev/null; done; "
             "truncate -s 100 \"$2\"",
          daemon_get_state_dir (daemon)));
  daemon_start (daemon);
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  two = daemon_session (daemon, bearer, id, NULL);
  again = decode (member (two, "hls_url"));
  assert_same_sound ("damaged", original, 0, again, 0.97);
  log = daemon_get_log (daemon);
  g_assert_nonnull (strstr (log, "made again"));
}

static void
a_second_daemon_is_refused (void)
{
  g_autoptr (GBytes) said
      = shell ("set +e; '%s/daemon/syrinxd' --state-dir '%s' --library '%s' "
               "--http 127.0.0.1:0 --admin 127.0.0.1:0 2>&1; echo \"exit $?\"",
          g_getenv ("SYRINX_BUILD"), daemon_get_state_dir (service),
          g_getenv ("SYRINX_SAMPLES"));
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));

  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, "exit 1"));
  g_assert_nonnull (strstr (text, daemon_get_state_dir (service)));
}

static gboolean
has_ended (gpointer data)
{
  return !daemon_is_alive (data);
}

static gboolean
is_draining (gpointer data)
{
  g_autoptr (Answer) answer = ask (data, "GET", "/readyz", NULL, NULL);

  return answer->status == 503;
}

static void
what_plays_may_end_before_it_stops (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, "drain-seconds=30");
  g_autofree gchar *bearer = NULL, *id = NULL, *body = NULL, *url = NULL;
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (daemon), "last.opus", NULL);
  g_autoptr (JsonObject) session = NULL;
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (Answer) refused = NULL;
  gint64 start_us;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  bearer = daemon_token (daemon, "ann", "listen");
  id = daemon_find (daemon, bearer, "many pipes one breath");
  session = daemon_session (daemon, bearer, id, NULL);
  url = g_strconcat (member (session, "progressive_url"), "?start=6", NULL);
  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "curl", "-sS", "-f",
      "-m", "20", "-o", file, url, NULL);
  g_usleep (G_USEC_PER_SEC);
  start_us = g_get_monotonic_time ();
  kill (daemon_get_pid (daemon), SIGTERM);
  wait_until (is_draining, daemon, "/readyz to tell", 5);
  body = g_strdup_printf ("{\"track_id\":\"%s\"}", id);
  refused = ask (daemon, "POST", "/v1/sessions", bearer, body);
  g_assert_cmpuint (refused->status, ==, 503);
  g_assert_nonnull (answer_header (refused, "retry-after"));
  g_assert_true (g_subprocess_wait_check (curl, NULL, NULL));
  wait_until (has_ended, daemon, "the end", 5);
  g_assert_cmpint (
      g_get_monotonic_time () - start_us, >, 2 * G_TIME_SPAN_SECOND);
}

static void
logs_are_json_for_who_asks (void)
{
  g_autoptr (GBytes) said
      = shell ("'%s/daemon/syrinxd' --log-format json --state-dir '%s' "
               "--library /nowhere --http 127.0.0.1:0 --admin 127.0.0.1:0 "
               "--rtsp none 2>&1 >/dev/null & sleep 1; kill -INT $!; wait $! "
               "|| true",
          g_getenv ("SYRINX_BUILD"), "/tmp/syrinx-json-log");
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), >, 1);
  for (guint i = 0; lines[i]; i++) {
    g_autoptr (JsonNode) node = json_from_string (lines[i], NULL);
    g_test_message ("%s", lines[i]);
    g_assert_nonnull (node);
    g_assert_nonnull (member (json_node_get_object (node), "time"));
    g_assert_nonnull (member (json_node_get_object (node), "message"));
  }
  g_bytes_unref (shell ("rm -rf /tmp/syrinx-json-log"));
}

/* They ask the programs, so what is tested is that they are understood. */
static void
bash_completes_what_the_programs_take (void)
{
  static const struct
  {
    const gchar *words, *completed;
  } cases[] = { { "syrinxctl ''", "failures" }, { "syrinxctl to", "token" },
    { "syrinxctl token ''", "issue" }, { "syrinxctl key r", "rotate" },
    { "syrinxctl --state-dir /tmp token issue --sc", "--scope=" },
    { "syrinxd --cache", "--cache-size=" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) said = shell (
        "bash -c 'PATH=\"%s/daemon:$PATH\"; . "
        "\"%s/../completions/syrinx.bash\"; "
        "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _syrinx 2>/dev/null; "
        "echo \" ${COMPREPLY[*]} \"' bash %s",
        g_getenv ("SYRINX_BUILD"), g_getenv ("SYRINX_SAMPLES"), cases[i].words);
    g_autofree gchar *text
        = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
    g_autofree gchar *wanted = g_strdup_printf (" %s ", cases[i].completed);
    g_test_message ("%s: %s", cases[i].words, text);
    g_assert_nonnull (strstr (text, wanted));
  }
}

/* --- The library changes --- */

typedef struct
{
  Daemon *daemon;
  const gchar *token, *words, *id; /* id (nullable): any */
} Expected;

static gboolean
is_found (gpointer data)
{
  Expected *expected = data;
  g_autofree gchar *escaped
      = g_uri_escape_string (expected->words, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("/v1/tracks?q=", escaped, NULL);
  g_autoptr (Answer) answer
      = ask (expected->daemon, "GET", path, expected->token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);
  JsonArray *tracks = json_object_get_array_member (json, "tracks");

  return json_array_get_length (tracks) > 0
         && (!expected->id
             || g_str_equal (expected->id,
                 member (json_array_get_object_element (tracks, 0), "id")));
}

static gboolean
is_lost (gpointer data)
{
  return !is_found (data);
}

static void
the_index_follows_the_folder (void)
{
  g_autofree gchar *library = g_dir_make_tmp ("syrinx-library-XXXXXX", NULL);
  g_autofree gchar *one = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");
  g_autofree gchar *two = sample_file ("Reeds at Dusk", "02 Greensleeves.mp3");
  g_autoptr (Daemon) daemon = NULL;
  g_autofree gchar *bearer = NULL, *id = NULL;

  g_bytes_unref (shell ("cp \"%s\" '%s'", one, library));
  daemon = daemon_new (library, NULL);
  bearer = daemon_token (daemon, "ann", "listen");
  daemon_wait_for_tracks (daemon, 1);
  g_bytes_unref (shell ("cp \"%s\" '%s/x.mp3'", two, library));
  wait_until (is_found, &(Expected){ daemon, bearer, "greensleeves" },
      "the new file to be found", 20);
  id = daemon_find (daemon, bearer, "greensleeves");
  g_bytes_unref (shell ("mkdir '%s/sub'; mv '%s/x.mp3' '%s/sub/y.mp3'", library,
      library, library));
  g_usleep (2 * G_USEC_PER_SEC);
  wait_until (is_found, &(Expected){ daemon, bearer, "greensleeves", id },
      "the moved file to keep its id", 20);
  g_bytes_unref (shell ("rm '%s/sub/y.mp3'", library));
  wait_until (is_lost, &(Expected){ daemon, bearer, "greensleeves" },
      "the removed file to be gone", 20);
  g_clear_pointer (&daemon, daemon_free);
  g_bytes_unref (shell ("rm -r '%s'", library));
}

/* --- D-Bus --- */

static void
the_session_bus_shows_and_steers_it (void)
{
  g_autoptr (GBytes) said = shell (
      "dir=$(mktemp -d); trap 'rm -rf $dir' EXIT; "
      "dbus-run-session -- sh -ec '"
      "\"%s/daemon/syrinxd\" --bus session --state-dir '$dir' --library \"%s\" "
      "--http 127.0.0.1:0 --admin 127.0.0.1:0 2>/dev/null & "
      "gdbus wait --session --timeout 20 org.syrinx.Syrinx1; "
      "o=\"--session --dest org.syrinx.Syrinx1 --object-path "
      "/org/syrinx/Syrinx1\"; "
      "gdbus introspect $o; "
      "gdbus call $o --method org.freedesktop.DBus.Properties.Get "
      "org.syrinx.Syrinx1.Manager Version; "
      "gdbus call $o --method org.syrinx.Syrinx1.Library.Rescan; "
      "gdbus call $o --method org.freedesktop.DBus.ObjectManager."
      "GetManagedObjects >/dev/null; "
      "gdbus call $o --method org.syrinx.Syrinx1.Manager.TerminateSession "
      "nosuch \"\" 2>&1 || true; "
      "kill $!; wait $! || true' 2>&1",
      g_getenv ("SYRINX_BUILD"), g_getenv ("SYRINX_SAMPLES"));
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (said, NULL), g_bytes_get_size (said));
  static const gchar *const wanted[] = { "interface org.syrinx.Syrinx1.Manager",
    "interface org.syrinx.Syrinx1.Library", "(<'0.",
    "org.syrinx.Syrinx1.Error.NotFound" };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (text, wanted[i]))
      g_error ("\"%s\" is missing in:\n%s", wanted[i], text);
}

static void
syrinxctl_shows_and_ends_sessions (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet", NULL);
  g_autofree gchar *listed = daemon_ctl (service, "sessions", "--json", NULL);
  g_autofree gchar *status = daemon_ctl (service, "status", NULL);
  g_autofree gchar *done = NULL;
  g_autoptr (Answer) gone = NULL;

  g_assert_nonnull (strstr (listed, member (session, "id")));
  g_assert_nonnull (strstr (status, daemon_get_url (service)));
  done = daemon_ctl (
      service, "sessions", "terminate", member (session, "id"), NULL);
  gone = ask (service, "GET", member (session, "hls_url"), NULL, NULL);
  g_assert_cmpuint (gone->status, ==, 410);
}

/* "/v1/tracks/{id}" with something that looks like one. */
static gchar *
fill_path (const gchar *pattern)
{
  g_autoptr (GRegex) variable = g_regex_new ("\\{[a-z]+\\}", 0, 0, NULL);

  return g_regex_replace_literal (
      variable, pattern, -1, 0, "AAAAAAAAAAAAAAAAAAAAAA", 0, NULL);
}

/* No path that the daemon does not know, no answer that is not written. */
static void
check_operation (const gchar *pattern, const gchar *method,
    JsonObject *operation, gboolean of_admin)
{
  g_autofree gchar *filled = fill_path (pattern);
  g_autofree gchar *address = g_strconcat (
      of_admin ? daemon_get_admin_url (service) : daemon_get_url (service),
      filled, NULL);
  g_autofree gchar *verb = g_ascii_strup (method, -1);
  g_autofree gchar *status = NULL, *text = NULL;
  g_autoptr (Answer) answer = ask (service, verb, address, token,
      g_str_equal (verb, "POST") ? "{\"track_id\":\"x\"}" : NULL);

  status = g_strdup_printf ("%u", answer->status);
  text = answer_text (answer);
  g_test_message ("%s %s: %s", verb, pattern, status);
  g_assert_true (json_object_has_member (
      json_object_get_object_member (operation, "responses"), status));
  g_assert_null (strstr (text, "nothing at this address"));
}

static void
the_openapi_file_tells_the_truth (void)
{
  g_autoptr (Answer) answer = ask (service, "GET", "/openapi.json", NULL, NULL);
  g_autoptr (JsonObject) api = answer_json (answer);
  JsonObject *paths = json_object_get_object_member (api, "paths");
  JsonObjectIter path, operation;
  const gchar *pattern, *method;
  JsonNode *node, *inner;

  g_assert_cmpuint (json_object_get_size (paths), >, 20);
  json_object_iter_init (&path, paths);
  while (json_object_iter_next (&path, &pattern, &node)) {
    JsonObject *item = json_node_get_object (node);
    gboolean of_admin = json_object_has_member (item, "servers");
    json_object_iter_init (&operation, item);
    while (json_object_iter_next (&operation, &method, &inner))
      if (JSON_NODE_HOLDS_OBJECT (inner))
        check_operation (
            pattern, method, json_node_get_object (inner), of_admin);
  }
}

static gboolean
has_told (gpointer data)
{
  const gchar *const *told = data; /* a file, and what is to stand in it */
  g_autofree gchar *text = NULL;

  return g_file_get_contents (told[0], &text, NULL, NULL)
         && strstr (text, told[1]);
}

static void
events_tell_what_happens (void)
{
  g_autofree gchar *admin = daemon_token (service, "root", "admin");
  g_autofree gchar *header
      = g_strconcat ("Authorization: Bearer ", admin, NULL);
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (service), "/v1/events", NULL);
  g_autofree gchar *file
      = g_build_filename (daemon_get_state_dir (service), "events", NULL);
  g_autoptr (Answer) unasked = ask (service, "GET", url, token, NULL);
  g_autoptr (GSubprocess) curl = NULL;
  g_autoptr (JsonObject) session = NULL;
  g_autofree gchar *begins = NULL, *path = NULL;
  g_autoptr (Answer) ended = NULL;

  g_assert_cmpuint (unasked->status, ==, 403);
  curl = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "curl", "-sN", "-m",
      "20", "-H", header, "-o", file, url, NULL);
  wait_until (has_told, (const gchar *[]){ file, "event: library\ndata: {" },
      "the library's state", 5);
  session = session_for ("minuet", NULL);
  begins = g_strdup_printf (
      "event: session\ndata: {\"id\":\"%s\"", member (session, "id"));
  wait_until (
      has_told, (const gchar *[]){ file, begins }, "the session to begin", 5);
  path = g_strconcat ("/v1/sessions/", member (session, "id"), NULL);
  ended = ask (service, "DELETE", path, token, NULL);
  wait_until (has_told, (const gchar *[]){ file, "\"state\":\"ended\"" },
      "the session to end", 5);
  g_subprocess_force_exit (curl);
}

#define ADD(name) g_test_add_func ("/service/" #name, name)

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  ADD (hls_sounds_like_the_original);
  ADD (every_rendition_sounds_like_the_original);
  ADD (a_clear_session_plays_in_playbin3);
  ADD (the_progressive_stream_sounds_like_the_original);
  ADD (a_player_that_can_only_take_an_address_plays);
  ADD (an_ece_session_plays_through_chunkdec);
  ADD (a_stream_is_sent_as_it_is_played);
  ADD (an_original_comes_whole_and_in_ranges);
  ADD (what_is_no_good_token_opens_nothing);
  ADD (a_token_in_the_address_is_taken_where_the_table_says);
  ADD (a_bad_request_is_told_which_field_is_bad);
  ADD (requests_on_one_connection_are_answered_in_order);
  ADD (a_session_is_its_subjects);
  ADD (syrinxctl_shows_and_ends_sessions);
  ADD (the_openapi_file_tells_the_truth);
  ADD (events_tell_what_happens);
  ADD (revocation_ends_what_plays);
  ADD (what_is_secret_is_not_in_the_log);
  ADD (a_second_daemon_is_refused);
  ADD (what_is_no_request_costs_its_connection_alone);
  ADD (who_never_finishes_a_request_is_cut_off);
  ADD (nothing_is_lost_when_it_is_killed);
  ADD (a_damaged_fragment_is_made_again);
  ADD (what_plays_may_end_before_it_stops);
  ADD (logs_are_json_for_who_asks);
  ADD (bash_completes_what_the_programs_take);
  ADD (the_index_follows_the_folder);
  ADD (the_session_bus_shows_and_steers_it);
  service = daemon_new (NULL, "requests-per-second=10000\n"
                              "requests-per-second-per-subject=10000");
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "ann", "listen");
  result = g_test_run ();
  daemon_free (service);
  g_free (token);
  return result;
}
