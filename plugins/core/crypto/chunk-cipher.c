/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AES-128-CBC chunks. */
#include "chunk-cipher.h"

#include "core/base/error.h"
#include "evp.h"
#include "secret.h"

#include <string.h>

#define MAX_CHUNK_BYTES (G_MAXINT - SYRINX_CHUNK_BLOCK_BYTES)

static EVP_CIPHER *cbc;

gsize
syrinx_chunk_ciphertext_bytes (gsize plain_bytes)
{
  return (plain_bytes / SYRINX_CHUNK_BLOCK_BYTES + 1)
         * SYRINX_CHUNK_BLOCK_BYTES;
}

static EVP_CIPHER_CTX *
new_context (GBytes *key, guint64 number, gboolean encrypt, GError **error)
{
  guint8 iv[SYRINX_CHUNK_BLOCK_BYTES] = { 0 };
  guint64 big_endian = GUINT64_TO_BE (number);
  g_autoptr (EVP_CIPHER_CTX) context = NULL;
  EVP_CIPHER *cipher = syrinx_evp_cipher (&cbc, "AES-128-CBC");

  if (g_bytes_get_size (key) != SYRINX_CHUNK_KEY_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a chunk's key has %d bytes, not %" G_GSIZE_FORMAT,
        SYRINX_CHUNK_KEY_BYTES, g_bytes_get_size (key));
    return NULL;
  }
  memcpy (iv + sizeof iv - sizeof big_endian, &big_endian, sizeof big_endian);
  context = EVP_CIPHER_CTX_new ();
  if (cipher == NULL || context == NULL
      || !EVP_CipherInit_ex2 (
          context, cipher, g_bytes_get_data (key, NULL), iv, encrypt, NULL)) {
    syrinx_evp_fail (error, "setting up AES-128-CBC");
    return NULL;
  }
  /* Padding is checked here, since OpenSSL's check is not constant-time. */
  EVP_CIPHER_CTX_set_padding (context, 0);
  return g_steal_pointer (&context);
}

gboolean
syrinx_chunk_encrypt (GBytes *key, guint64 number, const guint8 *plain,
    gsize plain_bytes, guint8 *cipher, GError **error)
{
  gsize whole = plain_bytes - plain_bytes % SYRINX_CHUNK_BLOCK_BYTES;
  guint8 pad
      = SYRINX_CHUNK_BLOCK_BYTES - plain_bytes % SYRINX_CHUNK_BLOCK_BYTES;
  guint8 last[SYRINX_CHUNK_BLOCK_BYTES];
  g_autoptr (EVP_CIPHER_CTX) context = NULL;
  gint n;

  if (plain_bytes > MAX_CHUNK_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%" G_GSIZE_FORMAT " bytes are too many for one chunk", plain_bytes);
    return FALSE;
  }
  context = new_context (key, number, TRUE, error);
  if (context == NULL)
    return FALSE;
  memset (last, pad, sizeof last);
  if (plain_bytes > whole)
    memcpy (last, plain + whole, plain_bytes - whole);
  if ((whole > 0 && !EVP_EncryptUpdate (context, cipher, &n, plain, whole))
      || !EVP_EncryptUpdate (context, cipher + whole, &n, last, sizeof last))
    return syrinx_evp_fail (error, "encrypting a chunk");
  return TRUE;
}

/* Checks PKCS#7 padding in constant time, so that timing does not reveal which
 * byte is wrong. Returns: its length, 0 if it is wrong. */
static guint
check_padding (const guint8 *last)
{
  guint pad = last[SYRINX_CHUNK_BLOCK_BYTES - 1];
  guint wrong = ((pad - 1) >> 4); /* not 0 unless 1 <= pad <= 16 */

  for (guint i = 0; i < SYRINX_CHUNK_BLOCK_BYTES; i++) {
    /* All bits set if byte i belongs to the padding. */
    guint within = -((SYRINX_CHUNK_BLOCK_BYTES - i - 1 - pad) >> 31);
    wrong |= within & (last[i] ^ pad);
  }
  return wrong == 0 ? pad : 0;
}

gboolean
syrinx_chunk_decrypt (GBytes *key, guint64 number, const guint8 *cipher,
    gsize cipher_bytes, guint8 *plain, gsize *plain_bytes, GError **error)
{
  g_autoptr (EVP_CIPHER_CTX) context = new_context (key, number, FALSE, error);
  guint pad = 0;
  gint n;

  if (context == NULL)
    return FALSE;
  if (cipher_bytes > 0 && cipher_bytes <= MAX_CHUNK_BYTES
      && cipher_bytes % SYRINX_CHUNK_BLOCK_BYTES == 0
      && EVP_DecryptUpdate (context, plain, &n, cipher, cipher_bytes))
    pad = check_padding (plain + cipher_bytes - SYRINX_CHUNK_BLOCK_BYTES);
  if (pad == 0) {
    if (cipher_bytes <= MAX_CHUNK_BYTES)
      syrinx_wipe (plain, cipher_bytes);
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
        "the chunk does not decrypt with this key and number");
    return FALSE;
  }
  *plain_bytes = cipher_bytes - pad;
  return TRUE;
}
