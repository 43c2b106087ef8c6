/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of TLS session tickets (RFC 5077, section 4; RFC 8446, section 4.6.1):
 * random, in memory only, replaced every SYRINX_TLS_TICKET_S. A ticket of the
 * key before is taken and replaced, one of an older key is not. Any thread. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

#define SYRINX_TLS_TICKET_S (6 * 3600)

/* Makes keys for @context, which frees them with itself. FALSE: there is no
 * memory, or no random numbers. */
gboolean syrinx_tls_tickets_install (SSL_CTX *context);
/* Goes on as if @seconds more had passed; for tests. */
void syrinx_tls_tickets_advance (SSL_CTX *context, guint seconds);

G_END_DECLS
