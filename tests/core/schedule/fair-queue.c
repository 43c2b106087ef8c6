/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair queueing: shares by weight, and shares that were idle. */
#include "core/schedule/fair-queue.h"

#define COST 1000

typedef struct
{
  SyrinxFairQueue queue;
  SyrinxFairShare heavy, light;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  syrinx_fair_queue_init (&f->queue);
  syrinx_fair_queue_add (&f->queue, &f->light, 1);
  syrinx_fair_queue_add (&f->queue, &f->heavy, 3);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_fair_queue_clear (&f->queue);
}

static void
enter (Fixture *f, SyrinxFairShare *share, guint n)
{
  for (guint i = 0; i < n; i++)
    syrinx_fair_queue_enter (&f->queue, share);
}

/* Serves the next share with @cost. Returns: (nullable) that share */
static SyrinxFairShare *
serve (Fixture *f, guint64 cost)
{
  SyrinxFairShare *share = syrinx_fair_queue_choose (&f->queue);

  if (!share)
    return NULL;
  syrinx_fair_queue_leave (&f->queue, share);
  syrinx_fair_queue_begin (&f->queue, share, cost);
  syrinx_fair_queue_end (share);
  return share;
}

/* Counts how many of the next @n turns are @share's. */
static guint
count_turns (Fixture *f, const SyrinxFairShare *share, guint n)
{
  guint n_turns = 0;

  for (guint i = 0; i < n; i++)
    n_turns += serve (f, COST) == share;
  return n_turns;
}

static void
an_empty_queue_has_no_turn (Fixture *f, gconstpointer data)
{
  g_assert_null (serve (f, COST));
  enter (f, &f->light, 1);
  g_assert_true (serve (f, COST) == &f->light);
  g_assert_null (serve (f, COST));
}

static void
turns_are_shared_by_weight (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1000);
  enter (f, &f->heavy, 1000);
  g_assert_cmpuint (count_turns (f, &f->heavy, 400), ==, 300);
}

static void
of_equal_tags_the_heavier_goes_first (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1);
  enter (f, &f->heavy, 1);
  g_assert_true (serve (f, COST) == &f->heavy);
}

static void
who_alone_waits_is_served_without_end (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1000);
  g_assert_cmpuint (count_turns (f, &f->light, 1000), ==, 1000);
}

/* Otherwise a share that comes back would get every turn until it had made up
 * for the time in which it was idle. */
static void
idling_saves_nothing_up (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 2000);
  count_turns (f, &f->light, 1000);
  enter (f, &f->heavy, 1000);
  g_assert_cmpuint (count_turns (f, &f->heavy, 400), <=, 301);
}

/* A share in service is not idle: it keeps its tag when it comes back at the
 * end of its turn. */
static void
a_share_in_service_is_not_idle (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1);
  g_assert_true (syrinx_fair_queue_choose (&f->queue) == &f->light);
  syrinx_fair_queue_leave (&f->queue, &f->light);
  syrinx_fair_queue_begin (&f->queue, &f->light, COST);
  syrinx_fair_queue_correct (&f->light, COST, 0);
  enter (f, &f->heavy, 10);
  for (guint i = 0; i < 10; i++)
    g_assert_true (serve (f, COST) == &f->heavy);
  enter (f, &f->light, 20);
  syrinx_fair_queue_end (&f->light);
  enter (f, &f->heavy, 20);
  g_assert_cmpuint (count_turns (f, &f->light, 4), ==, 4);
}

/* A turn that was cheaper than its estimate is charged its real cost. */
static void
an_estimate_is_made_good (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1000);
  enter (f, &f->heavy, 1000);
  for (guint i = 0, n_light = 0; i < 400; i++) {
    SyrinxFairShare *share = serve (f, 10 * COST);
    syrinx_fair_queue_correct (share, 10 * COST, COST);
    n_light += share == &f->light;
    if (i == 399)
      g_assert_cmpuint (n_light, ==, 100);
  }
}

static void
a_new_weight_counts_from_now_on (Fixture *f, gconstpointer data)
{
  enter (f, &f->light, 1000);
  enter (f, &f->heavy, 1000);
  count_turns (f, &f->light, 400);
  f->heavy.weight = 1;
  g_assert_cmpuint (count_turns (f, &f->light, 400), ==, 200);
}

#define ADD(name)                                                              \
  g_test_add ("/fair-queue/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (an_empty_queue_has_no_turn);
  ADD (turns_are_shared_by_weight);
  ADD (of_equal_tags_the_heavier_goes_first);
  ADD (who_alone_waits_is_served_without_end);
  ADD (idling_saves_nothing_up);
  ADD (a_share_in_service_is_not_idle);
  ADD (an_estimate_is_made_good);
  ADD (a_new_weight_counts_from_now_on);
  return g_test_run ();
}
