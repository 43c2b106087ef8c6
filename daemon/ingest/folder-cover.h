/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures beside a track. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* Gives @track, if it has no picture of its own, the one called cover, folder
 * or front, in any case and with any suffix, beside the file @path in the
 * library folder @root. */
void syrinx_folder_cover_keep (SyrinxTrack *track, const gchar *root,
    const gchar *path, const gchar *state_dir);

G_END_DECLS
