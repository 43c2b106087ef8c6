/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Token buckets, the least recently used of them forgotten. */
#include "rate-limit.h"

#include "core/base/lru.h"
#include "core/base/token-bucket.h"

#include <gio/gio.h>

#include <string.h>

typedef struct
{
  SyrinxLruEntry entry; /* by client */
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

guint
syrinx_rate_limit_get_size (SyrinxRateLimit *limit)
{
  return syrinx_lru_get_size (limit->clients);
}

gchar *
syrinx_rate_limit_client_of (const gchar *address)
{
  g_autoptr (GInetAddress) parsed = g_inet_address_new_from_string (address);
  g_autoptr (GInetAddress) network = NULL;
  guint8 bytes[16];

  if (!parsed || g_inet_address_get_family (parsed) != G_SOCKET_FAMILY_IPV6)
    return g_strdup (address);
  memcpy (bytes, g_inet_address_to_bytes (parsed), sizeof bytes);
  memset (bytes + 8, 0, 8);
  network = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV6);
  return g_inet_address_to_string (network);
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
