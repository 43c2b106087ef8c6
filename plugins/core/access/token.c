/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWT verification, by RFC 7519 with the advice of RFC 8725: the key decides
 * the algorithm, and keys that a token names or contains are never used. */
#include "token.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"
#include "core/crypto/jwk.h"

#include <string.h>

#define MAX_KEYS            32
#define MAX_CLAIM_BYTES     256
#define MAX_SIGNATURE_BYTES 512

typedef struct
{
  gchar *kid; /* (nullable) */
  SyrinxJwsAlg alg;
  EVP_PKEY *key;
} Key;

/* Constant after init, so any thread may use it. */
struct _SyrinxVerifier
{
  gatomicrefcount refs;
  GPtrArray *keys;          /* Key */
  gchar *audience, *issuer; /* (nullable) */
  guint leeway_s;
};

static void
key_free (Key *key)
{
  g_free (key->kid);
  EVP_PKEY_free (key->key);
  g_free (key);
}

static gboolean
refuse (GError **error, SyrinxError code, const gchar *why)
{
  g_set_error (error, SYRINX_ERROR, code, "the token is refused: %s", why);
  return FALSE;
}

/* --- Keys --- */

static gboolean
has_kid (GPtrArray *keys, const gchar *kid)
{
  for (guint i = 0; kid && i < keys->len; i++)
    if (g_strcmp0 (((Key *)keys->pdata[i])->kid, kid) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
add_key (GPtrArray *keys, JsonNode *node, GError **error)
{
  JsonObject *jwk
      = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const gchar *kid = jwk ? syrinx_json_get_string (jwk, "kid") : NULL;
  SyrinxJwsAlg alg;
  EVP_PKEY *imported;
  Key *key;

  if (!jwk || has_kid (keys, kid)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        jwk ? "the JWK Set has two keys of one kid; give each its own"
            : "the JWK Set holds something that is not an object");
    return FALSE;
  }
  imported = syrinx_jwk_import (jwk, &alg, error);
  if (!imported)
    return FALSE;
  key = g_new0 (Key, 1);
  key->kid = g_strdup (kid);
  key->alg = alg;
  key->key = imported;
  g_ptr_array_add (keys, key);
  return TRUE;
}

static GPtrArray *
read_keys (const gchar *jwks, GError **error)
{
  g_autoptr (GPtrArray) keys
      = g_ptr_array_new_with_free_func ((GDestroyNotify)key_free);
  g_autoptr (JsonObject) set
      = syrinx_json_parse_object (jwks, strlen (jwks), error);
  JsonNode *member;
  JsonArray *array;

  if (!set)
    return NULL;
  member = json_object_get_member (set, "keys");
  if (!member || !JSON_NODE_HOLDS_ARRAY (member)) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a JWK Set has an array \"keys\"; this has none");
    return NULL;
  }
  array = json_node_get_array (member);
  if (json_array_get_length (array) > MAX_KEYS) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a JWK Set of more than %d keys is refused", MAX_KEYS);
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!add_key (keys, json_array_get_element (array, i), error))
      return NULL;
  return g_steal_pointer (&keys);
}

SyrinxVerifier *
syrinx_verifier_new (
    const gchar *jwks, const SyrinxTokenPolicy *policy, GError **error)
{
  GPtrArray *keys = read_keys (jwks, error);
  SyrinxVerifier *verifier;

  if (!keys)
    return NULL;
  verifier = g_new0 (SyrinxVerifier, 1);
  g_atomic_ref_count_init (&verifier->refs);
  verifier->keys = keys;
  verifier->audience = g_strdup (policy->audience);
  verifier->issuer = g_strdup (policy->issuer);
  verifier->leeway_s = policy->leeway_s;
  return verifier;
}

void
syrinx_verifier_unref (SyrinxVerifier *verifier)
{
  if (!g_atomic_ref_count_dec (&verifier->refs))
    return;
  g_ptr_array_unref (verifier->keys);
  g_free (verifier->audience);
  g_free (verifier->issuer);
  g_free (verifier);
}

/* --- Signature --- */

static JsonObject *
decode_part (const gchar *part, gsize length)
{
  g_autofree gchar *text = g_strndup (part, length);
  g_autoptr (GBytes) json
      = syrinx_base64url_decode (text, SYRINX_TOKEN_MAX_BYTES);
  gsize size_bytes;
  const gchar *data;

  if (!json)
    return NULL;
  data = g_bytes_get_data (json, &size_bytes);
  return size_bytes ? syrinx_json_parse_object (data, size_bytes, NULL) : NULL;
}

static gboolean
is_signed (SyrinxVerifier *verifier, JsonObject *header, const gchar *token,
    gsize input_bytes, GBytes *signature)
{
  const gchar *kid = syrinx_json_get_string (header, "kid");
  SyrinxJwsAlg alg;

  if (!syrinx_jws_alg_parse (syrinx_json_get_string (header, "alg"), &alg))
    return FALSE;
  for (guint i = 0; i < verifier->keys->len; i++) {
    Key *key = verifier->keys->pdata[i];
    if (key->alg == alg && (!kid || g_strcmp0 (kid, key->kid) == 0)
        && syrinx_jws_verify (alg, key->key, token, input_bytes, signature))
      return TRUE;
  }
  return FALSE;
}

/* Verifies the signature and returns the claims. (transfer full) */
static JsonObject *
open_token (SyrinxVerifier *verifier, const gchar *token, GError **error)
{
  const gchar *first = strchr (token, '.');
  const gchar *second = first ? strchr (first + 1, '.') : NULL;
  g_autoptr (JsonObject) header = NULL;
  g_autoptr (JsonObject) claims = NULL;
  g_autoptr (GBytes) signature = NULL;

  if (strlen (token) > SYRINX_TOKEN_MAX_BYTES || !second) {
    refuse (error, SYRINX_ERROR_UNAUTHENTICATED, "it is no compact JWT");
    return NULL;
  }
  header = decode_part (token, first - token);
  signature = syrinx_base64url_decode (second + 1, MAX_SIGNATURE_BYTES);
  if (!header || !signature || json_object_has_member (header, "crit")) {
    refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
        header && signature ? "it wants extensions that are not known here"
                            : "it is no compact JWT");
    return NULL;
  }
  if (!is_signed (verifier, header, token, second - token, signature)) {
    refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
        "no known key of a fitting algorithm has signed it");
    return NULL;
  }
  claims = decode_part (first + 1, second - first - 1);
  if (!claims)
    refuse (error, SYRINX_ERROR_UNAUTHENTICATED, "its claims are no JSON");
  return g_steal_pointer (&claims);
}

/* --- Claims --- */

/* A NumericDate may have a fraction (RFC 7519, section 2). */
static gboolean
get_date (JsonObject *claims, const gchar *name, gint64 *value_s)
{
  JsonNode *node = json_object_get_member (claims, name);
  gdouble number;

  if (!node || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64
          && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return FALSE;
  number = json_node_get_double (node);
  if (!(number >= 0 && number < 1e12))
    return FALSE;
  *value_s = (gint64)number;
  return TRUE;
}

static gboolean
has_audience (JsonObject *claims, const gchar *audience)
{
  JsonNode *node = json_object_get_member (claims, "aud");
  JsonArray *array;

  if (!node)
    return FALSE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return g_strcmp0 (syrinx_json_get_string (claims, "aud"), audience) == 0;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    if (JSON_NODE_HOLDS_VALUE (element)
        && json_node_get_value_type (element) == G_TYPE_STRING
        && g_strcmp0 (json_node_get_string (element), audience) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
check_times (SyrinxVerifier *verifier, JsonObject *claims, gint64 *issued_at_s,
    gint64 *expires_at_s, GError **error)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC, not_before_s = 0;
  gint64 latest_s = now_s + verifier->leeway_s;

  if (!get_date (claims, "exp", expires_at_s)
      || (json_object_has_member (claims, "nbf")
          && !get_date (claims, "nbf", &not_before_s)))
    return refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
        "it has no exp, or one or an nbf that is no date");
  /* A token without iat counts as old, so that revoking its subject revokes
   * it. */
  if (!get_date (claims, "iat", issued_at_s))
    *issued_at_s = 0;
  if (not_before_s > latest_s)
    return refuse (
        error, SYRINX_ERROR_UNAUTHENTICATED, "it is not valid yet (nbf)");
  /* A revocation of its subject would not cover it. */
  if (*issued_at_s > latest_s)
    return refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
        "it was issued in the future (iat); are the clocks right?");
  *expires_at_s += verifier->leeway_s;
  if (*expires_at_s <= now_s)
    return refuse (
        error, SYRINX_ERROR_EXPIRED, "it has expired; get a new one");
  return TRUE;
}

/* One that says less than its issuer meant would allow more: "tracks" as a list
 * the whole library, a "jti" as a number a token that can't be revoked. */
static gboolean
check_kinds (JsonObject *claims, GError **error)
{
  static const gchar *const names[]
      = { "sub", "jti", "region", "tracks", "scope" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (json_object_has_member (claims, names[i])
        && !syrinx_json_get_string (claims, names[i]))
      return refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
          "sub, jti, region, tracks or scope is not a string");
  return TRUE;
}

static gboolean
check_names (SyrinxVerifier *verifier, JsonObject *claims, GError **error)
{
  const gchar *subject = syrinx_json_get_string (claims, "sub");
  const gchar *names[] = { subject, syrinx_json_get_string (claims, "jti"),
    syrinx_json_get_string (claims, "region"),
    syrinx_json_get_string (claims, "tracks") };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i] && strlen (names[i]) > MAX_CLAIM_BYTES)
      return refuse (error, SYRINX_ERROR_UNAUTHENTICATED,
          "sub, jti, region or tracks is over 256 bytes");
  if (!subject || !*subject)
    return refuse (error, SYRINX_ERROR_UNAUTHENTICATED, "it has no sub");
  if (verifier->audience && !has_audience (claims, verifier->audience))
    return refuse (
        error, SYRINX_ERROR_UNAUTHENTICATED, "it is for another audience");
  if (verifier->issuer
      && g_strcmp0 (syrinx_json_get_string (claims, "iss"), verifier->issuer))
    return refuse (
        error, SYRINX_ERROR_UNAUTHENTICATED, "it is from another issuer");
  return TRUE;
}

/* Values out of range are ignored. */
static void
take_hints (JsonObject *claims, SyrinxGrant *grant)
{
  gint64 value;

  if (syrinx_json_get_int (claims, "rtt", &value) && value >= 0
      && value <= SYRINX_TOKEN_MAX_RTT_MS)
    syrinx_grant_set_rtt_ms (grant, value);
  if (syrinx_json_get_int (claims, "sessions", &value) && value >= 1
      && value <= SYRINX_TOKEN_MAX_SESSIONS)
    syrinx_grant_set_max_sessions (grant, value);
}

SyrinxGrant *
syrinx_verifier_check (
    SyrinxVerifier *verifier, const gchar *token, GError **error)
{
  g_autoptr (JsonObject) claims = open_token (verifier, token, error);
  gint64 issued_at_s, expires_at_s;
  const gchar *subject, *jti, *scope;
  SyrinxGrant *grant;

  if (!claims || !check_kinds (claims, error)
      || !check_names (verifier, claims, error)
      || !check_times (verifier, claims, &issued_at_s, &expires_at_s, error))
    return NULL;
  subject = syrinx_json_get_string (claims, "sub");
  jti = syrinx_json_get_string (claims, "jti");
  scope = syrinx_json_get_string (claims, "scope");
  if (syrinx_is_revoked (subject, jti, issued_at_s)) {
    refuse (error, SYRINX_ERROR_DENIED, "it has been revoked");
    return NULL;
  }
  grant
      = syrinx_grant_new (subject, jti, scope ? syrinx_scope_parse (scope) : 0,
          syrinx_json_get_string (claims, "tracks"),
          syrinx_json_get_string (claims, "region"), issued_at_s, expires_at_s);
  take_hints (claims, grant);
  return grant;
}
