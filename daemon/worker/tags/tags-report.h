/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file's tags mean, as TagLib, mutagen and Navidrome read them. Any
 * thread. */
#pragma once

#include "tags.h"

G_BEGIN_DECLS

/* Adds to @builder (a{sv}) those keys of daemon/ingest/worker-report.h that the
 * tags give. */
void syrinx_tags_report (SyrinxTags *tags, GVariantBuilder *builder);

G_END_DECLS
