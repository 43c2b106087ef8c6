/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Token buckets, the least recently used of them forgotten. */
#include "rate-limit.h"

#include <gio/gio.h>

#include <string.h>

typedef struct
{
  GList link; /* in order; data is this */
  gchar *client;
  gdouble tokens;
  gint64 filled_us;
} Bucket;

struct _SyrinxRateLimit
{
  GHashTable *buckets; /* client → Bucket */
  GQueue order;        /* of use, the latest first */
  guint max_clients;
};

static Bucket *
add_bucket (
    SyrinxRateLimit *limit, const gchar *client, guint burst, gint64 now_us)
{
  Bucket *bucket = g_new0 (Bucket, 1);

  if (limit->order.length >= limit->max_clients) {
    Bucket *oldest = limit->order.tail->data;
    g_queue_unlink (&limit->order, &oldest->link);
    g_hash_table_remove (limit->buckets, oldest->client);
  }
  bucket->link.data = bucket;
  bucket->client = g_strdup (client);
  bucket->tokens = burst;
  bucket->filled_us = now_us;
  g_hash_table_insert (limit->buckets, bucket->client, bucket);
  g_queue_push_head_link (&limit->order, &bucket->link);
  return bucket;
}

gint64
syrinx_rate_limit_take (SyrinxRateLimit *limit, const gchar *client,
    guint per_second, guint burst, gint64 now_us)
{
  Bucket *bucket = g_hash_table_lookup (limit->buckets, client);

  if (!bucket) {
    bucket = add_bucket (limit, client, burst, now_us);
  } else {
    g_queue_unlink (&limit->order, &bucket->link);
    g_queue_push_head_link (&limit->order, &bucket->link);
  }
  bucket->tokens
      += (gdouble)(now_us - bucket->filled_us) * per_second / G_USEC_PER_SEC;
  bucket->tokens = MIN (bucket->tokens, (gdouble)burst);
  bucket->filled_us = now_us;
  if (bucket->tokens < 1)
    return (gint64)((1 - bucket->tokens) * G_USEC_PER_SEC / per_second) + 1;
  bucket->tokens -= 1;
  return 0;
}

guint
syrinx_rate_limit_get_size (SyrinxRateLimit *limit)
{
  return limit->order.length;
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

static void
bucket_free (gpointer data)
{
  Bucket *bucket = data;

  g_free (bucket->client);
  g_free (bucket);
}

SyrinxRateLimit *
syrinx_rate_limit_new (guint max_clients)
{
  SyrinxRateLimit *limit = g_new0 (SyrinxRateLimit, 1);

  limit->buckets
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, bucket_free);
  limit->max_clients = max_clients;
  return limit;
}

void
syrinx_rate_limit_free (SyrinxRateLimit *limit)
{
  g_hash_table_unref (limit->buckets);
  g_free (limit);
}
