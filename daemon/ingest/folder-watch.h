/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches folders and reports, after a pause, that something changed. Main
 * thread only. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SyrinxWatch SyrinxWatch;

SyrinxWatch *syrinx_watch_new (GFunc changed, gpointer user_data);
void syrinx_watch_free (SyrinxWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWatch, syrinx_watch_free)

/* Watches @directories (absolute paths) from now on, and only the first of them
 * if there are too many. */
void syrinx_watch_set_directories (SyrinxWatch *watch, GPtrArray *directories);

G_END_DECLS
