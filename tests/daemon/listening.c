/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Playing with real players, and when it ends. */
#include "service.h"

#define OPUS_PRE_SKIP 312

static const struct
{
  const gchar *album, *file, *words;
  gdouble
      alike; /* lower for lossy originals, as the encoder keeps other details */
} samples[] = {
  { "Pipes at Dawn", "01 Ode to Joy.opus", "ode to joy", 0.95 },
  { "Pipes at Dawn", "02 Minuet in G.wav", "minuet", 0.85 },
  { "Pipes at Dawn", "04 Коробейники.ogg", "коробейники", 0.95 },
  { "Pipes at Dawn", "06 Lullaby for a Queue.flac", "lullaby queue", 0.98 },
  { "Reeds at Dusk", "02 Greensleeves.mp3", "greensleeves", 0.85 },
  { "Reeds at Dusk", "05 Amazing Grace.m4a", "amazing grace", 0.85 },
};

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
  /* qtdemux 1.22 does not pass the pre-skip to opusdec. */
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

/* Real time plus a lead: a client that reads faster has to wait. */
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
  /* Media for another ten seconds were left. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, G_TIME_SPAN_SECOND);
}

#define ADD(name) g_test_add_func ("/listening/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (hls_sounds_like_the_original);
  ADD (every_rendition_sounds_like_the_original);
  ADD (a_clear_session_plays_in_playbin3);
  ADD (the_progressive_stream_sounds_like_the_original);
  ADD (a_player_that_can_only_take_an_address_plays);
  ADD (an_ece_session_plays_through_chunkdec);
  ADD (a_stream_is_sent_as_it_is_played);
  ADD (an_original_comes_whole_and_in_ranges);
  ADD (a_session_is_its_subjects);
  ADD (revocation_ends_what_plays);
  return service_run ();
}
