/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary index for a test. */
#include "index-fixture.h"

#include "tests/support/tree.h"

void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-store-XXXXXX", NULL);
  f->store = syrinx_store_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
}

void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->store, syrinx_store_unref);
  tree_remove (f->dir);
  g_free (f->dir);
}

SyrinxTrack *
new_track (const gchar *path, const gchar *title, const gchar *artist,
    const gchar *album, const gchar *genre)
{
  SyrinxTrack *track = g_new0 (SyrinxTrack, 1);

  track->root = g_strdup (ROOT);
  track->path = g_strdup (path);
  track->size_bytes = 1000;
  track->mtime_ns = 2000;
  track->ctime_ns = 3000;
  track->fingerprint = g_strdup (path);
  track->title = g_strdup (title);
  track->artist = g_strdup (artist);
  track->album = g_strdup (album);
  track->genre = g_strdup (genre);
  track->codec = g_strdup ("flac");
  track->sample_rate_hz = 44100;
  track->channels = 2;
  track->n_samples = 44100 * 10;
  return track;
}

GPtrArray *
new_tracks (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
}

void
put_all (SyrinxStore *store, GPtrArray *tracks)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_store_put_tracks (store, tracks, &error));
  g_assert_no_error (error);
}

/* Adds a track and returns its id. (transfer full) */
gchar *
put_one (SyrinxStore *store, const gchar *path, const gchar *title,
    const gchar *artist, const gchar *album, const gchar *genre)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();

  g_ptr_array_add (tracks, new_track (path, title, artist, album, genre));
  put_all (store, tracks);
  return g_strdup (((SyrinxTrack *)tracks->pdata[0])->id);
}

void
put_n (SyrinxStore *store, guint n, const gchar *title)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *path = g_strdup_printf ("n/%05u", i);
    g_autofree gchar *name = g_strdup_printf ("%s %u", title, i);
    g_autofree gchar *artist = g_strdup_printf ("Artist %u", i / 10);

    g_ptr_array_add (tracks, new_track (path, name, artist, "Album", "Genre"));
  }
  put_all (store, tracks);
}

GPtrArray *
find (SyrinxStore *store, const SyrinxTrackQuery *query)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *next = NULL;
  GPtrArray *found = syrinx_store_find_tracks (store, query, &next, &error);

  g_assert_no_error (error);
  return found;
}

GPtrArray *
find_words (SyrinxStore *store, const gchar *q)
{
  return find (store, &(SyrinxTrackQuery){ .q = q, .limit = 50 });
}

void
assert_count (SyrinxStore *store, const gchar *q, guint n)
{
  g_autoptr (GPtrArray) found = find_words (store, q);

  if (found->len != n)
    g_error ("%s: %u found, %u expected", q, found->len, n);
}

void
assert_first (SyrinxStore *store, const gchar *q, const gchar *title)
{
  g_autoptr (GPtrArray) found = find_words (store, q);

  g_assert_cmpuint (found->len, >, 0);
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[0])->title, ==, title);
}

void
remove_one (SyrinxStore *store, const gchar *path)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (paths, (gpointer)path);
  g_assert_true (syrinx_store_remove_paths (store, ROOT, paths, &error));
  g_assert_no_error (error);
}
