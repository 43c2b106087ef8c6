/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cursors: a GVariant under AES-256-GCM, in base64url. A sort key is the text
 * of a track's tags, and the page ends where it ends, whether or not the client
 * may see that track: so nobody but this process can read a cursor. Its key is
 * random and lasts as long as the process. */
#include "store-cursor.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/crypto/evp.h"
#include "core/crypto/secret.h"

#include <sys/random.h>

#define CURSOR_FORMAT    "(tyxxmsmsax)"
#define MAX_CURSOR_BYTES 8192
#define KEY_BYTES        32
#define IV_BYTES         12 /* random: SP 800-38D, section 8.2.2 */
#define TAG_BYTES        16
#define SEAL_BYTES       (IV_BYTES + TAG_BYTES)

/* --- The seal: IV, ciphertext, tag --- */

static const guint8 *
get_key (void)
{
  static gsize once = 0;
  static GBytes *key;

  if (g_once_init_enter (&once)) {
    key = syrinx_secret_new_random (KEY_BYTES);
    g_once_init_leave (&once, 1);
  }
  return g_bytes_get_data (key, NULL);
}

/* (transfer full) (nullable) */
static EVP_CIPHER_CTX *
start (const guint8 *iv, gboolean is_sealing)
{
  static EVP_CIPHER *slot;
  EVP_CIPHER *gcm = syrinx_evp_cipher (&slot, "AES-256-GCM");
  g_autoptr (EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new ();

  return gcm && context
                 && EVP_CipherInit_ex2 (
                        context, gcm, get_key (), iv, is_sealing, NULL)
                        == 1
             ? g_steal_pointer (&context)
             : NULL;
}

/* (transfer full) */
static GBytes *
seal (gconstpointer plain, gsize n_bytes)
{
  guint8 *sealed = g_malloc (SEAL_BYTES + n_bytes);
  g_autoptr (EVP_CIPHER_CTX) context = NULL;
  int n, n_last;

  if (getrandom (sealed, IV_BYTES, 0) != IV_BYTES
      || !(context = start (sealed, TRUE))
      || EVP_CipherUpdate (context, sealed + IV_BYTES, &n, plain, n_bytes) != 1
      || EVP_CipherFinal_ex (context, sealed + IV_BYTES + n, &n_last) != 1
      || EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
             sealed + IV_BYTES + n_bytes)
             != 1)
    g_error ("a cursor can't be encrypted");
  return g_bytes_new_take (sealed, SEAL_BYTES + n_bytes);
}

/* (transfer full) (nullable): it is none of this process's. */
static GBytes *
open_seal (GBytes *bytes)
{
  gsize size;
  const guint8 *sealed = g_bytes_get_data (bytes, &size);
  g_autoptr (EVP_CIPHER_CTX) context
      = size > SEAL_BYTES ? start (sealed, FALSE) : NULL;
  g_autofree guint8 *plain = NULL;
  int n, n_last;

  if (!context)
    return NULL;
  size -= SEAL_BYTES;
  plain = g_malloc (size);
  if (EVP_CipherUpdate (context, plain, &n, sealed + IV_BYTES, size) != 1
      || EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
             (gpointer)(sealed + IV_BYTES + size))
             != 1
      || EVP_CipherFinal_ex (context, plain + n, &n_last) != 1)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&plain), size);
}

/* --- What is in it --- */

gchar *
syrinx_cursor_encode (const SyrinxCursor *cursor)
{
  g_autoptr (GVariant) rows = g_variant_ref_sink (g_variant_new_fixed_array (
      G_VARIANT_TYPE_INT64, cursor->rows ? cursor->rows->data : NULL,
      cursor->rows ? cursor->rows->len : 0, sizeof (gint64)));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new (
      "(tyxxmsms@ax)", cursor->query, (guchar)cursor->phase, cursor->numbers[0],
      cursor->numbers[1], cursor->texts[0], cursor->texts[1], rows));

  g_autoptr (GBytes) sealed
      = seal (g_variant_get_data (value), g_variant_get_size (value));

  return syrinx_base64url_encode (
      g_bytes_get_data (sealed, NULL), g_bytes_get_size (sealed));
}

static void
take_value (GVariant *value, SyrinxCursor *cursor)
{
  g_autoptr (GVariant) rows = NULL;
  gconstpointer data;
  gsize n_rows;
  guchar phase;

  g_variant_get (value, "(tyxxmsms@ax)", &cursor->query, &phase,
      &cursor->numbers[0], &cursor->numbers[1], &cursor->texts[0],
      &cursor->texts[1], &rows);
  cursor->phase = phase;
  data = g_variant_get_fixed_array (rows, &n_rows, sizeof (gint64));
  cursor->rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (n_rows > 0)
    g_array_append_vals (cursor->rows, data, n_rows);
}

gboolean
syrinx_cursor_decode (
    const gchar *text, guint64 query, SyrinxCursor *cursor, GError **error)
{
  g_autoptr (GBytes) sealed = syrinx_base64url_decode (text, MAX_CURSOR_BYTES);
  g_autoptr (GBytes) bytes = sealed ? open_seal (sealed) : NULL;
  g_autoptr (GVariant) value
      = bytes ? g_variant_ref_sink (g_variant_new_from_bytes (
            G_VARIANT_TYPE (CURSOR_FORMAT), bytes, FALSE))
              : NULL;

  if (value && g_variant_is_normal_form (value)) {
    take_value (value, cursor);
    if (cursor->query == query && cursor->rows->len <= SYRINX_CURSOR_MAX_ROWS)
      return TRUE;
  }
  syrinx_cursor_clear (cursor);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "cursor: not one that this query returned; start again without it");
  return FALSE;
}

void
syrinx_cursor_clear (SyrinxCursor *cursor)
{
  g_clear_pointer (&cursor->texts[0], g_free);
  g_clear_pointer (&cursor->texts[1], g_free);
  g_clear_pointer (&cursor->rows, g_array_unref);
}
