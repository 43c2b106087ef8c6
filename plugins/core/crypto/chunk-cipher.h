/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fragment as one AES-128-CBC chunk with PKCS#7 padding, as RFC 8216 section
 * 4.3.2.4 defines for METHOD=AES-128. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_CHUNK_KEY_BYTES   16
#define SYRINX_CHUNK_BLOCK_BYTES 16

/* The ciphertext's size for @plain_bytes; there is always at least one byte of
 * padding. */
gsize syrinx_chunk_ciphertext_bytes (gsize plain_bytes);

/* The IV is @number as a 128-bit big-endian integer (the media sequence
 * number).
 * @cipher has room for syrinx_chunk_ciphertext_bytes (@plain_bytes); may be
 * @plain itself. Any thread. */
gboolean syrinx_chunk_encrypt (GBytes *key, guint64 number, const guint8 *plain,
    gsize plain_bytes, guint8 *cipher, GError **error);

/* @plain has room for @cipher_bytes. There is one error (CORRUPT) for every
 * cause, so that no padding oracle arises. CBC does not authenticate: check the
 * digest first. */
gboolean
syrinx_chunk_decrypt (GBytes *key, guint64 number, const guint8 *cipher,
    gsize cipher_bytes, guint8 *plain, gsize *plain_bytes, GError **error);

G_END_DECLS
