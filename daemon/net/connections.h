/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections by address, counted over all listening ports. Any thread: the
 * last reference to a connection goes wherever it was written to. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _SyrinxConnections SyrinxConnections;

SyrinxConnections *syrinx_connections_new (void);
SyrinxConnections *syrinx_connections_ref (SyrinxConnections *connections);
void syrinx_connections_unref (SyrinxConnections *connections);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxConnections, syrinx_connections_unref)

/* Counts one of @host; FALSE, and not counted, if it has @max already. */
gboolean syrinx_connections_take (
    SyrinxConnections *connections, const gchar *host, guint max);
void syrinx_connections_give_back (
    SyrinxConnections *connections, const gchar *host);
/* Gives it back when @connection is finalized. */
void syrinx_connections_tie (
    SyrinxConnections *connections, const gchar *host, GObject *connection);

G_END_DECLS
