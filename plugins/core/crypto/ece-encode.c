/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188 encrypted content: the encoder. */
#include "ece-private.h"
#include "core/base/error.h"
#include "core/base/identifier.h"
#include "secret.h"

#include <string.h>

/* The plaintext of an incomplete record is encrypted as it comes: only
 * ciphertext is held, without the tag. A session that ends a record with every
 * batch holds nothing and allocates no room for it. */
struct _SyrinxEceEncoder
{
  SyrinxEceCipher cipher;
  guint8 header[SYRINX_ECE_MAX_HEADER_BYTES];
  gsize header_bytes; /* 0 after it was written */
  guint record_size;
  guint64 record;   /* the current or next record */
  gsize held_bytes; /* plaintext bytes of the current record, in held */
  gboolean is_finished;
  guint8 *held; /* record_size; NULL until bytes are held */
};

static void
write_header (SyrinxEceEncoder *encoder, const guint8 *salt, const gchar *keyid)
{
  guint32 big_endian = GUINT32_TO_BE (encoder->record_size);
  gsize keyid_bytes = keyid ? strlen (keyid) : 0;
  guint8 *at = encoder->header;

  memcpy (at, salt, SYRINX_ECE_SALT_BYTES);
  memcpy (at + SYRINX_ECE_SALT_BYTES, &big_endian, sizeof big_endian);
  at[SYRINX_ECE_FIXED_BYTES - 1] = keyid_bytes;
  if (keyid_bytes > 0)
    memcpy (at + SYRINX_ECE_FIXED_BYTES, keyid, keyid_bytes);
  encoder->header_bytes = SYRINX_ECE_FIXED_BYTES + keyid_bytes;
}

SyrinxEceEncoder *
syrinx_ece_encoder_new (GBytes *key, const guint8 *salt, const gchar *keyid,
    guint record_size, GError **error)
{
  g_autoptr (SyrinxEceEncoder) encoder = NULL;
  guint8 random[SYRINX_ECE_SALT_BYTES];

  if (!syrinx_ece_check_key (key, error))
    return NULL;
  if (record_size < SYRINX_ECE_MIN_RECORD_SIZE
      || record_size > SYRINX_ECE_MAX_RECORD_SIZE
      || (keyid && strlen (keyid) > SYRINX_ECE_MAX_KEYID_BYTES)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "ece needs a record size of %d to %d bytes and a key id of at most %d",
        SYRINX_ECE_MIN_RECORD_SIZE, SYRINX_ECE_MAX_RECORD_SIZE,
        SYRINX_ECE_MAX_KEYID_BYTES);
    return NULL;
  }
  if (salt == NULL) {
    syrinx_random_fill (random, sizeof random);
    salt = random;
  }
  encoder = g_new0 (SyrinxEceEncoder, 1);
  encoder->record_size = record_size;
  write_header (encoder, salt, keyid);
  if (!syrinx_ece_cipher_init (&encoder->cipher, key, salt, TRUE, error))
    return NULL;
  return g_steal_pointer (&encoder);
}

void
syrinx_ece_encoder_free (SyrinxEceEncoder *encoder)
{
  if (encoder == NULL)
    return;
  syrinx_ece_cipher_clear (&encoder->cipher);
  g_free (encoder->held);
  g_free (encoder);
}

gsize
syrinx_ece_encoder_get_held_bytes (SyrinxEceEncoder *encoder)
{
  return encoder->held_bytes;
}

void
syrinx_ece_encoder_set_record (SyrinxEceEncoder *encoder, guint64 record)
{
  encoder->record = record;
  encoder->held_bytes = 0;
  encoder->header_bytes = 0;
}

gsize
syrinx_ece_encoder_get_output_bytes (
    SyrinxEceEncoder *encoder, gsize plain_bytes, SyrinxEceEnd end)
{
  gsize capacity = encoder->record_size - SYRINX_ECE_OVERHEAD_BYTES;
  gsize total = encoder->held_bytes + plain_bytes;
  gsize full = total / capacity, rest = total % capacity;
  gsize out = encoder->header_bytes + full * encoder->record_size;

  if (end == SYRINX_ECE_FLUSH && rest > 0)
    out += encoder->record_size;
  if (end == SYRINX_ECE_LAST && (rest > 0 || total == 0))
    out += rest + SYRINX_ECE_OVERHEAD_BYTES;
  return out;
}

static gboolean
encrypt (SyrinxEceEncoder *encoder, const guint8 *plain, gsize n, guint8 *out)
{
  gint written;

  return n == 0
         || EVP_EncryptUpdate (
             encoder->cipher.context, out, &written, plain, n);
}

/* Completes the current record with @n more bytes, delimiter and padding.
 * Returns: the bytes written, 0 on failure. */
static gsize
write_record (SyrinxEceEncoder *encoder, const guint8 *plain, gsize n,
    SyrinxEceEnd end, guint8 *out)
{
  EVP_CIPHER_CTX *context = encoder->cipher.context;
  gsize held_bytes = encoder->held_bytes, content = held_bytes + n;
  gboolean is_last = end == SYRINX_ECE_LAST;
  gsize padding
      = is_last ? 0
                : encoder->record_size - content - SYRINX_ECE_OVERHEAD_BYTES;
  guint8 *tail = out + content, *tag = tail + 1 + padding;
  gint written;

  if (held_bytes == 0
      && !syrinx_ece_cipher_start (&encoder->cipher, encoder->record))
    return 0;
  if (held_bytes > 0)
    memcpy (out, encoder->held, held_bytes);
  tail[0] = is_last ? SYRINX_ECE_DELIMITER_LAST : SYRINX_ECE_DELIMITER_MORE;
  memset (tail + 1, 0, padding);
  if (!encrypt (encoder, plain, n, out + held_bytes)
      || !encrypt (encoder, tail, 1 + padding, tail)
      || !EVP_EncryptFinal_ex (context, tag, &written)
      || !EVP_CIPHER_CTX_ctrl (
          context, EVP_CTRL_AEAD_GET_TAG, SYRINX_ECE_TAG_BYTES, tag))
    return 0;
  encoder->record++;
  encoder->held_bytes = 0;
  return content + padding + SYRINX_ECE_OVERHEAD_BYTES;
}

static gboolean
hold (SyrinxEceEncoder *encoder, const guint8 *plain, gsize n)
{
  if (n == 0)
    return TRUE;
  if (encoder->held == NULL)
    encoder->held = g_malloc (encoder->record_size);
  if (encoder->held_bytes == 0
      && !syrinx_ece_cipher_start (&encoder->cipher, encoder->record))
    return FALSE;
  if (!encrypt (encoder, plain, n, encoder->held + encoder->held_bytes))
    return FALSE;
  encoder->held_bytes += n;
  return TRUE;
}

gboolean
syrinx_ece_encoder_push (SyrinxEceEncoder *encoder, const guint8 *plain,
    gsize plain_bytes, SyrinxEceEnd end, guint8 *out, GError **error)
{
  gsize capacity = encoder->record_size - SYRINX_ECE_OVERHEAD_BYTES;

  g_return_val_if_fail (!encoder->is_finished, FALSE);
  if (encoder->header_bytes > 0) {
    memcpy (out, encoder->header, encoder->header_bytes);
    out += encoder->header_bytes;
    encoder->header_bytes = 0;
  }
  encoder->is_finished = end == SYRINX_ECE_LAST;
  for (;;) {
    gsize n = MIN (plain_bytes, capacity - encoder->held_bytes);
    gboolean is_full = encoder->held_bytes + n == capacity;
    gboolean is_last = n == plain_bytes;
    gsize written;

    if (is_last && !is_full && end == SYRINX_ECE_MORE)
      return hold (encoder, plain, n)
             || syrinx_evp_fail (error, "encrypting a record");
    if (is_last && encoder->held_bytes + n == 0 && end == SYRINX_ECE_FLUSH)
      return TRUE;
    written = write_record (encoder, plain, n,
        is_last && end == SYRINX_ECE_LAST ? end : SYRINX_ECE_FLUSH, out);
    if (written == 0)
      return syrinx_evp_fail (error, "encrypting a record");
    if (is_last)
      return TRUE;
    out += written;
    plain += n;
    plain_bytes -= n;
  }
}

GBytes *
syrinx_ece_encrypt (GBytes *key, const guint8 *salt, const gchar *keyid,
    guint record_size, gconstpointer plain, gsize plain_bytes, GError **error)
{
  g_autoptr (SyrinxEceEncoder) encoder
      = syrinx_ece_encoder_new (key, salt, keyid, record_size, error);
  g_autofree guint8 *out = NULL;
  gsize out_bytes;

  if (encoder == NULL)
    return NULL;
  out_bytes = syrinx_ece_encoder_get_output_bytes (
      encoder, plain_bytes, SYRINX_ECE_LAST);
  out = g_malloc (out_bytes);
  if (!syrinx_ece_encoder_push (
          encoder, plain, plain_bytes, SYRINX_ECE_LAST, out, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&out), out_bytes);
}
