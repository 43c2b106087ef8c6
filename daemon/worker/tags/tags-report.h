/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The meaning of a file's tags, as TagLib, mutagen and Navidrome have it. Any
 * thread. */
#pragma once

#include "tags.h"

G_BEGIN_DECLS

/* Adds to @builder (a{sv}) the keys of daemon/ingest/worker-report.h for which
 * there are tags. */
void syrinx_tags_report (SyrinxTags *tags, GVariantBuilder *builder);

G_END_DECLS
