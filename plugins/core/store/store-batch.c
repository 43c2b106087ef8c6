/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: the changes of one transaction besides the tracks' own rows.
 * Counters are summed up in memory. */
#include "store-private.h"

#include <string.h>

struct _SyrinxBatch
{
  SyrinxConnection *writer; /* (transfer none) */
  SyrinxPlaces *places;
  SyrinxEntries *entries;
  SyrinxWords *words;                    /* reused for each text */
  GHashTable *beginnings;                /* beginning -> change of n_tracks */
  gint64 n_tracks, n_words, duration_ns; /* changes */
};

SyrinxBatch *
syrinx_batch_new (SyrinxConnection *writer)
{
  SyrinxBatch *batch = g_new0 (SyrinxBatch, 1);

  batch->writer = writer;
  batch->places = syrinx_places_new (writer);
  batch->entries = syrinx_entries_new ();
  batch->words = syrinx_words_new ();
  batch->beginnings
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return batch;
}

void
syrinx_batch_free (SyrinxBatch *batch)
{
  syrinx_places_free (batch->places);
  syrinx_entries_free (batch->entries);
  syrinx_words_free (batch->words);
  g_hash_table_unref (batch->beginnings);
  g_free (batch);
}

SyrinxPlaces *
syrinx_batch_get_places (SyrinxBatch *batch)
{
  return batch->places;
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

static void
add_entry (SyrinxBatch *batch, gint64 number, const SyrinxTrack *track,
    const gchar *genre_key, gboolean is_removal)
{
  gint change = is_removal ? -1 : 1;
  g_autofree gchar *key = syrinx_text_key (track->title);
  g_autofree gchar *title = syrinx_text_squeeze (key);
  g_autofree gchar *marks = NULL, *words = NULL, *all = NULL;
  guint n_words;

  syrinx_words_clear (batch->words);
  syrinx_track_add_words (batch->words, track);
  n_words = syrinx_words_count (batch->words);
  words = syrinx_words_join (batch->words);
  marks = syrinx_marks_new (batch->words, title, genre_key);
  all = g_strjoin (" ", marks, words, NULL);
  syrinx_entries_add (batch->entries,
      syrinx_track_get_search_row (number, n_words), all, is_removal);
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
    const SyrinxPlace *place)
{
  add_entry (batch, number, track, place->genre_key, FALSE);
}

void
syrinx_batch_unindex (
    SyrinxBatch *batch, gint64 number, const SyrinxTrack *track)
{
  g_autofree gchar *genre_key = syrinx_text_key (track->genre);

  add_entry (batch, number, track, genre_key, TRUE);
}

/* --- The end --- */

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

gboolean
syrinx_batch_finish (SyrinxBatch *batch, GError **error)
{
  SyrinxStatement *st;

  if (!syrinx_entries_write (
          batch->entries, batch->writer, "index", "unindex", error)
      || !write_beginnings (batch, error)
      || !syrinx_places_finish (batch->places, error))
    return FALSE;
  st = syrinx_connection_get (batch->writer, "count-tracks");
  syrinx_bind_int (st, 1, batch->n_tracks);
  syrinx_bind_int (st, 2, batch->n_words);
  syrinx_bind_int (st, 3, batch->duration_ns);
  return syrinx_statement_run (batch->writer, st, error);
}
