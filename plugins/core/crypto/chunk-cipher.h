/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One fragment as one AES-128-CBC, PKCS#7 chunk, as RFC 8216 section 4.3.2.4
 * has it for METHOD=AES-128. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_CHUNK_KEY_BYTES   16
#define SYRINX_CHUNK_BLOCK_BYTES 16

/* Size of the ciphertext of @plain_bytes: always at least one byte of padding.
 */
gsize syrinx_chunk_ciphertext_bytes (gsize plain_bytes);

/* The IV is @number as a 128-bit big-endian integer (the media sequence
 * number).
 * @cipher has room for syrinx_chunk_ciphertext_bytes (@plain_bytes); may be
 * @plain itself. Any thread. */
gboolean syrinx_chunk_encrypt (GBytes *key, guint64 number, const guint8 *plain,
    gsize plain_bytes, guint8 *cipher, GError **error);

/* @plain has room for @cipher_bytes. One error (CORRUPT) for every cause:
 * padding tells an attacker nothing. CBC carries no authentication: check the
 * digest first. */
gboolean
syrinx_chunk_decrypt (GBytes *key, guint64 number, const guint8 *cipher,
    gsize cipher_bytes, guint8 *plain, gsize *plain_bytes, GError **error);

G_END_DECLS
