/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by RFC 8188's encoder and decoder: a message's keys and a record's
 * cipher. */
#pragma once

#include "ece.h"
#include "evp.h"

G_BEGIN_DECLS

#define SYRINX_ECE_NONCE_BYTES 12
#define SYRINX_ECE_TAG_BYTES   16
#define SYRINX_ECE_FIXED_BYTES 21 /* of the header, before the key id */

enum
{
  SYRINX_ECE_DELIMITER_MORE = 1,
  SYRINX_ECE_DELIMITER_LAST = 2,
};

/* The cipher with a message's key, and the nonce of its record 0. */
typedef struct
{
  EVP_CIPHER_CTX *context;
  guint8 nonce[SYRINX_ECE_NONCE_BYTES];
} SyrinxEceCipher;

gboolean syrinx_ece_cipher_init (SyrinxEceCipher *cipher, GBytes *key,
    const guint8 salt[SYRINX_ECE_SALT_BYTES], gboolean encrypt, GError **error);
void syrinx_ece_cipher_clear (SyrinxEceCipher *cipher);
/* Starts record @record (section 2.3). */
gboolean syrinx_ece_cipher_start (SyrinxEceCipher *cipher, guint64 record);

gboolean syrinx_ece_check_key (GBytes *key, GError **error);

G_END_DECLS
