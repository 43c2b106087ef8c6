/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking library folders and opening what is in them. */
#include "folders.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_DEPTH    64
#define MAX_FILES    5000000
#define SAMPLE_BYTES (64 * 1024)

static const gchar *const suffixes[] = { "3ga", "3gp", "aac", "ac3", "adts",
  "aif", "aifc", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dsf", "dts",
  "dtshd", "ec3", "eac3", "flac", "flv", "m2a", "m4a", "m4b", "m4p", "m4r",
  "m4v", "mk3d", "mka", "mkv", "mov", "mp1", "mp2", "mp3", "mp4", "mpa", "mpc",
  "mpg", "mpeg", "mpga", "oga", "ogg", "ogm", "ogv", "ogx", "opus", "snd",
  "spx", "tak", "thd", "truehd", "tta", "w64", "wav", "wave", "webm", "wma",
  "wmv", "wv", NULL };

typedef struct
{
  GPtrArray *files, *directories;
  const gchar *root;
  GCancellable *cancellable;
} Walk;

void
syrinx_found_file_free (SyrinxFoundFile *file)
{
  g_free (file->path);
  g_free (file);
}

static gboolean
is_music (const gchar *name)
{
  const gchar *dot = strrchr (name, '.');

  for (guint i = 0; dot && suffixes[i]; i++)
    if (g_ascii_strcasecmp (dot + 1, suffixes[i]) == 0)
      return TRUE;
  return FALSE;
}

static gint64
get_ns (const struct timespec *when)
{
  return (gint64)when->tv_sec * 1000000000 + when->tv_nsec;
}

/* A link counts as what it leads to, so that a new version behind it is seen;
 * opening decides whether it may be read. */
static void
add_file (Walk *walk, gint dir, const gchar *name, const gchar *path)
{
  SyrinxFoundFile *file;
  struct stat st;

  if (fstatat (dir, name, &st, 0) != 0
      && fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  if (S_ISDIR (st.st_mode) || walk->files->len >= MAX_FILES)
    return;
  file = g_new0 (SyrinxFoundFile, 1);
  file->path = g_strdup (path);
  file->size_bytes = st.st_size;
  file->mtime_ns = get_ns (&st.st_mtim);
  file->ctime_ns = get_ns (&st.st_ctim);
  g_ptr_array_add (walk->files, file);
}

static gboolean
is_directory (gint dir, const struct dirent *entry)
{
  struct stat st;

  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type == DT_DIR;
  return fstatat (dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
         && S_ISDIR (st.st_mode);
}

/* Takes @fd. */
static void
walk_directory (Walk *walk, gint fd, const gchar *prefix, guint depth)
{
  DIR *dir = fdopendir (fd);
  struct dirent *entry;

  if (!dir) {
    close (fd);
    return;
  }
  g_ptr_array_add (
      walk->directories, g_build_filename (walk->root, prefix, NULL));
  while ((entry = readdir (dir))
         && !g_cancellable_is_cancelled (walk->cancellable)) {
    g_autofree gchar *path = NULL;

    if (entry->d_name[0] == '.')
      continue;
    path = *prefix ? g_build_filename (prefix, entry->d_name, NULL)
                   : g_strdup (entry->d_name);
    if (is_directory (fd, entry)) {
      gint child = depth < MAX_DEPTH ? openat (fd, entry->d_name,
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                     : -1;
      if (child >= 0)
        walk_directory (walk, child, path, depth + 1);
    } else if (is_music (entry->d_name)) {
      add_file (walk, fd, entry->d_name, path);
    }
  }
  closedir (dir);
}

GPtrArray *
syrinx_library_walk (const gchar *root, GPtrArray *directories,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_found_file_free);
  Walk walk = { files, directories, root, cancellable };
  gint fd = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "can't read the library folder %s: %s", root, g_strerror (errno));
    return NULL;
  }
  walk_directory (&walk, fd, "", 0);
  if (!g_cancellable_is_cancelled (cancellable))
    return g_steal_pointer (&files);
  g_set_error_literal (
      error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED, "the scan was stopped");
  return NULL;
}

static gint
open_beneath (const gchar *root, const gchar *path)
{
  struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
  gint dir = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gint fd, saved;

  if (dir < 0)
    return -1;
  fd = syscall (SYS_openat2, dir, path, &how, sizeof how);
  saved = errno;
  close (dir);
  errno = saved;
  return fd;
}

static void
set_open_error (GError **error)
{
  SyrinxError code = SYRINX_ERROR_FAILED;

  if (errno == ENOENT || errno == ENOTDIR)
    code = SYRINX_ERROR_NOT_FOUND;
  else if (errno == EACCES || errno == EPERM || errno == EXDEV)
    code = SYRINX_ERROR_DENIED;
  else if (errno == ELOOP || errno == ENXIO)
    code = SYRINX_ERROR_INVALID;
  g_set_error (error, SYRINX_ERROR, code, "can't open it: %s",
      errno == EXDEV ? "it leads out of the library folder"
                     : g_strerror (errno));
}

gint
syrinx_library_open (const gchar *root, const gchar *path, gint64 *size_bytes,
    gint64 *mtime_ns, GError **error)
{
  gint fd = open_beneath (root, path);
  struct stat st;

  if (fd < 0) {
    set_open_error (error);
    return -1;
  }
  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode)) {
    close (fd);
    g_set_error_literal (
        error, SYRINX_ERROR, SYRINX_ERROR_INVALID, "it is not a regular file");
    return -1;
  }
  if (size_bytes)
    *size_bytes = st.st_size;
  if (mtime_ns)
    *mtime_ns = get_ns (&st.st_mtim);
  return fd;
}

static gchar *
get_digest (gconstpointer data, gsize n_bytes)
{
  guint8 digest[SYRINX_SHA256_BYTES];
  gchar *hex = g_malloc (2 * sizeof digest + 1);

  syrinx_sha256 (data, n_bytes, digest);
  for (guint i = 0; i < sizeof digest; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", digest[i]);
  return hex;
}

gchar *
syrinx_library_get_fingerprint (gint fd)
{
  g_autofree guint8 *data = NULL;
  gsize n_bytes = sizeof (gint64);
  struct stat st;
  gint64 size;

  if (fstat (fd, &st) != 0)
    return NULL;
  size = st.st_size;
  data = g_malloc (sizeof size + 3 * SAMPLE_BYTES);
  memcpy (data, &size, sizeof size);
  for (guint i = 0; i < 3; i++) {
    gint64 at = MAX (size - SAMPLE_BYTES, 0) * i / 2;
    gssize n = pread (fd, data + n_bytes, SAMPLE_BYTES, at);
    if (n < 0)
      return NULL;
    n_bytes += n;
  }
  return get_digest (data, n_bytes);
}
