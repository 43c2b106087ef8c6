/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission: order, bounds and time-outs, with a simulated clock and load. */
#include "daemon/gateway/admission.h"

#include <string.h>

#define MS 1000

typedef struct
{
  SyrinxAdmission *admission;
  gdouble load;
  guint n_looks;
  GString *story; /* a small letter was admitted, a capital one refused */
  gint64 retry_us;
} Fixture;

typedef struct
{
  Fixture *fixture;
  gchar letter;
  guint kbps;
  gboolean changes_mind; /* begins no session when admitted */
  SyrinxWaiter *waiter;
} Client;

static gdouble
get_load (gpointer data)
{
  Fixture *f = data;

  f->n_looks++;
  return f->load;
}

static void
set_up (Fixture *f, const SyrinxAdmissionLimits *limits)
{
  *f = (Fixture){ .story = g_string_new (NULL) };
  f->admission = syrinx_admission_new (limits, get_load, f);
}

static void
tear_down (Fixture *f)
{
  syrinx_admission_free (f->admission);
  g_string_free (f->story, TRUE);
}

static void
hear (gboolean is_admitted, gint64 retry_us, gpointer data)
{
  Client *client = data;
  Fixture *f = client->fixture;

  client->waiter = NULL;
  f->retry_us = retry_us;
  g_string_append_c (f->story,
      is_admitted ? client->letter : g_ascii_toupper (client->letter));
  if (is_admitted && !client->changes_mind)
    syrinx_admission_enter (f->admission, client->kbps);
}

/* A region's name is its weight. */
static void
ask (Fixture *f, Client *client, guint weight, guint rtt_ms, gint64 now_us)
{
  gchar region[16];
  SyrinxAdmissionRequest request = { region, weight, rtt_ms, client->kbps };
  gint64 retry_us = 0;

  g_snprintf (region, sizeof region, "w%u", weight);
  client->fixture = f;
  switch (syrinx_admission_ask (f->admission, &request, now_us, hear, client,
      &client->waiter, &retry_us)) {
  case SYRINX_ADMISSION_NOW:
    hear (TRUE, 0, client);
    break;
  case SYRINX_ADMISSION_REFUSED:
    hear (FALSE, retry_us, client);
    break;
  case SYRINX_ADMISSION_WAITS:
    g_assert_nonnull (client->waiter);
  }
}

/* --- Order --- */

typedef struct
{
  const gchar *name;
  guint max_waiters;
  struct
  {
    guint weight, rtt_ms;
  } clients[20]; /* a, b, c …, one each millisecond */
  const gchar
      *story; /* the order, with one place that becomes free again and again */
} Order;

static const Order orders[] = {
  { "first_come_first_in", 9, { { 1, 0 }, { 1, 0 }, { 1, 0 } }, "abc" },
  { "a_round_trip_is_taken_off", 9, { { 1, 0 }, { 1, 90 }, { 1, 40 } }, "bca" },
  { "the_nearest_first_where_all_are_even", 9,
      { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 8, 0 } }, "dcba" },
  { "shares_follow_the_weights", 20,
      { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 }, { 4, 0 }, { 4, 0 }, { 4, 0 },
          { 4, 0 }, { 4, 0 }, { 4, 0 }, { 4, 0 }, { 4, 0 } },
      "eafghibjklcd" },
  { "a_full_queue_sends_away_who_comes_last", 2,
      { { 1, 0 }, { 1, 0 }, { 1, 0 } }, "Cab" },
  { "a_flood_from_one_region_shuts_no_other_out", 3,
      { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 }, { 8, 0 } }, "DCeab" },
  { "without_a_queue_nobody_waits", 0, { { 1, 0 }, { 8, 0 } }, "AB" },
};

static void
test_order (gconstpointer data)
{
  const Order *order = data;
  const SyrinxAdmissionLimits limits = {
    .max_sessions = 1, .max_waiters = order->max_waiters, .max_wait_ms = 60000
  };
  Client first = { .letter = '.' }, clients[20] = { 0 };
  Fixture f;
  guint n = 0;

  set_up (&f, &limits);
  ask (&f, &first, 1, 0, 0);
  g_string_truncate (f.story, 0);
  for (; order->clients[n].weight; n++) {
    clients[n].letter = 'a' + n;
    ask (&f, &clients[n], order->clients[n].weight, order->clients[n].rtt_ms,
        n * MS);
  }
  for (guint i = 0; i < n; i++) {
    syrinx_admission_leave (f.admission, 0, (100 + i) * MS);
    syrinx_admission_step (f.admission, (100 + i) * MS);
  }
  g_assert_cmpstr (f.story->str, ==, order->story);
  tear_down (&f);
}

/* --- Bounds --- */

static void
test_sessions (void)
{
  const SyrinxAdmissionLimits limits
      = { .max_sessions = 2, .max_waiters = 9, .max_wait_ms = 100 };
  Client a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
  Fixture f;

  set_up (&f, &limits);
  ask (&f, &a, 1, 0, 0);
  ask (&f, &b, 1, 0, 0);
  ask (&f, &c, 1, 0, 0);
  syrinx_admission_step (f.admission, 50 * MS);
  g_assert_cmpstr (f.story->str, ==, "ab");
  syrinx_admission_leave (f.admission, 0, 60 * MS);
  syrinx_admission_step (f.admission, 60 * MS);
  g_assert_cmpstr (f.story->str, ==, "abc");
  g_assert_cmpuint (f.n_looks, ==, 0);
  tear_down (&f);
}

static void
test_egress (void)
{
  const SyrinxAdmissionLimits limits = { .max_sessions = 99,
    .max_egress_kbps = 256,
    .max_waiters = 9,
    .max_wait_ms = 100 };
  Client a = { .letter = 'a', .kbps = 128 }, b = { .letter = 'b', .kbps = 64 };
  Client c = { .letter = 'c', .kbps = 128 }, d = { .letter = 'd', .kbps = 64 };
  Client huge = { .letter = 'x', .kbps = 300 };
  Fixture f;

  set_up (&f, &limits);
  ask (&f, &a, 1, 0, 0);
  ask (&f, &b, 1, 0, 0);
  ask (&f, &c, 1, 0, 0);
  /* There is room for it, but c came first. */
  ask (&f, &d, 1, 0, 1);
  ask (&f, &huge, 1, 0, 2);
  g_assert_cmpstr (f.story->str, ==, "abX");
  syrinx_admission_leave (f.admission, 128, 3);
  syrinx_admission_step (f.admission, 3);
  g_assert_cmpstr (f.story->str, ==, "abXcd");
  tear_down (&f);
}

static void
test_cpu (void)
{
  const SyrinxAdmissionLimits limits = { .max_sessions = 99,
    .max_cpu_percent = 90,
    .max_waiters = 9,
    .max_wait_ms = 5000 };
  Client clients[8];
  Fixture f;

  set_up (&f, &limits);
  f.load = 0.95;
  for (guint i = 0; i < 8; i++) {
    clients[i] = (Client){ .letter = 'a' + i };
    ask (&f, &clients[i], 1, 0, i);
  }
  syrinx_admission_step (f.admission, 100 * MS);
  g_assert_cmpuint (f.n_looks, ==, 1);
  g_assert_cmpstr (f.story->str, ==, "");
  /* One, then two, then four, since sessions cost CPU only later. */
  f.load = 0.5;
  syrinx_admission_step (f.admission, 300 * MS);
  g_assert_cmpstr (f.story->str, ==, "a");
  syrinx_admission_step (f.admission, 500 * MS);
  g_assert_cmpstr (f.story->str, ==, "abc");
  f.load = 0.95;
  syrinx_admission_step (f.admission, 700 * MS);
  g_assert_cmpstr (f.story->str, ==, "abc");
  tear_down (&f);
}

/* Without overload before, admission does not wait for the next sample. */
static void
test_rush (void)
{
  const SyrinxAdmissionLimits limits = { .max_sessions = 9999,
    .max_cpu_percent = 90,
    .max_waiters = 9,
    .max_wait_ms = 5000 };
  Client clients[5000];
  Fixture f;
  SyrinxAdmissionStats stats;

  set_up (&f, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    clients[i] = (Client){ .letter = 'a' };
    ask (&f, &clients[i], 1, 0, i);
  }
  syrinx_admission_get_stats (f.admission, &stats);
  g_assert_cmpuint (stats.n_sessions, ==, G_N_ELEMENTS (clients));
  tear_down (&f);
}

/* --- The end of patience --- */

static void
test_patience (void)
{
  const SyrinxAdmissionLimits limits
      = { .max_sessions = 1, .max_waiters = 9, .max_wait_ms = 100 };
  Client a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
  Fixture f;
  SyrinxAdmissionStats stats;

  set_up (&f, &limits);
  ask (&f, &a, 1, 0, 0);
  ask (&f, &b, 1, 0, 0);
  ask (&f, &c, 1, 0, 50 * MS);
  syrinx_admission_step (f.admission, 99 * MS);
  g_assert_cmpstr (f.story->str, ==, "a");
  syrinx_admission_step (f.admission, 100 * MS);
  g_assert_cmpstr (f.story->str, ==, "aB");
  g_assert_cmpint (f.retry_us, >=, G_USEC_PER_SEC);
  syrinx_admission_leave (f.admission, 0, 120 * MS);
  syrinx_admission_step (f.admission, 120 * MS);
  g_assert_cmpstr (f.story->str, ==, "aBc");
  syrinx_admission_get_stats (f.admission, &stats);
  g_assert_cmpuint (stats.n_admitted, ==, 2);
  g_assert_cmpuint (stats.n_refused, ==, 1);
  g_assert_cmpuint (stats.n_waiting, ==, 0);
  g_assert_cmpint (stats.waited_us, ==, 70 * MS);
  g_assert_cmpuint (stats.waits[0], ==, 1);
  g_assert_cmpuint (stats.waits[2], ==, 1);
  tear_down (&f);
}

static void
test_leaving (void)
{
  const SyrinxAdmissionLimits limits
      = { .max_sessions = 1, .max_waiters = 9, .max_wait_ms = 100 };
  Client a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
  Client d = { .letter = 'd' };
  Fixture f;

  set_up (&f, &limits);
  ask (&f, &a, 1, 0, 0);
  ask (&f, &b, 1, 0, 1);
  c.changes_mind = TRUE;
  ask (&f, &c, 1, 0, 2);
  ask (&f, &d, 1, 0, 3);
  syrinx_admission_give_up (b.waiter);
  syrinx_admission_leave (f.admission, 0, 4);
  syrinx_admission_step (f.admission, 4);
  g_assert_cmpstr (f.story->str, ==, "acd");
  tear_down (&f);
}

/* Ten sessions end, one every two seconds; a request that is refused with three
 * waiters before it is told to retry after four such intervals. */
static void
test_estimate (void)
{
  const SyrinxAdmissionLimits limits
      = { .max_sessions = 10, .max_waiters = 3, .max_wait_ms = 60000 };
  Client clients[24] = { 0 };
  Fixture f;
  gint64 now_us = 0;

  set_up (&f, &limits);
  for (guint i = 0; i < 10; i++) {
    clients[i].letter = 'a';
    ask (&f, &clients[i], 1, 0, now_us);
  }
  for (guint i = 0; i < 10; i++, now_us += 2 * G_USEC_PER_SEC)
    syrinx_admission_leave (f.admission, 0, now_us);
  for (guint i = 10; i < 24; i++) {
    clients[i].letter = 'b';
    ask (&f, &clients[i], 1, 0, now_us);
  }
  g_assert_cmpint (f.retry_us, >=, 7 * G_USEC_PER_SEC);
  g_assert_cmpint (f.retry_us, <=, 9 * G_USEC_PER_SEC);
  tear_down (&f);
}

/* Without explicit steps: the main loop makes them. */
static void
test_main_loop (void)
{
  const SyrinxAdmissionLimits limits
      = { .max_sessions = 1, .max_waiters = 9, .max_wait_ms = 30 };
  Client a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
  Fixture f;
  gint64 begin_us = g_get_monotonic_time ();

  set_up (&f, &limits);
  ask (&f, &a, 1, 0, begin_us);
  ask (&f, &b, 1, 0, begin_us);
  while (f.story->len < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, 30 * MS);
  ask (&f, &c, 1, 0, g_get_monotonic_time ());
  syrinx_admission_leave (f.admission, 0, g_get_monotonic_time ());
  while (f.story->len < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (f.story->str, ==, "aBc");
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  tear_down (&f);
}

static void
test_names (void)
{
  g_assert_cmpuint (syrinx_admission_kbps_of ("opus-128"), ==, 128);
  g_assert_cmpuint (syrinx_admission_kbps_of ("aac-96"), ==, 96);
  g_assert_cmpuint (syrinx_admission_kbps_of ("flac"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (orders); i++) {
    g_autofree gchar *path
        = g_strdup_printf ("/daemon/admission/%s", orders[i].name);
    g_test_add_data_func (path, &orders[i], test_order);
  }
#define ADD(name, test) g_test_add_func ("/daemon/admission/" #name, test)
  ADD (a_session_that_ends_lets_one_in, test_sessions);
  ADD (a_small_one_does_not_overtake_a_large_one, test_egress);
  ADD (after_overload_they_come_in_by_ones_and_twos, test_cpu);
  ADD (a_rush_is_no_overload, test_rush);
  ADD (who_has_waited_long_enough_is_sent_away, test_patience);
  ADD (who_gives_up_costs_nobody_a_place, test_leaving);
  ADD (the_time_to_come_again_is_reckoned, test_estimate);
  ADD (the_main_loop_keeps_the_time, test_main_loop);
  ADD (a_rendition_names_its_rate, test_names);
  return g_test_run ();
}
