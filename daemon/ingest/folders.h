/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library folders: finding files and opening them without leaving the
 * folder. Any thread. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *path; /* bytes, relative to the root */
  gint64 size_bytes, mtime_ns, ctime_ns;
} SyrinxFoundFile;

void syrinx_found_file_free (SyrinxFoundFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFoundFile, syrinx_found_file_free)

/* Every file below @root that looks like music by its name. Links to folders
 * are not followed, hidden names are skipped. @directories gets their absolute
 * paths, the root first. (element-type SyrinxFoundFile) (transfer full) Errors:
 * NOT_FOUND (the root is not there), CANCELLED. */
GPtrArray *syrinx_library_walk (const gchar *root, GPtrArray *directories,
    GCancellable *cancellable, GError **error);

/* A regular file below @root, opened for reading without waiting for anything.
 * -1: NOT_FOUND, DENIED (leads out of the root), INVALID (not a regular file).
 * @size_bytes and @mtime_ns are optional. */
gint syrinx_library_open (const gchar *root, const gchar *path,
    gint64 *size_bytes, gint64 *mtime_ns, GError **error);

/* Of the file's size and samples of its content: hex SHA-256. (transfer full)
 * (nullable): it can't be read. */
gchar *syrinx_library_get_fingerprint (gint fd);

G_END_DECLS
