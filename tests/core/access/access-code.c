/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short access codes: which tokens they give, and what is on the disk. */
#include "core/access/access-code.h"
#include "core/base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static gchar *dir;

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static guint
count_files (void)
{
  g_autofree gchar *folder = g_build_filename (dir, "access-codes", NULL);
  g_autoptr (GDir) open = g_dir_open (folder, 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name (open))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    struct stat status;
    g_assert_cmpint (g_stat (path, &status), ==, 0);
    g_assert_cmpint (status.st_mode & 077, ==, 0);
    n++;
  }
  return n;
}

static void
a_code_stands_for_its_token (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *code
      = syrinx_access_code_new (dir, "head.body.sign", now_s () + 60, &error);
  g_autofree gchar *other
      = syrinx_access_code_new (dir, "another.one.here", now_s () + 60, &error);
  g_autofree gchar *token = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (strlen (code), <=, SYRINX_ACCESS_CODE_MAX_BYTES);
  g_assert_true (syrinx_access_code_is_valid (code));
  g_assert_cmpstr (code, !=, other);
  token = syrinx_access_code_lookup (dir, code, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (token, ==, "head.body.sign");
}

static void
what_is_no_code_stands_for_nothing (void)
{
  static const gchar *const wrong[] = { "", "head.body.sign",
    "../../../../etc/passwd", "AAAAAAAAAAAAAAAAAAAAAA" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_access_code_lookup (dir, wrong[i], &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED);
  }
  g_assert_false (syrinx_access_code_is_valid ("head.body.sign"));
}

static void
codes_are_forgotten_when_their_time_is_over (void)
{
  g_autoptr (GError) error = NULL;
  guint before = count_files ();
  g_autofree gchar *late
      = syrinx_access_code_new (dir, "too.late.now", now_s () - 5, &error);
  g_autofree gchar *next
      = syrinx_access_code_new (dir, "in.good.time", now_s () + 60, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (count_files (), ==, before + 1);
  g_assert_null (syrinx_access_code_lookup (dir, late, NULL));
}

static void
the_disk_does_not_know_the_code (void)
{
  g_autofree gchar *code
      = syrinx_access_code_new (dir, "head.body.sign", now_s () + 60, NULL);
  g_autofree gchar *folder = g_build_filename (dir, "access-codes", NULL);
  g_autoptr (GDir) open = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (open))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    g_autofree gchar *text = NULL;
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    g_assert_null (strstr (text, code));
    g_assert_null (strstr (name, code));
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  dir = g_dir_make_tmp ("syrinx-code-XXXXXX", NULL);
  g_test_add_func (
      "/access-code/a_code_stands_for_its_token", a_code_stands_for_its_token);
  g_test_add_func ("/access-code/what_is_no_code_stands_for_nothing",
      what_is_no_code_stands_for_nothing);
  g_test_add_func ("/access-code/codes_are_forgotten_when_their_time_is_over",
      codes_are_forgotten_when_their_time_is_over);
  g_test_add_func ("/access-code/the_disk_does_not_know_the_code",
      the_disk_does_not_know_the_code);
  status = g_test_run ();
  g_rmdir (dir);
  g_free (dir);
  return status;
}
