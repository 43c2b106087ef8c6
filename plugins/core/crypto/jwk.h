/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public keys as JWKs (RFC 7517, RFC 7518, RFC 8037), converted to
 * OpenSSL's. */
#pragma once

#include <json-glib/json-glib.h>
#include <openssl/evp.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_JWS_ES256, /* ECDSA on P-256 with SHA-256 */
  SYRINX_JWS_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 */
  SYRINX_JWS_EDDSA, /* Ed25519 */
} SyrinxJwsAlg;

#define SYRINX_RSA_MIN_BITS 2048
#define SYRINX_RSA_MAX_BITS 4096

/* FALSE for HS*, none, and all other algorithms. */
gboolean syrinx_jws_alg_parse (const gchar *name, SyrinxJwsAlg *alg);

/* Imports one public signature key: EC P-256, RSA of 2048 to 4096 bits with an
 * odd exponent, or OKP Ed25519. Refuses oct, private members, points off the
 * curve, and an `alg` or `use` that does not fit. *@alg is the key's algorithm.
 * (transfer full: EVP_PKEY_free) Errors: INVALID with the reason. */
EVP_PKEY *
syrinx_jwk_import (JsonObject *jwk, SyrinxJwsAlg *alg, GError **error);

/* Verifies @signature, in JWS form, over @input. Any thread. */
gboolean syrinx_jws_verify (SyrinxJwsAlg alg, EVP_PKEY *key, const gchar *input,
    gsize input_bytes, GBytes *signature);

G_END_DECLS
