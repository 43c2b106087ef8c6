/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key: its file, the file's permissions, and wrapping. */
#include "core/keys/keyring.h"
#include "core/base/error.h"
#include "core/crypto/evp.h"
#include "core/crypto/secret.h"

#include <glib/gstdio.h>

#include <string.h>

typedef struct
{
  gchar *dir, *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  fixture->dir = g_dir_make_tmp ("syrinx-keyring-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->dir, "master-key", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->dir), ==, 0); /* no file was left behind */
  g_free (fixture->path);
  g_free (fixture->dir);
}

static GBytes *
wrap (SyrinxKeyring *keyring, GBytes *key)
{
  g_autoptr (GError) error = NULL;
  GBytes *wrapped
      = syrinx_keyring_wrap (keyring, key, "track", "opus-128", 1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (wrapped), ==, SYRINX_WRAPPED_KEY_BYTES);
  return wrapped;
}

static void
a_key_that_was_made_is_found_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) first = NULL, second = NULL;
  g_autoptr (GBytes) key = syrinx_secret_new_random (16), wrapped = NULL,
                     unwrapped = NULL;
  GStatBuf status;

  g_assert_null (syrinx_keyring_open (fixture->dir, FALSE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  g_clear_error (&error);
  first = syrinx_keyring_open (fixture->dir, TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (fixture->path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0600);
  g_assert_cmpint (status.st_size, ==, 32);

  second = syrinx_keyring_open (fixture->dir, TRUE, &error);
  g_assert_no_error (error);
  wrapped = wrap (first, key);
  unwrapped
      = syrinx_keyring_unwrap (second, wrapped, "track", "opus-128", 1, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (key, unwrapped));
}

static void
a_key_that_others_can_read_is_refused (Fixture *fixture, gconstpointer data)
{
  static const guint modes[] = { 0640, 0604, 0620, 0602, 0610, 0644 };

  g_assert_true (g_file_set_contents (
      fixture->path, "0123456789abcdef0123456789abcdef", 32, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_cmpint (g_chmod (fixture->path, modes[i]), ==, 0);
    g_assert_null (syrinx_keyring_open (fixture->dir, TRUE, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
    g_assert_nonnull (strstr (error->message, "chmod 600"));
  }
}

static void
a_file_that_is_no_key_is_refused_and_kept (Fixture *fixture, gconstpointer data)
{
  static const gssize sizes[] = { 0, 31, 33 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *content = g_strnfill (sizes[i], 'k');
    GStatBuf status;
    g_assert_true (g_file_set_contents_full (fixture->path, content, sizes[i],
        G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_assert_null (syrinx_keyring_open (fixture->dir, TRUE, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
    g_assert_cmpint (g_stat (fixture->path, &status), ==, 0);
    g_assert_cmpint (status.st_size, ==, sizes[i]);
    g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  }
}

static gpointer
open_in_thread (gpointer dir)
{
  return syrinx_keyring_open (dir, TRUE, NULL);
}

static void
those_who_create_it_at_once_get_the_same_key (
    Fixture *fixture, gconstpointer data)
{
  GThread *threads[8];
  g_autoptr (GBytes) expected = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("open", open_in_thread, fixture->dir);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    g_autoptr (SyrinxKeyring) keyring = g_thread_join (threads[i]);
    g_autoptr (GBytes) derived = NULL;
    g_assert_nonnull (keyring);
    derived = syrinx_keyring_derive (keyring, "test");
    if (expected == NULL)
      expected = g_bytes_ref (derived);
    g_assert_true (g_bytes_equal (expected, derived));
  }
}

static void
a_systemd_credential_comes_first (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-credential-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "master-key", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) from_file = NULL, from_credential = NULL;
  g_autoptr (SyrinxKeyring) file = NULL, credential = NULL;

  g_setenv ("CREDENTIALS_DIRECTORY", dir, TRUE);
  file = syrinx_keyring_open (
      fixture->dir, TRUE, &error); /* there is none yet */
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents_full (path,
      "0123456789abcdef0123456789abcdef", 32, G_FILE_SET_CONTENTS_NONE, 0440,
      NULL)); /* as systemd's credentials look */
  credential = syrinx_keyring_open (fixture->dir, TRUE, &error);
  g_assert_no_error (error);
  from_file = syrinx_keyring_derive (file, "test");
  from_credential = syrinx_keyring_derive (credential, "test");
  g_assert_false (g_bytes_equal (from_file, from_credential));

  g_assert_cmpint (g_chmod (path, 0444), ==, 0);
  g_assert_null (syrinx_keyring_open (fixture->dir, TRUE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
  g_unlink (path);
  g_rmdir (dir);
}

static void
a_wrapped_key_opens_for_its_own_row_only (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *track, *rendition;
    guint epoch;
  } others[] = { { "Track", "opus-128", 1 }, { "track", "opus-64", 1 },
    { "track", "opus-128", 2 } };
  g_autoptr (SyrinxKeyring) keyring
      = syrinx_keyring_open (fixture->dir, TRUE, NULL);
  g_autoptr (GBytes) key = syrinx_secret_new_random (16),
                     wrapped = wrap (keyring, key);
  g_autoptr (GBytes) cut = g_bytes_new_from_bytes (wrapped, 0, 16);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_assert_null (syrinx_keyring_unwrap (keyring, wrapped, others[i].track,
        others[i].rendition, others[i].epoch, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
    g_clear_error (&error);
  }
  g_assert_null (
      syrinx_keyring_unwrap (keyring, cut, "track", "opus-128", 1, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_null (syrinx_keyring_wrap (keyring, key, "a|b", "c", 1, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
}

static void
derived_keys_differ_by_purpose_and_stay_the_same (
    Fixture *fixture, gconstpointer data)
{
  g_autoptr (SyrinxKeyring) keyring
      = syrinx_keyring_open (fixture->dir, TRUE, NULL);
  g_autoptr (GBytes) a = syrinx_keyring_derive (keyring, "chunk-url"),
                     b = syrinx_keyring_derive (keyring, "chunk-url"),
                     c = syrinx_keyring_derive (keyring, "cursor");

  g_assert_cmpuint (g_bytes_get_size (a), ==, 32);
  g_assert_true (g_bytes_equal (a, b));
  g_assert_false (g_bytes_equal (a, c));
}

static SyrinxKeyring *
open_with (const SyrinxKeyringSettings *settings, GError **error)
{
  return syrinx_keyring_open_with (settings, FALSE, error);
}

static void
put_key (const gchar *path, gchar fill, gint mode)
{
  g_autofree gchar *bytes = g_strnfill (32, fill);

  g_assert_true (g_file_set_contents_full (
      path, bytes, 32, G_FILE_SET_CONTENTS_NONE, mode, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

static void
a_group_may_read_a_key_only_if_it_is_told (Fixture *fixture, gconstpointer data)
{
  static const guint refused[] = { 0660, 0650, 0644, 0604, 0641 };
  SyrinxKeyringSettings settings
      = { .state_dir = fixture->dir, .master_key = fixture->path };
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;

  put_key (fixture->path, 'a', 0440);
  g_assert_null (open_with (&settings, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
  g_assert_nonnull (strstr (error->message, "master-key-group-ok"));
  g_clear_error (&error);
  settings.is_group_ok = TRUE;
  keyring = open_with (&settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_assert_cmpint (g_chmod (fixture->path, refused[i]), ==, 0);
    g_assert_null (open_with (&settings, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
    g_clear_error (&error);
  }
}

static void
keys_that_are_given_are_used_both_and_left_alone (
    Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *next_path = g_strconcat (fixture->path, ".new", NULL);
  SyrinxKeyringSettings settings
      = { .state_dir = fixture->dir, .master_key = fixture->path };
  g_autoptr (GBytes) key = syrinx_secret_new_random (16), old = NULL,
                     fresh = NULL, again = NULL;
  g_autoptr (SyrinxKeyring) one = NULL, both = NULL, same = NULL, two = NULL;
  g_autoptr (GError) error = NULL;

  put_key (fixture->path, 'a', 0600);
  put_key (next_path, 'b', 0600);
  one = open_with (&settings, NULL);
  old = wrap (one, key);
  g_assert_null (syrinx_keyring_begin_replacement (one, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "master-key-next"));

  settings.master_key_next = next_path;
  both = open_with (&settings, NULL);
  g_assert_true (syrinx_keyring_has_next (both));
  fresh = wrap (both, key);
  g_assert_cmpint (
      syrinx_keyring_look_up (both, old, "track", "opus-128", 1, &again), ==,
      SYRINX_WRAPPED_BY_MASTER);
  g_assert_true (g_bytes_equal (again, key));
  g_assert_cmpint (
      syrinx_keyring_look_up (both, fresh, "track", "opus-128", 1, NULL), ==,
      SYRINX_WRAPPED_BY_NEXT);
  same = syrinx_keyring_end_replacement (both, NULL);
  g_assert_true (same == both);

  /* The operator makes the next key the master key, and forgets to remove its
   * setting. */
  settings.master_key = next_path;
  two = open_with (&settings, NULL);
  g_assert_false (syrinx_keyring_has_next (two));
  g_assert_cmpint (
      syrinx_keyring_look_up (two, fresh, "track", "opus-128", 1, NULL), ==,
      SYRINX_WRAPPED_BY_MASTER);
  g_assert_cmpint (
      syrinx_keyring_look_up (two, old, "track", "opus-128", 1, NULL), ==,
      SYRINX_WRAPPED_BY_NONE);
  g_unlink (next_path);
}

static void
a_replacement_under_way_takes_no_second_next_key (
    Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *own = g_strconcat (fixture->path, "-next", NULL);
  g_autofree gchar *given = g_strconcat (fixture->path, ".given", NULL);
  const SyrinxKeyringSettings settings
      = { .state_dir = fixture->dir, .master_key_next = given };
  g_autoptr (GError) error = NULL;

  put_key (fixture->path, 'a', 0600);
  put_key (own, 'b', 0600);
  put_key (given, 'c', 0600);
  g_assert_null (open_with (&settings, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY);
  g_unlink (own);
  g_unlink (given);
}

static void
a_name_tells_keys_apart_and_nothing_else (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SyrinxKeyring) keyring
      = syrinx_keyring_open (fixture->dir, TRUE, NULL);
  g_autofree gchar *name = syrinx_keyring_dup_name (keyring, FALSE);

  g_assert_cmpuint (strlen (name), ==, 16);
  g_assert_null (syrinx_keyring_dup_name (keyring, TRUE));
}

/* Section 4.3: 128 bits of key data with a 256-bit KEK. */
static void
key_wrap_has_the_value_of_rfc_3394 (Fixture *fixture, gconstpointer data)
{
  static const guint8 expected[24] = { 0x64, 0xE8, 0xC3, 0xF9, 0xCE, 0x0F, 0x5B,
    0xA2, 0x63, 0xE9, 0x77, 0x79, 0x05, 0x81, 0x8A, 0x2A, 0x93, 0xC8, 0x19,
    0x1E, 0x7D, 0x6E, 0x8A, 0xE7 };
  guint8 kek[32], key[16], out[32], back[32];
  gsize n;

  for (guint i = 0; i < sizeof kek; i++)
    kek[i] = i;
  for (guint i = 0; i < sizeof key; i++)
    key[i] = i * 0x11;
  g_assert_true (syrinx_evp_key_wrap (kek, TRUE, key, sizeof key, out, &n));
  g_assert_cmpmem (out, n, expected, sizeof expected);
  g_assert_true (syrinx_evp_key_wrap (kek, FALSE, out, n, back, &n));
  g_assert_cmpmem (back, n, key, sizeof key);
}

/* Appendix A.1. */
static void
hkdf_has_the_value_of_rfc_5869 (Fixture *fixture, gconstpointer data)
{
  static const guint8 expected[42] = { 0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5,
    0x7a, 0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a,
    0x90, 0xcf, 0x1a, 0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5,
    0xbf, 0x34, 0x00, 0x72, 0x08, 0xd5, 0xb8, 0x87, 0x18, 0x58, 0x65 };
  guint8 key[22], salt[13], info[10], out[42];

  memset (key, 0x0b, sizeof key);
  for (guint i = 0; i < sizeof salt; i++)
    salt[i] = i;
  for (guint i = 0; i < sizeof info; i++)
    info[i] = 0xf0 + i;
  g_assert_true (syrinx_evp_hkdf (
      &(SyrinxHkdf){ key, sizeof key, salt, sizeof salt, info, sizeof info },
      out, sizeof out, NULL));
  g_assert_cmpmem (out, sizeof out, expected, sizeof expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name)                                                              \
  g_test_add ("/keyring/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (a_key_that_was_made_is_found_again);
  ADD (a_key_that_others_can_read_is_refused);
  ADD (a_file_that_is_no_key_is_refused_and_kept);
  ADD (those_who_create_it_at_once_get_the_same_key);
  ADD (a_systemd_credential_comes_first);
  ADD (a_wrapped_key_opens_for_its_own_row_only);
  ADD (derived_keys_differ_by_purpose_and_stay_the_same);
  ADD (a_group_may_read_a_key_only_if_it_is_told);
  ADD (keys_that_are_given_are_used_both_and_left_alone);
  ADD (a_replacement_under_way_takes_no_second_next_key);
  ADD (a_name_tells_keys_apart_and_nothing_else);
  ADD (key_wrap_has_the_value_of_rfc_3394);
  ADD (hkdf_has_the_value_of_rfc_5869);
  return g_test_run ();
}
