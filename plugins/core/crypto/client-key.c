/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's public JWK as an OpenSSL key. The JWK is hostile until all checks
 * are done. */
#include "client-key.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"
#include "jwe.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <string.h>

#define MIN_RSA_BITS       2048
#define MAX_RSA_BITS       4096
#define MAX_EXPONENT_BYTES 8 /* larger ones are slow and not in use */
#define MAX_KID_BYTES      256

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIGNUM, BN_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM, OSSL_PARAM_free)

static const struct
{
  const gchar *curve;
  gsize coordinate_bytes;
} curves[] = { { "P-256", 32 }, { "P-384", 48 } };

void
syrinx_client_key_clear (SyrinxClientKey *jwk)
{
  g_clear_pointer (&jwk->key, EVP_PKEY_free);
  g_clear_pointer (&jwk->kid, g_free);
}

G_GNUC_PRINTF (2, 3)
static gboolean
invalid (GError **error, const gchar *format, ...)
{
  va_list arguments;
  g_autofree gchar *reason = NULL;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "the public key is not usable: %s", reason);
  ERR_clear_error ();
  return FALSE;
}

/* (nullable): NULL if the member is missing or not a string. */
static const gchar *
get_string (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node)
                                              : NULL;
}

static GBytes *
get_binary (
    JsonObject *object, const gchar *name, gsize max_bytes, GError **error)
{
  const gchar *text = get_string (object, name);
  GBytes *bytes = text ? syrinx_base64url_decode (text, max_bytes) : NULL;

  if (bytes == NULL)
    invalid (error,
        "'%s' is missing or not base64url of at most %" G_GSIZE_FORMAT " bytes",
        name, max_bytes);
  return bytes;
}

/* Whether key_ops permits encryption. An empty list does: WebCrypto exports
 * public keys for key agreement so, since only the private key derives. */
static gboolean
allow_encryption (JsonNode *operations)
{
  static const gchar *const words[]
      = { "wrapKey", "encrypt", "deriveKey", "deriveBits", NULL };
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (operations))
    return FALSE;
  array = json_node_get_array (operations);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *item = json_array_get_element (array, i);
    const gchar *word
        = JSON_NODE_HOLDS_VALUE (item) ? json_node_get_string (item) : NULL;
    if (word && g_strv_contains (words, word))
      return TRUE;
  }
  return json_array_get_length (array) == 0;
}

/* Checks the purpose that the JWK states (RFC 7517, sections 4.2 to 4.4). */
static gboolean
check_purpose (JsonObject *object, const gchar *alg, GError **error)
{
  JsonNode *operations = json_object_get_member (object, "key_ops");

  if (json_object_has_member (object, "use")
      && g_strcmp0 (get_string (object, "use"), "enc") != 0)
    return invalid (error, "its 'use' is not 'enc'");
  if (json_object_has_member (object, "alg")
      && g_strcmp0 (get_string (object, "alg"), alg) != 0)
    return invalid (error, "its 'alg' is not '%s'", alg);
  if (operations != NULL && !allow_encryption (operations))
    return invalid (error, "its 'key_ops' allow no encryption");
  return TRUE;
}

static gboolean
check_is_public (JsonObject *object, GError **error)
{
  static const gchar *const secrets[]
      = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    if (json_object_has_member (object, secrets[i]))
      return invalid (error,
          "it holds private parts ('%s'); send the public half, and take this "
          "key out of use",
          secrets[i]);
  return TRUE;
}

static EVP_PKEY *
make_key (const gchar *type, OSSL_PARAM_BLD *builder)
{
  g_autoptr (OSSL_PARAM) params = OSSL_PARAM_BLD_to_param (builder);
  g_autoptr (EVP_PKEY_CTX) context
      = EVP_PKEY_CTX_new_from_name (NULL, type, NULL);
  EVP_PKEY *key = NULL;

  if (params == NULL || context == NULL || EVP_PKEY_fromdata_init (context) <= 0
      || EVP_PKEY_fromdata (context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
    return NULL;
  return key;
}

static BIGNUM *
to_number (GBytes *bytes)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);

  return BN_bin2bn (data, n, NULL);
}

static gboolean
check_rsa_numbers (const BIGNUM *n, const BIGNUM *e, GError **error)
{
  gint bits = BN_num_bits (n);

  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    return invalid (error, "an RSA key has %d to %d bits, not %d", MIN_RSA_BITS,
        MAX_RSA_BITS, bits);
  if (!BN_is_odd (n))
    return invalid (error, "its modulus is even");
  if (!BN_is_odd (e) || BN_is_one (e))
    return invalid (error, "its exponent is even or 1");
  return TRUE;
}

static gboolean
parse_rsa (JsonObject *object, SyrinxClientKey *jwk, GError **error)
{
  g_autoptr (OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new ();
  g_autoptr (GBytes) modulus = NULL, exponent = NULL;
  g_autoptr (BIGNUM) n = NULL, e = NULL;

  if (!check_purpose (object, "RSA-OAEP-256", error))
    return FALSE;
  /* Some libraries prepend a zero byte, which is not needed here. */
  modulus = get_binary (object, "n", SYRINX_JWK_MAX_BYTES, error);
  if (modulus == NULL)
    return FALSE;
  exponent = get_binary (object, "e", MAX_EXPONENT_BYTES, error);
  if (exponent == NULL)
    return FALSE;
  n = to_number (modulus);
  e = to_number (exponent);
  if (!check_rsa_numbers (n, e, error))
    return FALSE;
  if (!OSSL_PARAM_BLD_push_BN (builder, OSSL_PKEY_PARAM_RSA_N, n)
      || !OSSL_PARAM_BLD_push_BN (builder, OSSL_PKEY_PARAM_RSA_E, e))
    return syrinx_evp_fail (error, "reading an RSA key");
  jwk->key = make_key ("RSA", builder);
  return jwk->key != NULL || invalid (error, "OpenSSL refuses it");
}

/* SEC 1, section 2.3.4. Also checks that the point is on its curve. */
static gboolean
make_point (SyrinxClientKey *jwk, GBytes *x, GBytes *y, GError **error)
{
  g_autoptr (OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new ();
  g_autoptr (EVP_PKEY_CTX) context = NULL;
  guint8 point[1 + 2 * 48] = { 4 /* uncompressed */ };
  gsize n = jwk->coordinate_bytes;

  memcpy (point + 1, g_bytes_get_data (x, NULL), n);
  memcpy (point + 1 + n, g_bytes_get_data (y, NULL), n);
  if (!OSSL_PARAM_BLD_push_utf8_string (
          builder, OSSL_PKEY_PARAM_GROUP_NAME, jwk->curve, 0)
      || !OSSL_PARAM_BLD_push_octet_string (
          builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n))
    return syrinx_evp_fail (error, "reading an EC key");
  jwk->key = make_key ("EC", builder);
  if (jwk->key != NULL)
    context = EVP_PKEY_CTX_new_from_pkey (NULL, jwk->key, NULL);
  /* The quick check suffices for curves of prime order, which these are. */
  if (context == NULL || EVP_PKEY_public_check_quick (context) <= 0)
    return invalid (error, "its point is not on %s", jwk->curve);
  return TRUE;
}

static gboolean
parse_ec (JsonObject *object, SyrinxClientKey *jwk, GError **error)
{
  const gchar *curve = get_string (object, "crv");
  g_autoptr (GBytes) x = NULL, y = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (curves); i++)
    if (g_strcmp0 (curve, curves[i].curve) == 0) {
      jwk->curve = curves[i].curve;
      jwk->coordinate_bytes = curves[i].coordinate_bytes;
    }
  if (jwk->curve == NULL) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "the public key is not usable: its curve is neither P-256 nor P-384");
    return FALSE;
  }
  if (!check_purpose (object, "ECDH-ES+A256KW", error))
    return FALSE;
  x = get_binary (object, "x", jwk->coordinate_bytes, error);
  y = x ? get_binary (object, "y", jwk->coordinate_bytes, error) : NULL;
  if (y == NULL)
    return FALSE;
  if (g_bytes_get_size (x) != jwk->coordinate_bytes
      || g_bytes_get_size (y) != jwk->coordinate_bytes)
    return invalid (error, "x and y on %s have %" G_GSIZE_FORMAT " bytes each",
        jwk->curve, jwk->coordinate_bytes);
  return make_point (jwk, x, y, error);
}

static gboolean
parse_object (JsonObject *object, SyrinxClientKey *jwk, GError **error)
{
  const gchar *kty = get_string (object, "kty");
  const gchar *kid = get_string (object, "kid");

  if (!check_is_public (object, error))
    return FALSE;
  if (kid != NULL && strlen (kid) > MAX_KID_BYTES)
    return invalid (error, "its 'kid' is over %d bytes", MAX_KID_BYTES);
  jwk->kid = g_strdup (kid);
  if (g_strcmp0 (kty, "RSA") == 0)
    return parse_rsa (object, jwk, error);
  if (g_strcmp0 (kty, "EC") == 0)
    return parse_ec (object, jwk, error);
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
      "the public key is not usable: its 'kty' is neither RSA nor EC");
  return FALSE;
}

gboolean
syrinx_client_key_parse (
    const gchar *json, SyrinxClientKey *jwk, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (JsonObject) object = NULL;

  if (strnlen (json, SYRINX_JWK_MAX_BYTES + 1) > SYRINX_JWK_MAX_BYTES)
    return invalid (error, "it is over %d bytes", SYRINX_JWK_MAX_BYTES);
  object = syrinx_json_parse_object (json, strlen (json), &cause);
  if (object == NULL)
    return invalid (error, "%s", cause->message);
  return parse_object (object, jwk, error);
}

gboolean
syrinx_jwe_check_key (const gchar *public_jwk_json, GError **error)
{
  g_auto (SyrinxClientKey) jwk = { 0 };

  return syrinx_client_key_parse (public_jwk_json, &jwk, error);
}
