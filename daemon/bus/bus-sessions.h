/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions as D-Bus objects, on all connections: the ObjectManager of
 * /org/syrinx/Syrinx1, an object with the interface Session below
 * /org/syrinx/Syrinx1/sessions for each, and their signals.
 *
 * No object is kept for a session: calls are answered from the existing
 * sessions, and changes are read from the journal while there is a connection.
 * A session's path is its id, escaped as by g_dbus_escape_object_path(). Main
 * thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxBusSessions SyrinxBusSessions;

/* (transfer full) */
SyrinxBusSessions *syrinx_bus_sessions_new (SyrinxEngine *engine);
void syrinx_bus_sessions_free (SyrinxBusSessions *self);

/* Exports the sessions on @connection. A failure is logged as a warning. */
void syrinx_bus_sessions_add_connection (
    SyrinxBusSessions *self, GDBusConnection *connection);
/* Removes @connection with its watchers. */
void syrinx_bus_sessions_remove_connection (
    SyrinxBusSessions *self, GDBusConnection *connection);

/* Sends BytesSent of active sessions, each at most once a second, to @name
 * (nullable), the unique name of a caller on @connection, until it leaves.
 * NULL: a private connection with a single peer. Errors: TOO_MANY. */
gboolean syrinx_bus_sessions_watch (SyrinxBusSessions *self,
    GDBusConnection *connection, const gchar *name, GError **error);
/* FALSE: it was no watcher. */
gboolean syrinx_bus_sessions_unwatch (
    SyrinxBusSessions *self, GDBusConnection *connection, const gchar *name);

/* Ends the session; answers with an error if it does not exist. */
gboolean syrinx_bus_sessions_terminate (SyrinxBusSessions *self,
    GDBusMethodInvocation *invocation, const gchar *id, const gchar *reason);

G_END_DECLS
