/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The master key and what it wraps. */
#include "keyring.h"

#include "chunk-cipher.h"
#include "error.h"
#include "evp.h"
#include "identifier.h"
#include "secret.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME        "master-key"
#define MASTER_KEY_BYTES 32
/* Salts keep the two uses of the master key apart (RFC 5869, section 3.1). */
#define WRAP_SALT   "syrinx content key wrap 1"
#define DERIVE_SALT "syrinx purpose 1"

struct _SyrinxKeyring
{
  GBytes *master; /* constant after open */
  gatomicrefcount ref_count;
};

static gboolean
fail_file (GError **error, const gchar *doing, const gchar *path)
{
  gint saved = errno;

  g_set_error (error, SYRINX_ERROR,
      saved == ENOENT ? SYRINX_ERROR_NOT_FOUND : SYRINX_ERROR_FAILED,
      "%s %s: %s", doing, path, g_strerror (saved));
  return FALSE;
}

static gboolean
is_private (gint fd, const gchar *path, mode_t refused, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return fail_file (error, "looking at", path);
  if (!S_ISREG (status.st_mode) || status.st_size != MASTER_KEY_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s is not a master key: it must be a file of %d bytes", path,
        MASTER_KEY_BYTES);
    return FALSE;
  }
  if (status.st_mode & refused) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "others than its owner can use the master key %s (mode %04o): run "
        "chmod 600 on it, and replace it if it may have been read",
        path, status.st_mode & 07777);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_all (gint fd, guint8 *data, gsize size_bytes)
{
  while (size_bytes > 0) {
    gssize got = read (fd, data, size_bytes);
    if (got < 0 && errno == EINTR)
      continue;
    if (got == 0)
      errno = EIO;
    if (got <= 0)
      return FALSE;
    data += got;
    size_bytes -= got;
  }
  return TRUE;
}

/* @refused: mode bits that make the file unfit. (nullable) */
static GBytes *
read_key (const gchar *path, mode_t refused, GError **error)
{
  guint8 data[MASTER_KEY_BYTES];
  GBytes *key = NULL;
  /* Not blocking: somebody may have put a FIFO there. */
  gint fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0) {
    fail_file (error, "opening the master key", path);
    return NULL;
  }
  if (is_private (fd, path, refused, error)) {
    if (read_all (fd, data, sizeof data))
      key = syrinx_secret_new (data, sizeof data);
    else
      fail_file (error, "reading the master key", path);
    syrinx_wipe (data, sizeof data);
  }
  close (fd);
  return key;
}

static gboolean
write_key (gint fd, GBytes *key)
{
  gsize size_bytes;
  gconstpointer data = g_bytes_get_data (key, &size_bytes);

  /* 32 bytes into a new file: a short write is a full disk. */
  return write (fd, data, size_bytes) == (gssize)size_bytes && fsync (fd) == 0;
}

static gboolean
sync_folder (const gchar *path, GError **error)
{
  gint fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean done = fd >= 0 && fsync (fd) == 0;

  if (!done)
    fail_file (error, "syncing", path);
  if (fd >= 0)
    close (fd);
  return done;
}

/* The name appears with the whole key behind it or not at all; if somebody else
 * was first, his stays. */
static gboolean
create_key (const gchar *state_dir, const gchar *path, GError **error)
{
  g_autofree gchar *temporary = g_strconcat (path, ".XXXXXX", NULL);
  g_autoptr (GBytes) key = syrinx_secret_new_random (MASTER_KEY_BYTES);
  gboolean linked;
  gint fd;

  if (g_mkdir_with_parents (state_dir, 0700) != 0)
    return fail_file (error, "creating", state_dir);
  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_file (error, "creating", temporary);
  linked
      = write_key (fd, key) && (link (temporary, path) == 0 || errno == EEXIST);
  if (!linked)
    fail_file (error, "creating the master key", path);
  close (fd);
  g_unlink (temporary);
  return linked && sync_folder (state_dir, error);
}

static GBytes *
open_file (const gchar *state_dir, gboolean create, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, FILE_NAME, NULL);
  g_autoptr (GError) local = NULL;
  GBytes *key = read_key (path, 0077, &local);

  if (key != NULL)
    return key;
  if (!create
      || !g_error_matches (local, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  if (!create_key (state_dir, path, error))
    return NULL;
  return read_key (path, 0077, error);
}

/* NULL without an error if systemd gave no such credential. */
static GBytes *
open_credential (GError **error)
{
  const gchar *directory = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree gchar *path = NULL;

  if (directory == NULL)
    return NULL;
  path = g_build_filename (directory, FILE_NAME, NULL);
  if (g_access (path, F_OK) != 0)
    return NULL;
  /* systemd lets the service in by an ACL, whose mask shows in the group's
   * bits. */
  return read_key (path, 0007, error);
}

SyrinxKeyring *
syrinx_keyring_open (const gchar *state_dir, gboolean create, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) master = open_credential (&local);
  SyrinxKeyring *keyring;

  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  if (master == NULL)
    master = open_file (state_dir, create, error);
  if (master == NULL)
    return NULL;
  keyring = g_new (SyrinxKeyring, 1);
  g_atomic_ref_count_init (&keyring->ref_count);
  keyring->master = g_steal_pointer (&master);
  return keyring;
}

SyrinxKeyring *
syrinx_keyring_ref (SyrinxKeyring *keyring)
{
  g_atomic_ref_count_inc (&keyring->ref_count);
  return keyring;
}

void
syrinx_keyring_unref (SyrinxKeyring *keyring)
{
  if (!g_atomic_ref_count_dec (&keyring->ref_count))
    return;
  g_bytes_unref (keyring->master);
  g_free (keyring);
}

static gboolean
derive (SyrinxKeyring *keyring, const gchar *salt, const gchar *info,
    guint8 *out, gsize out_bytes, GError **error)
{
  gsize size_bytes;
  gconstpointer master = g_bytes_get_data (keyring->master, &size_bytes);

  return syrinx_evp_hkdf (master, size_bytes, salt, strlen (salt), info,
      strlen (info), out, out_bytes, error);
}

static gboolean
derive_wrap_key (SyrinxKeyring *keyring, const gchar *track_id,
    const gchar *rendition, guint epoch, guint8 *wrap_key, GError **error)
{
  g_autofree gchar *row = NULL;

  /* Or two rows could have the same text. */
  if (strchr (track_id, '|') != NULL || strchr (rendition, '|') != NULL) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "no key for track '%s', rendition '%s': a name holds '|'", track_id,
        rendition);
    return FALSE;
  }
  row = g_strdup_printf ("%s|%s|%u", track_id, rendition, epoch);
  return derive (
      keyring, WRAP_SALT, row, wrap_key, SYRINX_EVP_WRAP_KEY_BYTES, error);
}

GBytes *
syrinx_keyring_wrap (SyrinxKeyring *keyring, GBytes *key, const gchar *track_id,
    const gchar *rendition, guint epoch, GError **error)
{
  guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES], out[SYRINX_WRAPPED_KEY_BYTES];
  gsize out_bytes;
  gboolean done;

  if (g_bytes_get_size (key) != SYRINX_CHUNK_KEY_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "a content key has %d bytes", SYRINX_CHUNK_KEY_BYTES);
    return NULL;
  }
  if (!derive_wrap_key (keyring, track_id, rendition, epoch, wrap_key, error))
    return NULL;
  done = syrinx_evp_key_wrap (wrap_key, TRUE, g_bytes_get_data (key, NULL),
      SYRINX_CHUNK_KEY_BYTES, out, &out_bytes);
  syrinx_wipe (wrap_key, sizeof wrap_key);
  if (!done) {
    syrinx_evp_fail (error, "wrapping a content key");
    return NULL;
  }
  return g_bytes_new (out, sizeof out);
}

GBytes *
syrinx_keyring_unwrap (SyrinxKeyring *keyring, GBytes *wrapped,
    const gchar *track_id, const gchar *rendition, guint epoch, GError **error)
{
  guint8 wrap_key[SYRINX_EVP_WRAP_KEY_BYTES], out[SYRINX_WRAPPED_KEY_BYTES + 8];
  gsize out_bytes = 0, wrapped_bytes;
  const guint8 *data = g_bytes_get_data (wrapped, &wrapped_bytes);
  GBytes *key = NULL;

  if (!derive_wrap_key (keyring, track_id, rendition, epoch, wrap_key, error))
    return NULL;
  if (g_bytes_get_size (wrapped) == SYRINX_WRAPPED_KEY_BYTES
      && syrinx_evp_key_wrap (
          wrap_key, FALSE, data, wrapped_bytes, out, &out_bytes)
      && out_bytes == SYRINX_CHUNK_KEY_BYTES)
    key = syrinx_secret_new (out, out_bytes);
  syrinx_wipe (wrap_key, sizeof wrap_key);
  syrinx_wipe (out, sizeof out);
  if (key == NULL) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
        "the key of track %s, rendition %s, epoch %u was not wrapped by this "
        "master key for this row",
        track_id, rendition, epoch);
  }
  return key;
}

GBytes *
syrinx_keyring_derive (SyrinxKeyring *keyring, const gchar *purpose)
{
  guint8 out[32];
  g_autoptr (GError) error = NULL;
  GBytes *key;

  if (!derive (keyring, DERIVE_SALT, purpose, out, sizeof out, &error))
    g_error ("%s", error->message);
  key = syrinx_secret_new (out, sizeof out);
  syrinx_wipe (out, sizeof out);
  return key;
}
