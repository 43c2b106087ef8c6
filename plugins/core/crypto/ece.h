/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encrypted content coding `aes128gcm` (RFC 8188): a message is a header and
 * records. Each record is authenticated with its position, and the last is
 * marked. An encoder or decoder handles one message, in one thread at a
 * time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_ECE_SALT_BYTES       16
#define SYRINX_ECE_OVERHEAD_BYTES   17 /* per record: delimiter and tag */
#define SYRINX_ECE_MIN_RECORD_SIZE  18
#define SYRINX_ECE_MAX_RECORD_SIZE  (1024 * 1024) /* RFC 8188: 2^32 - 1 */
#define SYRINX_ECE_MAX_KEYID_BYTES  255
#define SYRINX_ECE_MIN_KEY_BYTES    16
#define SYRINX_ECE_MAX_KEY_BYTES    64
#define SYRINX_ECE_MAX_HEADER_BYTES (21 + SYRINX_ECE_MAX_KEYID_BYTES)

typedef struct _SyrinxEceEncoder SyrinxEceEncoder;
typedef struct _SyrinxEceDecoder SyrinxEceDecoder;

/* How to treat a record that is not full. */
typedef enum
{
  SYRINX_ECE_MORE,  /* hold it until it is full */
  SYRINX_ECE_FLUSH, /* pad it and write it */
  SYRINX_ECE_LAST,  /* write it as the message's last */
} SyrinxEceEnd;

/* @key: input keying material, 16 to 64 bytes. @salt: (nullable): 16 bytes,
 * random if NULL. The same key and salt must never be used for two different
 * contents. @keyid: (nullable): goes into the header in clear. @record_size: of
 * the ciphertext, 18 to 2^20 bytes. Errors: INVALID. (transfer full) */
SyrinxEceEncoder *syrinx_ece_encoder_new (GBytes *key, const guint8 *salt,
    const gchar *keyid, guint record_size, GError **error);
void syrinx_ece_encoder_free (SyrinxEceEncoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEceEncoder, syrinx_ece_encoder_free)

/* The exact number of bytes that syrinx_ece_encoder_push() will write. */
gsize syrinx_ece_encoder_get_output_bytes (
    SyrinxEceEncoder *encoder, gsize plain_bytes, SyrinxEceEnd end);

/* Encrypts @plain_bytes. Writes the header, if this is the first call, and all
 * completed records to @out. Nothing may follow LAST. Hot. */
gboolean
syrinx_ece_encoder_push (SyrinxEceEncoder *encoder, const guint8 *plain,
    gsize plain_bytes, SyrinxEceEnd end, guint8 *out, GError **error);

/* Plaintext bytes in the incomplete record. */
gsize syrinx_ece_encoder_get_held_bytes (SyrinxEceEncoder *encoder);

/* Continues with record @record; no header is written. For serving a range:
 * key, salt and content must be those of the whole message. */
void syrinx_ece_encoder_set_record (SyrinxEceEncoder *encoder, guint64 record);

/* @keyid: (nullable): if given, a message with another key id is refused.
 * Errors: INVALID. (transfer full) */
SyrinxEceDecoder *
syrinx_ece_decoder_new (GBytes *key, const gchar *keyid, GError **error);
void syrinx_ece_decoder_free (SyrinxEceDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxEceDecoder, syrinx_ece_decoder_free)

/* The room that the same call of syrinx_ece_decoder_push() needs; 0 if it
 * completes no record. */
gsize syrinx_ece_decoder_get_output_bytes (
    SyrinxEceDecoder *decoder, gsize cipher_bytes, gboolean last);

/* Takes the next @cipher_bytes, in pieces of any size, and writes the content
 * of the records that are complete and authentic. @last: nothing follows.
 * Errors: CORRUPT with the cause (key, record changed, order, truncated);
 * INVALID header, UNSUPPORTED record size. After an error @out holds nothing,
 * and further calls fail. Hot. */
gboolean syrinx_ece_decoder_push (SyrinxEceDecoder *decoder,
    const guint8 *cipher, gsize cipher_bytes, gboolean last, guint8 *out,
    gsize *out_bytes, GError **error);

/* Random access: the next bytes pushed start at
 * syrinx_ece_decoder_get_record_offset (@record). The header must have been
 * read. */
void syrinx_ece_decoder_set_record (SyrinxEceDecoder *decoder, guint64 record);
/* In bytes from the message's start; 0 before the header has been read. */
guint64 syrinx_ece_decoder_get_record_offset (
    SyrinxEceDecoder *decoder, guint64 record);
/* The message's record size, 0 before the header has been read. A record holds
 * up to this minus SYRINX_ECE_OVERHEAD_BYTES of content. */
guint syrinx_ece_decoder_get_record_size (SyrinxEceDecoder *decoder);

/* For a whole message at once; arguments as above. (transfer full) */
GBytes *syrinx_ece_encrypt (GBytes *key, const guint8 *salt, const gchar *keyid,
    guint record_size, gconstpointer plain, gsize plain_bytes, GError **error);
GBytes *syrinx_ece_decrypt (GBytes *key, const gchar *keyid,
    gconstpointer message, gsize message_bytes, GError **error);

G_END_DECLS
