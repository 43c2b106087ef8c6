/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of a running service: they are rotated while listeners play, are found
 * wherever the operator keeps them, and the audit log records who got them. */
#include "tests/daemon/harness.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define N_SAMPLES 12
#define TRACK     "many pipes" /* long enough for several runs of production */

static const gchar public_key[]
    = "\"public_key\":{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
      "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}";

/* --- A listener --- */

typedef struct
{
  Daemon *daemon;
  JsonObject *session;
  gchar *base; /* of the session's URLs, ends with a slash */
  guint epoch;
  GBytes *key;
} Listener;

static gchar *
get_text (Daemon *daemon, const gchar *base, const gchar *rest)
{
  g_autofree gchar *url = g_strconcat (base, rest, NULL);
  g_autoptr (Answer) answer = ask (daemon, "GET", url, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  return answer_text (answer);
}

static GBytes *
get_bytes (Daemon *daemon, const gchar *base, const gchar *rest)
{
  g_autofree gchar *url = g_strconcat (base, rest, NULL);
  g_autoptr (Answer) answer = ask (daemon, "GET", url, NULL, NULL);

  g_assert_cmpuint (answer->status, ==, 200);
  return g_bytes_ref (answer->body);
}

/* Begins like a player: reads the playlist, and the key that it names. */
static Listener *
listener_new (Daemon *daemon, const gchar *token, const gchar *track_id)
{
  Listener *self = g_new0 (Listener, 1);
  g_autofree gchar *list = NULL, *key = NULL;
  const gchar *url, *at;

  self->daemon = daemon;
  self->session = daemon_session (daemon, token, track_id, NULL);
  url = json_object_get_string_member (self->session, "hls_url");
  self->base = g_strndup (url, strrchr (url, '/') + 1 - url);
  list = get_text (daemon, self->base, "opus-128/index.m3u8");
  at = strstr (list, "METHOD=AES-128,URI=\"");
  g_assert_nonnull (at);
  self->epoch = g_ascii_strtoull (strchr (at, '"') + 1, NULL, 10);
  key = g_strdup_printf ("opus-128/%u/key", self->epoch);
  self->key = get_bytes (daemon, self->base, key);
  g_assert_cmpuint (g_bytes_get_size (self->key), ==, 16);
  return self;
}

static void
listener_free (Listener *self)
{
  json_object_unref (self->session);
  g_bytes_unref (self->key);
  g_free (self->base);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Listener, listener_free)

static gchar *
to_hex (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  GString *hex = g_string_new (NULL);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  return g_string_free (hex, FALSE);
}

/* Decrypts fragment @number with the listener's key, by foreign code. */
static void
assert_plays (Listener *self, guint number)
{
  g_autofree gchar *rest = g_strdup_printf ("opus-128/%u.m4s", number);
  g_autoptr (GBytes) chunk = get_bytes (self->daemon, self->base, rest);
  g_autofree gchar *path = NULL, *hex = to_hex (self->key);
  g_autoptr (GBytes) clear = NULL;
  gint fd = g_file_open_tmp ("syrinx-chunk-XXXXXX", &path, NULL);

  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (
      path, g_bytes_get_data (chunk, NULL), g_bytes_get_size (chunk), NULL));
  clear = shell ("openssl enc -d -aes-128-cbc -K %s -iv %032x -in '%s'", hex,
      number, path);
  g_unlink (path);
  g_assert_cmpuint (g_bytes_get_size (clear), >, 8);
  g_assert_cmpmem (
      (const gchar *)g_bytes_get_data (clear, NULL) + 4, 4, "moof", 4);
}

/* Asks for the same key again. */
static void
assert_key_is_given (Listener *self)
{
  g_autofree gchar *rest = g_strdup_printf ("opus-128/%u/key", self->epoch);
  g_autoptr (GBytes) key = get_bytes (self->daemon, self->base, rest);

  g_assert_true (g_bytes_equal (key, self->key));
}

static gchar *
in_state (Daemon *daemon, const gchar *name)
{
  return g_build_filename (daemon_get_state_dir (daemon), name, NULL);
}

static gboolean
is_gone (gpointer path)
{
  return !g_file_test (path, G_FILE_TEST_EXISTS);
}

/* --- Rotation --- */

static void
who_listens_goes_on_over_every_rotation (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL, *said = NULL, *old_epoch = NULL, *end = NULL;
  g_autofree gchar *master = in_state (daemon, "master-key");
  g_autofree gchar *before = NULL, *after = NULL;
  g_autoptr (Listener) old = NULL, new = NULL;
  g_autoptr (Answer) ended = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  old = listener_new (daemon, token, id);
  assert_plays (old, 0);
  g_assert_true (g_file_get_contents (master, &before, NULL, NULL));
  g_free (daemon_ctl (daemon, "key", "rotate", "--master", NULL));
  g_assert_true (g_file_get_contents (master, &after, NULL, NULL));
  g_assert_false (memcmp (before, after, 32) == 0);
  said = daemon_ctl (daemon, "--json", "key", "rotate", "--track", id, NULL);
  g_assert_cmpstr (said, ==, "{\"rotated\":1}");

  assert_key_is_given (old);
  assert_plays (old, 0);
  assert_plays (old, 3);
  new = listener_new (daemon, token, id);
  g_assert_cmpuint (new->epoch, ==, old->epoch + 1);
  g_assert_false (g_bytes_equal (new->key, old->key));
  assert_plays (new, 0);

  old_epoch = g_strdup_printf ("%s/chunks/%s/opus-128/%u",
      daemon_get_state_dir (daemon), id, old->epoch);
  g_assert_false (is_gone (old_epoch));
  end = g_strconcat ("/v1/sessions/",
      json_object_get_string_member (old->session, "id"), NULL);
  ended = ask (daemon, "DELETE", end, token, NULL);
  g_assert_cmpuint (ended->status, ==, 204);
  wait_until (is_gone, old_epoch, "the old epoch's files to go", 10);
  assert_plays (new, 1);
}

static void
a_start_goes_on_with_a_rotation_that_was_cut_short (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *next = in_state (daemon, "master-key-next");
  g_autofree gchar *id = NULL, *said = NULL;
  g_autoptr (Listener) before = NULL, after = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  before = listener_new (daemon, token, id);
  daemon_signal (daemon, SIGKILL);
  g_bytes_unref (shell ("umask 077; head -c 32 /dev/urandom > '%s'", next));
  daemon_start (daemon);
  wait_until (is_gone, next, "the rotation to end", 10);
  said = daemon_ctl (daemon, "key", "status", NULL);
  g_assert_nonnull (strstr (said, "lost                  0"));
  daemon_signal (daemon, SIGKILL);
  daemon_start (daemon);
  after = listener_new (daemon, token, id);
  g_assert_true (g_bytes_equal (before->key, after->key));
}

/* The same without a running daemon. */
static void
keys_are_rotated_on_the_files_alone (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL, *said = NULL;
  g_autofree gchar *chunks = NULL;
  g_autoptr (Listener) before = NULL, after = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  before = listener_new (daemon, token, id);
  assert_plays (before, 0);
  daemon_signal (daemon, SIGTERM);
  g_free (daemon_ctl (daemon, "key", "rotate", "--master", NULL));
  said = daemon_ctl (
      daemon, "--json", "key", "rotate", "--all", "-r", "opus-128", NULL);
  g_assert_cmpstr (said, ==, "{\"rotated\":1}");
  chunks = in_state (daemon, "chunks");
  g_bytes_unref (shell ("test -z \"$(find '%s' -path '*opus-128*')\"", chunks));
  daemon_start (daemon);
  after = listener_new (daemon, token, id);
  g_assert_cmpuint (after->epoch, ==, before->epoch + 1);
  assert_plays (after, 0);
}

/* The daemon fails to start with an error that contains @reason. */
static void
assert_refused (Daemon *daemon, const gchar *reason)
{
  g_autofree gchar *said = in_state (daemon, "said");

  g_bytes_unref (shell ("! '%s/daemon/syrinxd' --state-dir '%s' 2> '%s'; "
                        "grep -q '%s' '%s'; grep -q 'key rotate --all' '%s'",
      g_getenv ("SYRINX_BUILD"), daemon_get_state_dir (daemon), said, reason,
      said, said));
}

static void
an_index_whose_master_key_is_lost_is_refused_until_its_keys_are_new (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *master = in_state (daemon, "master-key");
  g_autofree gchar *id = NULL;
  g_autoptr (Listener) before = NULL, after = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  before = listener_new (daemon, token, id);
  daemon_signal (daemon, SIGTERM);
  g_unlink (master);
  assert_refused (daemon, "No such file");
  g_assert_true (is_gone (master));
  g_bytes_unref (shell ("umask 077; head -c 32 /dev/urandom > '%s'", master));
  assert_refused (daemon, "another master key");
  g_unlink (master);
  g_free (daemon_ctl (daemon, "key", "rotate", "--all", NULL));
  daemon_start (daemon);
  after = listener_new (daemon, token, id);
  g_assert_cmpuint (after->epoch, ==, before->epoch + 1);
  assert_plays (after, 0);
}

/* Its old chunks stay encrypted by the old key, wherever they are stored. */
static void
a_file_that_has_changed_gets_another_epoch (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-library-XXXXXX", NULL);
  g_autofree gchar *one
      = sample_file ("Reeds at Dusk", "01 Many Pipes, One Breath.flac");
  g_autofree gchar *two
      = sample_file ("Pipes at Dawn", "06 Lullaby for a Queue.flac");
  g_autofree gchar *token = NULL, *id = NULL, *end = NULL, *old_epoch = NULL;
  g_autoptr (Daemon) daemon = NULL;
  g_autoptr (Listener) before = NULL, after = NULL;

  g_bytes_unref (shell ("cp '%s' '%s/a.flac'", one, dir));
  daemon = daemon_new (dir, NULL);
  daemon_wait_for_tracks (daemon, 1);
  token = daemon_token (daemon, "ann", "listen");
  id = daemon_find (daemon, token, TRACK);
  before = listener_new (daemon, token, id);
  assert_plays (before, 0);
  end = g_strconcat ("/v1/sessions/",
      json_object_get_string_member (before->session, "id"), NULL);
  answer_free (ask (daemon, "DELETE", end, token, NULL));
  g_bytes_unref (shell ("cp '%s' '%s/a.flac'", two, dir));
  g_free (daemon_ctl (daemon, "rescan", "--wait", NULL));
  after = listener_new (daemon, token, id);
  assert_plays (after, 0);
  g_assert_cmpuint (after->epoch, ==, before->epoch + 1);
  old_epoch = g_strdup_printf ("%s/chunks/%s/opus-128/%u",
      daemon_get_state_dir (daemon), id, before->epoch);
  wait_until (is_gone, old_epoch, "the old epoch's files to go", 10);
  g_bytes_unref (shell ("rm -r '%s'", dir));
}

/* --- Places of the master key --- */

static void
write_config (Daemon *daemon, const gchar *lines)
{
  g_autofree gchar *dir = g_path_get_dirname (daemon_get_state_dir (daemon));
  g_autofree gchar *path = g_build_filename (dir, "syrinx.conf", NULL);
  g_autofree gchar *text = g_strdup_printf (
      "[syrinx]\nhttp=127.0.0.1:0\nadmin=127.0.0.1:0\nbus=none\n%s\n", lines);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
configured_keys_are_replaced_by_the_operator_s_next_one (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-keys-XXXXXX", NULL);
  g_autofree gchar *one = g_strdup_printf ("master-key=%s/one", dir);
  g_autofree gchar *both
      = g_strdup_printf ("%s\nmaster-key-next=%s/two", one, dir);
  g_autofree gchar *two = g_strdup_printf ("master-key=%s/two", dir);
  g_autofree gchar *token = NULL, *id = NULL, *said = NULL;
  g_autoptr (Daemon) daemon = NULL;
  g_autoptr (Listener) before = NULL, after = NULL;

  g_bytes_unref (shell ("umask 077; head -c 32 /dev/urandom > '%s/one'; "
                        "head -c 32 /dev/urandom > '%s/two'",
      dir, dir));
  daemon = daemon_new (NULL, one);
  token = daemon_token (daemon, "ann", "listen");
  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  before = listener_new (daemon, token, id);
  g_bytes_unref (shell ("! '%s/daemon/syrinxctl' --state-dir '%s' key rotate "
                        "--master 2> '%s/said'; grep -q master-key-next "
                        "'%s/said'",
      g_getenv ("SYRINX_BUILD"), daemon_get_state_dir (daemon), dir, dir));

  write_config (daemon, both);
  g_free (daemon_ctl (daemon, "reload", NULL));
  said = daemon_ctl (daemon, "key", "rotate", "--master", NULL);
  g_assert_nonnull (strstr (said, "wrapped-by-next       1"));
  write_config (daemon, two);
  g_free (daemon_ctl (daemon, "reload", NULL));
  assert_key_is_given (before);
  g_bytes_unref (shell ("rm '%s/one'", dir));
  daemon_signal (daemon, SIGTERM);
  daemon_start (daemon);
  after = listener_new (daemon, token, id);
  g_assert_true (g_bytes_equal (before->key, after->key));
  g_bytes_unref (shell ("rm -r '%s'", dir));
}

static void
a_credential_of_systemd_is_the_master_key (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-creds-XXXXXX", NULL);
  g_autofree gchar *own = NULL, *said = NULL, *path = NULL;
  g_autoptr (Daemon) daemon = NULL;

  g_bytes_unref (shell ("head -c 32 /dev/urandom > '%s/master-key'; "
                        "chmod 440 '%s/master-key'",
      dir, dir));
  g_setenv ("CREDENTIALS_DIRECTORY", dir, TRUE);
  daemon = daemon_new (NULL, NULL);
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  own = in_state (daemon, "master-key");
  g_assert_true (is_gone (own));
  said = daemon_ctl (daemon, "key", "status", NULL);
  path = g_build_filename (dir, "master-key", NULL);
  g_assert_nonnull (strstr (said, path));
  g_bytes_unref (shell ("rm -rf '%s'", dir));
}

/* --- The audit log --- */

/* The number of lines in @path that contain all of these strings
 * (NULL-terminated). */
static guint count_lines (const gchar *path, ...) G_GNUC_NULL_TERMINATED;

static guint
count_lines (const gchar *path, ...)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    const gchar *part;
    gboolean has_all = *lines[i] != 0;
    va_list parts;
    va_start (parts, path);
    while ((part = va_arg (parts, const gchar *)))
      has_all = has_all && strstr (lines[i], part);
    va_end (parts);
    n += has_all;
  }
  return n;
}

static void
the_audit_log_tells_who_got_which_key (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *log = in_state (daemon, "audit.log");
  g_autofree gchar *token = daemon_token (daemon, "ann", "listen");
  g_autofree gchar *id = NULL, *key_url = NULL, *track = NULL;
  g_autoptr (Listener) raw = NULL;
  g_autoptr (JsonObject) jwe = NULL, ece = NULL;
  g_autoptr (Answer) answer = NULL;

  daemon_wait_for_tracks (daemon, N_SAMPLES);
  id = daemon_find (daemon, token, TRACK);
  raw = listener_new (daemon, token, id);
  jwe = daemon_session (daemon, token, id, public_key);
  ece = daemon_session (daemon, token, id, "\"encryption\":\"ece\"");
  answer = ask (daemon, "GET", json_object_get_string_member (ece, "key_url"),
      NULL, NULL);
  g_assert_cmpuint (answer->status, ==, 200);
  track = g_strdup_printf ("\"track\":\"%s\"", id);
  g_assert_cmpuint (
      count_lines (log, "\"key-given\"", "\"subject\":\"ann\"",
          json_object_get_string_member (raw->session, "id"),
          "\"client\":\"127.0.0.1\"", track, "\"rendition\":\"opus-128\"",
          "\"epoch\":1", "\"key\":\"content\"", "\"form\":\"raw\"", NULL),
      ==, 1);
  g_assert_cmpuint (count_lines (log, "\"key-given\"",
                        json_object_get_string_member (jwe, "id"),
                        "\"key\":\"content\"", "\"form\":\"jwe\"", NULL),
      ==, 3);
  g_assert_cmpuint (count_lines (log, "\"key-given\"",
                        json_object_get_string_member (ece, "id"),
                        "\"key\":\"session\"", "\"form\":\"raw\"", NULL),
      ==, 1);
}

static void
the_audit_log_tells_what_was_done_and_can_be_moved_away (void)
{
  g_autoptr (Daemon) daemon = daemon_new (NULL, NULL);
  g_autofree gchar *log = in_state (daemon, "audit.log");
  g_autofree gchar *moved = in_state (daemon, "audit.log.1");

  g_free (daemon_token (daemon, "eve", "listen"));
  g_free (daemon_ctl (daemon, "token", "revoke", "--subject", "eve", NULL));
  g_free (daemon_ctl (daemon, "key", "rotate", "--master", NULL));
  g_assert_cmpint (g_rename (log, moved), ==, 0);
  g_free (daemon_ctl (daemon, "reload", NULL));
  daemon_signal (daemon, SIGTERM);
  g_free (daemon_token (daemon, "bob", "listen")); /* issued on the files */
  g_assert_cmpuint (
      count_lines (moved, "\"token-issued\"", "\"eve\"", "\"bus\"", NULL), ==,
      1);
  g_assert_cmpuint (
      count_lines (moved, "\"token-revoked\"", "\"eve\"", NULL), ==, 1);
  g_assert_cmpuint (
      count_lines (moved, "\"key-rotated\"", "\"master\"", NULL), ==, 1);
  g_assert_cmpuint (
      count_lines (log, "\"token-issued\"", "\"bob\"", "\"files\"", NULL), ==,
      1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/keys/" #name, name)
  ADD (who_listens_goes_on_over_every_rotation);
  ADD (a_start_goes_on_with_a_rotation_that_was_cut_short);
  ADD (keys_are_rotated_on_the_files_alone);
  ADD (a_file_that_has_changed_gets_another_epoch);
  ADD (an_index_whose_master_key_is_lost_is_refused_until_its_keys_are_new);
  ADD (configured_keys_are_replaced_by_the_operator_s_next_one);
  ADD (a_credential_of_systemd_is_the_master_key);
  ADD (the_audit_log_tells_who_got_which_key);
  ADD (the_audit_log_tells_what_was_done_and_can_be_moved_away);
  return g_test_run ();
}
