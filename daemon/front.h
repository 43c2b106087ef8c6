/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front: takes connections, bounds and times them, and answers plain
 * requests for fragments itself, which are nearly all there are. A connection
 * that asks for anything else goes to libsoup, with what it asked unread.
 * Main thread only. */
#pragma once

#include "engine.h"

G_BEGIN_DECLS

typedef struct _SyrinxFront SyrinxFront;

typedef struct
{
  /* FALSE: this address asks too much; whoever gets the connection says so. */
  gboolean (*admit) (const gchar *host, gpointer user_data);
  /* Takes over what the front does not answer. */
  void (*hand_over) (GSocketConnection *connection, gpointer user_data);
} SyrinxFrontFuncs;

/* Listens on @address. Errors: as g_socket_bind() and g_socket_listen(). */
SyrinxFront *syrinx_front_new (SyrinxEngine *engine, GSocketAddress *address,
    const SyrinxFrontFuncs *funcs, gpointer user_data, GError **error);
/* Closes what it has; connections that were handed over go on. */
void syrinx_front_free (SyrinxFront *front);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFront, syrinx_front_free)

/* Where it listens, with the port that 0 became. (transfer full) */
GSocketAddress *syrinx_front_get_address (SyrinxFront *front);

G_END_DECLS
