/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start-time fair queueing between shares of one resource (Goyal, Vin and
 * Cheng, "Start-time Fair Queuing", 1996). A share has a start tag that grows
 * by cost / weight with each service; of the shares for which something waits,
 * the one with the smallest tag is served next. A share that comes back from
 * idling starts at the virtual time, which is the tag of the share served last,
 * so that it neither saves up service nor is behind.
 *
 * What waits within a share, and in which order, is its owner's business: only
 * their number is kept here. Not locked. Nothing here allocates but
 * syrinx_fair_queue_add(). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A member of what its owner keeps for a share; (private) but for ->weight and
 * ->n_waiting. */
typedef struct
{
  guint weight; /* 1 or more; may be set at any time */
  guint n_waiting;
  guint n_served; /* at this moment */
  gint64 start_tag;
} SyrinxFairShare;

typedef struct
{
  GPtrArray *shares; /* SyrinxFairShare, unowned */
  gint64 virtual_time;
} SyrinxFairQueue;

void syrinx_fair_queue_init (SyrinxFairQueue *queue);
void syrinx_fair_queue_clear (SyrinxFairQueue *queue);
/* @share: (transfer none), stays until the queue is cleared. */
void syrinx_fair_queue_add (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint weight);

/* One more waits for service by @share, or one less. Hot. */
void syrinx_fair_queue_enter (SyrinxFairQueue *queue, SyrinxFairShare *share);
void syrinx_fair_queue_leave (SyrinxFairQueue *queue, SyrinxFairShare *share);

/* (nullable) the share to be served next, if something waits. Of equal tags the
 * one of more weight. Hot. */
SyrinxFairShare *syrinx_fair_queue_choose (const SyrinxFairQueue *queue);

/* @share is served: charges @cost, which may be an estimate, so that a second
 * server chooses another. Costs are in units that the owner chooses, large
 * against the weights. syrinx_fair_queue_correct() makes an estimate good;
 * until syrinx_fair_queue_end() the share is not idle. Hot. */
void syrinx_fair_queue_begin (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint64 cost);
void syrinx_fair_queue_correct (
    SyrinxFairShare *share, guint64 charged, guint64 cost);
void syrinx_fair_queue_end (SyrinxFairShare *share);

G_END_DECLS
