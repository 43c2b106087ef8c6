/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The choice of the server that gets a chunk: the policies, without I/O. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_BALANCE_MAX_SERVERS 64

typedef enum
{
  SYRINX_BALANCE_LEAST_LOAD, /* the lowest load for its weight */
  SYRINX_BALANCE_P2C,        /* the less loaded of two chosen at random */
  SYRINX_BALANCE_RENDEZVOUS, /* by key: the same key goes to the same server */
  SYRINX_BALANCE_NEAREST,    /* the lowest answer time */
  SYRINX_BALANCE_WEIGHTED,   /* at random, in proportion to the weights */
} SyrinxBalancePolicy;

typedef struct
{
  const gchar *name; /* hashed by rendezvous; unique */
  gdouble weight;    /* over 0; normally 1 */
  gdouble load;      /* in any unit, the same for all servers */
  gdouble answer_us; /* smoothed time to take a chunk */
  gboolean is_up;
} SyrinxBalanceServer;

/* Writes the indices of the servers that are up into @order, which has room for
 * @n_servers (at most SYRINX_BALANCE_MAX_SERVERS), best first; if one fails,
 * the next is to be tried. @key identifies the chunk or stream. Returns: the
 * number of indices. Any thread. */
guint syrinx_balance_order (SyrinxBalancePolicy policy,
    const SyrinxBalanceServer *servers, guint n_servers, guint64 key,
    guint *order);

/* Exponential decay with a half-life of one second. @load is the value
 * @elapsed_us ago. */
gdouble syrinx_balance_decay (gdouble load, gint64 elapsed_us);

G_END_DECLS
