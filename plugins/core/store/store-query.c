/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: queries for tracks are checked, parsed and passed on. */
#include "store-browse.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_LIMIT      500
#define MAX_WORDS      SYRINX_MAX_TERMS
#define MAX_WORD_CHARS 64
#define NOBODY         "\n" /* not the key of any name */

static gboolean
fail_invalid (const gchar *message, GError **error)
{
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID, message);
  return FALSE;
}

static gboolean
check_words (const SyrinxWords *words, GError **error)
{
  if (syrinx_words_count (words) > MAX_WORDS)
    return fail_invalid ("q: at most 64 words", error);
  for (guint i = 0; i < syrinx_words_count (words); i++)
    if (g_utf8_strlen (syrinx_words_get (words, i), -1) > MAX_WORD_CHARS)
      return fail_invalid ("q: a word has at most 64 characters", error);
  return TRUE;
}

static gboolean
check_text (const gchar *name, const gchar *text, GError **error)
{
  g_autofree gchar *message = NULL;

  if (!text || (strlen (text) <= 8192 && g_utf8_validate (text, -1, NULL)))
    return TRUE;
  message = g_strconcat (name, ": too long, or not UTF-8", NULL);
  return fail_invalid (message, error);
}

static void
number_search (SyrinxSearch *search)
{
  g_autoptr (GString) all = g_string_new (NULL);

  g_string_append_printf (all, "%s\n%s\n%s\n%s\n%d",
      search->artist_key ? search->artist_key : "\t",
      search->album_key ? search->album_key : "\t",
      search->genre_key ? search->genre_key : "\t",
      search->album_id ? search->album_id : "\t", search->has_words);
  for (guint i = 0; i < syrinx_words_count (search->terms->words); i++)
    g_string_append_printf (
        all, "\n%s", syrinx_words_get (search->terms->words, i));
  search->number = (guint64)syrinx_text_number (all->str);
}

static gchar *
key_or_null (const gchar *text)
{
  return text ? syrinx_text_key (text) : NULL;
}

SyrinxTerms *
syrinx_query_take (const gchar *q, GError **error)
{
  g_autofree gchar *clean = NULL;
  g_autoptr (SyrinxTerms) terms = NULL;

  if (!check_text ("q", q, error))
    return NULL;
  clean = g_strdup (q ? q : "");
  syrinx_text_remove_marks (clean);
  terms = syrinx_terms_new (clean);
  return check_words (terms->words, error) ? g_steal_pointer (&terms) : NULL;
}

static gboolean
take_query (const SyrinxTrackQuery *query, SyrinxSearch *search, GError **error)
{
  if (query->limit < 1 || query->limit > MAX_LIMIT)
    return fail_invalid ("limit: must be 1 to 500", error);
  search->terms = syrinx_query_take (query->q, error);
  if (!search->terms || !check_text ("artist", query->artist, error)
      || !check_text ("album", query->album, error)
      || !check_text ("genre", query->genre, error))
    return FALSE;
  search->limit = query->limit;
  search->has_words = query->q != NULL && *query->q;
  search->title_key = key_or_null (query->q);
  search->artist_key = key_or_null (query->artist);
  search->album_key = key_or_null (query->album);
  search->genre_key = key_or_null (query->genre);
  search->album_id = g_strdup (query->album_id);
  number_search (search);
  return TRUE;
}

/* Turns an artist's id into a name. An unknown id becomes a name that finds
 * nothing. */
static gboolean
find_artist (SyrinxConnection *reader, const gchar *id, SyrinxSearch *search,
    GError **error)
{
  SyrinxStatement *st;
  GError *local = NULL;

  if (!id || search->artist_key)
    return TRUE;
  st = syrinx_connection_get (reader, "artist-by-id");
  syrinx_bind_text (st, 1, id);
  search->artist_key = syrinx_statement_next (reader, st, &local)
                           ? syrinx_column_text (st, "key")
                           : g_strdup (NOBODY);
  sqlite3_reset (st->stmt);
  number_search (search);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

GPtrArray *
syrinx_store_find_tracks (SyrinxStore *store, const SyrinxTrackQuery *query,
    gchar **next_cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_auto (SyrinxSearch) search = { 0 };
  g_auto (SyrinxCursor) cursor = { 0 };

  *next_cursor = NULL;
  if (!reader || !take_query (query, &search, error)
      || !find_artist (reader, query->artist_id, &search, error))
    return NULL;
  cursor.query = search.number;
  cursor.numbers[0] = -1;
  if (query->cursor
      && !syrinx_cursor_decode (query->cursor, search.number, &cursor, error))
    return NULL;
  if (search.has_words && syrinx_terms_count (search.terms) == 0)
    return g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  if (!search.has_words || search.artist_key || search.album_key
      || search.album_id)
    return syrinx_browse_tracks (reader, &search, &cursor, next_cursor, error);
  return syrinx_search_tracks (reader, &search, &cursor, next_cursor, error);
}

void
syrinx_search_clear (SyrinxSearch *search)
{
  g_free (search->artist_key);
  g_free (search->album_key);
  g_free (search->genre_key);
  g_free (search->album_id);
  g_free (search->title_key);
  g_clear_pointer (&search->terms, syrinx_terms_free);
}
