/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all TLS connections of the daemon share: certificate and key, TLS 1.2
 * and 1.3 with the ciphers of Mozilla's intermediate list
 * (https://wiki.mozilla.org/Security/Server_Side_TLS), and session tickets (RFC
 * 8446, section 4.6.1) under keys that are replaced while it runs. Main thread
 * only; an SSL that was made of it may go to any other. */
#pragma once

#include <gio/gio.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

typedef struct _SyrinxTlsContext SyrinxTlsContext;

/* @certificate_path holds the daemon's own certificate first, then those that
 * vouch for it; both are PEM. (transfer full) Errors: NOT_FOUND, FAILED,
 * INVALID (the key is another certificate's, too: a pair that is half renewed
 * is none), naming the file and what is wrong with it. */
SyrinxTlsContext *syrinx_tls_context_new (
    const gchar *certificate_path, const gchar *key_path, GError **error);
SyrinxTlsContext *syrinx_tls_context_ref (SyrinxTlsContext *context);
void syrinx_tls_context_unref (SyrinxTlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTlsContext, syrinx_tls_context_unref)

/* Has @context be what @fresh is: certificate, key, and new ticket keys, so
 * that sessions of before are not resumed. What is connected stays. Takes
 * @fresh (transfer full). To reload: make a new one, and replace by it only
 * when everything else of the reload has come off. */
void
syrinx_tls_context_replace (SyrinxTlsContext *context, SyrinxTlsContext *fresh);
/* A new server side of a connection. @alpn: the one protocol that is spoken
 * there, "http/1.1", a string that lives for ever: who asks only for others is
 * turned away (RFC 7301, section 3.2). NULL: what is asked for is ignored.
 * (transfer full) (nullable): out of memory. */
SSL *syrinx_tls_context_accept (SyrinxTlsContext *context, const gchar *alpn);

/* Replaces the keys of tickets as if @seconds more had passed; for tests. */
void syrinx_tls_context_advance (SyrinxTlsContext *context, guint seconds);

G_END_DECLS
