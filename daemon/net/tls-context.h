/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all TLS connections of the daemon share: certificate and key, TLS 1.2
 * and 1.3 with the ciphers of Mozilla's intermediate list
 * (https://wiki.mozilla.org/Security/Server_Side_TLS), and session tickets (RFC
 * 8446, section 4.6.1) under keys that rotate. Main thread only; an SSL that
 * was made from it may be used in any thread. */
#pragma once

#include <gio/gio.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

typedef struct _SyrinxTlsContext SyrinxTlsContext;

/* The file @certificate_path holds the daemon's own certificate first, then the
 * intermediate certificates; both files are PEM. (transfer full) Errors:
 * NOT_FOUND, FAILED, INVALID (also if the key does not match the certificate,
 * as when only one of them has been renewed), naming the file and what is wrong
 * with it. */
SyrinxTlsContext *syrinx_tls_context_new (
    const gchar *certificate_path, const gchar *key_path, GError **error);
SyrinxTlsContext *syrinx_tls_context_ref (SyrinxTlsContext *context);
void syrinx_tls_context_unref (SyrinxTlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTlsContext, syrinx_tls_context_unref)

/* Replaces the contents of @context by those of @fresh (transfer full):
 * certificate, key, and new ticket keys, so that earlier sessions are not
 * resumed. Existing connections stay. A reload makes @fresh first, and calls
 * this only when everything else has succeeded. */
void
syrinx_tls_context_replace (SyrinxTlsContext *context, SyrinxTlsContext *fresh);
/* The SSL of a new connection, on the server's side. @alpn: the only protocol
 * that is spoken there, such as "http/1.1", a static string: a client that
 * offers only others is refused (RFC 7301, section 3.2). NULL: ALPN is ignored.
 * (transfer full) (nullable): out of memory. */
SSL *syrinx_tls_context_accept (SyrinxTlsContext *context, const gchar *alpn);

/* Rotates the ticket keys as if @seconds more had passed; for tests. */
void syrinx_tls_context_advance (SyrinxTlsContext *context, guint seconds);

G_END_DECLS
