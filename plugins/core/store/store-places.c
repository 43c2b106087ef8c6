/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: the artists, albums, genres and folders of tracks. Their rows are
 * added with their first track and removed with their last. */
#include "store-private.h"

#include <string.h>

#define KIND_SHIFT  56
#define WORDS_SHIFT 40
#define MAX_WORDS   255
#define KIND_ALBUM  1

/* A name as spelled in a tag, found or added in this transaction. */
typedef struct
{
  gchar *key;
  gint64 id;
} Name;

struct _SyrinxPlaces
{
  SyrinxConnection *writer;                             /* (transfer none) */
  GHashTable *artists, *genres;                         /* spelling -> Name */
  GHashTable *albums;                                   /* id -> Name */
  GHashTable *left_artists, *left_albums, *left_genres; /* gint64 */
  SyrinxFolders *folders;
  SyrinxEntries *names;
  SyrinxWords *words; /* reused for each text */
  gchar *last_tags;   /* the tags that "last" was found for, (nullable) */
  SyrinxPlace last;   /* of the previous track */
};

static void
name_free (gpointer data)
{
  Name *name = data;

  g_free (name->key);
  g_free (name);
}

static GHashTable *
new_names (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, name_free);
}

static GHashTable *
new_numbers (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

SyrinxPlaces *
syrinx_places_new (SyrinxConnection *writer)
{
  SyrinxPlaces *places = g_new0 (SyrinxPlaces, 1);

  places->writer = writer;
  places->artists = new_names ();
  places->genres = new_names ();
  places->albums = new_names ();
  places->left_artists = new_numbers ();
  places->left_albums = new_numbers ();
  places->left_genres = new_numbers ();
  places->folders = syrinx_folders_new (writer);
  places->names = syrinx_entries_new ();
  places->words = syrinx_words_new ();
  return places;
}

void
syrinx_places_free (SyrinxPlaces *places)
{
  g_hash_table_unref (places->artists);
  g_hash_table_unref (places->genres);
  g_hash_table_unref (places->albums);
  g_hash_table_unref (places->left_artists);
  g_hash_table_unref (places->left_albums);
  g_hash_table_unref (places->left_genres);
  syrinx_folders_free (places->folders);
  syrinx_entries_free (places->names);
  syrinx_words_free (places->words);
  g_free (places->last_tags);
  g_free (places);
}

/* --- Names that can be searched for --- */

gint64
syrinx_name_get_first_row (gboolean is_album)
{
  return is_album ? (gint64)KIND_ALBUM << KIND_SHIFT : 0;
}

gint64
syrinx_name_get_number (gint64 row)
{
  return row & (((gint64)1 << WORDS_SHIFT) - 1);
}

/* An album (@artist not NULL) is also found by its artist's words. */
static void
index_name (SyrinxPlaces *places, gint64 id, const gchar *name,
    const gchar *artist, gboolean is_removal)
{
  g_autofree gchar *words = NULL;
  gint64 n_words, row;

  syrinx_words_clear (places->words);
  syrinx_words_add_index (places->words, name);
  n_words = MIN (syrinx_words_count (places->words), MAX_WORDS);
  syrinx_words_add_index (places->words, artist);
  words = syrinx_words_join (places->words);
  row = syrinx_name_get_first_row (artist != NULL) | n_words << WORDS_SHIFT
        | id;
  syrinx_entries_add (places->names, row, words, is_removal);
}

/* --- Finding and entering --- */

static gint64
fail_zero (GError *local, GError **error)
{
  g_propagate_error (error, local);
  return 0;
}

/* The row that @statement finds for @text; 0: there is none, or @error is
 * set. */
static gint64
find_row (SyrinxPlaces *places, const gchar *statement, const gchar *text,
    GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, statement);
  GError *local = NULL;
  gint64 id = 0;

  syrinx_bind_text (st, 1, text);
  if (syrinx_statement_next (places->writer, st, &local))
    id = syrinx_column_int (st, "id");
  sqlite3_reset (st->stmt);
  return local ? fail_zero (local, error) : id;
}

static gint64
run_insert (SyrinxPlaces *places, SyrinxStatement *st, GError **error)
{
  return syrinx_statement_run (places->writer, st, error)
             ? sqlite3_last_insert_rowid (places->writer->db)
             : 0;
}

static gint64
add_artist (SyrinxPlaces *places, const gchar *key, const gchar *spelling,
    GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, "add-artist");
  g_autofree gchar *id = syrinx_artist_id (key);
  gint64 number;

  syrinx_bind_text (st, 1, id);
  syrinx_bind_text (st, 2, key);
  syrinx_bind_text (st, 3, spelling);
  number = run_insert (places, st, error);
  if (number != 0 && *key)
    index_name (places, number, spelling, NULL, FALSE);
  return number;
}

static gint64
add_genre (SyrinxPlaces *places, const gchar *key, const gchar *spelling,
    GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, "add-genre");

  syrinx_bind_text (st, 1, key);
  syrinx_bind_text (st, 2, spelling);
  return run_insert (places, st, error);
}

static Name *
keep_name (GHashTable *names, const gchar *text, gchar *key, gint64 id)
{
  Name *name = g_new0 (Name, 1);

  name->key = key;
  name->id = id;
  g_hash_table_insert (names, g_strdup (text), name);
  return name;
}

/* NULL on error. */
static Name *
find_name (SyrinxPlaces *places, gboolean is_artist, const gchar *spelling,
    GError **error)
{
  GHashTable *names = is_artist ? places->artists : places->genres;
  Name *name = g_hash_table_lookup (names, spelling);
  g_autofree gchar *key = NULL;
  GError *local = NULL;
  gint64 id;

  if (name)
    return name;
  key = syrinx_text_key (spelling);
  id = find_row (places, is_artist ? "find-artist" : "find-genre", key, &local);
  if (id == 0 && !local)
    id = is_artist ? add_artist (places, key, spelling, &local)
                   : add_genre (places, key, spelling, &local);
  if (id != 0)
    return keep_name (names, spelling, g_steal_pointer (&key), id);
  g_propagate_error (error, local);
  return NULL;
}

/* The text that shows an album's artists. NULL: @first is shown. */
static const gchar *
get_shown_artist (const SyrinxTrack *track, const gchar *first)
{
  const gchar *shown = track->album_artist;

  return shown && *shown && !g_str_equal (shown, first) ? shown : NULL;
}

static gint64
add_album (SyrinxPlaces *places, const SyrinxTrack *track, const Name *artist,
    const gchar *id, const gchar *key, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, "add-album");
  const gchar *first = syrinx_track_get_album_artist (track);
  const gchar *shown = get_shown_artist (track, first);
  const gchar *name = track->album ? track->album : "";
  g_autofree gchar *order_key = g_strjoin ("\n", key, id, NULL);
  gint64 number;

  syrinx_bind_text (st, 1, id);
  syrinx_bind_text (st, 2, key);
  syrinx_bind_text (st, 3, order_key);
  syrinx_bind_text (st, 4, name);
  syrinx_bind_text (st, 5, artist->key);
  syrinx_bind_int (st, 6, artist->id);
  syrinx_bind_text (st, 7, shown);
  number = run_insert (places, st, error);
  if (number != 0 && *key)
    index_name (places, number, name, shown ? shown : first, FALSE);
  return number;
}

static Name *
find_album (SyrinxPlaces *places, const SyrinxTrack *track, const Name *artist,
    GError **error)
{
  g_autofree gchar *key = syrinx_text_key (track->album);
  g_autofree gchar *id = syrinx_album_id (track, artist->key, key);
  Name *name = g_hash_table_lookup (places->albums, id);
  GError *local = NULL;
  gint64 number;

  if (name)
    return name;
  number = find_row (places, "find-album", id, &local);
  if (number == 0 && !local)
    number = add_album (places, track, artist, id, key, &local);
  if (number != 0)
    return keep_name (places->albums, id, g_steal_pointer (&key), number);
  g_propagate_error (error, local);
  return NULL;
}

/* --- Places --- */

static gboolean
run_pair (SyrinxConnection *writer, const gchar *statement, gint64 a, gint64 b,
    GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, statement);

  syrinx_bind_int (st, 1, a);
  syrinx_bind_int (st, 2, b);
  return syrinx_statement_run (writer, st, error);
}

static gboolean
find_genre (SyrinxPlaces *places, const SyrinxTrack *track, SyrinxPlace *place,
    GError **error)
{
  Name *genre;

  place->genre_id = 0;
  place->genre_key = NULL;
  if (!track->genre || !*track->genre)
    return TRUE;
  genre = find_name (places, FALSE, track->genre, error);
  if (!genre)
    return FALSE;
  place->genre_id = genre->id;
  place->genre_key = genre->key;
  return run_pair (places->writer, "add-genre-album", place->genre_id,
      place->album_id, error);
}

/* Adds the album artists other than the first. */
static gboolean
credit_album (SyrinxPlaces *places, const SyrinxTrack *track, gint64 album_id,
    GArray *of_album, GError **error)
{
  gchar **list = track->album_artists;

  for (guint i = 1; list && list[0] && list[i]; i++) {
    Name *name = find_name (places, TRUE, list[i], error);

    if (!name
        || !run_pair (
            places->writer, "add-album-credit", album_id, name->id, error))
      return FALSE;
    g_array_append_val (of_album, name->id);
  }
  return TRUE;
}

static gboolean
has_number (const GArray *numbers, guint n, gint64 number)
{
  for (guint i = 0; i < n; i++)
    if (g_array_index (numbers, gint64, i) == number)
      return TRUE;
  return FALSE;
}

/* Finds the track's artists that are not the album's. */
static gboolean
find_guests (SyrinxPlaces *places, const SyrinxTrack *track,
    const GArray *of_album, SyrinxPlace *place, GError **error)
{
  const gchar *single[] = { track->artist ? track->artist : "", NULL };
  const gchar *const *list = track->artists && track->artists[0]
                                 ? (const gchar *const *)track->artists
                                 : single;

  place->n_guests = 0;
  for (guint i = 0; list[i] && place->n_guests < SYRINX_MAX_GUESTS; i++) {
    Name *name = find_name (places, TRUE, list[i], error);

    if (!name)
      return FALSE;
    if (!has_number (of_album, of_album->len, name->id))
      place->guests[place->n_guests++] = name->id;
  }
  return TRUE;
}

static gboolean
find_place (SyrinxPlaces *places, const SyrinxTrack *track, SyrinxPlace *place,
    GError **error)
{
  g_autoptr (GArray) of_album = g_array_new (FALSE, FALSE, sizeof (gint64));
  Name *artist
      = find_name (places, TRUE, syrinx_track_get_album_artist (track), error);
  Name *album = artist ? find_album (places, track, artist, error) : NULL;

  if (!album)
    return FALSE;
  place->album_id = album->id;
  g_array_append_val (of_album, artist->id);
  return credit_album (places, track, album->id, of_album, error)
         && find_guests (places, track, of_album, place, error)
         && find_genre (places, track, place, error);
}

/* All tags that find_place() uses, as one key. (transfer full) */
static gchar *
join_tags (const SyrinxTrack *track)
{
  const gchar *slash = strrchr (track->path, '/');
  g_autofree gchar *artists = syrinx_list_join (track->artists);
  g_autofree gchar *album_artists = syrinx_list_join (track->album_artists);
  const gchar *tags[] = { track->artist, track->album, track->album_artist,
    track->genre, track->mb_release_id, artists, album_artists };
  GString *all = g_string_new (track->is_compilation ? "1" : "0");

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    g_string_append_c (all, '\n');
    g_string_append (all, tags[i] ? tags[i] : "");
  }
  g_string_append_c (all, '\n');
  g_string_append_len (all, track->path, slash ? slash - track->path : 0);
  return g_string_free (all, FALSE);
}

/* Compares with the track before, since consecutive tracks are mostly of one
 * album. */
gboolean
syrinx_places_find (SyrinxPlaces *places, gint64 root_id,
    const SyrinxTrack *track, SyrinxPlace *place, GError **error)
{
  g_autofree gchar *tags = join_tags (track);

  if (!syrinx_folders_enter (places->folders, root_id, track->path, error))
    return FALSE;
  if (g_strcmp0 (places->last_tags, tags) == 0) {
    *place = places->last;
    return TRUE;
  }
  if (!find_place (places, track, place, error))
    return FALSE;
  g_free (places->last_tags);
  places->last_tags = g_steal_pointer (&tags);
  places->last = *place;
  return TRUE;
}

gboolean
syrinx_places_credit (SyrinxPlaces *places, gint64 number,
    const SyrinxPlace *place, GError **error)
{
  for (guint i = 1; i < place->n_guests; i++)
    if (!run_pair (
            places->writer, "add-credit", number, place->guests[i], error))
      return FALSE;
  return TRUE;
}

/* --- Leaving --- */

static void
note_left (GHashTable *set, gint64 id)
{
  if (id != 0)
    g_hash_table_add (set, g_memdup2 (&id, sizeof id));
}

/* Collects the numbers that @statement returns for @id. */
static gboolean
note_rows (SyrinxPlaces *places, const gchar *statement, gint64 id,
    GHashTable *set, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, statement);
  GError *local = NULL;

  syrinx_bind_int (st, 1, id);
  while (syrinx_statement_next (places->writer, st, &local))
    note_left (set, syrinx_column_int (st, "artist_id"));
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
run_on (SyrinxPlaces *places, const gchar *statement, gint64 id, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, statement);

  syrinx_bind_int (st, 1, id);
  return syrinx_statement_run (places->writer, st, error);
}

gboolean
syrinx_places_leave (SyrinxPlaces *places, gint64 root_id, gint64 number,
    const SyrinxTrack *track, const SyrinxPlace *place, GError **error)
{
  if (place->n_guests > 0)
    note_left (places->left_artists, place->guests[0]);
  note_left (places->left_albums, place->album_id);
  note_left (places->left_genres, place->genre_id);
  syrinx_folders_leave (places->folders, root_id, track->path);
  g_clear_pointer (&places->last_tags, g_free);
  return !track->artists
         || (note_rows (places, "credits", number, places->left_artists, error)
             && run_on (places, "drop-credits", number, error));
}

/* --- The end --- */

/* Removes a name without tracks from the search. */
static gboolean
unindex_artist (SyrinxPlaces *places, gint64 id, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, "artist-name");
  g_autofree gchar *name = NULL;

  syrinx_bind_int (st, 1, id);
  if (syrinx_statement_next (places->writer, st, NULL))
    name = syrinx_column_text (st, "name");
  sqlite3_reset (st->stmt);
  if (!run_on (places, "drop-artist", id, error))
    return FALSE;
  if (name && sqlite3_changes (places->writer->db) > 0)
    index_name (places, id, name, NULL, TRUE);
  return TRUE;
}

static gboolean
unindex_album (SyrinxPlaces *places, gint64 id, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (places->writer, "album-names");

  syrinx_bind_int (st, 1, id);
  if (syrinx_statement_next (places->writer, st, NULL)) {
    g_autofree gchar *name = syrinx_column_text (st, "name");
    g_autofree gchar *artist = syrinx_column_text (st, "artist");

    index_name (places, id, name, artist, TRUE);
  }
  sqlite3_reset (st->stmt);
  /* a removed album may have been the last of its artists */
  return note_rows (places, "album-artists", id, places->left_artists, error)
         && run_on (places, "drop-album", id, error)
         && run_on (places, "drop-album-credits", id, error);
}

static gboolean
drop_genre (SyrinxPlaces *places, gint64 id, GError **error)
{
  return run_on (places, "drop-genre", id, error)
         && run_on (places, "drop-genre-albums", id, error);
}

static gboolean
drop_left (SyrinxPlaces *places, GHashTable *left,
    gboolean (*drop) (SyrinxPlaces *, gint64, GError **), GError **error)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, left);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (!drop (places, *(gint64 *)id, error))
      return FALSE;
  return TRUE;
}

gboolean
syrinx_places_finish (SyrinxPlaces *places, GError **error)
{
  return drop_left (places, places->left_albums, unindex_album, error)
         && drop_left (places, places->left_artists, unindex_artist, error)
         && drop_left (places, places->left_genres, drop_genre, error)
         && syrinx_entries_write (
             places->names, places->writer, "index-name", "unindex-name", error)
         && syrinx_folders_finish (places->folders, error);
}
