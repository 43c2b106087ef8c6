/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets are only where they belong: not in other files, the log, a command
 * line, or the memory in a core file. */
#include "harness.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define N_SAMPLES 12
#define TRACK     "many pipes"

typedef struct
{
  gchar *name;
  GBytes *bytes;
} Needle;

/* --- Secrets to search for --- */

static void
needle_free (gpointer data)
{
  Needle *needle = data;

  g_free (needle->name);
  g_bytes_unref (needle->bytes);
  g_free (needle);
}

static void
add_needle (GPtrArray *needles, const gchar *name, const gchar *form,
    gconstpointer data, gsize size)
{
  Needle *needle = g_new (Needle, 1);

  needle->name = g_strdup_printf ("%s (%s)", name, form);
  needle->bytes = g_bytes_new (data, size);
  g_ptr_array_add (needles, needle);
}

static void
add_text (GPtrArray *needles, const gchar *name, const gchar *text)
{
  add_needle (needles, name, "text", text, strlen (text));
}

/* Adds the bytes as they are, and in the encodings that programs print. */
static void
add_bytes (GPtrArray *needles, const gchar *name, gconstpointer data, gsize n)
{
  g_autofree gchar *base64 = g_base64_encode (data, n);
  g_autoptr (GString) hex = g_string_new (NULL);
  g_autofree gchar *upper = NULL;

  add_needle (needles, name, "raw", data, n);
  for (gsize i = 0; i < n; i++)
    g_string_append_printf (hex, "%02x", ((const guint8 *)data)[i]);
  upper = g_ascii_strup (hex->str, -1);
  add_needle (needles, name, "hex", hex->str, hex->len);
  add_needle (needles, name, "HEX", upper, hex->len);
  base64[strcspn (base64, "=")] = '\0';
  add_needle (needles, name, "base64", base64, strlen (base64));
  g_strdelimit (base64, "+", '-');
  g_strdelimit (base64, "/", '_');
  add_needle (needles, name, "base64url", base64, strlen (base64));
}

static void
add_file (GPtrArray *needles, Daemon *daemon, const gchar *name)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (daemon), name, NULL);
  g_autofree gchar *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  add_bytes (needles, name, data, size);
}

/* The private number of the node's key. */
static void
add_node_key (GPtrArray *needles, Daemon *daemon)
{
  g_autofree gchar *path
      = g_build_filename (daemon_get_state_dir (daemon), "node-key.jwk", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree guchar *data = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  node = json_from_string (text, NULL);
  text = (g_free (text), g_strconcat (json_object_get_string_member (
                                          json_node_get_object (node), "d"),
                             "=", NULL));
  g_strdelimit (text, "-", '+');
  g_strdelimit (text, "_", '/');
  data = g_base64_decode (text, &n);
  g_assert_cmpuint (n, ==, 32);
  add_bytes (needles, "node-key.jwk", data, n);
  for (gsize i = 0; i < n / 2; i++) {
    guchar c = data[i];
    data[i] = data[n - 1 - i];
    data[n - 1 - i] = c;
  }
  add_needle (needles, "node-key.jwk", "as a BIGNUM", data, n);
}

/* --- A service that has been used --- */

static void
add_answer (
    GPtrArray *needles, Daemon *daemon, const gchar *name, const gchar *url)
{
  g_autoptr (Answer) answer = ask (daemon, "GET", url, NULL, NULL);
  gsize size;
  gconstpointer data = g_bytes_get_data (answer->body, &size);

  g_assert_cmpuint (answer->status, ==, 200);
  g_assert_cmpuint (size, ==, 16);
  add_bytes (needles, name, data, size);
}

/* The capability is the last but one segment of the session's URLs. */
static void
add_capability (GPtrArray *needles, const gchar *url)
{
  g_auto (GStrv) parts = g_strsplit (url, "/", 0);

  g_assert_cmpuint (strlen (parts[6]), ==, 22);
  add_text (needles, "a capability", parts[6]);
}

static void
use_hls (GPtrArray *keys, GPtrArray *words, Daemon *daemon, const gchar *token,
    const gchar *id, guint epoch)
{
  static const gchar *const renditions[] = { "opus-128", "opus-64", "aac-128" };
  g_autoptr (JsonObject) session = daemon_session (daemon, token, id, NULL);
  const gchar *url = json_object_get_string_member (session, "hls_url");
  g_autofree gchar *base = g_strndup (url, strrchr (url, '/') + 1 - url);

  add_capability (words, url);
  for (guint i = 0; i < G_N_ELEMENTS (renditions); i++) {
    g_autofree gchar *key
        = g_strdup_printf ("%s%s/%u/key", base, renditions[i], epoch);
    g_autofree gchar *fragment
        = g_strdup_printf ("%s%s/0.m4s", base, renditions[i]);
    g_autoptr (Answer) answer = ask (daemon, "GET", fragment, NULL, NULL);
    g_assert_cmpuint (answer->status, ==, 200);
    add_answer (keys, daemon, renditions[i], key);
  }
}

static void
use_ece (GPtrArray *keys, GPtrArray *words, Daemon *daemon, const gchar *token,
    const gchar *id)
{
  g_autoptr (JsonObject) session
      = daemon_session (daemon, token, id, "\"encryption\":\"ece\"");
  const gchar *url = json_object_get_string_member (session, "key_url");
  g_autofree gchar *near_end
      = g_strconcat (json_object_get_string_member (session, "progressive_url"),
          "?start=12", NULL);
  g_autoptr (Answer) stream = ask (daemon, "GET", near_end, NULL, NULL);

  add_capability (words, url);
  g_assert_cmpuint (g_bytes_get_size (stream->body), >, 1000);
  add_answer (keys, daemon, "a session's key", url);
}

static void
use_token_in_address (
    Daemon *daemon, const gchar *token, const gchar *id, const gchar *start)
{
  g_autofree gchar *path = g_strdup_printf (
      "/v1/tracks/%s/stream.opus?start=%s&token=%s", id, start, token);

  answer_free (ask (daemon, "GET", path, NULL, NULL));
}

/* A daemon that logs as much as it can about keys. */
static Daemon *
new_daemon (void)
{
  Daemon *daemon;

  g_setenv ("GST_DEBUG", "GST_CONTEXT:9,GST_MESSAGE:9,syrinx*:7", TRUE);
  daemon = daemon_new (NULL, NULL);
  g_unsetenv ("GST_DEBUG");
  return daemon;
}

/* Makes every part that handles a secret handle one. @keys: needles that are
 * keys; @words: tokens and capabilities. */
static Daemon *
use_everything (GPtrArray *keys, GPtrArray *words)
{
  Daemon *daemon = new_daemon ();
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL, *header = NULL, *code = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  add_text (words, "a token", token);
  add_text (words, "a token's signature", strrchr (token, '.') + 1);
  /* The common start of all tokens, including those behind codes. */
  header = g_strndup (token, strchr (token, '.') - token);
  add_text (words, "a token's header", header);
  code = daemon_ctl (
      daemon, "token", "issue", "--subject", "bob", "--short", NULL);
  add_text (words, "an access code", code);
  add_file (keys, daemon, "master-key");
  use_hls (keys, words, daemon, token, id, 1);
  g_free (daemon_ctl (daemon, "key", "rotate", "--master", NULL));
  g_free (daemon_ctl (daemon, "key", "rotate", "--track", id, NULL));
  add_file (keys, daemon, "master-key");
  use_hls (keys, words, daemon, token, id, 2);
  use_ece (keys, words, daemon, token, id);
  use_token_in_address (daemon, token, id, "12");
  use_token_in_address (daemon, token, id, "x");
  add_node_key (keys, daemon);
  return daemon;
}

/* --- Places to search --- */

static guint
look_in (GPtrArray *needles, const gchar *where, gconstpointer data, gsize size)
{
  guint n_found = 0;

  for (guint i = 0; i < needles->len; i++) {
    Needle *needle = needles->pdata[i];
    if (!memmem (data, size, g_bytes_get_data (needle->bytes, NULL),
            g_bytes_get_size (needle->bytes)))
      continue;
    g_test_message ("%s is in %s", needle->name, where);
    n_found++;
  }
  return n_found;
}

static guint
look_in_file (GPtrArray *needles, const gchar *path)
{
  g_autofree gchar *data = NULL;
  gsize size;

  return g_file_get_contents (path, &data, &size, NULL)
             ? look_in (needles, path, data, size)
             : 0;
}

static gboolean
is_a_key_s_own_file (const gchar *name)
{
  return g_str_equal (name, "master-key") || g_str_equal (name, "node-key.jwk");
}

static guint
look_in_folder (GPtrArray *needles, const gchar *path, guint *n_files)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  guint n_found = 0;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR)) {
      n_found += look_in_folder (needles, child, n_files);
    } else if (g_file_test (child, G_FILE_TEST_IS_REGULAR)
               && !is_a_key_s_own_file (name)) {
      n_found += look_in_file (needles, child);
      ++*n_files;
    }
  }
  return n_found;
}

static void
no_secret_is_in_a_file_in_the_log_or_on_a_command_line (void)
{
  g_autoptr (GPtrArray) needles = g_ptr_array_new_with_free_func (needle_free);
  g_autoptr (Daemon) daemon = use_everything (needles, needles);
  g_autofree gchar *log = daemon_get_log (daemon);
  g_autofree gchar *proc
      = g_strdup_printf ("/proc/%d/cmdline", daemon_get_pid (daemon));
  g_autofree gchar *environ
      = g_strdup_printf ("/proc/%d/environ", daemon_get_pid (daemon));
  guint n_files = 0, n_found;

  n_found = look_in_folder (needles, daemon_get_state_dir (daemon), &n_files);
  n_found += look_in (needles, "the log", log, strlen (log));
  n_found += look_in_file (needles, proc) + look_in_file (needles, environ);
  g_test_message ("%u needles, %u files", needles->len, n_files);
  g_assert_cmpuint (n_files, >, 5);
  g_assert_cmpuint (n_found, ==, 0);
}

/* --- Memory --- */

typedef struct
{
  guint64 begin, end;
  gboolean is_readable, is_dumped;
} Mapping;

/* From /proc/PID/smaps; "dd" in VmFlags means MADV_DONTDUMP. */
static GArray *
list_mappings (GPid pid)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/smaps", pid);
  GArray *mappings = g_array_new (FALSE, FALSE, sizeof (Mapping));
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    Mapping *last = mappings->len
                        ? &g_array_index (mappings, Mapping, mappings->len - 1)
                        : NULL;
    gchar *end = NULL;
    Mapping fresh = { g_ascii_strtoull (lines[i], &end, 16), 0, FALSE, TRUE };
    if (*end == '-' && end > lines[i]) {
      fresh.end = g_ascii_strtoull (end + 1, &end, 16);
      fresh.is_readable = g_str_has_prefix (end, " rw");
      g_array_append_val (mappings, fresh);
    } else if (last && g_str_has_prefix (lines[i], "VmFlags:")) {
      last->is_dumped = !strstr (lines[i], " dd");
    }
  }
  return mappings;
}

static guint
look_in_mapping (GPtrArray *needles, gint mem, const Mapping *mapping)
{
  gsize size = mapping->end - mapping->begin;
  g_autofree guint8 *data = g_malloc (size);
  g_autofree gchar *where
      = g_strdup_printf ("memory at %" G_GINT64_MODIFIER "x", mapping->begin);
  gssize n = pread (mem, data, size, mapping->begin);

  return n > 0 ? look_in (needles, where, data, n) : 0;
}

/* FALSE: the system does not permit it. */
static gboolean
look_in_memory (GPtrArray *needles, GPid pid)
{
  g_autoptr (GArray) mappings = list_mappings (pid);
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/mem", pid);
  gint mem = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  guint n_dumped = 0, n_kept_out = 0;

  if (mem < 0)
    return FALSE;
  for (guint i = 0; i < mappings->len; i++) {
    Mapping *mapping = &g_array_index (mappings, Mapping, i);
    if (mapping->is_readable && mapping->is_dumped)
      n_dumped += look_in_mapping (needles, mem, mapping);
    else if (mapping->is_readable)
      n_kept_out += look_in_mapping (needles, mem, mapping);
  }
  close (mem);
  g_assert_cmpuint (
      n_kept_out, >, 0); /* otherwise the search would prove nothing */
  g_assert_cmpuint (n_dumped, ==, 0);
  return TRUE;
}

/* Keys that are wrapped on disk must not be plain in a core file. */
static void
keys_are_in_no_memory_that_a_core_file_holds (void)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (needle_free);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (needle_free);
  g_autoptr (Daemon) daemon = use_everything (keys, words);
  g_autofree gchar *token = NULL, *id = NULL;

  if (!look_in_memory (keys, daemon_get_pid (daemon))) {
    g_test_skip ("this system shows no process's memory");
    return;
  }
  /* New keys take another path through the code than keys that are read. */
  daemon_signal (daemon, SIGTERM);
  daemon_start (daemon);
  token = daemon_token (daemon, "ann", "listen");
  id = daemon_find (daemon, token, TRACK);
  use_hls (keys, words, daemon, token, id, 2);
  look_in_memory (keys, daemon_get_pid (daemon));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/secrets/" #name, name)
  ADD (no_secret_is_in_a_file_in_the_log_or_on_a_command_line);
  ADD (keys_are_in_no_memory_that_a_core_file_holds);
  return g_test_run ();
}
