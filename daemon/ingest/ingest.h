/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ingest: keeps the index up to date with the library folders and makes
 * renditions, both in syrinx-worker processes. Main thread only, except for the
 * producer that it installs in the content. */
#pragma once

#include "daemon/journal.h"

#include "core/content/content.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define SYRINX_TYPE_INGEST (syrinx_ingest_get_type ())
/* Properties, all read-only with notify on the main context: "scanning"
 * (gboolean), "files-done", "files-total", "files-failed" (guint), of the
 * running scan or the last one. Signals: "changed" (tracks were added, changed
 * or removed), "scan-done". */
G_DECLARE_FINAL_TYPE (SyrinxIngest, syrinx_ingest, SYRINX, INGEST, GObject)

/* Failures to make a rendition are noted in @journal, which must outlive it.
 * @roots: absolute library folders. @worker: path of the syrinx-worker program.
 * Installs itself as @content's producer. (transfer full) */
SyrinxIngest *syrinx_ingest_new (SyrinxContent *content, SyrinxJournal *journal,
    const gchar *const *roots, const gchar *worker, guint n_workers);
/* Starts the file watch and an incremental scan; one that is running goes on
 * first. */
void syrinx_ingest_scan (SyrinxIngest *ingest);
/* The same, but every file is read again. */
void syrinx_ingest_scan_fully (SyrinxIngest *ingest);
/* Sets how often shares, and library folders that were missing, are scanned by
 * themselves, and how long missing tracks are kept. To be called before the
 * first scan. */
void syrinx_ingest_set_times (
    SyrinxIngest *ingest, guint rescan_interval_s, guint forget_days);
/* Stops workers; waits at most a second for each. */
void syrinx_ingest_stop (SyrinxIngest *ingest);

G_END_DECLS
