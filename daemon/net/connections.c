/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections by address. */
#include "connections.h"

struct _SyrinxConnections
{
  gatomicrefcount refs;
  GMutex lock;
  GHashTable *hosts; /* address → their number; protected by lock */
};

typedef struct
{
  SyrinxConnections *connections;
  gchar *host;
} Tie;

static guint
get_count (SyrinxConnections *self, const gchar *host)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->hosts, host));
}

static void
set_count (SyrinxConnections *self, const gchar *host, guint n)
{
  if (n)
    g_hash_table_replace (self->hosts, g_strdup (host), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (self->hosts, host);
}

gboolean
syrinx_connections_take (SyrinxConnections *self, const gchar *host, guint max)
{
  gboolean taken;
  guint n;

  g_mutex_lock (&self->lock);
  n = get_count (self, host);
  taken = n < max;
  if (taken)
    set_count (self, host, n + 1);
  g_mutex_unlock (&self->lock);
  return taken;
}

void
syrinx_connections_give_back (SyrinxConnections *self, const gchar *host)
{
  g_mutex_lock (&self->lock);
  set_count (self, host, get_count (self, host) - 1);
  g_mutex_unlock (&self->lock);
}

static void
untie (gpointer data)
{
  Tie *tie = data;

  syrinx_connections_give_back (tie->connections, tie->host);
  syrinx_connections_unref (tie->connections);
  g_free (tie->host);
  g_free (tie);
}

void
syrinx_connections_tie (
    SyrinxConnections *self, const gchar *host, GObject *connection)
{
  Tie *tie = g_new (Tie, 1);

  tie->connections = syrinx_connections_ref (self);
  tie->host = g_strdup (host);
  g_object_set_data_full (connection, "syrinx-connections", tie, untie);
}

SyrinxConnections *
syrinx_connections_new (void)
{
  SyrinxConnections *self = g_new0 (SyrinxConnections, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  self->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
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
  g_hash_table_unref (self->hosts);
  g_mutex_clear (&self->lock);
  g_free (self);
}
