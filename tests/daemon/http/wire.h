/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real HttpServer whose clients are the other ends of socket pairs, and whose
 * handlers are the test's. All in one thread, so that only the main loop must
 * run. */
#pragma once

#include "daemon/http/exchange.h"
#include "daemon/http/http-server.h"

G_BEGIN_DECLS

typedef struct _Wire Wire;

/* @handle answers or defers each exchange. (transfer full) */
Wire *wire_new (void (*handle) (HttpExchange *exchange, gpointer user_data),
    gpointer user_data);
void wire_free (Wire *wire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wire, wire_free)
HttpServer *wire_get_server (Wire *wire);

/* The client's end of a new connection, non-blocking. */
int wire_connect (Wire *wire);
/* Writes all of @text, iterating the main loop when the socket is full; FALSE:
 * the connection is over. */
gboolean wire_say (Wire *wire, int fd, const gchar *text, gssize size_bytes);
/* Iterates the main loop until nothing is pending. */
void wire_run (Wire *wire);
/* Iterates until @check is true, or for a few seconds. */
void
wire_run_until (Wire *wire, gboolean (*check) (gpointer data), gpointer data);
/* Everything that can be read now; *@has_ended (nullable): the end was reached.
 * (transfer full) */
gchar *wire_hear (Wire *wire, int fd, gboolean *has_ended);

G_END_DECLS
