/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: what one transaction changes besides the tracks' own rows. FTS5
 * writes a segment whenever row numbers go down, so its rows are kept until the
 * end and entered in order; counters are added up in memory. */
#include "store-private.h"

#include <string.h>

/* A name as a tag spells it, found or entered in this transaction. */
typedef struct
{
  gchar *key;
  gint64 id;
} Name;

/* Its texts live in the batch's "texts". */
typedef struct
{
  gint64 row;
  guint sequence;
  gboolean is_removal;
  const gchar *title, *artist, *album, *genre, *marks;
} Entry;

/* Artist, album artist, album, genre. */
#define N_NAMES 4

#define TEXTS_BYTES 65536

struct _SyrinxBatch
{
  SyrinxConnection *writer; /* (transfer none) */
  SyrinxWords *words;
  GHashTable *artists, *genres; /* spelling -> Name */
  GHashTable *albums;           /* "artist key \n album" -> Name */
  GHashTable *left_artists, *left_albums, *left_genres; /* gint64 */
  GHashTable *beginnings; /* beginning -> change of n_tracks */
  GArray *entries;        /* Entry */
  GStringChunk *texts;
  gboolean has_last;
  SyrinxBatchPlace last; /* of the track before */
  gchar *last_names[N_NAMES];
  gint64 n_tracks, n_words, duration_ns; /* changes */
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

SyrinxBatch *
syrinx_batch_new (SyrinxConnection *writer)
{
  SyrinxBatch *batch = g_new0 (SyrinxBatch, 1);

  batch->writer = writer;
  batch->words = syrinx_words_new ();
  batch->artists = new_names ();
  batch->genres = new_names ();
  batch->albums = new_names ();
  batch->left_artists = new_numbers ();
  batch->left_albums = new_numbers ();
  batch->left_genres = new_numbers ();
  batch->beginnings
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  batch->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  batch->texts = g_string_chunk_new (TEXTS_BYTES);
  return batch;
}

void
syrinx_batch_free (SyrinxBatch *batch)
{
  syrinx_words_free (batch->words);
  g_hash_table_unref (batch->artists);
  g_hash_table_unref (batch->genres);
  g_hash_table_unref (batch->albums);
  g_hash_table_unref (batch->left_artists);
  g_hash_table_unref (batch->left_albums);
  g_hash_table_unref (batch->left_genres);
  g_hash_table_unref (batch->beginnings);
  g_array_unref (batch->entries);
  g_string_chunk_free (batch->texts);
  for (guint i = 0; i < N_NAMES; i++)
    g_free (batch->last_names[i]);
  g_free (batch);
}

/* --- Names --- */

/* The row of @find with these parameters, or a new one by @add with @name
 * besides. 0 on error. */
static gint64
find_or_add (SyrinxBatch *batch, const gchar *find, const gchar *add,
    const gchar *key, const gchar *artist_key, const gchar *name,
    gint64 artist_id, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (batch->writer, find);
  GError *local = NULL;

  syrinx_bind_text (st, 1, key);
  if (artist_key)
    syrinx_bind_text (st, 2, artist_key);
  if (syrinx_statement_next (batch->writer, st, &local)) {
    gint64 id = syrinx_column_int (st, "id");

    sqlite3_reset (st->stmt);
    return id;
  }
  if (local) {
    g_propagate_error (error, local);
    return 0;
  }
  st = syrinx_connection_get (batch->writer, add);
  syrinx_bind_text (st, 1, key);
  syrinx_bind_text (st, 2, name);
  if (artist_key) {
    syrinx_bind_text (st, 3, artist_key);
    syrinx_bind_int (st, 4, artist_id);
  }
  if (!syrinx_statement_run (batch->writer, st, error))
    return 0;
  return sqlite3_last_insert_rowid (batch->writer->db);
}

static Name *
find_name (SyrinxBatch *batch, GHashTable *names, const gchar *find,
    const gchar *add, const gchar *spelling, GError **error)
{
  Name *name = g_hash_table_lookup (names, spelling);
  g_autofree gchar *key = NULL;
  gint64 id;

  if (name)
    return name;
  key = syrinx_text_key (batch->writer, spelling);
  id = find_or_add (batch, find, add, key, NULL, spelling, 0, error);
  if (id == 0)
    return NULL;
  name = g_new0 (Name, 1);
  name->key = g_steal_pointer (&key);
  name->id = id;
  g_hash_table_insert (names, g_strdup (spelling), name);
  return name;
}

static Name *
find_album (SyrinxBatch *batch, const Name *artist, const gchar *spelling,
    GError **error)
{
  g_autofree gchar *full = g_strconcat (artist->key, "\n", spelling, NULL);
  Name *name = g_hash_table_lookup (batch->albums, full);
  g_autofree gchar *key = NULL;
  gint64 id;

  if (name)
    return name;
  key = syrinx_text_key (batch->writer, spelling);
  id = find_or_add (batch, "find-album", "add-album", key, artist->key,
      spelling, artist->id, error);
  if (id == 0)
    return NULL;
  name = g_new0 (Name, 1);
  name->key = g_steal_pointer (&key);
  name->id = id;
  g_hash_table_insert (batch->albums, g_steal_pointer (&full), name);
  return name;
}

static gboolean
add_genre_album (
    SyrinxBatch *batch, const SyrinxBatchPlace *place, GError **error)
{
  SyrinxStatement *st
      = syrinx_connection_get (batch->writer, "add-genre-album");

  syrinx_bind_int (st, 1, place->genre_id);
  syrinx_bind_int (st, 2, place->album_id);
  return syrinx_statement_run (batch->writer, st, error);
}

static gboolean
find_place (SyrinxBatch *batch, const SyrinxTrack *track,
    SyrinxBatchPlace *place, GError **error)
{
  const gchar *artist = track->artist ? track->artist : "";
  const gchar *album_artist = track->album_artist && *track->album_artist
                                  ? track->album_artist
                                  : artist;
  Name *by = find_name (
      batch, batch->artists, "find-artist", "add-artist", artist, error);
  Name *by_album = by ? find_name (batch, batch->artists, "find-artist",
                       "add-artist", album_artist, error)
                      : NULL;
  Name *album = by_album ? find_album (
                    batch, by_album, track->album ? track->album : "", error)
                         : NULL;
  Name *genre = NULL;

  if (!album)
    return FALSE;
  if (track->genre && *track->genre) {
    genre = find_name (
        batch, batch->genres, "find-genre", "add-genre", track->genre, error);
    if (!genre)
      return FALSE;
  }
  place->artist_id = by->id == by_album->id ? 0 : by->id;
  place->album_id = album->id;
  place->genre_id = genre ? genre->id : 0;
  place->genre_key = genre ? genre->key : NULL;
  return !genre || add_genre_album (batch, place, error);
}

/* Neighbours mostly belong to one album. */
gboolean
syrinx_batch_find_place (SyrinxBatch *batch, const SyrinxTrack *track,
    SyrinxBatchPlace *place, GError **error)
{
  const gchar *names[N_NAMES]
      = { track->artist, track->album_artist, track->album, track->genre };
  guint i = 0;

  while (batch->has_last && i < N_NAMES
         && g_strcmp0 (batch->last_names[i], names[i]) == 0)
    i++;
  if (i == N_NAMES) {
    *place = batch->last;
    return TRUE;
  }
  if (!find_place (batch, track, place, error))
    return FALSE;
  batch->has_last = TRUE;
  batch->last = *place;
  for (i = 0; i < N_NAMES; i++) {
    g_free (batch->last_names[i]);
    batch->last_names[i] = g_strdup (names[i]);
  }
  return TRUE;
}

static void
note_left (GHashTable *set, gint64 id)
{
  if (id != 0)
    g_hash_table_add (set, g_memdup2 (&id, sizeof id));
}

void
syrinx_batch_left (SyrinxBatch *batch, const SyrinxBatchPlace *place)
{
  note_left (batch->left_artists, place->artist_id);
  note_left (batch->left_albums, place->album_id);
  note_left (batch->left_genres, place->genre_id);
}

/* --- Words --- */

static void
count_beginning (SyrinxBatch *batch, guint i, guint n_chars, gint change)
{
  const gchar *word = syrinx_words_get (batch->words, i);
  gsize n_bytes = syrinx_word_beginning (word, n_chars);
  g_autofree gchar *beginning = NULL;
  gint count;

  if (n_bytes == syrinx_word_beginning (word, n_chars - 1))
    return;
  for (guint k = 0; k < i; k++)
    if (strncmp (syrinx_words_get (batch->words, k), word, n_bytes) == 0)
      return;
  beginning = g_strndup (word, n_bytes);
  count = GPOINTER_TO_INT (g_hash_table_lookup (batch->beginnings, beginning));
  g_hash_table_insert (batch->beginnings, g_steal_pointer (&beginning),
      GINT_TO_POINTER (count + change));
}

static const gchar *
keep_text (SyrinxBatch *batch, const gchar *text)
{
  return text ? g_string_chunk_insert (batch->texts, text) : NULL;
}

static void
add_entry (SyrinxBatch *batch, gint64 number, const SyrinxTrack *track,
    const gchar *genre_key, gboolean is_removal)
{
  Entry entry = { 0 };
  gint change = is_removal ? -1 : 1;
  g_autofree gchar *title_key = NULL, *marks = NULL;
  guint n_words;

  syrinx_words_clear (batch->words);
  syrinx_words_add (batch->writer, batch->words, track->title);
  title_key = syrinx_words_join (batch->words);
  syrinx_words_add (batch->writer, batch->words, track->artist);
  syrinx_words_add (batch->writer, batch->words, track->album);
  syrinx_words_add (batch->writer, batch->words, track->genre);
  n_words = syrinx_words_count (batch->words);
  entry.row = syrinx_track_get_search_row (number, n_words);
  entry.sequence = batch->entries->len;
  entry.is_removal = is_removal;
  entry.title = keep_text (batch, track->title);
  entry.artist = keep_text (batch, track->artist);
  entry.album = keep_text (batch, track->album);
  entry.genre = keep_text (batch, track->genre);
  marks = syrinx_marks_new (batch->words, title_key, genre_key);
  entry.marks = keep_text (batch, marks);
  g_array_append_val (batch->entries, entry);

  batch->n_tracks += change;
  batch->n_words += change * (gint64)n_words;
  batch->duration_ns += change * (gint64)syrinx_track_get_duration_ns (track);
  if (syrinx_is_sampled (number))
    for (guint i = 0; i < n_words; i++)
      for (guint n = 1; n <= SYRINX_MARKED_BEGINNING; n++)
        count_beginning (batch, i, n, change);
}

void
syrinx_batch_index (SyrinxBatch *batch, gint64 number, const SyrinxTrack *track,
    const SyrinxBatchPlace *place)
{
  add_entry (batch, number, track, place->genre_key, FALSE);
}

void
syrinx_batch_unindex (
    SyrinxBatch *batch, gint64 number, const SyrinxTrack *track)
{
  g_autofree gchar *genre_key = syrinx_text_key (batch->writer, track->genre);

  add_entry (batch, number, track, genre_key, TRUE);
}

/* --- The end --- */

static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *left = a, *right = b;

  if (left->row != right->row)
    return left->row < right->row ? -1 : 1;
  return left->sequence < right->sequence ? -1 : 1;
}

static gboolean
write_entries (SyrinxBatch *batch, GError **error)
{
  g_array_sort (batch->entries, compare_entries);
  for (guint i = 0; i < batch->entries->len; i++) {
    const Entry *entry = &g_array_index (batch->entries, Entry, i);
    SyrinxStatement *st = syrinx_connection_get (
        batch->writer, entry->is_removal ? "unindex" : "index");

    syrinx_bind_int (st, 1, entry->row);
    syrinx_bind_text (st, 2, entry->title);
    syrinx_bind_text (st, 3, entry->artist);
    syrinx_bind_text (st, 4, entry->album);
    syrinx_bind_text (st, 5, entry->genre);
    syrinx_bind_text (st, 6, entry->marks);
    if (!syrinx_statement_run (batch->writer, st, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_beginnings (SyrinxBatch *batch, GError **error)
{
  GHashTableIter iter;
  gpointer beginning, change;

  g_hash_table_iter_init (&iter, batch->beginnings);
  while (g_hash_table_iter_next (&iter, &beginning, &change)) {
    SyrinxStatement *st
        = syrinx_connection_get (batch->writer, "count-beginning");

    if (GPOINTER_TO_INT (change) == 0)
      continue;
    syrinx_bind_text (st, 1, beginning);
    syrinx_bind_int (st, 2, GPOINTER_TO_INT (change));
    if (!syrinx_statement_run (batch->writer, st, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
drop_left (SyrinxBatch *batch, GHashTable *left, const gchar *statement,
    GError **error)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, left);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    SyrinxStatement *st = syrinx_connection_get (batch->writer, statement);

    syrinx_bind_int (st, 1, *(gint64 *)id);
    if (!syrinx_statement_run (batch->writer, st, error))
      return FALSE;
  }
  return TRUE;
}

/* An album that goes may have been its artist's last. */
static gboolean
note_album_artists (SyrinxBatch *batch, GError **error)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, batch->left_albums);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    SyrinxStatement *st = syrinx_connection_get (batch->writer, "album-artist");
    GError *local = NULL;

    syrinx_bind_int (st, 1, *(gint64 *)id);
    if (syrinx_statement_next (batch->writer, st, &local))
      note_left (batch->left_artists, syrinx_column_int (st, "artist_id"));
    if (local) {
      g_propagate_error (error, local);
      return FALSE;
    }
    sqlite3_reset (st->stmt);
  }
  return TRUE;
}

gboolean
syrinx_batch_finish (SyrinxBatch *batch, GError **error)
{
  SyrinxStatement *st;

  if (!write_entries (batch, error) || !write_beginnings (batch, error)
      || !note_album_artists (batch, error)
      || !drop_left (batch, batch->left_albums, "drop-album", error)
      || !drop_left (batch, batch->left_artists, "drop-artist", error)
      || !drop_left (batch, batch->left_genres, "drop-genre", error)
      || !drop_left (batch, batch->left_genres, "drop-genre-albums", error))
    return FALSE;
  st = syrinx_connection_get (batch->writer, "count-tracks");
  syrinx_bind_int (st, 1, batch->n_tracks);
  syrinx_bind_int (st, 2, batch->n_words);
  syrinx_bind_int (st, 3, batch->duration_ns);
  return syrinx_statement_run (batch->writer, st, error);
}
