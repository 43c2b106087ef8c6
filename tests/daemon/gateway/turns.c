/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns: order, shares, bounds, and listeners that leave. Without a daemon: the
 * module with a real scheduler, so that ThreadSanitizer sees both. */
#include "daemon/gateway/turns.h"

#include "core/base/error.h"

#define FRAGMENT_US G_GINT64_CONSTANT (4000000)

static SyrinxScheduler *scheduler;
static SyrinxTurns *turns;
static GString *order; /* of the turns granted, a letter each */

static void
set_up (guint64 bps)
{
  scheduler = syrinx_scheduler_get ("test");
  syrinx_scheduler_set_workers (scheduler, 2);
  syrinx_scheduler_set_egress (scheduler, bps);
  turns = syrinx_turns_new (scheduler);
  order = g_string_new (NULL);
}

static void
tear_down (void)
{
  g_assert_cmpuint (syrinx_turns_get_n_waiting (turns), ==, 0);
  syrinx_turns_free (turns);
  syrinx_scheduler_unref (scheduler);
  g_string_free (order, TRUE);
}

static void
note (const GError *error, gpointer letter)
{
  g_assert_no_error (error);
  g_string_append_c (order, GPOINTER_TO_UINT (letter));
}

/* The listener is identified by its letter. @number -1: its header. */
static SyrinxTurn *
ask_sized (gchar listener, gint number, gsize size_bytes, gchar letter)
{
  const SyrinxTurnRequest request
      = { .session = GUINT_TO_POINTER ((guint)listener),
          .region = "near",
          .media_start_us = MAX (number, 0) * FRAGMENT_US,
          .media_us = number < 0 ? 0 : FRAGMENT_US,
          .size_bytes = size_bytes };
  g_autoptr (GError) error = NULL;
  SyrinxTurn *turn = syrinx_turns_ask (
      turns, &request, note, GUINT_TO_POINTER ((guint)letter), &error);

  g_assert_no_error (error);
  return turn;
}

static SyrinxTurn *
ask (gchar listener, gint number, gchar letter)
{
  return ask_sized (listener, number, 1000, letter);
}

static void
wait_for_length (gsize length)
{
  while (order->len < length)
    g_main_context_iteration (NULL, TRUE);
}

/* Uses up a fifth of a second of a budget of 800 kbit/s. */
static void
block (void)
{
  ask_sized ('x', 0, 20000, 'x');
  wait_for_length (order->len + 1);
}

static void
drop_all (const gchar *listeners)
{
  for (; *listeners; listeners++)
    syrinx_turns_drop (turns, GUINT_TO_POINTER ((guint)*listeners));
}

/* --- Order --- */

static void
who_needs_it_first_is_first (void)
{
  set_up (800 * 1000);
  block ();
  ask ('a', 0, '1'); /* due now */
  ask ('a', 1, '4'); /* in 4 s */
  ask ('a', 2, '6'); /* in 8 s */
  ask ('b', 7, '2'); /* now: playing starts there */
  ask ('b', 8, '5'); /* in 4 s */
  ask ('b', -1, '3');
  wait_for_length (7);
  g_assert_cmpstr (order->str, ==, "x123456");
  drop_all ("xab");
  tear_down ();
}

static void
a_seek_is_due_at_once (void)
{
  set_up (800 * 1000);
  block ();
  ask ('a', 0, '1');
  ask ('a', 1, '4');
  ask ('b', 0, '2');
  ask ('b', 30, '3');
  ask ('b', 31, '5');
  wait_for_length (6);
  g_assert_cmpstr (order->str, ==, "x12345");
  drop_all ("xab");
  tear_down ();
}

static void
who_jumps_without_end_is_not_urgent (void)
{
  set_up (800 * 1000);
  for (guint i = 0; i < 8; i++)
    ask ('a', i * 10, 'a'); /* 32 s of media */
  wait_for_length (8);
  block ();
  ask ('a', 80, '2');
  ask ('b', 0, '0');
  ask ('b', 1, '1');
  wait_for_length (12);
  g_assert_cmpstr (order->str, ==, "aaaaaaaax012");
  drop_all ("xab");
  tear_down ();
}

/* --- Shares --- */

#define N_REGIONS  4
#define PER_REGION 6

typedef struct
{
  const gchar *region;
  guint number;
  guint64 *sent_bytes;
} Client;

static gboolean is_over;

static void
ask_on (const GError *error, gpointer data)
{
  Client *client = data;
  const SyrinxTurnRequest request = { .session = client,
    .region = client->region,
    .media_start_us = client->number * FRAGMENT_US,
    .media_us = FRAGMENT_US,
    .size_bytes = 10000 };

  if (client->number++ && !is_over)
    *client->sent_bytes += request.size_bytes;
  if (!is_over)
    syrinx_turns_ask (turns, &request, ask_on, client, NULL);
}

static gboolean
end (gpointer data)
{
  is_over = TRUE;
  return G_SOURCE_REMOVE;
}

static void
regions_share_by_weight (void)
{
  static const struct
  {
    const gchar *region;
    guint weight;
  } cases[N_REGIONS] = { { "a", 8 }, { "b", 4 }, { "c", 2 }, { "d", 1 } };
  Client clients[N_REGIONS][PER_REGION] = { 0 };
  guint64 sent_bytes[N_REGIONS] = { 0 }, all_bytes = 0;

  set_up (40 * 1000 * 1000);
  is_over = FALSE;
  for (guint i = 0; i < N_REGIONS; i++) {
    syrinx_scheduler_set_region_weight (
        scheduler, cases[i].region, cases[i].weight);
    for (guint k = 0; k < PER_REGION; k++) {
      clients[i][k] = (Client){ cases[i].region, 0, &sent_bytes[i] };
      ask_on (NULL, &clients[i][k]);
    }
  }
  g_timeout_add (1500, end, NULL);
  while (!is_over || syrinx_turns_get_n_waiting (turns))
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < N_REGIONS; i++)
    all_bytes += sent_bytes[i];
  for (guint i = 0; i < N_REGIONS; i++) {
    gdouble share = (gdouble)sent_bytes[i] / all_bytes * 15 / cases[i].weight;
    g_test_message ("%s has %.3f of its share", cases[i].region, share);
    g_assert_cmpfloat (share, >, 0.9);
    g_assert_cmpfloat (share, <, 1.1);
    for (guint k = 0; k < PER_REGION; k++)
      syrinx_turns_drop (turns, &clients[i][k]);
  }
  tear_down ();
}

/* --- Bounds --- */

static void
a_listener_waits_for_a_few_only (void)
{
  const SyrinxTurnRequest request
      = { .session = GUINT_TO_POINTER ('a'), .size_bytes = 10 };
  g_autoptr (GError) error = NULL;

  set_up (800 * 1000);
  block ();
  for (guint i = 0; i < SYRINX_TURNS_PER_LISTENER; i++)
    ask ('a', i, 'a');
  g_assert_null (syrinx_turns_ask (turns, &request, note, NULL, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_TOO_MANY);
  g_assert_cmpuint (syrinx_turns_get_n_refused (turns), ==, 1);
  ask ('b', 0, 'b');
  wait_for_length (1 + SYRINX_TURNS_PER_LISTENER + 1);
  ask ('a', 8, 'a');
  wait_for_length (1 + SYRINX_TURNS_PER_LISTENER + 2);
  drop_all ("xab");
  tear_down ();
}

static void
keep_error (const GError *error, gpointer place)
{
  *(GError **)place = g_error_copy (error);
}

static GError *
ask_for_error (gchar listener, GError **place)
{
  const SyrinxTurnRequest request
      = { .session = GUINT_TO_POINTER ((guint)listener), .size_bytes = 10 };

  syrinx_turns_ask (turns, &request, keep_error, place, NULL);
  return *place;
}

static void
who_waits_too_long_hears_so (void)
{
  g_autoptr (GError) error = NULL;
  gint64 begin_us;

  set_up (8000);
  block (); /* for 20 s */
  begin_us = g_get_monotonic_time ();
  ask_for_error ('a', &error);
  while (!error)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT);
  g_assert_cmpint (
      (g_get_monotonic_time () - begin_us) / 1000, >=, SYRINX_TURN_TIMEOUT_MS);
  g_assert_cmpuint (syrinx_turns_get_n_refused (turns), ==, 1);
  drop_all ("xa");
  tear_down ();
}

/* --- Leaving --- */

static void
who_leaves_is_not_told (void)
{
  SyrinxTurn *turn;

  set_up (800 * 1000);
  block ();
  turn = ask ('a', 0, 'a');
  ask ('b', 0, 'b');
  syrinx_turn_cancel (turn);
  wait_for_length (2);
  g_assert_cmpstr (order->str, ==, "xb");
  drop_all ("xab");
  tear_down ();
}

static void
a_listener_that_ends_waits_no_longer (void)
{
  g_autoptr (GError) error = NULL;

  set_up (800 * 1000);
  block ();
  g_assert_null (ask_for_error ('a', &error));
  drop_all ("a");
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_EXPIRED);
  ask ('a', 0, 'a'); /* now a new listener */
  wait_for_length (2);
  drop_all ("xa");
  tear_down ();
}

static void
the_end_tells_who_waits (void)
{
  g_autoptr (GError) error = NULL;

  set_up (800 * 1000);
  block ();
  ask_for_error ('a', &error);
  syrinx_turns_free (turns);
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED);
  turns = syrinx_turns_new (scheduler);
  tear_down ();
}

/* --- All at once --- */

#define N_LISTENERS 40

typedef struct
{
  SyrinxTurn *turn;
  guint n_told;
} Slot;

static void
slot_told (const GError *error, gpointer data)
{
  Slot *slot = data;

  slot->turn = NULL;
  slot->n_told++;
}

static void
do_anything (Slot *slots, GRand *random)
{
  guint i = g_rand_int_range (random, 0, N_LISTENERS);
  const SyrinxTurnRequest request = { .session = &slots[i],
    .region = i % 2 ? "near" : "far",
    .rtt_us = i * 1000,
    .media_start_us = g_rand_int_range (random, 0, 100) * FRAGMENT_US,
    .media_us = FRAGMENT_US,
    .size_bytes = g_rand_int_range (random, 1, 2000) };

  switch (g_rand_int_range (random, 0, 8)) {
  case 0:
    g_clear_pointer (&slots[i].turn, syrinx_turn_cancel);
    break;
  case 1:
    syrinx_turns_drop (turns, &slots[i]);
    g_assert_null (slots[i].turn);
    break;
  case 2:
    g_main_context_iteration (NULL, FALSE);
    break;
  default:
    if (!slots[i].turn)
      slots[i].turn
          = syrinx_turns_ask (turns, &request, slot_told, &slots[i], NULL);
  }
}

static void
anything_in_any_order (void)
{
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  Slot slots[N_LISTENERS] = { 0 };
  guint n_told = 0;

  g_test_message ("seed %u", seed);
  set_up (200 * 1000 * 1000);
  for (guint i = 0; i < 100000; i++)
    do_anything (slots, random);
  while (syrinx_turns_get_n_waiting (turns))
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < N_LISTENERS; i++) {
    g_assert_null (slots[i].turn);
    n_told += slots[i].n_told;
    syrinx_turns_drop (turns, &slots[i]);
  }
  g_assert_cmpuint (n_told, >, 1000);
  tear_down ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(test) g_test_add_func ("/turn/" #test, test)
  ADD (who_needs_it_first_is_first);
  ADD (a_seek_is_due_at_once);
  ADD (who_jumps_without_end_is_not_urgent);
  ADD (regions_share_by_weight);
  ADD (a_listener_waits_for_a_few_only);
  ADD (who_waits_too_long_hears_so);
  ADD (who_leaves_is_not_told);
  ADD (a_listener_that_ends_waits_no_longer);
  ADD (the_end_tells_who_waits);
  ADD (anything_in_any_order);
  return g_test_run ();
}
