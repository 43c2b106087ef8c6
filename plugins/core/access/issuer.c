/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The node's own signing key, and the tokens that it signs. */
#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"
#include "core/crypto/secret.h"
#include "token.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE          "node-key.jwk"
#define COORDINATE_BYTES  32
#define MAX_SUBJECT_BYTES 256
#define MAX_TTL_S         (3650 * G_GINT64_CONSTANT (86400))

/* Powers of two. OpenSSL also keeps each thread's random number generator
 * there, and fails if there is no room. */
#define SECURE_HEAP_BYTES  (1024 * 1024)
#define SECURE_BLOCK_BYTES 16

struct _SyrinxIssuer
{
  EVP_PKEY *key;
  gchar *kid;
  gchar *x, *y; /* base64url */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIGNUM, BN_clear_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ECDSA_SIG, ECDSA_SIG_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM, OSSL_PARAM_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

void
syrinx_issuer_free (SyrinxIssuer *issuer)
{
  EVP_PKEY_free (issuer->key);
  g_free (issuer->kid);
  g_free (issuer->x);
  g_free (issuer->y);
  g_free (issuer);
}

static gchar *
export_number (EVP_PKEY *key, const gchar *name)
{
  g_autoptr (BIGNUM) number = NULL;
  guint8 bytes[COORDINATE_BYTES];
  gchar *text;

  if (!EVP_PKEY_get_bn_param (key, name, &number)
      || BN_bn2binpad (number, bytes, sizeof bytes) < 0)
    return NULL;
  text = syrinx_base64url_encode (bytes, sizeof bytes);
  syrinx_wipe (bytes, sizeof bytes);
  return text;
}

static SyrinxIssuer *
issuer_from_key (EVP_PKEY *key)
{
  SyrinxIssuer *issuer = g_new0 (SyrinxIssuer, 1);
  g_autofree gchar *members = NULL;
  guint8 digest[SYRINX_SHA256_BYTES];

  issuer->key = key;
  issuer->x = export_number (key, OSSL_PKEY_PARAM_EC_PUB_X);
  issuer->y = export_number (key, OSSL_PKEY_PARAM_EC_PUB_Y);
  /* The thumbprint of RFC 7638. */
  members = g_strdup_printf (
      "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", issuer->x,
      issuer->y);
  syrinx_sha256 (members, strlen (members), digest);
  issuer->kid = syrinx_base64url_encode (digest, sizeof digest);
  return issuer;
}

/* --- The file --- */

/* Moves @bytes and @text into @secret and wipes them; no other code has
 * copies. */
static void
take_secret (BIGNUM *secret, GBytes *bytes, const gchar *text)
{
  gpointer data = (gpointer)g_bytes_get_data (bytes, NULL);

  BN_bin2bn (data, COORDINATE_BYTES, secret);
  syrinx_wipe (data, COORDINATE_BYTES);
  syrinx_wipe ((gpointer)text, strlen (text));
}

static EVP_PKEY *
read_key (const gchar *json, gsize size_bytes)
{
  g_autoptr (JsonObject) jwk
      = syrinx_json_parse_object (json, size_bytes, NULL);
  g_autoptr (OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new ();
  g_autoptr (OSSL_PARAM) params = NULL;
  g_autoptr (EVP_PKEY_CTX) context
      = EVP_PKEY_CTX_new_from_name (NULL, "EC", NULL);
  g_autoptr (EVP_PKEY) key = NULL;
  g_autoptr (BIGNUM) secret = BN_secure_new ();
  guint8 point[1 + 2 * COORDINATE_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
  static const gchar *const members[] = { "x", "y", "d" };

  for (guint i = 0; jwk && i < G_N_ELEMENTS (members); i++) {
    const gchar *text = syrinx_json_get_string (jwk, members[i]);
    g_autoptr (GBytes) bytes
        = text ? syrinx_base64url_decode (text, COORDINATE_BYTES) : NULL;
    if (!bytes || g_bytes_get_size (bytes) != COORDINATE_BYTES)
      return NULL;
    if (i < 2)
      memcpy (point + 1 + i * COORDINATE_BYTES, g_bytes_get_data (bytes, NULL),
          COORDINATE_BYTES);
    else
      take_secret (secret, bytes, text);
  }
  if (!jwk)
    return NULL;
  OSSL_PARAM_BLD_push_utf8_string (
      build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string (
      build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
  OSSL_PARAM_BLD_push_BN (build, OSSL_PKEY_PARAM_PRIV_KEY, secret);
  params = OSSL_PARAM_BLD_to_param (build);
  if (!params || EVP_PKEY_fromdata_init (context) <= 0
      || EVP_PKEY_fromdata (context, &key, EVP_PKEY_KEYPAIR, params) <= 0)
    return NULL;
  return g_steal_pointer (&key);
}

static EVP_PKEY *
load_key (const gchar *path, GError **error)
{
  g_autofree gchar *json = NULL;
  gsize size_bytes = 0;
  GStatBuf status;
  EVP_PKEY *key = NULL;

  if (g_stat (path, &status) == 0 && (status.st_mode & 077)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "others can read %s; run: chmod 600 %s", path, path);
    return NULL;
  }
  if (!g_file_get_contents (path, &json, &size_bytes, error))
    return NULL;
  key = read_key (json, size_bytes);
  syrinx_wipe (json, size_bytes);
  if (!key)
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s is no private P-256 JWK; restore it, or remove it to have a new "
        "one made (tokens signed by the old one then end)",
        path);
  return key;
}

static EVP_PKEY *
create_key (const gchar *path, GError **error)
{
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autofree gchar *x = export_number (key, OSSL_PKEY_PARAM_EC_PUB_X);
  g_autofree gchar *y = export_number (key, OSSL_PKEY_PARAM_EC_PUB_Y);
  gchar *d = export_number (key, OSSL_PKEY_PARAM_PRIV_KEY);
  gchar *json = g_strdup_printf ("{\"kty\":\"EC\",\"crv\":\"P-256\","
                                 "\"x\":\"%s\",\"y\":\"%s\",\"d\":\"%s\"}\n",
      x, y, d);
  gboolean written = g_file_set_contents_full (path, json, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);

  syrinx_wipe (d, strlen (d));
  syrinx_wipe (json, strlen (json));
  g_free (d);
  g_free (json);
  return written ? g_steal_pointer (&key) : NULL;
}

/* Makes OpenSSL keep private numbers in its secure heap, which core files leave
 * out. */
static void
keep_out_of_core_files (void)
{
  static gsize done;

  if (!g_once_init_enter (&done))
    return;
  if (!CRYPTO_secure_malloc_initialized ()
      && !CRYPTO_secure_malloc_init (SECURE_HEAP_BYTES, SECURE_BLOCK_BYTES))
    g_warning (
        "the node's key may get into core files: OpenSSL has no secure heap");
  g_once_init_leave (&done, 1);
}

SyrinxIssuer *
syrinx_issuer_open (const gchar *state_dir, gboolean create, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, KEY_FILE, NULL);
  EVP_PKEY *key;

  keep_out_of_core_files ();
  key = create && !g_file_test (path, G_FILE_TEST_EXISTS)
            ? create_key (path, error)
            : load_key (path, error);
  return key ? issuer_from_key (key) : NULL;
}

gchar *
syrinx_issuer_get_jwks (SyrinxIssuer *issuer)
{
  return g_strdup_printf (
      "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\","
      "\"use\":\"sig\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}]}",
      issuer->kid, issuer->x, issuer->y);
}

/* --- Tokens --- */

static gchar *
encode_object (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *json = json_to_string (root, FALSE);

  return syrinx_base64url_encode (json, strlen (json));
}

static void
add_string (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  if (!value)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const gchar *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static gchar *
make_header (SyrinxIssuer *issuer)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_string (builder, "alg", "ES256");
  add_string (builder, "typ", "JWT");
  add_string (builder, "kid", issuer->kid);
  json_builder_end_object (builder);
  return encode_object (builder);
}

static gchar *
make_claims (const SyrinxTokenRequest *request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree gchar *jti = syrinx_id_new ();
  g_autofree gchar *scope = g_strdelimit (g_strdup (request->scope), ",", ' ');
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  gint64 not_revoked_s = syrinx_get_revoked_until_s (request->subject) + 1;

  json_builder_begin_object (builder);
  add_string (builder, "sub", request->subject);
  add_string (builder, "scope", scope);
  add_string (builder, "aud", request->audience ? request->audience : "syrinx");
  add_string (builder, "iss", request->issuer);
  add_string (builder, "tracks", request->tracks);
  add_string (builder, "region", request->region);
  if (request->rtt_ms)
    add_int (builder, "rtt", request->rtt_ms);
  if (request->max_sessions)
    add_int (builder, "sessions", request->max_sessions);
  add_int (builder, "iat", MAX (now_s, not_revoked_s));
  add_int (builder, "nbf", now_s);
  add_int (builder, "exp", now_s + request->ttl_s);
  add_string (builder, "jti", jti);
  json_builder_end_object (builder);
  return encode_object (builder);
}

static gboolean
is_plain (const gchar *text)
{
  if (!*text || strlen (text) > MAX_SUBJECT_BYTES
      || !g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (; *text; text++)
    if (g_ascii_iscntrl (*text))
      return FALSE;
  return TRUE;
}

static const gchar *
find_objection (const SyrinxTokenRequest *request)
{
  const gchar *optional[] = { request->audience, request->issuer,
    request->tracks, request->region };
  g_auto (GStrv) words
      = g_strsplit_set (request->scope ? request->scope : "", " ,", 32);

  if (!request->subject || !is_plain (request->subject))
    return "its subject is empty, over 256 bytes, or holds control characters";
  for (guint i = 0; i < G_N_ELEMENTS (optional); i++)
    if (optional[i] && !is_plain (optional[i]))
      return "audience, issuer, tracks or region is empty, over 256 bytes, or "
             "holds control characters";
  if (!syrinx_scope_parse (request->scope ? request->scope : ""))
    return "its scope has none of listen, original, admin";
  for (guint i = 0; words[i]; i++)
    if (*words[i] && !syrinx_scope_parse (words[i]))
      return "its scope has a word that is none of listen, original, admin";
  if (request->rtt_ms > SYRINX_TOKEN_MAX_RTT_MS)
    return "its round trip is over ten seconds";
  if (request->max_sessions > SYRINX_TOKEN_MAX_SESSIONS)
    return "it is for more than a million sessions";
  if (request->ttl_s < 1 || request->ttl_s > MAX_TTL_S)
    return "its time to live is not between a second and ten years";
  return NULL;
}

static gchar *
sign (SyrinxIssuer *issuer, const gchar *input)
{
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  g_autoptr (ECDSA_SIG) pair = NULL;
  guint8 der[128], raw[2 * COORDINATE_BYTES];
  const guint8 *p = der;
  gsize der_bytes = sizeof der;

  if (EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, issuer->key) != 1
      || EVP_DigestSign (
             context, der, &der_bytes, (const guint8 *)input, strlen (input))
             != 1)
    return NULL;
  pair = d2i_ECDSA_SIG (NULL, &p, der_bytes);
  if (!pair || BN_bn2binpad (ECDSA_SIG_get0_r (pair), raw, COORDINATE_BYTES) < 0
      || BN_bn2binpad (
             ECDSA_SIG_get0_s (pair), raw + COORDINATE_BYTES, COORDINATE_BYTES)
             < 0)
    return NULL;
  return syrinx_base64url_encode (raw, sizeof raw);
}

gchar *
syrinx_issuer_issue (
    SyrinxIssuer *issuer, const SyrinxTokenRequest *request, GError **error)
{
  const gchar *objection = find_objection (request);
  g_autofree gchar *header = NULL, *claims = NULL, *input = NULL;
  g_autofree gchar *signature = NULL;

  if (objection) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "no token is issued: %s", objection);
    return NULL;
  }
  header = make_header (issuer);
  claims = make_claims (request);
  input = g_strconcat (header, ".", claims, NULL);
  signature = sign (issuer, input);
  if (!signature) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "signing with the node's key failed");
    return NULL;
  }
  return g_strconcat (input, ".", signature, NULL);
}
