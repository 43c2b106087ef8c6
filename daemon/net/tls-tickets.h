/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of TLS session tickets (RFC 5077, section 4; RFC 8446, section 4.6.1):
 * random, in memory only, replaced every SYRINX_TLS_TICKET_S. A ticket under
 * the previous key is accepted and renewed; older ones are not accepted. Any
 * thread. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

#define SYRINX_TLS_TICKET_S (6 * 3600)

/* Makes ticket keys for @context, which owns them. FALSE: out of memory, or no
 * random numbers. */
gboolean syrinx_tls_tickets_install (SSL_CTX *context);
/* Shifts the clock by @seconds; for tests. */
void syrinx_tls_tickets_advance (SSL_CTX *context, guint seconds);

G_END_DECLS
