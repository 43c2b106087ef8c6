/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188 messages as syrinxchunkdec decodes them: in pieces of any size, from
 * any record. The input is either the message, or the content of its records
 * with delimiters, which is encrypted here, since no random input passes
 * authentication. */
#include "core/crypto/ece-private.h"
#include "fuzz.h"

#define MAX_RECORDS 64

static const guint8 key_bytes[16] = "a key of 16 byte";

typedef struct
{
  guint record_size, piece, seek; /* 0: whole; no seek */
} Plan;

/* Header and records. The first byte of a record is its content's length, at
 * most a full one; the remaining bytes are the last record. (transfer full) */
static GByteArray *
seal (FuzzInput *input, GBytes *key, guint record_size)
{
  GByteArray *message = g_byte_array_new ();
  guint8 head[SYRINX_ECE_FIXED_BYTES] = "a salt of 16 byt", sealed[272];
  guint32 size_be = GUINT32_TO_BE (record_size);
  SyrinxEceCipher cipher = { 0 };
  gint written;

  memcpy (head + SYRINX_ECE_SALT_BYTES, &size_be, sizeof size_be);
  head[SYRINX_ECE_FIXED_BYTES - 1] = 0;
  g_byte_array_append (message, head, sizeof head);
  g_assert_true (syrinx_ece_cipher_init (&cipher, key, head, TRUE, NULL));
  for (guint i = 0; i < MAX_RECORDS && input->size > 0; i++) {
    gsize n = MIN (fuzz_take_byte (input), record_size - SYRINX_ECE_TAG_BYTES);
    n = MIN (n, input->size);
    g_assert_true (
        syrinx_ece_cipher_start (&cipher, i)
        && EVP_EncryptUpdate (cipher.context, sealed, &written, input->data, n)
        && EVP_EncryptFinal_ex (cipher.context, sealed, &written)
        && EVP_CIPHER_CTX_ctrl (cipher.context, EVP_CTRL_AEAD_GET_TAG,
            SYRINX_ECE_TAG_BYTES, sealed + n));
    g_byte_array_append (message, sealed, n + SYRINX_ECE_TAG_BYTES);
    input->data += n;
    input->size -= n;
  }
  syrinx_ece_cipher_clear (&cipher);
  return message;
}

/* One push, into memory of exactly the announced size. */
static gboolean
push (SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n, gboolean last,
    GByteArray *plain)
{
  g_autofree guint8 *in = g_memdup2 (cipher, n);
  gsize room = syrinx_ece_decoder_get_output_bytes (decoder, n, last);
  g_autofree guint8 *out = g_malloc (room);
  g_autoptr (GError) error = NULL;
  gsize written = 0;

  if (!syrinx_ece_decoder_push (decoder, in, n, last, out, &written, &error)) {
    g_assert_nonnull (error);
    g_assert_cmpuint (written, ==, 0);
    return FALSE;
  }
  g_assert_no_error (error);
  g_assert_cmpuint (written, <=, room);
  g_byte_array_append (plain, out, written);
  return TRUE;
}

/* NULL: it is refused. (transfer full) */
static GByteArray *
decode (GByteArray *message, GBytes *key, const Plan *plan)
{
  g_autoptr (SyrinxEceDecoder) decoder
      = syrinx_ece_decoder_new (key, NULL, NULL);
  g_autoptr (GByteArray) plain = g_byte_array_new ();
  gboolean has_sought = plan->seek == 0;
  gsize at = 0;

  do {
    gsize left = message->len - at;
    gsize n = plan->piece ? MIN (plan->piece, left) : left;
    if (!push (decoder, at ? message->data + at : message->data, n, n == left,
            plain))
      return NULL;
    at += n;
    if (!has_sought && syrinx_ece_decoder_get_record_size (decoder)
        && at < message->len) {
      guint64 offset
          = syrinx_ece_decoder_get_record_offset (decoder, plan->seek);
      has_sought = TRUE;
      if (offset < message->len) {
        syrinx_ece_decoder_set_record (decoder, plan->seek);
        at = offset;
      }
    }
  } while (at < message->len);
  return g_steal_pointer (&plain);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autoptr (GBytes) key = g_bytes_new_static (key_bytes, sizeof key_bytes);
  g_autoptr (GByteArray) message = NULL, pieces = NULL, whole = NULL;
  guint8 what = fuzz_take_byte (&input);
  Plan plan = { .record_size = SYRINX_ECE_MIN_RECORD_SIZE + what % 64,
    .piece = fuzz_take_byte (&input),
    .seek = fuzz_take_byte (&input) % MAX_RECORDS };

  if (what & 0x80) {
    message = seal (&input, key, plan.record_size);
  } else {
    message = g_byte_array_new ();
    g_byte_array_append (message, input.data, input.size);
  }
  pieces = decode (message, key, &plan);
  whole = decode (message, key, &(Plan){ 0 });
  /* The division into pieces must not matter. */
  if (plan.seek == 0) {
    g_assert_true (!pieces == !whole);
    if (whole)
      g_assert_cmpmem (pieces->data, pieces->len, whole->data, whole->len);
  }
  return 0;
}
