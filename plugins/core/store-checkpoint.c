/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: moving what was written from the log into the file. A thread that
 * lives as long as that takes does it, with a connection of its own, so that
 * neither the writer nor whoever waits for it waits for the disk. */
#include "store-private.h"

#define CHECKPOINT_PAGES 8192 /* 32 MiB: worth a checkpoint */
#define MAX_LOG_PAGES    (CHECKPOINT_PAGES * 16) /* the writer has to wait */

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

static gpointer
checkpoint (gpointer data)
{
  SyrinxStore *store = data;
  sqlite3 *db = NULL;

  if (sqlite3_open_v2 (store->db_path, &db, SQLITE_OPEN_READWRITE, NULL)
          != SQLITE_OK
      || sqlite3_wal_checkpoint_v2 (
             db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL)
             != SQLITE_OK)
    g_message ("index %s: the log could not be cleared now: %s", store->db_path,
        sqlite3_errmsg (db));
  sqlite3_close (db);
  g_atomic_int_set (&store->is_checkpointing, FALSE);
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
      || !g_atomic_int_compare_and_exchange (
          &store->is_checkpointing, FALSE, TRUE))
    return;
  syrinx_store_finish_checkpoint (store); /* has set the flag, or never ran */
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
