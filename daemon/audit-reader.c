/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that writes the audit log. */
#include "audit-reader.h"

#include "daemon/sessions/sessions.h"

#define KINDS                                                                  \
  (SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_GIVEN)                                   \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_ROTATED)                            \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_ISSUED)                           \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_REVOKED))

struct _SyrinxAuditReader
{
  SyrinxJournal *journal; /* unowned */
  SyrinxAudit *audit;
  guint reader;
};

/* A failed write is noted in the journal like any other error, so that it is
 * counted and shown; the log has the cause. */
static void
note_lost (SyrinxAuditReader *self, const SyrinxEvent *event)
{
  syrinx_journal_note (
      self->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_ERROR,
                         .session = event->session,
                         .track = event->track,
                         .reason = "the audit log has lost a line" });
}

/* @facts: of the event's session; zeroed if it has none. */
static SyrinxAuditEntry
make_entry (const SyrinxEvent *event, const SyrinxSessionFacts *facts)
{
  return (SyrinxAuditEntry){ .event = syrinx_event_kind_to_string (event->kind),
    .subject = facts->subject,
    .session = facts->id,
    .client = event->client,
    .track = facts->track_id,
    .rendition = event->rendition,
    .epoch = event->epoch,
    .key = event->key,
    .form = event->form,
    .jti = event->jti,
    .scope = event->scope,
    .expires_at = event->expires_at_s,
    .n_keys = event->n_keys,
    .through = event->through };
}

static void
write_line (const SyrinxEvent *event, gpointer data)
{
  SyrinxAuditReader *self = data;
  SyrinxSessionFacts facts
      = { .subject = event->subject, .track_id = event->track };
  SyrinxAuditEntry entry;

  if (event->session)
    syrinx_session_get_facts (event->session, &facts);
  entry = make_entry (event, &facts);
  if (!syrinx_audit_note (self->audit, &entry))
    note_lost (self, event);
}

SyrinxAuditReader *
syrinx_audit_reader_new (SyrinxJournal *journal, SyrinxAudit *audit)
{
  SyrinxAuditReader *self = g_new0 (SyrinxAuditReader, 1);

  self->journal = journal;
  self->audit = audit;
  self->reader = syrinx_journal_add_reader (journal, KINDS, write_line, self);
  return self;
}

void
syrinx_audit_reader_set_audit (SyrinxAuditReader *self, SyrinxAudit *audit)
{
  syrinx_audit_free (self->audit);
  self->audit = audit;
}

void
syrinx_audit_reader_free (SyrinxAuditReader *self)
{
  syrinx_journal_remove_reader (self->journal, self->reader);
  syrinx_audit_free (self->audit);
  g_free (self);
}
