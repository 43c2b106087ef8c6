/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks library folders and opens the files in them. */
#include "folders.h"

#include "suffixes.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_DEPTH       64
#define MAX_FILES       5000000
#define MAX_DIRECTORIES 1000000
#define SAMPLE_BYTES    (64 * 1024)

static GMutex roots_lock;
static gchar **library_roots; /* protected by roots_lock */

/* A folder that is being walked, and its parents. */
typedef struct _Level Level;
struct _Level
{
  const Level *above;
  dev_t device;
  ino_t inode;
  guint depth;
};

typedef struct
{
  SyrinxWalk *result;  /* (transfer none) */
  const gchar *folder; /* absolute: where it began */
  gint *progress;      /* atomic */
} Walk;

void
syrinx_found_file_free (SyrinxFoundFile *file)
{
  g_free (file->path);
  g_free (file->reason);
  g_free (file);
}

void
syrinx_library_set_roots (const gchar *const *roots)
{
  g_mutex_lock (&roots_lock);
  g_strfreev (library_roots);
  library_roots = g_strdupv ((gchar **)roots);
  g_mutex_unlock (&roots_lock);
}

static gint64
get_ns (const struct timespec *when)
{
  return (gint64)when->tv_sec * 1000000000 + when->tv_nsec;
}

static SyrinxFoundFile *
add_found (Walk *walk, const gchar *path, const struct stat *st)
{
  SyrinxFoundFile *file = g_new0 (SyrinxFoundFile, 1);

  file->path = g_strdup (path);
  file->size_bytes = st->st_size;
  file->mtime_ns = get_ns (&st->st_mtim);
  file->ctime_ns = get_ns (&st->st_ctim);
  g_ptr_array_add (walk->result->files, file);
  return file;
}

/* Records what can't be read. @hides: tracks known there are kept. */
static void
add_reason (Walk *walk, const gchar *path, gint error, gboolean hides)
{
  static const struct stat nothing;
  SyrinxFoundFile *file = add_found (walk, path, &nothing);

  file->hides = hides;
  file->reason = error == EXDEV
                     ? g_strdup ("the link leads out of the library folders")
                     : g_strdup_printf (
                         "the folder can't be read: %s", g_strerror (error));
}

/* --- Opening --- */

static gint
open_below (
    const gchar *root, const gchar *path, guint64 flags, guint64 resolve)
{
  struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | flags,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve };
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

/* Opens @target, a resolved path, if it is in one of the library folders. */
static gint
open_in_roots (const gchar *target, guint64 flags)
{
  g_auto (GStrv) roots = NULL;
  gint fd = -1;

  g_mutex_lock (&roots_lock);
  roots = g_strdupv (library_roots);
  g_mutex_unlock (&roots_lock);
  for (guint i = 0; roots && roots[i] && fd < 0; i++) {
    g_autofree gchar *real = realpath (roots[i], NULL);
    gsize n = real ? strlen (real) : 0;

    if (n > 0 && strncmp (target, real, n) == 0 && target[n] == '/')
      fd = open_below (real, target + n + 1, flags, RESOLVE_NO_SYMLINKS);
  }
  return fd;
}

/* Opens @path beneath @root, or, through a symbolic link, in another library
 * folder. */
static gint
open_within (const gchar *root, const gchar *path, guint64 flags)
{
  gint fd = open_below (root, path, flags, 0);
  g_autofree gchar *full = NULL, *target = NULL;

  if (fd >= 0 || errno != EXDEV)
    return fd;
  full = g_build_filename (root, path, NULL);
  target = realpath (full, NULL);
  fd = target ? open_in_roots (target, flags) : -1;
  if (fd < 0)
    errno = EXDEV;
  return fd;
}

/* --- Walking --- */

static void
walk_directory (Walk *walk, gint fd, const gchar *path, const Level *above);

/* Records size and time of the target of a symbolic link, so that a change of
 * the target is noticed; opening decides whether it may be read. */
static void
add_file (Walk *walk, gint dir, const gchar *name, const gchar *path)
{
  struct stat st;

  if (fstatat (dir, name, &st, 0) != 0
      && fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT)
      add_reason (walk, path, errno, TRUE);
    return;
  }
  if (!S_ISDIR (st.st_mode) && walk->result->files->len < MAX_FILES)
    add_found (walk, path, &st);
}

/* The kind of the entry itself, without following links. */
static mode_t
get_kind (gint dir, const struct dirent *entry)
{
  struct stat st;

  if (entry->d_type != DT_UNKNOWN)
    return DTTOIF (entry->d_type);
  return fstatat (dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
             ? st.st_mode & S_IFMT
             : 0;
}

static gboolean
leads_to_directory (gint dir, const gchar *name)
{
  struct stat st;

  return fstatat (dir, name, &st, 0) == 0 && S_ISDIR (st.st_mode);
}

static gboolean
is_excluded (const Walk *walk, const gchar *path)
{
  gsize n = strlen (path);

  for (guint i = 0; walk->result->excluded[i]; i++)
    if (strncmp (walk->result->excluded[i], path, n) == 0
        && g_str_equal (walk->result->excluded[i] + n, "/"))
      return TRUE;
  return FALSE;
}

static void
enter_directory (Walk *walk, gint dir, const gchar *name, const gchar *path,
    const Level *above, gboolean is_link)
{
  gint fd;

  if (above->depth >= MAX_DEPTH || is_excluded (walk, path))
    return;
  fd = is_link ? open_within (walk->result->root, path, O_DIRECTORY)
               : openat (
                   dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0)
    walk_directory (walk, fd, path, above);
  else if (errno != ENOENT)
    add_reason (walk, path, errno, !is_link);
}

static void
look_at (Walk *walk, gint dir, const struct dirent *entry, const gchar *folder,
    const Level *level)
{
  const gchar *name = entry->d_name;
  g_autofree gchar *path = NULL;
  mode_t kind;

  g_atomic_int_inc (walk->progress);
  if (name[0] == '.')
    return;
  path = *folder ? g_build_filename (folder, name, NULL) : g_strdup (name);
  kind = get_kind (dir, entry);
  if (S_ISDIR (kind))
    enter_directory (walk, dir, name, path, level, FALSE);
  else if (S_ISLNK (kind) && leads_to_directory (dir, name))
    enter_directory (walk, dir, name, path, level, TRUE);
  else if (syrinx_suffixes_take (name))
    add_file (walk, dir, name, path);
  else
    syrinx_skipped_add (walk->folder, walk->result->root, path);
}

/* A link to one of its own parents would never end. */
static gboolean
is_above (const Level *level)
{
  for (const Level *p = level->above; p; p = p->above)
    if (p->device == level->device && p->inode == level->inode)
      return TRUE;
  return FALSE;
}

static gboolean
read_entries (Walk *walk, DIR *dir, const gchar *path, const Level *level)
{
  struct dirent *entry;

  while (!g_cancellable_is_cancelled (walk->result->cancellable)) {
    errno = 0;
    entry = readdir (dir);
    if (!entry)
      return errno == 0;
    look_at (walk, dirfd (dir), entry, path, level);
  }
  return TRUE;
}

/* A failure of the walk's own folder becomes the walk's error. */
static void
fail_directory (Walk *walk, const gchar *path, const Level *above)
{
  gint error = errno;

  if (above)
    add_reason (walk, path, error, TRUE);
  else
    g_set_error (&walk->result->error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT,
        "can't read the library folder %s: %s", walk->result->root,
        g_strerror (error));
}

/* Takes over @fd. */
static void
walk_directory (Walk *walk, gint fd, const gchar *path, const Level *above)
{
  Level level = { .above = above, .depth = above ? above->depth + 1 : 0 };
  DIR *dir = NULL;
  struct stat st;

  if (fstat (fd, &st) == 0)
    dir = fdopendir (fd);
  if (!dir) {
    fail_directory (walk, path, above);
    close (fd);
    return;
  }
  level.device = st.st_dev;
  level.inode = st.st_ino;
  if (!is_above (&level) && walk->result->directories->len < MAX_DIRECTORIES) {
    g_ptr_array_add (walk->result->directories,
        g_build_filename (walk->result->root, path, NULL));
    if (!read_entries (walk, dir, path, &level))
      fail_directory (walk, path, above);
  }
  closedir (dir);
}

SyrinxWalk *
syrinx_walk_new (const gchar *root, const gchar *prefix,
    const gchar *const *excluded, GCancellable *cancellable)
{
  SyrinxWalk *walk = g_new0 (SyrinxWalk, 1);

  walk->root = g_strdup (root);
  walk->prefix = g_strdup (prefix);
  walk->excluded = g_strdupv ((gchar **)excluded);
  walk->cancellable = g_object_ref (cancellable);
  walk->files
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_found_file_free);
  walk->directories = g_ptr_array_new_with_free_func (g_free);
  return walk;
}

void
syrinx_walk_free (SyrinxWalk *walk)
{
  g_free (walk->root);
  g_free (walk->prefix);
  g_strfreev (walk->excluded);
  g_object_unref (walk->cancellable);
  g_ptr_array_unref (walk->files);
  g_ptr_array_unref (walk->directories);
  g_clear_error (&walk->error);
  g_free (walk);
}

void
syrinx_walk_run (gpointer data, gint *progress)
{
  SyrinxWalk *self = data;
  g_autofree gchar *folder = g_build_filename (self->root, self->prefix, NULL);
  Walk walk = { self, folder, progress };
  g_autofree gchar *path = g_strdup (self->prefix);
  gint fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0) {
    g_set_error (&self->error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
        "can't read the library folder %s: %s", folder, g_strerror (errno));
    return;
  }
  if (*path)
    path[strlen (path) - 1] = '\0';
  syrinx_skipped_begin (folder);
  walk_directory (&walk, fd, path, NULL);
  if (!self->error && g_cancellable_is_cancelled (self->cancellable))
    g_set_error_literal (&self->error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED,
        "the scan was stopped");
}

/* --- Files --- */

/* Whether @error is one that a share reports when its server is away. */
static gboolean
is_away (gint error)
{
  static const gint errors[] = { EIO, ENOTCONN, ECONNABORTED, ESTALE, EHOSTDOWN,
    EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ENOLINK };

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    if (errors[i] == error)
      return TRUE;
  return FALSE;
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
  else if (is_away (errno))
    code = SYRINX_ERROR_TIMED_OUT;
  g_set_error (error, SYRINX_ERROR, code, "can't open it: %s",
      errno == EXDEV ? "it leads out of the library folders"
                     : g_strerror (errno));
}

gint
syrinx_library_open (const gchar *root, const gchar *path, gint64 *size_bytes,
    gint64 *mtime_ns, GError **error)
{
  gint fd = open_within (root, path, O_NONBLOCK | O_NOCTTY);
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
