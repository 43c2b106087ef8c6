/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers, capabilities and digests. */
#include "identifier.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const gchar alphabet[]
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
syrinx_random_fill (gpointer data, gsize size_bytes)
{
  guint8 *at = data;

  while (size_bytes > 0) {
    gssize got = getrandom (at, size_bytes, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      g_error ("the system has no random numbers: %s", g_strerror (errno));
    at += got;
    size_bytes -= got;
  }
}

/* Identifiers never begin with '-', which command lines would take for an
 * option. */
void
syrinx_id_fill (guint8 *bytes, guint n_ids)
{
  syrinx_random_fill (bytes, (gsize)n_ids * SYRINX_ID_BYTES);
  for (guint i = 0; i < n_ids; i++, bytes += SYRINX_ID_BYTES)
    while (alphabet[bytes[0] >> 2] == '-')
      syrinx_random_fill (bytes, SYRINX_ID_BYTES);
}

gchar *
syrinx_id_new (void)
{
  guint8 random[SYRINX_ID_BYTES];

  syrinx_id_fill (random, 1);
  return syrinx_base64url_encode (random, sizeof random);
}

gboolean
syrinx_id_is_valid (const gchar *id)
{
  if (id == NULL || strnlen (id, SYRINX_ID_LENGTH + 1) != SYRINX_ID_LENGTH)
    return FALSE;
  return strspn (id, alphabet) == SYRINX_ID_LENGTH;
}

gchar *
syrinx_base64url_encode (gconstpointer data, gsize size_bytes)
{
  g_autofree gchar *text = g_base64_encode (data, size_bytes);
  gchar *padding = strchr (text, '=');

  if (padding != NULL)
    *padding = '\0';
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  return g_steal_pointer (&text);
}

/* Returns: the value of @c, or -1 if it is not in the alphabet. */
static gint
decode_character (gchar c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '-')
    return 62;
  return c == '_' ? 63 : -1;
}

GBytes *
syrinx_base64url_decode (const gchar *text, gsize max_bytes)
{
  gsize length, size_bytes, n = 0;
  g_autofree guint8 *data = NULL;
  guint32 bits = 0;
  guint n_bits = 0;

  g_return_val_if_fail (text != NULL && max_bytes <= G_MAXSIZE / 2, NULL);
  /* Bounds the scan: a longer text is refused anyway. */
  length = strnlen (text, max_bytes / 3 * 4 + 5);
  size_bytes = length / 4 * 3 + (length % 4) * 3 / 4;
  if (length % 4 == 1 || size_bytes > max_bytes)
    return NULL;
  data = g_malloc (size_bytes + 1);
  for (gsize i = 0; i < length; i++) {
    gint value = decode_character (text[i]);
    if (value < 0)
      return NULL;
    bits = (bits << 6 | value) & 0xffff;
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      data[n++] = bits >> n_bits;
    }
  }
  /* Each value has exactly one text: unused bits must be zero. */
  if ((bits & ((1u << n_bits) - 1)) != 0)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), n);
}

void
syrinx_sha256 (
    gconstpointer data, gsize size_bytes, guint8 digest[SYRINX_SHA256_BYTES])
{
  static EVP_MD *md;

  if (g_once_init_enter (&md))
    g_once_init_leave (&md, EVP_MD_fetch (NULL, "SHA256", NULL));
  if (!EVP_Digest (data, size_bytes, digest, NULL, md, NULL))
    g_error ("OpenSSL has no SHA-256");
}

gboolean
syrinx_equal_secret (gconstpointer a, gconstpointer b, gsize size_bytes)
{
  return CRYPTO_memcmp (a, b, size_bytes) == 0;
}
