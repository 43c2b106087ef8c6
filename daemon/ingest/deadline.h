/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls into a file system that may never come back (a share whose server is
 * gone): each has a thread of its own and is given up when nothing moves any
 * more. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Counts up *@progress, atomically, as it gets on. Touches nothing but @data,
 * for its caller may be gone. */
typedef void (*SyrinxDeadlineFunc) (gpointer data, gint *progress);

/* Runs @func in a new thread and waits for it as long as it makes progress at
 * least every @idle_ms. TRUE: it is done, and @data is the caller's again.
 * FALSE: it was given up; when the thread comes back it frees @data by @free.
 * @key names who is asked: while SYRINX_MAX_STUCK threads hang there, no other
 * is started, and the call fails at once. */
#define SYRINX_MAX_STUCK 4
gboolean syrinx_deadline_run (const gchar *key, SyrinxDeadlineFunc func,
    gpointer data, GDestroyNotify free, guint idle_ms);

G_END_DECLS
