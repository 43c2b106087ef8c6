/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of connections by client. */
#include "connections.h"

#include "peer.h"

struct _SyrinxConnections
{
  gatomicrefcount refs;
  GMutex lock;
  GHashTable *
      counts; /* client or wider network → its connections; protected by lock */
};

static guint
get_count (SyrinxConnections *self, const gchar *network)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, network));
}

/* @network (nullable): nothing is counted. */
static void
add_count (SyrinxConnections *self, const gchar *network, gint change)
{
  guint n = network ? get_count (self, network) + change : 0;

  if (!network)
    return;
  if (n)
    g_hash_table_replace (
        self->counts, g_strdup (network), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (self->counts, network);
}

gboolean
syrinx_connections_take (SyrinxConnections *self, const gchar *host, guint max)
{
  g_autofree gchar *client = syrinx_peer_get_client (host);
  g_autofree gchar *wide = syrinx_peer_get_wide_client (host);
  guint64 wide_max = (guint64)max * SYRINX_PEER_WIDE_FACTOR;
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = get_count (self, client) < max
          && (!wide || get_count (self, wide) < wide_max);
  if (taken) {
    add_count (self, client, 1);
    add_count (self, wide, 1);
  }
  g_mutex_unlock (&self->lock);
  return taken;
}

void
syrinx_connections_give_back (SyrinxConnections *self, const gchar *host)
{
  g_autofree gchar *client = syrinx_peer_get_client (host);
  g_autofree gchar *wide = syrinx_peer_get_wide_client (host);

  g_mutex_lock (&self->lock);
  add_count (self, client, -1);
  add_count (self, wide, -1);
  g_mutex_unlock (&self->lock);
}

guint
syrinx_connections_count (SyrinxConnections *self, const gchar *host)
{
  g_autofree gchar *client = syrinx_peer_get_client (host);
  guint n;

  g_mutex_lock (&self->lock);
  n = get_count (self, client);
  g_mutex_unlock (&self->lock);
  return n;
}

SyrinxConnections *
syrinx_connections_new (void)
{
  SyrinxConnections *self = g_new0 (SyrinxConnections, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

SyrinxConnections *
syrinx_connections_ref (SyrinxConnections *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
syrinx_connections_unref (SyrinxConnections *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_hash_table_unref (self->counts);
  g_mutex_clear (&self->lock);
  g_free (self);
}
