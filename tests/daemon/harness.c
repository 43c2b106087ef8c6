/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS 20
#define SCAN_SECONDS  60

struct _Daemon
{
  gchar *dir, *state_dir, *library, *config, *log;
  gchar *url, *admin_url;
  gchar *wrapper; /* (nullable) */
  GPid pid;       /* 0: it has ended */
  int status;     /* from waitpid(), once it has ended */
  SoupSession *soup;
};

static gchar *
program (const gchar *name)
{
  return g_build_filename (g_getenv ("SYRINX_BUILD"), "daemon", name, NULL);
}

/* --- Commands --- */

/* (transfer full) */
static gchar *
bytes_to_text (GBytes *bytes)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (bytes, &size_bytes);

  return g_strndup (data ? data : "", size_bytes);
}

static GBytes *
run_bytes (const gchar *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  GBytes *out = NULL;

  process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  if (!process
      || !g_subprocess_communicate (process, NULL, NULL, &out, NULL, &error))
    g_error ("%s: %s", argv[0], error->message);
  if (!g_subprocess_get_successful (process)) {
    g_autofree gchar *line = g_strjoinv (" ", (gchar **)argv);
    g_error ("%s: exit status %d", line,
        g_subprocess_get_if_exited (process)
            ? g_subprocess_get_exit_status (process)
            : -1);
  }
  return out;
}

GBytes *
shell (const gchar *format, ...)
{
  g_autofree gchar *command = NULL;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  return run_bytes ((const gchar *const[]){ "/bin/sh", "-ec", command, NULL });
}

gchar *
daemon_ctl (Daemon *self, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree gchar *ctl = program ("syrinxctl");
  g_autoptr (GBytes) out = NULL;
  const gchar *argument;
  va_list args;

  g_ptr_array_add (argv, ctl);
  g_ptr_array_add (argv, (gpointer) "--state-dir");
  g_ptr_array_add (argv, self->state_dir);
  va_start (args, self);
  while ((argument = va_arg (args, const gchar *)))
    g_ptr_array_add (argv, (gpointer)argument);
  va_end (args);
  g_ptr_array_add (argv, NULL);
  out = run_bytes ((const gchar *const *)argv->pdata);
  return g_strchomp (bytes_to_text (out));
}

gchar *
daemon_token (Daemon *self, const gchar *subject, const gchar *scope)
{
  return daemon_ctl (self, "token", "issue", "--subject", subject, "--scope",
      scope, "--ttl", "1h", NULL);
}

/* --- Life of the daemon --- */

void
wait_until (gboolean (*check) (gpointer data), gpointer data, const gchar *what,
    guint seconds)
{
  gint64 end = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;

  while (!check (data)) {
    if (g_get_monotonic_time () > end)
      g_error ("waited %u s for %s", seconds, what);
    g_usleep (5000);
  }
}

gboolean
daemon_is_alive (Daemon *self)
{
  if (self->pid && waitpid (self->pid, &self->status, WNOHANG) == self->pid)
    self->pid = 0;
  return self->pid != 0;
}

static gchar *
read_address (Daemon *self, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (self->state_dir, name, NULL);
  gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  text[strcspn (text, "\n")] = '\0';
  if (g_str_has_suffix (text, "/"))
    text[strlen (text) - 1] = '\0';
  return text;
}

static gboolean
is_listening (gpointer data)
{
  Daemon *self = data;

  if (!daemon_is_alive (self)) {
    g_autofree gchar *log = daemon_get_log (self);
    g_error ("syrinxd did not start:\n%s", log);
  }
  g_clear_pointer (&self->url, g_free);
  self->url = read_address (self, "http-address");
  return self->url != NULL;
}

/* In the child: the daemon ends together with a test that fails. */
static void
to_log (gpointer data)
{
  Daemon *self = data;
  int fd = g_open (self->log, O_WRONLY | O_APPEND | O_CREAT, 0600);

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (fd >= 0) {
    dup2 (fd, STDOUT_FILENO);
    dup2 (fd, STDERR_FILENO);
  }
}

void
daemon_start (Daemon *self)
{
  g_autofree gchar *path = program ("syrinxd"), *worker = NULL;
  g_autofree gchar *address
      = g_build_filename (self->state_dir, "http-address", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) wrap
      = g_strsplit (self->wrapper ? self->wrapper : "", " ", -1);
  const gchar *own[] = { path, "--config", self->config, "--library",
    self->library, "--state-dir", self->state_dir };
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  worker = program ("syrinx-worker");
  g_setenv ("SYRINX_WORKER", worker, FALSE);
  g_unlink (address);
  for (guint i = 0; wrap[i]; i++)
    g_ptr_array_add (argv, wrap[i]);
  for (guint i = 0; i < G_N_ELEMENTS (own); i++)
    g_ptr_array_add (argv, (gpointer)own[i]);
  g_ptr_array_add (argv, NULL);
  if (!g_spawn_async (NULL, (gchar **)argv->pdata, NULL,
          G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, to_log, self,
          &self->pid, &error))
    g_error ("%s: %s", path, error->message);
  wait_until (is_listening, self, "syrinxd to listen", START_SECONDS);
  g_free (self->admin_url);
  self->admin_url = read_address (self, "admin-address");
}

Daemon *
daemon_new (const gchar *library, const gchar *config)
{
  Daemon *self = g_new0 (Daemon, 1);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;

  self->dir = g_dir_make_tmp ("syrinx-test-XXXXXX", &error);
  if (!self->dir)
    g_error ("%s", error->message);
  self->state_dir = g_build_filename (self->dir, "state", NULL);
  self->config = g_build_filename (self->dir, "syrinx.conf", NULL);
  self->log = g_build_filename (self->dir, "log", NULL);
  self->library = g_strdup (library ? library : g_getenv ("SYRINX_SAMPLES"));
  self->soup = soup_session_new ();
  soup_session_set_timeout (self->soup, 60);
  text = g_strdup_printf ("[syrinx]\nhttp=127.0.0.1:0\nadmin=127.0.0.1:0\nrtsp="
                          "127.0.0.1:0\nbus=none\ndrain-seconds=0\n%s\n",
      config ? config : "");
  if (!g_file_set_contents (self->config, text, -1, &error))
    g_error ("%s", error->message);
  daemon_start (self);
  return self;
}

static gboolean
has_ended (gpointer data)
{
  return !daemon_is_alive (data);
}

void
daemon_wrap (Daemon *self, const gchar *wrapper)
{
  g_free (self->wrapper);
  self->wrapper = g_strdup (wrapper);
}

void
daemon_signal (Daemon *self, int signal)
{
  if (!daemon_is_alive (self))
    return;
  kill (self->pid, signal);
  if (signal == SIGTERM || signal == SIGKILL || signal == SIGINT)
    wait_until (has_ended, self, "syrinxd to end", START_SECONDS);
  if (signal == SIGTERM && WIFSIGNALED (self->status)) {
    g_autofree gchar *log = daemon_get_log (self);
    g_error (
        "syrinxd was ended by signal %d:\n%s", WTERMSIG (self->status), log);
  }
}

void
daemon_free (Daemon *self)
{
  daemon_signal (self, SIGTERM);
  if (g_getenv ("SYRINX_TEST_LOG")) {
    g_autofree gchar *log = daemon_get_log (self);
    g_printerr ("%s", log);
  }
  g_bytes_unref (
      shell ("chmod -R u+rwX '%s'; rm -rf '%s'", self->dir, self->dir));
  g_object_unref (self->soup);
  g_free (self->dir);
  g_free (self->state_dir);
  g_free (self->library);
  g_free (self->config);
  g_free (self->log);
  g_free (self->url);
  g_free (self->admin_url);
  g_free (self->wrapper);
  g_free (self);
}

GPid
daemon_get_pid (Daemon *self)
{
  return self->pid;
}

const gchar *
daemon_get_state_dir (Daemon *self)
{
  return self->state_dir;
}

const gchar *
daemon_get_url (Daemon *self)
{
  return self->url;
}

const gchar *
daemon_get_admin_url (Daemon *self)
{
  return self->admin_url;
}

guint16
daemon_get_port (Daemon *self)
{
  return g_ascii_strtoull (strrchr (self->url, ':') + 1, NULL, 10);
}

gchar *
daemon_get_log (Daemon *self)
{
  gchar *text = NULL;

  return g_file_get_contents (self->log, &text, NULL, NULL) ? text
                                                            : g_strdup ("");
}

typedef struct
{
  Daemon *daemon;
  const gchar *token;
  guint n_tracks;
} Wanted;

static gboolean
has_tracks (gpointer data)
{
  Wanted *wanted = data;
  g_autoptr (Answer) answer = ask (
      wanted->daemon, "GET", "/v1/tracks?limit=500", wanted->token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);

  return json_array_get_length (json_object_get_array_member (json, "tracks"))
         >= wanted->n_tracks;
}

void
daemon_wait_for_tracks (Daemon *self, guint n_tracks)
{
  g_autofree gchar *token = daemon_token (self, "harness", "listen");
  Wanted wanted = { self, token, n_tracks };

  wait_until (has_tracks, &wanted, "the library", SCAN_SECONDS);
}

/* --- HTTP --- */

static void
keep_header (const char *name, const char *value, gpointer headers)
{
  g_hash_table_insert (headers, g_ascii_strdown (name, -1), g_strdup (value));
}

Answer *
ask (Daemon *self, const gchar *method, const gchar *path, const gchar *token,
    const gchar *body)
{
  g_autofree gchar *uri
      = *path == '/' ? g_strconcat (self->url, path, NULL) : g_strdup (path);
  g_autoptr (SoupMessage) message = soup_message_new (method, uri);
  Answer *answer = g_new0 (Answer, 1);
  g_autoptr (GError) error = NULL;

  if (!message)
    g_error ("%s is no address", uri);
  if (token) {
    g_autofree gchar *value = g_strconcat ("Bearer ", token, NULL);
    soup_message_headers_replace (
        soup_message_get_request_headers (message), "Authorization", value);
  }
  if (body) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    soup_message_set_request_body_from_bytes (
        message, "application/json", bytes);
  }
  answer->body = soup_session_send_and_read (self->soup, message, NULL, &error);
  if (!answer->body)
    g_error ("%s %s: %s", method, path, error->message);
  answer->status = soup_message_get_status (message);
  answer->headers
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  soup_message_headers_foreach (soup_message_get_response_headers (message),
      keep_header, answer->headers);
  return answer;
}

void
answer_free (Answer *answer)
{
  g_hash_table_unref (answer->headers);
  g_bytes_unref (answer->body);
  g_free (answer);
}

const gchar *
answer_header (Answer *answer, const gchar *name)
{
  return g_hash_table_lookup (answer->headers, name);
}

gchar *
answer_text (Answer *answer)
{
  return bytes_to_text (answer->body);
}

JsonObject *
answer_json (Answer *answer)
{
  g_autofree gchar *text = answer_text (answer);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (text, &error);

  if (!node || !JSON_NODE_HOLDS_OBJECT (node))
    g_error ("%u, and no JSON object: %s", answer->status, text);
  return json_node_dup_object (node);
}

gchar *
daemon_find (Daemon *self, const gchar *token, const gchar *words)
{
  g_autofree gchar *escaped = g_uri_escape_string (words, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("/v1/tracks?limit=1&q=", escaped, NULL);
  g_autoptr (Answer) answer = ask (self, "GET", path, token, NULL);
  g_autoptr (JsonObject) json = answer_json (answer);
  JsonArray *tracks = json_object_get_array_member (json, "tracks");

  if (answer->status != 200 || json_array_get_length (tracks) == 0)
    g_error ("nothing is found by \"%s\"", words);
  return g_strdup (json_object_get_string_member (
      json_array_get_object_element (tracks, 0), "id"));
}

JsonObject *
daemon_session (Daemon *self, const gchar *token, const gchar *track_id,
    const gchar *members)
{
  g_autofree gchar *body = g_strdup_printf ("{\"track_id\":\"%s\"%s%s}",
      track_id, members ? "," : "", members ? members : "");
  g_autoptr (Answer) answer = ask (self, "POST", "/v1/sessions", token, body);

  if (answer->status != 201) {
    g_autofree gchar *text = answer_text (answer);
    g_error ("no session: %u %s", answer->status, text);
  }
  return answer_json (answer);
}

gchar *
talk (Daemon *self, const gchar *text, gssize size_bytes, guint seconds,
    gboolean *ended)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", daemon_get_port (self), NULL, &error);
  GIOStream *stream = G_IO_STREAM (connection);
  GString *said = g_string_new (NULL);
  gchar buffer[16384];
  gssize n;

  g_assert_no_error (error);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), seconds);
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), text,
      size_bytes < 0 ? strlen (text) : size_bytes, NULL, NULL, NULL);
  while ((n = g_input_stream_read (g_io_stream_get_input_stream (stream),
              buffer, sizeof buffer, NULL, &error))
         > 0)
    for (gssize i = 0; i < n; i++)
      g_string_append_c (said, buffer[i] ? buffer[i] : '.');
  if (ended)
    *ended
        = n == 0
          || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  return g_string_free (said, FALSE);
}

/* --- Sound --- */

Sound *
decode (const gchar *from)
{
  g_autofree gchar *quoted = g_shell_quote (from);
  g_autoptr (GBytes) bytes
      = shell ("ffmpeg -nostdin -v error -copyts -i %s -map 0:a:0 "
               "-af atrim=start=0 -f f32le -ac 1 -ar %d -",
          quoted, SOUND_RATE);
  Sound *sound = g_new (Sound, 1);

  sound->n = g_bytes_get_size (bytes) / sizeof (gfloat);
  sound->samples
      = g_memdup2 (g_bytes_get_data (bytes, NULL), sound->n * sizeof (gfloat));
  return sound;
}

void
sound_free (Sound *sound)
{
  g_free (sound->samples);
  g_free (sound);
}

gdouble
correlate (const Sound *a, gsize offset, const Sound *b)
{
  gsize n = a->n > offset ? MIN (a->n - offset, b->n) : 0;
  gdouble ab = 0, aa = 0, bb = 0;

  for (gsize i = 0; i < n; i++) {
    gdouble x = a->samples[offset + i], y = b->samples[i];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / sqrt (aa * bb) : 0;
}

gchar *
sample_file (const gchar *album, const gchar *name)
{
  return g_build_filename (g_getenv ("SYRINX_SAMPLES"), album, name, NULL);
}
