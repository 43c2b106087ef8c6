/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Searches for a picture by its names: listing the folder for each of its
 * tracks would take quadratic time. */
#include "folder-cover.h"

#include "worker-report.h"

#include "daemon/worker/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const gchar *const names[] = { "cover", "Cover", "COVER", "folder",
  "Folder", "FOLDER", "front", "Front", "FRONT" };
static const gchar *const endings[] = { "jpg", "png", "jpeg", "webp", "gif",
  "JPG", "PNG", "JPEG", "WEBP", "GIF" };

/* -1: it can't be opened, or leads out of @root. */
static gint
open_folder (const gchar *root, const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
  gint dir = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gint fd;

  if (dir < 0)
    return -1;
  fd = (gint)syscall (SYS_openat2, dir, folder, &how, sizeof how);
  close (dir);
  return fd;
}

static gint
open_picture (gint dir)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint k = 0; k < G_N_ELEMENTS (endings); k++) {
      g_autofree gchar *name = g_strconcat (names[i], ".", endings[k], NULL);
      gint fd = openat (
          dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

      if (fd >= 0)
        return fd;
    }
  return -1;
}

/* (nullable) (transfer full) */
static guint8 *
read_all (gint fd, gsize *size_bytes)
{
  g_autofree guint8 *data = NULL;
  struct stat st;
  gsize done = 0;

  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size <= 0
      || st.st_size > SYRINX_MAX_ARTWORK_BYTES)
    return NULL;
  *size_bytes = (gsize)st.st_size;
  data = g_malloc (*size_bytes);
  while (done < *size_bytes) {
    gssize n = pread (fd, data + done, *size_bytes - done, (off_t)done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return NULL;
    done += (gsize)n;
  }
  return g_steal_pointer (&data);
}

void
syrinx_folder_cover_keep (SyrinxTrack *track, const gchar *root,
    const gchar *path, const gchar *state_dir)
{
  g_autofree guint8 *data = NULL;
  gsize size_bytes = 0;
  gint dir, fd;

  if (track->artwork)
    return;
  dir = open_folder (root, path);
  fd = dir >= 0 ? open_picture (dir) : -1;
  if (fd >= 0) {
    data = read_all (fd, &size_bytes);
    close (fd);
  }
  if (dir >= 0)
    close (dir);
  if (data)
    syrinx_report_keep_picture (track, data, size_bytes, state_dir);
}
