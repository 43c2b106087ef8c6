/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Token buckets; the least recently used one is evicted. */
#include "rate-limit.h"

#include "peer.h"

#include "core/base/lru.h"
#include "core/base/token-bucket.h"

typedef struct
{
  SyrinxLruEntry entry; /* keyed by client */
  SyrinxTokenBucket bucket;
} Client;

struct _SyrinxRateLimit
{
  SyrinxLru *clients;
  guint max_clients;
};

static Client *
add_client (SyrinxRateLimit *limit, const gchar *name, guint per_second,
    guint burst, gint64 now_us)
{
  Client *client = g_new0 (Client, 1);

  if (syrinx_lru_get_size (limit->clients) >= limit->max_clients)
    syrinx_lru_remove (limit->clients, syrinx_lru_get_oldest (limit->clients));
  syrinx_token_bucket_init (&client->bucket, per_second, burst, burst, now_us);
  syrinx_lru_insert (limit->clients, name, client);
  return client;
}

gint64
syrinx_rate_limit_take (SyrinxRateLimit *limit, const gchar *name,
    guint per_second, guint burst, gint64 now_us)
{
  Client *client = syrinx_lru_lookup (limit->clients, name);
  gint64 wait_us;

  if (client)
    syrinx_lru_use (limit->clients, client);
  else
    client = add_client (limit, name, per_second, burst, now_us);
  syrinx_token_bucket_set_rate (&client->bucket, per_second, burst);
  wait_us = syrinx_token_bucket_get_wait_us (&client->bucket, 1, now_us);
  if (wait_us == 0)
    syrinx_token_bucket_spend (&client->bucket, 1);
  return wait_us;
}

gint64
syrinx_rate_limit_take_for_address (SyrinxRateLimit *limit,
    const gchar *address, guint per_second, guint burst, gint64 now_us)
{
  g_autofree gchar *client = syrinx_peer_get_client (address);
  g_autofree gchar *wide = syrinx_peer_get_wide_client (address);
  gint64 wait_us
      = syrinx_rate_limit_take (limit, client, per_second, burst, now_us);

  /* A request that the client's own bucket refuses takes nothing from its
   * /48. */
  if (wait_us || !wide)
    return wait_us;
  return syrinx_rate_limit_take (limit, wide,
      per_second * SYRINX_PEER_WIDE_FACTOR, burst * SYRINX_PEER_WIDE_FACTOR,
      now_us);
}

guint
syrinx_rate_limit_get_size (SyrinxRateLimit *limit)
{
  return syrinx_lru_get_size (limit->clients);
}

SyrinxRateLimit *
syrinx_rate_limit_new (guint max_clients)
{
  SyrinxRateLimit *limit = g_new0 (SyrinxRateLimit, 1);

  limit->clients = syrinx_lru_new (g_free);
  limit->max_clients = max_clients;
  return limit;
}

void
syrinx_rate_limit_free (SyrinxRateLimit *limit)
{
  syrinx_lru_free (limit->clients);
  g_free (limit);
}
