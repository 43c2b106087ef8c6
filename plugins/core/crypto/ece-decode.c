/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 8188 encrypted content: the decoder and its error messages. */
#include "ece-private.h"
#include "core/base/error.h"
#include "secret.h"

#include <string.h>

/* A misplaced record is searched for within so many places. */
#define MAX_MISPLACED 64

struct _SyrinxEceDecoder
{
  GBytes *key; /* NULL after the header has been read */
  gchar *keyid;
  SyrinxEceCipher cipher;
  guint8 header[SYRINX_ECE_MAX_HEADER_BYTES];
  gsize header_bytes; /* bytes read so far */
  guint record_size;
  guint64 record; /* number of the next record */
  guint64 n_authentic;
  guint8 *held; /* record_size: the ciphertext of the next record that has come
                   so far */
  gsize held_bytes;
  gboolean is_finished, is_broken;
  gboolean is_all; /* this push has the message's last bytes */
};

SyrinxEceDecoder *
syrinx_ece_decoder_new (GBytes *key, const gchar *keyid, GError **error)
{
  SyrinxEceDecoder *decoder;

  if (!syrinx_ece_check_key (key, error))
    return NULL;
  decoder = g_new0 (SyrinxEceDecoder, 1);
  decoder->key = g_bytes_ref (key);
  decoder->keyid = g_strdup (keyid);
  return decoder;
}

void
syrinx_ece_decoder_free (SyrinxEceDecoder *decoder)
{
  if (decoder == NULL)
    return;
  g_clear_pointer (&decoder->key, g_bytes_unref);
  syrinx_ece_cipher_clear (&decoder->cipher);
  g_free (decoder->keyid);
  g_free (decoder->held);
  g_free (decoder);
}

gsize
syrinx_ece_decoder_get_output_bytes (
    SyrinxEceDecoder *decoder, gsize cipher_bytes, gboolean last)
{
  gsize total = decoder->held_bytes + cipher_bytes;

  if (!last && decoder->record_size != 0 && total < decoder->record_size)
    return 0;
  return total;
}

guint
syrinx_ece_decoder_get_record_size (SyrinxEceDecoder *decoder)
{
  return decoder->record_size;
}

guint64
syrinx_ece_decoder_get_record_offset (SyrinxEceDecoder *decoder, guint64 record)
{
  if (decoder->record_size == 0)
    return 0;
  return decoder->header_bytes + record * decoder->record_size;
}

void
syrinx_ece_decoder_set_record (SyrinxEceDecoder *decoder, guint64 record)
{
  g_return_if_fail (decoder->record_size != 0);
  decoder->record = record;
  decoder->held_bytes = 0;
  decoder->is_finished = FALSE;
}

G_GNUC_PRINTF (3, 4)
static gboolean
fail (GError **error, SyrinxError code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_propagate_error (
      error, g_error_new_valist (SYRINX_ERROR, code, format, arguments));
  va_end (arguments);
  return FALSE;
}

static gboolean
use_header (SyrinxEceDecoder *decoder, GError **error)
{
  const guint8 *header = decoder->header;
  const guint8 *keyid = header + SYRINX_ECE_FIXED_BYTES;
  gsize keyid_bytes = header[SYRINX_ECE_FIXED_BYTES - 1];
  guint32 record_size;

  memcpy (&record_size, header + SYRINX_ECE_SALT_BYTES, sizeof record_size);
  record_size = GUINT32_FROM_BE (record_size);
  if (record_size < SYRINX_ECE_MIN_RECORD_SIZE)
    return fail (error, SYRINX_ERROR_INVALID,
        "this is no ece message: its record size is %u", record_size);
  if (record_size > SYRINX_ECE_MAX_RECORD_SIZE)
    return fail (error, SYRINX_ERROR_UNSUPPORTED,
        "this is no ece message, or its record size of %u bytes is over %d",
        record_size, SYRINX_ECE_MAX_RECORD_SIZE);
  if (decoder->keyid
      && (strlen (decoder->keyid) != keyid_bytes
          || memcmp (decoder->keyid, keyid, keyid_bytes) != 0))
    return fail (error, SYRINX_ERROR_CORRUPT,
        "wrong key: the message was encrypted with another key id than '%s'",
        decoder->keyid);
  if (!syrinx_ece_cipher_init (
          &decoder->cipher, decoder->key, header, FALSE, error))
    return FALSE;
  g_clear_pointer (&decoder->key, g_bytes_unref);
  decoder->held = g_malloc (record_size);
  decoder->record_size = record_size;
  return TRUE;
}

/* Takes as much of the header as there is. */
static gboolean
read_header (
    SyrinxEceDecoder *decoder, const guint8 **cipher, gsize *n, GError **error)
{
  while (*n > 0) {
    gsize needed = SYRINX_ECE_FIXED_BYTES, take;

    if (decoder->header_bytes >= SYRINX_ECE_FIXED_BYTES)
      needed += decoder->header[SYRINX_ECE_FIXED_BYTES - 1];
    take = MIN (needed - decoder->header_bytes, *n);
    memcpy (decoder->header + decoder->header_bytes, *cipher, take);
    decoder->header_bytes += take;
    *cipher += take;
    *n -= take;
    if (decoder->header_bytes >= SYRINX_ECE_FIXED_BYTES
        && decoder->header_bytes
               == SYRINX_ECE_FIXED_BYTES
                      + decoder->header[SYRINX_ECE_FIXED_BYTES - 1])
      return use_header (decoder, error);
  }
  return TRUE;
}

/* Decrypts n - 16 bytes into @out, which are to be discarded if it returns
 * FALSE. */
static gboolean
open_record (SyrinxEceDecoder *decoder, guint64 record, const guint8 *cipher,
    gsize n, guint8 *out)
{
  EVP_CIPHER_CTX *context = decoder->cipher.context;
  gsize sealed = n - SYRINX_ECE_TAG_BYTES;
  gint written;

  return syrinx_ece_cipher_start (&decoder->cipher, record)
         && EVP_DecryptUpdate (context, out, &written, cipher, sealed)
         && EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_SET_TAG,
             SYRINX_ECE_TAG_BYTES, (gpointer)(cipher + sealed))
         && EVP_DecryptFinal_ex (context, out + sealed, &written) > 0;
}

/* Removes padding and delimiter. Returns: the delimiter, 0 if there is none. */
static guint8
strip (const guint8 *plain, gsize *n)
{
  while (*n > 0 && plain[*n - 1] == 0)
    (*n)--;
  if (*n == 0)
    return 0;
  return plain[--(*n)];
}

/* The number of the record that stands in the place of decoder->record; -1 if
 * it is none of those nearby. */
static gint64
find_place (
    SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n, guint8 *scratch)
{
  guint64 from = decoder->record - MIN (decoder->record, MAX_MISPLACED);

  for (guint64 i = from; i <= decoder->record + MAX_MISPLACED; i++)
    if (i != decoder->record && open_record (decoder, i, cipher, n, scratch))
      return i;
  return -1;
}

/* Whether the record, which is not authentic, decrypts to plaintext that ends
 * like a last record. A truncated one hardly ever does. */
static gboolean
ends_like_a_last_one (
    SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n, guint8 *scratch)
{
  gsize plain_bytes = n - SYRINX_ECE_TAG_BYTES;

  open_record (decoder, decoder->record, cipher, n, scratch);
  return strip (scratch, &plain_bytes) == SYRINX_ECE_DELIMITER_LAST;
}

/* Sets the error for a record that can't be decrypted. @after: the bytes that
 * follow, by which a wrong key is told from a changed first record. The caller
 * wipes @scratch. */
static gboolean
explain (SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n,
    const guint8 *after, gsize after_bytes, guint8 *scratch, GError **error)
{
  gint64 place = find_place (decoder, cipher, n, scratch);
  gboolean is_key_right = decoder->n_authentic > 0;
  gboolean has_another
      = after_bytes >= decoder->record_size
        || (decoder->is_all && after_bytes >= SYRINX_ECE_OVERHEAD_BYTES);

  if (place >= 0)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "records are out of order: record %" G_GINT64_FORMAT
        " stands in the place of record %" G_GUINT64_FORMAT,
        place, decoder->record);
  if (!is_key_right && has_another)
    is_key_right = open_record (decoder, decoder->record + 1, after,
        MIN (after_bytes, decoder->record_size), scratch);
  if (is_key_right && n < decoder->record_size
      && !ends_like_a_last_one (decoder, cipher, n, scratch))
    return fail (error, SYRINX_ERROR_CORRUPT,
        "the message is truncated in its last record, record "
        "%" G_GUINT64_FORMAT,
        decoder->record);
  if (is_key_right)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "record %" G_GUINT64_FORMAT " was changed on its way", decoder->record);
  if (has_another)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "wrong key: the first records were encrypted with another one");
  return fail (error, SYRINX_ERROR_CORRUPT,
      "wrong key, or the message's only record was changed or cut");
}

/* Decrypts one record of @n bytes; a short one must be the last. */
static gboolean
take_record (SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n,
    const guint8 *after, gsize after_bytes, guint8 *out, gsize *out_bytes,
    GError **error)
{
  gsize plain_bytes = n - SYRINX_ECE_TAG_BYTES;
  guint8 delimiter;

  if (n < SYRINX_ECE_OVERHEAD_BYTES)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "the message is truncated: of record %" G_GUINT64_FORMAT
        " only %" G_GSIZE_FORMAT " bytes are there",
        decoder->record, n);
  if (!open_record (decoder, decoder->record, cipher, n, out))
    return explain (decoder, cipher, n, after, after_bytes, out, error);
  delimiter = strip (out, &plain_bytes);
  if (delimiter == SYRINX_ECE_DELIMITER_LAST)
    decoder->is_finished = TRUE;
  else if (delimiter != SYRINX_ECE_DELIMITER_MORE)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "record %" G_GUINT64_FORMAT " has no delimiter", decoder->record);
  else if (n < decoder->record_size)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "the message is truncated: a short record is not its last");
  decoder->record++;
  decoder->n_authentic++;
  *out_bytes = plain_bytes;
  return TRUE;
}

/* The next record: in @cipher if it is there completely, else collected in
 * decoder->held. NULL: more bytes are needed. */
static const guint8 *
gather (SyrinxEceDecoder *decoder, const guint8 **cipher, gsize *n)
{
  const guint8 *record = *cipher;
  gsize take = MIN (decoder->record_size - decoder->held_bytes, *n);

  if (take == decoder->record_size) {
    *cipher += take;
    *n -= take;
    return record;
  }
  if (take > 0)
    memcpy (decoder->held + decoder->held_bytes, *cipher, take);
  decoder->held_bytes += take;
  *cipher += take;
  *n -= take;
  return decoder->held_bytes == decoder->record_size ? decoder->held : NULL;
}

static gboolean
take_records (SyrinxEceDecoder *decoder, const guint8 *cipher, gsize n,
    guint8 *out, gsize *out_bytes, GError **error)
{
  while (n > 0) {
    const guint8 *record;
    gsize written = 0;

    if (decoder->is_finished)
      return fail (error, SYRINX_ERROR_CORRUPT,
          "something follows the message's last record, record "
          "%" G_GUINT64_FORMAT,
          decoder->record - 1);
    record = gather (decoder, &cipher, &n);
    if (record == NULL)
      return TRUE;
    if (!take_record (decoder, record, decoder->record_size, cipher, n,
            out + *out_bytes, &written, error))
      return FALSE;
    if (record == decoder->held)
      decoder->held_bytes = 0;
    *out_bytes += written;
  }
  return TRUE;
}

static gboolean
finish (
    SyrinxEceDecoder *decoder, guint8 *out, gsize *out_bytes, GError **error)
{
  gsize written = 0;

  if (decoder->record_size == 0)
    return fail (
        error, SYRINX_ERROR_CORRUPT, "the message is truncated in its header");
  if (decoder->is_finished)
    return TRUE;
  if (decoder->held_bytes == 0)
    return fail (error, SYRINX_ERROR_CORRUPT,
        "the message is truncated: it ends before record %" G_GUINT64_FORMAT
        ", without a last one",
        decoder->record);
  if (!take_record (decoder, decoder->held, decoder->held_bytes, NULL, 0,
          out + *out_bytes, &written, error))
    return FALSE;
  decoder->held_bytes = 0;
  *out_bytes += written;
  return TRUE;
}

gboolean
syrinx_ece_decoder_push (SyrinxEceDecoder *decoder, const guint8 *cipher,
    gsize cipher_bytes, gboolean last, guint8 *out, gsize *out_bytes,
    GError **error)
{
  gsize room
      = syrinx_ece_decoder_get_output_bytes (decoder, cipher_bytes, last);
  gboolean done;

  *out_bytes = 0;
  decoder->is_all = last;
  if (decoder->is_broken)
    return fail (error, SYRINX_ERROR_CORRUPT, "the message was already broken");
  done = decoder->record_size != 0
         || read_header (decoder, &cipher, &cipher_bytes, error);
  done = done
         && take_records (decoder, cipher, cipher_bytes, out, out_bytes, error)
         && (!last || finish (decoder, out, out_bytes, error));
  if (!done) {
    decoder->is_broken = TRUE;
    *out_bytes = 0;
    syrinx_wipe (out, room);
  }
  return done;
}

GBytes *
syrinx_ece_decrypt (GBytes *key, const gchar *keyid, gconstpointer message,
    gsize message_bytes, GError **error)
{
  g_autoptr (SyrinxEceDecoder) decoder
      = syrinx_ece_decoder_new (key, keyid, error);
  g_autofree guint8 *out = NULL;
  gsize out_bytes;

  if (decoder == NULL)
    return NULL;
  out = g_malloc (
      syrinx_ece_decoder_get_output_bytes (decoder, message_bytes, TRUE) + 1);
  if (!syrinx_ece_decoder_push (
          decoder, message, message_bytes, TRUE, out, &out_bytes, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&out), out_bytes);
}
