/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public keys as JWKs. */
#include "jwk.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#define P256_COORDINATE_BYTES 32
#define ED25519_BYTES         32
#define ES256_SIGNATURE_BYTES 64

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIGNUM, BN_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ECDSA_SIG, ECDSA_SIG_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM, OSSL_PARAM_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

static const struct
{
  const gchar *name, *kty, *crv;
} algs[] = {
  [SYRINX_JWS_ES256] = { "ES256", "EC", "P-256" },
  [SYRINX_JWS_RS256] = { "RS256", "RSA", NULL },
  [SYRINX_JWS_EDDSA] = { "EdDSA", "OKP", "Ed25519" },
};

gboolean
syrinx_jws_alg_parse (const gchar *name, SyrinxJwsAlg *alg)
{
  for (guint i = 0; i < G_N_ELEMENTS (algs); i++)
    if (g_strcmp0 (name, algs[i].name) == 0) {
      *alg = i;
      return TRUE;
    }
  return FALSE;
}

static GBytes *
get_bytes (JsonObject *jwk, const gchar *member, gsize max_bytes)
{
  const gchar *text = syrinx_json_get_string (jwk, member);

  return text ? syrinx_base64url_decode (text, max_bytes) : NULL;
}

static EVP_PKEY *
import_params (const gchar *type, OSSL_PARAM_BLD *build)
{
  g_autoptr (OSSL_PARAM) params = OSSL_PARAM_BLD_to_param (build);
  g_autoptr (EVP_PKEY_CTX) context
      = EVP_PKEY_CTX_new_from_name (NULL, type, NULL);
  g_autoptr (EVP_PKEY_CTX) check = NULL;
  g_autoptr (EVP_PKEY) key = NULL;

  if (!params || !context || EVP_PKEY_fromdata_init (context) <= 0
      || EVP_PKEY_fromdata (context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
    return NULL;
  check = EVP_PKEY_CTX_new_from_pkey (NULL, key, NULL);
  return check && EVP_PKEY_public_check (check) > 0 ? g_steal_pointer (&key)
                                                    : NULL;
}

static EVP_PKEY *
import_p256 (JsonObject *jwk)
{
  g_autoptr (GBytes) x = get_bytes (jwk, "x", P256_COORDINATE_BYTES);
  g_autoptr (GBytes) y = get_bytes (jwk, "y", P256_COORDINATE_BYTES);
  g_autoptr (OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new ();
  guint8 point[1 + 2 * P256_COORDINATE_BYTES]
      = { POINT_CONVERSION_UNCOMPRESSED };

  if (!x || !y || g_bytes_get_size (x) != P256_COORDINATE_BYTES
      || g_bytes_get_size (y) != P256_COORDINATE_BYTES)
    return NULL;
  memcpy (point + 1, g_bytes_get_data (x, NULL), P256_COORDINATE_BYTES);
  memcpy (point + 1 + P256_COORDINATE_BYTES, g_bytes_get_data (y, NULL),
      P256_COORDINATE_BYTES);
  OSSL_PARAM_BLD_push_utf8_string (
      build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string (
      build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
  return import_params ("EC", build);
}

static BIGNUM *
get_bignum (JsonObject *jwk, const gchar *member, gsize max_bytes)
{
  g_autoptr (GBytes) bytes = get_bytes (jwk, member, max_bytes);

  return bytes ? BN_bin2bn (
             g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL)
               : NULL;
}

static EVP_PKEY *
import_rsa (JsonObject *jwk)
{
  g_autoptr (BIGNUM) n = get_bignum (jwk, "n", SYRINX_RSA_MAX_BITS / 8);
  g_autoptr (BIGNUM) e = get_bignum (jwk, "e", 8);
  g_autoptr (OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new ();

  if (!n || !e || BN_num_bits (n) < SYRINX_RSA_MIN_BITS || !BN_is_odd (e)
      || BN_is_one (e))
    return NULL;
  OSSL_PARAM_BLD_push_BN (build, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN (build, OSSL_PKEY_PARAM_RSA_E, e);
  return import_params ("RSA", build);
}

static EVP_PKEY *
import_ed25519 (JsonObject *jwk)
{
  g_autoptr (GBytes) x = get_bytes (jwk, "x", ED25519_BYTES);

  if (!x || g_bytes_get_size (x) != ED25519_BYTES)
    return NULL;
  return EVP_PKEY_new_raw_public_key (
      EVP_PKEY_ED25519, NULL, g_bytes_get_data (x, NULL), ED25519_BYTES);
}

static gboolean
find_alg (JsonObject *jwk, SyrinxJwsAlg *alg)
{
  const gchar *kty = syrinx_json_get_string (jwk, "kty");
  const gchar *crv = syrinx_json_get_string (jwk, "crv");

  for (guint i = 0; i < G_N_ELEMENTS (algs); i++)
    if (g_strcmp0 (kty, algs[i].kty) == 0
        && (!algs[i].crv || g_strcmp0 (crv, algs[i].crv) == 0)) {
      *alg = i;
      return TRUE;
    }
  return FALSE;
}

static const gchar *
find_objection (JsonObject *jwk, SyrinxJwsAlg *alg)
{
  static const gchar *const private_members[]
      = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
  const gchar *use = syrinx_json_get_string (jwk, "use");

  for (guint i = 0; i < G_N_ELEMENTS (private_members); i++)
    if (json_object_has_member (jwk, private_members[i]))
      return "it holds a secret; give the public key alone";
  if (!find_alg (jwk, alg))
    return "its kty and crv are none of EC P-256, RSA, OKP Ed25519";
  if (json_object_has_member (jwk, "alg")
      && g_strcmp0 (syrinx_json_get_string (jwk, "alg"), algs[*alg].name) != 0)
    return "its alg does not fit its kty and crv";
  if (use && !g_str_equal (use, "sig"))
    return "its use is not sig";
  return NULL;
}

EVP_PKEY *
syrinx_jwk_import (JsonObject *jwk, SyrinxJwsAlg *alg, GError **error)
{
  EVP_PKEY *(*const importers[]) (JsonObject *)
      = { [SYRINX_JWS_ES256] = import_p256,
          [SYRINX_JWS_RS256] = import_rsa,
          [SYRINX_JWS_EDDSA] = import_ed25519 };
  const gchar *objection = find_objection (jwk, alg);
  EVP_PKEY *key = objection ? NULL : importers[*alg](jwk);

  if (!objection && !key)
    objection = "its numbers are missing, malformed, too weak or off the curve";
  if (objection)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "this JWK is refused: %s", objection);
  return key;
}

/* JWS has r and s side by side (RFC 7518, section 3.4); OpenSSL expects DER. */
static gint
make_der (GBytes *signature, guint8 **der)
{
  g_autoptr (ECDSA_SIG) pair = ECDSA_SIG_new ();
  const guint8 *raw = g_bytes_get_data (signature, NULL);

  if (g_bytes_get_size (signature) != ES256_SIGNATURE_BYTES
      || !ECDSA_SIG_set0 (
          pair, BN_bin2bn (raw, 32, NULL), BN_bin2bn (raw + 32, 32, NULL)))
    return -1;
  return i2d_ECDSA_SIG (pair, der);
}

gboolean
syrinx_jws_verify (SyrinxJwsAlg alg, EVP_PKEY *key, const gchar *input,
    gsize input_bytes, GBytes *signature)
{
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  gsize size_bytes = 0;
  const guint8 *bytes = g_bytes_get_data (signature, &size_bytes);
  guint8 *der = NULL;
  gboolean good;

  if (alg == SYRINX_JWS_ES256) {
    gint der_bytes = make_der (signature, &der);
    if (der_bytes <= 0)
      return FALSE;
    bytes = der;
    size_bytes = der_bytes;
  }
  good = EVP_DigestVerifyInit (context, NULL,
             alg == SYRINX_JWS_EDDSA ? NULL : EVP_sha256 (), NULL, key)
             == 1
         && EVP_DigestVerify (
                context, bytes, size_bytes, (const guint8 *)input, input_bytes)
                == 1;
  OPENSSL_free (der);
  return good;
}
