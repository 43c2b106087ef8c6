/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watchdog. Twice in systemd's period it checks whether all threads have
 * answered since the last round; if so, it notifies systemd and asks again. A
 * thread that hangs does not answer, so systemd kills and restarts the
 * service. */
#include "watchdog.h"

#include "core/io/io-loop.h"

#include <systemd/sd-daemon.h>

enum
{
  IO_LOOP,
  SCHEDULER,
  WRITER,
  N_ASKED
};

static const gchar *const names[]
    = { "the I/O loop", "the scheduler", "the content's writer" };

/* Separate from the watchdog, since an answer may come after it is freed. */
typedef struct
{
  gint is_there; /* atomic */
} Answer;

struct _SyrinxWatchdog
{
  /* constant after init */
  SyrinxContent *content;
  SyrinxScheduler *scheduler;
  SyrinxIoLoop *io_loop;
  gint64 period_us;
  guint source_id;

  Answer *answers[N_ASKED];
  SyrinxTimer *timer; /* asks the scheduler */
  gboolean is_told;   /* the log names the silent thread already */
};

static void
answer (gpointer data)
{
  Answer *self = data;

  g_atomic_int_set (&self->is_there, TRUE);
  g_atomic_rc_box_release (self);
}

/* A cancelled timer would not drop its reference, so it has none. */
static void
answer_timer (gpointer data)
{
  Answer *self = data;

  g_atomic_int_set (&self->is_there, TRUE);
}

static void
forget_answers (SyrinxWatchdog *self)
{
  g_clear_pointer (&self->timer, syrinx_timer_cancel);
  for (guint i = 0; i < N_ASKED; i++)
    g_clear_pointer (&self->answers[i], g_atomic_rc_box_release);
}

static void
ask (SyrinxWatchdog *self)
{
  forget_answers (self);
  for (guint i = 0; i < N_ASKED; i++)
    self->answers[i] = g_atomic_rc_box_new0 (Answer);
  syrinx_io_loop_call (
      self->io_loop, answer, g_atomic_rc_box_acquire (self->answers[IO_LOOP]));
  syrinx_content_call_writer (
      self->content, answer, g_atomic_rc_box_acquire (self->answers[WRITER]));
  self->timer = syrinx_scheduler_add_timer (self->scheduler,
      g_get_monotonic_time (), answer_timer, self->answers[SCHEDULER]);
}

/* The thread that has not answered, or a worker that has been at one turn for
 * longer than the period. (nullable): there is none. */
static const gchar *
find_silent (SyrinxWatchdog *self)
{
  for (guint i = 0; i < N_ASKED; i++)
    if (!g_atomic_int_get (&self->answers[i]->is_there))
      return names[i];
  if (syrinx_scheduler_get_longest_turn_us (self->scheduler) > self->period_us)
    return "a worker of the scheduler";
  return NULL;
}

static gboolean
look (gpointer user_data)
{
  SyrinxWatchdog *self = user_data;
  const gchar *silent = find_silent (self);

  if (silent && !self->is_told)
    g_warning ("%s does not answer; if that lasts, systemd's watchdog ends "
               "this process",
        silent);
  self->is_told = silent != NULL;
  if (silent)
    return G_SOURCE_CONTINUE;
  sd_notify (0, "WATCHDOG=1");
  ask (self);
  return G_SOURCE_CONTINUE;
}

SyrinxWatchdog *
syrinx_watchdog_new (SyrinxContent *content, SyrinxScheduler *scheduler)
{
  guint64 period_us = 0;
  SyrinxWatchdog *self;

  if (sd_watchdog_enabled (0, &period_us) <= 0)
    return NULL;
  self = g_new0 (SyrinxWatchdog, 1);
  self->content = syrinx_content_ref (content);
  self->scheduler = syrinx_scheduler_ref (scheduler);
  self->io_loop = syrinx_io_loop_get ();
  self->period_us = period_us;
  self->source_id = g_timeout_add (MAX (period_us / 2000, 1), look, self);
  ask (self);
  return self;
}

void
syrinx_watchdog_free (SyrinxWatchdog *self)
{
  g_source_remove (self->source_id);
  forget_answers (self);
  syrinx_io_loop_unref (self->io_loop);
  syrinx_scheduler_unref (self->scheduler);
  syrinx_content_unref (self->content);
  g_free (self);
}
