/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start-time fair queueing. */
#include "fair-queue.h"

#define COST_SHIFT 8 /* fraction bits of start tags (fixed point) */

void
syrinx_fair_queue_init (SyrinxFairQueue *queue)
{
  queue->shares = g_ptr_array_new ();
  queue->virtual_time = 0;
}

void
syrinx_fair_queue_clear (SyrinxFairQueue *queue)
{
  g_clear_pointer (&queue->shares, g_ptr_array_unref);
}

void
syrinx_fair_queue_add (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint weight)
{
  *share = (SyrinxFairShare){ .weight = MAX (weight, 1),
    .start_tag = queue->virtual_time };
  g_ptr_array_add (queue->shares, share);
}

void
syrinx_fair_queue_enter (SyrinxFairQueue *queue, SyrinxFairShare *share)
{
  if (!share->n_waiting && !share->n_served)
    share->start_tag = MAX (share->start_tag, queue->virtual_time);
  share->n_waiting++;
}

void
syrinx_fair_queue_leave (SyrinxFairQueue *queue, SyrinxFairShare *share)
{
  share->n_waiting--;
}

static gboolean
goes_before (const SyrinxFairShare *share, const SyrinxFairShare *other)
{
  return share->start_tag < other->start_tag
         || (share->start_tag == other->start_tag
             && share->weight > other->weight);
}

SyrinxFairShare *
syrinx_fair_queue_choose (const SyrinxFairQueue *queue)
{
  SyrinxFairShare *best = NULL;

  for (guint i = 0; i < queue->shares->len; i++) {
    SyrinxFairShare *share = queue->shares->pdata[i];
    if (share->n_waiting && (!best || goes_before (share, best)))
      best = share;
  }
  return best;
}

static gint64
scale (const SyrinxFairShare *share, guint64 cost)
{
  return (gint64)(cost << COST_SHIFT) / share->weight;
}

void
syrinx_fair_queue_begin (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint64 cost)
{
  queue->virtual_time = MAX (queue->virtual_time, share->start_tag);
  share->start_tag += scale (share, cost);
  share->n_served++;
}

void
syrinx_fair_queue_correct (
    SyrinxFairShare *share, guint64 charged, guint64 cost)
{
  share->start_tag += scale (share, cost) - scale (share, charged);
}

void
syrinx_fair_queue_end (SyrinxFairShare *share)
{
  share->n_served--;
}
