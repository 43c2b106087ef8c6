/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWEs decrypted by libjose (EC) and by OpenSSL (RSA), and keys that are
 * refused. */
#include "core/crypto/jwe.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <jose/jose.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>

static const gchar payload_text[] = "{\"keys\":[{\"kty\":\"oct\"}]}";

/* The flattened JSON form of a compact JWE. */
static json_t *
flatten (const gchar *compact)
{
  g_auto (GStrv) parts = g_strsplit (compact, ".", -1);

  g_assert_cmpuint (g_strv_length (parts), ==, 5);
  return json_pack ("{s:s,s:s,s:s,s:s,s:s}", "protected", parts[0],
      "encrypted_key", parts[1], "iv", parts[2], "ciphertext", parts[3], "tag",
      parts[4]);
}

static gchar *
wrap (const gchar *jwk)
{
  g_autoptr (GBytes) payload
      = g_bytes_new_static (payload_text, strlen (payload_text));
  g_autoptr (GError) error = NULL;
  gchar *compact = syrinx_jwe_wrap (jwk, payload, &error);

  g_assert_no_error (error);
  return compact;
}

static void
libjose_opens_what_was_wrapped_for_an_elliptic_curve_key (void)
{
  static const gchar *const curves[] = { "P-256", "P-384" };

  for (guint i = 0; i < G_N_ELEMENTS (curves); i++) {
    json_t *private_key = json_pack (
        "{s:s,s:s,s:s}", "kty", "EC", "crv", curves[i], "kid", "a \"kid\"");
    json_t *public_key, *jwe;
    g_autofree gchar *compact = NULL;
    size_t n = 0; /* libjose also starts with 0 */
    char *text, *plain;

    g_assert_true (jose_jwk_gen (NULL, private_key));
    public_key = json_deep_copy (private_key);
    g_assert_true (jose_jwk_pub (NULL, public_key));
    text = json_dumps (public_key, 0);
    compact = wrap (text);
    jwe = flatten (compact);
    plain = jose_jwe_dec (NULL, jwe, NULL, private_key, &n);
    g_assert_nonnull (plain);
    g_assert_cmpmem (plain, n, payload_text, strlen (payload_text));
    free (plain);
    free (text);
    json_decref (jwe);
    json_decref (public_key);
    json_decref (private_key);
  }
}

static gchar *
number_text (EVP_PKEY *key, const gchar *name)
{
  BIGNUM *number = NULL;
  g_autofree guint8 *data = NULL;

  g_assert_true (EVP_PKEY_get_bn_param (key, name, &number));
  data = g_malloc (BN_num_bytes (number));
  gint n = BN_bn2bin (number, data);
  BN_free (number);
  return syrinx_base64url_encode (data, n);
}

static gchar *
rsa_jwk (EVP_PKEY *key)
{
  g_autofree gchar *n = number_text (key, OSSL_PKEY_PARAM_RSA_N);
  g_autofree gchar *e = number_text (key, OSSL_PKEY_PARAM_RSA_E);

  return g_strdup_printf ("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\","
                          "\"alg\":\"RSA-OAEP-256\",\"use\":\"enc\"}",
      n, e);
}

/* Unwraps the content key, as openssl pkeyutl would. (transfer full) */
static json_t *
unwrap_by_rsa (EVP_PKEY *key, const gchar *encrypted_key)
{
  g_autoptr (GBytes) wrapped = syrinx_base64url_decode (encrypted_key, 512);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey (NULL, key, NULL);
  guint8 content_key[512];
  gsize n = sizeof content_key;
  g_autofree gchar *text = NULL;

  g_assert_cmpint (EVP_PKEY_decrypt_init (context), >, 0);
  EVP_PKEY_CTX_set_rsa_padding (context, RSA_PKCS1_OAEP_PADDING);
  EVP_PKEY_CTX_set_rsa_oaep_md_name (context, "SHA256", NULL);
  EVP_PKEY_CTX_set_rsa_mgf1_md_name (context, "SHA256", NULL);
  g_assert_cmpint (
      EVP_PKEY_decrypt (context, content_key, &n,
          g_bytes_get_data (wrapped, NULL), g_bytes_get_size (wrapped)),
      >, 0);
  EVP_PKEY_CTX_free (context);
  g_assert_cmpuint (n, ==, 32);
  text = syrinx_base64url_encode (content_key, n);
  return json_pack ("{s:s,s:s}", "kty", "oct", "k", text);
}

static void
openssl_opens_what_was_wrapped_for_an_rsa_key (void)
{
  EVP_PKEY *key = EVP_RSA_gen (2048);
  g_autofree gchar *jwk = rsa_jwk (key), *compact = wrap (jwk);
  json_t *jwe = flatten (compact);
  json_t *content_key = unwrap_by_rsa (
      key, json_string_value (json_object_get (jwe, "encrypted_key")));
  size_t n = 0; /* libjose also starts with 0 */
  char *plain = jose_jwe_dec_cek (NULL, jwe, content_key, &n);

  g_assert_nonnull (plain);
  g_assert_cmpmem (plain, n, payload_text, strlen (payload_text));
  free (plain);
  json_decref (content_key);
  json_decref (jwe);
  EVP_PKEY_free (key);
}

static void
two_messages_for_one_key_have_nothing_in_common (void)
{
  json_t *key = json_pack ("{s:s,s:s}", "kty", "EC", "crv", "P-256");
  char *text;
  g_autofree gchar *one = NULL, *two = NULL;
  g_auto (GStrv) a = NULL, b = NULL;

  g_assert_true (jose_jwk_gen (NULL, key));
  g_assert_true (jose_jwk_pub (NULL, key));
  text = json_dumps (key, 0);
  one = wrap (text);
  two = wrap (text);
  a = g_strsplit (one, ".", -1);
  b = g_strsplit (two, ".", -1);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpstr (a[i], !=, b[i]);
  free (text);
  json_decref (key);
}

/* --- Refusals --- */

static void
assert_refused (const gchar *jwk, SyrinxError code, const gchar *says)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (syrinx_jwe_wrap (jwk, payload, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, SYRINX_ERROR, (gint)code);
  g_assert_nonnull (strstr (error->message, says));
  g_assert_false (syrinx_jwe_check_key (jwk, NULL));
}

/* RFC 7518, appendix C: Bob's key. */
#define X  "\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\""
#define Y  "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\""
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\""

static const struct
{
  const gchar *name, *jwk;
  SyrinxError code;
  const gchar *says;
} refusals[] = {
  { "no_json", "kty", SYRINX_ERROR_INVALID, "not JSON" },
  { "nothing", "", SYRINX_ERROR_INVALID, "not JSON" },
  { "an_array", "[]", SYRINX_ERROR_INVALID, "a JSON object" },
  { "an_object_without_type", "{}", SYRINX_ERROR_UNSUPPORTED, "'kty'" },
  { "a_type_that_is_no_string", "{\"kty\":7}", SYRINX_ERROR_UNSUPPORTED,
      "'kty'" },
  { "an_ed25519_key", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
      SYRINX_ERROR_UNSUPPORTED, "'kty'" },
  { "a_symmetric_key", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", SYRINX_ERROR_INVALID,
      "private" },
  { "a_private_key", "{" EC "," X "," Y ",\"d\":\"AAAA\"}",
      SYRINX_ERROR_INVALID, "private" },
  { "a_foreign_curve", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"," X "," Y "}",
      SYRINX_ERROR_UNSUPPORTED, "P-256 nor P-384" },
  { "a_point_off_its_curve",
      "{" EC "," X ",\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAO"
      "yck"
      "\",\"x\":\"AAAJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF"
      "_PxMQ\"}",
      SYRINX_ERROR_INVALID, "not on P-256" },
  { "a_coordinate_too_short", "{" EC "," X ",\"y\":\"AAAA\"}",
      SYRINX_ERROR_INVALID, "32 bytes each" },
  { "a_missing_coordinate", "{" EC "," X "}", SYRINX_ERROR_INVALID, "'y'" },
  { "a_key_for_signing", "{" EC "," X "," Y ",\"use\":\"sig\"}",
      SYRINX_ERROR_INVALID, "'use'" },
  { "a_key_for_another_algorithm", "{" EC "," X "," Y ",\"alg\":\"ES256\"}",
      SYRINX_ERROR_INVALID, "'alg'" },
  { "a_key_that_may_only_verify",
      "{" EC "," X "," Y ",\"key_ops\":[\"verify\"]}", SYRINX_ERROR_INVALID,
      "'key_ops'" },
  { "an_rsa_key_without_numbers", "{\"kty\":\"RSA\"}", SYRINX_ERROR_INVALID,
      "'n'" },
};

static void
is_refused_with_its_reason (gconstpointer index)
{
  guint i = GPOINTER_TO_UINT (index);

  assert_refused (refusals[i].jwk, refusals[i].code, refusals[i].says);
}

static void
the_key_that_the_refused_ones_are_made_of_is_good (void)
{
  static const gchar *const operations[]
      = { "[\"deriveBits\"]", "[]" /* of WebCrypto */ };

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
    g_autofree gchar *jwk = g_strdup_printf (
        "{%s,%s,%s,\"use\":\"enc\",\"key_ops\":%s}", EC, X, Y, operations[i]);
    g_autoptr (GError) error = NULL;

    syrinx_jwe_check_key (jwk, &error);
    g_assert_no_error (error);
  }
}

/* A number of @bits, odd or even, as base64url. */
static gchar *
make_number (guint bits, gboolean is_odd)
{
  g_autofree guint8 *data = g_malloc ((bits + 7) / 8);

  memset (data, 0x55, (bits + 7) / 8);
  data[0] = 1u << ((bits - 1) % 8);
  data[(bits + 7) / 8 - 1] |= 1;
  if (!is_odd)
    data[(bits + 7) / 8 - 1] &= ~1;
  return syrinx_base64url_encode (data, (bits + 7) / 8);
}

static void
weak_and_oversized_rsa_keys_are_refused (void)
{
  static const struct
  {
    guint bits;
    gboolean is_odd;
    const gchar *e, *says;
  } cases[] = {
    { 1024, TRUE, "AQAB", "2048 to 4096" },
    { 2047, TRUE, "AQAB", "2048 to 4096" },
    { 4097, TRUE, "AQAB", "2048 to 4096" },
    { 16384, TRUE, "AQAB", "2048 to 4096" },
    { 2048, FALSE, "AQAB", "modulus is even" },
    { 2048, TRUE, "AQAA", "exponent is even" },
    { 2048, TRUE, "AQ", "even or 1" },
    { 2048, TRUE, "AQAAAAAAAAAB", "'e'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *n = make_number (cases[i].bits, cases[i].is_odd);
    g_autofree gchar *jwk = g_strdup_printf (
        "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, cases[i].e);
    assert_refused (jwk, SYRINX_ERROR_INVALID, cases[i].says);
  }
}

static void
a_huge_or_deep_key_is_refused_unread (void)
{
  g_autofree gchar *huge = g_strnfill (8193, ' ');
  g_autofree gchar *deep = g_strnfill (4000, '[');

  assert_refused (huge, SYRINX_ERROR_INVALID, "over 8192");
  assert_refused (deep, SYRINX_ERROR_INVALID, "16 levels");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/jwe/" #name, name)
  ADD (libjose_opens_what_was_wrapped_for_an_elliptic_curve_key);
  ADD (openssl_opens_what_was_wrapped_for_an_rsa_key);
  ADD (two_messages_for_one_key_have_nothing_in_common);
  ADD (the_key_that_the_refused_ones_are_made_of_is_good);
  ADD (weak_and_oversized_rsa_keys_are_refused);
  ADD (a_huge_or_deep_key_is_refused_unread);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree gchar *path
        = g_strdup_printf ("/jwe/%s_is_refused", refusals[i].name);
    g_test_add_data_func (
        path, GUINT_TO_POINTER (i), is_refused_with_its_reason);
  }
  return g_test_run ();
}
