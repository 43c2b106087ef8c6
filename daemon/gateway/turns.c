/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns: which session may send a fragment now. */
#include "turns.h"

#include "core/base/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_AHEAD_US                                                           \
  (30 * G_USEC_PER_SEC) /* of real time, and still urgent                      \
                         */

/* A player's position, as far as its requests show it: it has played since
 * @since_us, started at @from_us and has requested everything up to @to_us.
 * @paid_us is the time until which the media that it got would play. */
typedef struct
{
  gint64 since_us, from_us, to_us;
  gint64 paid_us;
} Playhead;

/* The flow of one listener in the scheduler. */
typedef struct
{
  SyrinxTurns *turns;
  gconstpointer session;
  SyrinxFlow *flow;
  Playhead playhead;
  guint n_turns;  /* requested and not over */
  GQueue waiting; /* of SyrinxTurn by deadline; protected by turns->lock */
} Line;

struct _SyrinxTurn
{
  Line *line;
  SyrinxTurnFunc func;
  gpointer user_data;
  gint64 deadline_us, since_us;
  guint64 size_bytes;
  GList age;  /* in turns->asked */
  GList link; /* in line->waiting or turns->granted; protected by lock */
  gboolean is_granted; /* protected by lock */
};

struct _SyrinxTurns
{
  SyrinxScheduler *scheduler;
  gboolean is_needed;
  GHashTable *lines; /* listener → Line */
  GQueue asked;      /* of SyrinxTurn not over yet, oldest first */
  guint64 n_refused;
  int event_fd; /* readable while granted is not empty */
  guint source, timeout;

  GMutex lock;
  GQueue granted; /* of SyrinxTurn; protected by lock */
};

/* --- Scheduler threads: hot --- */

static SyrinxNext
serve (SyrinxFlow *flow, gpointer data)
{
  Line *line = data;
  SyrinxTurns *self = line->turns;
  SyrinxNext next = { .state = SYRINX_NEXT_IDLE };
  gboolean is_first = FALSE;
  SyrinxTurn *turn;

  g_mutex_lock (&self->lock);
  turn = g_queue_peek_head (&line->waiting);
  if (turn) {
    g_queue_unlink (&line->waiting, &turn->link);
    is_first = g_queue_is_empty (&self->granted);
    g_queue_push_tail_link (&self->granted, &turn->link);
    turn->is_granted = TRUE;
    next.cost_bytes = turn->size_bytes;
  }
  turn = g_queue_peek_head (&line->waiting);
  if (turn) {
    next.state = SYRINX_NEXT_READY;
    next.due_us = turn->deadline_us;
  }
  g_mutex_unlock (&self->lock);
  if (is_first)
    eventfd_write (self->event_fd, 1);
  return next;
}

/* --- The end of a turn --- */

static void schedule_timeout (SyrinxTurns *self);

static void
turn_free (SyrinxTurn *turn)
{
  Line *line = turn->line;
  SyrinxTurns *self = line->turns;

  g_mutex_lock (&self->lock);
  g_queue_unlink (
      turn->is_granted ? &self->granted : &line->waiting, &turn->link);
  g_mutex_unlock (&self->lock);
  g_queue_unlink (&self->asked, &turn->age);
  line->n_turns--;
  g_free (turn);
}

void
syrinx_turn_cancel (SyrinxTurn *turn)
{
  turn_free (turn);
}

static void
finish (SyrinxTurn *turn, const GError *error)
{
  SyrinxTurnFunc func = turn->func;
  gpointer user_data = turn->user_data;

  turn_free (turn);
  func (error, user_data);
}

/* Completes the turns granted by now; turns granted meanwhile are left for the
 * next call. */
static gboolean
hand_out (gint fd, GIOCondition condition, gpointer data)
{
  SyrinxTurns *self = data;
  SyrinxTurn *turn;
  eventfd_t count;
  guint n;

  eventfd_read (fd, &count);
  g_mutex_lock (&self->lock);
  n = g_queue_get_length (&self->granted);
  g_mutex_unlock (&self->lock);
  while (n--) {
    g_mutex_lock (&self->lock);
    turn = g_queue_peek_head (&self->granted);
    g_mutex_unlock (&self->lock);
    if (!turn)
      return G_SOURCE_CONTINUE;
    finish (turn, NULL);
  }
  g_mutex_lock (&self->lock);
  if (!g_queue_is_empty (&self->granted))
    eventfd_write (fd, 1);
  g_mutex_unlock (&self->lock);
  return G_SOURCE_CONTINUE;
}

static gboolean
time_out (gpointer data)
{
  SyrinxTurns *self = data;
  g_autoptr (GError) error
      = g_error_new_literal (SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT,
          "more is asked for than the line carries; ask "
          "again, or for a smaller rendition");
  gint64 until_us = g_get_monotonic_time () - SYRINX_TURN_TIMEOUT_MS * 1000;
  SyrinxTurn *oldest;

  self->timeout = 0;
  while ((oldest = g_queue_peek_head (&self->asked))
         && oldest->since_us <= until_us) {
    self->n_refused++;
    finish (oldest, error);
  }
  schedule_timeout (self);
  return G_SOURCE_REMOVE;
}

/* One timer for all, set only while turns are waiting. */
static void
schedule_timeout (SyrinxTurns *self)
{
  SyrinxTurn *oldest = g_queue_peek_head (&self->asked);
  gint64 waited_ms;

  if (self->timeout || !oldest)
    return;
  waited_ms = (g_get_monotonic_time () - oldest->since_us) / 1000;
  self->timeout = g_timeout_add (
      MAX (SYRINX_TURN_TIMEOUT_MS - waited_ms, 0) + 1, time_out, self);
}

/* --- Asking --- */

/* A fragment that is requested in order is due when the player reaches it. The
 * first one, one after a jump, and one that should have arrived already are due
 * now, and playing is assumed to continue from there. A player can't use more
 * than real time: requests beyond it, as by endless jumps, are not urgent. */
static gint64
get_deadline (Playhead *self, const SyrinxTurnRequest *request, gint64 now_us)
{
  gint64 start_us = request->media_start_us;
  gint64 due_us = self->since_us + start_us - self->from_us;

  if (!request->media_us)
    return now_us;
  if (start_us > self->to_us + request->media_us || due_us < now_us) {
    self->since_us = due_us = now_us;
    self->from_us = self->to_us = start_us;
  }
  self->to_us = MAX (self->to_us, start_us + request->media_us);
  self->paid_us = MAX (self->paid_us, now_us) + request->media_us;
  return MAX (due_us, self->paid_us - MAX_AHEAD_US);
}

static Line *
get_line (SyrinxTurns *self, const SyrinxTurnRequest *request)
{
  Line *line = g_hash_table_lookup (self->lines, request->session);

  if (line)
    return line;
  line = g_new0 (Line, 1);
  line->turns = self;
  line->session = request->session;
  g_queue_init (&line->waiting);
  line->flow = syrinx_scheduler_add_flow (
      self->scheduler, request->region, request->rtt_us, 0, serve, line);
  g_hash_table_insert (self->lines, (gpointer)line->session, line);
  return line;
}

static void
stand_in_line (Line *line, SyrinxTurn *turn)
{
  GList *before = line->waiting.tail;

  while (
      before && ((SyrinxTurn *)before->data)->deadline_us > turn->deadline_us)
    before = before->prev;
  g_queue_insert_after_link (&line->waiting, before, &turn->link);
}

SyrinxTurn *
syrinx_turns_ask (SyrinxTurns *self, const SyrinxTurnRequest *request,
    SyrinxTurnFunc func, gpointer user_data, GError **error)
{
  Line *line = get_line (self, request);
  SyrinxTurn *turn;

  if (line->n_turns == SYRINX_TURNS_PER_LISTENER) {
    self->n_refused++;
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY,
        "%d requests of this session wait for fragments already",
        SYRINX_TURNS_PER_LISTENER);
    return NULL;
  }
  turn = g_new0 (SyrinxTurn, 1);
  turn->line = line;
  turn->func = func;
  turn->user_data = user_data;
  turn->size_bytes = request->size_bytes;
  turn->since_us = g_get_monotonic_time ();
  turn->deadline_us = get_deadline (&line->playhead, request, turn->since_us);
  turn->age.data = turn->link.data = turn;
  line->n_turns++;
  g_queue_push_tail_link (&self->asked, &turn->age);
  g_mutex_lock (&self->lock);
  stand_in_line (line, turn);
  g_mutex_unlock (&self->lock);
  syrinx_flow_wake (line->flow, turn->deadline_us);
  schedule_timeout (self);
  return turn;
}

/* --- Listeners that leave --- */

static SyrinxTurn *
find_turn (Line *line)
{
  for (GList *age = line->turns->asked.head; line->n_turns && age;
       age = age->next)
    if (((SyrinxTurn *)age->data)->line == line)
      return age->data;
  return NULL;
}

/* No other thread can reach the line any more. */
static void
line_free (Line *line, const GError *error)
{
  SyrinxTurn *turn;

  syrinx_flow_remove (line->flow);
  while ((turn = find_turn (line)))
    finish (turn, error);
  g_free (line);
}

void
syrinx_turns_drop (SyrinxTurns *self, gconstpointer session)
{
  Line *line = g_hash_table_lookup (self->lines, session);
  g_autoptr (GError) error = NULL;

  if (!line)
    return;
  error = g_error_new_literal (SYRINX_ERROR, SYRINX_ERROR_EXPIRED,
      "this session has ended; POST /v1/sessions for a new one");
  g_hash_table_remove (self->lines, session);
  line_free (line, error);
}

/* --- Life --- */

void
syrinx_turns_set_needed (SyrinxTurns *self, gboolean needed)
{
  self->is_needed = needed;
}

gboolean
syrinx_turns_is_needed (SyrinxTurns *self)
{
  return self->is_needed;
}

guint
syrinx_turns_get_n_waiting (SyrinxTurns *self)
{
  return g_queue_get_length (&self->asked);
}

guint64
syrinx_turns_get_n_refused (SyrinxTurns *self)
{
  return self->n_refused;
}

SyrinxTurns *
syrinx_turns_new (SyrinxScheduler *scheduler)
{
  SyrinxTurns *self = g_new0 (SyrinxTurns, 1);

  self->scheduler = syrinx_scheduler_ref (scheduler);
  self->lines = g_hash_table_new (NULL, NULL);
  g_mutex_init (&self->lock);
  self->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->event_fd < 0)
    g_error ("can't make an eventfd: %s", g_strerror (errno));
  self->source = g_unix_fd_add (self->event_fd, G_IO_IN, hand_out, self);
  return self;
}

void
syrinx_turns_free (SyrinxTurns *self)
{
  g_autoptr (GError) error = g_error_new_literal (
      SYRINX_ERROR, SYRINX_ERROR_CANCELLED, "the daemon stops");
  GHashTableIter iter;
  gpointer line;

  g_hash_table_iter_init (&iter, self->lines);
  while (g_hash_table_iter_next (&iter, NULL, &line)) {
    g_hash_table_iter_remove (&iter);
    line_free (line, error);
  }
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->timeout, g_source_remove);
  close (self->event_fd);
  g_hash_table_unref (self->lines);
  g_mutex_clear (&self->lock);
  syrinx_scheduler_unref (self->scheduler);
  g_free (self);
}
