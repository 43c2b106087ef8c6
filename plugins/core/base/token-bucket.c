/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token bucket. Credit is counted in millionths of a token, so that the rate
 * in tokens a second times microseconds gives credit. */
#include "token-bucket.h"

#define MAX_TOKENS (G_GUINT64_CONSTANT (1) << 40)

void
syrinx_token_bucket_init (SyrinxTokenBucket *bucket, guint64 rate,
    guint64 capacity, guint64 tokens, gint64 now_us)
{
  bucket->credit = MIN (tokens, MAX_TOKENS) * G_USEC_PER_SEC;
  bucket->at_us = now_us;
  syrinx_token_bucket_set_rate (bucket, rate, capacity);
}

void
syrinx_token_bucket_set_rate (
    SyrinxTokenBucket *bucket, guint64 rate, guint64 capacity)
{
  bucket->rate = MIN (rate, MAX_TOKENS);
  bucket->max_credit = MIN (capacity, MAX_TOKENS) * G_USEC_PER_SEC;
  bucket->credit = MIN (bucket->credit, bucket->max_credit);
}

void
syrinx_token_bucket_spend (SyrinxTokenBucket *bucket, gint64 n)
{
  if (bucket->rate)
    bucket->credit -= n * G_USEC_PER_SEC;
}

static void
gain (SyrinxTokenBucket *bucket, gint64 now_us)
{
  gint64 elapsed_us = MAX (now_us - bucket->at_us, 0);

  bucket->at_us += elapsed_us;
  /* Compares times, because the product would overflow after a long time. */
  if (elapsed_us > (bucket->max_credit - bucket->credit) / bucket->rate)
    bucket->credit = bucket->max_credit;
  else
    bucket->credit += elapsed_us * bucket->rate;
}

gint64
syrinx_token_bucket_get_wait_us (
    SyrinxTokenBucket *bucket, guint n, gint64 now_us)
{
  gint64 missing;

  if (!bucket->rate)
    return 0;
  gain (bucket, now_us);
  missing = n * G_USEC_PER_SEC - bucket->credit;
  return missing > 0 ? (missing + bucket->rate - 1) / bucket->rate : 0;
}
