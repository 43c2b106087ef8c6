/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: opening, migration, the writers' lock, connections and their
 * statements.
 *
 * A store has one writing connection, used by whoever holds `writer_lock` for
 * the length of one transaction, and a pool of reading ones: a thread takes one
 * for a transaction and puts it back, so that there are as many as threads read
 * at the same moment, each with its statements prepared. In WAL mode neither
 * waits for the other. */
#include "store-private.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_VERSION   4
#define REINDEX_VERSION  4 /* its migration empties what tracks make */
#define BUSY_TIMEOUT_MS  5000
#define WRITER_CACHE_KIB 131072
#define READER_CACHE_KIB 4096
#define MMAP_BYTES       (G_GINT64_CONSTANT (1) << 33)
#define WAL_KEPT_BYTES   (64 << 20)
#define MISSING_KEPT_S   (90 * 24 * 3600)
#define RESOURCE_PATH    "/org/syrinx/sql/"

#define WHAT_TO_DO                                                             \
  "; the music is not touched by this: `syrinxctl check` says what is wrong. " \
  "Put a copy of the state directory back, or let `syrinxctl check "           \
  "--rebuild` "                                                                \
  "keep the damaged index aside and begin a new one"

GResource *syrinx_sql_get_resource (void);

/* --- Opening --- */

static void
connection_free (SyrinxConnection *connection)
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

static gboolean
execute (SyrinxConnection *connection, const gchar *sql, GError **error)
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

static SyrinxConnection *
connection_open (SyrinxStore *store, gboolean for_writing, GError **error)
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
    connection_free (connection);
    return NULL;
  }
  sqlite3_busy_timeout (connection->db, BUSY_TIMEOUT_MS);
  pragmas
      = g_strdup_printf ("PRAGMA cache_size = -%d; PRAGMA mmap_size = "
                         "%" G_GINT64_FORMAT "; PRAGMA trusted_schema = OFF;"
                         "PRAGMA foreign_keys = %s;%s",
          for_writing ? WRITER_CACHE_KIB : READER_CACHE_KIB, MMAP_BYTES, "OFF",
          for_writing ? "" : "PRAGMA query_only = ON;");
  if (!check_sqlite (error) || !execute (connection, pragmas, error)) {
    connection_free (connection);
    return NULL;
  }
  return connection;
}

static gboolean
read_pragma (SyrinxConnection *connection, const gchar *sql, gint64 *value,
    GError **error)
{
  sqlite3_stmt *stmt = NULL;
  gboolean ok
      = sqlite3_prepare_v2 (connection->db, sql, -1, &stmt, NULL) == SQLITE_OK
        && sqlite3_step (stmt) == SQLITE_ROW;

  if (ok)
    *value = sqlite3_column_int64 (stmt, 0);
  else
    syrinx_connection_fail (connection, sql, error);
  sqlite3_finalize (stmt);
  return ok;
}

static gchar *
load_sql (const gchar *name)
{
  g_autofree gchar *path = g_strconcat (RESOURCE_PATH, name, NULL);
  g_autoptr (GBytes) bytes = g_resource_lookup_data (
      syrinx_sql_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  g_assert (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* One transaction a step; on failure the file stays as it was. */
static gboolean
migrate_one (SyrinxConnection *writer, gint64 from, GError **error)
{
  g_autofree gchar *name
      = g_strdup_printf ("migrate-%" G_GINT64_FORMAT ".sql", from + 1);
  g_autofree gchar *sql = load_sql (name);
  g_autofree gchar *set_version
      = g_strdup_printf ("PRAGMA user_version = %" G_GINT64_FORMAT, from + 1);

  if (execute (writer, "BEGIN IMMEDIATE", error) && execute (writer, sql, error)
      && (from + 1 != REINDEX_VERSION || syrinx_reindex (writer, error))
      && execute (writer, set_version, error)
      && execute (writer, "COMMIT", error))
    return TRUE;
  reset_statements (writer);
  sqlite3_exec (writer->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

static gboolean
migrate (SyrinxStore *store, SyrinxConnection *writer, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gint64 version = 0;
  gboolean ok = read_pragma (writer, "PRAGMA user_version", &version, &cause);

  while (ok && version < SCHEMA_VERSION)
    ok = migrate_one (writer, version++, &cause);
  if (ok)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "cannot bring the index %s to version %d: %s; the file was kept as it "
      "was: move it away to start anew",
      store->db_path, SCHEMA_VERSION, cause->message);
  return FALSE;
}

static gboolean
check_version (SyrinxStore *store, SyrinxConnection *connection, GError **error)
{
  gint64 version = 0;

  if (!read_pragma (connection, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == SCHEMA_VERSION)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "the index %s has version %" G_GINT64_FORMAT
      ", this program knows %d: %s",
      store->db_path, version, SCHEMA_VERSION,
      version > SCHEMA_VERSION ? "use a newer program"
                               : "start syrinxd on it once");
  return FALSE;
}

static gboolean
prepare_writer (SyrinxStore *store, GError **error)
{
  g_autofree gchar *pragmas = g_strdup_printf (
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
      "PRAGMA journal_size_limit = %d;",
      WAL_KEPT_BYTES);
  gint64 version = 0;

  store->writer = connection_open (store, TRUE, error);
  if (!store->writer)
    return FALSE;
  if (!read_pragma (store->writer, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version > SCHEMA_VERSION)
    return check_version (store, store->writer, error);
  if (!execute (store->writer, pragmas, error)
      || !migrate (store, store->writer, error))
    return FALSE;
  syrinx_store_watch_log (store);
  return TRUE;
}

static gboolean
forget_long_missing (SyrinxStore *store, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  gint64 before_s = g_get_real_time () / G_USEC_PER_SEC - MISSING_KEPT_S;
  SyrinxStatement *st;

  if (!writer)
    return FALSE;
  st = syrinx_connection_get (writer, "forget-details");
  syrinx_bind_int (st, 1, before_s);
  if (!syrinx_statement_run (writer, st, error))
    return FALSE;
  st = syrinx_connection_get (writer, "forget-missing");
  syrinx_bind_int (st, 1, before_s);
  return syrinx_statement_run (writer, st, error)
         && syrinx_connection_commit (writer, error);
}

/* Who holds the lock wrote its pid into it. */
static void
set_locked (const gchar *state_dir, gint fd, GError **error)
{
  gchar pid[16] = "";
  gssize n = pread (fd, pid, sizeof pid - 1, 0);

  pid[CLAMP (n, 0, (gssize)sizeof pid - 1)] = '\0';
  pid[strspn (pid, "0123456789")] = '\0';
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_BUSY,
      "the state directory %s is in use by process %s: stop it first, or "
      "choose "
      "another --state-dir",
      state_dir, *pid ? pid : "(unknown)");
}

static gboolean
fail_errno (const gchar *what, const gchar *path, GError **error)
{
  gint saved = errno;

  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "cannot %s %s: %s",
      what, path, g_strerror (saved));
  return FALSE;
}

static gboolean
lock_file (gint fd, const gchar *path, const gchar *state_dir, GError **error)
{
  g_autofree gchar *pid = g_strdup_printf ("%d\n", (gint)getpid ());
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  if (fcntl (fd, F_OFD_SETLK, &lock) < 0) {
    if (errno != EAGAIN && errno != EACCES)
      return fail_errno ("lock", path, error);
    set_locked (state_dir, fd, error);
    return FALSE;
  }
  if (ftruncate (fd, 0) < 0 || pwrite (fd, pid, strlen (pid), 0) < 0)
    return fail_errno ("write", path, error);
  return TRUE;
}

gint
syrinx_store_take_lock (const gchar *state_dir, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "lock", NULL);
  gint fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    fail_errno ("open", path, error);
  else if (lock_file (fd, path, state_dir, error))
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

/* "--: name" begins a statement. */
static GHashTable *
load_statements (void)
{
  GHashTable *statements
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree gchar *text = load_sql ("statements.sql");
  g_auto (GStrv) parts = g_strsplit (text, "\n--: ", -1);

  for (guint i = 1; parts[i]; i++) {
    gsize name_bytes = strcspn (parts[i], "\n");

    g_hash_table_insert (statements, g_strndup (parts[i], name_bytes),
        g_strdup (parts[i] + name_bytes));
  }
  return statements;
}

static gboolean
open_for_reading (SyrinxStore *store, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;

  if (!g_file_test (store->db_path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "there is no index %s: has syrinxd run with this state directory?",
        store->db_path);
    return FALSE;
  }
  reader = syrinx_store_read (store, error);
  return reader && check_version (store, reader, error);
}

static gboolean
open_for_writing (SyrinxStore *store, GError **error)
{
  if (g_mkdir_with_parents (store->state_dir, 0700) < 0)
    return fail_errno ("create", store->state_dir, error);
  store->lock_fd = syrinx_store_take_lock (store->state_dir, error);
  return store->lock_fd >= 0 && prepare_writer (store, error)
         && forget_long_missing (store, error);
}

/* Else every allocation of SQLite's takes a lock to be counted, and nobody asks
 * for the sums. Of no effect if something in the process was earlier. */
static void
configure_once (void)
{
  static gsize done;

  if (g_once_init_enter (&done)) {
    sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0);
    g_once_init_leave (&done, 1);
  }
}

SyrinxStore *
syrinx_store_open (const gchar *state_dir, gboolean writable, GError **error)
{
  g_autoptr (SyrinxStore) store = g_new0 (SyrinxStore, 1);

  configure_once ();
  g_atomic_ref_count_init (&store->refs);
  g_mutex_init (&store->writer_lock);
  g_mutex_init (&store->lock);
  g_mutex_init (&store->uses_lock);
  store->state_dir = g_strdup (state_dir);
  store->db_path = g_build_filename (state_dir, "index.db", NULL);
  store->writable = writable;
  store->lock_fd = -1;
  store->sql = load_statements ();
  store->idle_readers
      = g_ptr_array_new_with_free_func ((GDestroyNotify)connection_free);
  if (writable ? !open_for_writing (store, error)
               : !open_for_reading (store, error))
    return NULL;
  return g_steal_pointer (&store);
}

SyrinxStore *
syrinx_store_ref (SyrinxStore *store)
{
  g_atomic_ref_count_inc (&store->refs);
  return store;
}

void
syrinx_store_unref (SyrinxStore *store)
{
  if (!g_atomic_ref_count_dec (&store->refs))
    return;
  if (store->writer)
    syrinx_store_write_uses (store, NULL);
  syrinx_store_finish_checkpoint (store);
  /* the last to close clears the log, which a reader may not */
  g_ptr_array_unref (store->idle_readers);
  g_clear_pointer (&store->writer, connection_free);
  if (store->lock_fd >= 0)
    close (store->lock_fd);
  g_clear_pointer (&store->uses, g_hash_table_unref);
  g_hash_table_unref (store->sql);
  g_mutex_clear (&store->writer_lock);
  g_mutex_clear (&store->lock);
  g_mutex_clear (&store->uses_lock);
  g_free (store->state_dir);
  g_free (store->db_path);
  g_free (store);
}

const gchar *
syrinx_store_get_state_dir (SyrinxStore *store)
{
  return store->state_dir;
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
    reader = connection_open (store, FALSE, error);
  if (reader
      && !syrinx_statement_run (
          reader, syrinx_connection_get (reader, "begin-reading"), error)) {
    connection_free (reader);
    return NULL;
  }
  if (reader)
    reader->in_transaction = TRUE;
  return reader;
}

/* In WAL mode NORMAL writes the log and does not wait for the disk. */
static gboolean
set_durable (SyrinxConnection *writer, gboolean is_durable, GError **error)
{
  if (writer->is_durable == is_durable)
    return TRUE;
  writer->is_durable = is_durable;
  return execute (writer,
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
syrinx_connection_release (SyrinxConnection *connection)
{
  SyrinxStore *store = connection->store;

  reset_statements (connection);
  if (connection->in_transaction)
    sqlite3_exec (connection->db, "ROLLBACK", NULL, NULL, NULL);
  connection->in_transaction = FALSE;
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
