/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: real players over TCP and UDP, dialogues by hand, and hostile input. */
#include "rtsp-dialogue.h"
#include "rtsp-players.h"

#include <gst/gst.h>
#include <signal.h>
#include <string.h>

#define N_SAMPLES      12
#define PACKET_SAMPLES 960 /* of Opus, 20 ms */
#define RTP_HEADER     12

/* Shared by all tests that leave it intact. */
static Daemon *service;
static gchar *token;

static const gchar *
member (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member (object, name);
}

static JsonObject *
session_for (const gchar *words)
{
  g_autofree gchar *id = daemon_find (service, token, words);

  return daemon_session (service, token, id, "\"encryption\":\"none\"");
}

static Dialogue *
dialogue_new (void)
{
  return dialogue_with (service);
}

static gchar *
get_address (const gchar *name)
{
  return address_of (service, name);
}

/* --- Players --- */

static Sound *
decode_minuet (void)
{
  g_autofree gchar *file = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");

  return decode (file);
}

static void
ffmpeg_hears_the_original_over_tcp_and_udp (void)
{
  static const gchar *const transports[] = { "tcp", "udp" };
  g_autoptr (Sound) original = decode_minuet ();

  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    g_autoptr (JsonObject) session = session_for ("minuet");
    g_autoptr (Sound) heard
        = hear_by_ffmpeg (transports[i], member (session, "rtsp_url"));
    assert_whole (transports[i], heard, original);
  }
}

static void
rtspsrc_hears_the_original (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  g_autoptr (Sound) original = decode_minuet ();
  g_autoptr (Sound) heard
      = hear_by_rtspsrc ("tcp", member (session, "rtsp_url"));

  assert_whole ("rtspsrc", heard, original);
}

/* The session of the connection, ended between DESCRIBE and SETUP. */
static void
a_session_that_was_ended_is_not_set_up (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *address = address_of (service, "rtsp-address");
  g_autofree gchar *url
      = g_strdup_printf ("%s/tracks/%s?token=%s", address, id, token);
  g_autofree gchar *stream
      = g_strdup_printf ("%s/tracks/%s/stream=0?token=%s", address, id, token);
  g_autoptr (Dialogue) d = dialogue_with (service);
  g_autofree gchar *told = expect (d, 200, "DESCRIBE", url, NULL);
  g_autofree gchar *base = header (told, "Content-Base");
  g_auto (GStrv) parts = g_strsplit (strstr (base, "/sessions/"), "/", 4);
  g_autofree gchar *listed = NULL;

  g_free (daemon_ctl (service, "sessions", "terminate", parts[2], NULL));
  check (d, 200, "SETUP", stream, INTERLEAVED);
  listed = daemon_ctl (service, "--json", "sessions", NULL);
  g_assert_null (strstr (listed, parts[2]));
  g_assert_nonnull (strstr (listed, id)); /* a new session is listed */
}

static void
a_track_plays_by_token_and_by_access_code (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *address = get_address ("rtsp-address");
  g_autofree gchar *code = daemon_ctl (
      service, "token", "issue", "--subject", "old player", "--short", NULL);
  g_autofree gchar *by_token
      = g_strdup_printf ("%s/tracks/%s?token=%s", address, id, token);
  g_autofree gchar *by_code = g_strdup_printf (
      "rtsp://x:%s@%s/tracks/%s", code, address + strlen ("rtsp://"), id);
  g_autoptr (Sound) original = decode_minuet ();
  g_autoptr (Sound) first = hear_by_ffmpeg ("tcp", by_token);
  g_autoptr (Sound) second = hear_by_ffmpeg ("tcp", by_code);

  g_assert_cmpuint (strlen (code), <=, 64);
  assert_whole ("token", first, original);
  assert_whole ("code", second, original);
}

static void
players_hear_the_original_over_tls (void)
{
  g_autofree gchar *address = get_address ("rtsps-address");
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsps_url");
  g_autoptr (Sound) original = decode_minuet ();
  g_autoptr (Sound) first = hear_by_ffmpeg ("tcp", url);
  g_autoptr (Sound) second = hear_by_rtspsrc ("tcp", url);

  g_assert_true (g_str_has_prefix (url, address));
  assert_whole ("ffmpeg", first, original);
  assert_whole ("rtspsrc", second, original);
}

/* --- Access --- */

static void
strangers_are_told_why_not (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  g_autofree gchar *admin = daemon_token (service, "boss", "listen,admin");
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *address = get_address ("rtsp-address");
  const struct
  {
    guint status;
    gchar *url, *headers;
  } cases[] = {
    { 404,
        g_strdup_printf ("%s/sessions/%s/AAAAAAAAAAAAAAAAAAAAAA", address,
            member (session, "id")),
        NULL },
    { 404, g_strdup_printf ("%s/nothing/here", address), NULL },
    { 404,
        g_strdup_printf (
            "%s/tracks/AAAAAAAAAAAAAAAAAAAAAA?token=%s", address, token),
        NULL },
    { 401, g_strdup_printf ("%s/tracks/%s", address, id), NULL },
    { 401, g_strdup_printf ("%s/tracks/%s?token=made.up.token", address, id),
        NULL },
    { 401, g_strdup_printf ("%s/tracks/%s", address, id),
        g_strdup (
            "Authorization: Basic eDpBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n") },
    { 403, g_strdup_printf ("%s/tracks/%s?token=%s", address, id, admin),
        NULL },
    { 200, g_strdup_printf ("%s/tracks/%s", address, id),
        g_strdup_printf ("Authorization: Bearer %s\r\n", token) },
    { 400, g_strdup ("http://elsewhere/"), NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Dialogue) d = dialogue_new ();
    g_autofree gchar *answer = expect (
        d, cases[i].status, "DESCRIBE", cases[i].url, cases[i].headers);
    if (cases[i].status == 401)
      g_assert_nonnull (
          strstr (answer, "WWW-Authenticate: Basic realm=\"syrinx\""));
    g_free (cases[i].url);
    g_free (cases[i].headers);
  }
}

static void
a_full_house_says_so (void)
{
  g_autoptr (Daemon) small = daemon_new (
      NULL, "max-sessions=1\nmax-connections-per-address=3\nmax-cpu-percent=0");
  g_autofree gchar *own = NULL, *id = NULL, *address = NULL, *url = NULL;
  g_autoptr (Dialogue) first = NULL, second = NULL, third = NULL, fourth = NULL;

  daemon_wait_for_tracks (small, N_SAMPLES);
  own = daemon_token (small, "listener", "listen");
  id = daemon_find (small, own, "minuet");
  address = address_of (small, "rtsp-address");
  url = g_strdup_printf ("%s/tracks/%s?token=%s", address, id, own);
  first = dialogue_with (small);
  second = dialogue_with (small);
  check (first, 200, "DESCRIBE", url, NULL);
  check (second, 453, "DESCRIBE", url, NULL);
  third = dialogue_with (small);
  check (third, 200, "OPTIONS", "*", NULL);
  fourth = dialogue_with (small);
  g_assert_null (hear (fourth));
  g_clear_pointer (&first, dialogue_free); /* its session ends with it */
  check (third, 200, "OPTIONS", "*", NULL);
  check (second, 200, "DESCRIBE", url, NULL);
}

static void
a_port_in_use_is_named (void)
{
  g_autofree gchar *address = get_address ("rtsp-address");
  g_autoptr (GBytes) said = shell (
      "! '%s/daemon/syrinxd' --state-dir '%s/other' --http 127.0.0.1:0 --admin "
      "127.0.0.1:0 --rtsp %s 2>&1",
      g_getenv ("SYRINX_BUILD"), daemon_get_state_dir (service),
      address + strlen ("rtsp://"));
  gsize size;
  const gchar *text = g_bytes_get_data (said, &size);

  g_assert_nonnull (g_strstr_len (text, size, "is in use"));
  g_assert_nonnull (g_strstr_len (text, size, "--rtsp"));
}

static void
an_ece_session_has_no_rtsp (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autoptr (JsonObject) session
      = daemon_session (service, token, id, "\"encryption\":\"ece\"");

  g_assert_true (json_object_get_null_member (session, "rtsp_url"));
  g_assert_true (json_object_get_null_member (session, "rtsps_url"));
}

/* --- Methods --- */

static void
describe_answers_what_a_player_needs (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  g_autoptr (Dialogue) d = dialogue_new ();
  const gchar *url = member (session, "rtsp_url");
  g_autofree gchar *answer
      = expect (d, 200, "DESCRIBE", url, "Accept: application/sdp\r\n");
  g_autofree gchar *control
      = g_strconcat ("a=control:", url, "/stream=0", NULL);

  g_assert_nonnull (strstr (answer, "a=rtpmap:96 opus/48000/2"));
  g_assert_nonnull (strstr (answer, "a=range:npt=0-8.7"));
  g_assert_nonnull (strstr (answer, "m=audio 0 RTP/AVP 96"));
  g_assert_nonnull (strstr (answer, control));
  check (d, 406, "DESCRIBE", url, "Accept: text/html\r\n");
}

static void
what_does_not_belong_gets_its_status (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  g_autofree gchar *stream = g_strconcat (url, "/stream=0", NULL);
  g_autoptr (Dialogue) d = dialogue_new ();

  check (d, 501, "FROLIC", url, NULL);
  check (d, 405, "RECORD", url, NULL);
  check (d, 454, "PLAY", url, NULL);
  check (d, 454, "TEARDOWN", url, "Session: nobody\r\n");
  check (d, 551, "DESCRIBE", url, "Require: funky-feature\r\n");
  check (d, 459, "SETUP", url, INTERLEAVED);
  check (d, 400, "SETUP", stream, NULL);
  check (d, 461, "SETUP", stream, "Transport: RTP/AVP;multicast\r\n");
  check (d, 461, "SETUP", stream, "Transport: RAW/RAW/UDP;unicast\r\n");
  check (d, 461, "SETUP", stream,
      "Transport: RTP/AVP;unicast;client_port=7-8\r\n");
  set_up (d, url);
  check (d, 455, "PAUSE", url, NULL);
  check (d, 457, "PLAY", url, "Range: npt=100000-\r\n");
  check (d, 457, "PLAY", url, "Range: smpte=0:10:00-\r\n");
  check (d, 200, "GET_PARAMETER", url, NULL);
  check (d, 200, "SET_PARAMETER", url, NULL);
  check (d, 200, "OPTIONS", "*", NULL);
  check (d, 200, "TEARDOWN", url, NULL);
  check (d, 454, "GET_PARAMETER", url, NULL);
}

/* --- Playing --- */

/* The packets of the track from its start, as they arrive in real time. */
static Dialogue *
begin (const gchar *url, guint n_packets)
{
  Dialogue *d = dialogue_new ();
  g_autofree gchar *answer = NULL;

  set_up (d, url);
  answer = expect (d, 200, "PLAY", url, "Range: npt=0-\r\n");
  check_info (d, answer, 0);
  wait_for_packets (d, n_packets);
  return d;
}

static void
assert_same_payload (Dialogue *a, guint i, Dialogue *b, guint j)
{
  gsize n = g_bytes_get_size (a->packets->pdata[i]);

  g_assert_cmpmem (packet (a, i) + RTP_HEADER, n - RTP_HEADER,
      packet (b, j) + RTP_HEADER,
      g_bytes_get_size (b->packets->pdata[j]) - RTP_HEADER);
}

static void
a_pause_loses_and_repeats_nothing (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  g_autoptr (Dialogue) d = begin (url, 20);
  g_autofree gchar *paused = expect (d, 200, "PAUSE", url, NULL);
  guint before = d->packets->len;
  g_autofree gchar *resumed = NULL;

  /* Packets sent after the answer to PAUSE would arrive before the next
   * answer. */
  g_usleep (400000);
  check (d, 200, "GET_PARAMETER", url, NULL);
  g_assert_cmpuint (d->packets->len, ==, before);
  resumed = expect (d, 200, "PLAY", url, NULL);
  g_assert_cmpfloat_with_epsilon (
      start_of_range (resumed), start_of_range (paused), 1e-4);
  check_info (d, resumed, before);
  wait_for_packets (d, before + 20);
  for (guint i = 1; i < d->packets->len; i++) {
    g_assert_cmpuint (
        (guint16)(seqnum_of (d, i) - seqnum_of (d, i - 1)), ==, 1);
    if (i > 1)
      g_assert_cmpuint (
          rtptime_of (d, i) - rtptime_of (d, i - 1), ==, PACKET_SAMPLES);
  }
}

/* The metric of seeks. */
static guint64
count_seeks (void)
{
  g_autofree gchar *url
      = g_strconcat (daemon_get_admin_url (service), "/metrics", NULL);
  g_autoptr (Answer) answer = ask (service, "GET", url, NULL, NULL);
  g_autofree gchar *text = answer_text (answer);
  const gchar *found = strstr (text, "\nsyrinx_session_seeks_total ");

  g_assert_nonnull (found);
  return g_ascii_strtoull (strchr (found, ' '), NULL, 10);
}

static void
a_range_is_played_from_its_packet_on (void)
{
  static const gdouble places[] = { 1, 0.5, 0 };
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  g_autoptr (Dialogue) whole = begin (url, 80);
  g_autoptr (Dialogue) d = begin (url, 5);
  guint64 n_seeks = count_seeks ();

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    g_autofree gchar *range
        = g_strdup_printf ("Range: npt=%.1f-\r\n", places[i]);
    g_autofree gchar *answer = expect (d, 200, "PLAY", url, range);
    guint first = d->packets->len;
    guint index = (places[i] * SOUND_RATE + PRE_SKIP) / PACKET_SAMPLES;

    g_assert_cmpfloat_with_epsilon (start_of_range (answer), places[i], 0.0201);
    check_info (d, answer, first);
    wait_for_packets (d, first + 10);
    for (guint k = 0; k < 10; k++)
      assert_same_payload (whole, index + k, d, first + k);
    g_assert_cmpuint (
        (guint16)(seqnum_of (d, first) - seqnum_of (d, first - 1)), ==, 1);
  }
  g_assert_cmpuint (count_seeks (), ==, n_seeks + G_N_ELEMENTS (places));
}

/* RTP is sent in real time: receivers derive their clock from arrivals. */
static void
packets_come_in_real_time (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  gint64 start_us = g_get_monotonic_time (), took_us;
  g_autoptr (Dialogue) d = begin (url, 101);

  took_us = g_get_monotonic_time () - start_us;
  g_test_message ("2 s of sound took %.2f s", took_us / 1e6);
  g_assert_cmpint (took_us, >, 1800000);
  g_assert_cmpint (took_us, <, 4000000);
}

static void
the_end_is_told_by_a_bye (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  g_autoptr (Dialogue) d = dialogue_new ();
  g_autofree gchar *again = NULL;
  guint n;

  set_up (d, url);
  check (d, 200, "PLAY", url, "Range: npt=8.2-\r\n");
  while (!d->n_byes)
    if (!take_packet (d))
      g_assert_true (receive (d));
  n = d->packets->len;
  g_assert_cmpuint (n, >=, 24);
  g_assert_cmpuint (n, <=, 27);
  again = expect (d, 200, "PLAY", url, "Range: npt=0-\r\n");
  check_info (d, again, n);
}

static void
an_ended_session_ends_the_stream (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  g_autofree gchar *path
      = g_strconcat ("/v1/sessions/", member (session, "id"), NULL);
  g_autoptr (Dialogue) d = begin (member (session, "rtsp_url"), 10);
  g_autoptr (Answer) answer = ask (service, "DELETE", path, token, NULL);
  gint64 start_us = g_get_monotonic_time ();

  g_assert_cmpuint (answer->status, ==, 204);
  while (receive (d))
    ;
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 2 * G_USEC_PER_SEC);
}

static gboolean
has_ended (gpointer daemon)
{
  return !daemon_is_alive (daemon);
}

/* SIGTERM waits for streams that play, not for clients that stay connected
 * after the end. */
static void
what_plays_may_end_before_it_stops (void)
{
  g_autoptr (Daemon) leaving = daemon_new (NULL, "drain-seconds=30");
  g_autofree gchar *own = NULL, *id = NULL;
  g_autoptr (JsonObject) session = NULL;
  g_autoptr (Dialogue) d = NULL;
  const gchar *url;

  daemon_wait_for_tracks (leaving, N_SAMPLES);
  own = daemon_token (leaving, "listener", "listen");
  id = daemon_find (leaving, own, "minuet");
  session = daemon_session (leaving, own, id, "\"encryption\":\"none\"");
  url = member (session, "rtsp_url");
  d = dialogue_with (leaving);
  set_up (d, url);
  check (d, 200, "PLAY", url, "Range: npt=5.7-\r\n");
  wait_for_packets (d, 1);
  kill (daemon_get_pid (leaving), SIGTERM);
  while (!d->n_byes)
    if (!take_packet (d))
      g_assert_true (receive (d));
  g_assert_cmpuint (d->packets->len, >=, 149); /* 3 s */
  wait_until (has_ended, leaving, "the end", 5);
}

static void
a_revoked_code_ends_its_stream (void)
{
  g_autofree gchar *code = daemon_ctl (
      service, "token", "issue", "--subject", "leaver", "--short", NULL);
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autofree gchar *address = get_address ("rtsp-address"), *base = NULL,
                   *answer = NULL;
  g_autofree gchar *url
      = g_strdup_printf ("%s/tracks/%s?token=%s", address, id, code);
  g_autoptr (Dialogue) d = dialogue_new ();

  answer = expect (d, 200, "DESCRIBE", url, NULL);
  base = header (answer, "Content-Base");
  base[strlen (base) - 1] = 0;
  set_up (d, base);
  check (d, 200, "PLAY", base, NULL);
  wait_for_packets (d, 5);
  g_free (daemon_ctl (service, "token", "revoke", "--subject", "leaver", NULL));
  while (receive (d))
    ;
  g_clear_pointer (&d, dialogue_free);
  d = dialogue_new ();
  check (d, 401, "DESCRIBE", url, NULL);
}

/* --- Hostile input --- */

static void
garbage_is_answered_and_cut_off (void)
{
  static const struct
  {
    const gchar *bytes;
    gssize size;
    guint status; /* 0: no answer is due */
  } cases[] = {
    { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 13, 400 },
    { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", -1, 400 },
    { "OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", -1, 505 },
    { "OPTIONS * RTSP/1.0\r\nCSeq 1\r\n\r\n", -1, 400 },
    { "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n folded\r\n\r\n", -1, 400 },
    { "OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", -1, 400 },
    { "OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", -1, 413 },
    { "OPTIONS *\0 RTSP/1.0\r\nCSeq: 1\r\n\r\n", 33, 400 },
  };
  g_autofree gchar *large = g_strnfill (40000, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Dialogue) d = dialogue_new ();
    g_autofree gchar *answer = NULL;
    say_raw (d, cases[i].bytes, cases[i].size);
    answer = hear (d);
    g_assert_cmpuint (status_of (answer), ==, cases[i].status);
    g_assert_null (hear (d));
  }
  {
    g_autoptr (Dialogue) d = dialogue_new ();
    g_autofree gchar *answer = NULL;
    say_raw (d, "OPTIONS * RTSP/1.0\r\nX: ", -1);
    say_raw (d, large, -1);
    answer = hear (d);
    g_assert_cmpuint (status_of (answer), ==, 413);
  }
  g_assert_true (daemon_is_alive (service));
}

static void
requests_may_come_in_pieces_and_together (void)
{
  static const gchar text[] = "OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n$\1\0\4abcd"
                              "\r\nOPTIONS * RTSP/1.0\r\nCSeq: 8\r\n\r\n";
  g_autoptr (Dialogue) d = dialogue_new ();

  for (guint round = 0; round < 2; round++) {
    g_autofree gchar *first = NULL, *second = NULL;
    if (round == 0)
      say_raw (d, text, sizeof text - 1);
    else
      for (guint i = 0; i < sizeof text - 1; i++) {
        say_raw (d, text + i, 1);
        g_usleep (1000);
      }
    first = hear (d);
    second = hear (d);
    g_assert_nonnull (strstr (first, "CSeq: 7\r\n"));
    g_assert_nonnull (strstr (second, "CSeq: 8\r\n"));
  }
}

/* Answers that are not read pile up to a bound. */
static void
who_asks_and_never_reads_is_cut_off (void)
{
  static const gchar ask_much[] = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
  g_autoptr (Dialogue) d = dialogue_new ();
  g_autoptr (Dialogue) other = dialogue_new ();
  GOutputStream *output
      = g_io_stream_get_output_stream (G_IO_STREAM (d->connection));
  g_autoptr (GString) many = g_string_new (NULL);
  gsize sent_bytes = 0, n;

  for (guint i = 0; i < 1000; i++)
    g_string_append (many, ask_much);
  while (g_output_stream_write_all (
      output, many->str, many->len, &n, NULL, NULL)) {
    sent_bytes += n;
    g_assert_cmpuint (sent_bytes, <, 64 * 1024 * 1024);
  }
  g_test_message ("cut off after %" G_GSIZE_FORMAT " KiB", sent_bytes / 1024);
  g_usleep (100000);
  g_assert_true (daemon_is_alive (service));
}

static guint
count_descriptors (void)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/fd", daemon_get_pid (service));
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static gboolean
has_few_descriptors (gpointer data)
{
  return count_descriptors () <= GPOINTER_TO_UINT (data);
}

static void
players_that_vanish_leave_nothing (void)
{
  g_autoptr (JsonObject) session = session_for ("minuet");
  const gchar *url = member (session, "rtsp_url");
  guint before = count_descriptors ();
  Dialogue *players[40];

  for (guint i = 0; i < G_N_ELEMENTS (players); i++)
    players[i] = begin (url, 1);
  g_test_message ("%.1f descriptors a player",
      (count_descriptors () - before) / (gdouble)G_N_ELEMENTS (players));
  for (guint i = 0; i < G_N_ELEMENTS (players); i++) {
    g_socket_set_option (
        g_socket_connection_get_socket (players[i]->connection), 1, 13, 0,
        NULL);
    dialogue_free (players[i]);
  }
  wait_until (has_few_descriptors, GUINT_TO_POINTER (before + 2),
      "the descriptors of vanished players", 10);
}

/* Configures a certificate of its own, in @dir. (transfer full) */
static gchar *
make_config (const gchar *dir)
{
  g_bytes_unref (
      shell ("umask 077; openssl req -x509 -newkey ec -pkeyopt "
             "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
             "-keyout '%s/key.pem' -out '%s/certificate.pem' 2>/dev/null",
          dir, dir));
  return g_strdup_printf ("rtsp=127.0.0.1:0\nrtsps=127.0.0.1:0\n"
                          "tls-certificate=%s/certificate.pem\n"
                          "tls-key=%s/key.pem",
      dir, dir);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const gchar *name;
    void (*run) (void);
  } tests[] = {
#define TEST(name) { "/rtsp/" #name, name }
    TEST (ffmpeg_hears_the_original_over_tcp_and_udp),
    TEST (rtspsrc_hears_the_original),
    TEST (players_hear_the_original_over_tls),
    TEST (a_track_plays_by_token_and_by_access_code),
    TEST (strangers_are_told_why_not),
    TEST (a_full_house_says_so),
    TEST (a_port_in_use_is_named),
    TEST (an_ece_session_has_no_rtsp),
    TEST (describe_answers_what_a_player_needs),
    TEST (what_does_not_belong_gets_its_status),
    TEST (a_pause_loses_and_repeats_nothing),
    TEST (a_range_is_played_from_its_packet_on),
    TEST (packets_come_in_real_time),
    TEST (the_end_is_told_by_a_bye),
    TEST (an_ended_session_ends_the_stream),
    TEST (a_session_that_was_ended_is_not_set_up),
    TEST (a_revoked_code_ends_its_stream),
    TEST (what_plays_may_end_before_it_stops),
    TEST (garbage_is_answered_and_cut_off),
    TEST (requests_may_come_in_pieces_and_together),
    TEST (players_that_vanish_leave_nothing),
    /* Last, since it uses up the rate limit of this address. */
    TEST (who_asks_and_never_reads_is_cut_off),
#undef TEST
  };
  g_autofree gchar *dir = NULL, *config = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  dir = g_dir_make_tmp ("syrinx-rtsp-XXXXXX", NULL);
  config = make_config (dir);
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "listener", "listen");
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].run);
  status = g_test_run ();
  daemon_free (service);
  g_bytes_unref (shell ("rm -r '%s'", dir));
  g_free (token);
  return status;
}
