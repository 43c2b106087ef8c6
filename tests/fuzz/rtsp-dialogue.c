/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole RTSP dialogue: bytes on a connection to the daemon's own RTSP server,
 * with its sessions, sockets and pipelines, and a library of which one track is
 * played. The output must be answers and interleaved packets and nothing else,
 * the daemon must read to the end, and when the client has gone no connection,
 * media or session may be left.
 *
 * An input's first byte says how it ends. In the rest, some bytes stand for
 * texts that only a running daemon knows:
 *   1  the URL of the track, with a token
 *   2  the Content-Base of the last answer to DESCRIBE
 *   3  the Session of the last answer to SETUP
 *   4  wait until more data has come */
#include "daemon/rtsp/rtsp-private.h"
#include "fuzz.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_INPUT_BYTES 8192
#define WAIT_MS         40
#define END_S           8
#define WAITS           8 /* at most, per input */

static SyrinxEngine *engine;
static SyrinxRtsp *rtsp;
static gchar *track_url, *state_dir;

/* --- The daemon, once for all inputs --- */

static gchar *
find_track (void)
{
  const SyrinxTrackQuery query = { .q = "minuet", .limit = 1 };
  gint64 until_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < until_us) {
    g_autofree gchar *cursor = NULL;
    g_autoptr (GPtrArray) tracks = syrinx_store_find_tracks (
        syrinx_engine_get_store (engine), &query, &cursor, NULL);
    if (tracks && tracks->len > 0)
      return g_strdup (((SyrinxTrack *)tracks->pdata[0])->id);
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  g_error ("the samples were not found within a minute");
}

static SyrinxConfig *
make_config (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-fuzz-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "syrinx.conf", NULL);
  g_autofree gchar *text = g_strdup_printf (
      "[syrinx]\nlibrary=%s\nstate-dir=%s/state\nrtsp=127.0.0.1:0\n"
      "requests-per-second=10000\nrequests-per-second-per-subject=10000\n"
      "max-connections-per-address=1000\n",
      g_getenv ("SYRINX_SAMPLES"), dir);
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  SyrinxConfig *config;

  g_file_set_contents (path, text, -1, NULL);
  config = syrinx_config_load (path, none, &error);
  g_assert_no_error (error);
  return config;
}

static void
end (void)
{
  g_autofree gchar *folder = g_path_get_dirname (state_dir);
  const gchar *const remove[] = { "rm", "-r", folder, NULL };

  syrinx_rtsp_free (rtsp);
  syrinx_engine_stop (engine);
  g_object_unref (engine);
  g_spawn_sync (NULL, (gchar **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, NULL, NULL);
  g_free (state_dir);
  g_free (track_url);
}

static void
begin (void)
{
  g_autofree gchar *id = NULL, *token = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("SYRINX_SAMPLES", FUZZ_SAMPLES, FALSE);
  g_setenv ("GST_PLUGIN_PATH", FUZZ_BUILD "/plugins", FALSE);
  g_setenv ("SYRINX_WORKER", FUZZ_BUILD "/daemon/syrinx-worker", FALSE);
  engine = syrinx_engine_new (make_config (), &error);
  g_assert_no_error (error);
  state_dir = g_strdup (syrinx_engine_get_config (engine)->state_dir);
  rtsp = syrinx_rtsp_new (engine, &error);
  g_assert_no_error (error);
  syrinx_ingest_scan (syrinx_engine_get_ingest (engine));
  id = find_track ();
  token = syrinx_engine_issue_token (engine,
      &(SyrinxTokenRequest){
          .subject = "fuzz", .scope = "listen", .ttl_s = 365 * 86400 },
      &error);
  g_assert_no_error (error);
  atexit (end);
  track_url
      = g_strdup_printf ("rtsp://127.0.0.1/tracks/%s?token=%s", id, token);
}

/* --- The client --- */

typedef struct
{
  int fd;
  GString *heard; /* data from the server, not parsed yet */
  gchar *base, *session;
  gsize n_heard;
} Client;

static int
reach (void)
{
  GInetSocketAddress *bound
      = G_INET_SOCKET_ADDRESS (syrinx_endpoint_get_address (rtsp->endpoint));
  struct sockaddr_in address = { .sin_family = AF_INET,
    .sin_port = htons (g_inet_socket_address_get_port (bound)),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (
      connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static void
keep_value (const gchar *head, const gchar *name, gchar **value)
{
  const gchar *line = strstr (head, name);

  if (!line)
    return;
  line += strlen (name);
  g_free (*value);
  *value = g_strndup (line, strcspn (line, "\r\n;"));
}

/* Removes a complete answer. Returns: its length, or 0. */
static gsize
look_at_answer (Client *client)
{
  const gchar *end = strstr (client->heard->str, "\r\n\r\n");
  g_autofree gchar *head = NULL, *length = NULL;
  gsize size;

  if (!g_str_has_prefix (client->heard->str, "RTSP/1.0 ")) {
    g_assert_true (g_str_has_prefix ("RTSP/1.0 ", client->heard->str));
    return 0; /* incomplete */
  }
  if (!end)
    return 0;
  size = end + 4 - client->heard->str;
  head = g_strndup (client->heard->str, size);
  keep_value (head, "\r\nContent-Length: ", &length);
  keep_value (head, "\r\nContent-Base: ", &client->base);
  keep_value (head, "\r\nSession: ", &client->session);
  size += length ? g_ascii_strtoull (length, NULL, 10) : 0;
  return size <= client->heard->len ? size : 0;
}

static void
look (Client *client)
{
  gsize size = 1;

  while (client->heard->len > 0 && size > 0) {
    const guint8 *data = (const guint8 *)client->heard->str;
    if (data[0] != '$')
      size = look_at_answer (client);
    else if (client->heard->len < 4)
      size = 0;
    else
      size = 4 + (data[2] << 8 | data[3]);
    if (size > client->heard->len)
      size = 0;
    g_string_erase (client->heard, 0, size);
  }
}

/* FALSE: the connection has ended. */
static gboolean
hear (Client *client)
{
  gchar scrap[16384];
  gssize n = recv (client->fd, scrap, sizeof scrap, MSG_DONTWAIT);

  if (n > 0) {
    client->n_heard += n;
    g_string_append_len (client->heard, scrap, n);
    look (client);
  }
  return n != 0 && (n > 0 || errno == EAGAIN);
}

static void
turn (void)
{
  for (guint i = 0; i < 20 && g_main_context_iteration (NULL, FALSE); i++)
    ;
}

static void
wait_for_more (Client *client)
{
  gint64 until_us = g_get_monotonic_time () + WAIT_MS * 1000;
  gsize before = client->n_heard;

  while (client->n_heard == before && g_get_monotonic_time () < until_us) {
    struct pollfd fd = { .fd = client->fd, .events = POLLIN };
    turn ();
    poll (&fd, 1, 1);
    if (!hear (client))
      return;
  }
}

static void
say (Client *client, const gchar *bytes, gsize size)
{
  turn ();
  hear (client);
  (void)!send (client->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
say_byte (Client *client, GString *said, guint8 byte, guint *n_waits)
{
  if (byte == 1)
    g_string_append (said, track_url);
  else if (byte == 2)
    g_string_append (said, client->base ? client->base : track_url);
  else if (byte == 3)
    g_string_append (said, client->session ? client->session : "none");
  else if (byte != 4)
    g_string_append_c (said, byte);
  if (byte != 4)
    return;
  say (client, said->str, said->len);
  g_string_truncate (said, 0);
  if ((*n_waits)++ < WAITS)
    wait_for_more (client);
}

/* --- The end --- */

static gboolean
is_all_gone (void)
{
  g_autoptr (GPtrArray) sessions
      = syrinx_sessions_list (syrinx_engine_get_sessions (engine));

  return g_hash_table_size (rtsp->connections) == 0
         && g_hash_table_size (rtsp->media) == 0 && sessions->len == 0
         && syrinx_connections_count (rtsp->hosts, "127.0.0.1") == 0;
}

/* The client half-closes and reads its answers until the end, or it resets. */
static void
leave (Client *client, gboolean is_reset)
{
  gint64 until_us = g_get_monotonic_time () + END_S * G_USEC_PER_SEC;

  while (g_hash_table_size (rtsp->connections) == 0
         && syrinx_connections_count (rtsp->hosts, "127.0.0.1") == 0
         && client->n_heard == 0 && g_get_monotonic_time () < until_us) {
    turn (); /* until it has been accepted */
    if (!hear (client))
      break;
  }
  if (is_reset)
    setsockopt (client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
        sizeof (struct linger));
  if (is_reset)
    close (client->fd);
  else
    shutdown (client->fd, SHUT_WR);
  while (!is_all_gone ()) {
    g_assert_cmpint (g_get_monotonic_time (), <, until_us);
    turn ();
    if (!is_reset)
      hear (client);
    g_usleep (200);
  }
  if (!is_reset)
    close (client->fd);
}

/* OpenSSL keeps a random generator for each thread of the pipelines as long as
 * it lives, which LeakSanitizer would report as a leak between two inputs. */
const char *__asan_default_options (void);

const char *
__asan_default_options (void)
{
  return "detect_leaks=0";
}

/* Starts the daemon here, so that this does not count as the first input's
 * time. */
int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  begin ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, MIN (size, MAX_INPUT_BYTES) };
  Client client = { .heard = g_string_new (NULL) };
  g_autoptr (GString) said = g_string_new (NULL);
  guint8 how = fuzz_take_byte (&input);
  guint n_waits = 0;

  if (!rtsp)
    begin ();
  client.fd = reach ();
  while (input.size > 0)
    say_byte (&client, said, fuzz_take_byte (&input), &n_waits);
  say (&client, said->str, said->len);
  leave (&client, how % 2);
  g_string_free (client.heard, TRUE);
  g_free (client.base);
  g_free (client.session);
  return 0;
}
