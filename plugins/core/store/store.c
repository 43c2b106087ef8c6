/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: opening, migration, the writer's lock. */
#include "store-private.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_VERSION  4
#define REINDEX_VERSION 4 /* its migration empties derived tables */
#define WAL_KEPT_BYTES  (64 << 20)
#define RESOURCE_PATH   "/org/syrinx/sql/"

GResource *syrinx_sql_get_resource (void);

/* --- Opening --- */

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

/* Each step is one transaction; on failure the file does not change. */
static gboolean
migrate_one (SyrinxConnection *writer, gint64 from, GError **error)
{
  g_autofree gchar *name
      = g_strdup_printf ("migrate-%" G_GINT64_FORMAT ".sql", from + 1);
  g_autofree gchar *sql = load_sql (name);
  g_autofree gchar *set_version
      = g_strdup_printf ("PRAGMA user_version = %" G_GINT64_FORMAT, from + 1);

  if (syrinx_connection_execute (writer, "BEGIN IMMEDIATE", error)
      && syrinx_connection_execute (writer, sql, error)
      && (from + 1 != REINDEX_VERSION || syrinx_reindex (writer, error))
      && syrinx_connection_execute (writer, set_version, error)
      && syrinx_connection_execute (writer, "COMMIT", error))
    return TRUE;
  syrinx_connection_roll_back (writer);
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

  store->writer = syrinx_connection_open (store, TRUE, error);
  if (!store->writer)
    return FALSE;
  if (!read_pragma (store->writer, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version > SCHEMA_VERSION)
    return check_version (store, store->writer, error);
  if (!syrinx_connection_execute (store->writer, pragmas, error)
      || !migrate (store, store->writer, error))
    return FALSE;
  syrinx_store_watch_log (store);
  return TRUE;
}

/* The process that holds the lock has written its pid into it. */
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
  return store->lock_fd >= 0 && prepare_writer (store, error);
}

/* Otherwise SQLite takes a lock for each allocation to count memory, which is
 * not needed here. No effect if other code in the process initialized SQLite
 * before. */
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
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_connection_free);
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
  /* the last connection to close deletes the log, which a reader may not do */
  g_ptr_array_unref (store->idle_readers);
  g_clear_pointer (&store->writer, syrinx_connection_free);
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
