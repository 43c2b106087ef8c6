/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token bucket: it gains tokens at a rate and holds a bounded number of them.
 * What is spent may exceed what there is; then it is in debt until the rate has
 * made that good. A plain value, not locked. Times are monotonic, in
 * microseconds. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (private) */
typedef struct
{
  gint64 rate;       /* tokens a second; 0: there is no limit */
  gint64 max_credit; /* in millionths of a token, as ->credit */
  gint64 credit;
  gint64 at_us; /* up to when it has gained */
} SyrinxTokenBucket;

/* Begins with @tokens. @rate: tokens a second, 0 for no limit; @capacity: what
 * it can hold. All at most 2^40, more is taken as that. */
void syrinx_token_bucket_init (SyrinxTokenBucket *bucket, guint64 rate,
    guint64 capacity, guint64 tokens, gint64 now_us);
/* Changes rate and capacity from now on and keeps what it holds, up to the new
 * capacity. */
void syrinx_token_bucket_set_rate (
    SyrinxTokenBucket *bucket, guint64 rate, guint64 capacity);
/* Takes @n tokens, whether there are as many or not; less than 0 gives back.
 * Hot. */
void syrinx_token_bucket_spend (SyrinxTokenBucket *bucket, gint64 n);
/* Gains up to @now_us. Returns 0 if the bucket then holds @n tokens (always if
 * there is no limit), otherwise after how many microseconds it will; 0 for @n
 * asks when its debt is paid. Hot. */
gint64 syrinx_token_bucket_get_wait_us (
    SyrinxTokenBucket *bucket, guint n, gint64 now_us);

G_END_DECLS
