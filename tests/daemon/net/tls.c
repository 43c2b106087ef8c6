/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTPS of a real syrinxd, with curl, openssl and ffmpeg as clients. */
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define CUT_OFF_S 10
#define MINUET    "Pipes at Dawn", "02 Minuet in G.wav"
#define PIPES     "Reeds at Dusk", "01 Many Pipes, One Breath.flac"

typedef struct
{
  gchar *dir, *certificate, *key;
  Daemon *daemon;
  gchar *url; /* without the last slash */
  guint16 port;
  gchar *token;
} Fixture;

/* A self-signed pair NAME.crt and NAME.key. */
static void
make_pair (Fixture *f, const gchar *name)
{
  g_bytes_unref (
      shell ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=%s -addext subjectAltName=IP:127.0.0.1 "
             "-keyout %s/%s.key -out %s/%s.crt 2>/dev/null",
          name, f->dir, name, f->dir, name));
}

/* Installs the certificate of @certificate and the key of @key as the
 * configured files. */
static void
install_pair (Fixture *f, const gchar *certificate, const gchar *key)
{
  g_bytes_unref (shell ("cp %s/%s.crt %s; cp %s/%s.key %s", f->dir, certificate,
      f->certificate, f->dir, key, f->key));
}

static void
read_url (Fixture *f)
{
  g_autofree gchar *path = g_build_filename (
      daemon_get_state_dir (f->daemon), "https-address", NULL);
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &f->url, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (f->url, "https://127.0.0.1:"));
  f->url[strlen (f->url) - 1] = 0;
  f->port = g_ascii_strtoull (strrchr (f->url, ':') + 1, NULL, 10);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *config = NULL;
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-tls-XXXXXX", &error);
  g_assert_no_error (error);
  f->certificate = g_build_filename (f->dir, "tls.crt", NULL);
  f->key = g_build_filename (f->dir, "tls.key", NULL);
  make_pair (f, "first");
  install_pair (f, "first", "first");
  config
      = g_strdup_printf ("https=127.0.0.1:0\ntls-certificate=%s\ntls-key=%s\n"
                         "max-connections-per-address=24",
          f->certificate, f->key);
  f->daemon = daemon_new (NULL, config);
  read_url (f);
  f->token = daemon_token (f->daemon, "tls", "listen");
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  daemon_free (f->daemon);
  g_bytes_unref (shell ("rm -r '%s'", f->dir));
  g_free (f->dir);
  g_free (f->certificate);
  g_free (f->key);
  g_free (f->url);
  g_free (f->token);
}

static gchar *
to_text (GBytes *bytes)
{
  gchar *text
      = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_bytes_unref (bytes);
  return g_strchomp (text);
}

/* The member @name of a session that is begun by HTTPS. (transfer full) */
static gchar *
new_session (Fixture *f, const gchar *words, const gchar *name)
{
  g_autofree gchar *track = NULL, *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  daemon_wait_for_tracks (f->daemon, 12);
  track = daemon_find (f->daemon, f->token, words);
  text = to_text (
      shell ("curl -fsS --tlsv1.2 --cacert %s/first.crt -H 'Authorization: "
             "Bearer %s' -d '{\"track_id\":\"%s\"}' %s/v1/sessions",
          f->dir, f->token, track, f->url));
  node = json_from_string (text, NULL);
  g_assert_nonnull (node);
  return g_strdup (
      json_object_get_string_member (json_node_get_object (node), name));
}

static void
assert_sounds_like (Sound *sound, const gchar *album, const gchar *name)
{
  g_autofree gchar *file = sample_file (album, name);
  g_autoptr (Sound) original = decode (file);

  g_assert_cmpuint (sound->n, >=, original->n - SOUND_RATE / 10);
  g_assert_cmpfloat (correlate (sound, 0, original), >, 0.9);
}

/* --- Protocols --- */

static void
tls_1_2_and_1_3_are_spoken_and_1_1_is_not (Fixture *f, gconstpointer unused)
{
  static const gchar *const good[] = { "1.2", "1.3" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree gchar *text = to_text (
        shell ("curl -fsS --tlsv%s --tls-max %s --cacert %s %s/healthz",
            good[i], good[i], f->certificate, f->url));
    g_assert_cmpstr (text, ==, "alive");
  }
  g_bytes_unref (shell ("! curl -fsS --tlsv1.0 --tls-max 1.1 --ciphers "
                        "DEFAULT@SECLEVEL=0 --cacert %s %s/healthz 2>/dev/null",
      f->certificate, f->url));
}

static void
only_http_1_is_negotiated_and_the_connection_is_kept (
    Fixture *f, gconstpointer unused)
{
  g_autofree gchar *text = to_text (
      shell ("curl -fsS --http2 --cacert %s -o /dev/null -o /dev/null -w "
             "'%%{http_version} %%{num_connects} ' %s/healthz %s/readyz",
          f->certificate, f->url, f->url));

  g_assert_cmpstr (text, ==, "1.1 1 1.1 0");
}

static void
plain_http_is_told_what_the_port_speaks (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *text
      = to_text (shell ("curl -sS -w ' %%{http_code}' http://%s/healthz",
          f->url + strlen ("https://")));

  g_assert_cmpstr (text, ==, "This port speaks HTTPS only\n 400");
}

static void
who_has_left_does_not_count (Fixture *f, gconstpointer unused)
{
  g_bytes_unref (
      shell ("for i in $(seq 30); do curl -fsS --cacert %s -o /dev/null -o "
             "/dev/null %s/healthz %s/healthz; done",
          f->certificate, f->url, daemon_get_url (f->daemon)));
}

/* --- Playing --- */

static void
ffmpeg_plays_hls_over_it (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *url = new_session (f, "Minuet", "hls_url");
  gchar *name = strstr (url, "master.m3u8");
  g_autofree gchar *index = NULL;
  g_autoptr (Sound) sound = NULL;

  g_assert_true (g_str_has_prefix (url, f->url));
  g_assert_nonnull (name);
  *name = 0;
  index = g_strconcat (url, "opus-128/index.m3u8", NULL);
  sound = decode (index);
  assert_sounds_like (sound, MINUET);
}

static void
a_progressive_stream_comes_whole (Fixture *f, gconstpointer unused)
{
  g_autofree gchar *url = new_session (f, "Minuet", "progressive_url");
  g_autofree gchar *file = g_build_filename (f->dir, "stream.opus", NULL);
  g_autoptr (Sound) sound = NULL;

  g_assert_true (g_str_has_prefix (url, f->url));
  g_bytes_unref (
      shell ("curl -fsS --cacert %s -o %s '%s'", f->certificate, file, url));
  sound = decode (file);
  assert_sounds_like (sound, MINUET);
}

/* --- The certificate --- */

typedef struct
{
  Fixture *f;
  const gchar *name, *log;
} Expected;

static gboolean
is_served (gpointer data)
{
  Expected *expected = data;
  g_autofree gchar *subject = to_text (
      shell ("openssl s_client -connect 127.0.0.1:%u </dev/null 2>/dev/null | "
             "openssl x509 -noout -subject -nameopt multiline",
          expected->f->port));

  return strstr (subject, expected->name) != NULL;
}

static gboolean
is_logged (gpointer data)
{
  Expected *expected = data;
  g_autofree gchar *log = daemon_get_log (expected->f->daemon);

  return strstr (log, expected->log) != NULL;
}

static gboolean
has_come (gpointer data)
{
  GStatBuf info;

  return g_stat (data, &info) == 0 && info.st_size > 0;
}

static void
a_reload_swaps_the_certificate_while_a_stream_plays_on (
    Fixture *f, gconstpointer unused)
{
  g_autofree gchar *url = new_session (f, "Many Pipes", "progressive_url");
  g_autofree gchar *file = g_build_filename (f->dir, "stream.opus", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) curl
      = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "curl", "-fsSN",
          "--cacert", f->certificate, "-o", file, url, NULL);
  Expected second = { f, "second", NULL };
  g_autoptr (Sound) sound = NULL;

  g_assert_no_error (error);
  wait_until (has_come, file, "the stream's beginning", 10);
  make_pair (f, "second");
  install_pair (f, "second", "second");
  daemon_signal (f->daemon, SIGHUP);
  wait_until (is_served, &second, "the new certificate", 10);
  g_assert_nonnull (g_subprocess_get_identifier (curl)); /* it still plays */
  g_bytes_unref (shell ("! curl -fsS --cacert %s/first.crt %s/healthz "
                        "2>/dev/null",
      f->dir, f->url));
  g_assert_true (g_subprocess_wait_check (curl, NULL, &error));
  sound = decode (file);
  assert_sounds_like (sound, PIPES);
}

static void
a_half_renewed_pair_changes_nothing (Fixture *f, gconstpointer unused)
{
  Expected first = { f, "first", "everything stays as it was" };

  make_pair (f, "second");
  install_pair (f, "second", "first");
  daemon_signal (f->daemon, SIGHUP);
  wait_until (is_logged, &first, "the complaint", 10);
  g_assert_true (is_served (&first));
}

/* --- Incomplete handshakes --- */

/* A valid ClientHello of TLS 1.2. */
static const guint8 hello[] = { 22, 3, 1, 0, 84, /* record */
  1, 0, 0, 80, 3, 3,                             /* client hello */
  'o', 'n', 'e', ' ', 'f', 'l', 'u', 't', 'e', ' ', 'i', 's', ' ', 'n', 'o',
  't', ' ', 'm', 'u', 'c', 'h', ' ', 'm', 'o', 'r', 'e', ' ', 't', 'h', 'a',
  'n', '.',                               /* random */
  0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2c, 1, 0,  /* ECDHE-ECDSA, GCM */
  0, 35, 0, 10, 0, 6, 0, 4, 0, 23, 0, 24, /* P-256, P-384 */
  0, 11, 0, 2, 1, 0,                      /* uncompressed points */
  0, 13, 0, 6, 0, 4, 4, 3, 5, 3,          /* ECDSA */
  0xff, 1, 0, 1, 0, 0, 23, 0, 0 };

static GSocketConnection *
say (Fixture *f, gconstpointer text, gsize size_bytes)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", f->port, NULL, &error);

  g_assert_no_error (error);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), 20);
  g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (connection),
                       text, size_bytes, NULL, &error),
      ==, size_bytes);
  return connection;
}

/* The time until the daemon closes the connection; @n_bytes: received
 * before. */
static gdouble
wait_for_end (GSocketConnection *connection, gsize *n_bytes)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  gint64 begun = g_get_monotonic_time ();
  gchar scrap[4096];
  gssize n;

  *n_bytes = 0;
  while ((n = g_input_stream_read (input, scrap, sizeof scrap, NULL, NULL)) > 0)
    *n_bytes += n;
  return (g_get_monotonic_time () - begun) / (gdouble)G_USEC_PER_SEC;
}

static gboolean
has_ended (gpointer process)
{
  return !g_subprocess_get_identifier (process);
}

/* Completes the handshake, and then sends nothing. (transfer full) */
static GSubprocess *
come_and_say_nothing (Fixture *f)
{
  g_autofree gchar *address = g_strdup_printf ("127.0.0.1:%u", f->port);
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE
          | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
      &error, "openssl", "s_client", "-quiet", "-connect", address, NULL);

  g_assert_no_error (error);
  return process;
}

/* Some send half a ClientHello, one completes the handshake and sends nothing,
 * some send only a ClientHello; none of them delays others. */
static void
who_never_finishes_the_handshake_is_cut_off (Fixture *f, gconstpointer unused)
{
  GSocketConnection *silent[12];
  gint64 begun = g_get_monotonic_time ();
  g_autoptr (GSubprocess) mute = come_and_say_nothing (f);
  gsize n_bytes;
  gdouble waited_s;

  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = say (f, hello, i % 2 ? sizeof hello : sizeof hello / 2);
  g_bytes_unref (
      shell ("curl -fsS -m 5 --cacert %s %s/healthz", f->certificate, f->url));
  g_assert_false (has_ended (mute));
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++) {
    wait_for_end (silent[i], &n_bytes);
    g_assert_true (
        (n_bytes > 0) == (i % 2)); /* a whole ClientHello is answered */
    g_object_unref (silent[i]);
  }
  waited_s = (g_get_monotonic_time () - begun) / (gdouble)G_USEC_PER_SEC;
  g_assert_cmpfloat (waited_s, >, CUT_OFF_S - 2);
  g_assert_cmpfloat (waited_s, <, CUT_OFF_S + 4);
  wait_until (has_ended, mute, "the mute one to be cut off", 4);
}

static void
a_peer_that_speaks_no_tls_is_cut_off_at_once (Fixture *f, gconstpointer unused)
{
  static const guint8 noise[] = { 0x80, 0x2e, 1, 0, 2, 0, 9 };
  g_autoptr (GSocketConnection) connection = say (f, noise, sizeof noise);
  gsize n_bytes;

  g_assert_cmpfloat (wait_for_end (connection, &n_bytes), <, 2);
  g_assert_cmpuint (n_bytes, ==, 0);
}

int
main (int argc, char **argv)
{
#define TEST(name)                                                             \
  g_test_add ("/tls/" #name, Fixture, NULL, set_up, name, tear_down)
  g_test_init (&argc, &argv, NULL);
  TEST (tls_1_2_and_1_3_are_spoken_and_1_1_is_not);
  TEST (only_http_1_is_negotiated_and_the_connection_is_kept);
  TEST (plain_http_is_told_what_the_port_speaks);
  TEST (who_has_left_does_not_count);
  TEST (ffmpeg_plays_hls_over_it);
  TEST (a_progressive_stream_comes_whole);
  TEST (a_reload_swaps_the_certificate_while_a_stream_plays_on);
  TEST (a_half_renewed_pair_changes_nothing);
  TEST (who_never_finishes_the_handshake_is_cut_off);
  TEST (a_peer_that_speaks_no_tls_is_cut_off_at_once);
  return g_test_run ();
}
