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
  gboolean shares;   /* what is on shares, or only what is not */
  gboolean full;     /* every file is read again */
  guint forget_days; /* that what is missing is kept */
  GCancellable *cancellable;
  /* Any thread, often. */
  void (*progress) (gpointer user_data);
  gpointer user_data;
  /* atomic: progress so far */
  guint *n_total, *n_done, *n_failed;
} SyrinxScanJob;

typedef struct
{
  gboolean changed;       /* the index is not what it was */
  GPtrArray *directories; /* absolute paths, to be watched */
  guint n_away;           /* parts of the library that a watch tells nothing of:
                             shares, and what was not there */
} SyrinxScanResult;

/* Blocks until everything is scanned or the scan is cancelled. Any thread
 * except the main one. */
void syrinx_scan_run (const SyrinxScanJob *job, SyrinxScanResult *result);

G_END_DECLS
