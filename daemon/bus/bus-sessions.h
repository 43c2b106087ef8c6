/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sessions as D-Bus objects, on all connections: the ObjectManager of
 * /org/syrinx/Syrinx1, an object with the interface Session below
 * /org/syrinx/Syrinx1/sessions for each, and their signals.
 *
 * No object is kept for a session: questions are answered from the sessions
 * that there are, and what changes is read from the journal, while there is a
 * connection. A session's path is its id, escaped as by
 * g_dbus_escape_object_path(). Main thread only. */
#pragma once

#include "daemon/engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxBusSessions SyrinxBusSessions;

/* (transfer full) */
SyrinxBusSessions *syrinx_bus_sessions_new (SyrinxEngine *engine);
void syrinx_bus_sessions_free (SyrinxBusSessions *self);

/* Shows the sessions there. What can't be exported is a warning. */
void syrinx_bus_sessions_add_connection (
    SyrinxBusSessions *self, GDBusConnection *connection);
/* Its watchers go with it. */
void syrinx_bus_sessions_remove_connection (
    SyrinxBusSessions *self, GDBusConnection *connection);

/* @name (nullable), the unique name of a caller on @connection, is told
 * BytesSent of the sessions that are sent to, each at most once a second, until
 * it leaves. NULL: there is only one at the other end. Errors: TOO_MANY. */
gboolean syrinx_bus_sessions_watch (SyrinxBusSessions *self,
    GDBusConnection *connection, const gchar *name, GError **error);
/* FALSE: it did not watch. */
gboolean syrinx_bus_sessions_unwatch (
    SyrinxBusSessions *self, GDBusConnection *connection, const gchar *name);

/* Ends the session and answers with an error if there is none. */
gboolean syrinx_bus_sessions_terminate (SyrinxBusSessions *self,
    GDBusMethodInvocation *invocation, const gchar *id, const gchar *reason);

G_END_DECLS
