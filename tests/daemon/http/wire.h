/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real HttpServer whose clients are the other ends of socket pairs, and
 * whose handlers are the test's. Everything is in one thread, so that nothing
 * has to be waited for but the main loop. */
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

/* A client's end of a new connection, non-blocking. */
int wire_connect (Wire *wire);
/* Writes all of it, with the main loop running where there is no room; FALSE:
 * the connection is over. */
gboolean wire_say (Wire *wire, int fd, const gchar *text, gssize size_bytes);
/* Lets the daemon do what it can. */
void wire_run (Wire *wire);
/* Until @check is true, or a few seconds have gone by. */
void
wire_run_until (Wire *wire, gboolean (*check) (gpointer data), gpointer data);
/* What there is to read now; *@has_ended (nullable): nothing more will come.
 * (transfer full) */
gchar *wire_hear (Wire *wire, int fd, gboolean *has_ended);

G_END_DECLS
