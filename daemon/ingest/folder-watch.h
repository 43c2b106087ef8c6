/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches folders and says, not too often, that something changed. Main thread
 * only. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SyrinxWatch SyrinxWatch;

SyrinxWatch *syrinx_watch_new (GFunc changed, gpointer user_data);
void syrinx_watch_free (SyrinxWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWatch, syrinx_watch_free)

/* From now on these folders (absolute paths), the first ones if they are too
 * many. */
void syrinx_watch_set_directories (SyrinxWatch *watch, GPtrArray *directories);

G_END_DECLS
