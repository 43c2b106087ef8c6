/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: wrapped keys and epochs of renditions, for the rotation of
 * keys. */
#include "store-private.h"

#define BATCH 256

typedef struct
{
  gint64 id;
  gchar *track_id, *name;
  guint epoch;
  GBytes *wrapped_key;
} Key;

static void
key_free (gpointer data)
{
  Key *key = data;

  g_free (key->track_id);
  g_free (key->name);
  g_clear_pointer (&key->wrapped_key, g_bytes_unref);
  g_free (key);
}

/* Takes @local. Returns: (transfer full) @list, or NULL if @local is set. */
static GPtrArray *
finish_list (GPtrArray *list, GError *local, GError **error)
{
  if (!local)
    return list;
  g_propagate_error (error, local);
  g_ptr_array_unref (list);
  return NULL;
}

/* The first rows after @after. */
static GPtrArray *
list_keys (
    SyrinxConnection *connection, gint64 after, guint max, GError **error)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (key_free);
  SyrinxStatement *st = syrinx_connection_get (connection, "keys");
  GError *local = NULL;

  syrinx_bind_int (st, 1, after);
  syrinx_bind_int (st, 2, max);
  while (syrinx_statement_next (connection, st, &local)) {
    Key *key = g_new0 (Key, 1);
    key->id = syrinx_column_int (st, "rendition_id");
    key->track_id = syrinx_column_text (st, "track_id");
    key->name = syrinx_column_text (st, "name");
    key->epoch = syrinx_column_int (st, "epoch");
    key->wrapped_key = syrinx_column_bytes (st, "wrapped_key");
    g_ptr_array_add (list, key);
  }
  return finish_list (list, local, error);
}

static gboolean
put_key (
    SyrinxConnection *writer, const Key *key, GBytes *wrapped, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "put-key");

  syrinx_bind_int (st, 1, key->id);
  syrinx_bind_bytes (st, 2, wrapped);
  return syrinx_statement_run (writer, st, error);
}

/* Moves *@after to the last row of the batch; it is unchanged if there was
 * none. */
static gboolean
change_batch (SyrinxStore *store, gint64 *after, SyrinxStoreKeyFunc func,
    gpointer user_data, GError **error)
{
  g_autoptr (SyrinxConnection) writer
      = syrinx_store_write_durably (store, error);
  g_autoptr (GPtrArray) keys
      = writer ? list_keys (writer, *after, BATCH, error) : NULL;

  for (guint i = 0; keys && i < keys->len; i++) {
    Key *key = keys->pdata[i];
    g_autoptr (GBytes) changed = func (
        key->track_id, key->name, key->epoch, key->wrapped_key, user_data);
    if (changed && !put_key (writer, key, changed, error))
      return FALSE;
    *after = key->id;
  }
  return keys && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_change_keys (SyrinxStore *store, SyrinxStoreKeyFunc func,
    gpointer user_data, GError **error)
{
  gint64 after = 0, before;

  do {
    before = after;
    if (!change_batch (store, &after, func, user_data, error))
      return FALSE;
  } while (after != before);
  return TRUE;
}

static gboolean
read_batch (SyrinxStore *store, gint64 *after, guint max,
    SyrinxStoreKeyFunc func, gpointer user_data, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_autoptr (GPtrArray) keys
      = reader ? list_keys (reader, *after, max, error) : NULL;

  for (guint i = 0; keys && i < keys->len; i++) {
    Key *key = keys->pdata[i];
    g_autoptr (GBytes) changed = func (
        key->track_id, key->name, key->epoch, key->wrapped_key, user_data);
    g_warn_if_fail (changed == NULL);
    *after = key->id;
  }
  return keys != NULL;
}

gboolean
syrinx_store_foreach_key (SyrinxStore *store, guint max,
    SyrinxStoreKeyFunc func, gpointer user_data, GError **error)
{
  gint64 after = 0, before;

  do {
    before = after;
    if (!read_batch (store, &after, max ? max : BATCH, func, user_data, error))
      return FALSE;
  } while (after != before && !max);
  return TRUE;
}

/* --- Epochs --- */

GPtrArray *
syrinx_store_list_current (SyrinxStore *store, const gchar *track_id,
    const gchar *name, gint64 *before, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  GPtrArray *list;
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return NULL;
  list = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_rendition_row_free);
  st = syrinx_connection_get (
      reader, track_id ? "current-renditions-of-track" : "current-renditions");
  if (track_id)
    syrinx_bind_text (st, 1, track_id);
  else
    syrinx_bind_int (st, 1, *before);
  syrinx_bind_text (st, 2, name);
  if (!track_id)
    syrinx_bind_int (st, 3, BATCH);
  while (syrinx_statement_next (reader, st, &local)) {
    *before = syrinx_column_int (st, "rendition_id");
    g_ptr_array_add (list, syrinx_rendition_from_row (st));
  }
  return finish_list (list, local, error);
}

gboolean
syrinx_store_put_renditions (
    SyrinxStore *store, GPtrArray *rows, GError **error)
{
  g_autoptr (SyrinxConnection) writer
      = syrinx_store_write_durably (store, error);

  for (guint i = 0; writer && i < rows->len; i++)
    if (!syrinx_rendition_write (writer, rows->pdata[i], error))
      return FALSE;
  return writer && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_get_last_epoch (SyrinxStore *store, const gchar *track_id,
    const gchar *name, guint *epoch, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "last-epoch");
  syrinx_bind_text (st, 1, track_id);
  syrinx_bind_text (st, 2, name);
  if (!syrinx_statement_next (reader, st, error))
    return FALSE;
  *epoch = syrinx_column_int (st, "epoch");
  return TRUE;
}

GPtrArray *
syrinx_store_list_superseded (SyrinxStore *store, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  GPtrArray *list;
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return NULL;
  list = g_ptr_array_new_with_free_func (
      (GDestroyNotify)syrinx_rendition_row_free);
  st = syrinx_connection_get (reader, "superseded-renditions");
  while (syrinx_statement_next (reader, st, &local)) {
    SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);
    row->track_id = syrinx_column_text (st, "track_id");
    row->name = syrinx_column_text (st, "name");
    row->epoch = syrinx_column_int (st, "epoch");
    g_ptr_array_add (list, row);
  }
  return finish_list (list, local, error);
}

gboolean
syrinx_store_remove_epoch (SyrinxStore *store, const gchar *track_id,
    const gchar *name, guint epoch, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  SyrinxStatement *st;
  GError *local = NULL;
  gint64 id = 0;

  if (!writer)
    return FALSE;
  st = syrinx_connection_get (writer, "rendition-id");
  syrinx_bind_text (st, 1, track_id);
  syrinx_bind_text (st, 2, name);
  syrinx_bind_int (st, 3, epoch);
  if (syrinx_statement_next (writer, st, &local))
    id = syrinx_column_int (st, "rendition_id");
  sqlite3_reset (st->stmt);
  if (local) {
    g_propagate_error (error, local);
    return FALSE;
  }
  return id == 0
         || (syrinx_rendition_drop (writer, id, error)
             && syrinx_connection_commit (writer, error));
}
