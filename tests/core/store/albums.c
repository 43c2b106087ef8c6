/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Albums, artists and folders are divided as people expect. */
#include "index-fixture.h"

#include "core/base/error.h"

#include <string.h>

static void
albums_and_artists_are_counted (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a", "One", "Zed", "Émile", NULL);
  g_autofree gchar *b = put_one (f->store, "b", "Two", "ZED", "emile", NULL);
  g_autofree gchar *c = put_one (f->store, "c", "Three", "Abba", "Gold", NULL);
  g_autofree gchar *d = put_one (f->store, "d", "Four", "Abba", NULL, NULL);
  g_autofree gchar *next = NULL, *last = NULL, *none = NULL;
  g_autoptr (GPtrArray) artists
      = syrinx_store_list_artists (f->store, NULL, 10, NULL, &none, NULL);
  g_autoptr (GPtrArray) albums
      = syrinx_store_list_albums (f->store, NULL, NULL, 1, NULL, &next, NULL);
  g_autoptr (GPtrArray) more
      = syrinx_store_list_albums (f->store, NULL, NULL, 1, next, &last, NULL);
  g_autoptr (GPtrArray) zed
      = syrinx_store_list_albums (f->store, "zed", NULL, 10, NULL, &none, NULL);
  SyrinxGroup *group = artists->pdata[0];

  g_assert_cmpuint (artists->len, ==, 2);
  g_assert_cmpstr (group->name, ==, "Abba");
  g_assert_cmpuint (group->n_tracks, ==, 2);
  g_assert_cmpuint (group->n_albums, ==, 1);
  group = albums->pdata[0];
  g_assert_cmpstr (group->name, ==, "Gold");
  g_assert_nonnull (next);
  group = more->pdata[0];
  g_assert_cmpstr (group->name, ==, "Émile");
  g_assert_cmpuint (group->n_tracks, ==, 2);
  g_assert_cmpuint (
      group->duration_ns, ==, 20 * G_GUINT64_CONSTANT (1000000000));
  g_assert_null (last);
  g_assert_cmpuint (zed->len, ==, 1);
}

static void
a_changed_tag_moves_the_track_and_drops_empty_albums (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a", "Old", "Anna", "First", "Pop");
  g_autofree gchar *b
      = put_one (f->store, "a", "New", "Berta", "Second", "Jazz");
  SyrinxStoreStats stats;

  g_assert_cmpstr (a, ==, b);
  assert_count (f->store, "old", 0);
  assert_count (f->store, "anna", 0);
  assert_count (f->store, "new berta", 1);
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_tracks, ==, 1);
  g_assert_cmpuint (stats.n_albums, ==, 1);
  g_assert_cmpuint (stats.n_artists, ==, 1);
  g_assert_cmpuint (
      stats.duration_ns, ==, 10 * G_GUINT64_CONSTANT (1000000000));
}

/* --- What is one album --- */

/* Puts a track of an album; returns the album's id. (transfer full) */
static gchar *
put_on_album (SyrinxStore *store, const gchar *path, const gchar *artist,
    const gchar *album, const gchar *album_artist, const gchar *release)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();
  SyrinxTrack *track = new_track (path, path, artist, album, NULL);

  track->album_artist = g_strdup (album_artist);
  track->mb_release_id = g_strdup (release);
  g_ptr_array_add (tracks, track);
  put_all (store, tracks);
  return syrinx_track_get_album_id (track);
}

static guint
count_albums (SyrinxStore *store)
{
  SyrinxStoreStats stats;

  g_assert_true (syrinx_store_get_stats (store, &stats, NULL));
  return stats.n_albums;
}

static void
forty_greatest_hits_are_forty_albums (Fixture *f, gconstpointer data)
{
  g_autofree gchar *next = NULL;
  g_autoptr (GPtrArray) albums = NULL;

  for (guint i = 0; i < 40; i++) {
    g_autofree gchar *artist = g_strdup_printf ("Artist %u", i / 2);
    g_autofree gchar *one = g_strdup_printf ("%u/1", i);
    g_autofree gchar *two = g_strdup_printf ("%u/2", i);
    g_autofree gchar *a
        = put_on_album (f->store, one, artist, "Greatest Hits", NULL, NULL);
    g_autofree gchar *b
        = put_on_album (f->store, two, artist, "Greatest Hits", NULL, NULL);
    g_autoptr (GPtrArray) found
        = find (f->store, &(SyrinxTrackQuery){ .album_id = a, .limit = 9 });

    g_assert_cmpstr (a, ==, b);
    g_assert_cmpuint (found->len, ==, 2);
  }
  albums
      = syrinx_store_list_albums (f->store, NULL, NULL, 100, NULL, &next, NULL);
  g_assert_cmpuint (albums->len, ==, 40);
  g_assert_cmpuint (count_albums (f->store), ==, 40);
  for (guint i = 0; i < albums->len; i++)
    g_assert_cmpuint (((SyrinxGroup *)albums->pdata[i])->n_tracks, ==, 2);
}

static void
albums_are_told_apart_as_people_do (Fixture *f, gconstpointer data)
{
  static const struct
  {
    struct
    {
      const gchar *path, *artist, *album, *album_artist, *release;
    } a, b;
    gboolean is_one;
  } cases[] = {
    /* the discs of one album */
    { { "X/CD1/1", "A", "L", NULL, NULL }, { "X/CD2/1", "A", "L", NULL, NULL },
        TRUE },
    { { "X/Disc 1/1", "A", "L", NULL, NULL },
        { "X/disc_02 - Live/1", "A", "L", NULL, NULL }, TRUE },
    { { "X (Disc 1)/1", "A", "L", NULL, NULL },
        { "X (Disc 2)/1", "A", "L", NULL, NULL }, TRUE },
    { { "X CD1/1", "A", "L", NULL, NULL }, { "X CD2/1", "A", "L", NULL, NULL },
        TRUE },
    { { "CD1/1", "A", "L", NULL, NULL }, { "CD2/1", "A", "L", NULL, NULL },
        TRUE },
    { { "Discovery/1", "A", "L", NULL, NULL },
        { "Diskothek/1", "A", "L", NULL, NULL }, FALSE },
    /* spellings */
    { { "X/1", "Beyoncé", "I Am", NULL, NULL },
        { "X/2", "BEYONCE", "i am!", NULL, NULL }, TRUE },
    /* guests */
    { { "X/1", "A", "L", "A", NULL }, { "X/2", "B", "L", "A", NULL }, TRUE },
    { { "X/1", "A", "L", NULL, NULL }, { "X/2", "B", "L", NULL, NULL }, FALSE },
    /* folders */
    { { "X/1", "A", "L", NULL, NULL }, { "Y/1", "A", "L", NULL, NULL }, FALSE },
    /* releases, whatever the other tags say */
    { { "X/1", "A", "L", NULL, "r" }, { "Y/1", "B", "M", NULL, "r" }, TRUE },
    { { "X/1", "A", "L", NULL, "r" }, { "X/1", "A", "L", NULL, "s" }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *a
        = put_on_album (f->store, cases[i].a.path, cases[i].a.artist,
            cases[i].a.album, cases[i].a.album_artist, cases[i].a.release);
    g_autofree gchar *b
        = put_on_album (f->store, cases[i].b.path, cases[i].b.artist,
            cases[i].b.album, cases[i].b.album_artist, cases[i].b.release);

    if (g_str_equal (a, b) != cases[i].is_one)
      g_error ("case %u: %s, %s", i, cases[i].a.path, cases[i].b.path);
    remove_one (f->store, cases[i].a.path);
    remove_one (f->store, cases[i].b.path);
    g_assert_cmpuint (count_albums (f->store), ==, 0);
  }
}

static void
a_compilation_is_one_album_of_various_artists (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tracks = new_tracks (), albums = NULL;
  g_autofree gchar *next = NULL;
  const SyrinxGroup *album;

  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *path = g_strdup_printf ("Hits/%u", i);
    SyrinxTrack *track = new_track (path, path, path + 5, "Hits", NULL);

    track->is_compilation = TRUE;
    g_ptr_array_add (tracks, track);
  }
  put_all (f->store, tracks);
  albums
      = syrinx_store_list_albums (f->store, NULL, NULL, 9, NULL, &next, NULL);
  g_assert_cmpuint (albums->len, ==, 1);
  album = albums->pdata[0];
  g_assert_cmpstr (album->artist, ==, "Various Artists");
  g_assert_true (album->is_compilation);
  g_assert_cmpuint (album->n_tracks, ==, 3);
}

static void
an_album_of_several_artists_is_each_ones (Fixture *f, gconstpointer data)
{
  static const gchar *const both[] = { "Anna", "Otto", NULL };
  g_autoptr (GPtrArray) tracks = new_tracks ();
  SyrinxTrack *track = new_track ("p", "T", "Anna", "Palindromes", NULL);

  track->album_artists = g_strdupv ((gchar **)both);
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  for (guint i = 0; both[i]; i++) {
    g_autofree gchar *next = NULL;
    g_autoptr (GPtrArray) albums = syrinx_store_list_albums (
        f->store, both[i], NULL, 9, NULL, &next, NULL);
    g_autoptr (GPtrArray) artists
        = syrinx_store_find_groups (f->store, both[i], FALSE, NULL, 9, NULL);
    const SyrinxGroup *album;

    g_assert_cmpuint (albums->len, ==, 1);
    album = albums->pdata[0];
    g_assert_cmpstr (album->artist, ==, "Anna, Otto");
    g_assert_cmpuint (artists->len, ==, 1);
    g_assert_cmpuint (((SyrinxGroup *)artists->pdata[0])->n_albums, ==, 1);
    g_assert_cmpuint (((SyrinxGroup *)artists->pdata[0])->n_tracks, ==, 1);
  }
}

/* The index may be deleted: references to an album remain valid. */
static void
ids_are_the_same_in_another_index (Fixture *f, gconstpointer data)
{
  Fixture other;
  g_autofree gchar *next = NULL;
  g_autofree gchar *a
      = put_on_album (f->store, "X/CD1/1", "Łona", "Album", NULL, NULL);
  g_autofree gchar *b = NULL;
  g_autoptr (GPtrArray) here = NULL, there = NULL;

  set_up (&other, NULL);
  put_n (other.store, 10, "Something else");
  b = put_on_album (other.store, "X/CD2/2", "LONA", "ALBUM", NULL, NULL);
  g_assert_cmpstr (a, ==, b);
  here = syrinx_store_find_groups (f->store, "lona", FALSE, NULL, 9, NULL);
  there = syrinx_store_find_groups (other.store, "lona", FALSE, NULL, 9, NULL);
  g_assert_cmpstr (((SyrinxGroup *)here->pdata[0])->id, ==,
      ((SyrinxGroup *)there->pdata[0])->id);
  tear_down (&other, NULL);
}

/* --- Folders --- */

static SyrinxFolderPage *
list (SyrinxStore *store, const gchar *path, guint limit, const gchar *cursor)
{
  g_autoptr (GError) error = NULL;
  SyrinxFolderPage *page
      = syrinx_store_list_folder (store, path, limit, cursor, &error);

  g_assert_no_error (error);
  return page;
}

/* Names of folders, then titles of tracks, each ended by a space. */
static gchar *
describe (SyrinxStore *store, const gchar *path)
{
  g_autoptr (SyrinxFolderPage) page = list (store, path, 100, NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < page->folders->len; i++)
    g_string_append_printf (
        text, "%s/ ", ((SyrinxFolder *)page->folders->pdata[i])->name);
  for (guint i = 0; i < page->tracks->len; i++)
    g_string_append_printf (
        text, "%s ", ((SyrinxTrack *)page->tracks->pdata[i])->title);
  return g_string_free (text, FALSE);
}

static void
assert_folder (SyrinxStore *store, const gchar *path, const gchar *expected)
{
  g_autofree gchar *text = describe (store, path);

  g_assert_cmpstr (text, ==, expected);
}

static void
untagged_files_are_reachable_by_folder (Fixture *f, gconstpointer data)
{
  static const gchar *const paths[] = { "top", "a/one", "a/two", "a/b/three",
    "a-b/four", "c/d/e/five", "%/six" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    const gchar *slash = strrchr (paths[i], '/');
    g_autofree gchar *id = put_one (
        f->store, paths[i], slash ? slash + 1 : paths[i], NULL, NULL, NULL);
  }
  assert_folder (f->store, "", "%/ a/ a-b/ c/ top ");
  assert_folder (f->store, "a", "b/ one two ");
  assert_folder (f->store, "/a/", "b/ one two ");
  assert_folder (f->store, "a/b", "three ");
  assert_folder (f->store, "c/d", "e/ ");
  assert_folder (f->store, "%", "six ");
  assert_folder (f->store, "nowhere", "");
  assert_folder (f->store, "..", "");
  remove_one (f->store, "c/d/e/five");
  remove_one (f->store, "a/b/three");
  assert_folder (f->store, "", "%/ a/ a-b/ top ");
  assert_folder (f->store, "a", "one two ");
  assert_folder (f->store, "c", "");
}

static void
a_folder_of_any_bytes_can_be_listed (Fixture *f, gconstpointer data)
{
  g_autofree gchar *id
      = put_one (f->store, "latin-\xe4/x\xff/1", "T", NULL, NULL, NULL);
  g_autoptr (SyrinxFolderPage) top = list (f->store, "", 9, NULL);
  const SyrinxFolder *folder = top->folders->pdata[0];
  g_autoptr (SyrinxFolderPage) below = list (f->store, folder->path, 9, NULL);
  g_autoptr (SyrinxFolderPage) last = NULL;

  g_assert_true (g_utf8_validate (folder->name, -1, NULL));
  g_assert_true (g_utf8_validate (folder->path, -1, NULL));
  g_assert_cmpuint (below->folders->len, ==, 1);
  folder = below->folders->pdata[0];
  last = list (f->store, folder->path, 9, NULL);
  g_assert_cmpuint (last->tracks->len, ==, 1);
}

static void
pages_of_a_folder_show_everything_once (Fixture *f, gconstpointer data)
{
  static const guint limits[] = { 1, 2, 3, 7, 50 };

  for (guint i = 0; i < 9; i++) {
    g_autofree gchar *in = g_strdup_printf ("x/folder %u/1", i);
    g_autofree gchar *at = g_strdup_printf ("x/%u", i);
    g_autofree gchar *a = put_one (f->store, in, in, NULL, NULL, NULL);
    g_autofree gchar *b = put_one (f->store, at, at, NULL, NULL, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_autofree gchar *cursor = NULL;
    guint n_folders = 0, n_tracks = 0;

    do {
      g_autoptr (SyrinxFolderPage) page
          = list (f->store, "x", limits[i], cursor);

      n_folders += page->folders->len;
      n_tracks += page->tracks->len;
      g_assert_cmpuint (page->folders->len + page->tracks->len, <=, limits[i]);
      g_free (cursor);
      cursor = g_strdup (page->next_cursor);
    } while (cursor);
    g_assert_cmpuint (n_folders, ==, 9);
    g_assert_cmpuint (n_tracks, ==, 9);
  }
}

#define ADD(test)                                                              \
  g_test_add ("/albums/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (albums_and_artists_are_counted);
  ADD (a_changed_tag_moves_the_track_and_drops_empty_albums);
  ADD (forty_greatest_hits_are_forty_albums);
  ADD (albums_are_told_apart_as_people_do);
  ADD (a_compilation_is_one_album_of_various_artists);
  ADD (an_album_of_several_artists_is_each_ones);
  ADD (ids_are_the_same_in_another_index);
  ADD (untagged_files_are_reachable_by_folder);
  ADD (a_folder_of_any_bytes_can_be_listed);
  ADD (pages_of_a_folder_show_everything_once);
  return g_test_run ();
}
