/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several servers gets a chunk: the policies, without I/O. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_BALANCE_MAX_SERVERS 64

typedef enum
{
  SYRINX_BALANCE_LEAST_LOAD, /* least busy for its weight */
  SYRINX_BALANCE_P2C,        /* the less busy of two taken at random */
  SYRINX_BALANCE_RENDEZVOUS, /* by key: the same key finds the same server */
  SYRINX_BALANCE_NEAREST,    /* which answers fastest */
  SYRINX_BALANCE_WEIGHTED,   /* at random, in proportion to the weights */
} SyrinxBalancePolicy;

typedef struct
{
  const gchar *name; /* what rendezvous hashes; differs between servers */
  gdouble weight;    /* over 0; 1 is usual */
  gdouble load;      /* any unit, the same for all */
  gdouble answer_us; /* smoothed time to take a chunk */
  gboolean is_up;
} SyrinxBalanceServer;

/* Writes the indices of the servers that are up into @order, which has room for
 * @n_servers (at most SYRINX_BALANCE_MAX_SERVERS), best first: whoever fails is
 * followed by the next. @key names the chunk or stream. Returns how many. Any
 * thread. */
guint syrinx_balance_order (SyrinxBalancePolicy policy,
    const SyrinxBalanceServer *servers, guint n_servers, guint64 key,
    guint *order);

/* A load that is forgotten by half every second: @load as it was @elapsed_us
 * ago. */
gdouble syrinx_balance_decay (gdouble load, gint64 elapsed_us);

G_END_DECLS
