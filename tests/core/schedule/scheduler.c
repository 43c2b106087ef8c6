/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scheduler: shares, order, time, and removal during service. */
#include "core/schedule/scheduler.h"

#include <string.h>
#include <sys/resource.h>

typedef struct
{
  SyrinxScheduler *scheduler;
  GMutex lock;
  GCond changed;
  GString *order; /* protected by lock */
  gboolean closed;
} Fixture;

typedef struct
{
  Fixture *fixture;
  SyrinxFlow *flow;
  gchar letter;
  guint cost, n_turns, max_turns;
  gint64 slept_until_us;
} Listener;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->scheduler = syrinx_scheduler_get ("test");
  syrinx_scheduler_set_workers (f->scheduler, GPOINTER_TO_UINT (data));
  f->order = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_scheduler_unref (f->scheduler);
  g_string_free (f->order, TRUE);
}

static void
note (Fixture *f, gchar letter)
{
  g_mutex_lock (&f->lock);
  g_string_append_c (f->order, letter);
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
wait_for_length (Fixture *f, gsize length)
{
  gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (f->order->len < length)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

static SyrinxNext
take_turn (SyrinxFlow *flow, gpointer data)
{
  Listener *listener = data;

  note (listener->fixture, listener->letter);
  return (SyrinxNext){ .state = ++listener->n_turns < listener->max_turns
                                    ? SYRINX_NEXT_READY
                                    : SYRINX_NEXT_IDLE,
    .due_us = g_get_monotonic_time (),
    .cost_bytes = listener->cost };
}

static void
add (Fixture *f, Listener *listener, const gchar *region, gint64 rtt_us,
    guint priority)
{
  listener->fixture = f;
  listener->flow = syrinx_scheduler_add_flow (
      f->scheduler, region, rtt_us, priority, take_turn, listener);
}

/* Keeps the only worker busy until open_gate(), so that flows woken meanwhile
 * are all ready when it chooses. */
static SyrinxNext
hold_gate (SyrinxFlow *flow, gpointer data)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  f->closed = TRUE;
  g_cond_broadcast (&f->changed);
  while (f->closed)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  return (SyrinxNext){ .state = SYRINX_NEXT_IDLE };
}

static SyrinxFlow *
close_gate (Fixture *f)
{
  SyrinxFlow *gate
      = syrinx_scheduler_add_flow (f->scheduler, "gate", 0, 0, hold_gate, f);

  syrinx_flow_wake (gate, 0);
  g_mutex_lock (&f->lock);
  while (!f->closed)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  return gate;
}

static void
open_gate (Fixture *f)
{
  g_mutex_lock (&f->lock);
  f->closed = FALSE;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
shares_follow_the_weights (Fixture *f, gconstpointer data)
{
  static const guint weights[] = { 8, 4, 2, 1 };
  Listener listeners[4] = { 0 };
  SyrinxFlow *gate = close_gate (f);
  guint counts[4] = { 0 };

  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *region = g_strdup_printf ("r%u", i);
    syrinx_scheduler_set_region_weight (f->scheduler, region, weights[i]);
    listeners[i] = (Listener){
      .letter = 'a' + i, .cost = 500 + 700 * i, .max_turns = 100000
    };
    add (f, &listeners[i], region, 0, 0);
    syrinx_flow_wake (listeners[i].flow, 0);
  }
  open_gate (f);
  wait_for_length (f, 20000);
  for (guint i = 0; i < 4; i++)
    syrinx_flow_remove (listeners[i].flow);
  syrinx_flow_remove (gate);
  for (guint i = 200; i < 20000; i++)
    counts[f->order->str[i] - 'a'] += listeners[f->order->str[i] - 'a'].cost;
  for (guint i = 0; i < 4; i++) {
    gdouble total = counts[0] + counts[1] + counts[2] + counts[3];
    gdouble share = counts[i] / total / (weights[i] / 15.0);
    g_test_message ("region %u: %.3f of its share", i, share);
    g_assert_cmpfloat (share, >, 0.95);
    g_assert_cmpfloat (share, <, 1.05);
  }
}

static void
the_earliest_deadline_goes_first_and_round_trips_count (
    Fixture *f, gconstpointer data)
{
  Listener a = { .letter = 'a', .max_turns = 1 };
  Listener b = { .letter = 'b', .max_turns = 1 };
  Listener c = { .letter = 'c', .max_turns = 1 };
  SyrinxFlow *gate = close_gate (f);
  gint64 now_us = g_get_monotonic_time ();

  add (f, &a, "x", 0, 0);
  add (f, &b, "x", 0, 0);
  add (f, &c, "x", 300000, 0);
  syrinx_flow_wake (a.flow, now_us + 200000);
  syrinx_flow_wake (b.flow, now_us + 100000);
  syrinx_flow_wake (c.flow, now_us + 350000);
  open_gate (f);
  wait_for_length (f, 3);
  g_assert_cmpstr (f->order->str, ==, "cba");
  syrinx_flow_remove (a.flow);
  syrinx_flow_remove (b.flow);
  syrinx_flow_remove (c.flow);
  syrinx_flow_remove (gate);
}

/* @percent is of turns; all turns have the same cost. */
static void
expect_priority_part (Fixture *f, guint percent)
{
  Listener urgent = { .letter = 'u', .cost = 100, .max_turns = 100000 };
  Listener normal = { .letter = 'n', .cost = 100, .max_turns = 100000 };
  SyrinxFlow *gate = close_gate (f);
  guint n_urgent = 0;

  add (f, &urgent, "x", 0, 1);
  add (f, &normal, "x", 0, 0);
  syrinx_flow_wake (normal.flow, 0);
  syrinx_flow_wake (urgent.flow, 0);
  open_gate (f);
  wait_for_length (f, 2000);
  syrinx_flow_remove (urgent.flow);
  syrinx_flow_remove (normal.flow);
  syrinx_flow_remove (gate);
  g_assert_cmpint (f->order->str[0], ==, 'u');
  for (guint i = 0; i < 2000; i++)
    n_urgent += f->order->str[i] == 'u';
  g_assert_cmpuint (n_urgent, >=, 20 * percent - 50);
  g_assert_cmpuint (n_urgent, <=, 20 * percent + 50);
}

static void
priority_takes_no_more_than_half (Fixture *f, gconstpointer data)
{
  expect_priority_part (f, 50);
}

static void
priority_takes_no_more_than_it_is_given (Fixture *f, gconstpointer data)
{
  syrinx_scheduler_set_priority_percent (f->scheduler, 20);
  expect_priority_part (f, 20);
}

static SyrinxNext
sleep_once (SyrinxFlow *flow, gpointer data)
{
  Listener *listener = data;
  gint64 now_us = g_get_monotonic_time ();

  if (listener->n_turns++ == 0) {
    listener->slept_until_us = now_us + 30000;
    return (SyrinxNext){ .state = SYRINX_NEXT_WAIT_TIME,
      .due_us = listener->slept_until_us };
  }
  g_assert_cmpint (now_us, >=, listener->slept_until_us);
  note (listener->fixture, 's');
  return (SyrinxNext){ .state = SYRINX_NEXT_IDLE };
}

static void
a_flow_that_waits_for_a_time_is_never_early (Fixture *f, gconstpointer data)
{
  Listener listener = { .fixture = f };

  listener.flow = syrinx_scheduler_add_flow (
      f->scheduler, NULL, 0, 0, sleep_once, &listener);
  syrinx_flow_wake (listener.flow, 0);
  wait_for_length (f, 1);
  syrinx_flow_remove (listener.flow);
}

static SyrinxNext
wake_itself (SyrinxFlow *flow, gpointer data)
{
  Listener *listener = data;

  if (listener->n_turns++ < 3)
    syrinx_flow_wake (flow, 0);
  note (listener->fixture, 'w');
  return (SyrinxNext){ .state = SYRINX_NEXT_IDLE };
}

static void
a_wake_during_service_is_not_lost (Fixture *f, gconstpointer data)
{
  Listener listener = { .fixture = f };

  listener.flow = syrinx_scheduler_add_flow (
      f->scheduler, NULL, 0, 0, wake_itself, &listener);
  syrinx_flow_wake (listener.flow, 0);
  wait_for_length (f, 4);
  syrinx_flow_remove (listener.flow);
}

static SyrinxNext
remove_itself (SyrinxFlow *flow, gpointer data)
{
  syrinx_flow_remove (flow);
  note (data, 'r');
  return (SyrinxNext){ .state = SYRINX_NEXT_READY };
}

static void
a_flow_may_remove_itself (Fixture *f, gconstpointer data)
{
  syrinx_flow_wake (
      syrinx_scheduler_add_flow (f->scheduler, NULL, 0, 0, remove_itself, f),
      0);
  wait_for_length (f, 1);
}

static void
fire (gpointer data)
{
  note (data, 't');
}

static void
timers_fire_once_and_cancelled_ones_never (Fixture *f, gconstpointer data)
{
  SyrinxTimer *timers[1000];
  gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < 1000; i++)
    timers[i] = syrinx_scheduler_add_timer (f->scheduler,
        now_us + (i % 2 ? 20000 + 20 * i : (gint64)G_USEC_PER_SEC * 3600), fire,
        f);
  for (guint i = 0; i < 1000; i += 2)
    syrinx_timer_cancel (timers[i]);
  wait_for_length (f, 500);
  for (guint i = 1; i < 1000; i += 2)
    syrinx_timer_cancel (timers[i]);
  g_assert_cmpuint (f->order->len, ==, 500);
}

/* Takes turns without end, always with a deadline long past, at a given
 * cost. */
static SyrinxNext
push_in (SyrinxFlow *flow, gpointer data)
{
  Listener *listener = data;

  note (listener->fixture, listener->letter);
  return (
      SyrinxNext){ .state = SYRINX_NEXT_READY, .cost_bytes = listener->cost };
}

/* Checks that @patient, ready beside a flow that always precedes it, gets its
 * turn within the stated bound on waiting (13 s). */
static void
expect_a_turn (Fixture *f, const gchar *region, guint priority, guint cost)
{
  Listener pushy = { .fixture = f, .letter = 'p', .cost = cost };
  Listener patient = { .letter = 'x', .max_turns = 1 };
  SyrinxFlow *gate = close_gate (f);
  gint64 end = g_get_monotonic_time () + 14 * G_TIME_SPAN_SECOND;
  gboolean had_turn = FALSE;

  pushy.flow = syrinx_scheduler_add_flow (
      f->scheduler, region, 0, priority, push_in, &pushy);
  add (f, &patient, "x", 0, 0);
  syrinx_flow_wake (pushy.flow, 0);
  syrinx_flow_wake (patient.flow, g_get_monotonic_time () + 100000);
  open_gate (f);
  g_mutex_lock (&f->lock);
  while (!(had_turn = strchr (f->order->str, 'x') != NULL)
         && g_get_monotonic_time () < end) {
    g_string_truncate (f->order, 0);
    g_cond_wait_until (&f->changed, &f->lock, end);
  }
  g_mutex_unlock (&f->lock);
  syrinx_flow_remove (pushy.flow);
  syrinx_flow_remove (patient.flow);
  syrinx_flow_remove (gate);
  g_assert_true (had_turn);
}

static void
a_budget_is_kept_and_shared_by_weight (Fixture *f, gconstpointer data)
{
  enum
  {
    NEAR_COST = 1000,
    FAR_COST = 500
  };
  Listener listeners[8];
  gint64 begin_us = g_get_monotonic_time (), took_us;
  guint n_near = 0;
  gsize sent_bytes = 0, length;

  syrinx_scheduler_set_region_weight (f->scheduler, "near", 3);
  syrinx_scheduler_set_egress (f->scheduler, 8000000); /* 1 byte in 1 us */
  /* More flows than workers, so that no region waits for its own turns to
   * end. */
  for (guint i = 0; i < 8; i++) {
    listeners[i] = (Listener){ .letter = i % 2 ? 'n' : 'f',
      .cost = i % 2 ? NEAR_COST : FAR_COST,
      .max_turns = 100000 };
    add (f, &listeners[i], i % 2 ? "near" : "far", 0, 0);
    syrinx_flow_wake (listeners[i].flow, 0);
  }
  wait_for_length (f, 1000);
  took_us = g_get_monotonic_time () - begin_us;
  syrinx_scheduler_set_egress (f->scheduler, 0);
  for (guint i = 0; i < 8; i++)
    syrinx_flow_remove (listeners[i].flow);
  length = MIN (f->order->len, 1000);
  for (gsize i = 0; i < length; i++) {
    n_near += f->order->str[i] == 'n';
    sent_bytes += f->order->str[i] == 'n' ? NEAR_COST : FAR_COST;
  }
  g_test_message ("%zu bytes in %d us, %u of %zu turns near", sent_bytes,
      (gint)took_us, n_near, length);
  /* About 50 ms of budget may have been saved up. */
  g_assert_cmpint (took_us, >=, (gint64)sent_bytes - 60000);
  g_assert_cmpfloat_with_epsilon (
      n_near * NEAR_COST / (gdouble)sent_bytes, 0.75, 0.03);
}

static void
deadlines_long_past_starve_nobody (Fixture *f, gconstpointer data)
{
  expect_a_turn (f, "x", 0, 100);
}

static void
turns_that_send_nothing_starve_no_other_region (Fixture *f, gconstpointer data)
{
  expect_a_turn (f, "y", 0, 0);
}

static void
urgent_turns_that_send_nothing_starve_nobody (Fixture *f, gconstpointer data)
{
  expect_a_turn (f, "x", 1, 0);
}

static void
priority_owes_nothing_for_time_alone (Fixture *f, gconstpointer data)
{
  Listener urgent = { .letter = 'u', .cost = 100, .max_turns = 100000 };
  Listener normal = { .letter = 'n', .cost = 100, .max_turns = 100000 };
  SyrinxFlow *gate;
  guint n_urgent = 0;
  gsize begin;

  add (f, &urgent, "x", 0, 1);
  add (f, &normal, "x", 0, 0);
  syrinx_flow_wake (urgent.flow, 0);
  wait_for_length (f, 2000);
  gate = close_gate (f);
  syrinx_flow_wake (normal.flow, 0);
  begin = f->order->len;
  open_gate (f);
  wait_for_length (f, begin + 400);
  syrinx_flow_remove (urgent.flow);
  syrinx_flow_remove (normal.flow);
  syrinx_flow_remove (gate);
  for (gsize i = begin; i < begin + 400; i++)
    n_urgent += f->order->str[i] == 'u';
  g_assert_cmpuint (n_urgent, >=, 190);
  g_assert_cmpuint (n_urgent, <=, 210);
}

static void
a_wake_can_bring_a_deadline_forward (Fixture *f, gconstpointer data)
{
  Listener a = { .letter = 'a', .max_turns = 1 };
  Listener b = { .letter = 'b', .max_turns = 1 };
  SyrinxFlow *gate = close_gate (f);
  gint64 now_us = g_get_monotonic_time ();

  add (f, &a, "x", 0, 0);
  add (f, &b, "x", 0, 0);
  syrinx_flow_wake (a.flow, now_us + 200000);
  syrinx_flow_wake (b.flow, now_us + 300000);
  syrinx_flow_wake (b.flow, now_us + 100000);
  syrinx_flow_wake (b.flow, now_us + 900000);
  open_gate (f);
  wait_for_length (f, 2);
  g_assert_cmpstr (f->order->str, ==, "ba");
  syrinx_flow_remove (a.flow);
  syrinx_flow_remove (b.flow);
  syrinx_flow_remove (gate);
}

/* A turn of 1 ms, followed by another at once, but not without end, so that a
 * removal that waits for all of them fails instead of hanging. */
static SyrinxNext
take_long (SyrinxFlow *flow, gpointer data)
{
  Listener *listener = data;
  gint64 end = g_get_monotonic_time () + 1000;

  note (listener->fixture, 'l');
  while (g_get_monotonic_time () < end)
    g_thread_yield ();
  return (SyrinxNext){ .state = ++listener->n_turns < listener->max_turns
                                    ? SYRINX_NEXT_READY
                                    : SYRINX_NEXT_IDLE,
    .cost_bytes = 100 };
}

static void
removal_does_not_wait_for_further_turns (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++) {
    Listener listener = { .fixture = f, .max_turns = 500 };
    gsize length = f->order->len;

    listener.flow = syrinx_scheduler_add_flow (
        f->scheduler, NULL, 0, 0, take_long, &listener);
    syrinx_flow_wake (listener.flow, 0);
    wait_for_length (f, length + 1);
    syrinx_flow_remove (listener.flow);
    /* A few turns may pass until this thread gets the lock, not hundreds. */
    g_assert_cmpuint (listener.n_turns, <, 100);
  }
}

typedef struct
{
  Fixture *fixture;
  SyrinxTimer *timer;
  gint64 due_us;
} Alarm;

static gint64 last_due_us; /* only for the one worker */

static void
ring (gpointer data)
{
  Alarm *alarm = data;

  g_assert_cmpint (alarm->due_us, >=, last_due_us);
  g_assert_cmpint (g_get_monotonic_time (), >=, alarm->due_us);
  last_due_us = alarm->due_us;
  note (alarm->fixture, 't');
}

static glong
count_switches (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

/* 10,000 due times in half a second: 250 grid points, not 10,000 wake-ups. */
static void
many_timers_fire_in_order_with_few_wake_ups (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 10000
  };
  g_autofree Alarm *alarms = g_new0 (Alarm, N);
  gint64 start_us = g_get_monotonic_time () + 300000;
  glong switches;

  last_due_us = 0;
  for (guint i = 0; i < N; i++) {
    alarms[i].fixture = f;
    alarms[i].due_us = start_us + g_test_rand_int_range (0, 500000);
    alarms[i].timer = syrinx_scheduler_add_timer (
        f->scheduler, alarms[i].due_us, ring, &alarms[i]);
  }
  switches = count_switches ();
  g_usleep (start_us + 510000 - g_get_monotonic_time ());
  switches = count_switches () - switches;
  wait_for_length (f, N);
  for (guint i = 0; i < N; i++)
    syrinx_timer_cancel (alarms[i].timer);
  g_test_message ("%ld voluntary switches", switches);
  g_assert_cmpint (switches, <, 1000);
}

/* Adds, wakes and removes flows, in several threads. */
static gpointer
bustle (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (g_test_rand_int ());

  for (guint round = 0; round < 300; round++) {
    Listener listeners[8] = { 0 };
    for (guint i = 0; i < 8; i++) {
      listeners[i] = (Listener){ .letter = '.', .cost = 10, .max_turns = 5 };
      add (f, &listeners[i], i % 2 ? "x" : "y", 0, i == 7);
      syrinx_flow_wake (listeners[i].flow, g_get_monotonic_time ());
    }
    if (g_rand_boolean (random))
      g_thread_yield ();
    for (guint i = 0; i < 8; i++)
      syrinx_flow_remove (listeners[i].flow);
  }
  return NULL;
}

static void
flows_come_and_go_in_the_middle_of_service (Fixture *f, gconstpointer data)
{
  GThread *threads[3];

  for (guint i = 0; i < 3; i++)
    threads[i] = g_thread_new ("bustle", bustle, f);
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(test, n_workers)                                                   \
  g_test_add ("/scheduler/" #test, Fixture, GUINT_TO_POINTER (n_workers),      \
      set_up, test, tear_down)
  ADD (shares_follow_the_weights, 1);
  ADD (the_earliest_deadline_goes_first_and_round_trips_count, 1);
  ADD (priority_takes_no_more_than_half, 1);
  ADD (priority_takes_no_more_than_it_is_given, 1);
  ADD (a_flow_that_waits_for_a_time_is_never_early, 2);
  ADD (a_wake_during_service_is_not_lost, 2);
  ADD (a_flow_may_remove_itself, 2);
  ADD (timers_fire_once_and_cancelled_ones_never, 2);
  ADD (a_budget_is_kept_and_shared_by_weight, 2);
  ADD (deadlines_long_past_starve_nobody, 1);
  ADD (turns_that_send_nothing_starve_no_other_region, 1);
  ADD (urgent_turns_that_send_nothing_starve_nobody, 1);
  ADD (priority_owes_nothing_for_time_alone, 1);
  ADD (a_wake_can_bring_a_deadline_forward, 1);
  ADD (removal_does_not_wait_for_further_turns, 1);
  ADD (many_timers_fire_in_order_with_few_wake_ups, 1);
  ADD (flows_come_and_go_in_the_middle_of_service, 4);
  return g_test_run ();
}
