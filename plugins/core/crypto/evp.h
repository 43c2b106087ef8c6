/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helpers for OpenSSL's EVP interface: ciphers fetched once, HKDF, key wrap,
 * and its error queue as a GError. Private to core. */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

G_BEGIN_DECLS

/* Fetches @name once and keeps it in @slot for the life of the process, since
 * each fetch takes a lock and a search. (transfer none) (nullable) Any
 * thread. */
EVP_CIPHER *syrinx_evp_cipher (EVP_CIPHER **slot, const gchar *name);

/* The inputs of HKDF (RFC 5869, section 2), borrowed during the call. */
typedef struct
{
  gconstpointer key; /* input keying material */
  gsize key_bytes;
  gconstpointer salt;
  gsize salt_bytes;
  gconstpointer info;
  gsize info_bytes;
} SyrinxHkdf;

/* HKDF-SHA-256, extract and expand (RFC 5869), of @inputs into the @out_bytes
 * of @out. Errors: FAILED. Any thread. */
gboolean syrinx_evp_hkdf (
    const SyrinxHkdf *inputs, guint8 *out, gsize out_bytes, GError **error);

#define SYRINX_EVP_WRAP_KEY_BYTES 32

/* AES-256 key wrap with its default IV (RFC 3394, section 2.2.3.1), or its
 * inverse. @out has room for @in_bytes + 8. FALSE: @in was not wrapped by this
 * key. */
gboolean syrinx_evp_key_wrap (const guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES],
    gboolean wrap, const guint8 *in, gsize in_bytes, guint8 *out,
    gsize *out_bytes);

/* Sets FAILED with @doing and OpenSSL's message, and empties its error queue.
 * Returns: FALSE. */
gboolean syrinx_evp_fail (GError **error, const gchar *doing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF_CTX, EVP_KDF_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY_CTX, EVP_PKEY_CTX_free)

G_END_DECLS
