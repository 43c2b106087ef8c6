/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quota: who gets a seat, who is refused, and which idle session ends. */
#include "daemon/sessions/quota.h"

#include "core/base/error.h"

#define S       G_USEC_PER_SEC
#define LIMIT   3
#define SECONDS (SYRINX_IDLE_US / S)

static gint64 retry_us;

static SyrinxSeat *
take (SyrinxQuota *quota, const gchar *subject, const gchar *address,
    gint64 now_us)
{
  const SyrinxSeatRequest request = { .subject = subject,
    .address = address,
    .max_per_subject = LIMIT,
    .max_per_address = LIMIT + 1 };
  g_autoptr (GError) error = NULL;
  SyrinxSeat *seat
      = syrinx_quota_take (quota, &request, now_us, &retry_us, &error);

  if (!seat)
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY);
  return seat;
}

/* A seat occupied by a session; the session's name serves as a pointer. */
static SyrinxSeat *
seat (SyrinxQuota *quota, const gchar *subject, const gchar *address,
    const gchar *session, gint64 now_us)
{
  SyrinxSeat *taken = take (quota, subject, address, now_us);

  g_assert_nonnull (taken);
  syrinx_seat_occupy (taken, (gpointer)session, now_us);
  return taken;
}

static void
free_all (SyrinxSeat **seats, guint n)
{
  for (guint i = 0; i < n; i++)
    syrinx_seat_free (seats[i]);
}

static void
a_subject_gets_what_it_may_have_and_no_more (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *seats[LIMIT], *other;

  for (guint i = 0; i < LIMIT; i++)
    seats[i] = seat (quota, "ann", NULL, "s", 0);
  g_assert_null (take (quota, "ann", NULL, 1));
  other = seat (quota, "bob", NULL, "s", 1);
  syrinx_seat_free (seats[0]);
  seats[0] = seat (quota, "ann", NULL, "s", 2);
  g_assert_cmpuint (syrinx_quota_count_subject (quota, "ann"), ==, LIMIT);
  free_all (seats, LIMIT);
  syrinx_seat_free (other);
  g_assert_cmpuint (syrinx_quota_count_subject (quota, "ann"), ==, 0);
}

/* Otherwise a subject could fill the queue. */
static void
who_waits_for_room_counts (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *waiting[LIMIT];

  for (guint i = 0; i < LIMIT; i++)
    waiting[i] = take (quota, "ann", NULL, 0);
  g_assert_null (take (quota, "ann", NULL, 100 * S));
  free_all (waiting, LIMIT);
}

static void
the_session_that_was_idle_longest_makes_place (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *a = seat (quota, "ann", "x", "a", 0);
  SyrinxSeat *b = seat (quota, "ann", "x", "b", 1 * S);
  SyrinxSeat *c = seat (quota, "ann", "x", "c", 2 * S);
  SyrinxSeat *d;

  syrinx_seat_touch (a, 3 * S); /* now b is idle longest */
  g_assert_null (take (quota, "ann", "x", (SECONDS + 1) * S - 1));
  g_assert_cmpint (retry_us, ==, 1);
  d = take (quota, "ann", "x", (SECONDS + 1) * S);
  g_assert_nonnull (d);
  syrinx_seat_occupy (d, (gpointer) "d", (SECONDS + 1) * S);
  g_assert_true (syrinx_seat_is_over (d));
  g_assert_cmpstr (syrinx_seat_find_victim (d, (SECONDS + 1) * S), ==, "b");
  syrinx_seat_free (b);
  g_assert_false (syrinx_seat_is_over (d));
  syrinx_seat_free (a);
  syrinx_seat_free (c);
  syrinx_seat_free (d);
}

static void
a_session_with_a_stream_is_never_idle (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *seats[LIMIT], *more;

  for (guint i = 0; i < LIMIT; i++) {
    seats[i] = seat (quota, "ann", NULL, "s", 0);
    syrinx_seat_begin_use (seats[i]);
    syrinx_seat_begin_use (seats[i]); /* a second stream */
  }
  g_assert_null (take (quota, "ann", NULL, 1000 * S));
  g_assert_cmpint (retry_us, ==, SYRINX_IDLE_US);
  syrinx_seat_end_use (seats[1], 1000 * S);
  g_assert_null (take (quota, "ann", NULL, 2000 * S));
  syrinx_seat_end_use (seats[1], 2000 * S);
  g_assert_null (take (quota, "ann", NULL, 2001 * S));
  more = take (quota, "ann", NULL, 2000 * S + SYRINX_IDLE_US);
  g_assert_nonnull (more);
  syrinx_seat_free (more);
  free_all (seats, LIMIT);
}

/* A session that is used between the two calls is no victim. */
static void
one_that_is_used_again_meanwhile_keeps_its_place (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *seats[LIMIT], *more;
  gint64 now_us = SYRINX_IDLE_US;

  for (guint i = 0; i < LIMIT; i++)
    seats[i] = seat (quota, "ann", NULL, "s", 0);
  more = take (quota, "ann", NULL, now_us);
  for (guint i = 0; i < LIMIT; i++)
    syrinx_seat_touch (seats[i], now_us);
  syrinx_seat_occupy (more, (gpointer) "more", now_us);
  g_assert_true (syrinx_seat_is_over (more));
  g_assert_null (syrinx_seat_find_victim (more, now_us));
  syrinx_seat_free (more);
  free_all (seats, LIMIT);
}

static void
an_address_is_bounded_whatever_its_subjects (void)
{
  static const gchar *const subjects[] = { "a", "b", "c", "d" };
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  SyrinxSeat *seats[LIMIT + 1], *elsewhere, *again;
  gint64 later_us = 10 * SYRINX_IDLE_US;

  for (guint i = 0; i < LIMIT + 1; i++)
    seats[i] = seat (quota, subjects[i], "x", subjects[i], 0);
  g_assert_null (take (quota, "e", "x", later_us));
  elsewhere = take (quota, "e", "y", later_us);
  g_assert_nonnull (elsewhere);
  /* A subject with an idle session there gets a seat; its own session ends. */
  again = take (quota, "c", "x", later_us);
  syrinx_seat_occupy (again, (gpointer) "again", later_us);
  g_assert_true (syrinx_seat_is_over (again));
  g_assert_cmpstr (syrinx_seat_find_victim (again, later_us), ==, "c");
  syrinx_seat_free (elsewhere);
  syrinx_seat_free (again);
  free_all (seats, LIMIT + 1);
}

/* --- Random requests, compared with a simple model --- */

typedef struct
{
  SyrinxSeat *seat;
  guint subject, n_uses;
  gint64 used_us;
} Modelled;

static guint
count_of (GPtrArray *all, guint subject, gint64 now_us, guint *n_idle)
{
  guint n = 0;

  *n_idle = 0;
  for (guint i = 0; i < all->len; i++) {
    Modelled *one = all->pdata[i];
    n += one->subject == subject;
    *n_idle += one->subject == subject && !one->n_uses
               && now_us - one->used_us >= SYRINX_IDLE_US;
  }
  return n;
}

static void
end_modelled (GPtrArray *all, Modelled *one)
{
  syrinx_seat_free (one->seat);
  g_ptr_array_remove_fast (all, one);
}

static void
ask_modelled (SyrinxQuota *quota, GPtrArray *all, guint subject, gint64 now_us)
{
  g_autofree gchar *name = g_strdup_printf ("%u", subject);
  guint n_idle, n = count_of (all, subject, now_us, &n_idle);
  SyrinxSeat *taken = take (quota, name, NULL, now_us);
  Modelled *one;

  g_assert_true ((taken != NULL) == (n < LIMIT || n_idle > 0));
  if (!taken)
    return;
  one = g_new0 (Modelled, 1);
  *one = (Modelled){ .seat = taken, .subject = subject, .used_us = now_us };
  syrinx_seat_occupy (taken, one, now_us);
  g_ptr_array_add (all, one);
  g_assert_true (syrinx_seat_is_over (taken) == (n >= LIMIT));
  while (syrinx_seat_is_over (taken)) {
    Modelled *victim = syrinx_seat_find_victim (taken, now_us);
    g_assert_true (victim->subject == subject && victim != one);
    g_assert_cmpint (now_us - victim->used_us, >=, SYRINX_IDLE_US);
    end_modelled (all, victim);
  }
}

static void
use_modelled (Modelled *one, guint what, gint64 now_us)
{
  if (what == 0) {
    syrinx_seat_begin_use (one->seat);
    one->n_uses++;
  } else if (what == 1 && one->n_uses) {
    syrinx_seat_end_use (one->seat, now_us);
    one->n_uses--;
    one->used_us = now_us;
  } else {
    syrinx_seat_touch (one->seat, now_us);
    one->used_us = one->n_uses ? one->used_us : now_us;
  }
}

static void
random_requests_are_answered_as_the_rule_says (void)
{
  g_autoptr (SyrinxQuota) quota = syrinx_quota_new ();
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
  gint64 now_us = 0;

  for (guint round = 0; round < 20000; round++) {
    guint dice = g_test_rand_int_range (0, 10);
    now_us += g_test_rand_int_range (0, 4 * S);
    if (dice < 4 || !all->len)
      ask_modelled (quota, all, g_test_rand_int_range (0, 8), now_us);
    else if (dice < 5)
      end_modelled (all, all->pdata[g_test_rand_int_range (0, all->len)]);
    else
      use_modelled (all->pdata[g_test_rand_int_range (0, all->len)],
          g_test_rand_int_range (0, 3), now_us);
  }
  while (all->len)
    end_modelled (all, all->pdata[0]);
}

#define ADD(test) g_test_add_func ("/quota/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_subject_gets_what_it_may_have_and_no_more);
  ADD (who_waits_for_room_counts);
  ADD (the_session_that_was_idle_longest_makes_place);
  ADD (a_session_with_a_stream_is_never_idle);
  ADD (one_that_is_used_again_meanwhile_keeps_its_place);
  ADD (an_address_is_bounded_whatever_its_subjects);
  ADD (random_requests_are_answered_as_the_rule_says);
  return g_test_run ();
}
