/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token bucket. */
#include "budget.h"

#define MAX_BPS      (G_GUINT64_CONSTANT (1) << 40)
#define MAX_SAVED_US 50000 /* what is not spent is good for as long */

void
syrinx_budget_set (SyrinxBudget *budget, guint64 bps, gint64 now_us)
{
  budget->bps = MIN (bps, MAX_BPS);
  budget->credit = 0;
  budget->at_us = now_us;
}

void
syrinx_budget_spend (SyrinxBudget *budget, gint64 size_bytes)
{
  if (budget->bps)
    budget->credit -= size_bytes * 8 * G_USEC_PER_SEC;
}

gboolean
syrinx_budget_is_spent (SyrinxBudget *budget, gint64 now_us)
{
  gint64 elapsed_us = now_us - budget->at_us;

  if (!budget->bps)
    return FALSE;
  budget->at_us = now_us;
  /* Compared as times, for what is long past would overflow. */
  if (elapsed_us >= MAX_SAVED_US - budget->credit / budget->bps)
    budget->credit = MAX_SAVED_US * budget->bps;
  else
    budget->credit += elapsed_us * budget->bps;
  return budget->credit <= 0;
}

gint64
syrinx_budget_get_end_us (const SyrinxBudget *budget)
{
  return budget->at_us - budget->credit / budget->bps + 1;
}
