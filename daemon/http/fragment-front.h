/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front: takes connections, bounds and times them, and answers plain
 * requests for fragments itself, which are nearly all there are. A connection
 * that asks for anything else goes to libsoup, with what it asked unread.
 * Main thread only. */
#pragma once

#include "daemon/net/connections.h"
#include "daemon/engine.h"

G_BEGIN_DECLS

#define SYRINX_HEAD_TIMEOUT_S 10 /* for the head of a first request */
#define SYRINX_IDLE_TIMEOUT_S 60 /* without a byte either way */

typedef struct _SyrinxFront SyrinxFront;

/* Takes over @stream, which is @connection or a layer on it. */
typedef void (*SyrinxHandOver) (
    GSocketConnection *connection, GIOStream *stream, gpointer user_data);

typedef struct
{
  /* FALSE: this address asks too much; whoever gets the connection says so. */
  gboolean (*admit) (const gchar *host, gpointer user_data);
  SyrinxHandOver hand_over; /* of what the front does not answer */
} SyrinxFrontFuncs;

/* Listens on @address. Errors: as g_socket_bind() and g_socket_listen(). */
SyrinxFront *syrinx_front_new (SyrinxEngine *engine, GSocketAddress *address,
    SyrinxConnections *connections, const SyrinxFrontFuncs *funcs,
    gpointer user_data, GError **error);
/* Closes what it has; connections that were handed over go on. */
void syrinx_front_free (SyrinxFront *front);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFront, syrinx_front_free)

/* Where it listens, with the port that 0 became. (transfer full) */
GSocketAddress *syrinx_front_get_address (SyrinxFront *front);

/* How many connections @host may have: a trusted proxy, who speaks for many,
 * any number. */
guint syrinx_front_max_connections (SyrinxEngine *engine, const gchar *host);
/* A non-blocking socket that listens on @address. (transfer full) */
GSocket *syrinx_front_listen (GSocketAddress *address, GError **error);

G_END_DECLS
