/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures that lie beside a track. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* Where @track has no picture of its own: cover, folder or front, of any case
 * and ending, beside the file @path in the library folder @root. */
void syrinx_folder_cover_keep (SyrinxTrack *track, const gchar *root,
    const gchar *path, const gchar *state_dir);

G_END_DECLS
