/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library folders: finding files and opening them without leaving the
 * folder. Any thread. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *path; /* a byte string, relative to the root */
  gint64 size_bytes, mtime_ns, ctime_ns;
  gchar *reason; /* why the file or folder can't be read; NULL: it is a file to
                    read */
  gboolean
      hides; /* with a reason: tracks known there, or below, may still exist */
} SyrinxFoundFile;

void syrinx_found_file_free (SyrinxFoundFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFoundFile, syrinx_found_file_free)

/* Sets the library folders, absolute: symbolic links may lead from one into
 * another. To be called before any other function here. */
void syrinx_library_set_roots (const gchar *const *roots);

/* One walk through a folder. */
typedef struct
{
  /* constant after new */
  gchar *root, *prefix;
  gchar **excluded;
  GCancellable *cancellable;

  /* set by the run */
  GPtrArray *files;       /* (element-type SyrinxFoundFile) */
  GPtrArray *directories; /* absolute paths, that of @prefix first */
  GError *error; /* NOT_FOUND (it does not exist), CANCELLED, TIMED_OUT (not
                    readable now) */
} SyrinxWalk;

/* Finds all files below the folder @prefix ("" or ending with a slash) of @root
 * whose names look like music, except below the folders @excluded (of the same
 * form). Hidden names are skipped. Symbolic links are followed as long as they
 * stay in the library folders, and reported where they do not. */
SyrinxWalk *syrinx_walk_new (const gchar *root, const gchar *prefix,
    const gchar *const *excluded, GCancellable *cancellable);
/* Runs @walk, a SyrinxWalk. This is a SyrinxDeadlineFunc. */
void syrinx_walk_run (gpointer walk, gint *progress);
void syrinx_walk_free (SyrinxWalk *walk);

/* Opens a regular file below @root for reading, without blocking. Returns -1 on
 * an error: NOT_FOUND, DENIED (leads out of the library folders), INVALID (not
 * a regular file), TIMED_OUT (not readable now). @size_bytes and @mtime_ns
 * (nullable). */
gint syrinx_library_open (const gchar *root, const gchar *path,
    gint64 *size_bytes, gint64 *mtime_ns, GError **error);

/* Hex SHA-256 of the file's size and samples of its content. (transfer full)
 * (nullable): it can't be read. */
gchar *syrinx_library_get_fingerprint (gint fd);

G_END_DECLS
