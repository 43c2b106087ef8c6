/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: rows that are to be written to an FTS5 table. FTS5 writes a
 * segment whenever row numbers decrease, so rows are collected and written in
 * order at the end. */
#include "store-private.h"

#define TEXTS_BYTES 65536

typedef struct
{
  gint64 row;
  guint sequence;
  gboolean is_removal;
  const gchar *words; /* a string in "texts" */
} Entry;

struct _SyrinxEntries
{
  GArray *entries;
  GStringChunk *texts;
};

SyrinxEntries *
syrinx_entries_new (void)
{
  SyrinxEntries *entries = g_new0 (SyrinxEntries, 1);

  entries->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  entries->texts = g_string_chunk_new (TEXTS_BYTES);
  return entries;
}

void
syrinx_entries_free (SyrinxEntries *entries)
{
  g_array_unref (entries->entries);
  g_string_chunk_free (entries->texts);
  g_free (entries);
}

void
syrinx_entries_add (
    SyrinxEntries *entries, gint64 row, const gchar *words, gboolean is_removal)
{
  Entry entry = { row, entries->entries->len, is_removal,
    g_string_chunk_insert (entries->texts, words) };

  g_array_append_val (entries->entries, entry);
}

static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *left = a, *right = b;

  if (left->row != right->row)
    return left->row < right->row ? -1 : 1;
  return left->sequence < right->sequence ? -1 : 1;
}

gboolean
syrinx_entries_write (SyrinxEntries *entries, SyrinxConnection *writer,
    const gchar *add, const gchar *remove, GError **error)
{
  g_array_sort (entries->entries, compare_entries);
  for (guint i = 0; i < entries->entries->len; i++) {
    const Entry *entry = &g_array_index (entries->entries, Entry, i);
    SyrinxStatement *st
        = syrinx_connection_get (writer, entry->is_removal ? remove : add);

    syrinx_bind_int (st, 1, entry->row);
    syrinx_bind_text (st, 2, entry->words);
    if (!syrinx_statement_run (writer, st, error))
      return FALSE;
  }
  g_array_set_size (entries->entries, 0);
  g_string_chunk_clear (entries->texts);
  return TRUE;
}
