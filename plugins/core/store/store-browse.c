/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: tracks, albums and artists in order. A cursor is the sort key of
 * the last row, so that what comes and goes meanwhile moves nothing else. */
#include "store-browse.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_LIMIT 500

static const gchar *
choose_statement (const SyrinxSearch *search)
{
  if (search->artist_key)
    return "tracks-by-artist";
  if (search->album_key)
    return "tracks-by-album";
  return search->genre_key ? "tracks-by-genre" : "all-tracks";
}

static void
bind_browse (
    SyrinxStatement *st, const SyrinxSearch *search, const SyrinxCursor *cursor)
{
  syrinx_bind_copy (st, 1, cursor->texts[0] ? cursor->texts[0] : "");
  syrinx_bind_copy (st, 2, cursor->texts[1] ? cursor->texts[1] : "");
  syrinx_bind_int (st, 3, cursor->texts[0] ? cursor->numbers[0] : -1);
  syrinx_bind_int (st, 4, cursor->texts[0] ? cursor->numbers[1] : -1);
  syrinx_bind_int (st, 5, search->has_words ? -1 : (gint64)search->limit + 1);
  if (sqlite3_bind_parameter_count (st->stmt) > 5) {
    syrinx_bind_text (st, 6, search->artist_key);
    syrinx_bind_text (st, 7, search->album_key);
    syrinx_bind_text (st, 8, search->genre_key);
  }
}

/* Whether every word of the query begins one of the track's. */
static gboolean
has_words (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxWords *scratch, const SyrinxTrack *track)
{
  guint n_query = search->has_words ? syrinx_words_count (search->words) : 0;

  syrinx_words_clear (scratch);
  if (n_query > 0)
    syrinx_track_add_words (reader, scratch, track);
  for (guint i = 0; i < n_query; i++) {
    const gchar *word = syrinx_words_get (search->words, i);
    guint k = 0;

    while (k < syrinx_words_count (scratch)
           && !g_str_has_prefix (syrinx_words_get (scratch, k), word))
      k++;
    if (k == syrinx_words_count (scratch))
      return FALSE;
  }
  return TRUE;
}

static void
note_place (SyrinxStatement *st, gboolean by_genre, SyrinxCursor *cursor)
{
  g_free (cursor->texts[0]);
  g_free (cursor->texts[1]);
  cursor->texts[0] = syrinx_column_text (st, "artist_key");
  cursor->texts[1] = by_genre ? g_strdup_printf ("%" G_GINT64_FORMAT,
                         syrinx_column_int (st, "album_id"))
                              : syrinx_column_text (st, "album_key");
  cursor->numbers[0] = syrinx_column_int (st, "position");
  cursor->numbers[1] = syrinx_column_int (st, "track_number_id");
}

GPtrArray *
syrinx_browse_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error)
{
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  const gchar *name = choose_statement (search);
  gboolean by_genre = g_str_equal (name, "tracks-by-genre");
  SyrinxStatement *st = syrinx_connection_get (reader, name);
  g_autoptr (SyrinxWords) scratch = syrinx_words_new ();
  GError *local = NULL;

  bind_browse (st, search, cursor);
  while (syrinx_statement_next (reader, st, &local)) {
    g_autoptr (SyrinxTrack) track = syrinx_track_from_row (st);

    if (!has_words (reader, search, scratch, track))
      continue;
    if (tracks->len == search->limit) {
      *next_cursor = syrinx_cursor_encode (cursor);
      break;
    }
    g_ptr_array_add (tracks, g_steal_pointer (&track));
    if (tracks->len == search->limit)
      note_place (st, by_genre, cursor);
  }
  sqlite3_reset (st->stmt);
  if (!local)
    return g_steal_pointer (&tracks);
  g_propagate_error (error, local);
  return NULL;
}

/* --- Albums and artists --- */

/* Runs a statement of one row about @id; FALSE if there is none. */
static SyrinxStatement *
ask (SyrinxConnection *reader, const gchar *name, gint64 id)
{
  SyrinxStatement *st = syrinx_connection_get (reader, name);

  syrinx_bind_int (st, 1, id);
  return syrinx_statement_next (reader, st, NULL) ? st : NULL;
}

static SyrinxGroup *
album_from_row (SyrinxConnection *reader, SyrinxStatement *st)
{
  SyrinxGroup *group = g_new0 (SyrinxGroup, 1);
  gint64 id = syrinx_column_int (st, "album_id");
  SyrinxStatement *more;

  group->name = syrinx_column_text (st, "name");
  group->artist = syrinx_column_text (st, "artist");
  group->n_albums = 1;
  more = ask (reader, "album-figures", id);
  if (more) {
    group->n_tracks = syrinx_column_int (more, "n_tracks");
    group->year = syrinx_column_int (more, "year");
    group->duration_ns = syrinx_column_int (more, "duration_ns");
  }
  more = ask (reader, "album-artwork", id);
  if (more)
    group->artwork_track_id = syrinx_column_text (more, "id");
  return group;
}

static SyrinxGroup *
artist_from_row (SyrinxConnection *reader, SyrinxStatement *st)
{
  SyrinxGroup *group = g_new0 (SyrinxGroup, 1);
  gint64 id = syrinx_column_int (st, "artist_id");
  SyrinxStatement *more;

  group->name = syrinx_column_text (st, "name");
  more = ask (reader, "artist-figures", id);
  if (more) {
    group->n_tracks = syrinx_column_int (more, "n_tracks");
    group->duration_ns = syrinx_column_int (more, "duration_ns");
  }
  more = ask (reader, "artist-albums", id);
  if (more)
    group->n_albums = syrinx_column_int (more, "n_albums");
  more = ask (reader, "artist-artwork", id);
  if (more)
    group->artwork_track_id = syrinx_column_text (more, "id");
  return group;
}

/* Reads up to @limit groups and, if there are more, where to go on. */
static GPtrArray *
list_groups (SyrinxConnection *reader, SyrinxStatement *st, guint limit,
    gboolean are_albums, SyrinxCursor *cursor, gchar **next_cursor,
    GError **error)
{
  g_autoptr (GPtrArray) groups
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_group_free);
  GError *local = NULL;

  while (syrinx_statement_next (reader, st, &local)) {
    if (groups->len == limit) {
      *next_cursor = syrinx_cursor_encode (cursor);
      break;
    }
    g_ptr_array_add (groups, are_albums ? album_from_row (reader, st)
                                        : artist_from_row (reader, st));
    g_free (cursor->texts[0]);
    g_free (cursor->texts[1]);
    cursor->texts[0]
        = syrinx_column_text (st, are_albums ? "artist_key" : "key");
    cursor->texts[1] = syrinx_column_text (st, "key");
  }
  sqlite3_reset (st->stmt);
  if (!local)
    return g_steal_pointer (&groups);
  g_propagate_error (error, local);
  return NULL;
}

static gboolean
check_limit (guint limit, GError **error)
{
  if (limit >= 1 && limit <= MAX_LIMIT)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "limit: must be 1 to %d", MAX_LIMIT);
  return FALSE;
}

GPtrArray *
syrinx_store_list_albums (SyrinxStore *store, const gchar *artist, guint limit,
    const gchar *cursor, gchar **next_cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_auto (SyrinxCursor) place = { 0 };
  g_autofree gchar *key = NULL, *asked = NULL;
  SyrinxStatement *st;

  *next_cursor = NULL;
  if (!check_limit (limit, error))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  key = artist ? syrinx_text_key (reader, artist) : NULL;
  asked = g_strconcat ("albums\n", key, NULL);
  place.query = syrinx_text_number (asked);
  if (cursor && !syrinx_cursor_decode (cursor, place.query, &place, error))
    return NULL;
  st = syrinx_connection_get (reader, key ? "albums-of-artist" : "albums");
  syrinx_bind_copy (st, 1, place.texts[0] ? place.texts[0] : "");
  syrinx_bind_copy (st, 2, place.texts[1] ? place.texts[1] : "");
  syrinx_bind_int (st, 3, (gint64)limit + 1);
  if (key)
    syrinx_bind_text (st, 4, key);
  return list_groups (reader, st, limit, TRUE, &place, next_cursor, error);
}

GPtrArray *
syrinx_store_list_artists (SyrinxStore *store, guint limit, const gchar *cursor,
    gchar **next_cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_auto (SyrinxCursor) place = { 0 };
  SyrinxStatement *st;

  *next_cursor = NULL;
  place.query = syrinx_text_number ("artists");
  if (!check_limit (limit, error)
      || (cursor && !syrinx_cursor_decode (cursor, place.query, &place, error)))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  st = syrinx_connection_get (reader, "artists");
  syrinx_bind_copy (st, 1, place.texts[0] ? place.texts[0] : "");
  syrinx_bind_int (st, 2, (gint64)limit + 1);
  return list_groups (reader, st, limit, FALSE, &place, next_cursor, error);
}

void
syrinx_group_free (SyrinxGroup *group)
{
  if (!group)
    return;
  g_free (group->name);
  g_free (group->artist);
  g_free (group->artwork_track_id);
  g_free (group);
}
