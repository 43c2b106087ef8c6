/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The choice of the server that gets a chunk. */
#include "balance.h"

#include "core/base/identifier.h"

#include <math.h>
#include <stdlib.h>

typedef struct
{
  guint index;
  gdouble cost; /* candidates are ordered by rising cost */
} Candidate;

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input
 * affects every bit of the result. */
static guint64
mix (guint64 x)
{
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static guint64
hash_name (const gchar *name, guint64 key)
{
  guint64 hash = mix (key);

  for (; *name != '\0'; name++)
    hash = mix (hash ^ (guint8)*name);
  return hash;
}

/* 0 < result < 1 */
static gdouble
to_unit (guint64 hash)
{
  return ((hash >> 11) + 0.5) * 0x1p-53;
}

static gdouble
random_unit (void)
{
  guint64 random;

  syrinx_random_fill (&random, sizeof random);
  return to_unit (random);
}

/* An exponential variable with rate @weight. Each server has the least with a
 * probability in proportion to its weight, and removing one server does not
 * change the order of the others, as weighted rendezvous hashing requires. */
static gdouble
exponential (gdouble unit, gdouble weight)
{
  return -log (unit) / weight;
}

static gdouble
get_cost (
    SyrinxBalancePolicy policy, const SyrinxBalanceServer *server, guint64 key)
{
  switch (policy) {
  case SYRINX_BALANCE_RENDEZVOUS:
    return exponential (
        to_unit (hash_name (server->name, key)), server->weight);
  case SYRINX_BALANCE_NEAREST:
    return server->answer_us;
  case SYRINX_BALANCE_WEIGHTED:
    return exponential (random_unit (), server->weight);
  default:
    return server->load / server->weight;
  }
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const Candidate *x = a, *y = b;

  if (x->cost != y->cost)
    return x->cost < y->cost ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Picks two random candidates and moves the better one to the front.
 * @candidates are sorted, so that is the one with the lower index (Mitzenmacher
 * 2001). */
static void
choose_of_two (Candidate *candidates, guint n)
{
  guint a, b, best;
  Candidate chosen;

  if (n < 2)
    return;
  a = random_unit () * n;
  b = random_unit () * (n - 1);
  b += b >= a;
  best = MIN (a, b);
  chosen = candidates[best];
  for (guint i = best; i > 0; i--)
    candidates[i] = candidates[i - 1];
  candidates[0] = chosen;
}

guint
syrinx_balance_order (SyrinxBalancePolicy policy,
    const SyrinxBalanceServer *servers, guint n_servers, guint64 key,
    guint *order)
{
  Candidate candidates[SYRINX_BALANCE_MAX_SERVERS];
  guint n = 0;

  g_return_val_if_fail (n_servers <= SYRINX_BALANCE_MAX_SERVERS, 0);
  for (guint i = 0; i < n_servers; i++)
    if (servers[i].is_up) {
      candidates[n].index = i;
      candidates[n++].cost = get_cost (policy, &servers[i], key);
    }
  qsort (candidates, n, sizeof *candidates, compare);
  if (policy == SYRINX_BALANCE_P2C)
    choose_of_two (candidates, n);
  for (guint i = 0; i < n; i++)
    order[i] = candidates[i].index;
  return n;
}

gdouble
syrinx_balance_decay (gdouble load, gint64 elapsed_us)
{
  return load * exp2 (-(gdouble)MAX (elapsed_us, 0) / G_USEC_PER_SEC);
}
