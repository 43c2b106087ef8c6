/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP clients that request the impossible, are slow, do not read, or look for
 * weak TLS. */
#include "rtsp-dialogue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define N_SAMPLES 12
#define KIB       1024

static Daemon *service;
static gchar *token;

/* --- Connections --- */

static gchar *
new_url (void)
{
  g_autofree gchar *id = daemon_find (service, token, "minuet");
  g_autoptr (JsonObject) session
      = daemon_session (service, token, id, "\"encryption\":\"none\"");

  return g_strdup (json_object_get_string_member (session, "rtsp_url"));
}

/* Connects to the daemon's RTSP or, if @is_tls, RTSPS. */
static GIOStream *
reach (gboolean is_tls)
{
  g_autofree gchar *address
      = address_of (service, is_tls ? "rtsps-address" : "rtsp-address");
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_tls (client, is_tls);
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  g_socket_client_set_tls_validation_flags (
      client, 0); /* its certificate is self-signed */
  G_GNUC_END_IGNORE_DEPRECATIONS
  connection = g_socket_client_connect_to_host (
      client, strstr (address, "://") + 3, 0, NULL, &error);
  g_assert_no_error (error);
  /* A small buffer, so that unread data soon pile up in the daemon. */
  g_socket_set_option (g_socket_connection_get_socket (connection), SOL_SOCKET,
      SO_RCVBUF, 8192, NULL);
  return G_IO_STREAM (connection);
}

/* Writes without blocking; returns how many bytes were written. */
static gsize
push (GIOStream *stream, const gchar *bytes, gsize size)
{
  g_autoptr (GError) error = NULL;
  gssize n = g_pollable_output_stream_write_nonblocking (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream)), bytes,
      size, NULL, &error);

  return MAX (n, 0);
}

/* Whether the daemon has closed it. Data received before are dropped. */
static gboolean
is_over (GIOStream *stream)
{
  GPollableInputStream *input
      = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  gchar scrap[4096];
  g_autoptr (GError) error = NULL;

  while (g_pollable_input_stream_read_nonblocking (
             input, scrap, sizeof scrap, NULL, &error)
         > 0)
    ;
  return !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* --- Impossible requests --- */

static void
one_channel_or_port_for_both_is_refused (void)
{
  static const struct
  {
    const gchar *transport;
    guint status;
    const gchar *chosen; /* (nullable) */
  } cases[] = {
    { "RTP/AVP/TCP;unicast;interleaved=5-5", 461, NULL },
    { "RTP/AVP/TCP;unicast;interleaved=255", 461, NULL },
    { "RTP/AVP/TCP;unicast;interleaved=4-256", 461, NULL },
    { "RTP/AVP;unicast;client_port=5000-5000", 461, NULL },
    { "RTP/AVP;unicast;client_port=5000-80", 461, NULL },
    { "RTP/AVP;unicast;client_port=80-81", 461, NULL },
    { "RTP/AVP;unicast;client_port=65535", 461, NULL },
    { "RTP/AVP;unicast", 461, NULL },
    { "RTP/AVP/TCP;unicast;interleaved=5-5,RTP/AVP/TCP;unicast;interleaved=2-3",
        200, "interleaved=2-3" },
    { "RTP/AVP/TCP;unicast;interleaved=7", 200, "interleaved=7-8" },
    { "RTP/AVP/TCP;unicast", 200, "interleaved=0-1" },
    { "RTP/AVP;unicast;client_port=5000-5001", 200, "client_port=5000-5001" },
  };
  g_autofree gchar *url = new_url ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Dialogue) d = dialogue_with (service);
    g_autofree gchar *control = g_strconcat (url, "/stream=0", NULL);
    g_autofree gchar *line
        = g_strdup_printf ("Transport: %s\r\n", cases[i].transport);
    g_autofree gchar *answer
        = expect (d, cases[i].status, "SETUP", control, line);
    g_assert_true (!cases[i].chosen || strstr (answer, cases[i].chosen));
  }
}

/* --- Keep-alives of different players --- */

/* The control URL of the stream; some players add a slash. (transfer full) */
static gchar *
find_control (const gchar *sdp)
{
  const gchar *media = strstr (sdp, "m=audio");
  const gchar *control = media ? strstr (media, "a=control:") : NULL;
  g_autofree gchar *text = NULL;

  g_assert_nonnull (control);
  control += strlen ("a=control:");
  text = g_strndup (control, strcspn (control, "\r\n"));
  return g_strconcat (text, "/", NULL);
}

static void
keep_alives_of_all_players_are_answered (void)
{
  g_autofree gchar *url = new_url (), *sdp = NULL, *control = NULL,
                   *with_slash = g_strconcat (url, "/", NULL);
  g_autoptr (Dialogue) d = dialogue_with (service);
  const struct
  {
    const gchar *method, *url;
  } asked[] = { { "PLAY", url }, { "OPTIONS", url }, { "GET_PARAMETER", url },
    { "SET_PARAMETER", url }, { "PAUSE", url }, { "PAUSE", url },
    { "PLAY", with_slash }, { "TEARDOWN", url } };

  sdp = expect (d, 200, "DESCRIBE", url, "Accept: application/sdp\r\n");
  control = find_control (sdp);
  set_up_stream (d, control,
      "Transport: RTP/AVP/TCP; unicast; interleaved=0-1; mode=\"PLAY\"\r\n");
  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    check (d, 200, asked[i].method, asked[i].url, NULL);
}

/* --- Slow clients --- */

#define OPTIONS "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"

/* Each sends its first bytes at once, and then one piece a second. */
static const struct
{
  const gchar *name, *first, *more;
  gboolean is_over;
} slow[] = {
  { "half a head", "OPTIONS * RTSP/1.0\r\nCSe", "", TRUE },
  { "a head without an end", "OPTIONS * RTSP/1.0\r\nX: ", "a", TRUE },
  { "a body that does not come",
      "GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99\r\n\r\n", "",
      TRUE },
  { "a body a byte at a time",
      "GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99\r\n\r\n", "b",
      TRUE },
  { "a packet a byte at a time", "$\1\xff\xff", "c", TRUE },
  { "requests that are cut elsewhere each time", "OPTIONS *",
      " RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS *", FALSE },
};

#define N_SLOW (2 * G_N_ELEMENTS (slow)) /* without and with TLS */

static void
who_does_not_finish_what_he_says_is_cut_off (void)
{
  GIOStream *streams[N_SLOW];
  gboolean are_over[N_SLOW] = { FALSE };

  for (guint i = 0; i < N_SLOW; i++) {
    const gchar *first = slow[i / 2].first;
    streams[i] = reach (i % 2);
    g_assert_cmpuint (
        push (streams[i], first, strlen (first)), ==, strlen (first));
  }
  for (guint second = 0; second < 17; second++) {
    g_usleep (G_USEC_PER_SEC); /* the rate of the slow clients */
    for (guint i = 0; i < N_SLOW; i++) {
      const gchar *more = slow[i / 2].more;
      are_over[i] = are_over[i] || is_over (streams[i]);
      if (second < 7) /* their limit is ten seconds */
        g_assert_false (are_over[i]);
      if (!are_over[i] && *more)
        push (streams[i], more, strlen (more));
    }
  }
  for (guint i = 0; i < N_SLOW; i++) {
    if (are_over[i] != slow[i / 2].is_over)
      g_error ("%s was%s cut off", slow[i / 2].name, are_over[i] ? "" : " not");
    g_object_unref (streams[i]);
  }
}

/* --- Clients that use up memory --- */

#define N_HUNGRY 40

static gsize
count_memory (void)
{
  g_autofree gchar *path
      = g_strdup_printf ("/proc/%d/status", daemon_get_pid (service));
  g_autofree gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_ascii_strtoull (strstr (text, "RssAnon:") + 8, NULL, 10) * KIB;
}

typedef struct
{
  const gchar *name;
  GString *text;
  gboolean is_endless; /* @text is sent again and again */
} Food;

typedef struct
{
  GIOStream *stream;
  gsize at; /* offset in the text */
} Hungry;

static void
feed (Hungry *hungry, const Food *food)
{
  gsize n;

  for (guint i = 0; i < 4; i++) {
    if (hungry->at == food->text->len && food->is_endless)
      hungry->at = 0;
    n = hungry->at < food->text->len ? push (hungry->stream,
            food->text->str + hungry->at, food->text->len - hungry->at)
                                     : 0;
    if (n == 0)
      return;
    hungry->at += n;
  }
}

/* A request without an end, with as many headers and bytes as are accepted. */
static GString *
make_head (void)
{
  GString *text = g_string_new ("OPTIONS * RTSP/1.0\r\n");

  for (guint i = 0; i < 47; i++) {
    g_string_append_printf (text, "X-%u: ", i);
    for (guint j = 0; j < 330; j++)
      g_string_append_c (text, 'a');
    g_string_append (text, "\r\n");
  }
  g_assert_cmpuint (text->len, <, 16384);
  return text;
}

static GString *
make_packet (void)
{
  GString *text = g_string_new_len ("$\1\xff\xff", 4);

  g_string_set_size (text, 60000);
  return text;
}

static GString *
make_many (const gchar *request)
{
  GString *text = g_string_new (NULL);

  while (text->len < 64 * KIB)
    g_string_append (text, request);
  return text;
}

/* Answers echo this header. */
static GString *
make_echo (void)
{
  g_autofree gchar *long_text = g_strnfill (15000, 'r');
  g_autofree gchar *request = g_strdup_printf (
      "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nRequire: %s\r\n\r\n", long_text);

  return make_many (request);
}

static void
take_memory (const Food *food, gboolean is_tls)
{
  Hungry hungry[N_HUNGRY];
  gsize before = count_memory (), most = before;

  for (guint i = 0; i < N_HUNGRY; i++)
    hungry[i] = (Hungry){ reach (is_tls), 0 };
  for (guint round = 0; round < 40; round++) {
    for (guint i = 0; i < N_HUNGRY; i++)
      feed (&hungry[i], food);
    most = MAX (most, count_memory ());
    g_usleep (20000); /* gives the daemon time to read it */
    most = MAX (most, count_memory ());
  }
  g_test_message ("%s%s: %" G_GSIZE_FORMAT " KiB a connection", food->name,
      is_tls ? ", by TLS" : "", (most - before) / N_HUNGRY / KIB);
  g_assert_cmpuint ((most - before) / N_HUNGRY, <=, 256 * KIB);
  for (guint i = 0; i < N_HUNGRY; i++)
    g_object_unref (hungry[i].stream);
}

static void
what_a_connection_holds_is_bounded (void)
{
  const Food kinds[] = {
    { "half a request", make_head (), FALSE },
    { "half a packet", make_packet (), FALSE },
    { "answers unread", make_many (OPTIONS), TRUE },
    { "long answers unread", make_echo (), TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    take_memory (&kinds[i], FALSE);
    take_memory (&kinds[i], TRUE);
    g_string_free (kinds[i].text, TRUE);
  }
  g_assert_true (daemon_is_alive (service));
}

/* --- TLS --- */

static gboolean
is_good_cipher (const gchar *line)
{
  static const gchar *const good[] = { " TLS_AES_128_GCM_SHA256 ",
    " TLS_AES_256_GCM_SHA384 ", " TLS_CHACHA20_POLY1305_SHA256 ",
    " ECDHE-ECDSA-AES128-GCM-SHA256 ", " ECDHE-ECDSA-AES256-GCM-SHA384 ",
    " ECDHE-ECDSA-CHACHA20-POLY1305 " };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    if (strstr (line, good[i]))
      return TRUE;
  return FALSE;
}

static void
sslscan_finds_nothing_weak (void)
{
  static const gchar *const wanted[]
      = { "SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled",
          "TLSv1.1   disabled", "TLSv1.2   enabled", "TLSv1.3   enabled",
          "Session renegotiation not supported", "TLSv1.2 not vulnerable" };
  g_autofree gchar *address = address_of (service, "rtsps-address");
  g_autoptr (GBytes) out
      = shell ("sslscan --no-colour %s", address + strlen ("rtsps://"));
  g_autofree gchar *text
      = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_ciphers = 0;

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (text, wanted[i]))
      g_error ("not \"%s\" in\n%s", wanted[i], text);
  for (guint i = 0; lines[i]; i++)
    if (g_str_has_prefix (lines[i], "Accepted ")
        || g_str_has_prefix (lines[i], "Preferred ")) {
      n_ciphers++;
      if (!is_good_cipher (lines[i]))
        g_error ("weak: %s", lines[i]);
    }
  g_assert_cmpuint (n_ciphers, ==, 6);
}

static gchar *
make_config (const gchar *dir)
{
  g_bytes_unref (
      shell ("umask 077; openssl req -x509 -newkey ec -pkeyopt "
             "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
             "-keyout '%s/key.pem' -out '%s/certificate.pem' 2>/dev/null",
          dir, dir));
  return g_strdup_printf (
      "rtsp=127.0.0.1:0\nrtsps=127.0.0.1:0\ntls-certificate=%s/certificate.pem"
      "\ntls-key=%s/key.pem\nmax-connections-per-address=200\n"
      "requests-per-second=10000",
      dir, dir);
}

int
main (int argc, char **argv)
{
#define TEST(name) g_test_add_func ("/rtsp/hostile/" #name, name)
  g_autofree gchar *dir = NULL, *config = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  dir = g_dir_make_tmp ("syrinx-hostile-XXXXXX", NULL);
  config = make_config (dir);
  service = daemon_new (NULL, config);
  daemon_wait_for_tracks (service, N_SAMPLES);
  token = daemon_token (service, "listener", "listen");
  TEST (one_channel_or_port_for_both_is_refused);
  TEST (keep_alives_of_all_players_are_answered);
  TEST (sslscan_finds_nothing_weak);
  TEST (what_a_connection_holds_is_bounded);
  TEST (who_does_not_finish_what_he_says_is_cut_off);
  status = g_test_run ();
  daemon_free (service);
  g_bytes_unref (shell ("rm -r '%s'", dir));
  g_free (token);
  return status;
}
