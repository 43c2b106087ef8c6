/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWE in compact form, for a client's public key. */
#include "jwe.h"

#include "core/base/error.h"
#include "evp.h"
#include "core/base/identifier.h"
#include "core/base/json.h"
#include "client-key.h"
#include "secret.h"

#include <json-glib/json-glib.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <string.h>

#define CONTENT_KEY_BYTES 32
#define IV_BYTES          12
#define TAG_BYTES         16
#define MAX_SHARED_BYTES  48  /* a coordinate on P-384 */
#define MAX_WRAPPED_BYTES 512 /* RSA of 4096 bits */

typedef struct
{
  guint8 content_key[CONTENT_KEY_BYTES];
  guint8 wrapped[MAX_WRAPPED_BYTES];
  gsize wrapped_bytes;
  EVP_PKEY *ephemeral; /* EC only */
} Message;

static void
message_clear (Message *message)
{
  g_clear_pointer (&message->ephemeral, EVP_PKEY_free);
  syrinx_wipe (message->content_key, sizeof message->content_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Message, message_clear)

/* RFC 7518, section 4.3. */
static gboolean
wrap_by_rsa (EVP_PKEY *key, Message *message, GError **error)
{
  g_autoptr (EVP_PKEY_CTX) context
      = EVP_PKEY_CTX_new_from_pkey (NULL, key, NULL);

  message->wrapped_bytes = sizeof message->wrapped;
  if (context == NULL || EVP_PKEY_encrypt_init (context) <= 0
      || EVP_PKEY_CTX_set_rsa_padding (context, RSA_PKCS1_OAEP_PADDING) <= 0
      || EVP_PKEY_CTX_set_rsa_oaep_md_name (context, "SHA256", NULL) <= 0
      || EVP_PKEY_CTX_set_rsa_mgf1_md_name (context, "SHA256", NULL) <= 0
      || EVP_PKEY_encrypt (context, message->wrapped, &message->wrapped_bytes,
             message->content_key, sizeof message->content_key)
             <= 0)
    return syrinx_evp_fail (error, "wrapping with RSA-OAEP-256");
  return TRUE;
}

/* Concat KDF with this algorithm's OtherInfo (RFC 7518, section 4.6.2), which
 * OpenSSL calls single-step KDF. */
static gboolean
derive_wrap_key (const guint8 *shared, gsize shared_bytes, guint8 *wrap_key)
{
  static const guint8 info[]
      = "\0\0\0\016ECDH-ES+A256KW" /* AlgorithmID */
        "\0\0\0\0\0\0\0\0"         /* no parties */
        "\0\0\001"; /* 256 bits; the last byte is the string's own \0 */
  g_autoptr (EVP_KDF) kdf = EVP_KDF_fetch (NULL, "SSKDF", NULL);
  g_autoptr (EVP_KDF_CTX) context = kdf ? EVP_KDF_CTX_new (kdf) : NULL;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
    OSSL_PARAM_construct_octet_string (
        OSSL_KDF_PARAM_KEY, (gpointer)shared, shared_bytes),
    OSSL_PARAM_construct_octet_string (
        OSSL_KDF_PARAM_INFO, (gpointer)info, sizeof info),
    OSSL_PARAM_construct_end (),
  };

  return context != NULL
         && EVP_KDF_derive (
                context, wrap_key, SYRINX_EVP_WRAP_KEY_BYTES, params)
                > 0;
}

static gboolean
agree (EVP_PKEY *own, EVP_PKEY *peer, guint8 *shared, gsize *shared_bytes)
{
  g_autoptr (EVP_PKEY_CTX) context
      = EVP_PKEY_CTX_new_from_pkey (NULL, own, NULL);

  /* The peer's key was checked when it was parsed. */
  return context != NULL && EVP_PKEY_derive_init (context) > 0
         && EVP_PKEY_derive_set_peer_ex (context, peer, 0) > 0
         && EVP_PKEY_derive (context, shared, shared_bytes) > 0;
}

/* RFC 7518, section 4.6. */
static gboolean
wrap_by_ecdh (const SyrinxClientKey *jwk, Message *message, GError **error)
{
  guint8 shared[MAX_SHARED_BYTES], wrap_key[SYRINX_EVP_WRAP_KEY_BYTES];
  gsize shared_bytes = sizeof shared;
  gboolean done;

  message->ephemeral = EVP_PKEY_Q_keygen (NULL, NULL, "EC", jwk->curve);
  done = message->ephemeral != NULL
         && agree (message->ephemeral, jwk->key, shared, &shared_bytes)
         && derive_wrap_key (shared, shared_bytes, wrap_key)
         && syrinx_evp_key_wrap (wrap_key, TRUE, message->content_key,
             sizeof message->content_key, message->wrapped,
             &message->wrapped_bytes);
  syrinx_wipe (shared, sizeof shared);
  syrinx_wipe (wrap_key, sizeof wrap_key);
  return done || syrinx_evp_fail (error, "wrapping with ECDH-ES+A256KW");
}

static void
add_coordinate (
    JsonBuilder *builder, const gchar *name, const guint8 *data, gsize n)
{
  g_autofree gchar *text = syrinx_base64url_encode (data, n);

  syrinx_json_add_string (builder, name, text);
}

static void
add_ephemeral (JsonBuilder *builder, const SyrinxClientKey *jwk, EVP_PKEY *key)
{
  guint8 point[1 + 2 * MAX_SHARED_BYTES];
  gsize n = jwk->coordinate_bytes, point_bytes;

  if (!EVP_PKEY_get_octet_string_param (
          key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &point_bytes)
      || point_bytes != 1 + 2 * n)
    g_error ("OpenSSL gave an EC key without an uncompressed point");
  json_builder_set_member_name (builder, "epk");
  json_builder_begin_object (builder);
  syrinx_json_add_string (builder, "kty", "EC");
  syrinx_json_add_string (builder, "crv", jwk->curve);
  add_coordinate (builder, "x", point + 1, n);
  add_coordinate (builder, "y", point + 1 + n, n);
  json_builder_end_object (builder);
}

/* The protected header in base64url, which is authenticated in this form. */
static gchar *
make_header (const SyrinxClientKey *jwk, const Message *message)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *json = NULL;

  json_builder_begin_object (builder);
  syrinx_json_add_string (
      builder, "alg", jwk->curve ? "ECDH-ES+A256KW" : "RSA-OAEP-256");
  syrinx_json_add_string (builder, "enc", "A256GCM");
  if (jwk->kid != NULL)
    syrinx_json_add_string (builder, "kid", jwk->kid);
  if (message->ephemeral != NULL)
    add_ephemeral (builder, jwk, message->ephemeral);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json = json_to_string (root, FALSE);
  return syrinx_base64url_encode (json, strlen (json));
}

/* AES-256-GCM over @payload, with @header as additional authenticated data. */
static gboolean
seal (const Message *message, const gchar *header, GBytes *payload,
    const guint8 *iv, guint8 *cipher, guint8 *tag, GError **error)
{
  static EVP_CIPHER *slot;
  EVP_CIPHER *gcm = syrinx_evp_cipher (&slot, "AES-256-GCM");
  g_autoptr (EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new ();
  gsize size_bytes;
  const guint8 *data = g_bytes_get_data (payload, &size_bytes);
  gint n;

  if (gcm == NULL || context == NULL
      || !EVP_EncryptInit_ex2 (context, gcm, message->content_key, iv, NULL)
      || !EVP_EncryptUpdate (
          context, NULL, &n, (const guint8 *)header, strlen (header))
      || (size_bytes > 0
          && !EVP_EncryptUpdate (context, cipher, &n, data, size_bytes))
      || !EVP_EncryptFinal_ex (context, cipher + size_bytes, &n)
      || !EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag))
    return syrinx_evp_fail (error, "encrypting a JWE");
  return TRUE;
}

/* RFC 7516, section 7.1. */
static gchar *
serialize (const Message *message, const gchar *header, GBytes *payload,
    GError **error)
{
  gsize size_bytes = g_bytes_get_size (payload);
  g_autofree guint8 *cipher = g_malloc (size_bytes + 1);
  guint8 iv[IV_BYTES], tag[TAG_BYTES];
  g_autofree gchar *key_text = NULL, *iv_text = NULL, *cipher_text = NULL,
                   *tag_text = NULL;

  syrinx_random_fill (iv, sizeof iv);
  if (!seal (message, header, payload, iv, cipher, tag, error))
    return NULL;
  key_text = syrinx_base64url_encode (message->wrapped, message->wrapped_bytes);
  iv_text = syrinx_base64url_encode (iv, sizeof iv);
  cipher_text = syrinx_base64url_encode (cipher, size_bytes);
  tag_text = syrinx_base64url_encode (tag, sizeof tag);
  return g_strjoin (
      ".", header, key_text, iv_text, cipher_text, tag_text, NULL);
}

gchar *
syrinx_jwe_wrap (const gchar *public_jwk_json, GBytes *payload, GError **error)
{
  g_auto (SyrinxClientKey) jwk = { 0 };
  g_auto (Message) message = { 0 };
  g_autofree gchar *header = NULL;
  gboolean done;

  if (!syrinx_client_key_parse (public_jwk_json, &jwk, error))
    return NULL;
  if (g_bytes_get_size (payload) > SYRINX_JWE_MAX_PAYLOAD_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a JWE's payload has at most %d bytes", SYRINX_JWE_MAX_PAYLOAD_BYTES);
    return NULL;
  }
  syrinx_random_fill (message.content_key, sizeof message.content_key);
  done = jwk.curve ? wrap_by_ecdh (&jwk, &message, error)
                   : wrap_by_rsa (jwk.key, &message, error);
  if (!done)
    return NULL;
  header = make_header (&jwk, &message);
  return serialize (&message, header, payload, error);
}
