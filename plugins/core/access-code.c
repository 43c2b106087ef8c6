/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short access codes. */
#include "access-code.h"

#include "error.h"
#include "identifier.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define FOLDER          "access-codes"
#define MAX_FILE_BYTES  16384
#define DIGEST_HEX_SIZE (2 * SYRINX_SHA256_BYTES + 1)

gboolean
syrinx_access_code_is_valid (const gchar *text)
{
  return syrinx_id_is_valid (text);
}

/* (transfer full) */
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

/* "EXPIRES\nTOKEN". (transfer full) (nullable): the token */
static gchar *
read_file (const gchar *path, gint64 *expires_at_s)
{
  g_autofree gchar *text = NULL;
  gsize size_bytes;
  gchar *end = NULL;

  if (!g_file_get_contents (path, &text, &size_bytes, NULL)
      || size_bytes > MAX_FILE_BYTES)
    return NULL;
  *expires_at_s = g_ascii_strtoll (text, &end, 10);
  return end > text && *end == '\n' ? g_strdup (end + 1) : NULL;
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
    g_autofree gchar *token = read_file (path, &expires_at_s);
    if (token && expires_at_s < now_s ())
      g_unlink (path);
  }
}

gchar *
syrinx_access_code_new (const gchar *state_dir, const gchar *token,
    gint64 expires_at_s, GError **error)
{
  g_autofree gchar *folder = g_build_filename (state_dir, FOLDER, NULL);
  g_autofree gchar *code = syrinx_id_new ();
  g_autofree gchar *path = path_of (state_dir, code);
  g_autofree gchar *text
      = g_strdup_printf ("%" G_GINT64_FORMAT "\n%s", expires_at_s, token);

  if (g_mkdir (folder, 0700) < 0 && errno != EEXIST) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't make the folder %s: %s", folder, g_strerror (errno));
    return NULL;
  }
  forget_expired (folder);
  if (!g_file_set_contents_full (path, text, -1,
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
  gchar *token = read_file (path, &expires_at_s);

  if (!token)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_UNAUTHENTICATED,
        "there is no such access code");
  return token;
}
