/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes renditions in workers, a run of fragments at a time: the run that is
 * requested, then the next one ahead of it, so that playing does not have to
 * wait at the end of a run. */
#pragma once

#include "worker-pool.h"

#include "daemon/journal.h"

#include "core/content/content.h"

G_BEGIN_DECLS

typedef struct _SyrinxProduction SyrinxProduction;

/* Installs itself as @content's producer. A run that fails is noted as an error
 * in @journal, which must outlive it. */
SyrinxProduction *syrinx_production_new (SyrinxContent *content,
    SyrinxJournal *journal, SyrinxWorkerPool *pool, guint n_workers);
/* Removes itself from the content and waits for its jobs, which end soon once
 * the pool is shut. */
void syrinx_production_free (SyrinxProduction *production);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxProduction, syrinx_production_free)

G_END_DECLS
