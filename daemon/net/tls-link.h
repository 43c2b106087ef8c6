/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of one TLS connection after its handshake: records in and out of a
 * non-blocking socket. Any thread, several at a time: since only one thread at
 * a time may use an SSL, a lock guards it, and under it only OpenSSL and the
 * kernel are called.
 *
 * With kernel TLS (KTLS) OpenSSL writes to the socket itself. Otherwise the
 * records of one call are joined: one system call sends up to 64 KiB instead of
 * one record. While a connection is new or has been idle, records are small:
 * each fits into one packet and can be decrypted as soon as it arrives.
 * Afterwards they have the full size. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>
#include <sys/uio.h>

G_BEGIN_DECLS

#define SYRINX_TLS_SMALL_RECORD 1360  /* payload that fits into one packet */
#define SYRINX_TLS_LARGE_RECORD 16384 /* RFC 8446, section 5.1 */
#define SYRINX_TLS_SMALL_BYTES                                                 \
  (64 * 1024)                   /* in small records, before large ones */
#define SYRINX_TLS_IDLE_MS 1000 /* after which records are small again */

typedef struct _SyrinxTlsLink SyrinxTlsLink;

/* Takes over @ssl, whose handshake is done on @fd; @fd stays the caller's.
 * (transfer full) */
SyrinxTlsLink *syrinx_tls_link_new (SSL *ssl, int fd);
void syrinx_tls_link_free (SyrinxTlsLink *link);

/* As syrinx_transport_recv(), _has_pending(), and _sendv(). */
gssize syrinx_tls_link_recv (SyrinxTlsLink *link, gpointer data, gsize size);
gboolean syrinx_tls_link_has_pending (SyrinxTlsLink *link);
gssize syrinx_tls_link_sendv (
    SyrinxTlsLink *link, const struct iovec *parts, guint n_parts);
/* Sends close_notify if there is room for it. */
void syrinx_tls_link_finish (SyrinxTlsLink *link);

G_END_DECLS
