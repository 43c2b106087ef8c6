/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWTs: a token as it is, or header and claims (a line each) that are signed
 * here with a key that the verifier knows, since signed content can be hostile
 * too. */
#include "core/base/identifier.h"
#include "core/crypto/jwk.h"
#include "core/access/token.h"
#include "fuzz.h"

#include <openssl/evp.h>

static const guint8 secret[32] = "an Ed25519 key for the fuzzer. ";
static EVP_PKEY *signing_key;
static SyrinxVerifier *verifier;

static void
prepare (void)
{
  guint8 public[32];
  gsize n = sizeof public;
  g_autofree gchar *x = NULL, *jwks = NULL;

  if (verifier)
    return;
  signing_key = EVP_PKEY_new_raw_private_key (
      EVP_PKEY_ED25519, NULL, secret, sizeof secret);
  g_assert_true (EVP_PKEY_get_raw_public_key (signing_key, public, &n));
  x = syrinx_base64url_encode (public, n);
  jwks = g_strdup_printf (
      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]}", x);
  verifier = syrinx_verifier_new (
      jwks, &(SyrinxTokenPolicy){ .audience = "syrinx" }, NULL);
  g_assert_nonnull (verifier);
}

/* (transfer full) */
static gchar *
sign (const gchar *text)
{
  const gchar *end = strchrnul (text, '\n');
  g_autofree gchar *header = syrinx_base64url_encode (text, end - text);
  const gchar *claims = *end ? end + 1 : end;
  g_autofree gchar *payload = syrinx_base64url_encode (claims, strlen (claims));
  g_autofree gchar *input = g_strconcat (header, ".", payload, NULL);
  g_autofree gchar *signature = NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  guint8 bytes[64];
  gsize n = sizeof bytes;

  g_assert_true (EVP_DigestSignInit (context, NULL, NULL, NULL, signing_key)
                 && EVP_DigestSign (context, bytes, &n, (const guint8 *)input,
                     strlen (input)));
  EVP_MD_CTX_free (context);
  signature = syrinx_base64url_encode (bytes, n);
  return g_strconcat (input, ".", signature, NULL);
}

static void
check (const gchar *token, gboolean is_ours)
{
  g_autoptr (GError) error = NULL;
  SyrinxGrant *grant = syrinx_verifier_check (verifier, token, &error);

  g_assert_true (!grant == !!error);
  if (!grant)
    return;
  g_assert_true (is_ours); /* otherwise it was forged */
  g_assert_true (*syrinx_grant_get_subject (grant));
  syrinx_grant_allows_track (grant, "4Tr7y3d5fDndRwh8QHfQeA");
  syrinx_grant_unref (grant);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  gboolean is_ours = fuzz_take_byte (&input) == 's';
  g_autofree gchar *text = fuzz_take_text (&input), *token = NULL;

  prepare ();
  token = is_ours ? sign (text) : g_steal_pointer (&text);
  check (token, is_ours);
  return 0;
}
