/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188: its vectors, division into pieces of all sizes, and errors for
 * damage. */
#include "core/crypto/ece.h"
#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

static const guint8 key_data[16] = "0123456789abcdef";

static GBytes *
text (const gchar *base64url)
{
  GBytes *bytes = syrinx_base64url_decode (base64url, 4096);

  g_assert_nonnull (bytes);
  return bytes;
}

/* Section 3.1: one record. Section 3.2: two, the first padded by one byte. */
static const struct
{
  const gchar *key, *keyid;
  guint record_size, first_bytes;
  const gchar *message;
} vectors[] = {
  { "yqdlZ-tYemfogSmv7Ws5PQ", NULL, 4096, 0,
      "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-"
      "ly8Thjg" },
  { "BO3ZVPxUlnLORbVGMpbT1Q", "a1", 25, 7,
      "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQ"
      "PdPHI51OEUKEpgz3SsLWIqS_uA" },
};

static void
messages_have_the_values_of_rfc_8188 (void)
{
  static const guint8 plain[] = "I am the walrus";

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GBytes) key = text (vectors[i].key);
    g_autoptr (GBytes) message = text (vectors[i].message);
    const guint8 *expected = g_bytes_get_data (message, NULL);
    guint first = vectors[i].first_bytes, n = 0;
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxEceEncoder) encoder = syrinx_ece_encoder_new (
        key, expected, vectors[i].keyid, vectors[i].record_size, &error);
    g_autoptr (GBytes) opened = NULL;
    guint8 out[256];

    g_assert_no_error (error);
    if (first > 0) {
      n = syrinx_ece_encoder_get_output_bytes (
          encoder, first, SYRINX_ECE_FLUSH);
      g_assert_true (syrinx_ece_encoder_push (
          encoder, plain, first, SYRINX_ECE_FLUSH, out, NULL));
    }
    gsize rest = syrinx_ece_encoder_get_output_bytes (
        encoder, 15 - first, SYRINX_ECE_LAST);
    g_assert_true (syrinx_ece_encoder_push (
        encoder, plain + first, 15 - first, SYRINX_ECE_LAST, out + n, NULL));
    g_assert_cmpmem (out, n + rest, expected, g_bytes_get_size (message));

    opened = syrinx_ece_decrypt (
        key, vectors[i].keyid, expected, g_bytes_get_size (message), &error);
    g_assert_no_error (error);
    g_assert_cmpmem (
        g_bytes_get_data (opened, NULL), g_bytes_get_size (opened), plain, 15);
  }
}

static void
push (SyrinxEceEncoder *encoder, const guint8 *plain, gsize n, SyrinxEceEnd end,
    GByteArray *to)
{
  gsize at = to->len;
  gsize room = syrinx_ece_encoder_get_output_bytes (encoder, n, end);

  /* An extra byte at the end reveals a write past the announced size. */
  g_byte_array_set_size (to, at + room + 1);
  to->data[at + room] = 0x5a;
  g_assert_true (
      syrinx_ece_encoder_push (encoder, plain, n, end, to->data + at, NULL));
  g_assert_cmpuint (to->data[at + room], ==, 0x5a);
  g_byte_array_set_size (to, at + room);
}

/* Decodes in pieces of up to @piece bytes. */
static GByteArray *
decode (
    GBytes *key, const guint8 *message, gsize n, gsize piece, GError **error)
{
  g_autoptr (SyrinxEceDecoder) decoder
      = syrinx_ece_decoder_new (key, NULL, NULL);
  GByteArray *plain = g_byte_array_new ();

  for (gsize at = 0; at <= n; at += piece) {
    gsize take = MIN (piece, n - at), got;
    guint before = plain->len;
    g_byte_array_set_size (plain, before
                                      + syrinx_ece_decoder_get_output_bytes (
                                          decoder, take, at + piece > n)
                                      + 1);
    if (!syrinx_ece_decoder_push (decoder, message + at, take, at + piece > n,
            plain->data + before, &got, error)) {
      for (gsize i = before; i + 1 < plain->len; i++)
        g_assert_cmpuint (plain->data[i], ==, 0);
      g_byte_array_unref (plain);
      return NULL;
    }
    g_byte_array_set_size (plain, before + got);
  }
  return plain;
}

static void
any_cut_of_content_and_message_gives_the_content_back (void)
{
  static const guint sizes[] = { 18, 19, 25, 100, 4096 };
  static const gsize pieces[] = { 1, 7, 18, 100, 100000 };
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16);
  guint8 plain[1000];

  syrinx_random_fill (plain, sizeof plain);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint j = 0; j < G_N_ELEMENTS (pieces); j++)
      for (guint k = 0; k < 3; k++) {
        gsize n = k == 0 ? 0 : k == 1 ? 332 : sizeof plain;
        g_autoptr (SyrinxEceEncoder) encoder
            = syrinx_ece_encoder_new (key, NULL, "k", sizes[i], NULL);
        g_autoptr (GByteArray) message = g_byte_array_new (), back = NULL;
        g_autoptr (GError) error = NULL;

        for (gsize at = 0; at < n; at += MIN (pieces[j], n - at))
          push (encoder, plain + at, MIN (pieces[j], n - at),
              at % 3 == 1 ? SYRINX_ECE_FLUSH : SYRINX_ECE_MORE, message);
        push (encoder, NULL, 0, SYRINX_ECE_LAST, message);
        back = decode (key, message->data, message->len,
            pieces[G_N_ELEMENTS (pieces) - 1 - j], &error);
        g_assert_no_error (error);
        g_assert_cmpmem (back->data, back->len, plain, n);
      }
}

static void
content_that_fills_its_records_needs_no_empty_one (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16);
  guint8 plain[2 * 83] = { 0 };
  g_autoptr (GBytes) message
      = syrinx_ece_encrypt (key, NULL, NULL, 100, plain, sizeof plain, NULL);

  g_assert_cmpuint (g_bytes_get_size (message), ==, 21 + 200);
}

static void
a_record_is_found_by_its_number (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16);
  g_autoptr (SyrinxEceDecoder) decoder
      = syrinx_ece_decoder_new (key, NULL, NULL);
  g_autoptr (SyrinxEceEncoder) encoder = NULL;
  guint8 plain[10 * 83], out[10 * 83], again[100];
  g_autoptr (GBytes) message = NULL;
  const guint8 *data;
  gsize got, offset;

  syrinx_random_fill (plain, sizeof plain);
  message = syrinx_ece_encrypt (
      key, key_data, NULL, 100, plain, sizeof plain, NULL);
  data = g_bytes_get_data (message, NULL);
  g_assert_cmpuint (syrinx_ece_decoder_get_record_offset (decoder, 7), ==, 0);
  g_assert_true (
      syrinx_ece_decoder_push (decoder, data, 30, FALSE, out, &got, NULL));
  offset = syrinx_ece_decoder_get_record_offset (decoder, 7);
  g_assert_cmpuint (offset, ==, 21 + 700);
  syrinx_ece_decoder_set_record (decoder, 7);
  g_assert_true (syrinx_ece_decoder_push (decoder, data + offset,
      g_bytes_get_size (message) - offset, TRUE, out, &got, NULL));
  g_assert_cmpmem (out, got, plain + 7 * 83, 3 * 83);

  encoder = syrinx_ece_encoder_new (key, key_data, NULL, 100, NULL);
  syrinx_ece_encoder_set_record (encoder, 7);
  g_assert_true (syrinx_ece_encoder_push (
      encoder, plain + 7 * 83, 83, SYRINX_ECE_MORE, again, NULL));
  g_assert_cmpmem (again, 100, data + offset, 100);
}

/* --- Damage: a message of 4 records and a short one. --- */

#define HEADER 21
#define RECORD 100

static void
flip (GByteArray *message)
{
  message->data[HEADER + 2 * RECORD + 5] ^= 0x10;
}

static void
flip_first (GByteArray *message)
{
  message->data[HEADER + 5] ^= 0x10;
}

static void
flip_tag_of_last (GByteArray *message)
{
  message->data[message->len - 1] ^= 1;
}

static void
flip_salt (GByteArray *message)
{
  message->data[3] ^= 1;
}

static void
cut_last (GByteArray *message)
{
  g_byte_array_set_size (message, message->len - 3);
}

static void
cut_to_nothing (GByteArray *message)
{
  g_byte_array_set_size (message, HEADER + 4 * RECORD + 9);
}

static void
cut_at_border (GByteArray *message)
{
  g_byte_array_set_size (message, HEADER + 4 * RECORD);
}

static void
cut_header (GByteArray *message)
{
  g_byte_array_set_size (message, 20);
}

static void
swap (GByteArray *message)
{
  guint8 *a = message->data + HEADER + RECORD, *b = a + RECORD, t[RECORD];

  memcpy (t, a, RECORD);
  memcpy (a, b, RECORD);
  memcpy (b, t, RECORD);
}

static void
drop_first (GByteArray *message)
{
  g_byte_array_remove_range (message, HEADER, RECORD);
}

static void
append (GByteArray *message)
{
  g_byte_array_append (message, (const guint8 *)"x", 1);
}

static void
enlarge_records (GByteArray *message)
{
  message->data[16] = 0xff;
}

static void
shrink_records (GByteArray *message)
{
  message->data[19] = 17;
}

static const struct
{
  const gchar *name;
  void (*damage) (GByteArray *message);
  SyrinxError code;
  const gchar *says;
} damages[] = {
  { "a_flipped_bit", flip, SYRINX_ERROR_CORRUPT, "record 2 was changed" },
  { "a_flipped_bit_in_the_first_record", flip_first, SYRINX_ERROR_CORRUPT,
      "record 0 was changed" },
  { "a_flipped_bit_in_the_last_tag", flip_tag_of_last, SYRINX_ERROR_CORRUPT,
      "record 4 was changed" },
  { "another_salt", flip_salt, SYRINX_ERROR_CORRUPT, "wrong key" },
  { "a_truncated_last_record", cut_last, SYRINX_ERROR_CORRUPT,
      "truncated in its last record" },
  { "a_last_record_of_which_nothing_is_left", cut_to_nothing,
      SYRINX_ERROR_CORRUPT, "truncated" },
  { "a_missing_last_record", cut_at_border, SYRINX_ERROR_CORRUPT,
      "without a last one" },
  { "a_truncated_header", cut_header, SYRINX_ERROR_CORRUPT, "in its header" },
  { "swapped_records", swap, SYRINX_ERROR_CORRUPT,
      "record 2 stands in the place of record 1" },
  { "a_missing_first_record", drop_first, SYRINX_ERROR_CORRUPT,
      "record 1 stands in the place of record 0" },
  { "something_after_the_end", append, SYRINX_ERROR_CORRUPT, "" },
  { "a_huge_record_size", enlarge_records, SYRINX_ERROR_UNSUPPORTED,
      "record size" },
  { "a_record_size_without_room", shrink_records, SYRINX_ERROR_INVALID,
      "record size" },
};

static void
damage_is_called_by_its_name (gconstpointer index)
{
  guint i = GPOINTER_TO_UINT (index);
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16), intact = NULL;
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint8 plain[4 * 83 + 20];

  memset (plain, 'p', sizeof plain);
  intact = syrinx_ece_encrypt (
      key, key_data, NULL, RECORD, plain, sizeof plain, NULL);
  g_byte_array_append (
      message, g_bytes_get_data (intact, NULL), g_bytes_get_size (intact));
  damages[i].damage (message);
  g_assert_null (
      decode (key, message->data, message->len, message->len + 1, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, SYRINX_ERROR, (gint)damages[i].code);
  g_assert_nonnull (strstr (error->message, damages[i].says));
  g_clear_error (&error);
  /* Byte by byte, the cause is less exact, but no data passes. */
  g_assert_null (decode (key, message->data, message->len, 1, &error));
}

static void
a_wrong_key_or_key_id_is_called_so (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16);
  g_autoptr (GBytes) other = g_bytes_new_static ("fedcba9876543210", 16);
  guint8 plain[500] = { 0 };
  g_autoptr (GBytes) message
      = syrinx_ece_encrypt (key, NULL, "alpha", 100, plain, sizeof plain, NULL);
  gsize n;
  const guint8 *data = g_bytes_get_data (message, &n);
  g_autoptr (GError) error = NULL;

  g_assert_null (syrinx_ece_decrypt (other, NULL, data, n, &error));
  g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "wrong key"));
  g_assert_null (strstr (error->message, "or the"));
  g_clear_error (&error);
  g_assert_null (syrinx_ece_decrypt (key, "beta", data, n, &error));
  g_assert_nonnull (strstr (error->message, "key id"));
}

static void
keys_and_sizes_out_of_range_are_refused (void)
{
  g_autoptr (GBytes) short_key = g_bytes_new_static (key_data, 15);
  g_autoptr (GBytes) key = g_bytes_new_static (key_data, 16);
  g_autofree gchar *long_id = g_strnfill (256, 'k');

  g_assert_null (syrinx_ece_encoder_new (short_key, NULL, NULL, 4096, NULL));
  g_assert_null (syrinx_ece_decoder_new (short_key, NULL, NULL));
  g_assert_null (syrinx_ece_encoder_new (key, NULL, NULL, 17, NULL));
  g_assert_null (syrinx_ece_encoder_new (key, NULL, NULL, 2 << 20, NULL));
  g_assert_null (syrinx_ece_encoder_new (key, NULL, long_id, 4096, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/ece/" #name, name)
  ADD (messages_have_the_values_of_rfc_8188);
  ADD (any_cut_of_content_and_message_gives_the_content_back);
  ADD (content_that_fills_its_records_needs_no_empty_one);
  ADD (a_record_is_found_by_its_number);
  ADD (a_wrong_key_or_key_id_is_called_so);
  ADD (keys_and_sizes_out_of_range_are_refused);
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_autofree gchar *path
        = g_strconcat ("/ece/", damages[i].name, "_is_called_so", NULL);
    g_test_add_data_func (
        path, GUINT_TO_POINTER (i), damage_is_called_by_its_name);
  }
  return g_test_run ();
}
