/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections by client (see peer.h), counted over all listening ports. Any
 * thread: the last reference to a connection goes wherever it was written to.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxConnections SyrinxConnections;

SyrinxConnections *syrinx_connections_new (void);
SyrinxConnections *syrinx_connections_ref (SyrinxConnections *connections);
void syrinx_connections_unref (SyrinxConnections *connections);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxConnections, syrinx_connections_unref)

/* Counts one of the client that has address @host. FALSE, and not counted, if
 * that client has @max already, or its /48 (IPv6) SYRINX_PEER_WIDE_FACTOR times
 * as many. */
gboolean syrinx_connections_take (
    SyrinxConnections *connections, const gchar *host, guint max);
/* With the same @host as it was taken for. */
void syrinx_connections_give_back (
    SyrinxConnections *connections, const gchar *host);
/* How many the client that has address @host has now. */
guint
syrinx_connections_count (SyrinxConnections *connections, const gchar *host);
/* Gives it back when @connection is finalized. */
void syrinx_connections_tie (
    SyrinxConnections *connections, const gchar *host, GObject *connection);

G_END_DECLS
