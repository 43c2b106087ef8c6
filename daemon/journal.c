/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal. */
#include "journal.h"

static const gchar *const kind_names[] = {
  [SYRINX_EVENT_SESSION_BEGAN] = "session-began",
  [SYRINX_EVENT_SESSION_CHANGED] = "session-changed",
  [SYRINX_EVENT_SESSION_ENDED] = "session-ended",
  [SYRINX_EVENT_SESSION_BEAT] = "session-beat",
  [SYRINX_EVENT_SESSION_SEEK] = "session-seek",
  [SYRINX_EVENT_REFUSED] = "refused",
  [SYRINX_EVENT_ERROR] = "error",
  [SYRINX_EVENT_KEY_GIVEN] = "key-given",
  [SYRINX_EVENT_KEY_ROTATED] = "key-rotated",
  [SYRINX_EVENT_TOKEN_ISSUED] = "token-issued",
  [SYRINX_EVENT_TOKEN_REVOKED] = "token-revoked",
  [SYRINX_EVENT_SCAN_PROGRESS] = "scan-progress",
  [SYRINX_EVENT_SCAN_DONE] = "scan-done",
  [SYRINX_EVENT_LIBRARY_CHANGED] = "library-changed",
  [SYRINX_EVENT_SERVER] = "server",
};

G_STATIC_ASSERT (G_N_ELEMENTS (kind_names) == SYRINX_N_EVENTS);
G_STATIC_ASSERT (SYRINX_N_EVENTS < 32);

typedef struct
{
  guint id; /* 0: removed while events are read */
  guint kinds;
  SyrinxJournalFunc func;
  gpointer user_data;
} Reader;

struct _SyrinxJournal
{
  /* constant after new */
  GThread *thread;
  GSource *source; /* reads the kept events, on the journal's thread */

  /* the journal's thread only */
  GArray *readers; /* of Reader, in the order of registration */
  guint next_id;
  gboolean is_reading;
  gboolean has_removed; /* a reader's id is 0 */

  /* atomic */
  guint kinds;  /* of all readers */
  guint n_kept; /* events in the queue */

  GMutex lock;
  GQueue kept;         /* protected by lock; of SyrinxEvent, copied */
  guint64 n_lost;      /* protected by lock */
  guint64 n_lost_told; /* the journal's thread only */
};

const gchar *
syrinx_event_kind_to_string (SyrinxEventKind kind)
{
  g_return_val_if_fail (kind < SYRINX_N_EVENTS, NULL);
  return kind_names[kind];
}

/* --- Copies --- */

static const gsize strings[] = { G_STRUCT_OFFSET (SyrinxEvent, subject),
  G_STRUCT_OFFSET (SyrinxEvent, client), G_STRUCT_OFFSET (SyrinxEvent, region),
  G_STRUCT_OFFSET (SyrinxEvent, track),
  G_STRUCT_OFFSET (SyrinxEvent, rendition),
  G_STRUCT_OFFSET (SyrinxEvent, state), G_STRUCT_OFFSET (SyrinxEvent, reason),
  G_STRUCT_OFFSET (SyrinxEvent, through), G_STRUCT_OFFSET (SyrinxEvent, key),
  G_STRUCT_OFFSET (SyrinxEvent, form), G_STRUCT_OFFSET (SyrinxEvent, jti),
  G_STRUCT_OFFSET (SyrinxEvent, scope) };

static SyrinxEvent *
event_copy (const SyrinxEvent *event)
{
  SyrinxEvent *copy = g_memdup2 (event, sizeof *event);

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++) {
    gchar **string = G_STRUCT_MEMBER_P (copy, strings[i]);
    *string = g_strdup (*string);
  }
  if (copy->session)
    g_object_ref (copy->session);
  return copy;
}

static void
event_free (SyrinxEvent *event)
{
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (G_STRUCT_MEMBER (gchar *, event, strings[i]));
  g_clear_object (&event->session);
  g_free (event);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEvent, event_free)

/* --- Reading --- */

static void
drop_removed (SyrinxJournal *self)
{
  guint kinds = 0;

  for (guint i = self->readers->len; i > 0; i--) {
    const Reader *reader = &g_array_index (self->readers, Reader, i - 1);
    if (reader->id)
      kinds |= reader->kinds;
    else
      g_array_remove_index (self->readers, i - 1);
  }
  self->has_removed = FALSE;
  g_atomic_int_set (&self->kinds, kinds);
}

/* A reader that is added by another during this call does not get @event. */
static void
read_one (SyrinxJournal *self, const SyrinxEvent *event)
{
  guint n = self->readers->len;

  self->is_reading = TRUE;
  for (guint i = 0; i < n; i++) {
    /* A copy, because a reader that adds another may move the array. */
    const Reader reader = g_array_index (self->readers, Reader, i);
    if (reader.id && reader.kinds & SYRINX_EVENT_BIT (event->kind))
      reader.func (event, reader.user_data);
  }
  self->is_reading = FALSE;
  if (self->has_removed)
    drop_removed (self);
}

/* (transfer full) (nullable) */
static SyrinxEvent *
take_kept (SyrinxJournal *self)
{
  SyrinxEvent *event;

  if (!g_atomic_int_get (&self->n_kept))
    return NULL;
  g_mutex_lock (&self->lock);
  event = g_queue_pop_head (&self->kept);
  g_atomic_int_set (&self->n_kept, g_queue_get_length (&self->kept));
  g_mutex_unlock (&self->lock);
  return event;
}

static void
tell_lost (SyrinxJournal *self)
{
  guint64 n_lost = syrinx_journal_get_n_lost (self);

  if (n_lost > self->n_lost_told)
    g_warning ("the journal has dropped %" G_GUINT64_FORMAT
               " events of other threads: the main loop was held up while %d "
               "waited",
        n_lost - self->n_lost_told, SYRINX_JOURNAL_MAX_CARRIED);
  self->n_lost_told = n_lost;
}

/* Reads at most as many events as the queue may hold, so that other threads
 * which go on noting can't keep this loop running. Does nothing while a reader
 * runs a nested main loop. */
static void
read_kept (SyrinxJournal *self)
{
  for (guint i = 0; i < SYRINX_JOURNAL_MAX_CARRIED && !self->is_reading; i++) {
    g_autoptr (SyrinxEvent) event = take_kept (self);
    if (!event)
      break;
    read_one (self, event);
  }
  if (g_atomic_int_get (&self->n_kept))
    g_source_set_ready_time (self->source, 0);
}

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  SyrinxJournal *self = user_data;

  g_source_set_ready_time (source, -1);
  tell_lost (self);
  read_kept (self);
  return G_SOURCE_CONTINUE;
}

/* --- Noting --- */

/* Events that readers note are never dropped: their number is bounded by that
 * of the events being read. */
static void
keep (SyrinxJournal *self, const SyrinxEvent *event, gboolean is_ours)
{
  SyrinxEvent *copy = event_copy (event);

  g_mutex_lock (&self->lock);
  if (is_ours
      || g_queue_get_length (&self->kept) < SYRINX_JOURNAL_MAX_CARRIED) {
    g_queue_push_tail (&self->kept, g_steal_pointer (&copy));
    g_atomic_int_set (&self->n_kept, g_queue_get_length (&self->kept));
  } else {
    self->n_lost++;
  }
  g_mutex_unlock (&self->lock);
  g_source_set_ready_time (self->source, 0);
  g_clear_pointer (&copy, event_free);
}

void
syrinx_journal_note (SyrinxJournal *self, const SyrinxEvent *event)
{
  gboolean is_ours = g_thread_self () == self->thread;
  SyrinxEvent dated;

  g_return_if_fail (event->kind < SYRINX_N_EVENTS);
  if (!syrinx_journal_is_read (self, SYRINX_EVENT_BIT (event->kind)))
    return;
  dated = *event;
  if (!dated.at_us)
    dated.at_us = g_get_real_time ();
  if (!is_ours || self->is_reading) {
    keep (self, &dated, is_ours);
    return;
  }
  read_kept (self);
  read_one (self, &dated);
  read_kept (self);
}

gboolean
syrinx_journal_is_read (SyrinxJournal *self, guint kinds)
{
  return (g_atomic_int_get (&self->kinds) & kinds) != 0;
}

guint64
syrinx_journal_get_n_lost (SyrinxJournal *self)
{
  guint64 n_lost;

  g_mutex_lock (&self->lock);
  n_lost = self->n_lost;
  g_mutex_unlock (&self->lock);
  return n_lost;
}

/* --- Readers --- */

guint
syrinx_journal_add_reader (SyrinxJournal *self, guint kinds,
    SyrinxJournalFunc func, gpointer user_data)
{
  const Reader reader = {
    .id = ++self->next_id, .kinds = kinds, .func = func, .user_data = user_data
  };

  g_return_val_if_fail (g_thread_self () == self->thread, 0);
  g_array_append_val (self->readers, reader);
  g_atomic_int_or (&self->kinds, kinds);
  return reader.id;
}

void
syrinx_journal_remove_reader (SyrinxJournal *self, guint id)
{
  g_return_if_fail (g_thread_self () == self->thread);
  for (guint i = 0; i < self->readers->len; i++) {
    Reader *reader = &g_array_index (self->readers, Reader, i);
    if (reader->id == id)
      reader->id = 0;
  }
  self->has_removed = TRUE;
  if (!self->is_reading)
    drop_removed (self);
}

/* --- Life --- */

SyrinxJournal *
syrinx_journal_new (void)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  SyrinxJournal *self = g_new0 (SyrinxJournal, 1);

  self->thread = g_thread_self ();
  self->readers = g_array_new (FALSE, FALSE, sizeof (Reader));
  g_mutex_init (&self->lock);
  g_queue_init (&self->kept);
  self->source = g_source_new (&funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "journal");
  g_source_set_callback (self->source, G_SOURCE_FUNC (dispatch), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

void
syrinx_journal_free (SyrinxJournal *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_queue_clear_full (&self->kept, (GDestroyNotify)event_free);
  g_array_unref (self->readers);
  g_mutex_clear (&self->lock);
  g_free (self);
}
