/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The token bucket, with a clock of our own. */
#include "core/base/token-bucket.h"

#define RATE     100
#define CAPACITY 10
#define TOKEN_US (G_USEC_PER_SEC / RATE)

static void
a_bucket_gains_by_its_rate (void)
{
  SyrinxTokenBucket bucket;

  syrinx_token_bucket_init (&bucket, RATE, CAPACITY, 0, 1000);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 3, 1000), ==, 3 * TOKEN_US);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 3, 1000 + TOKEN_US), ==,
      2 * TOKEN_US);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 3, 1000 + 3 * TOKEN_US), ==, 0);
}

static void
a_bucket_holds_no_more_than_its_capacity (void)
{
  const gint64 years_us = 100 * 365 * G_TIME_SPAN_DAY;
  SyrinxTokenBucket bucket;

  syrinx_token_bucket_init (&bucket, RATE, CAPACITY, 1000, 0);
  syrinx_token_bucket_spend (&bucket, CAPACITY);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 1, 0), ==, TOKEN_US);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, CAPACITY, years_us), ==, 0);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, CAPACITY + 1, years_us), ==,
      TOKEN_US);
}

static void
a_debt_is_paid_by_the_rate (void)
{
  SyrinxTokenBucket bucket;

  syrinx_token_bucket_init (&bucket, RATE, CAPACITY, 0, 0);
  syrinx_token_bucket_spend (&bucket, 1000);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 0, 0), ==, 1000 * TOKEN_US);
  syrinx_token_bucket_spend (&bucket, -400);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 0, 0), ==, 600 * TOKEN_US);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 0, 600 * TOKEN_US), ==, 0);
}

static void
without_a_rate_there_is_no_limit (void)
{
  SyrinxTokenBucket bucket;

  syrinx_token_bucket_init (&bucket, 0, 0, 0, 0);
  syrinx_token_bucket_spend (&bucket, G_MAXINT64);
  g_assert_cmpint (syrinx_token_bucket_get_wait_us (&bucket, 5, 0), ==, 0);
}

/* The greatest accepted numbers, and a clock that goes backwards. */
static void
nothing_overflows (void)
{
  SyrinxTokenBucket bucket;

  syrinx_token_bucket_init (
      &bucket, G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, G_MAXINT64 / 2);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, G_MAXUINT, G_MAXINT64 / 2), ==,
      0);
  syrinx_token_bucket_spend (&bucket, (gint64)1 << 40);
  g_assert_cmpint (syrinx_token_bucket_get_wait_us (&bucket, 1, 0), >, 0);
  g_assert_cmpint (
      syrinx_token_bucket_get_wait_us (&bucket, 1, G_MAXINT64), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/token-bucket/" #name, name)
  ADD (a_bucket_gains_by_its_rate);
  ADD (a_bucket_holds_no_more_than_its_capacity);
  ADD (a_debt_is_paid_by_the_rate);
  ADD (without_a_rate_there_is_no_limit);
  ADD (nothing_overflows);
  return g_test_run ();
}
