/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: builds the tables that are derived from tracks again. */
#include "store-private.h"

#define CHUNK_TRACKS 20000

/* The next tracks after *@last; NULL on error. (transfer full) */
static GPtrArray *
read_chunk (
    SyrinxConnection *writer, gint64 *last, GArray *numbers, GError **error)
{
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  SyrinxStatement *st = syrinx_connection_get (writer, "tracks-to-reindex");
  GError *local = NULL;

  g_array_set_size (numbers, 0);
  syrinx_bind_int (st, 1, *last);
  syrinx_bind_int (st, 2, CHUNK_TRACKS);
  while (syrinx_statement_next (writer, st, &local)) {
    gint64 row[] = { syrinx_column_int (st, "track_number_id"),
      syrinx_column_int (st, "root_id") };

    g_ptr_array_add (tracks, syrinx_track_from_row (st));
    g_array_append_vals (numbers, row, G_N_ELEMENTS (row));
    *last = row[0];
  }
  if (!local)
    return g_steal_pointer (&tracks);
  g_propagate_error (error, local);
  return NULL;
}

static gboolean
reindex_track (SyrinxConnection *writer, SyrinxBatch *batch, gint64 number,
    gint64 root_id, const SyrinxTrack *track, GError **error)
{
  SyrinxPlaces *places = syrinx_batch_get_places (batch);
  SyrinxPlace place = { 0 };

  if (!syrinx_places_find (places, root_id, track, &place, error)
      || !syrinx_track_write_row (
          writer, "change-track", number, root_id, track, &place, error)
      || !syrinx_places_credit (places, number, &place, error))
    return FALSE;
  syrinx_batch_index (batch, number, track, &place);
  return TRUE;
}

gboolean
syrinx_reindex (SyrinxConnection *writer, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 last = 0;

  for (;;) {
    g_autoptr (GPtrArray) tracks = read_chunk (writer, &last, numbers, error);
    g_autoptr (SyrinxBatch) batch = NULL;

    if (!tracks)
      return FALSE;
    if (tracks->len == 0)
      return TRUE;
    batch = syrinx_batch_new (writer);
    for (guint i = 0; i < tracks->len; i++)
      if (!reindex_track (writer, batch, g_array_index (numbers, gint64, 2 * i),
              g_array_index (numbers, gint64, 2 * i + 1), tracks->pdata[i],
              error))
        return FALSE;
    if (!syrinx_batch_finish (batch, error))
      return FALSE;
    g_message (
        "the index is made anew: %" G_GINT64_FORMAT " tracks so far", last);
  }
}
