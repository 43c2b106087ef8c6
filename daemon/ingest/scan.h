/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One scan of the library folders: workers read new and changed files, and
 * files that are gone are marked as removed. */
#pragma once

#include "worker-pool.h"

#include "core/store/store.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  SyrinxStore *store;
  SyrinxWorkerPool *pool;
  const gchar *const *roots;
  guint n_workers;
  gboolean shares;   /* scans only areas on shares, or only others */
  gboolean full;     /* reads unchanged files again, too */
  guint forget_days; /* how long missing tracks are kept */
  GCancellable *cancellable;
  /* Any thread, often. */
  void (*progress) (gpointer user_data);
  gpointer user_data;
  /* atomic: progress so far */
  guint *n_total, *n_done, *n_failed;
} SyrinxScanJob;

typedef struct
{
  gboolean changed;       /* the index was changed */
  GPtrArray *directories; /* absolute paths to watch */
  guint n_away; /* areas that a watch can't cover: shares, and missing ones */
} SyrinxScanResult;

/* Blocks until everything is scanned or the scan is cancelled. Any thread
 * except the main one. */
void syrinx_scan_run (const SyrinxScanJob *job, SyrinxScanResult *result);

G_END_DECLS
