/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: checkpoints, which move pages from the log into the file. A
 * temporary thread with its own connection makes them, so that neither the
 * writer nor threads that wait for the writer have to wait for the disk. */
#include "store-private.h"

#define CHECKPOINT_PAGES 8192 /* 32 MiB: starts a checkpoint */
#define MAX_LOG_PAGES    (CHECKPOINT_PAGES * 4) /* the writer has to wait */

static int
note_log_pages (void *data, sqlite3 *db, const char *name, int n_pages)
{
  SyrinxStore *store = data;

  g_atomic_int_set (&store->log_pages, n_pages);
  return SQLITE_OK;
}

void
syrinx_store_watch_log (SyrinxStore *store)
{
  sqlite3_wal_hook (store->writer->db, note_log_pages, store);
}

/* SQLITE_BUSY is no failure: another process is making a checkpoint. */
static void
move_pages (SyrinxStore *store, sqlite3 *db)
{
  gint rc = sqlite3_wal_checkpoint_v2 (
      db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

  if (rc != SQLITE_OK && rc != SQLITE_BUSY)
    g_message ("index %s: the log could not be cleared now: %s", store->db_path,
        sqlite3_errmsg (db));
}

/* A connection that has read nothing yet does not know the log and would move
 * nothing, hence the PRAGMA. */
static gboolean
open_log (SyrinxStore *store, sqlite3 **db)
{
  return sqlite3_open_v2 (store->db_path, db, SQLITE_OPEN_READWRITE, NULL)
             == SQLITE_OK
         && sqlite3_exec (*db, "PRAGMA schema_version", NULL, NULL, NULL)
                == SQLITE_OK;
}

/* Repeats until no commit has asked for another checkpoint meanwhile. */
static gpointer
checkpoint (gpointer data)
{
  SyrinxStore *store = data;
  sqlite3 *db = NULL;
  gboolean is_open = open_log (store, &db);
  gint n_asked;

  if (!is_open)
    g_message ("index %s: the log could not be cleared now: %s", store->db_path,
        sqlite3_errmsg (db));
  do {
    n_asked = g_atomic_int_get (&store->n_checkpoints);
    if (is_open)
      move_pages (store, db);
  } while (
      !g_atomic_int_compare_and_exchange (&store->n_checkpoints, n_asked, 0));
  sqlite3_close (db);
  return NULL;
}

void
syrinx_store_finish_checkpoint (SyrinxStore *store)
{
  GThread *thread;

  g_mutex_lock (&store->lock);
  thread = g_steal_pointer (&store->checkpointer);
  g_mutex_unlock (&store->lock);
  if (thread)
    g_thread_join (thread);
}

void
syrinx_store_start_checkpoint (SyrinxStore *store)
{
  if (g_atomic_int_get (&store->log_pages) < CHECKPOINT_PAGES
      || g_atomic_int_add (&store->n_checkpoints, 1) > 0)
    return;
  syrinx_store_finish_checkpoint (store); /* it is ending, or there is none */
  g_mutex_lock (&store->lock);
  store->checkpointer = g_thread_new ("syrinx-index", checkpoint, store);
  g_mutex_unlock (&store->lock);
}

void
syrinx_store_bound_log_locked (SyrinxStore *store)
{
  if (g_atomic_int_get (&store->log_pages) < MAX_LOG_PAGES)
    return;
  syrinx_store_finish_checkpoint (store);
  sqlite3_wal_checkpoint_v2 (
      store->writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
