/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: renditions, fragments, and the choice of renditions to evict. */
#include "store-private.h"

#include "core/base/error.h"

#include <string.h>

#define MAX_NOTED_USES 256

static void
bind_rendition (
    SyrinxStatement *st, const gchar *track_id, const gchar *name, guint epoch)
{
  syrinx_bind_text (st, 1, track_id);
  syrinx_bind_text (st, 2, name);
  syrinx_bind_int (st, 3, epoch);
}

static gboolean
fail_not_found (const gchar *what, const gchar *track_id, const gchar *name,
    guint epoch, GError **error)
{
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "there is no %s of track %s, %s, epoch %u", what, track_id, name, epoch);
  return FALSE;
}

/* --- Renditions --- */

SyrinxRenditionRow *
syrinx_rendition_from_row (SyrinxStatement *st)
{
  SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);

  row->track_id = syrinx_column_text (st, "track_id");
  row->name = syrinx_column_text (st, "name");
  row->epoch = syrinx_column_int (st, "epoch");
  row->wrapped_key = syrinx_column_bytes (st, "wrapped_key");
  row->codecs = syrinx_column_text (st, "codecs");
  row->sample_rate_hz = syrinx_column_int (st, "sample_rate_hz");
  row->channels = syrinx_column_int (st, "channels");
  row->bitrate_bps = syrinx_column_int (st, "bitrate_bps");
  row->timescale = syrinx_column_int (st, "timescale");
  row->pre_skip = syrinx_column_int (st, "pre_skip");
  row->n_units = syrinx_column_int (st, "n_units");
  row->fragment_units = syrinx_column_int (st, "fragment_units");
  row->n_fragments = syrinx_column_int (st, "n_fragments");
  row->header = syrinx_column_bytes (st, "header");
  row->encoder = syrinx_column_text (st, "encoder");
  return row;
}

SyrinxRenditionRow *
syrinx_store_get_rendition (SyrinxStore *store, const gchar *track_id,
    const gchar *name, guint epoch, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return NULL;
  st = syrinx_connection_get (
      reader, epoch == 0 ? "current-rendition" : "rendition");
  syrinx_bind_text (st, 1, track_id);
  syrinx_bind_text (st, 2, name);
  if (epoch != 0)
    syrinx_bind_int (st, 3, epoch);
  if (syrinx_statement_next (reader, st, &local))
    return syrinx_rendition_from_row (st);
  if (local)
    g_propagate_error (error, local);
  else
    fail_not_found ("rendition", track_id, name, epoch, error);
  return NULL;
}

gboolean
syrinx_rendition_write (
    SyrinxConnection *writer, const SyrinxRenditionRow *row, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "put-rendition");
  gint n = 4;

  bind_rendition (st, row->track_id, row->name, row->epoch);
  syrinx_bind_bytes (st, n++, row->wrapped_key);
  syrinx_bind_text (st, n++, row->codecs);
  syrinx_bind_int (st, n++, row->sample_rate_hz);
  syrinx_bind_int (st, n++, row->channels);
  syrinx_bind_int (st, n++, row->bitrate_bps);
  syrinx_bind_int (st, n++, row->timescale);
  syrinx_bind_int (st, n++, row->pre_skip);
  syrinx_bind_int (st, n++, row->n_units);
  syrinx_bind_int (st, n++, row->fragment_units);
  syrinx_bind_int (st, n++, row->n_fragments);
  syrinx_bind_bytes (st, n++, row->header);
  syrinx_bind_text (st, n++, row->encoder);
  syrinx_bind_int (st, n++, g_get_real_time ());
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_store_put_rendition (
    SyrinxStore *store, const SyrinxRenditionRow *row, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);

  return writer && syrinx_rendition_write (writer, row, error)
         && syrinx_connection_commit (writer, error);
}

static gboolean
run_for_track (SyrinxConnection *writer, const gchar *statement,
    const gchar *track_id, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, statement);

  syrinx_bind_text (st, 1, track_id);
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_store_remove_renditions (
    SyrinxStore *store, const gchar *track_id, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);

  return writer
         && run_for_track (writer, "drop-fragments-of-track", track_id, error)
         && run_for_track (
             writer, "retire-renditions-of-track", track_id, error)
         && syrinx_connection_commit (writer, error);
}

void
syrinx_rendition_row_free (SyrinxRenditionRow *row)
{
  if (!row)
    return;
  g_free (row->track_id);
  g_free (row->name);
  g_clear_pointer (&row->wrapped_key, g_bytes_unref);
  g_free (row->codecs);
  g_clear_pointer (&row->header, g_bytes_unref);
  g_free (row->encoder);
  g_free (row);
}

/* --- Fragments --- */

/* 0 if there is none, or on error. */
static gint64
find_rendition (SyrinxConnection *connection, const gchar *track_id,
    const gchar *name, guint epoch, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (connection, "rendition-id");
  GError *local = NULL;
  gint64 id = 0;

  bind_rendition (st, track_id, name, epoch);
  if (syrinx_statement_next (connection, st, &local))
    id = syrinx_column_int (st, "rendition_id");
  else if (local)
    g_propagate_error (error, local);
  else
    fail_not_found ("rendition", track_id, name, epoch, error);
  sqlite3_reset (st->stmt);
  return id;
}

static gboolean
drop_fragment (
    SyrinxConnection *writer, gint64 rendition, guint number, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "uncount-fragment");

  syrinx_bind_int (st, 1, rendition);
  syrinx_bind_int (st, 2, number);
  if (!syrinx_statement_run (writer, st, error))
    return FALSE;
  st = syrinx_connection_get (writer, "drop-fragment");
  syrinx_bind_int (st, 1, rendition);
  syrinx_bind_int (st, 2, number);
  return syrinx_statement_run (writer, st, error);
}

static gboolean
put_fragment (SyrinxConnection *writer, gint64 rendition,
    const SyrinxFragmentRow *row, GError **error)
{
  SyrinxStatement *st;

  if (!drop_fragment (writer, rendition, row->number, error))
    return FALSE;
  st = syrinx_connection_get (writer, "put-fragment");
  syrinx_bind_int (st, 1, rendition);
  syrinx_bind_int (st, 2, row->number);
  syrinx_bind_int (st, 3, row->size_bytes);
  sqlite3_bind_blob (
      st->stmt, 4, row->sha256, sizeof row->sha256, SQLITE_STATIC);
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_store_put_fragments (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch, const SyrinxFragmentRow *rows,
    guint n_rows, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  SyrinxStatement *st;
  gint64 id, bytes = 0;

  id = writer ? find_rendition (writer, track_id, rendition, epoch, error) : 0;
  if (id == 0)
    return FALSE;
  for (guint i = 0; i < n_rows; i++) {
    if (!put_fragment (writer, id, &rows[i], error))
      return FALSE;
    bytes += rows[i].size_bytes;
  }
  st = syrinx_connection_get (writer, "count-fragments");
  syrinx_bind_int (st, 1, id);
  syrinx_bind_int (st, 2, n_rows);
  syrinx_bind_int (st, 3, bytes);
  return syrinx_statement_run (writer, st, error)
         && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_get_fragment (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number, SyrinxFragmentRow *row,
    GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_autoptr (GBytes) digest = NULL;
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "fragment");
  bind_rendition (st, track_id, rendition, epoch);
  syrinx_bind_int (st, 4, number);
  if (!syrinx_statement_next (reader, st, &local)) {
    if (!local)
      return fail_not_found (
          "such fragment", track_id, rendition, epoch, error);
    g_propagate_error (error, local);
    return FALSE;
  }
  digest = syrinx_column_bytes (st, "sha256");
  if (!digest || g_bytes_get_size (digest) != sizeof row->sha256) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
        "the index has no digest for fragment %u of track %s", number,
        track_id);
    return FALSE;
  }
  row->number = number;
  row->size_bytes = syrinx_column_int (st, "size_bytes");
  memcpy (row->sha256, g_bytes_get_data (digest, NULL), sizeof row->sha256);
  return TRUE;
}

/* --- Eviction --- */

/* Returns the uses recorded so far and clears them. (transfer full) */
static GHashTable *
steal_uses (SyrinxStore *store)
{
  GHashTable *uses;

  g_mutex_lock (&store->uses_lock);
  uses = g_steal_pointer (&store->uses);
  g_mutex_unlock (&store->uses_lock);
  return uses;
}

gboolean
syrinx_store_write_uses (SyrinxStore *store, GError **error)
{
  g_autoptr (GHashTable) uses = steal_uses (store);
  g_autoptr (SyrinxConnection) writer = NULL;
  GHashTableIter iter;
  gpointer key, value;

  if (!uses)
    return TRUE;
  writer = syrinx_store_write (store, error);
  if (!writer)
    return FALSE;
  g_hash_table_iter_init (&iter, uses);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    g_auto (GStrv) parts = g_strsplit (key, "/", 3);
    SyrinxStatement *st = syrinx_connection_get (writer, "use-rendition");

    bind_rendition (
        st, parts[0], parts[2], (guint)g_ascii_strtoull (parts[1], NULL, 10));
    syrinx_bind_int (st, 4, *(gint64 *)value);
    if (!syrinx_statement_run (writer, st, error))
      return FALSE;
  }
  return syrinx_connection_commit (writer, error);
}

void
syrinx_store_touch_rendition (SyrinxStore *store, const gchar *track_id,
    const gchar *rendition, guint epoch)
{
  gint64 now_us = g_get_real_time ();
  gboolean is_full;

  if (!store->writable || strchr (track_id, '/'))
    return;
  g_mutex_lock (&store->uses_lock);
  if (!store->uses)
    store->uses
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (store->uses,
      g_strdup_printf ("%s/%u/%s", track_id, epoch, rendition),
      g_memdup2 (&now_us, sizeof now_us));
  is_full = g_hash_table_size (store->uses) >= MAX_NOTED_USES;
  g_mutex_unlock (&store->uses_lock);
  if (is_full) {
    g_autoptr (GError) error = NULL;

    if (!syrinx_store_write_uses (store, &error))
      g_warning ("uses of renditions are lost: %s", error->message);
  }
}

typedef struct
{
  gint64 id;
  gchar *track_id, *name;
  guint epoch;
  guint64 bytes;
} Candidate;

static void
candidate_free (gpointer data)
{
  Candidate *candidate = data;

  g_free (candidate->track_id);
  g_free (candidate->name);
  g_free (candidate);
}

/* Renditions, least recently used first; *@total is their total size. */
static GPtrArray *
list_candidates (SyrinxStore *store, guint64 *total, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (candidate_free);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return NULL;
  st = syrinx_connection_get (reader, "renditions-by-use");
  *total = 0;
  while (syrinx_statement_next (reader, st, &local)) {
    Candidate *candidate = g_new0 (Candidate, 1);

    candidate->id = syrinx_column_int (st, "rendition_id");
    candidate->track_id = syrinx_column_text (st, "track_id");
    candidate->name = syrinx_column_text (st, "name");
    candidate->epoch = syrinx_column_int (st, "epoch");
    candidate->bytes = syrinx_column_int (st, "stored_bytes");
    *total += candidate->bytes;
    g_ptr_array_add (list, candidate);
  }
  if (!local)
    return g_steal_pointer (&list);
  g_propagate_error (error, local);
  return NULL;
}

static gboolean
run_for_rendition (SyrinxConnection *writer, const gchar *const *statements,
    gint64 id, GError **error)
{
  for (; *statements; statements++) {
    SyrinxStatement *st = syrinx_connection_get (writer, *statements);

    syrinx_bind_int (st, 1, id);
    if (!syrinx_statement_run (writer, st, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
syrinx_rendition_drop (SyrinxConnection *writer, gint64 id, GError **error)
{
  static const gchar *const statements[]
      = { "drop-fragments", "drop-superseded-rendition", NULL };

  return run_for_rendition (writer, statements, id, error);
}

static gboolean
forget_rendition (SyrinxStore *store, gint64 id, GError **error)
{
  static const gchar *const statements[]
      = { "drop-fragments", "empty-rendition", NULL };
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);

  return writer && run_for_rendition (writer, statements, id, error)
         && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_evict (SyrinxStore *store, guint64 max_bytes,
    SyrinxStoreEvictFunc func, gpointer user_data, GError **error)
{
  g_autoptr (GPtrArray) candidates = NULL;
  g_autoptr (GError) ignored = NULL;
  guint64 bytes = 0;

  /* On a full disk this fails; the eviction below frees space. */
  syrinx_store_write_uses (store, &ignored);
  candidates = list_candidates (store, &bytes, error);
  if (!candidates)
    return FALSE;
  for (guint i = 0; i < candidates->len && bytes > max_bytes; i++) {
    Candidate *candidate = g_ptr_array_index (candidates, i);

    if (!func (
            candidate->track_id, candidate->name, candidate->epoch, user_data))
      continue;
    if (!forget_rendition (store, candidate->id, error))
      return FALSE;
    bytes -= candidate->bytes;
  }
  return TRUE;
}
