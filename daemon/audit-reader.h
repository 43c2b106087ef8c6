/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that writes to the audit log who got which key, and
 * what was done to keys and tokens. Main thread only. */
#pragma once

#include "journal.h"

#include "core/access/audit.h"

G_BEGIN_DECLS

typedef struct _SyrinxAuditReader SyrinxAuditReader;

/* @journal outlives it. Takes @audit. (transfer full) */
SyrinxAuditReader *
syrinx_audit_reader_new (SyrinxJournal *journal, SyrinxAudit *audit);
/* Takes @audit, which is written to from now on. */
void
syrinx_audit_reader_set_audit (SyrinxAuditReader *reader, SyrinxAudit *audit);
void syrinx_audit_reader_free (SyrinxAuditReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAuditReader, syrinx_audit_reader_free)

G_END_DECLS
