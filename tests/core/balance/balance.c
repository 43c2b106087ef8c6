/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policies for the choice of servers. */
#include "core/balance/balance.h"

#define N_KEYS 20000

static SyrinxBalanceServer servers[] = {
  { "a", 1, 300, 50, TRUE },
  { "b", 1, 100, 90, TRUE },
  { "c", 2, 160, 10, TRUE },
};

/* Counts how often each server is first. */
static void
count (SyrinxBalancePolicy policy, guint *firsts)
{
  guint order[G_N_ELEMENTS (servers)];

  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    firsts[i] = 0;
  for (guint64 key = 0; key < N_KEYS; key++)
    if (syrinx_balance_order (
            policy, servers, G_N_ELEMENTS (servers), key, order)
        > 0)
      firsts[order[0]]++;
}

static void
least_load_and_nearest_are_sorted (void)
{
  guint order[3];

  g_assert_cmpuint (
      syrinx_balance_order (SYRINX_BALANCE_LEAST_LOAD, servers, 3, 0, order),
      ==, 3);
  g_assert_cmpuint (order[0], ==, 2); /* 160 / 2 */
  g_assert_cmpuint (order[1], ==, 1);
  g_assert_cmpuint (order[2], ==, 0);
  syrinx_balance_order (SYRINX_BALANCE_NEAREST, servers, 3, 0, order);
  g_assert_cmpuint (order[0], ==, 2);
  g_assert_cmpuint (order[1], ==, 0);
}

static void
p2c_never_takes_the_busiest_and_not_always_the_idlest (void)
{
  guint firsts[3];

  count (SYRINX_BALANCE_P2C, firsts);
  g_assert_cmpuint (firsts[0], ==, 0);
  g_assert_cmpfloat_with_epsilon (firsts[1], N_KEYS / 3., N_KEYS * .03);
  g_assert_cmpfloat_with_epsilon (firsts[2], N_KEYS * 2 / 3., N_KEYS * .03);
}

static void
rendezvous_and_weighted_follow_the_weights (void)
{
  static const SyrinxBalancePolicy policies[]
      = { SYRINX_BALANCE_RENDEZVOUS, SYRINX_BALANCE_WEIGHTED };

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++) {
    guint firsts[3];
    count (policies[i], firsts);
    g_assert_cmpfloat_with_epsilon (firsts[0], N_KEYS * .25, N_KEYS * .02);
    g_assert_cmpfloat_with_epsilon (firsts[1], N_KEYS * .25, N_KEYS * .02);
    g_assert_cmpfloat_with_epsilon (firsts[2], N_KEYS * .5, N_KEYS * .02);
  }
}

static void
rendezvous_moves_only_the_keys_of_a_server_that_went_down (void)
{
  for (guint64 key = 0; key < N_KEYS; key++) {
    guint before[3], after[3];
    syrinx_balance_order (SYRINX_BALANCE_RENDEZVOUS, servers, 3, key, before);
    servers[1].is_up = FALSE;
    g_assert_cmpuint (syrinx_balance_order (
                          SYRINX_BALANCE_RENDEZVOUS, servers, 3, key, after),
        ==, 2);
    servers[1].is_up = TRUE;
    g_assert_cmpuint (after[0], ==, before[0] == 1 ? before[1] : before[0]);
  }
}

static void
who_is_down_is_chosen_by_no_policy (void)
{
  for (guint policy = 0; policy <= SYRINX_BALANCE_WEIGHTED; policy++) {
    guint order[3];
    for (guint i = 0; i < 3; i++)
      servers[i].is_up = i == 1;
    g_assert_cmpuint (
        syrinx_balance_order (policy, servers, 3, 7, order), ==, 1);
    g_assert_cmpuint (order[0], ==, 1);
    servers[1].is_up = FALSE;
    g_assert_cmpuint (
        syrinx_balance_order (policy, servers, 3, 7, order), ==, 0);
    for (guint i = 0; i < 3; i++)
      servers[i].is_up = TRUE;
  }
}

static void
load_is_halved_every_second (void)
{
  g_assert_cmpfloat_with_epsilon (
      syrinx_balance_decay (100, G_USEC_PER_SEC), 50, .01);
  g_assert_cmpfloat_with_epsilon (syrinx_balance_decay (100, -5), 100, .01);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/balance/" #name, name)
  ADD (least_load_and_nearest_are_sorted);
  ADD (p2c_never_takes_the_busiest_and_not_always_the_idlest);
  ADD (rendezvous_and_weighted_follow_the_weights);
  ADD (rendezvous_moves_only_the_keys_of_a_server_that_went_down);
  ADD (who_is_down_is_chosen_by_no_policy);
  ADD (load_is_halved_every_second);
  return g_test_run ();
}
