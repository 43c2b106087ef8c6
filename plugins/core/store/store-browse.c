/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: tracks in order. A cursor is the sort key of the last row, so that
 * rows that are added or removed meanwhile do not shift the pages. */
#include "store-browse.h"

#include "core/base/error.h"

#include <string.h>

static const gchar *
choose_statement (const SyrinxSearch *search)
{
  if (search->artist_key)
    return "tracks-by-artist";
  if (search->album_id && !search->album_key)
    return "tracks-by-album-id";
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
  if (sqlite3_bind_parameter_count (st->stmt) > 8) {
    syrinx_bind_text (st, 9, search->album_id);
  }
}

static gboolean
has_words (
    const SyrinxSearch *search, SyrinxWords *scratch, const SyrinxTrack *track)
{
  if (!search->has_words)
    return TRUE;
  syrinx_words_clear (scratch);
  syrinx_track_add_words (scratch, track);
  for (guint i = 0; i < syrinx_terms_count (search->terms); i++)
    if (syrinx_terms_count_in (search->terms, i, scratch) == 0)
      return FALSE;
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
                              : syrinx_column_text (st, "order_key");
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

    if (!has_words (search, scratch, track))
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
