/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short access codes. */
#include "access-code.h"

#include "core/crypto/ece.h"
#include "core/base/error.h"
#include "core/crypto/evp.h"
#include "core/base/identifier.h"
#include "core/crypto/secret.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define FOLDER          "access-codes"
#define MAX_FILE_BYTES  16384
#define KEY_BYTES       16
#define KEY_SALT        "syrinx access code 1"
#define RECORD_SIZE     4096
#define DIGEST_HEX_SIZE (2 * SYRINX_SHA256_BYTES + 1)

gboolean
syrinx_access_code_is_valid (const gchar *text)
{
  return syrinx_id_is_valid (text);
}

/* The file of @code. (transfer full) */
static gchar *
path_of (const gchar *state_dir, const gchar *code)
{
  guint8 digest[SYRINX_SHA256_BYTES];
  gchar name[DIGEST_HEX_SIZE];

  syrinx_sha256 (code, strlen (code), digest);
  for (guint i = 0; i < sizeof digest; i++)
    g_snprintf (name + 2 * i, 3, "%02x", digest[i]);
  return g_build_filename (state_dir, FOLDER, name, NULL);
}

/* Derives the file's encryption key from the code, which is random enough and
 * stored nowhere. (transfer full) */
static GBytes *
key_of (const gchar *code, GError **error)
{
  guint8 key[KEY_BYTES];
  GBytes *bytes = NULL;
  const SyrinxHkdf inputs = { .key = code,
    .key_bytes = strlen (code),
    .salt = KEY_SALT,
    .salt_bytes = strlen (KEY_SALT),
    .info = "" };

  if (syrinx_evp_hkdf (&inputs, key, sizeof key, error))
    bytes = syrinx_secret_new (key, sizeof key);
  syrinx_wipe (key, sizeof key);
  return bytes;
}

/* Reads a file: "EXPIRES\n", then the token as an ece message. Returns:
 * (transfer full) (nullable): the message */
static GBytes *
read_file (const gchar *path, gint64 *expires_at_s)
{
  g_autofree gchar *text = NULL;
  gsize size_bytes, head_bytes;
  gchar *end = NULL;

  if (!g_file_get_contents (path, &text, &size_bytes, NULL)
      || size_bytes > MAX_FILE_BYTES)
    return NULL;
  *expires_at_s = g_ascii_strtoll (text, &end, 10);
  if (end == text || *end != '\n')
    return NULL;
  head_bytes = end + 1 - text;
  return g_bytes_new (end + 1, size_bytes - head_bytes);
}

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
forget_expired (const gchar *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    gint64 expires_at_s = 0;
    g_autoptr (GBytes) message = read_file (path, &expires_at_s);
    if (message && expires_at_s < now_s ())
      g_unlink (path);
  }
}

/* (transfer full): the file's content. */
static GString *
write_text (
    const gchar *code, const gchar *token, gint64 expires_at_s, GError **error)
{
  g_autoptr (GBytes) key = key_of (code, error), message = NULL;
  GString *text;

  if (key)
    message = syrinx_ece_encrypt (
        key, NULL, NULL, RECORD_SIZE, token, strlen (token), error);
  if (!message)
    return NULL;
  text = g_string_new (NULL);
  g_string_printf (text, "%" G_GINT64_FORMAT "\n", expires_at_s);
  g_string_append_len (
      text, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
  return text;
}

gchar *
syrinx_access_code_new (const gchar *state_dir, const gchar *token,
    gint64 expires_at_s, GError **error)
{
  g_autofree gchar *folder = g_build_filename (state_dir, FOLDER, NULL);
  g_autofree gchar *code = syrinx_id_new ();
  g_autofree gchar *path = path_of (state_dir, code);
  g_autoptr (GString) text = write_text (code, token, expires_at_s, error);

  if (!text)
    return NULL;
  if (g_mkdir (folder, 0700) < 0 && errno != EEXIST) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't make the folder %s: %s", folder, g_strerror (errno));
    return NULL;
  }
  forget_expired (folder);
  if (!g_file_set_contents_full (path, text->str, text->len,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
          error))
    return NULL;
  return g_steal_pointer (&code);
}

gchar *
syrinx_access_code_lookup (
    const gchar *state_dir, const gchar *code, GError **error)
{
  g_autofree gchar *path = path_of (state_dir, code);
  gint64 expires_at_s = 0;
  g_autoptr (GBytes) message = read_file (path, &expires_at_s);
  g_autoptr (GBytes) key = message ? key_of (code, NULL) : NULL;
  g_autoptr (GBytes) token = NULL;

  if (key)
    token = syrinx_ece_decrypt (key, NULL, g_bytes_get_data (message, NULL),
        g_bytes_get_size (message), NULL);
  if (token)
    return g_strndup (g_bytes_get_data (token, NULL), g_bytes_get_size (token));
  g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED,
      "there is no such access code");
  return NULL;
}
