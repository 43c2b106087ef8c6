/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the journal that counts. */
#include "tally.h"

#define OTHER "other"
#define KINDS                                                                  \
  (SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_BEGAN)                               \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_SEEK)                           \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_SESSION_ENDED)                          \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_REFUSED)                                \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_ERROR)                                  \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_GIVEN)                              \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_KEY_ROTATED)                            \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_ISSUED)                           \
      | SYRINX_EVENT_BIT (SYRINX_EVENT_TOKEN_REVOKED))

typedef struct
{
  gchar *reason;
  guint64 count;
} Refusals;

struct _SyrinxTally
{
  SyrinxJournal *journal; /* unowned */
  guint reader;
  guint64 counts[SYRINX_N_EVENTS];
  GArray *refusals; /* of Refusals */
};

static void
refusals_clear (gpointer data)
{
  g_free (((Refusals *)data)->reason);
}

/* The entry of @reason. (nullable) */
static Refusals *
find (SyrinxTally *self, const gchar *reason)
{
  for (guint i = 0; i < self->refusals->len; i++) {
    Refusals *known = &g_array_index (self->refusals, Refusals, i);
    if (g_str_equal (known->reason, reason))
      return known;
  }
  return NULL;
}

static Refusals *
add (SyrinxTally *self, const gchar *reason)
{
  const Refusals fresh = { .reason = g_strdup (reason) };

  g_array_append_val (self->refusals, fresh);
  return &g_array_index (self->refusals, Refusals, self->refusals->len - 1);
}

static Refusals *
get_refusals (SyrinxTally *self, const gchar *reason)
{
  Refusals *known = find (self, reason);

  if (!known && self->refusals->len >= SYRINX_TALLY_MAX_REASONS) {
    reason = OTHER;
    known = find (self, reason);
  }
  return known ? known : add (self, reason);
}

static void
count (const SyrinxEvent *event, gpointer data)
{
  SyrinxTally *self = data;

  self->counts[event->kind]++;
  if (event->kind == SYRINX_EVENT_REFUSED)
    get_refusals (self, event->reason ? event->reason : OTHER)->count++;
}

guint64
syrinx_tally_get (SyrinxTally *self, SyrinxEventKind kind)
{
  g_return_val_if_fail (kind < SYRINX_N_EVENTS, 0);
  return self->counts[kind];
}

void
syrinx_tally_foreach_refusal (
    SyrinxTally *self, SyrinxTallyFunc func, gpointer user_data)
{
  for (guint i = 0; i < self->refusals->len; i++) {
    const Refusals *refusals = &g_array_index (self->refusals, Refusals, i);
    func (refusals->reason, refusals->count, user_data);
  }
}

SyrinxTally *
syrinx_tally_new (SyrinxJournal *journal)
{
  SyrinxTally *self = g_new0 (SyrinxTally, 1);

  self->journal = journal;
  self->refusals = g_array_new (FALSE, FALSE, sizeof (Refusals));
  g_array_set_clear_func (self->refusals, refusals_clear);
  self->reader = syrinx_journal_add_reader (journal, KINDS, count, self);
  return self;
}

void
syrinx_tally_free (SyrinxTally *self)
{
  syrinx_journal_remove_reader (self->journal, self->reader);
  g_array_unref (self->refusals);
  g_free (self);
}
