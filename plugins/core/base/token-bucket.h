/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token bucket: it gains tokens at a rate, up to a capacity. More tokens may
 * be spent than it holds; it is then in debt until it has gained them. A plain
 * value, not locked. Times are monotonic, in microseconds. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (private) */
typedef struct
{
  gint64 rate;       /* tokens a second; 0: there is no limit */
  gint64 max_credit; /* in millionths of a token, like ->credit */
  gint64 credit;
  gint64 at_us; /* the time up to which tokens were gained */
} SyrinxTokenBucket;

/* Begins with @tokens. @rate: tokens a second, 0 for no limit; @capacity: the
 * most it holds. Values over 2^40 count as 2^40. */
void syrinx_token_bucket_init (SyrinxTokenBucket *bucket, guint64 rate,
    guint64 capacity, guint64 tokens, gint64 now_us);
/* Changes rate and capacity from now on; tokens held beyond the new capacity
 * are lost. */
void syrinx_token_bucket_set_rate (
    SyrinxTokenBucket *bucket, guint64 rate, guint64 capacity);
/* Takes @n tokens, going into debt if need be; a negative @n gives tokens back.
 * Hot. */
void syrinx_token_bucket_spend (SyrinxTokenBucket *bucket, gint64 n);
/* Gains tokens up to @now_us. Returns: 0 if there are then at least @n tokens
 * or no limit, otherwise the microseconds until there are; with @n 0, until the
 * debt is paid. Hot. */
gint64 syrinx_token_bucket_get_wait_us (
    SyrinxTokenBucket *bucket, guint n, gint64 now_us);

G_END_DECLS
