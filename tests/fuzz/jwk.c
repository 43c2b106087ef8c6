/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as JWKs: a client's public key, with which a key is wrapped if it is
 * accepted, and sets of keys that verify tokens. */
#include "core/crypto/jwe.h"
#include "core/access/token.h"
#include "fuzz.h"

static void
wrap (const gchar *jwk)
{
  static const guint8 key[16];
  g_autoptr (GBytes) payload = g_bytes_new_static (key, sizeof key);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *jwe = NULL;

  if (!syrinx_jwe_check_key (jwk, &error)) {
    g_assert_nonnull (error);
    return;
  }
  g_assert_no_error (error);
  jwe = syrinx_jwe_wrap (jwk, payload, &error);
  g_assert_no_error (error);
  g_assert_nonnull (jwe);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autofree gchar *text = fuzz_take_text (&input);
  g_autoptr (SyrinxVerifier) verifier = NULL;
  g_autoptr (GError) error = NULL;

  wrap (text);
  verifier = syrinx_verifier_new (text, &(SyrinxTokenPolicy){ 0 }, &error);
  g_assert_true (!verifier == !!error);
  return 0;
}
