/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A damaged index. It is opened without the store's connections, which would
 * refuse it. */
#include "store-check.h"
#include "store-private.h"

#include "core/base/error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

static gchar *
get_index_path (const gchar *state_dir)
{
  return g_build_filename (state_dir, "index.db", NULL);
}

/* (nullable) */
static sqlite3 *
open_apart (const gchar *path, GError **error)
{
  sqlite3 *db = NULL;
  gint rc = sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL);

  if (rc == SQLITE_OK) {
    sqlite3_busy_timeout (db, BUSY_TIMEOUT_MS);
    return db;
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "can't open %s: %s",
      path, sqlite3_errstr (rc));
  sqlite3_close (db);
  return NULL;
}

/* --- Checking --- */

/* SQLite's check returns one row "ok", or one row per fault. */
static void
tell_faults (
    sqlite3 *db, const gchar *sql, SyrinxStoreProblemFunc func, gpointer data)
{
  sqlite3_stmt *stmt = NULL;
  gint rc = sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL);

  if (rc == SQLITE_OK)
    while ((rc = sqlite3_step (stmt)) == SQLITE_ROW) {
      const gchar *text = (const gchar *)sqlite3_column_text (stmt, 0);

      if (text && !g_str_equal (text, "ok"))
        func (text, data);
    }
  if (rc != SQLITE_DONE)
    func (sqlite3_errmsg (db), data);
  sqlite3_finalize (stmt);
}

gboolean
syrinx_store_check (const gchar *state_dir, SyrinxStoreProblemFunc func,
    gpointer user_data, GError **error)
{
  g_autofree gchar *path = get_index_path (state_dir);
  sqlite3 *db;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no index %s: has syrinxd run with this state directory?",
        path);
    return FALSE;
  }
  db = open_apart (path, error);
  if (!db)
    return FALSE;
  tell_faults (db, "PRAGMA integrity_check", func, user_data);
  sqlite3_close (db);
  return TRUE;
}

gboolean
syrinx_store_foreach_fragment (SyrinxStore *store, SyrinxStoreFragmentFunc func,
    gpointer user_data, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  SyrinxStatement *st;
  GError *local = NULL;

  if (!reader)
    return FALSE;
  st = syrinx_connection_get (reader, "all-fragments");
  while (syrinx_statement_next (reader, st, &local)) {
    SyrinxFragmentRow row = { .number = syrinx_column_int (st, "number"),
      .size_bytes = syrinx_column_int (st, "size_bytes") };
    g_autoptr (GBytes) digest = syrinx_column_bytes (st, "sha256");

    if (digest && g_bytes_get_size (digest) == sizeof row.sha256)
      memcpy (row.sha256, g_bytes_get_data (digest, NULL), sizeof row.sha256);
    func (syrinx_column_peek (st, "track_id"), syrinx_column_peek (st, "name"),
        syrinx_column_int (st, "epoch"), &row, user_data);
  }
  if (local)
    g_propagate_error (error, local);
  return local == NULL;
}

/* --- Replacing --- */

static gboolean
move (const gchar *from, const gchar *to, const gchar *suffix, GError **error)
{
  g_autofree gchar *old = g_strconcat (from, suffix, NULL);
  g_autofree gchar *new = g_strconcat (to, suffix, NULL);

  if (g_rename (old, new) == 0 || (*suffix && errno == ENOENT))
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
      "can't rename %s to %s: %s", old, new, g_strerror (errno));
  return FALSE;
}

/* Renames the index and its log, which belong together. */
static gchar *
set_aside (const gchar *state_dir, GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *stamp = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  g_autofree gchar *path = get_index_path (state_dir);
  g_autofree gchar *kept = g_strdup_printf ("%s.damaged-%s", path, stamp);

  return move (path, kept, "-wal", error) && move (path, kept, "-shm", error)
                 && move (path, kept, "", error)
             ? g_steal_pointer (&kept)
             : NULL;
}

static gboolean
copy_revocation (SyrinxConnection *writer, sqlite3_stmt *from)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "put-revocation");

  syrinx_bind_text (st, 1, (const gchar *)sqlite3_column_text (from, 0));
  syrinx_bind_text (st, 2, (const gchar *)sqlite3_column_text (from, 1));
  syrinx_bind_int (st, 3, sqlite3_column_int64 (from, 2));
  return syrinx_statement_run (writer, st, NULL);
}

/* Copies the revocations that can be read. Returns: their number. */
static guint
copy_revocations (SyrinxStore *store, const gchar *kept)
{
  g_autoptr (SyrinxConnection) writer
      = syrinx_store_write_durably (store, NULL);
  const gchar *sql = g_hash_table_lookup (store->sql, "revocations");
  sqlite3 *db = writer ? open_apart (kept, NULL) : NULL;
  sqlite3_stmt *stmt = NULL;
  guint n = 0;

  if (db && sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL) == SQLITE_OK)
    while (sqlite3_step (stmt) == SQLITE_ROW)
      n += copy_revocation (writer, stmt);
  sqlite3_finalize (stmt);
  sqlite3_close (db);
  return writer && syrinx_connection_commit (writer, NULL) ? n : 0;
}

SyrinxStore *
syrinx_store_begin_anew (
    const gchar *state_dir, gchar **kept, guint *n_revocations, GError **error)
{
  SyrinxStore *store = NULL;
  gint lock_fd = syrinx_store_take_lock (state_dir, error);

  *kept = lock_fd >= 0 ? set_aside (state_dir, error) : NULL;
  /* the new store takes the lock again */
  if (lock_fd >= 0)
    close (lock_fd);
  if (*kept)
    store = syrinx_store_open (state_dir, TRUE, error);
  if (store)
    *n_revocations = copy_revocations (store, *kept);
  return store;
}
