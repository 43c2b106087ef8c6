/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens: issued ones are accepted, forged ones are refused. */
#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/access/token.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* RFC 8037, appendix A: the Ed25519 key; RFC 7515, A.2: the RSA key. */
#define ED25519_SECRET "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define ED25519_PUBLIC "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RSA_N                                                                  \
  "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"      \
  "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ4"  \
  "7soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"            \
  "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFv"  \
  "UK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

#define LEEWAY_S 5

static const SyrinxTokenPolicy policy
    = { .audience = "syrinx", .leeway_s = LEEWAY_S };

typedef struct
{
  gchar *dir;
  SyrinxIssuer *issuer;
  gchar *jwks;
  SyrinxVerifier *verifier;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("syrinx-token-XXXXXX", &error);
  f->issuer = syrinx_issuer_open (f->dir, TRUE, &error);
  g_assert_no_error (error);
  f->jwks = syrinx_issuer_get_jwks (f->issuer);
  f->verifier = syrinx_verifier_new (f->jwks, &policy, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree gchar *key = g_build_filename (f->dir, "node-key.jwk", NULL);

  g_unlink (key);
  g_rmdir (f->dir);
  syrinx_verifier_unref (f->verifier);
  syrinx_issuer_free (f->issuer);
  g_free (f->jwks);
  g_free (f->dir);
}

static gchar *
issue (Fixture *f, const gchar *subject, const gchar *audience)
{
  SyrinxTokenRequest request = { .subject = subject,
    .scope = "listen,original",
    .audience = audience,
    .tracks = "abc*",
    .ttl_s = 3600 };
  g_autoptr (GError) error = NULL;
  gchar *token = syrinx_issuer_issue (f->issuer, &request, &error);

  g_assert_no_error (error);
  return token;
}

static void
an_issued_token_becomes_a_grant (Fixture *f, gconstpointer data)
{
  g_autofree gchar *token = issue (f, "ann", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxGrant) grant
      = syrinx_verifier_check (f->verifier, token, &error);
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  g_assert_no_error (error);
  g_assert_cmpstr (syrinx_grant_get_subject (grant), ==, "ann");
  g_assert_true (syrinx_grant_has_scope (grant, SYRINX_SCOPE_LISTEN));
  g_assert_false (syrinx_grant_has_scope (grant, SYRINX_SCOPE_ADMIN));
  g_assert_true (syrinx_grant_allows_track (grant, "abcdef"));
  g_assert_false (syrinx_grant_allows_track (grant, "xyz"));
  g_assert_true (syrinx_grant_is_live (grant, now_s));
  g_assert_false (syrinx_grant_is_live (grant, now_s + 4000));
}

static void
the_key_is_kept_over_restarts_and_from_others_eyes (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (f->dir, "node-key.jwk", NULL);
  g_autoptr (GError) error = NULL;
  SyrinxIssuer *again = syrinx_issuer_open (f->dir, FALSE, &error);
  g_autofree gchar *jwks = NULL;

  g_assert_no_error (error);
  jwks = syrinx_issuer_get_jwks (again);
  g_assert_cmpstr (jwks, ==, f->jwks);
  syrinx_issuer_free (again);
  g_chmod (path, 0644);
  g_assert_null (syrinx_issuer_open (f->dir, FALSE, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
}

/* --- Forgeries --- */

static gchar *
encode (const gchar *json)
{
  return syrinx_base64url_encode (json, strlen (json));
}

/* header.claims signed by HMAC with the public JWK Set as the secret. */
static gchar *
sign_hmac (Fixture *f, const gchar *header, const gchar *claims)
{
  g_autofree gchar *h = encode (header), *c = encode (claims);
  g_autofree gchar *input = g_strconcat (h, ".", c, NULL);
  g_autofree gchar *signature = NULL;
  guint8 mac[32];

  HMAC (EVP_sha256 (), f->jwks, strlen (f->jwks), (guint8 *)input,
      strlen (input), mac, NULL);
  signature = syrinx_base64url_encode (mac, sizeof mac);
  return g_strconcat (input, ".", signature, NULL);
}

#define CLAIMS "{\"sub\":\"eve\",\"aud\":\"syrinx\",\"exp\":99999999999}"

static void
a_forged_token_is_refused (Fixture *f, gconstpointer data)
{
  static const gchar *const headers[] = { "{\"alg\":\"none\"}",
    "{\"alg\":\"HS256\"}", "{\"alg\":\"ES256\"}", "{\"alg\":\"RS256\"}",
    "{\"alg\":\"EdDSA\"}", "{}", "[]", "{\"alg\":256}",
    "{\"alg\":\"ES256\",\"jku\":\"http://127.0.0.1/\"}" };

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autofree gchar *token = sign_hmac (f, headers[i], CLAIMS);
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_verifier_check (f->verifier, token, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED);
  }
}

static void
every_flipped_character_breaks_a_token (Fixture *f, gconstpointer data)
{
  g_autofree gchar *token = issue (f, "ann", NULL);
  gsize length = strlen (token);

  /* Not the last character: its low bits are not part of the signature's bytes,
   * and the strict decoder's test covers them. */
  for (gsize i = 0; i + 1 < length; i++) {
    gchar kept = token[i];
    g_autoptr (SyrinxGrant) grant = NULL;
    token[i] = kept == 'A' ? 'B' : 'A';
    grant = syrinx_verifier_check (f->verifier, token, NULL);
    g_assert_null (grant);
    token[i] = kept;
  }
}

static void
malformed_tokens_are_refused (Fixture *f, gconstpointer data)
{
  static const gchar *const tokens[]
      = { "", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30.e30" };
  g_autofree gchar *huge = g_strnfill (SYRINX_TOKEN_MAX_BYTES + 1, 'a');

  huge[10] = huge[20] = '.';
  for (guint i = 0; i <= G_N_ELEMENTS (tokens); i++) {
    const gchar *token = i < G_N_ELEMENTS (tokens) ? tokens[i] : huge;
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_verifier_check (f->verifier, token, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED);
  }
}

/* --- Claims, with a key of the test's own (Ed25519) --- */

static gchar *
sign_ed25519 (const gchar *header, const gchar *claims)
{
  g_autofree gchar *h = encode (header), *c = encode (claims);
  g_autofree gchar *input = g_strconcat (h, ".", c, NULL);
  g_autofree gchar *signature = NULL;
  g_autoptr (GBytes) secret = syrinx_base64url_decode (ED25519_SECRET, 32);
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key (
      EVP_PKEY_ED25519, NULL, g_bytes_get_data (secret, NULL), 32);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  guint8 raw[64];
  gsize raw_bytes = sizeof raw;

  EVP_DigestSignInit (context, NULL, NULL, NULL, key);
  EVP_DigestSign (context, raw, &raw_bytes, (guint8 *)input, strlen (input));
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (key);
  signature = syrinx_base64url_encode (raw, raw_bytes);
  return g_strconcat (input, ".", signature, NULL);
}

static void
claims_are_checked (void)
{
  static const struct
  {
    const gchar *header, *claims;
    gint code; /* -1: accepted */
  } cases[] = {
    { "{\"alg\":\"EdDSA\"}", CLAIMS, -1 },
    { "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", CLAIMS, -1 },
    { "{\"alg\":\"EdDSA\"}",
        "{\"sub\":\"a\",\"aud\":[\"x\",\"syrinx\"],\"exp\":99999999999.5}",
        -1 },
    { "{\"alg\":\"EdDSA\",\"kid\":\"other\"}", CLAIMS,
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"ES256\"}", CLAIMS, SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\",\"crit\":[\"exp\"]}", CLAIMS,
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\"}", "{\"aud\":\"syrinx\",\"exp\":99999999999}",
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\"}", "{\"sub\":\"a\",\"aud\":\"syrinx\"}",
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\"}",
        "{\"sub\":\"a\",\"aud\":\"else\",\"exp\":99999999999}",
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\"}", "{\"sub\":\"a\",\"aud\":\"syrinx\",\"exp\":1000}",
        SYRINX_ERROR_EXPIRED },
    { "{\"alg\":\"EdDSA\"}",
        "{\"sub\":\"a\",\"aud\":\"syrinx\",\"exp\":99999999999,"
        "\"nbf\":99999999990}",
        SYRINX_ERROR_UNAUTHENTICATED },
    { "{\"alg\":\"EdDSA\"}",
        "{\"sub\":\"a\",\"aud\":\"syrinx\",\"exp\":\"tomorrow\"}",
        SYRINX_ERROR_UNAUTHENTICATED },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxVerifier) verifier = syrinx_verifier_new (
      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":"
      "\"" ED25519_PUBLIC "\"}]}",
      &policy, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *token = sign_ed25519 (cases[i].header, cases[i].claims);
    g_autoptr (GError) why = NULL;
    g_autoptr (SyrinxGrant) grant
        = syrinx_verifier_check (verifier, token, &why);
    g_test_message ("case %u: %s", i, why ? why->message : "accepted");
    g_assert_cmpint (why ? why->code : -1, ==, cases[i].code);
  }
}

static void
a_claim_that_is_no_string_does_not_count_as_left_out (void)
{
  static const gchar *const names[]
      = { "sub", "jti", "region", "tracks", "scope" };
  static const gchar *const values[]
      = { "[\"abc\"]", "{}", "5", "true", "null" };
  g_autoptr (SyrinxVerifier) verifier = syrinx_verifier_new (
      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
      "\"" ED25519_PUBLIC "\"}]}",
      &policy, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (values); i++) {
    const gchar *name = names[i / G_N_ELEMENTS (values)];
    g_autofree gchar *claims = g_strdup_printf (
        "{%s\"aud\":\"syrinx\",\"exp\":99999999999,\"%s\":%s}",
        g_str_equal (name, "sub") ? "" : "\"sub\":\"a\",", name,
        values[i % G_N_ELEMENTS (values)]);
    g_autofree gchar *token = sign_ed25519 ("{\"alg\":\"EdDSA\"}", claims);
    g_autoptr (GError) why = NULL;

    g_test_message ("%s", claims);
    g_assert_null (syrinx_verifier_check (verifier, token, &why));
    g_assert_error (why, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED);
  }
}

/* --- Clocks that differ --- */

#define ED25519_JWKS                                                           \
  "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"                     \
  "\"" ED25519_PUBLIC "\"}]}"

/* A token of @subject whose @name (iat, nbf or exp) is @ahead_s from now. */
static gchar *
sign_dated (const gchar *subject, const gchar *name, gint64 ahead_s)
{
  gint64 at_s = g_get_real_time () / G_USEC_PER_SEC + ahead_s;
  g_autofree gchar *claims = g_strdup_printf (
      "{\"sub\":\"%s\",\"aud\":\"syrinx\",%s\"%s\":%" G_GINT64_FORMAT "}",
      subject, g_str_equal (name, "exp") ? "" : "\"exp\":99999999999,", name,
      at_s);

  return sign_ed25519 ("{\"alg\":\"EdDSA\"}", claims);
}

/* One second of tolerance, so that a case can't change its result while it
 * runs. */
static void
a_date_may_be_off_by_the_leeway_and_no_more (void)
{
  static const struct
  {
    const gchar *claim;
    gint64 ahead_s;
    gint code; /* -1: accepted */
  } cases[] = {
    { "iat", 0, -1 },
    { "iat", LEEWAY_S, -1 },
    { "iat", LEEWAY_S + 2, SYRINX_ERROR_UNAUTHENTICATED },
    { "iat", 3600, SYRINX_ERROR_UNAUTHENTICATED },
    { "nbf", LEEWAY_S, -1 },
    { "nbf", LEEWAY_S + 2, SYRINX_ERROR_UNAUTHENTICATED },
    { "exp", 2 - LEEWAY_S, -1 },
    { "exp", -LEEWAY_S, SYRINX_ERROR_EXPIRED },
  };
  g_autoptr (SyrinxVerifier) verifier
      = syrinx_verifier_new (ED25519_JWKS, &policy, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *token
        = sign_dated ("ann", cases[i].claim, cases[i].ahead_s);
    g_autoptr (GError) why = NULL;
    g_autoptr (SyrinxGrant) grant
        = syrinx_verifier_check (verifier, token, &why);
    g_test_message ("%s %+d: %s", cases[i].claim, (gint)cases[i].ahead_s,
        why ? why->message : "accepted");
    g_assert_cmpint (why ? why->code : -1, ==, cases[i].code);
  }
}

static void
a_revoked_subject_has_no_token_that_is_dated_ahead (void)
{
  g_autoptr (SyrinxVerifier) verifier
      = syrinx_verifier_new (ED25519_JWKS, &policy, NULL);
  g_autofree gchar *used = sign_dated ("trudy", "iat", LEEWAY_S);
  g_autofree gchar *kept = sign_dated ("trudy", "iat", LEEWAY_S - 1);
  g_autoptr (SyrinxGrant) grant = syrinx_verifier_check (verifier, used, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (grant);
  syrinx_revoke_subject ("trudy", syrinx_get_revocation_end_s (LEEWAY_S));
  g_assert_cmpstr (syrinx_grant_get_denial (grant, 0), ==, "revoked");
  g_assert_null (syrinx_verifier_check (verifier, kept, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
}

static void
a_revocation_takes_no_longer_one_back (void)
{
  syrinx_revoke_subject ("walter", 2000);
  syrinx_revoke_subject ("walter", 1000);
  g_assert_cmpint (syrinx_get_revoked_until_s ("walter"), ==, 2000);
}

/* Otherwise no new token would ever be valid. */
static void
a_token_issued_after_a_revocation_is_not_revoked (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *token = NULL;
  g_auto (GStrv) parts = NULL;
  g_autoptr (GBytes) claims = NULL;
  gint64 end_s = syrinx_get_revocation_end_s (LEEWAY_S);
  g_autofree gchar *wanted
      = g_strdup_printf ("\"iat\":%" G_GINT64_FORMAT, end_s + 1);
  g_autofree gchar *text = NULL;

  syrinx_revoke_subject ("peggy", end_s);
  token = issue (f, "peggy", NULL);
  parts = g_strsplit (token, ".", 3);
  claims = syrinx_base64url_decode (parts[1], 4096);
  text = g_strndup (g_bytes_get_data (claims, NULL), g_bytes_get_size (claims));
  g_assert_nonnull (strstr (text, wanted));
}

/* --- Hints --- */

static void
how_many_sessions_it_is_for_comes_with_a_token (Fixture *f, gconstpointer data)
{
  static const guint given[] = { 0, 1, 40, SYRINX_TOKEN_MAX_SESSIONS };

  for (guint i = 0; i < G_N_ELEMENTS (given); i++) {
    SyrinxTokenRequest request = {
      .subject = "ann", .scope = "listen", .max_sessions = given[i], .ttl_s = 60
    };
    g_autofree gchar *token = syrinx_issuer_issue (f->issuer, &request, NULL);
    g_autoptr (SyrinxGrant) grant
        = syrinx_verifier_check (f->verifier, token, NULL);
    g_assert_cmpuint (syrinx_grant_get_max_sessions (grant), ==, given[i]);
  }
}

static void
a_hint_out_of_range_is_as_good_as_none (void)
{
  static const gchar *const values[]
      = { "0", "-1", "1000001", "1e300", "\"5\"", "null", "[5]" };
  g_autoptr (SyrinxVerifier) verifier
      = syrinx_verifier_new (ED25519_JWKS, &policy, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree gchar *claims
        = g_strdup_printf ("{\"sub\":\"a\",\"aud\":\"syrinx\",\"exp\":"
                           "99999999999,\"sessions\":%s}",
            values[i]);
    g_autofree gchar *token = sign_ed25519 ("{\"alg\":\"EdDSA\"}", claims);
    g_autoptr (SyrinxGrant) grant
        = syrinx_verifier_check (verifier, token, NULL);
    g_test_message ("%s", values[i]);
    g_assert_nonnull (grant);
    g_assert_cmpuint (syrinx_grant_get_max_sessions (grant), ==, 0);
  }
}

/* RFC 8037, appendix A.4: payload "Example of Ed25519 signing" is no JSON, so
 * a good signature alone does not make a token; RFC 7515's RSA key is taken. */
static void
key_sets_are_checked (void)
{
  static const struct
  {
    const gchar *keys;
    gboolean good;
  } cases[] = {
    { "[]", TRUE },
    { "[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" RSA_N "\"}]", TRUE },
    { "[{\"kty\":\"RSA\",\"e\":\"AQAA\",\"n\":\"" RSA_N "\"}]", FALSE },
    { "[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0t\"}]", FALSE },
    { "[{\"kty\":\"oct\",\"k\":\"AAAA\"}]", FALSE },
    { "[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_PUBLIC
      "\",\"d\":\"" ED25519_SECRET "\"}]",
        FALSE },
    { "[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ES256\",\"x\":"
      "\"" ED25519_PUBLIC "\"}]",
        FALSE },
    { "[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"
      "\"" ED25519_PUBLIC "\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":"
      "\"a\",\"x\":\"" ED25519_PUBLIC "\"}]",
        FALSE },
    { "[{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
      "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]",
        FALSE },
    { "7", FALSE },
    { "[7]", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *jwks = g_strdup_printf ("{\"keys\":%s}", cases[i].keys);
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxVerifier) verifier
        = syrinx_verifier_new (jwks, &(SyrinxTokenPolicy){ 0 }, &error);
    g_test_message ("case %u: %s", i, error ? error->message : "accepted");
    g_assert_cmpint (verifier != NULL, ==, cases[i].good);
    if (!cases[i].good)
      g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

static void
count_call (SyrinxGrant *grant, gpointer calls)
{
  (*(guint *)calls)++;
}

static void
revocation_reaches_grants_that_are_held (Fixture *f, gconstpointer data)
{
  g_autofree gchar *token = issue (f, "mallory", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxGrant) grant
      = syrinx_verifier_check (f->verifier, token, &error);
  g_autoptr (SyrinxGrant) other
      = syrinx_grant_new ("ann", "jti-1", SYRINX_SCOPE_LISTEN, NULL, NULL,
          g_get_real_time () / G_USEC_PER_SEC, G_MAXINT64);
  guint calls = 0, silent = 0;
  gulong id;

  g_assert_no_error (error);
  syrinx_grant_watch (grant, count_call, &calls);
  id = syrinx_grant_watch (grant, count_call, &silent);
  syrinx_grant_unwatch (grant, id);
  syrinx_revoke_subject ("mallory", g_get_real_time () / G_USEC_PER_SEC);
  g_assert_cmpuint (calls, ==, 1);
  g_assert_cmpuint (silent, ==, 0);
  g_assert_cmpstr (syrinx_grant_get_denial (grant, 0), ==, "revoked");
  g_assert_true (syrinx_grant_is_live (other, 0));
  g_assert_null (syrinx_verifier_check (f->verifier, token, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED);
  syrinx_revoke_jti ("jti-1", G_MAXINT64);
  g_assert_false (syrinx_grant_is_live (other, 0));
  syrinx_grant_watch (other, count_call, &calls);
  g_assert_cmpuint (calls, ==, 2);
}

static void
revocations_go_when_no_token_can_meet_them (Fixture *f, gconstpointer data)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  const guint before = syrinx_count_revocations ();

  syrinx_revoke_jti ("alive", now_s + 60);
  syrinx_revoke_subject ("left", now_s);
  for (guint i = 0; i < 5000; i++) {
    g_autofree gchar *name = g_strdup_printf ("old %u", i);

    syrinx_revoke_jti (name, now_s - 86400);
    syrinx_revoke_subject (name, now_s - 2 * SYRINX_LONGEST_TOKEN_S);
  }
  g_assert_cmpuint (syrinx_count_revocations (), <, before + 200);
  g_assert_true (syrinx_is_revoked ("any", "alive", now_s));
  g_assert_true (syrinx_is_revoked ("left", "any", now_s));
  g_assert_false (syrinx_is_revoked ("any", "any", now_s));
}

static void
bad_requests_are_told_why (Fixture *f, gconstpointer data)
{
  static const SyrinxTokenRequest requests[] = {
    { .scope = "listen", .ttl_s = 60 },
    { .subject = "", .scope = "listen", .ttl_s = 60 },
    { .subject = "a\nb", .scope = "listen", .ttl_s = 60 },
    { .subject = "a", .scope = "", .ttl_s = 60 },
    { .subject = "a", .scope = "listen fly", .ttl_s = 60 },
    { .subject = "a", .scope = "listen", .ttl_s = 0 },
    { .subject = "a",
        .scope = "listen",
        .max_sessions = SYRINX_TOKEN_MAX_SESSIONS + 1,
        .ttl_s = 60 },
    { .subject = "a", .scope = "listen", .ttl_s = G_MAXINT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (syrinx_issuer_issue (f->issuer, &requests[i], &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define WITH_ISSUER(test)                                                      \
  g_test_add ("/token/" #test, Fixture, NULL, set_up, test, tear_down)
  WITH_ISSUER (an_issued_token_becomes_a_grant);
  WITH_ISSUER (the_key_is_kept_over_restarts_and_from_others_eyes);
  WITH_ISSUER (a_forged_token_is_refused);
  WITH_ISSUER (every_flipped_character_breaks_a_token);
  WITH_ISSUER (malformed_tokens_are_refused);
  WITH_ISSUER (revocation_reaches_grants_that_are_held);
  WITH_ISSUER (revocations_go_when_no_token_can_meet_them);
  WITH_ISSUER (bad_requests_are_told_why);
  WITH_ISSUER (a_token_issued_after_a_revocation_is_not_revoked);
  WITH_ISSUER (how_many_sessions_it_is_for_comes_with_a_token);
#define ALONE(test) g_test_add_func ("/token/" #test, test)
  ALONE (a_claim_that_is_no_string_does_not_count_as_left_out);
  ALONE (a_date_may_be_off_by_the_leeway_and_no_more);
  ALONE (a_revoked_subject_has_no_token_that_is_dated_ahead);
  ALONE (a_revocation_takes_no_longer_one_back);
  ALONE (a_hint_out_of_range_is_as_good_as_none);
  g_test_add_func ("/token/claims_are_checked", claims_are_checked);
  g_test_add_func ("/token/key_sets_are_checked", key_sets_are_checked);
  return g_test_run ();
}
