/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helpers for OpenSSL's EVP interface. */
#include "evp.h"

#include "core/base/error.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#define MAX_WRAP_BYTES 1024

EVP_CIPHER *
syrinx_evp_cipher (EVP_CIPHER **slot, const gchar *name)
{
  EVP_CIPHER *cipher = g_atomic_pointer_get (slot);

  if (G_LIKELY (cipher != NULL))
    return cipher;
  cipher = EVP_CIPHER_fetch (NULL, name, NULL);
  if (cipher != NULL
      && !g_atomic_pointer_compare_and_exchange (slot, NULL, cipher)) {
    EVP_CIPHER_free (cipher);
    cipher = g_atomic_pointer_get (slot);
  }
  return cipher;
}

gboolean
syrinx_evp_hkdf (
    const SyrinxHkdf *inputs, guint8 *out, gsize out_bytes, GError **error)
{
  g_autoptr (EVP_KDF) kdf = EVP_KDF_fetch (NULL, "HKDF", NULL);
  g_autoptr (EVP_KDF_CTX) context = kdf ? EVP_KDF_CTX_new (kdf) : NULL;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
    OSSL_PARAM_construct_octet_string (
        OSSL_KDF_PARAM_KEY, (gpointer)inputs->key, inputs->key_bytes),
    OSSL_PARAM_construct_octet_string (
        OSSL_KDF_PARAM_SALT, (gpointer)inputs->salt, inputs->salt_bytes),
    OSSL_PARAM_construct_octet_string (
        OSSL_KDF_PARAM_INFO, (gpointer)inputs->info, inputs->info_bytes),
    OSSL_PARAM_construct_end (),
  };

  if (context == NULL || EVP_KDF_derive (context, out, out_bytes, params) <= 0)
    return syrinx_evp_fail (error, "deriving a key with HKDF");
  return TRUE;
}

gboolean
syrinx_evp_key_wrap (const guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES],
    gboolean wrap, const guint8 *in, gsize in_bytes, guint8 *out,
    gsize *out_bytes)
{
  static EVP_CIPHER *slot;
  EVP_CIPHER *cipher = syrinx_evp_cipher (&slot, "AES-256-WRAP");
  g_autoptr (EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new ();
  gint n, rest;

  if (context == NULL || cipher == NULL || in_bytes > MAX_WRAP_BYTES)
    return FALSE;
  EVP_CIPHER_CTX_set_flags (context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (!EVP_CipherInit_ex2 (context, cipher, wrap_key, NULL, wrap, NULL)
      || !EVP_CipherUpdate (context, out, &n, in, in_bytes)
      || !EVP_CipherFinal_ex (context, out + n, &rest)) {
    ERR_clear_error ();
    return FALSE;
  }
  *out_bytes = n + rest;
  return TRUE;
}

gboolean
syrinx_evp_fail (GError **error, const gchar *doing)
{
  gulong code = ERR_peek_last_error ();
  const gchar *reason = code ? ERR_reason_error_string (code) : NULL;

  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "%s: %s", doing,
      reason ? reason : "OpenSSL refused");
  ERR_clear_error ();
  return FALSE;
}
