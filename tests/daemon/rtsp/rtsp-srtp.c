/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP with SRTP: real players; libsrtp (by GStreamer's srtpdec) checks the
 * packets on the wire; and keys are refused without TLS. */
#include "tests/daemon/memory.h"
#include "rtsp-dialogue.h"
#include "rtsp-players.h"

#include <gst/check/gstharness.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#define N_SAMPLES    12
#define RTP_HEADER   12
#define TAG_BYTES    10
#define MASTER_BYTES 30
#define SAVP         "Transport: RTP/SAVP/TCP;unicast;interleaved=0-1\r\n"

static Daemon *service;
static gchar *token;

/* "SCHEME://HOST:PORT/tracks/ID?token=…&srtp=HOW" (transfer full) */
static gchar *
track_url (
    Daemon *daemon, const gchar *own, const gchar *name, const gchar *query)
{
  g_autofree gchar *id = daemon_find (daemon, own, "minuet");
  g_autofree gchar *address = address_of (daemon, name);

  return g_strdup_printf ("%s/tracks/%s?token=%s%s", address, id, own, query);
}

static Sound *
decode_minuet (void)
{
  g_autofree gchar *file = sample_file ("Pipes at Dawn", "02 Minuet in G.wav");

  return decode (file);
}

/* --- Players --- */

typedef struct
{
  const gchar *player, *address, *transport, *query;
} Way;

static void
play_by (const Way *ways, guint n)
{
  g_autoptr (Sound) original = decode_minuet ();

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *url
        = track_url (service, token, ways[i].address, ways[i].query);
    g_autofree gchar *what = g_strconcat (ways[i].player, " ", ways[i].address,
        " ", ways[i].transport, " ", ways[i].query, NULL);
    g_autoptr (Sound) heard = g_str_equal (ways[i].player, "ffmpeg")
                                  ? hear_by_ffmpeg (ways[i].transport, url)
                                  : hear_by_rtspsrc (ways[i].transport, url);
    assert_whole (what, heard, original);
  }
}

static void
ffmpeg_hears_the_original (void)
{
  static const Way ways[] = {
    { "ffmpeg", "rtsps-address", "tcp", "&srtp=sdes" },
    { "ffmpeg", "rtsp-address", "udp", "&srtp=sdes" },
    { "ffmpeg", "rtsp-address", "tcp", "&srtp=any" },
  };

  play_by (ways, G_N_ELEMENTS (ways));
}

static void
rtspsrc_hears_the_original (void)
{
  static const Way ways[] = {
    { "rtspsrc", "rtsps-address", "tcp", "&srtp=mikey" },
    { "rtspsrc", "rtsp-address", "udp", "&srtp=mikey" },
    { "rtspsrc", "rtsps-address", "udp", "&srtp=any" },
  };

  play_by (ways, G_N_ELEMENTS (ways));
}

/* --- Dialogues --- */

typedef struct
{
  Dialogue *d;
  gchar *sdp, *base, *control;
  guint8 master[MASTER_BYTES];
} Stream;

/* The rest of the SDP line that begins with @start. (transfer full) */
static gchar *
find_in (const gchar *sdp, const gchar *start)
{
  const gchar *found = strstr (sdp, start);

  g_assert_nonnull (found);
  found += strlen (start);
  return g_strndup (found, strcspn (found, "\r\n"));
}

static void
read_master (Stream *stream)
{
  g_autofree gchar *encoded
      = find_in (stream->sdp, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
  gsize size;
  g_autofree guchar *master = g_base64_decode (encoded, &size);

  g_assert_cmpuint (size, ==, MASTER_BYTES);
  memcpy (stream->master, master, MASTER_BYTES);
}

/* DESCRIBE on a new connection. */
static Stream *
describe_on (Daemon *daemon, const gchar *own, const gchar *query)
{
  Stream *stream = g_new0 (Stream, 1);
  g_autofree gchar *url = track_url (daemon, own, "rtsp-address", query);

  stream->d = dialogue_with (daemon);
  stream->sdp = expect (stream->d, 200, "DESCRIBE", url, NULL);
  stream->base = header (stream->sdp, "Content-Base");
  stream->base[strlen (stream->base) - 1] = 0;
  stream->control = find_in (strstr (stream->sdp, "m=audio"), "a=control:");
  return stream;
}

static Stream *
describe (const gchar *query)
{
  return describe_on (service, token, query);
}

static void
stream_free (Stream *stream)
{
  dialogue_free (stream->d);
  g_free (stream->sdp);
  g_free (stream->base);
  g_free (stream->control);
  g_free (stream);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Stream, stream_free)

/* Plays encrypted, with the key from SDES, until @n_packets have been
 * received. */
static Stream *
play (guint n_packets)
{
  Stream *stream = describe ("&srtp=sdes");

  read_master (stream);
  stream->d->is_secure = TRUE;
  set_up_stream (stream->d, stream->control, SAVP);
  check (stream->d, 200, "PLAY", stream->base, "Range: npt=0-\r\n");
  wait_for_packets (stream->d, n_packets);
  return stream;
}

static Stream *
play_in_the_clear (guint n_packets)
{
  Stream *stream = describe ("");

  set_up_stream (stream->d, stream->control, INTERLEAVED);
  check (stream->d, 200, "PLAY", stream->base, "Range: npt=0-\r\n");
  wait_for_packets (stream->d, n_packets);
  return stream;
}

static guint32
ssrc_of (const Stream *stream)
{
  return GST_READ_UINT32_BE (packet (stream->d, 0) + 8);
}

/* Decrypts by libsrtp; packets that fail authentication are missing. (transfer
 * full) */
static GPtrArray *
decrypt (const GPtrArray *packets, const guint8 *master, guint32 ssrc,
    gboolean is_rtcp)
{
  GstElement *decoder = gst_element_factory_make ("srtpdec", NULL);
  GstBuffer *key = gst_buffer_new_memdup (master, MASTER_BYTES);
  GstHarness *h = gst_harness_new_with_element (decoder,
      is_rtcp ? "rtcp_sink" : "rtp_sink", is_rtcp ? "rtcp_src" : "rtp_src");
  GPtrArray *clear
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  GstBuffer *buffer;

  gst_harness_set_src_caps (
      h, gst_caps_new_simple (
             is_rtcp ? "application/x-srtcp" : "application/x-srtp", "ssrc",
             G_TYPE_UINT, ssrc, "srtp-key", GST_TYPE_BUFFER, key, "srtp-cipher",
             G_TYPE_STRING, "aes-128-icm", "srtp-auth", G_TYPE_STRING,
             "hmac-sha1-80", "srtcp-cipher", G_TYPE_STRING, "aes-128-icm",
             "srtcp-auth", G_TYPE_STRING, "hmac-sha1-80", NULL));
  for (guint i = 0; i < packets->len; i++) {
    gsize size;
    gconstpointer data = g_bytes_get_data (packets->pdata[i], &size);
    gst_harness_push (h, gst_buffer_new_memdup (data, size));
    while ((buffer = gst_harness_try_pull (h))) {
      GstMapInfo map;
      gst_buffer_map (buffer, &map, GST_MAP_READ);
      g_ptr_array_add (clear, g_bytes_new (map.data, map.size));
      gst_buffer_unmap (buffer, &map);
      gst_buffer_unref (buffer);
    }
  }
  gst_buffer_unref (key);
  gst_harness_teardown (h);
  gst_object_unref (decoder);
  return clear;
}

/* --- Packets on the wire --- */

static guint
count_first_bytes (Dialogue *d, guint n)
{
  gboolean seen[256] = { FALSE };
  guint count = 0;

  for (guint i = 0; i < n; i++) {
    guint8 first = packet (d, i)[RTP_HEADER];
    count += !seen[first];
    seen[first] = TRUE;
  }
  return count;
}

/* The first byte of all Opus packets of a track is the same. */
static void
who_listens_in_finds_no_opus (void)
{
  const guint n = 100;
  g_autoptr (Stream) secret = play (n), clear = play_in_the_clear (n);

  g_assert_cmpuint (count_first_bytes (clear->d, n), <=, 3);
  g_assert_cmpuint (count_first_bytes (secret->d, n), >, 50);
  for (guint i = 0; i < n; i++) {
    gsize size = g_bytes_get_size (clear->d->packets->pdata[i]);
    g_assert_cmpuint (
        g_bytes_get_size (secret->d->packets->pdata[i]), ==, size + TAG_BYTES);
    g_assert_true (memcmp (packet (secret->d, i) + RTP_HEADER,
                       packet (clear->d, i) + RTP_HEADER, size - RTP_HEADER)
                   != 0);
  }
}

static void
assert_payloads (GPtrArray *decrypted, Dialogue *clear)
{
  for (guint i = 0; i < decrypted->len; i++) {
    gsize size, n;
    const guint8 *data = g_bytes_get_data (decrypted->pdata[i], &size);
    const guint8 *wanted = g_bytes_get_data (clear->packets->pdata[i], &n);
    g_assert_cmpmem (data + RTP_HEADER, size - RTP_HEADER, wanted + RTP_HEADER,
        n - RTP_HEADER);
  }
}

static void
only_its_key_opens_a_packet (void)
{
  const guint n = 50;
  g_autoptr (Stream) secret = play (n), clear = play_in_the_clear (n);
  g_autoptr (GPtrArray) good = NULL, bad = NULL;

  g_ptr_array_set_size (secret->d->packets, n);
  good = decrypt (secret->d->packets, secret->master, ssrc_of (secret), FALSE);
  g_assert_cmpuint (good->len, ==, n);
  assert_payloads (good, clear->d);
  secret->master[3] ^= 1;
  bad = decrypt (secret->d->packets, secret->master, ssrc_of (secret), FALSE);
  g_assert_cmpuint (bad->len, ==, 0);
}

static void
two_streams_have_two_keys (void)
{
  g_autoptr (Stream) first = play (1), second = play (1);

  g_assert_true (memcmp (first->master, second->master, MASTER_BYTES) != 0);
  g_assert_cmpuint (ssrc_of (first), !=, ssrc_of (second));
}

/* GStreamer's srtpenc would restart at each seek, under the same key. */
static void
a_seek_goes_on_under_the_same_key (void)
{
  g_autoptr (Stream) stream = play (20);
  Dialogue *d = stream->d;
  g_autoptr (GPtrArray) packets = NULL, reports = NULL;
  guint n_encrypted;

  while (d->reports->len < 1)
    if (!take_packet (d))
      g_assert_true (receive (d));
  check (d, 200, "PLAY", stream->base, "Range: npt=7.5-\r\n");
  while (d->reports->len < 2) /* the second is the one with BYE, at the end */
    if (!take_packet (d))
      g_assert_true (receive (d));
  n_encrypted = d->packets->len;
  packets = decrypt (d->packets, stream->master, ssrc_of (stream), FALSE);
  g_assert_cmpuint (packets->len, ==, n_encrypted);
  reports = decrypt (d->reports, stream->master, ssrc_of (stream), TRUE);
  g_assert_cmpuint (reports->len, ==, d->reports->len);
}

/* The octet count of a report excludes the authentication tags. */
static void
reports_are_encrypted_and_true (void)
{
  g_autoptr (Stream) stream = describe ("&srtp=sdes");
  Dialogue *d = stream->d;
  g_autoptr (GPtrArray) reports = NULL;
  const guint8 *report;
  guint64 octets = 0;

  read_master (stream);
  d->is_secure = TRUE;
  set_up_stream (d, stream->control, SAVP);
  check (d, 200, "PLAY", stream->base, "Range: npt=8.2-\r\n");
  while (!d->reports->len)
    if (!take_packet (d))
      g_assert_true (receive (d));
  for (guint i = 0; i < d->packets->len; i++)
    octets += g_bytes_get_size (d->packets->pdata[i]) - RTP_HEADER - TAG_BYTES;
  reports = decrypt (d->reports, stream->master, ssrc_of (stream), TRUE);
  g_assert_cmpuint (reports->len, ==, 1);
  report = g_bytes_get_data (reports->pdata[0], NULL);
  g_assert_cmpuint (GST_READ_UINT32_BE (report + 4), ==, ssrc_of (stream));
  g_assert_cmpuint (GST_READ_UINT32_BE (report + 20), ==, d->packets->len);
  g_assert_cmpuint (GST_READ_UINT32_BE (report + 24), ==, octets);
}

static void
an_ended_session_ends_the_stream (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autoptr (JsonObject) session
      = daemon_session (service, token, id, "\"encryption\":\"none\"");
  g_autofree gchar *path = g_strconcat (
      "/v1/sessions/", json_object_get_string_member (session, "id"), NULL);
  g_autofree gchar *url
      = g_strconcat (json_object_get_string_member (session, "rtsp_url"), NULL);
  g_autofree gchar *asked = g_strconcat (url, "?srtp=mikey", NULL),
                   *control = g_strconcat (url, "/srtp=mikey", NULL);
  g_autoptr (Dialogue) d = dialogue_with (service);
  g_autoptr (Answer) answer = NULL;
  gint64 start_us;

  d->is_secure = TRUE;
  check (d, 200, "DESCRIBE", asked, NULL);
  set_up_stream (d, control, SAVP);
  check (d, 200, "PLAY", url, NULL);
  wait_for_packets (d, 10);
  answer = ask (service, "DELETE", path, token, NULL);
  g_assert_cmpuint (answer->status, ==, 204);
  start_us = g_get_monotonic_time ();
  while (receive (d))
    ;
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 2 * G_USEC_PER_SEC);
}

static void
a_revoked_token_ends_the_stream (void)
{
  g_autofree gchar *own = daemon_token (service, "leaver", "listen");
  g_autoptr (Stream) stream = describe_on (service, own, "&srtp=sdes");

  stream->d->is_secure = TRUE;
  set_up_stream (stream->d, stream->control, SAVP);
  check (stream->d, 200, "PLAY", stream->base, NULL);
  wait_for_packets (stream->d, 5);
  g_free (daemon_ctl (service, "token", "revoke", "--subject", "leaver", NULL));
  while (receive (stream->d))
    ;
}

/* --- Requests --- */

static void
each_way_tells_its_own_key (void)
{
  static const struct
  {
    const gchar *query;
    gboolean is_savp, has_sdes, has_mikey;
  } cases[] = {
    { "", FALSE, FALSE, FALSE },
    { "&srtp=sdes", TRUE, TRUE, FALSE },
    { "&srtp=mikey", TRUE, FALSE, TRUE },
    { "&srtp=any", TRUE, TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Stream) stream = describe (cases[i].query);
    g_assert_true (
        !!strstr (stream->sdp, "m=audio 0 RTP/SAVP 96") == cases[i].is_savp);
    g_assert_true (
        !!strstr (stream->sdp, "m=audio 0 RTP/AVP 96") != cases[i].is_savp);
    g_assert_true (!!strstr (stream->sdp, "a=crypto:") == cases[i].has_sdes);
    g_assert_true (
        !!strstr (stream->sdp, "a=key-mgmt:mikey ") == cases[i].has_mikey);
  }
}

static void
what_does_not_fit_gets_its_status (void)
{
  static const struct
  {
    const gchar *query, *control, *transport;
    guint status;
  } cases[] = {
    { "&srtp=mikey", NULL, INTERLEAVED, 461 },
    { "&srtp=mikey", NULL, "Transport: RTP/AVP;unicast;client_port=5000\r\n",
        461 },
    { "&srtp=mikey", NULL, SAVP, 200 },
    { "&srtp=any", NULL, INTERLEAVED,
        200 }, /* ffmpeg asks for AVP; the stream is encrypted all the same */
    { "", NULL, SAVP, 461 },
    { "", "/srtp=mikey", SAVP, 455 }, /* no key was offered */
    { "&srtp=mikey", "/srtp=sdes", SAVP, 455 },
    { "&srtp=mikey", "/srtp=tls", SAVP, 404 },
    { "&srtp=mikey", NULL,
        "Transport: RTP/AVP/TCP;unicast;interleaved=0-1,RTP/SAVP/TCP;unicast;"
        "interleaved=0-1\r\n",
        200 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Stream) stream = describe (cases[i].query);
    g_autofree gchar *control
        = cases[i].control ? g_strconcat (stream->base, cases[i].control, NULL)
                           : g_strdup (stream->control);
    g_autofree gchar *answer = expect (
        stream->d, cases[i].status, "SETUP", control, cases[i].transport);
    if (cases[i].status == 200)
      g_assert_nonnull (strstr (answer, "Transport: RTP/SAVP/TCP;"));
  }
}

static void
what_is_asked_for_is_known (void)
{
  static const gchar *const queries[]
      = { "&srtp", "&srtp=", "&srtp=dtls", "&srtp=sdes,mikey" };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    g_autofree gchar *url
        = track_url (service, token, "rtsp-address", queries[i]);
    g_autoptr (Dialogue) d = dialogue_with (service);
    check (d, 400, "DESCRIBE", url, NULL);
  }
}

/* A second stream under the same key would reuse its keystream. */
static void
a_key_is_for_one_stream (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autoptr (JsonObject) session
      = daemon_session (service, token, id, "\"encryption\":\"none\"");
  const gchar *url = json_object_get_string_member (session, "rtsp_url");
  g_autofree gchar *asked = g_strconcat (url, "?srtp=sdes", NULL),
                   *control = g_strconcat (url, "/srtp=sdes", NULL);
  g_autoptr (Dialogue) d = dialogue_with (service);

  d->is_secure = TRUE;
  check (d, 200, "DESCRIBE", asked, NULL);
  set_up_stream (d, control, SAVP);
  check (d, 200, "PLAY", url, NULL);
  check (d, 200, "TEARDOWN", url, NULL);
  g_clear_pointer (&d->session, g_free);
  check (d, 455, "SETUP", control, SAVP);
  check (d, 200, "DESCRIBE", asked, NULL);
  set_up_stream (d, control, SAVP);
}

/* --- Who may get a key --- */

/* An address of this machine that is not loopback. (transfer full) (nullable)
 */
static gchar *
find_own_address (void)
{
  struct ifaddrs *all = NULL;
  gchar *found = NULL;

  g_assert_cmpint (getifaddrs (&all), ==, 0);
  for (struct ifaddrs *i = all; i && !found; i = i->ifa_next)
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET
        && !(i->ifa_flags & IFF_LOOPBACK)) {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (
          (guint8 *)&((struct sockaddr_in *)i->ifa_addr)->sin_addr,
          G_SOCKET_FAMILY_IPV4);
      found = g_inet_address_to_string (address);
    }
  freeifaddrs (all);
  return found;
}

static void
no_key_goes_to_another_machine_in_the_clear (void)
{
  g_autofree gchar *host = find_own_address ();
  g_autoptr (Daemon) open = NULL;
  g_autofree gchar *own = NULL, *url = NULL, *plain = NULL, *address = NULL,
                   *at = NULL, *before = NULL;
  g_autoptr (Dialogue) d = NULL;

  if (!host) {
    g_test_skip ("this machine has only loopback");
    return;
  }
  before = g_strdup (g_getenv ("SYRINX_RTSP"));
  g_setenv ("SYRINX_RTSP", "0.0.0.0:0", TRUE);
  open = daemon_new (NULL, NULL);
  if (before)
    g_setenv ("SYRINX_RTSP", before, TRUE);
  else
    g_unsetenv ("SYRINX_RTSP");
  daemon_wait_for_tracks (open, N_SAMPLES);
  own = daemon_token (open, "listener", "listen");
  url = track_url (open, own, "rtsp-address", "&srtp=any");
  plain = track_url (open, own, "rtsp-address", "");
  address = address_of (open, "rtsp-address");
  at = g_strconcat (host, strrchr (address, ':'), NULL);
  d = dialogue_at (at);
  check (d, 403, "DESCRIBE", url, NULL);
  check (d, 200, "DESCRIBE", plain, NULL);
}

static void
a_house_may_speak_srtp_only (void)
{
  g_autoptr (Daemon) strict = daemon_new (NULL, "rtsp-profile=savp");
  g_autofree gchar *own = NULL, *control = NULL;
  g_autoptr (Stream) stream = NULL;

  daemon_wait_for_tracks (strict, N_SAMPLES);
  own = daemon_token (strict, "listener", "listen");
  stream = describe_on (strict, own, "");
  g_assert_nonnull (strstr (stream->sdp, "m=audio 0 RTP/SAVP 96"));
  control = g_strconcat (stream->base, "/stream=0", NULL);
  check (stream->d, 461, "SETUP", control, INTERLEAVED);
  set_up_stream (stream->d, stream->control, SAVP);
}

/* Neither as text nor in the form in which GStreamer prints buffers. */
static void
no_log_has_a_key (void)
{
  g_autoptr (Daemon) loud = NULL;
  g_autofree gchar *own = NULL, *log = NULL, *encoded = NULL;
  g_autoptr (GString) hex = g_string_new (NULL);
  g_autoptr (Stream) stream = NULL;

  g_setenv ("GST_DEBUG", "GST_EVENT:7,GST_CAPS:7,syrinx*:7", TRUE);
  loud = daemon_new (NULL, NULL);
  g_unsetenv ("GST_DEBUG");
  daemon_wait_for_tracks (loud, N_SAMPLES);
  own = daemon_token (loud, "listener", "listen");
  stream = describe_on (loud, own, "&srtp=any");
  read_master (stream);
  stream->d->is_secure = TRUE;
  set_up_stream (stream->d, stream->control, SAVP);
  check (stream->d, 200, "PLAY", stream->base, NULL);
  wait_for_packets (stream->d, 5);
  log = daemon_get_log (loud);
  g_assert_nonnull (strstr (log, "application/x-srtp"));
  encoded = g_base64_encode (stream->master, MASTER_BYTES);
  for (guint i = 0; i < MASTER_BYTES; i++)
    g_string_append_printf (hex, "%02x", stream->master[i]);
  g_assert_null (strstr (log, encoded));
  g_assert_null (strstr (log, hex->str));
}

static void
the_audit_log_tells_who_got_a_key (void)
{
  g_autofree gchar *own = daemon_token (service, "auditee", "listen");
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (service), "audit.log", NULL);
  g_autofree gchar *log = NULL;
  g_autoptr (Stream) stream = describe_on (service, own, "&srtp=sdes");
  const gchar *line;

  g_assert_true (g_file_get_contents (path, &log, NULL, NULL));
  line = strrchr (g_strchomp (log), '\n') + 1;
  g_test_message ("%s", line);
  g_assert_nonnull (strstr (line, "\"key-given\""));
  g_assert_nonnull (strstr (line, "\"auditee\""));
  g_assert_nonnull (strstr (line, "\"127.0.0.1\""));
  g_assert_nonnull (strstr (line, "\"srtp\""));
  g_assert_nonnull (strstr (line, "\"sdes\""));
}

static gint
count_master (const Stream *stream)
{
  g_autofree gchar *encoded = g_base64_encode (stream->master, MASTER_BYTES);
  gint raw = count_in_memory (
      daemon_get_pid (service), stream->master, MASTER_BYTES);
  gint text
      = count_in_memory (daemon_get_pid (service), encoded, strlen (encoded));

  g_test_message ("the key is there %d times, its text %d times", raw, text);
  return raw + text;
}

/* Once a stream plays, its master key is not needed any more. */
static void
a_key_leaves_nothing_behind (void)
{
  g_autoptr (Stream) stream = describe ("&srtp=any");

  read_master (stream);
  if (count_master (stream) < 0) {
    g_test_skip ("this system shows no process's memory");
    return;
  }
  g_assert_cmpint (count_master (stream), >,
      0); /* otherwise the search would prove nothing */
  stream->d->is_secure = TRUE;
  set_up_stream (stream->d, stream->control, SAVP);
  check (stream->d, 200, "PLAY", stream->base, NULL);
  for (guint n = 5; n < 100 && count_master (stream) > 0; n += 5)
    wait_for_packets (stream->d, n);
  g_assert_cmpint (count_master (stream), ==, 0);
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
  return g_strdup_printf ("rtsps=127.0.0.1:0\n"
                          "tls-certificate=%s/certificate.pem\n"
                          "tls-key=%s/key.pem",
      dir, dir);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *dir = NULL, *config = NULL;
  int status;

#define TEST(name) g_test_add_func ("/rtsp-srtp/" #name, name)
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  TEST (ffmpeg_hears_the_original);
  TEST (rtspsrc_hears_the_original);
  TEST (who_listens_in_finds_no_opus);
  TEST (only_its_key_opens_a_packet);
  TEST (two_streams_have_two_keys);
  TEST (a_seek_goes_on_under_the_same_key);
  TEST (reports_are_encrypted_and_true);
  TEST (an_ended_session_ends_the_stream);
  TEST (a_revoked_token_ends_the_stream);
  TEST (each_way_tells_its_own_key);
  TEST (what_does_not_fit_gets_its_status);
  TEST (what_is_asked_for_is_known);
  TEST (a_key_is_for_one_stream);
  TEST (no_key_goes_to_another_machine_in_the_clear);
  TEST (a_house_may_speak_srtp_only);
  TEST (no_log_has_a_key);
  TEST (the_audit_log_tells_who_got_a_key);
  TEST (a_key_leaves_nothing_behind);
  dir = g_dir_make_tmp ("syrinx-srtp-XXXXXX", NULL);
  config = make_config (dir);
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "listener", "listen");
  status = g_test_run ();
  daemon_free (service);
  g_bytes_unref (shell ("rm -r '%s'", dir));
  g_free (token);
  return status;
}
