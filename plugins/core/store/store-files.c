/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: the scan's records of files, failures, statistics, revocations. */
#include "store-private.h"

#include "core/base/error.h"
#include "core/access/grant.h"

gboolean
syrinx_store_foreach_file (SyrinxStore *store, const gchar *root,
    SyrinxStoreFileFunc func, gpointer user_data, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "files");
  syrinx_bind_path (st, 1, root);
  while (syrinx_statement_next (reader, st, &local))
    func (syrinx_column_peek (st, "path"), syrinx_column_int (st, "size_bytes"),
        syrinx_column_int (st, "mtime_ns"), syrinx_column_int (st, "ctime_ns"),
        syrinx_column_peek (st, "reason"), user_data);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
syrinx_store_put_failure (SyrinxStore *store, const gchar *root,
    const gchar *path, gint64 size_bytes, gint64 mtime_ns, gint64 ctime_ns,
    const gchar *reason, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  g_autoptr (SyrinxBatch) batch = writer ? syrinx_batch_new (writer) : NULL;
  g_autofree gchar *text = g_utf8_make_valid (reason, -1);
  gint64 root_id;
  SyrinxStatement *st;

  root_id = writer ? syrinx_connection_find_root (writer, root, error) : 0;
  if (root_id == 0
      || !syrinx_batch_remove_path (batch, writer, root_id, path, error))
    return FALSE;
  st = syrinx_connection_get (writer, "put-failure");
  syrinx_bind_int (st, 1, root_id);
  syrinx_bind_path (st, 2, path);
  syrinx_bind_int (st, 3, size_bytes);
  syrinx_bind_int (st, 4, mtime_ns);
  syrinx_bind_int (st, 5, ctime_ns);
  syrinx_bind_text (st, 6, text);
  return syrinx_statement_run (writer, st, error)
         && syrinx_batch_finish (batch, error)
         && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_foreach_failure (SyrinxStore *store,
    void (*func) (const gchar *root, const gchar *path, const gchar *reason,
        gpointer user_data),
    gpointer user_data, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "failures");
  while (syrinx_statement_next (reader, st, &local))
    func (syrinx_column_peek (st, "root"), syrinx_column_peek (st, "path"),
        syrinx_column_peek (st, "reason"), user_data);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
syrinx_store_get_stats (
    SyrinxStore *store, SyrinxStoreStats *stats, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "stats");
  if (!syrinx_statement_next (reader, st, error))
    return FALSE;
  stats->n_tracks = syrinx_column_int (st, "n_tracks");
  stats->n_albums = syrinx_column_int (st, "n_albums");
  stats->n_artists = syrinx_column_int (st, "n_artists");
  stats->n_failures = syrinx_column_int (st, "n_failures");
  stats->n_fragments = syrinx_column_int (st, "n_fragments");
  stats->cache_bytes = syrinx_column_int (st, "cache_bytes");
  stats->duration_ns = syrinx_column_int (st, "duration_ns");
  return TRUE;
}

/* --- Revocations --- */

gboolean
syrinx_store_put_revocation (SyrinxStore *store, const gchar *jti,
    const gchar *subject, gint64 until_s, GError **error)
{
  g_autoptr (SyrinxConnection) writer = NULL;
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  SyrinxStatement *st;

  g_return_val_if_fail ((jti == NULL) != (subject == NULL), FALSE);
  writer = syrinx_store_write (store, error);
  if (!writer)
    return FALSE;
  st = syrinx_connection_get (writer, "drop-revocations");
  syrinx_bind_int (st, 1, now_s);
  syrinx_bind_int (st, 2, now_s - SYRINX_LONGEST_TOKEN_S);
  if (!syrinx_statement_run (writer, st, error))
    return FALSE;
  st = syrinx_connection_get (writer, "put-revocation");
  syrinx_bind_text (st, 1, jti ? "jti" : "subject");
  syrinx_bind_text (st, 2, jti ? jti : subject);
  syrinx_bind_int (st, 3, until_s);
  return syrinx_statement_run (writer, st, error)
         && syrinx_connection_commit (writer, error);
}

gboolean
syrinx_store_load_revocations (SyrinxStore *store, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "revocations");
  while (syrinx_statement_next (reader, st, &local)) {
    const gchar *value = syrinx_column_peek (st, "value");
    gint64 until_s = syrinx_column_int (st, "until_s");

    if (g_str_equal (syrinx_column_peek (st, "kind"), "jti"))
      syrinx_revoke_jti (value, until_s);
    else
      syrinx_revoke_subject (value, until_s);
  }
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}
