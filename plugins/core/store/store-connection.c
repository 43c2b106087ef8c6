/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: connections, their transactions and their statements.
 *
 * A store has one writing connection, which belongs to the thread that holds
 * `writer_lock`, for one transaction, and a pool of reading ones. A thread
 * takes one from the pool for a transaction and returns it, so that there are
 * as many as threads read at the same time, each with prepared statements. In
 * WAL mode readers and the writer do not wait for each other. */
#include "store-private.h"

#include "core/base/error.h"

#include <gio/gio.h>
#include <string.h>

#define BUSY_TIMEOUT_MS  5000
#define WRITER_CACHE_KIB 131072
#define READER_CACHE_KIB 4096
#define MMAP_BYTES       (G_GINT64_CONSTANT (1) << 33)

#define WHAT_TO_DO                                                             \
  "; the music is not touched by this: `syrinxctl check` says what is wrong. " \
  "Put a copy of the state directory back, or let `syrinxctl check "           \
  "--rebuild` "                                                                \
  "keep the damaged index aside and begin a new one"

/* --- Opening --- */

void
syrinx_connection_free (SyrinxConnection *connection)
{
  g_hash_table_unref (connection->statements);
  sqlite3_close (connection->db);
  g_free (connection);
}

static void
statement_free (gpointer data)
{
  SyrinxStatement *st = data;

  sqlite3_finalize (st->stmt);
  g_hash_table_unref (st->columns);
  g_free (st->known_columns);
  g_free (st);
}

gboolean
syrinx_connection_execute (
    SyrinxConnection *connection, const gchar *sql, GError **error)
{
  g_autofree gchar *first_line = NULL;

  if (sqlite3_exec (connection->db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  first_line = g_strndup (sql, strcspn (sql, "\n"));
  return syrinx_connection_fail (connection, first_line, error);
}

static gboolean
check_sqlite (GError **error)
{
  if (sqlite3_compileoption_used ("ENABLE_FTS5"))
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "this SQLite (%s) has no FTS5: install one that has",
      sqlite3_libversion ());
  return FALSE;
}

static void
reset_statements (SyrinxConnection *connection)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, connection->statements);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    sqlite3_reset (((SyrinxStatement *)value)->stmt);
}

/* Implements SQL's shown (id). */
static void
ask_filter (sqlite3_context *context, int n_values, sqlite3_value **values)
{
  const SyrinxConnection *connection = sqlite3_user_data (context);
  const SyrinxTrackFilter *filter = connection->filter;
  const gchar *id = (const gchar *)sqlite3_value_text (values[0]);

  sqlite3_result_int (
      context, !filter || (id && filter->is_shown (id, filter->user_data)));
}

SyrinxConnection *
syrinx_connection_open (
    SyrinxStore *store, gboolean for_writing, GError **error)
{
  SyrinxConnection *connection = g_new0 (SyrinxConnection, 1);
  g_autofree gchar *pragmas = NULL;
  gint flags = for_writing ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                           : SQLITE_OPEN_READONLY;

  connection->store = store;
  connection->is_writer = for_writing;
  connection->statements
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, statement_free);
  if (sqlite3_open_v2 (
          store->db_path, &connection->db, flags | SQLITE_OPEN_NOMUTEX, NULL)
      != SQLITE_OK) {
    syrinx_connection_fail (connection, store->db_path, error);
    syrinx_connection_free (connection);
    return NULL;
  }
  sqlite3_busy_timeout (connection->db, BUSY_TIMEOUT_MS);
  sqlite3_create_function (connection->db, "shown", 1,
      SQLITE_UTF8 | SQLITE_DIRECTONLY, connection, ask_filter, NULL, NULL);
  pragmas
      = g_strdup_printf ("PRAGMA cache_size = -%d; PRAGMA mmap_size = "
                         "%" G_GINT64_FORMAT "; PRAGMA trusted_schema = OFF;"
                         "PRAGMA foreign_keys = %s;%s",
          for_writing ? WRITER_CACHE_KIB : READER_CACHE_KIB, MMAP_BYTES, "OFF",
          for_writing ? "" : "PRAGMA query_only = ON;");
  if (!check_sqlite (error)
      || !syrinx_connection_execute (connection, pragmas, error)) {
    syrinx_connection_free (connection);
    return NULL;
  }
  return connection;
}

/* --- Transactions --- */

SyrinxConnection *
syrinx_store_read (SyrinxStore *store, GError **error)
{
  SyrinxConnection *reader = NULL;

  g_mutex_lock (&store->lock);
  if (store->idle_readers->len > 0)
    reader = g_ptr_array_steal_index (
        store->idle_readers, store->idle_readers->len - 1);
  g_mutex_unlock (&store->lock);
  if (!reader)
    reader = syrinx_connection_open (store, FALSE, error);
  if (reader
      && !syrinx_statement_run (
          reader, syrinx_connection_get (reader, "begin-reading"), error)) {
    syrinx_connection_free (reader);
    return NULL;
  }
  if (reader)
    reader->in_transaction = TRUE;
  return reader;
}

/* In WAL mode NORMAL writes the log without waiting for the disk. */
static gboolean
set_durable (SyrinxConnection *writer, gboolean is_durable, GError **error)
{
  if (writer->is_durable == is_durable)
    return TRUE;
  writer->is_durable = is_durable;
  return syrinx_connection_execute (writer,
      is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
      error);
}

static SyrinxConnection *
begin_writing (SyrinxStore *store, gboolean is_durable, GError **error)
{
  if (!store->writable) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "the index %s is open for reading only", store->db_path);
    return NULL;
  }
  g_mutex_lock (&store->writer_lock);
  syrinx_store_bound_log_locked (store);
  if (!set_durable (store->writer, is_durable, error)
      || !syrinx_statement_run (store->writer,
          syrinx_connection_get (store->writer, "begin-writing"), error)) {
    g_mutex_unlock (&store->writer_lock);
    return NULL;
  }
  store->writer->in_transaction = TRUE;
  return store->writer;
}

SyrinxConnection *
syrinx_store_write (SyrinxStore *store, GError **error)
{
  return begin_writing (store, FALSE, error);
}

SyrinxConnection *
syrinx_store_write_durably (SyrinxStore *store, GError **error)
{
  return begin_writing (store, TRUE, error);
}

gboolean
syrinx_connection_commit (SyrinxConnection *connection, GError **error)
{
  if (!syrinx_statement_run (
          connection, syrinx_connection_get (connection, "commit"), error))
    return FALSE;
  connection->in_transaction = FALSE;
  return TRUE;
}

void
syrinx_connection_roll_back (SyrinxConnection *connection)
{
  reset_statements (connection);
  sqlite3_exec (connection->db, "ROLLBACK", NULL, NULL, NULL);
  connection->in_transaction = FALSE;
}

void
syrinx_connection_release (SyrinxConnection *connection)
{
  SyrinxStore *store = connection->store;

  if (connection->in_transaction)
    syrinx_connection_roll_back (connection);
  else
    reset_statements (connection);
  connection->filter = NULL;
  if (connection->is_writer) {
    g_mutex_unlock (&store->writer_lock);
    syrinx_store_start_checkpoint (store);
    return;
  }
  g_mutex_lock (&store->lock);
  g_ptr_array_add (store->idle_readers, connection);
  g_mutex_unlock (&store->lock);
}

/* --- Statements --- */

SyrinxStatement *
syrinx_connection_get (SyrinxConnection *connection, const gchar *name)
{
  SyrinxStatement *st = g_hash_table_lookup (connection->statements, name);
  const gchar *sql;

  if (st) {
    sqlite3_reset (st->stmt);
    return st;
  }
  sql = g_hash_table_lookup (connection->store->sql, name);
  st = g_new0 (SyrinxStatement, 1);
  if (!sql
      || sqlite3_prepare_v3 (connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
             &st->stmt, NULL)
             != SQLITE_OK)
    g_error ("statement %s: %s", name, sqlite3_errmsg (connection->db));
  st->columns = g_hash_table_new (g_str_hash, g_str_equal);
  for (gint i = 0; i < sqlite3_column_count (st->stmt); i++)
    g_hash_table_insert (st->columns,
        (gpointer)g_intern_string (sqlite3_column_name (st->stmt, i)),
        GINT_TO_POINTER (i));
  g_hash_table_insert (
      connection->statements, (gpointer)g_intern_string (name), st);
  return st;
}

gboolean
syrinx_statement_next (
    SyrinxConnection *connection, SyrinxStatement *st, GError **error)
{
  gint rc = sqlite3_step (st->stmt);

  if (rc == SQLITE_ROW)
    return TRUE;
  if (rc != SQLITE_DONE)
    syrinx_connection_fail (connection, sqlite3_sql (st->stmt), error);
  sqlite3_reset (st->stmt);
  return FALSE;
}

gboolean
syrinx_statement_run (
    SyrinxConnection *connection, SyrinxStatement *st, GError **error)
{
  gint rc = sqlite3_step (st->stmt);

  if (rc != SQLITE_DONE && rc != SQLITE_ROW)
    return syrinx_connection_fail (connection, sqlite3_sql (st->stmt), error);
  sqlite3_reset (st->stmt);
  return TRUE;
}

gboolean
syrinx_connection_fail (
    SyrinxConnection *connection, const gchar *what, GError **error)
{
  gint rc = sqlite3_errcode (connection->db) & 0xff;
  gint code = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? SYRINX_ERROR_CORRUPT
              : rc == SQLITE_BUSY || rc == SQLITE_LOCKED  ? SYRINX_ERROR_BUSY
                                                          : SYRINX_ERROR_FAILED;
  GQuark domain = SYRINX_ERROR;

  if (rc == SQLITE_FULL) {
    domain = G_FILE_ERROR;
    code = G_FILE_ERROR_NOSPC;
  }
  g_set_error (error, domain, code, "index %s: %s (in %.60s)%s",
      connection->store->db_path, sqlite3_errmsg (connection->db),
      what + strspn (what, " \n"),
      code == SYRINX_ERROR_CORRUPT ? WHAT_TO_DO : "");
  return FALSE;
}

/* --- Parameters and columns --- */

void
syrinx_bind_text (SyrinxStatement *st, gint n, const gchar *text)
{
  sqlite3_bind_text (st->stmt, n, text, -1, SQLITE_STATIC);
}

void
syrinx_bind_copy (SyrinxStatement *st, gint n, const gchar *text)
{
  sqlite3_bind_text (st->stmt, n, text, -1, SQLITE_TRANSIENT);
}

void
syrinx_bind_path (SyrinxStatement *st, gint n, const gchar *path)
{
  sqlite3_bind_blob (st->stmt, n, path, strlen (path), SQLITE_STATIC);
}

void
syrinx_bind_bytes (SyrinxStatement *st, gint n, GBytes *bytes)
{
  gsize size = 0;
  gconstpointer data = bytes ? g_bytes_get_data (bytes, &size) : NULL;

  if (bytes)
    sqlite3_bind_blob64 (st->stmt, n, data ? data : "", size, SQLITE_STATIC);
  else
    sqlite3_bind_null (st->stmt, n);
}

void
syrinx_bind_int (SyrinxStatement *st, gint n, gint64 value)
{
  sqlite3_bind_int64 (st->stmt, n, value);
}

gint
syrinx_column_index (SyrinxStatement *st, const gchar *name)
{
  gpointer index = NULL;

  if (!g_hash_table_lookup_extended (st->columns, name, NULL, &index))
    g_error ("no column %s in: %s", name, sqlite3_sql (st->stmt));
  return GPOINTER_TO_INT (index);
}

gint64
syrinx_column_int (SyrinxStatement *st, const gchar *name)
{
  return sqlite3_column_int64 (st->stmt, syrinx_column_index (st, name));
}

gdouble
syrinx_column_double (SyrinxStatement *st, const gchar *name)
{
  return sqlite3_column_double (st->stmt, syrinx_column_index (st, name));
}

gboolean
syrinx_column_is_null (SyrinxStatement *st, const gchar *name)
{
  return sqlite3_column_type (st->stmt, syrinx_column_index (st, name))
         == SQLITE_NULL;
}

const gchar *
syrinx_column_peek (SyrinxStatement *st, const gchar *name)
{
  return (const gchar *)sqlite3_column_text (
      st->stmt, syrinx_column_index (st, name));
}

gchar *
syrinx_column_text (SyrinxStatement *st, const gchar *name)
{
  return g_strdup (syrinx_column_peek (st, name));
}

GBytes *
syrinx_column_bytes (SyrinxStatement *st, const gchar *name)
{
  gint index = syrinx_column_index (st, name);
  gconstpointer data = sqlite3_column_blob (st->stmt, index);

  if (sqlite3_column_type (st->stmt, index) == SQLITE_NULL)
    return NULL;
  return g_bytes_new (data, sqlite3_column_bytes (st->stmt, index));
}
