/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a file's tags: by TagLib, which keeps every value of a name, and by
 * libavformat what TagLib does not read. */
#pragma once

#include "daemon/worker/input.h"
#include "tags.h"

G_BEGIN_DECLS

/* By TagLib, as the demuxer and codec of @input say. Damage is no error: what
 * can be read is. */
void syrinx_tags_read_taglib (
    SyrinxTags *tags, gint fd, const gchar *demuxer, const gchar *codec);
/* What libavformat found, of those names that are not there yet. */
void syrinx_tags_read_input (SyrinxTags *tags, SyrinxInput *input);

G_END_DECLS
