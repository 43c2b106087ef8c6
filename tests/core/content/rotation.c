/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rotation: no key is lost wherever it is interrupted, and sessions
 * continue. */
#include "tests/support/tree.h"

#include "core/content/content.h"
#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/keys/keyring.h"
#include "core/crypto/secret.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include <string.h>

#define N_KEYS  1200
#define N_KILLS 24

static const gchar *program;

typedef struct
{
  gchar *dir, *path, *path_next;
  SyrinxStore *store;
  SyrinxContent *content;
  GHashTable *keys; /* "track/epoch" → GBytes */
} Fixture;

/* --- Fixture --- */

static void
open_content (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;

  /* The kernel takes a moment to release what a killed process held. */
  for (guint i = 0; i < 500; i++) {
    g_clear_error (&error);
    f->store = syrinx_store_open (f->dir, TRUE, &error);
    if (!g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_BUSY))
      break;
    g_usleep (10000);
  }
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
  f->content = syrinx_content_new (f->store, keyring, 1 << 20, 1 << 20);
}

static void
close_content (Fixture *f)
{
  syrinx_content_flush (f->content);
  g_clear_pointer (&f->content, syrinx_content_unref);
  g_clear_pointer (&f->store, syrinx_store_unref);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  f->dir = g_dir_make_tmp ("syrinx-rotation-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "master-key", NULL);
  f->path_next = g_build_filename (f->dir, "master-key-next", NULL);
  f->keys = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  open_content (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_content (f);
  tree_remove (f->dir);
  g_hash_table_unref (f->keys);
  g_free (f->dir);
  g_free (f->path);
  g_free (f->path_next);
}

static SyrinxRenditionRow *
new_row (Fixture *f, SyrinxKeyring *keyring, const gchar *name)
{
  SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);
  g_autoptr (GBytes) key = syrinx_secret_new_random (16);

  row->track_id = syrinx_id_new ();
  row->name = g_strdup (name);
  row->epoch = 1;
  row->wrapped_key
      = syrinx_keyring_wrap (keyring, key, row->track_id, name, 1, NULL);
  row->codecs = g_strdup ("opus");
  row->sample_rate_hz = row->timescale = 48000;
  row->channels = 2;
  row->fragment_units = 1920;
  row->n_fragments = 4;
  row->n_units = 4 * 1920;
  row->header = g_bytes_new_static ("head", 4);
  g_hash_table_insert (
      f->keys, g_strdup (row->track_id), g_steal_pointer (&key));
  return row;
}

/* Returns: (transfer full) the track of the first key */
static gchar *
put_keys (Fixture *f, guint n)
{
  g_autoptr (SyrinxKeyring) keyring = syrinx_content_dup_keyring (f->content);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_rendition_row_free);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (rows, new_row (f, keyring, "opus-128"));
  g_assert_true (syrinx_store_put_renditions (f->store, rows, &error));
  g_assert_no_error (error);
  return g_strdup (((SyrinxRenditionRow *)rows->pdata[0])->track_id);
}

/* --- The master key --- */

typedef struct
{
  Fixture *f;
  SyrinxKeyring *keyring;
  guint n[SYRINX_WRAPPED_BY_NEXT + 1];
} Check;

static GBytes *
check_key (const gchar *track_id, const gchar *name, guint epoch,
    GBytes *wrapped_key, gpointer data)
{
  Check *check = data;
  g_autoptr (GBytes) key = NULL;
  SyrinxWrappedBy by = syrinx_keyring_look_up (
      check->keyring, wrapped_key, track_id, name, epoch, &key);

  g_assert_cmpint (by, !=, SYRINX_WRAPPED_BY_NONE);
  g_assert_true (
      g_bytes_equal (key, g_hash_table_lookup (check->f->keys, track_id)));
  check->n[by]++;
  return NULL;
}

/* Checks that every key of the index can be unwrapped with the master keys that
 * a start finds. */
static Check
check_keys (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) keyring
      = syrinx_keyring_open (f->dir, FALSE, &error);
  Check check = { f, keyring, { 0 } };

  g_assert_no_error (error);
  g_assert_true (
      syrinx_store_foreach_key (f->store, 0, check_key, &check, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (
      check.n[SYRINX_WRAPPED_BY_MASTER] + check.n[SYRINX_WRAPPED_BY_NEXT], ==,
      g_hash_table_size (f->keys));
  return check;
}

static void
all_keys_are_wrapped_by_the_new_master_key_and_are_the_same (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 600);
  g_autofree gchar *before = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxKeyCount count;
  GStatBuf status;

  g_assert_true (g_file_get_contents (f->path, &before, NULL, NULL));
  g_assert_true (syrinx_content_rotate_master_key (f->content, &count, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count.n_keys, ==, 600);
  g_assert_cmpuint (count.n_by_master, ==, 600);
  g_assert_true (g_file_get_contents (f->path, &after, NULL, NULL));
  g_assert_false (memcmp (before, after, 32) == 0);
  g_assert_cmpint (g_stat (f->path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0600);
  g_assert_false (g_file_test (f->path_next, G_FILE_TEST_EXISTS));
  check_keys (f);
}

/* Runs in the child: rotates until it is killed. */
static int
rotate_in (const gchar *dir)
{
  Fixture f = { .dir = (gchar *)dir };
  SyrinxKeyCount count;

  open_content (&f);
  return !syrinx_content_rotate_master_key (f.content, &count, NULL);
}

/* FALSE: the rotation ended before the kill. */
static gboolean
rotate_and_kill (Fixture *f, gint64 after_us)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child = NULL;

  close_content (f);
  child = g_subprocess_new (
      G_SUBPROCESS_FLAGS_NONE, &error, program, "--rotate", f->dir, NULL);
  g_assert_no_error (error);
  if (after_us) {
    g_usleep (after_us);
    g_subprocess_force_exit (child); /* SIGKILL */
  }
  g_assert_true (g_subprocess_wait (child, NULL, &error));
  open_content (f);
  return g_subprocess_get_if_signaled (child);
}

static void
a_kill_at_any_moment_loses_no_key (Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, N_KEYS);
  gint64 begin_us = g_get_monotonic_time (), whole_us;
  guint n_killed = 0, n_mixed = 0;
  Check check;

  g_assert_false (rotate_and_kill (f, 0));
  whole_us = g_get_monotonic_time () - begin_us;
  for (guint i = 1; i <= N_KILLS; i++) {
    n_killed += rotate_and_kill (f, whole_us * i / N_KILLS);
    check = check_keys (f);
    n_mixed += check.n[SYRINX_WRAPPED_BY_NEXT] > 0
               && check.n[SYRINX_WRAPPED_BY_MASTER] > 0;
  }
  g_test_message ("%u of %d rotations of %" G_GINT64_FORMAT
                  " us were killed, %u with both keys in use",
      n_killed, N_KILLS, whole_us, n_mixed);
  g_assert_cmpuint (n_killed, >, 0);
  g_assert_false (rotate_and_kill (f, 0));
  check = check_keys (f);
  g_assert_cmpuint (check.n[SYRINX_WRAPPED_BY_MASTER], ==, N_KEYS);
  g_assert_false (g_file_test (f->path_next, G_FILE_TEST_EXISTS));
}

static GBytes *
wrap_every_other (const gchar *track_id, const gchar *name, guint epoch,
    GBytes *wrapped_key, gpointer data)
{
  Check *check = data;
  g_autoptr (GBytes) key = syrinx_keyring_unwrap (
      check->keyring, wrapped_key, track_id, name, epoch, NULL);

  return check->n[0]++ % 2 == 0 ? NULL
                                : syrinx_keyring_wrap (check->keyring, key,
                                    track_id, name, epoch, NULL);
}

/* Interrupted exactly in the middle, not at random. */
static void
a_start_goes_on_with_a_rotation_that_was_cut_short (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 600);
  g_autoptr (SyrinxKeyring) keyring = syrinx_content_dup_keyring (f->content);
  g_autoptr (SyrinxKeyring) both
      = syrinx_keyring_begin_replacement (keyring, NULL);
  Check cut = { f, both, { 0 } }, check;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      syrinx_store_change_keys (f->store, wrap_every_other, &cut, NULL));
  close_content (f);
  open_content (f);
  check = check_keys (f);
  g_assert_cmpuint (check.n[SYRINX_WRAPPED_BY_MASTER], ==, 300);
  g_assert_cmpuint (check.n[SYRINX_WRAPPED_BY_NEXT], ==, 300);
  g_assert_true (syrinx_content_resume_rotation (f->content, &error));
  g_assert_no_error (error);
  check = check_keys (f);
  g_assert_cmpuint (check.n[SYRINX_WRAPPED_BY_MASTER], ==, 600);
  g_assert_false (g_file_test (f->path_next, G_FILE_TEST_EXISTS));
}

static void
an_index_of_another_master_key_is_noticed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) other = NULL;
  g_autofree gchar *track = put_keys (f, 3);

  g_assert_cmpint (g_unlink (f->path), ==, 0);
  other = syrinx_keyring_open (f->dir, TRUE, NULL);
  g_assert_false (syrinx_keyring_check (other, f->store, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  g_clear_pointer (&other, syrinx_keyring_unref);
  other = syrinx_content_dup_keyring (f->content);
  g_assert_true (syrinx_keyring_check (other, f->store, NULL));
}

/* --- Content keys --- */

static SyrinxRendition *
open_epoch (Fixture *f, const gchar *track, guint epoch)
{
  return syrinx_content_open (f->content, track, "opus-128", epoch, NULL);
}

static void
who_plays_keeps_the_old_epoch_and_who_comes_gets_the_new_one (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 3);
  SyrinxRendition *playing = open_epoch (f, track, 0);
  g_autoptr (SyrinxRendition) coming = NULL, late = NULL, gone = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n = 0;

  g_assert_true (
      syrinx_content_rotate_keys (f->content, track, NULL, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 1);
  syrinx_content_flush (f->content);
  g_assert_true (g_bytes_equal (syrinx_rendition_get_key (playing),
      g_hash_table_lookup (f->keys, track)));
  late = open_epoch (f, track, 1); /* another stream of the same session */
  g_assert_true (late == playing);
  coming = open_epoch (f, track, 0);
  g_assert_cmpuint (syrinx_rendition_get_row (coming)->epoch, ==, 2);
  g_assert_false (g_bytes_equal (
      syrinx_rendition_get_key (coming), syrinx_rendition_get_key (playing)));
  g_assert_nonnull (syrinx_rendition_get_row (coming)->header);

  g_clear_pointer (&late, syrinx_rendition_unref);
  syrinx_rendition_unref (playing);
  syrinx_content_flush (f->content);
  gone = open_epoch (f, track, 1);
  g_assert_null (gone);
}

static void
files_of_an_old_epoch_go_with_its_last_user (Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 1);
  g_autofree gchar *dir
      = g_build_filename (f->dir, "chunks", track, "opus-128", "1", NULL);
  g_autofree gchar *file = g_build_filename (dir, "0.m4s", NULL);
  SyrinxRendition *playing = open_epoch (f, track, 0);
  guint64 n;

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "chunk", -1, NULL));
  g_assert_true (
      syrinx_content_rotate_keys (f->content, track, "opus-128", &n, NULL));
  syrinx_content_flush (f->content);
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
  syrinx_rendition_unref (playing);
  syrinx_content_flush (f->content);
  g_assert_false (g_file_test (dir, G_FILE_TEST_EXISTS));
}

static void
every_rendition_gets_one_new_epoch (Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 600);
  g_autoptr (SyrinxRendition) rendition = NULL;
  SyrinxKeyCount count;
  guint64 n = 0;

  g_assert_true (syrinx_content_rotate_keys (f->content, NULL, NULL, &n, NULL));
  g_assert_cmpuint (n, ==, 600);
  g_assert_true (syrinx_content_rotate_master_key (f->content, &count, NULL));
  syrinx_content_flush (f->content);
  rendition = open_epoch (f, track, 0);
  g_assert_cmpuint (syrinx_rendition_get_row (rendition)->epoch, ==, 2);
  g_assert_true (
      syrinx_content_rotate_keys (f->content, NULL, "aac-128", &n, NULL));
  g_assert_cmpuint (n, ==, 0);
}

static gboolean
evict_any (const gchar *track, const gchar *name, guint epoch, gpointer data)
{
  return TRUE;
}

static void
an_epoch_that_was_evicted_keeps_its_number (Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = put_keys (f, 1);
  const SyrinxFragmentRow fragment = { .number = 0, .size_bytes = 100 };
  g_autoptr (SyrinxRendition) rendition = NULL;
  SyrinxStoreStats stats;
  guint64 n;

  g_assert_true (
      syrinx_content_rotate_keys (f->content, track, NULL, &n, NULL));
  syrinx_content_flush (f->content);
  g_assert_true (syrinx_store_put_fragments (
      f->store, track, "opus-128", 2, &fragment, 1, NULL));
  g_assert_true (syrinx_store_evict (f->store, 0, evict_any, NULL, NULL));
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.cache_bytes, ==, 0);
  rendition = open_epoch (f, track, 0);
  g_assert_cmpuint (syrinx_rendition_get_row (rendition)->epoch, ==, 2);
}

static void
a_track_without_renditions_is_not_found (Fixture *f, gconstpointer data)
{
  g_autofree gchar *track = syrinx_id_new ();
  g_autoptr (GError) error = NULL;
  guint64 n;

  g_assert_false (
      syrinx_content_rotate_keys (f->content, track, NULL, &n, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--rotate"))
    return rotate_in (argv[2]);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/rotation/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (all_keys_are_wrapped_by_the_new_master_key_and_are_the_same);
  ADD (a_kill_at_any_moment_loses_no_key);
  ADD (a_start_goes_on_with_a_rotation_that_was_cut_short);
  ADD (an_index_of_another_master_key_is_noticed);
  ADD (who_plays_keeps_the_old_epoch_and_who_comes_gets_the_new_one);
  ADD (files_of_an_old_epoch_go_with_its_last_user);
  ADD (every_rendition_gets_one_new_epoch);
  ADD (an_epoch_that_was_evicted_keeps_its_number);
  ADD (a_track_without_renditions_is_not_found);
  return g_test_run ();
}
