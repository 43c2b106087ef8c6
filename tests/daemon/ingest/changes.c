/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a scan detects changes: times, links, folders that come and go. */
#include "ingest-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

static void
put_file (Fixture *f, const gchar *name)
{
  g_autofree gchar *path = in_library (f, name);
  g_autofree gchar *folder = g_path_get_dirname (path);

  g_mkdir_with_parents (folder, 0700);
  make_file (path, 1, "-c:a flac");
}

static void
note_failure (const gchar *root, const gchar *path, const gchar *reason,
    gpointer user_data)
{
  g_string_append_printf (user_data, "%s: %s\n", path, reason);
}

/* (transfer full) */
static gchar *
list_failures (Fixture *f)
{
  GString *text = g_string_new (NULL);

  syrinx_store_foreach_failure (
      syrinx_content_get_store (f->content), note_failure, text, NULL);
  return g_string_free (text, FALSE);
}

static guint
count_tracks (Fixture *f)
{
  g_autoptr (GPtrArray) tracks = list_tracks (f);

  return tracks->len;
}

/* Tag editors that preserve the modification time do this. */
static void
a_file_is_read_again_when_only_its_ctime_has_changed (
    Fixture *f, gconstpointer data)
{
  put_file (f, "a.flac");
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-done"), ==, 1);
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-done"), ==, 0);
  shell ("f='%s/a.flac'; touch -r \"$f\" '%s/time'; printf x | dd of=\"$f\" "
         "bs=1 seek=$(($(stat -c %%s \"$f\") - 1)) conv=notrunc 2>/dev/null; "
         "touch -r '%s/time' \"$f\"",
      f->library, f->dir, f->dir);
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-done"), ==, 1);
}

static void
a_full_scan_reads_every_file (Fixture *f, gconstpointer data)
{
  put_file (f, "a.flac");
  put_file (f, "b.flac");
  scan (f);
  scan_fully (f);
  g_assert_cmpuint (get_figure (f, "files-done"), ==, 2);
  scan (f);
  g_assert_cmpuint (get_figure (f, "files-done"), ==, 0);
}

static void
links_are_followed_in_the_library_and_named_otherwise (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *failures = NULL;

  put_file (f, "real/a.flac");
  shell ("cd '%s'; mkdir ../outside; cp real/a.flac ../outside/b.flac; "
         "cp -r real ../share/other; "
         "ln -s real relative; ln -s \"$PWD/real\" absolute; "
         "ln -s ../share/other second; ln -s ../outside outside; "
         "ln -s .. real/up; ln -s . real/here; ln -s nowhere dangling",
      f->library);
  scan (f);
  {
    g_autoptr (GPtrArray) tracks = list_tracks (f);

    g_assert_cmpuint (tracks->len, ==, 5);
    find_track (tracks, "real/a.flac");
    find_track (tracks, "relative/a.flac");
    find_track (tracks, "absolute/a.flac");
    find_track (tracks, "second/a.flac");
    find_track (tracks, "other/a.flac"); /* of the other folder */
  }
  failures = list_failures (f);
  g_assert_nonnull (
      strstr (failures, "outside: the link leads out of the library folders"));
  g_assert_null (strstr (failures, "dangling"));
  scan (f);
  g_assert_cmpuint (count_tracks (f), ==, 5);
  g_assert_cmpuint (get_figure (f, "files-failed"), ==, 0);
}

static void
a_folder_that_leaves_the_library_is_hidden_and_comes_back_as_it_was (
    Fixture *f, gconstpointer data)
{
  const gchar *one[] = { f->share, NULL };
  const gchar *both[] = { f->library, f->share, NULL };
  g_autofree gchar *id = NULL;

  put_file (f, "a.flac");
  shell ("cp '%s/a.flac' '%s/b.flac'; echo no > '%s/bad.flac'", f->library,
      f->share, f->library);
  scan (f);
  {
    g_autoptr (GPtrArray) tracks = list_tracks (f);

    g_assert_cmpuint (tracks->len, ==, 2);
    id = g_strdup (find_track (tracks, "a.flac")->id);
  }
  reopen (f, one);
  scan (f);
  {
    g_autofree gchar *failures = list_failures (f);

    g_assert_cmpuint (count_tracks (f), ==, 1);
    g_assert_cmpstr (failures, ==, "");
  }
  reopen (f, both);
  scan (f);
  {
    g_autoptr (GPtrArray) tracks = list_tracks (f);

    g_assert_cmpuint (tracks->len, ==, 2);
    g_assert_cmpstr (find_track (tracks, "a.flac")->id, ==, id);
  }
}

static void
what_is_missing_is_forgotten_in_time (Fixture *f, gconstpointer data)
{
  SyrinxStore *store = syrinx_content_get_store (f->content);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *id = NULL;

  put_file (f, "a.flac");
  put_file (f, "b.flac");
  scan (f);
  {
    g_autoptr (GPtrArray) tracks = list_tracks (f);
    id = g_strdup (find_track (tracks, "a.flac")->id);
  }
  shell ("mv '%s/a.flac' '%s/a'", f->library, f->dir);
  scan (f);
  g_assert_cmpuint (count_tracks (f), ==, 1);
  /* a second longer than it has been missing */
  g_assert_true (syrinx_store_forget_missing (store, -1, &error));
  g_assert_no_error (error);
  shell ("mv '%s/a' '%s/a.flac'", f->dir, f->library);
  scan (f);
  {
    g_autoptr (GPtrArray) tracks = list_tracks (f);

    g_assert_cmpuint (tracks->len, ==, 2);
    g_assert_cmpstr (find_track (tracks, "a.flac")->id, !=, id);
  }
}

#define ADD(test)                                                              \
  g_test_add ("/changes/" #test, Fixture, NULL, set_up, test, tear_down)
#define ADD_TWO(test)                                                          \
  g_test_add (                                                                 \
      "/changes/" #test, Fixture, NULL, set_up_with_share, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_file_is_read_again_when_only_its_ctime_has_changed);
  ADD (a_full_scan_reads_every_file);
  ADD_TWO (links_are_followed_in_the_library_and_named_otherwise);
  ADD_TWO (a_folder_that_leaves_the_library_is_hidden_and_comes_back_as_it_was);
  ADD (what_is_missing_is_forgotten_in_time);
  return g_test_run ();
}
