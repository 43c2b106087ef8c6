/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of the content store: what is added is there, and nothing else. */
#include "index-fixture.h"

#include "core/access/grant.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define OLD_ID  "b2xkLW9sZC1vbGQtb2xkLQ"
#define GONE_ID "Z29uZS1nb25lLWdvbmUtLQ"

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

/* Renditions of a file are kept if only its tags change. */
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

/* The text of a migration. (transfer full) */
static gchar *
load_migration (guint to)
{
  g_autofree gchar *path
      = g_strdup_printf ("/org/syrinx/sql/migrate-%u.sql", to);
  g_autoptr (GBytes) bytes
      = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  g_assert_nonnull (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* Runs the SQLite shell on @sql. */
static void
run_sql (const gchar *dir, const gchar *sql)
{
  g_autofree gchar *path = g_build_filename (dir, "index.db", NULL);
  g_autofree gchar *script = g_build_filename (dir, "script.sql", NULL);
  g_autofree gchar *read = g_strdup_printf (".read %s", script);
  const gchar *argv[] = { "sqlite3", "-bail", path, read, NULL };
  g_autoptr (GError) error = NULL;
  gint status;

  g_file_set_contents (script, sql, -1, &error);
  g_assert_no_error (error);
  g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

/* An index of version 1 or 2 with two tracks, one of them missing. */
static void
make_old_index (Fixture *f, guint version)
{
  g_autoptr (GString) sql = g_string_new ("BEGIN;");
  g_autofree gchar *path = g_build_filename (f->dir, "index.db", NULL);

  g_clear_pointer (&f->store, syrinx_store_unref);
  g_remove (path);
  for (guint i = 1; i <= version; i++) {
    g_autofree gchar *step = load_migration (i);

    g_string_append (sql, step);
  }
  g_string_append_printf (sql,
      "PRAGMA user_version = %u;"
      "INSERT INTO roots VALUES (1, '" ROOT "');"
      "INSERT INTO artists VALUES (1, 'łona', 'Łona');"
      "INSERT INTO albums VALUES (1, 1, 'łona', 'album', 'Album');"
      "INSERT INTO tracks (track_number_id, id, id_is_given, root_id, path,"
      " path_number, size_bytes, mtime_ns, fingerprint, title, artist, album,"
      " year, track_number, disc_number, codec, sample_rate_hz, channels,"
      " n_samples, bitrate_bps, added_at_s, album_id, position,"
      " missing_since_s)"
      " VALUES (7, '" OLD_ID "', 1, 1, CAST ('a/b' AS BLOB), 0, 1000, 2000,"
      " 'x', 'Song', 'Łona', 'Album', 0, 0, 0, 'flac', 44100, 2, 441000, 1, 5,"
      " 1, 0, NULL),"
      " (8, '" GONE_ID "', 1, 1, CAST ('gone' AS BLOB), 0, 1000, 2000, 'gone',"
      " 'Gone', NULL, NULL, 0, 0, 0, 'flac', 44100, 2, 441000, 1, 5, NULL, 0,"
      " %" G_GINT64_FORMAT ");"
      "UPDATE totals SET n_tracks = 1, n_words = 3, duration_ns = 10000000000;"
      "COMMIT;",
      version, g_get_real_time () / G_USEC_PER_SEC);
  run_sql (f->dir, sql->str);
}

/* Tracks are found by present folding, in a folder and in an album. */
static void
assert_old_index_is_whole (Fixture *f)
{
  g_autoptr (SyrinxTrack) track = NULL;
  g_autoptr (GPtrArray) albums = NULL, groups = NULL;
  g_autoptr (SyrinxFolderPage) page = NULL;
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxStoreStats stats;

  f->store = syrinx_store_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
  assert_count (f->store, "lona song", 1);
  assert_count (f->store, "gone", 0);
  track = syrinx_store_get_track (f->store, OLD_ID, NULL);
  g_assert_nonnull (track);
  g_assert_cmpint (track->ctime_ns, ==, 0);
  g_assert_cmpuint (track->packet_bps, ==, 0);
  albums = syrinx_store_list_albums (
      f->store, "lona", NULL, 10, NULL, &next, NULL);
  g_assert_cmpuint (albums->len, ==, 1);
  groups = syrinx_store_find_groups (f->store, "lona", FALSE, NULL, 10, NULL);
  g_assert_cmpuint (groups->len, ==, 1);
  page = syrinx_store_list_folder (f->store, "a", 10, NULL, NULL);
  g_assert_cmpuint (page->tracks->len, ==, 1);
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_tracks, ==, 1);
  g_assert_cmpuint (stats.n_artists, ==, 1);
  g_assert_cmpuint (
      stats.duration_ns, ==, 10 * G_GUINT64_CONSTANT (1000000000));
}

static void
an_index_of_any_older_version_keeps_its_tracks (Fixture *f, gconstpointer data)
{
  for (guint version = 1; version < 4; version++) {
    g_autoptr (GPtrArray) tracks = new_tracks ();
    SyrinxTrack *track = new_track ("came/back", "Gone", NULL, NULL, NULL);

    make_old_index (f, version);
    g_assert_null (syrinx_store_open (f->dir, FALSE, NULL));
    assert_old_index_is_whole (f);
    g_free (track->fingerprint);
    track->fingerprint = g_strdup ("gone");
    track->packet_bps = 64000;
    g_ptr_array_add (tracks, track);
    put_all (f->store, tracks);
    g_assert_cmpstr (track->id, ==, GONE_ID);
  }
}

/* The migration fails half-way: a table of the next version is there. */
static void
an_index_that_cannot_be_made_anew_stays_as_it_was (
    Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  make_old_index (f, 2);
  run_sql (f->dir, "CREATE TABLE folders (path);");
  g_assert_null (syrinx_store_open (f->dir, TRUE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  run_sql (f->dir, "DROP TABLE folders;");
  assert_old_index_is_whole (f);
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

    /* a batch is visible as a whole or not at all */
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
  g_assert_false (syrinx_store_get_fragment (
      f->store, "t", "opus-128", 2, 2, &row, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND);
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_fragments, ==, 4);
  g_assert_cmpuint (stats.cache_bytes, ==, 650);
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

/* Nothing closes the store meanwhile, and nothing is written any more. */
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
  ADD (an_index_of_any_older_version_keeps_its_tracks);
  ADD (an_index_that_cannot_be_made_anew_stays_as_it_was);
  ADD (there_is_nothing_to_read_in_an_empty_directory);
  ADD (a_long_log_moves_into_the_file_while_the_store_is_open);
  ADD (readers_see_whole_batches_while_a_writer_writes);
  ADD (fragments_are_found_replaced_and_counted);
  ADD (eviction_drops_what_was_used_longest_ago_and_keeps_what_plays);
  ADD (revocations_are_kept_until_no_token_is_left);
  return g_test_run ();
}
