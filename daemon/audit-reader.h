/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that writes the audit log: which key was given to
 * whom, and what was done to keys and tokens. Main thread only. */
#pragma once

#include "journal.h"

#include "core/access/audit.h"

G_BEGIN_DECLS

typedef struct _SyrinxAuditReader SyrinxAuditReader;

/* @journal must outlive the reader. @audit is (transfer full). (transfer
 * full) */
SyrinxAuditReader *
syrinx_audit_reader_new (SyrinxJournal *journal, SyrinxAudit *audit);
/* Writes to @audit from now on. @audit is (transfer full). */
void
syrinx_audit_reader_set_audit (SyrinxAuditReader *reader, SyrinxAudit *audit);
void syrinx_audit_reader_free (SyrinxAuditReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxAuditReader, syrinx_audit_reader_free)

G_END_DECLS
