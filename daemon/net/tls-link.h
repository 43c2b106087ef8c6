/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of one TLS connection after its handshake: records in and out of a
 * non-blocking socket. Any thread, several at a time: an SSL may be used by one
 * only, so a lock that is a leaf (nothing is called under it but OpenSSL and
 * the kernel) stands before it.
 *
 * Where the kernel does TLS (KTLS) OpenSSL writes to the socket itself.
 * Elsewhere the records of one call are joined, so that there is one system
 * call for up to 64 KiB instead of one a record. Records are small while a
 * connection begins or has been idle, so that each is in one packet and can be
 * decrypted as it comes, and as large as TLS has them once it runs. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>
#include <sys/uio.h>

G_BEGIN_DECLS

#define SYRINX_TLS_SMALL_RECORD 1360        /* payload that is in one packet */
#define SYRINX_TLS_LARGE_RECORD 16384       /* RFC 8446, section 5.1 */
#define SYRINX_TLS_SMALL_BYTES  (64 * 1024) /* in small records, then large */
#define SYRINX_TLS_IDLE_MS      1000        /* after which it begins anew */

typedef struct _SyrinxTlsLink SyrinxTlsLink;

/* Takes @ssl over, whose handshake is done on @fd, which stays the caller's.
 * (transfer full) */
SyrinxTlsLink *syrinx_tls_link_new (SSL *ssl, int fd);
void syrinx_tls_link_free (SyrinxTlsLink *link);

/* As syrinx_transport_recv(), _has_pending(), and _sendv(). */
gssize syrinx_tls_link_recv (SyrinxTlsLink *link, gpointer data, gsize size);
gboolean syrinx_tls_link_has_pending (SyrinxTlsLink *link);
gssize syrinx_tls_link_sendv (
    SyrinxTlsLink *link, const struct iovec *parts, guint n_parts);
/* Says that nothing more comes (close_notify), if there is room for it. */
void syrinx_tls_link_finish (SyrinxTlsLink *link);

G_END_DECLS
