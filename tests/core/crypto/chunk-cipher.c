/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chunks compared with published vectors and openssl's program, and damaged
 * ones. */
#include "core/crypto/chunk-cipher.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <gio/gio.h>

#include <string.h>

static const guint8 key_data[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2,
  0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };

static const gsize sizes[] = { 0, 1, 15, 16, 17, 31, 32, 4095, 4096, 65536 };

static void
sizes_always_leave_room_for_padding (void)
{
  g_assert_cmpuint (syrinx_chunk_ciphertext_bytes (0), ==, 16);
  g_assert_cmpuint (syrinx_chunk_ciphertext_bytes (15), ==, 16);
  g_assert_cmpuint (syrinx_chunk_ciphertext_bytes (16), ==, 32);
  g_assert_cmpuint (syrinx_chunk_ciphertext_bytes (17), ==, 32);
}

/* SP 800-38A, F.2.1. Its IV is not a chunk number, but the IV affects the first
 * block only by E (P ^ IV). */
static void
a_block_has_the_value_of_sp_800_38a (void)
{
  static const guint8 plain[16] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f,
    0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a };
  static const guint8 expected[16] = { 0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2,
    0x46, 0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d };
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, sizeof key_data);
  guint8 block[16], out[32];

  for (guint i = 0; i < 16; i++)
    block[i] = plain[i] ^ i; /* the vector's IV is 00 01 … 0f */
  g_assert_true (syrinx_chunk_encrypt (key, 0, block, 16, out, NULL));
  g_assert_cmpmem (out, 16, expected, 16);
}

static void
what_is_encrypted_in_place_decrypts_in_place (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, sizeof key_data);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    gsize n = sizes[i], total = syrinx_chunk_ciphertext_bytes (n), got;
    g_autofree guint8 *plain = g_malloc (total), *data = g_malloc (total);

    syrinx_random_fill (plain, total);
    memcpy (data, plain, n);
    g_assert_true (syrinx_chunk_encrypt (key, 77, data, n, data, NULL));
    if (n >= 16)
      g_assert_cmpint (memcmp (data, plain, n), !=, 0);
    g_assert_true (
        syrinx_chunk_decrypt (key, 77, data, total, data, &got, NULL));
    g_assert_cmpmem (data, got, plain, n);
  }
}

/* openssl enc decrypts what we encrypted. */
static void
openssl_reads_a_chunk (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, sizeof key_data);
  static const guint64 numbers[] = { 0, 1, 0x0102030405060708 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    gsize n = sizes[i], total = syrinx_chunk_ciphertext_bytes (n);
    guint64 number = numbers[i % G_N_ELEMENTS (numbers)];
    g_autofree gchar *iv
        = g_strdup_printf ("%032" G_GINT64_MODIFIER "x", number);
    g_autofree guint8 *plain = g_malloc (n + 1), *cipher = g_malloc (total);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) in = NULL, out = NULL;
    g_autoptr (GSubprocess) openssl = g_subprocess_new (
        G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
        "openssl", "enc", "-d", "-aes-128-cbc", "-K",
        "2b7e151628aed2a6abf7158809cf4f3c", "-iv", iv, NULL);

    g_assert_no_error (error);
    syrinx_random_fill (plain, n);
    g_assert_true (syrinx_chunk_encrypt (key, number, plain, n, cipher, NULL));
    in = g_bytes_new (cipher, total);
    g_assert_true (
        g_subprocess_communicate (openssl, in, NULL, &out, NULL, &error));
    g_assert_true (g_subprocess_get_successful (openssl));
    g_assert_cmpmem (
        g_bytes_get_data (out, NULL), g_bytes_get_size (out), plain, n);
  }
}

static void
assert_corrupt (GBytes *key, guint64 number, const guint8 *cipher, gsize n)
{
  g_autofree guint8 *plain = g_malloc0 (n + 1);
  g_autoptr (GError) error = NULL;
  gsize got;

  g_assert_false (
      syrinx_chunk_decrypt (key, number, cipher, n, plain, &got, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  g_assert_cmpstr (error->message, ==,
      "the chunk does not decrypt with this key and number");
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (plain[i], ==, 0);
}

/* Encrypts a block whose bytes are all @last, up to byte 16, and checks its
 * padding. */
static void
every_wrong_padding_gives_the_same_error_and_no_plaintext (void)
{
  static const guint8 last_blocks[][16] = {
    { [15] = 0 },
    { [15] = 2 },
    { [15] = 17 },
    { [15] = 255 },
    { [13] = 2, [14] = 3, [15] = 3 },
    { 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 },
  };
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, sizeof key_data);

  for (guint i = 0; i < G_N_ELEMENTS (last_blocks); i++) {
    guint8 cipher[32];
    g_assert_true (
        syrinx_chunk_encrypt (key, 5, last_blocks[i], 16, cipher, NULL));
    assert_corrupt (key, 5, cipher, 16);
  }
}

static void
a_truncated_or_empty_chunk_is_corrupt (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, sizeof key_data);
  guint8 cipher[48] = { 0 };

  g_assert_true (syrinx_chunk_encrypt (key, 5, cipher, 32, cipher, NULL));
  assert_corrupt (key, 5, cipher, 0);
  assert_corrupt (key, 5, cipher, 1);
  assert_corrupt (key, 5, cipher, 47);
  assert_corrupt (key, 5, cipher, 32);
}

static void
a_key_of_another_size_is_refused (void)
{
  static const gsize wrong[] = { 0, 15, 17, 32 };
  guint8 data[32] = { 0 }, out[48];

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GBytes) key = g_bytes_new (data, wrong[i]);
    g_autoptr (GError) error = NULL;
    g_assert_false (syrinx_chunk_encrypt (key, 0, data, 16, out, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/chunk-cipher/" #name, name)
  ADD (sizes_always_leave_room_for_padding);
  ADD (a_block_has_the_value_of_sp_800_38a);
  ADD (what_is_encrypted_in_place_decrypts_in_place);
  ADD (openssl_reads_a_chunk);
  ADD (every_wrong_padding_gives_the_same_error_and_no_plaintext);
  ADD (a_truncated_or_empty_chunk_is_corrupt);
  ADD (a_key_of_another_size_is_refused);
  return g_test_run ();
}
