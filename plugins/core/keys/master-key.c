/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Master keys as files. */
#include "master-key.h"

#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
is_fit (
    gint fd, const gchar *path, SyrinxMasterKeyAccess access, GError **error)
{
  static const mode_t refused[] = { [SYRINX_MASTER_KEY_PRIVATE] = 0077,
    [SYRINX_MASTER_KEY_GROUP] = 0037,
    [SYRINX_MASTER_KEY_CREDENTIAL] = 0007 };
  struct stat status;

  if (fstat (fd, &status) != 0)
    return fail_file (error, "looking at", path);
  if (!S_ISREG (status.st_mode) || status.st_size != SYRINX_MASTER_KEY_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "%s is not a master key: it must be a file of %d bytes", path,
        SYRINX_MASTER_KEY_BYTES);
    return FALSE;
  }
  if (status.st_mode & refused[access]) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_DENIED,
        "others than its owner can use the master key %s (mode %04o): run "
        "chmod 600 on it, and replace it if it may have been read%s",
        path, status.st_mode & 07777,
        status.st_mode & refused[SYRINX_MASTER_KEY_GROUP]
            ? ""
            : "; master-key-group-ok=true takes it nevertheless");
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

GBytes *
syrinx_master_key_read (
    const gchar *path, SyrinxMasterKeyAccess access, GError **error)
{
  guint8 data[SYRINX_MASTER_KEY_BYTES];
  GBytes *key = NULL;
  /* Non-blocking, because the path may be a FIFO. */
  gint fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0) {
    fail_file (error, "opening the master key", path);
    return NULL;
  }
  if (is_fit (fd, path, access, error)) {
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

  /* Writes 32 bytes to a new file; a short write means that the disk is
   * full. */
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

gboolean
syrinx_master_key_create (const gchar *dir, const gchar *path, GError **error)
{
  g_autofree gchar *temporary = g_strconcat (path, ".XXXXXX", NULL);
  g_autoptr (GBytes) key = syrinx_secret_new_random (SYRINX_MASTER_KEY_BYTES);
  gboolean linked;
  gint fd;

  if (g_mkdir_with_parents (dir, 0700) != 0)
    return fail_file (error, "creating", dir);
  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_file (error, "creating", temporary);
  linked
      = write_key (fd, key) && (link (temporary, path) == 0 || errno == EEXIST);
  if (!linked)
    fail_file (error, "creating the master key", path);
  close (fd);
  g_unlink (temporary);
  return linked && sync_folder (dir, error);
}

gboolean
syrinx_master_key_replace (
    const gchar *dir, const gchar *path, const gchar *next, GError **error)
{
  if (g_rename (next, path) != 0)
    return fail_file (error, "replacing the master key by", next);
  return sync_folder (dir, error);
}
