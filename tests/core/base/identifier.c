/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers, base64url and digests. */
#include "core/base/identifier.h"
#include "core/crypto/secret.h"

#include <stdio.h>
#include <string.h>

static void
identifiers_are_valid_and_differ (void)
{
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 1000; i++) {
    gchar *id = syrinx_id_new ();
    g_assert_true (syrinx_id_is_valid (id));
    g_assert_cmpint (
        *id, !=, '-'); /* command lines would take it for an option */
    g_assert_true (g_hash_table_add (seen, id));
  }
}

static void
nothing_but_22_characters_of_base64url_is_an_identifier (void)
{
  static const gchar *const wrong[]
      = { NULL, "", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA",
          "../AAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA/",
          "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA\n",
          "AAAAAAAAAAAAAAAAAAAA\xc3\xa9" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (syrinx_id_is_valid (wrong[i]));
  g_assert_true (syrinx_id_is_valid ("abcXYZ019-_AAAAAAAAAAA"));
}

static const struct
{
  const gchar *text, *data;
} pairs[] = {
  { "", "" },
  { "Zg", "f" },
  { "Zm8", "fo" },
  { "Zm9v", "foo" },
  { "Zm9vYg", "foob" },
  { "Zm9vYmE", "fooba" },
  { "Zm9vYmFy", "foobar" },
  { "-_-_", "\xfb\xff\xbf" },
  { "_w", "\xff" },
};

static void
base64url_has_the_values_of_rfc_4648 (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    gsize size_bytes = strlen (pairs[i].data);
    g_autofree gchar *text
        = syrinx_base64url_encode (pairs[i].data, size_bytes);
    g_autoptr (GBytes) data = syrinx_base64url_decode (text, size_bytes);

    g_assert_cmpstr (text, ==, pairs[i].text);
    g_assert_nonnull (data);
    g_assert_cmpmem (g_bytes_get_data (data, NULL), g_bytes_get_size (data),
        pairs[i].data, size_bytes);
  }
}

static void
base64url_is_strict (void)
{
  static const gchar *const wrong[] = { "A", "Zg==", "Zm9v\n", " Zm9v", "Zm+v",
    "Zm/v", "Zh", "Zm9", "Zm9vY", "\xc3\xa9\xc3\xa9" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_null (syrinx_base64url_decode (wrong[i], 64));
}

static void
base64url_keeps_to_the_most_it_may_hold (void)
{
  for (gsize n = 0; n < 40; n++) {
    guint8 data[40];
    g_autofree gchar *text = NULL;
    g_autoptr (GBytes) fits = NULL;

    memset (data, 0xa5, sizeof data);
    text = syrinx_base64url_encode (data, n);
    fits = syrinx_base64url_decode (text, n);
    g_assert_nonnull (fits);
    if (n > 0)
      g_assert_null (syrinx_base64url_decode (text, n - 1));
  }
}

static void
sha256_has_the_value_of_fips_180 (void)
{
  guint8 digest[SYRINX_SHA256_BYTES];
  g_autofree gchar *expected
      = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "abc", 3);

  syrinx_sha256 ("abc", 3, digest);
  for (guint i = 0; i < sizeof digest; i++) {
    g_autofree gchar *byte = g_strdup_printf ("%02x", digest[i]);
    g_assert_cmpmem (byte, 2, expected + 2 * i, 2);
  }
  g_assert_true (g_str_has_prefix (expected, "ba7816bf"));
}

static void
secrets_are_compared_whole (void)
{
  g_assert_true (syrinx_equal_secret ("abcd", "abcd", 4));
  g_assert_false (syrinx_equal_secret ("abcd", "abce", 4));
  g_assert_false (syrinx_equal_secret ("xbcd", "abcd", 4));
}

static void
a_secret_is_wiped_when_its_last_reference_goes (void)
{
  GBytes *secret = syrinx_secret_new ("0123456789abcdef", 16);
  const guint8 *data = g_bytes_get_data (secret, NULL);

  g_bytes_ref (secret);
  g_bytes_unref (secret);
  g_assert_cmpmem (data, 16, "0123456789abcdef", 16);
  g_bytes_unref (secret);
  /* The slot is still mapped; its first bytes now link free slots. */
  for (guint i = sizeof (gpointer); i < 16; i++)
    g_assert_cmpuint (data[i], ==, 0);
}

/* Whether the mapping around @address has "dd" (do not dump) in smaps. */
static gboolean
is_left_out_of_core_files (gconstpointer address)
{
  g_autofree gchar *smaps = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean within = FALSE;

  g_assert_true (g_file_get_contents ("/proc/self/smaps", &smaps, NULL, NULL));
  lines = g_strsplit (smaps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    gsize from, to;
    if (sscanf (lines[i], "%zx-%zx ", &from, &to) == 2)
      within = from <= (gsize)address && (gsize)address < to;
    else if (within && g_str_has_prefix (lines[i], "VmFlags:"))
      return strstr (lines[i], " dd") != NULL;
  }
  return FALSE;
}

static void
secrets_of_any_size_stay_out_of_core_files (void)
{
  static const gsize sizes[] = { 1, 16, 64, 65, 5000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GBytes) secret = syrinx_secret_new_random (sizes[i]);
    g_assert_cmpuint (g_bytes_get_size (secret), ==, sizes[i]);
    g_assert_true (is_left_out_of_core_files (g_bytes_get_data (secret, NULL)));
  }
  g_assert_false (is_left_out_of_core_files (sizes));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/identifier/" #name, name)
  ADD (identifiers_are_valid_and_differ);
  ADD (nothing_but_22_characters_of_base64url_is_an_identifier);
  ADD (base64url_has_the_values_of_rfc_4648);
  ADD (base64url_is_strict);
  ADD (base64url_keeps_to_the_most_it_may_hold);
  ADD (sha256_has_the_value_of_fips_180);
  ADD (secrets_are_compared_whole);
  ADD (a_secret_is_wiped_when_its_last_reference_goes);
  ADD (secrets_of_any_size_stay_out_of_core_files);
  return g_test_run ();
}
