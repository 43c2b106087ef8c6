/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a file's tags: by TagLib, which keeps every value of a name, and by
 * libavformat those that TagLib does not read. */
#pragma once

#include "daemon/worker/input.h"
#include "tags.h"

G_BEGIN_DECLS

/* Reads by TagLib, with @demuxer and @codec as the kind of file. Damage is no
 * error: everything readable is kept. */
void syrinx_tags_read_taglib (
    SyrinxTags *tags, gint fd, const gchar *demuxer, const gchar *codec);
/* Adds libavformat's tags whose names are not there yet. */
void syrinx_tags_read_input (SyrinxTags *tags, SyrinxInput *input);

G_END_DECLS
