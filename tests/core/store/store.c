/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of the content store: what is put in is found, and only that. */
#include "tests/support/tree.h"

#include "core/base/error.h"
#include "core/access/grant.h"
#include "core/base/identifier.h"
#include "core/store/store.h"

#include <glib/gstdio.h>
#include <string.h>

#define ROOT "/music"

typedef struct
{
  gchar *dir;
  SyrinxStore *store;
} Fixture;

/* --- Helpers --- */

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-store-XXXXXX", NULL);
  f->store = syrinx_store_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->store, syrinx_store_unref);
  tree_remove (f->dir);
  g_free (f->dir);
}

static SyrinxTrack *
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

static GPtrArray *
new_tracks (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
}

static void
put_all (SyrinxStore *store, GPtrArray *tracks)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (syrinx_store_put_tracks (store, tracks, &error));
  g_assert_no_error (error);
}

/* Puts one and returns its id. (transfer full) */
static gchar *
put_one (SyrinxStore *store, const gchar *path, const gchar *title,
    const gchar *artist, const gchar *album, const gchar *genre)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();

  g_ptr_array_add (tracks, new_track (path, title, artist, album, genre));
  put_all (store, tracks);
  return g_strdup (((SyrinxTrack *)tracks->pdata[0])->id);
}

static void
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

static GPtrArray *
find (SyrinxStore *store, const SyrinxTrackQuery *query)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *next = NULL;
  GPtrArray *found = syrinx_store_find_tracks (store, query, &next, &error);

  g_assert_no_error (error);
  return found;
}

static GPtrArray *
find_words (SyrinxStore *store, const gchar *q)
{
  return find (store, &(SyrinxTrackQuery){ .q = q, .limit = 50 });
}

static void
assert_count (SyrinxStore *store, const gchar *q, guint n)
{
  g_autoptr (GPtrArray) found = find_words (store, q);

  if (found->len != n)
    g_error ("%s: %u found, %u expected", q, found->len, n);
}

static void
assert_first (SyrinxStore *store, const gchar *q, const gchar *title)
{
  g_autoptr (GPtrArray) found = find_words (store, q);

  g_assert_cmpuint (found->len, >, 0);
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[0])->title, ==, title);
}

static void
remove_one (SyrinxStore *store, const gchar *path)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (paths, (gpointer)path);
  g_assert_true (syrinx_store_remove_paths (store, ROOT, paths, &error));
  g_assert_no_error (error);
}

/* --- Finding --- */

static void
words_are_found_folded_and_by_their_beginnings (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const gchar *q;
    guint n;
  } cases[] = {
    { "beyonce", 1 },
    { "BEYONCÉ", 1 },
    { "bey", 1 },
    { "b", 1 },
    { "eyonce", 0 },
    { "halo bey", 1 },
    { "bey halo", 1 },
    { "halo nobody", 0 },
    { "sigur ros", 1 },
    { "Sigur Rós", 1 },
    { "песня", 1 },
    { "ПЕС", 1 },
    { "夜", 1 },
    { "rock", 1 },
    { "takk", 1 },
    { "takk takk", 1 },
    { "!!!", 0 },
    { "...", 0 },
    { " ", 0 },
    { "ac/dc", 1 },
    { "acdc", 0 },
    { "hoppípolla", 1 },
    { "hoppipollaa", 0 },
  };
  g_autofree gchar *a
      = put_one (f->store, "a", "Halo", "Beyoncé", "I Am", "Pop");
  g_autofree gchar *b
      = put_one (f->store, "b", "Hoppípolla", "Sigur Rós", "Takk", "Rock");
  g_autofree gchar *c = put_one (f->store, "c", "Песня", "夜想曲", NULL, NULL);
  g_autofree gchar *d = put_one (f->store, "d", "TNT", "AC/DC", "", "");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_count (f->store, cases[i].q, cases[i].n);
}

static void
hostile_queries_are_words_and_never_syntax (Fixture *f, gconstpointer data)
{
  static const gchar *const cases[] = { "\"", "\"\"", "love\"", "love*", "*",
    "love OR hate", "love NOT hate", "NEAR(love hate)", "title:love",
    "{title artist}: love", "^love", "love AND", "-love", "(love", "love)",
    "'; DROP TABLE tracks; --", "love + hate", "\xf3\xb0\x80\x80", "%s%n",
    "love\nhate", "search", "rowid" };
  g_autofree gchar *a = put_one (f->store, "a", "Love", "Low", "Lo", NULL);
  g_autofree gchar *long_word = g_strnfill (65, 'a');
  g_autoptr (GString) many = g_string_new (NULL);
  const gchar *refused[] = { long_word, NULL, "\xff\xfe" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) found = find_words (f->store, cases[i]);

    g_assert_cmpuint (found->len, <=, 1);
  }
  assert_count (f->store, "love OR hate", 0);
  assert_count (f->store, "love*", 1);
  assert_count (f->store, "lov \"lo", 1);
  for (guint i = 0; i < 65; i++)
    g_string_append (many, "a ");
  refused[1] = many->str;
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *next = NULL;

    g_assert_null (syrinx_store_find_tracks (f->store,
        &(SyrinxTrackQuery){ .q = refused[i], .limit = 50 }, &next, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

static void
exact_titles_come_first_then_the_densest_matches (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a",
      "Lovers of the night in the city", "The Long Named Band", "Lovers", NULL);
  g_autofree gchar *b = put_one (f->store, "b", "Love",
      "A Band With Rather Many Words In Its Name",
      "An Album With Rather Many Words In Its Name", "Rock and Roll");
  g_autofree gchar *c = put_one (f->store, "c", "Lovely", "X", "Y", NULL);
  g_autofree gchar *d
      = put_one (f->store, "d", "Lovesong", "Loveband", "Lovealbum", NULL);
  g_autoptr (GPtrArray) found = find_words (f->store, "love");

  g_assert_cmpuint (found->len, ==, 4);
  assert_first (f->store, "love", "Love");
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[1])->title, ==, "Lovesong");
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[2])->title, ==, "Lovely");
}

static void
filters_compare_folded_names (Fixture *f, gconstpointer data)
{
  static const struct
  {
    SyrinxTrackQuery query;
    guint n;
  } cases[] = {
    { { .artist = "beyonce", .limit = 10 }, 2 },
    { { .artist = "beyo", .limit = 10 }, 0 },
    { { .artist = "Jay-Z", .limit = 10 }, 1 },
    { { .album = "i am", .limit = 10 }, 2 },
    { { .artist = "BEYONCE", .album = "I AM", .limit = 10 }, 2 },
    { { .artist = "BEYONCE", .album = "Other", .limit = 10 }, 0 },
    { { .genre = "pop", .limit = 10 }, 2 },
    { { .genre = "r b", .limit = 10 }, 1 },
    { { .q = "ha", .genre = "POP", .limit = 10 }, 1 },
    { { .q = "ha", .genre = "rock", .limit = 10 }, 0 },
    { { .q = "ha", .artist = "beyonce", .limit = 10 }, 1 },
    { { .q = "ha", .album = "i am", .limit = 10 }, 1 },
    { { .artist = "!!!", .limit = 10 }, 1 },
    { { .limit = 10 }, 4 },
  };
  g_autofree gchar *a
      = put_one (f->store, "a", "Halo", "Beyoncé", "I Am", "Pop");
  g_autofree gchar *b
      = put_one (f->store, "b", "Diva", "Beyoncé", "I Am", "R&B");
  g_autofree gchar *d = put_one (f->store, "d", "Yadnus", "!!!", NULL, NULL);
  g_autoptr (GPtrArray) guests = new_tracks ();
  SyrinxTrack *guest = new_track ("c", "Crazy", "Jay-Z", "Hits", "Pop");

  guest->album_artist = g_strdup ("Various");
  g_ptr_array_add (guests, guest);
  put_all (f->store, guests);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) found = find (f->store, &cases[i].query);

    if (found->len != cases[i].n)
      g_error ("case %u: %u found", i, found->len);
  }
}

/* --- Paging --- */

static guint
visit_all (SyrinxStore *store, SyrinxTrackQuery query, guint change_at)
{
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree gchar *cursor = NULL;
  guint page = 0;

  do {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *next = NULL;
    g_autoptr (GPtrArray) found = NULL;

    query.cursor = cursor;
    found = syrinx_store_find_tracks (store, &query, &next, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (found->len, <=, query.limit);
    for (guint i = 0; i < found->len; i++) {
      SyrinxTrack *track = found->pdata[i];

      if (!g_hash_table_add (seen, g_strdup (track->id)))
        g_error ("%s was shown twice", track->title);
    }
    if (++page == change_at) {
      g_autofree gchar *new_one
          = put_one (store, "new", "Song song song", "Song", "Song", NULL);
    }
    g_free (cursor);
    cursor = g_steal_pointer (&next);
  } while (cursor);
  return g_hash_table_size (seen);
}

static void
paging_visits_every_track_once (Fixture *f, gconstpointer data)
{
  static const guint limits[] = { 1, 7, 50, 99, 100, 101, 500 };
  g_autofree gchar *a = put_one (f->store, "x", "Song", "S", NULL, NULL);
  g_autofree gchar *b = put_one (f->store, "y", "SONG!", "S", NULL, NULL);

  put_n (f->store, 400, "Song");
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_assert_cmpuint (
        visit_all (
            f->store, (SyrinxTrackQuery){ .q = "so", .limit = limits[i] }, 0),
        ==, 402);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){
                .q = "song", .genre = "genre", .limit = limits[i] },
            0),
        ==, 400);
    g_assert_cmpuint (
        visit_all (f->store, (SyrinxTrackQuery){ .limit = limits[i] }, 0), ==,
        402);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){ .genre = "genre", .limit = limits[i] }, 0),
        ==, 400);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){ .album = "album", .limit = limits[i] }, 0),
        ==, 400);
  }
}

static void
a_change_between_pages_shows_no_track_twice (Fixture *f, gconstpointer data)
{
  put_n (f->store, 300, "Song");
  g_assert_cmpuint (
      visit_all (f->store, (SyrinxTrackQuery){ .q = "song", .limit = 20 }, 2),
      >=, 300);
}

static void
a_cursor_of_another_query_is_refused (Fixture *f, gconstpointer data)
{
  g_autofree gchar *next = NULL, *unused = NULL;
  g_autoptr (GPtrArray) found = NULL;
  const gchar *wrong[] = { NULL, "", "AAAA", "!!", "\n" };

  put_n (f->store, 30, "Song");
  found = syrinx_store_find_tracks (
      f->store, &(SyrinxTrackQuery){ .q = "song", .limit = 10 }, &next, NULL);
  g_assert_nonnull (next);
  wrong[0] = next;
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (syrinx_store_find_tracks (f->store,
        &(SyrinxTrackQuery){ .q = "artist", .limit = 10, .cursor = wrong[i] },
        &unused, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
    g_assert_null (unused);
  }
}

/* --- Albums and artists --- */

static void
albums_and_artists_are_counted (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a", "One", "Zed", "Émile", NULL);
  g_autofree gchar *b = put_one (f->store, "b", "Two", "ZED", "emile", NULL);
  g_autofree gchar *c = put_one (f->store, "c", "Three", "Abba", "Gold", NULL);
  g_autofree gchar *d = put_one (f->store, "d", "Four", "Abba", NULL, NULL);
  g_autofree gchar *next = NULL, *last = NULL, *none = NULL;
  g_autoptr (GPtrArray) artists
      = syrinx_store_list_artists (f->store, 10, NULL, &none, NULL);
  g_autoptr (GPtrArray) albums
      = syrinx_store_list_albums (f->store, NULL, 1, NULL, &next, NULL);
  g_autoptr (GPtrArray) more
      = syrinx_store_list_albums (f->store, NULL, 1, next, &last, NULL);
  g_autoptr (GPtrArray) zed
      = syrinx_store_list_albums (f->store, "zed", 10, NULL, &none, NULL);
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

/* --- Files --- */

static void
a_renamed_file_keeps_its_id (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "old", "Song", "S", NULL, NULL);
  g_autoptr (GPtrArray) tracks = new_tracks ();
  g_autoptr (SyrinxTrack) again = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxTrack *renamed = new_track ("new", "Song", "S", NULL, NULL);

  remove_one (f->store, "old");
  assert_count (f->store, "song", 0);
  g_assert_null (syrinx_store_get_track (f->store, a, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);

  g_free (renamed->fingerprint);
  renamed->fingerprint = g_strdup ("old"); /* the content is the same */
  g_ptr_array_add (tracks, renamed);
  put_all (f->store, tracks);
  g_assert_cmpstr (renamed->id, ==, a);
  assert_count (f->store, "song", 1);
  again = syrinx_store_get_track (f->store, a, NULL);
  g_assert_cmpstr (again->path, ==, "new");
}

static void
a_copy_is_another_track (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "one", "Song", "S", NULL, NULL);
  g_autoptr (GPtrArray) tracks = new_tracks ();
  SyrinxTrack *copy = new_track ("two", "Song", "S", NULL, NULL);

  g_free (copy->fingerprint);
  copy->fingerprint = g_strdup ("one");
  g_ptr_array_add (tracks, copy);
  put_all (f->store, tracks);
  g_assert_cmpstr (copy->id, !=, a);
  assert_count (f->store, "song", 2);
}

static void
note_file (const gchar *path, gint64 size_bytes, gint64 mtime_ns,
    gint64 ctime_ns, const gchar *reason, gpointer user_data)
{
  g_string_append_printf (user_data, "%s %d %d %d %s\n", path, (gint)size_bytes,
      (gint)mtime_ns, (gint)ctime_ns, reason ? reason : "-");
}

static void
failures_are_kept_per_path_until_it_is_good (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) files = g_string_new (NULL);
  g_autofree gchar *a = NULL;

  g_assert_true (syrinx_store_put_failure (
      f->store, ROOT, "bad\n\xff", 5, 6, 7, "it is broken", NULL));
  syrinx_store_foreach_file (f->store, ROOT, note_file, files, NULL);
  g_assert_cmpstr (files->str, ==, "bad\n\xff 5 6 7 it is broken\n");
  a = put_one (f->store, "bad\n\xff", "Song", "S", NULL, NULL);
  g_string_truncate (files, 0);
  syrinx_store_foreach_file (f->store, ROOT, note_file, files, NULL);
  g_assert_cmpstr (files->str, ==, "bad\n\xff 1000 2000 3000 -\n");

  g_assert_true (syrinx_store_put_failure (
      f->store, ROOT, "bad\n\xff", 7, 8, 9, "again", NULL));
  assert_count (f->store, "song", 0);
  g_string_truncate (files, 0);
  syrinx_store_foreach_file (f->store, ROOT, note_file, files, NULL);
  g_assert_cmpstr (files->str, ==, "bad\n\xff 7 8 9 again\n");
}

static void
every_field_of_a_track_comes_back (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();
  g_autoptr (SyrinxTrack) back = NULL;
  SyrinxTrack *track = new_track ("p", "T", "A", "B", "G");

  track->album_artist = g_strdup ("AA");
  track->original_year = 1971;
  track->n_tracks = 12;
  track->n_discs = 4;
  track->is_compilation = TRUE;
  track->mb_release_id = g_strdup ("a2c8");
  track->has_album_gain = TRUE;
  track->album_gain_db = -5.5;
  track->album_peak = 0.75;
  track->year = 1999;
  track->track_number = 3;
  track->disc_number = 2;
  track->bitrate_bps = 900000;
  track->packet_bps = 130000;
  track->packet_pre_skip = 312;
  track->artwork = g_strdup ("cafe");
  track->artwork_type = g_strdup ("image/png");
  track->added_at_s = 42;
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  g_assert_true (syrinx_store_set_gain (f->store, track->id, -7.5, 0.9, NULL));
  back = syrinx_store_get_track (f->store, track->id, NULL);
  g_assert_cmpstr (back->root, ==, ROOT);
  g_assert_cmpstr (back->album_artist, ==, "AA");
  g_assert_cmpint (back->year, ==, 1999);
  g_assert_cmpint (back->track_number, ==, 3);
  g_assert_cmpint (back->disc_number, ==, 2);
  g_assert_cmpuint (back->bitrate_bps, ==, 900000);
  g_assert_cmpuint (back->packet_bps, ==, 130000);
  g_assert_cmpuint (back->packet_pre_skip, ==, 312);
  g_assert_cmpstr (back->artwork, ==, "cafe");
  g_assert_cmpstr (back->artwork_type, ==, "image/png");
  g_assert_cmpint (back->added_at_s, ==, 42);
  g_assert_true (back->has_gain);
  g_assert_cmpfloat (back->gain_db, ==, -7.5);
  g_assert_cmpfloat (back->peak, ==, 0.9);
  g_assert_cmpint (back->ctime_ns, ==, 3000);
  g_assert_cmpint (back->original_year, ==, 1971);
  g_assert_cmpint (back->n_tracks, ==, 12);
  g_assert_cmpint (back->n_discs, ==, 4);
  g_assert_true (back->is_compilation);
  g_assert_cmpstr (back->mb_release_id, ==, "a2c8");
  g_assert_true (back->has_album_gain);
  g_assert_cmpfloat (back->album_gain_db, ==, -5.5);
  g_assert_cmpfloat (back->album_peak, ==, 0.75);
  g_assert_null (back->details);
}

static SyrinxTrackDetails *
new_details (void)
{
  static const gchar *const sorts[] = { "Drei, Eva", "Vier, Fritz", NULL };
  SyrinxTrackDetails *details = syrinx_track_details_new ();

  details->date = g_strdup ("06.05.2004");
  details->original_date = g_strdup ("May 1971");
  details->title_sort = g_strdup ("Title, The");
  details->album_sort = g_strdup ("Album, The");
  details->artist_sorts = g_strdupv ((gchar **)sorts);
  details->bpm = 123.5;
  details->mb_recording_id = g_strdup ("1");
  details->mb_track_id = g_strdup ("2");
  details->mb_release_group_id = g_strdup ("3");
  details->mb_artist_ids = g_strdupv ((gchar **)sorts);
  details->lyrics = g_strdup ("La\nla");
  details->synced_lyrics = g_strdup ("[00:01.00]La");
  syrinx_track_details_add_chapter (details, 0, 5, g_strdup ("One\ntwo"));
  syrinx_track_details_add_chapter (details, 5, 0, g_strdup (""));
  return details;
}

static void
details_come_back_with_their_track_and_go_with_its_tags (
    Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tracks = new_tracks (), found = NULL;
  g_autoptr (SyrinxTrack) back = NULL, bare = NULL;
  SyrinxTrack *track = new_track ("p", "T", "A", "B", "G");
  const SyrinxTrackDetails *details;
  const SyrinxChapter *chapters;
  g_autofree gchar *again = NULL;

  track->details = new_details ();
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  found = find_words (f->store, "t");
  g_assert_null (((SyrinxTrack *)found->pdata[0])->details);
  back = syrinx_store_get_track (f->store, track->id, NULL);
  details = back->details;
  g_assert_nonnull (details);
  g_assert_cmpstr (details->date, ==, "06.05.2004");
  g_assert_cmpstr (details->original_date, ==, "May 1971");
  g_assert_cmpstr (details->title_sort, ==, "Title, The");
  g_assert_cmpstr (details->album_sort, ==, "Album, The");
  g_assert_cmpstr (details->artist_sorts[1], ==, "Vier, Fritz");
  g_assert_null (details->album_artist_sorts);
  g_assert_cmpfloat (details->bpm, ==, 123.5);
  g_assert_cmpstr (details->mb_recording_id, ==, "1");
  g_assert_cmpstr (details->mb_track_id, ==, "2");
  g_assert_cmpstr (details->mb_release_group_id, ==, "3");
  g_assert_cmpuint (g_strv_length (details->mb_artist_ids), ==, 2);
  g_assert_cmpstr (details->lyrics, ==, "La\nla");
  g_assert_cmpstr (details->synced_lyrics, ==, "[00:01.00]La");
  g_assert_cmpuint (details->chapters->len, ==, 2);
  chapters = (const SyrinxChapter *)(gpointer)details->chapters->data;
  g_assert_cmpuint (chapters[0].end_ns, ==, 5);
  g_assert_cmpstr (chapters[0].title, ==, "One two");
  g_assert_cmpuint (chapters[1].start_ns, ==, 5);
  g_assert_cmpstr (chapters[1].title, ==, "");
  again = put_one (f->store, "p", "T", "A", "B", "G");
  bare = syrinx_store_get_track (f->store, again, NULL);
  g_assert_null (bare->details);
}

/* What was made of a file is kept while only its tags change. */
static void
a_track_that_sounds_different_says_so (Fixture *f, gconstpointer data)
{
  g_autofree gchar *id = put_one (f->store, "p", "T", "A", "B", "G");
  g_autoptr (GPtrArray) tracks = new_tracks ();
  SyrinxTrack *track = new_track ("p", "New title", "A", "B", "G");

  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  g_assert_false (track->sounds_different);
  track->n_samples++;
  put_all (f->store, tracks);
  g_assert_true (track->sounds_different);
  g_free (track->fingerprint);
  track->fingerprint = g_strdup ("other bytes");
  put_all (f->store, tracks);
  g_assert_true (track->sounds_different);
}

static void
names_of_a_list_are_shown_joined (Fixture *f, gconstpointer data)
{
  static const gchar *const artists[]
      = { "", "Eva Drei", "Fritz Vier", "Eva Drei", NULL };
  g_autoptr (GPtrArray) tracks = new_tracks ();
  g_autoptr (SyrinxTrack) back = NULL;
  SyrinxTrack *track = new_track ("p", "T", NULL, "B", "G");

  track->artists = g_strdupv ((gchar **)artists);
  track->album_artist = g_strdup ("Anna");
  track->album_artists = g_strsplit ("Anna", " ", -1);
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  back = syrinx_store_get_track (f->store, track->id, NULL);
  g_assert_cmpstr (back->artist, ==, "Eva Drei, Fritz Vier");
  g_assert_cmpuint (g_strv_length (back->artists), ==, 2);
  g_assert_cmpstr (back->artists[1], ==, "Fritz Vier");
  g_assert_null (back->album_artists);
}

static void
a_given_id_is_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();
  g_autofree gchar *id = syrinx_id_new ();
  g_autoptr (SyrinxTrack) back = NULL;
  SyrinxTrack *track = new_track ("p", "T", "A", "B", "G");

  track->id = g_strdup (id);
  g_ptr_array_add (tracks, track);
  g_ptr_array_add (tracks, new_track ("q", "T", "A", "B", "G"));
  put_all (f->store, tracks);
  g_assert_cmpstr (track->id, ==, id);
  g_assert_true (syrinx_store_set_gain (f->store, id, 1, 1, NULL));
  back = syrinx_store_get_track (f->store, id, NULL);
  g_assert_cmpstr (back->path, ==, "p");
}

/* --- Opening --- */

static void
a_second_writer_is_refused_with_the_holders_pid (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *pid = g_strdup_printf ("process %d", (gint)getpid ());
  g_autoptr (SyrinxStore) reader = NULL;

  g_assert_null (syrinx_store_open (f->dir, TRUE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, pid));
  reader = syrinx_store_open (f->dir, FALSE, NULL);
  g_assert_nonnull (reader);
  g_clear_error (&error);
  g_assert_false (
      syrinx_store_put_failure (reader, ROOT, "p", 1, 1, 1, "no", &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
}

static void
what_was_put_is_there_after_reopening (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a", "Song", "S", NULL, NULL);

  g_clear_pointer (&f->store, syrinx_store_unref);
  f->store = syrinx_store_open (f->dir, FALSE, NULL);
  g_assert_nonnull (f->store);
  assert_count (f->store, "song", 1);
  syrinx_store_unref (f->store);
  f->store = syrinx_store_open (f->dir, TRUE, NULL);
  g_assert_nonnull (f->store);
  assert_count (f->store, "song", 1);
}

static void
write_index (Fixture *f, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (f->dir, "index.db", NULL);

  g_clear_pointer (&f->store, syrinx_store_unref);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
a_file_that_cannot_be_migrated_is_kept (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (f->dir, "index.db", NULL);
  g_autofree gchar *after = NULL;
  g_autoptr (GError) error = NULL;

  write_index (f, "this is no data base, but it is somebody's");
  g_assert_null (syrinx_store_open (f->dir, TRUE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  g_assert_true (g_file_get_contents (path, &after, NULL, NULL));
  g_assert_cmpstr (after, ==, "this is no data base, but it is somebody's");
}

static void
an_empty_file_is_migrated_from_version_0 (Fixture *f, gconstpointer data)
{
  write_index (f, "");
  f->store = syrinx_store_open (f->dir, TRUE, NULL);
  g_assert_nonnull (f->store);
  assert_count (f->store, "song", 0);
}

/* What later versions brought is taken away again. */
static void
make_version_1 (Fixture *f)
{
  g_autofree gchar *path = g_build_filename (f->dir, "index.db", NULL);
  const gchar *argv[] = { "sqlite3", path,
    "ALTER TABLE tracks DROP COLUMN packet_bps;"
    "ALTER TABLE tracks DROP COLUMN packet_pre_skip;"
    "ALTER TABLE tracks DROP COLUMN ctime_ns;"
    "ALTER TABLE tracks DROP COLUMN artists;"
    "ALTER TABLE tracks DROP COLUMN album_artists;"
    "ALTER TABLE tracks DROP COLUMN is_compilation;"
    "ALTER TABLE tracks DROP COLUMN n_discs;"
    "ALTER TABLE tracks DROP COLUMN n_tracks;"
    "ALTER TABLE tracks DROP COLUMN original_year;"
    "ALTER TABLE tracks DROP COLUMN album_gain_db;"
    "ALTER TABLE tracks DROP COLUMN album_peak;"
    "ALTER TABLE tracks DROP COLUMN mb_release_id;"
    "ALTER TABLE failures DROP COLUMN ctime_ns;"
    "DROP TABLE details;"
    "PRAGMA user_version = 1",
    NULL };
  g_autoptr (GError) error = NULL;
  gint status;

  g_clear_pointer (&f->store, syrinx_store_unref);
  g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

static void
an_index_of_version_1_keeps_its_tracks (Fixture *f, gconstpointer data)
{
  g_autofree gchar *id = put_one (f->store, "a", "Song", "S", NULL, NULL);
  g_autoptr (GPtrArray) tracks = new_tracks ();
  g_autoptr (SyrinxTrack) before = NULL, after = NULL;
  SyrinxTrack *track = new_track ("a", "Song", "S", NULL, NULL);

  make_version_1 (f);
  g_assert_null (syrinx_store_open (f->dir, FALSE, NULL));
  f->store = syrinx_store_open (f->dir, TRUE, NULL);
  g_assert_nonnull (f->store);
  assert_count (f->store, "song", 1);
  before = syrinx_store_get_track (f->store, id, NULL);
  g_assert_cmpuint (before->packet_bps, ==, 0);
  g_assert_cmpint (before->ctime_ns, ==, 0);
  track->packet_bps = 64000;
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  after = syrinx_store_get_track (f->store, id, NULL);
  g_assert_cmpuint (after->packet_bps, ==, 64000);
}

static void
there_is_nothing_to_read_in_an_empty_directory (Fixture *f, gconstpointer data)
{
  g_autofree gchar *dir = g_build_filename (f->dir, "empty", NULL);
  g_autoptr (GError) error = NULL;

  g_mkdir (dir, 0700);
  g_assert_null (syrinx_store_open (dir, FALSE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
}

/* --- Threads --- */

static gpointer
read_until_full (gpointer data)
{
  SyrinxStore *store = data;
  guint last = 0;

  while (last < 500) {
    g_autoptr (GPtrArray) found
        = find (store, &(SyrinxTrackQuery){ .q = "song", .limit = 500 });

    /* a batch is there as a whole or not at all */
    g_assert_cmpuint (found->len % 50, ==, 0);
    g_assert_cmpuint (found->len, >=, last);
    last = found->len;
  }
  return NULL;
}

static void
readers_see_whole_batches_while_a_writer_writes (Fixture *f, gconstpointer data)
{
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", read_until_full, f->store);
  for (guint batch = 0; batch < 10; batch++) {
    g_autoptr (GPtrArray) tracks = new_tracks ();

    for (guint i = 0; i < 50; i++) {
      g_autofree gchar *path = g_strdup_printf ("%u/%u", batch, i);

      g_ptr_array_add (tracks, new_track (path, "A song", "S", "B", NULL));
    }
    put_all (f->store, tracks);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* --- Renditions --- */

static void
put_rendition (SyrinxStore *store, const gchar *track_id, guint epoch)
{
  static const guint8 key[24] = { 1, 2, 3 };
  g_autoptr (GBytes) wrapped = g_bytes_new_static (key, sizeof key);
  g_autoptr (GError) error = NULL;
  SyrinxRenditionRow row = { .track_id = (gchar *)track_id,
    .name = (gchar *)"opus-128",
    .epoch = epoch,
    .wrapped_key = wrapped,
    .codecs = (gchar *)"opus",
    .timescale = 48000,
    .n_fragments = 3 };
  SyrinxFragmentRow fragments[] = { { 0, 100, { 7 } }, { 1, 200, { 8 } } };

  g_assert_true (syrinx_store_put_rendition (store, &row, &error));
  g_assert_no_error (error);
  g_assert_true (syrinx_store_put_fragments (
      store, track_id, "opus-128", epoch, fragments, 2, &error));
  g_assert_no_error (error);
}

static void
fragments_are_found_replaced_and_counted (Fixture *f, gconstpointer data)
{
  SyrinxFragmentRow row = { 0, 150, { 9 } };
  g_autoptr (SyrinxRenditionRow) rendition = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxStoreStats stats;

  put_rendition (f->store, "t", 1);
  put_rendition (f->store, "t", 2);
  rendition = syrinx_store_get_rendition (f->store, "t", "opus-128", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rendition->epoch, ==, 2);
  g_assert_cmpuint (g_bytes_get_size (rendition->wrapped_key), ==, 24);
  g_assert_true (
      syrinx_store_put_fragments (f->store, "t", "opus-128", 2, &row, 1, NULL));
  memset (&row, 0, sizeof row);
  g_assert_true (
      syrinx_store_get_fragment (f->store, "t", "opus-128", 2, 0, &row, NULL));
  g_assert_cmpint (row.size_bytes, ==, 150);
  g_assert_cmpuint (row.sha256[0], ==, 9);
  g_assert_true (
      syrinx_store_remove_fragment (f->store, "t", "opus-128", 2, 1, NULL));
  g_assert_false (syrinx_store_get_fragment (
      f->store, "t", "opus-128", 2, 1, &row, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_fragments, ==, 3);
  g_assert_cmpuint (stats.cache_bytes, ==, 450);
  g_assert_true (syrinx_store_remove_renditions (f->store, "t", NULL));
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.cache_bytes, ==, 0);
}

static gboolean
keep_playing (const gchar *track_id, const gchar *rendition, guint epoch,
    gpointer user_data)
{
  if (g_str_equal (track_id, "playing"))
    return FALSE;
  g_string_append_printf (user_data, "%s ", track_id);
  return TRUE;
}

static void
eviction_drops_what_was_used_longest_ago_and_keeps_what_plays (
    Fixture *f, gconstpointer data)
{
  g_autoptr (GString) gone = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  put_rendition (f->store, "playing", 1);
  put_rendition (f->store, "first", 1);
  put_rendition (f->store, "second", 1);
  put_rendition (f->store, "third", 1);
  syrinx_store_touch_rendition (f->store, "first", "opus-128", 1);
  g_assert_true (
      syrinx_store_evict (f->store, 700, keep_playing, gone, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (gone->str, ==, "second third ");
  g_assert_true (syrinx_store_evict (f->store, 0, keep_playing, gone, NULL));
  g_assert_cmpstr (gone->str, ==, "second third first ");
}

static void
revocations_are_kept_until_no_token_is_left (Fixture *f, gconstpointer data)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  SyrinxStore *store = f->store;

  g_assert_true (
      syrinx_store_put_revocation (store, "past", NULL, now_s - 5, NULL));
  g_assert_true (
      syrinx_store_put_revocation (store, "kept", NULL, now_s + 60, NULL));
  g_assert_true (
      syrinx_store_put_revocation (store, NULL, "eve", now_s - 5, NULL));
  g_clear_pointer (&f->store, syrinx_store_unref);
  f->store = syrinx_store_open (f->dir, TRUE, NULL);
  g_assert_false (syrinx_is_revoked ("eve", "other", now_s - 10));
  g_assert_true (syrinx_store_load_revocations (f->store, NULL));
  g_assert_true (syrinx_is_revoked ("bob", "kept", now_s - 10));
  g_assert_false (syrinx_is_revoked ("bob", "past", now_s - 10));
  g_assert_true (syrinx_is_revoked ("eve", "other", now_s - 10));
  g_assert_false (syrinx_is_revoked ("eve", "other", now_s));
}

static void
no_tag_holds_what_marks_are_made_of (Fixture *f, gconstpointer data)
{
  g_autofree gchar *id = put_one (f->store, "p",
      "A\xf3\xb0\x80\x80"
      "B",
      "\xf4\x80\x80\x80", "\xee\x80\x80", "G");
  g_autoptr (SyrinxTrack) track = syrinx_store_get_track (f->store, id, NULL);

  g_assert_cmpstr (track->title, ==, "A    B");
  g_assert_cmpstr (track->artist, ==, "\xf4\x80\x80\x80");
  g_assert_cmpstr (track->album, ==, "\xee\x80\x80");
}

/* Nobody closes the store meanwhile, and nobody writes again. */
static void
a_long_log_moves_into_the_file_while_the_store_is_open (
    Fixture *f, gconstpointer data)
{
  const guint n_tracks = 40, n_bytes = 1 << 20;
  g_autofree gchar *path = g_build_filename (f->dir, "index.db", NULL);
  g_autofree gchar *long_text = g_strnfill (n_bytes, 'x');
  g_autoptr (GPtrArray) tracks = new_tracks ();
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  GStatBuf st = { 0 };

  for (guint i = 0; i < n_tracks; i++) {
    g_autofree gchar *name = g_strdup_printf ("%u", i);
    SyrinxTrack *track = new_track (name, name, "A", "B", "G");

    g_free (track->codec);
    track->codec = g_strdup (long_text);
    g_ptr_array_add (tracks, track);
  }
  put_all (f->store, tracks);
  while (g_stat (path, &st) == 0 && st.st_size < (goffset)n_tracks * n_bytes
         && g_get_monotonic_time () < deadline)
    g_usleep (10000);
  g_assert_cmpint (st.st_size, >=, (goffset)n_tracks * n_bytes);
}

#define ADD(test)                                                              \
  g_test_add ("/store/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (words_are_found_folded_and_by_their_beginnings);
  ADD (hostile_queries_are_words_and_never_syntax);
  ADD (exact_titles_come_first_then_the_densest_matches);
  ADD (filters_compare_folded_names);
  ADD (paging_visits_every_track_once);
  ADD (a_change_between_pages_shows_no_track_twice);
  ADD (a_cursor_of_another_query_is_refused);
  ADD (albums_and_artists_are_counted);
  ADD (a_changed_tag_moves_the_track_and_drops_empty_albums);
  ADD (a_renamed_file_keeps_its_id);
  ADD (a_copy_is_another_track);
  ADD (failures_are_kept_per_path_until_it_is_good);
  ADD (every_field_of_a_track_comes_back);
  ADD (details_come_back_with_their_track_and_go_with_its_tags);
  ADD (a_track_that_sounds_different_says_so);
  ADD (names_of_a_list_are_shown_joined);
  ADD (a_given_id_is_kept);
  ADD (no_tag_holds_what_marks_are_made_of);
  ADD (a_second_writer_is_refused_with_the_holders_pid);
  ADD (what_was_put_is_there_after_reopening);
  ADD (a_file_that_cannot_be_migrated_is_kept);
  ADD (an_empty_file_is_migrated_from_version_0);
  ADD (an_index_of_version_1_keeps_its_tracks);
  ADD (there_is_nothing_to_read_in_an_empty_directory);
  ADD (a_long_log_moves_into_the_file_while_the_store_is_open);
  ADD (readers_see_whole_batches_while_a_writer_writes);
  ADD (fragments_are_found_replaced_and_counted);
  ADD (eviction_drops_what_was_used_longest_ago_and_keeps_what_plays);
  ADD (revocations_are_kept_until_no_token_is_left);
  return g_test_run ();
}
