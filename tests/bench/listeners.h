/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many clients that read all data they are sent, in one thread with one epoll
 * set, so that mostly the server is measured. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Listeners Listeners;

Listeners *listeners_new (void);
void listeners_free (Listeners *listeners);

/* Connects to 127.0.0.1:@port, by TLS if @tls, and sends @request; the answer
 * is read and discarded. Ends the program if it is refused. */
void listeners_add (
    Listeners *listeners, guint16 port, gboolean tls, const gchar *request);
/* Reads for @seconds. */
void listeners_run (Listeners *listeners, gdouble seconds);

typedef struct
{
  guint n, n_silent, n_ended; /* n_silent: no data since the last look */
  guint64 n_bytes;            /* of all clients, since the last look */
  gdouble longest_gap_s;      /* between two arrivals at one client */
} ListenersLook;

/* The statistics since the last look, or since the beginning. */
void listeners_look (Listeners *listeners, ListenersLook *look);

G_END_DECLS
