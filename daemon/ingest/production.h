/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes renditions in workers, a run at a time: the one that is asked for, then
 * the one behind it, so that a playhead never reaches the end of what is made.
 */
#pragma once

#include "worker-pool.h"

#include "daemon/journal.h"

#include "core/content/content.h"

G_BEGIN_DECLS

typedef struct _SyrinxProduction SyrinxProduction;

/* Installs itself as @content's producer. A run that fails is an error event of
 * @journal, which outlives it. */
SyrinxProduction *syrinx_production_new (SyrinxContent *content,
    SyrinxJournal *journal, SyrinxWorkerPool *pool, guint n_workers);
/* Takes itself out of the content; waits for its jobs, which end soon once the
 * pool is shut. */
void syrinx_production_free (SyrinxProduction *production);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxProduction, syrinx_production_free)

G_END_DECLS
