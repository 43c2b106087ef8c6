/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of connections by client (see peer.h), over all listening ports. Any
 * thread, since a connection may drop its last reference in the thread that
 * writes to it. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxConnections SyrinxConnections;

SyrinxConnections *syrinx_connections_new (void);
SyrinxConnections *syrinx_connections_ref (SyrinxConnections *connections);
void syrinx_connections_unref (SyrinxConnections *connections);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxConnections, syrinx_connections_unref)

/* Counts one more connection of the client that has address @host. FALSE, and
 * it is not counted, if that client has @max already, or its /48 (IPv6) has
 * SYRINX_PEER_WIDE_FACTOR times as many. */
gboolean syrinx_connections_take (
    SyrinxConnections *connections, const gchar *host, guint max);
/* @host must be the one that was passed to syrinx_connections_take(). */
void syrinx_connections_give_back (
    SyrinxConnections *connections, const gchar *host);
/* How many connections the client that has address @host has now. */
guint
syrinx_connections_count (SyrinxConnections *connections, const gchar *host);

G_END_DECLS
