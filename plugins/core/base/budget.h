/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A budget of bits a second: a token bucket that may be overdrawn once and
 * then says until when. Not locked. Times are monotonic, in microseconds. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 bps;    /* 0: there is no limit */
  gint64 credit; /* in bits times microseconds */
  gint64 at_us;
} SyrinxBudget;

/* @bps: 0 for no limit; what was spent or saved before is forgotten. */
void syrinx_budget_set (SyrinxBudget *budget, guint64 bps, gint64 now_us);
/* Less than 0 takes back what was spent too much. Hot. */
void syrinx_budget_spend (SyrinxBudget *budget, gint64 size_bytes);
/* Whether more was spent than there was, up to now. Hot. */
gboolean syrinx_budget_is_spent (SyrinxBudget *budget, gint64 now_us);
/* When that ends, as of the last syrinx_budget_is_spent(). */
gint64 syrinx_budget_get_end_us (const SyrinxBudget *budget);

G_END_DECLS
