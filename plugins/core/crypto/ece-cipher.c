/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188 encrypted content: a message's keys, and a record's cipher. */
#include "ece-private.h"

#include "core/base/error.h"
#include "secret.h"

#include <string.h>

gboolean
syrinx_ece_check_key (GBytes *key, GError **error)
{
  gsize size_bytes = g_bytes_get_size (key);

  if (size_bytes >= SYRINX_ECE_MIN_KEY_BYTES
      && size_bytes <= SYRINX_ECE_MAX_KEY_BYTES)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "a key for ece has %d to %d bytes, not %" G_GSIZE_FORMAT,
      SYRINX_ECE_MIN_KEY_BYTES, SYRINX_ECE_MAX_KEY_BYTES, size_bytes);
  return FALSE;
}

gboolean
syrinx_ece_cipher_init (SyrinxEceCipher *cipher, GBytes *key,
    const guint8 salt[SYRINX_ECE_SALT_BYTES], gboolean encrypt, GError **error)
{
  static EVP_CIPHER *slot;
  /* Both include the final zero byte (sections 2.2 and 2.3). */
  static const gchar key_info[] = "Content-Encoding: aes128gcm";
  static const gchar nonce_info[] = "Content-Encoding: nonce";
  EVP_CIPHER *gcm = syrinx_evp_cipher (&slot, "AES-128-GCM");
  gsize key_bytes;
  gconstpointer data = g_bytes_get_data (key, &key_bytes);
  SyrinxHkdf inputs = { data, key_bytes, salt, SYRINX_ECE_SALT_BYTES, key_info,
    sizeof key_info };
  guint8 content_key[16];
  gboolean done;

  if (!syrinx_evp_hkdf (&inputs, content_key, sizeof content_key, error))
    return FALSE;
  inputs.info = nonce_info;
  inputs.info_bytes = sizeof nonce_info;
  if (!syrinx_evp_hkdf (&inputs, cipher->nonce, sizeof cipher->nonce, error))
    return FALSE;
  if (cipher->context == NULL)
    cipher->context = EVP_CIPHER_CTX_new ();
  done = gcm != NULL && cipher->context != NULL
         && EVP_CipherInit_ex2 (
             cipher->context, gcm, content_key, NULL, encrypt, NULL);
  syrinx_wipe (content_key, sizeof content_key);
  return done || syrinx_evp_fail (error, "setting up AES-128-GCM");
}

void
syrinx_ece_cipher_clear (SyrinxEceCipher *cipher)
{
  g_clear_pointer (&cipher->context, EVP_CIPHER_CTX_free);
  syrinx_wipe (cipher->nonce, sizeof cipher->nonce);
}

gboolean
syrinx_ece_cipher_start (SyrinxEceCipher *cipher, guint64 record)
{
  guint8 nonce[SYRINX_ECE_NONCE_BYTES];

  memcpy (nonce, cipher->nonce, sizeof nonce);
  for (guint i = 0; i < sizeof record; i++)
    nonce[SYRINX_ECE_NONCE_BYTES - 1 - i] ^= record >> (8 * i);
  return EVP_CipherInit_ex2 (cipher->context, NULL, NULL, nonce, -1, NULL);
}
