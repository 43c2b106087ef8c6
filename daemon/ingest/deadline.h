/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls into a file system that may never return (a share whose server is
 * gone): each runs in a thread of its own and is abandoned when it makes no
 * more progress. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Increments *@progress atomically as it proceeds. It may touch only @data,
 * since its caller may have gone on. */
typedef void (*SyrinxDeadlineFunc) (gpointer data, gint *progress);

/* Runs @func in a new thread and waits as long as it makes progress at least
 * every @idle_ms. TRUE: it is done, and @data is the caller's again. FALSE: it
 * was abandoned; if the thread ever returns, it frees @data by @free. @key
 * identifies the file system: while SYRINX_MAX_STUCK threads hang there, no
 * other is started, and the call fails at once. */
#define SYRINX_MAX_STUCK 4
gboolean syrinx_deadline_run (const gchar *key, SyrinxDeadlineFunc func,
    gpointer data, GDestroyNotify free, guint idle_ms);

G_END_DECLS
