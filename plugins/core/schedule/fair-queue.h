/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start-time fair queueing between shares of one resource (Goyal, Vin and
 * Cheng, "Start-time Fair Queuing", 1996). A share has a start tag that grows
 * by cost / weight with each service; of the shares with waiting items, the one
 * with the smallest tag is served next. A share that was idle resumes at the
 * virtual time, which is the tag of the share served last, so that it neither
 * saves up service while idle nor falls behind.
 *
 * Its owner keeps the items that wait for a share, and their order; only their
 * number is kept here. Not locked. Only syrinx_fair_queue_add() allocates. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Embedded in the owner's struct for a share. (private), except ->weight and
 * ->n_waiting. */
typedef struct
{
  guint weight; /* 1 or more; may be set at any time */
  guint n_waiting;
  guint n_served; /* in service now */
  gint64 start_tag;
} SyrinxFairShare;

typedef struct
{
  GPtrArray *shares; /* SyrinxFairShare, no references */
  gint64 virtual_time;
} SyrinxFairQueue;

void syrinx_fair_queue_init (SyrinxFairQueue *queue);
void syrinx_fair_queue_clear (SyrinxFairQueue *queue);
/* @share: (transfer none), must stay valid until the queue is cleared. */
void syrinx_fair_queue_add (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint weight);

/* One item more, or less, waits for service by @share. Hot. */
void syrinx_fair_queue_enter (SyrinxFairQueue *queue, SyrinxFairShare *share);
void syrinx_fair_queue_leave (SyrinxFairQueue *queue, SyrinxFairShare *share);

/* The share to serve next; among equal tags, the one with the highest weight.
 * (nullable): NULL if nothing waits. Hot. */
SyrinxFairShare *syrinx_fair_queue_choose (const SyrinxFairQueue *queue);

/* Begins a service of @share and charges @cost, which may be an estimate, so
 * that a concurrent server chooses another share. The owner chooses the unit of
 * costs, which should be large compared to the weights.
 * syrinx_fair_queue_correct() corrects an estimate; the share counts as busy
 * until syrinx_fair_queue_end(). Hot. */
void syrinx_fair_queue_begin (
    SyrinxFairQueue *queue, SyrinxFairShare *share, guint64 cost);
void syrinx_fair_queue_correct (
    SyrinxFairShare *share, guint64 charged, guint64 cost);
void syrinx_fair_queue_end (SyrinxFairShare *share);

G_END_DECLS
