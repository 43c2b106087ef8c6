/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rate limits, with a simulated clock. */
#include "daemon/net/rate-limit.h"

#define RATE  10
#define BURST 100

static gint64
take (SyrinxRateLimit *limit, const gchar *client, gint64 now_us)
{
  return syrinx_rate_limit_take (limit, client, RATE, BURST, now_us);
}

static guint
take_all (SyrinxRateLimit *limit, const gchar *client, gint64 now_us)
{
  guint n = 0;

  while (take (limit, client, now_us) == 0)
    n++;
  return n;
}

static void
test_burst (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (8);

  g_assert_cmpuint (take_all (limit, "a", 0), ==, BURST);
  g_assert_cmpuint (take_all (limit, "a", G_USEC_PER_SEC), ==, RATE);
  g_assert_cmpuint (take_all (limit, "a", 60 * G_USEC_PER_SEC), ==, BURST);
}

static void
test_wait (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (8);
  gint64 wait_us;

  take_all (limit, "a", 0);
  wait_us = take (limit, "a", 0);
  g_assert_cmpint (wait_us, >=, G_USEC_PER_SEC / RATE);
  g_assert_cmpint (wait_us, <=, G_USEC_PER_SEC / RATE + 2);
  g_assert_cmpint (take (limit, "a", wait_us / 2), >, 0);
  g_assert_cmpint (take (limit, "a", wait_us), ==, 0);
}

static void
test_others (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (8);

  take_all (limit, "a", 0);
  g_assert_cmpint (take (limit, "a", 0), >, 0);
  g_assert_cmpint (take (limit, "b", 0), ==, 0);
}

/* A flood of new clients evicts such clients, not one that is active
 * throughout. */
static void
test_bounded (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (8);

  take_all (limit, "busy", 0);
  for (guint i = 0; i < 1000; i++) {
    g_autofree gchar *name = g_strdup_printf ("stranger %u", i);
    g_assert_cmpint (take (limit, name, 0), ==, 0);
    g_assert_cmpuint (syrinx_rate_limit_get_size (limit), <=, 8);
    g_assert_cmpint (take (limit, "busy", 0), >, 0);
  }
}

static void
test_reload (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (8);
  guint n = 0;

  g_assert_cmpint (take (limit, "a", 0), ==, 0);
  while (syrinx_rate_limit_take (limit, "a", 1, 5, 0) == 0)
    n++;
  g_assert_cmpuint (n, ==, 5);
}

/* A client has its limit; its /48 has sixteen times as much, however many
 * clients it is split into. */
static void
test_networks (void)
{
  g_autoptr (SyrinxRateLimit) limit = syrinx_rate_limit_new (1024);
  guint n = 0, n_of_first = 0;

  for (guint i = 0; i < 100; i++)
    for (guint j = 0; j < BURST; j++) {
      g_autofree gchar *address
          = g_strdup_printf ("2001:db8:1:%x::%x", i, j + 1);
      gboolean may
          = syrinx_rate_limit_take_for_address (limit, address, RATE, BURST, 0)
            == 0;
      n += may;
      n_of_first += may && i == 0;
    }
  g_assert_cmpuint (n_of_first, ==, BURST);
  g_assert_cmpuint (n, ==, 16 * BURST);
  g_assert_cmpint (syrinx_rate_limit_take_for_address (
                       limit, "2001:db8:2::1", RATE, BURST, 0),
      ==, 0);
  for (guint i = 0; i < BURST; i++)
    g_assert_cmpint (
        syrinx_rate_limit_take_for_address (limit, "192.0.2.1", RATE, BURST, 0),
        ==, 0);
  g_assert_cmpint (syrinx_rate_limit_take_for_address (
                       limit, "::ffff:192.0.2.1", RATE, BURST, 0),
      >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/daemon/rate-limit/a_burst_and_then_the_rate", test_burst);
  g_test_add_func (
      "/daemon/rate-limit/the_wait_it_names_is_the_wait_it_takes", test_wait);
  g_test_add_func ("/daemon/rate-limit/one_client_costs_no_other", test_others);
  g_test_add_func ("/daemon/rate-limit/the_table_is_bounded_and_keeps_the_busy",
      test_bounded);
  g_test_add_func (
      "/daemon/rate-limit/a_smaller_burst_holds_at_once", test_reload);
  g_test_add_func (
      "/daemon/rate-limit/a_network_of_ipv6_is_one_client", test_networks);
  return g_test_run ();
}
