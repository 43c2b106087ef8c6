/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chunks on disk. */
#include "chunk-files.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_RENDITION_NAME 32
#define MAX_CHUNK_BYTES    (8 * 1024 * 1024)

gboolean
syrinx_rendition_name_is_valid (const gchar *name)
{
  gsize length = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-");

  return length > 0 && length <= MAX_RENDITION_NAME && !name[length];
}

static gchar *
make_dir (const gchar *state_dir, const gchar *track_id, const gchar *rendition,
    guint epoch)
{
  g_return_val_if_fail (syrinx_id_is_valid (track_id), NULL);
  g_return_val_if_fail (syrinx_rendition_name_is_valid (rendition), NULL);
  return g_strdup_printf (
      "%s/chunks/%s/%s/%u", state_dir, track_id, rendition, epoch);
}

static gchar *
make_path (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number)
{
  g_autofree gchar *dir = make_dir (state_dir, track_id, rendition, epoch);

  return g_strdup_printf ("%s/%u.m4s", dir, number);
}

gboolean
syrinx_chunk_files_write (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number, GBytes *chunk,
    GError **error)
{
  g_autofree gchar *dir = make_dir (state_dir, track_id, rendition, epoch);
  g_autofree gchar *path = g_strdup_printf ("%s/%u.m4s", dir, number);
  gsize size_bytes;
  const gchar *data = g_bytes_get_data (chunk, &size_bytes);

  if (g_mkdir_with_parents (dir, 0700) < 0) {
    gint code = errno;
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
        "can't make the folder %s: %s", dir, g_strerror (code));
    return FALSE;
  }
  return g_file_set_contents_full (path, data, size_bytes,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}

static gboolean
read_whole (int fd, guint8 *data, gsize size_bytes)
{
  for (gsize done = 0; done < size_bytes;) {
    gssize n = read (fd, data + done, size_bytes - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    done += n;
  }
  return TRUE;
}

static GBytes *
read_checked (int fd, gsize size_bytes, const gchar *path, GError **error)
{
  guint8 *data = g_malloc (size_bytes);
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, size_bytes);
  struct stat status;

  if (fstat (fd, &status) == 0 && status.st_size == (off_t)size_bytes
      && read_whole (fd, data, size_bytes))
    return g_steal_pointer (&bytes);
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
      "%s has not the %" G_GSIZE_FORMAT " bytes that the index knows", path,
      size_bytes);
  return NULL;
}

GBytes *
syrinx_chunk_files_read (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number, gint64 size_bytes,
    GError **error)
{
  g_autofree gchar *path
      = make_path (state_dir, track_id, rendition, epoch, number);
  int fd;
  GBytes *bytes;

  if (size_bytes < 1 || size_bytes > MAX_CHUNK_BYTES) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CORRUPT,
        "the index has an impossible size for %s", path);
    return NULL;
  }
  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  if (fd < 0) {
    gint code = errno;
    g_set_error (error, SYRINX_ERROR,
        code == ENOENT ? SYRINX_ERROR_NOT_FOUND : SYRINX_ERROR_FAILED,
        "can't open %s: %s", path, g_strerror (code));
    return NULL;
  }
  bytes = read_checked (fd, size_bytes, path, error);
  close (fd);
  return bytes;
}

void
syrinx_chunk_files_remove (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number)
{
  g_autofree gchar *path
      = make_path (state_dir, track_id, rendition, epoch, number);

  g_unlink (path);
}

void
syrinx_chunk_files_remove_epoch (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch)
{
  g_autofree gchar *path = make_dir (state_dir, track_id, rendition, epoch);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    g_unlink (file);
  }
  /* Also removes the parent folders if they are empty; rmdir refuses
   * otherwise. */
  for (guint i = 0; i < 3 && g_rmdir (path) == 0; i++) {
    gchar *parent = g_path_get_dirname (path);
    g_free (path);
    path = parent;
  }
}
