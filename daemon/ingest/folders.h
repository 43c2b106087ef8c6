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
  gchar *reason; /* why it, or the folder there, can't be looked at; NULL: it is
                    a file */
  gboolean hides; /* with a reason: what is known there, or below, may still be
                     there */
} SyrinxFoundFile;

void syrinx_found_file_free (SyrinxFoundFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxFoundFile, syrinx_found_file_free)

/* The library folders, absolute: links may lead from one into another. Before
 * anything else here is called. */
void syrinx_library_set_roots (const gchar *const *roots);

/* One look through a folder. */
typedef struct
{
  /* constant after new */
  gchar *root, *prefix;
  gchar **excluded;
  GCancellable *cancellable;

  /* once it has run */
  GPtrArray *files;       /* (element-type SyrinxFoundFile) */
  GPtrArray *directories; /* absolute paths, the first is @prefix's own */
  GError *error; /* NOT_FOUND (it is not there), CANCELLED, TIMED_OUT (it can't
                    be read now) */
} SyrinxWalk;

/* Every file below @root's folder @prefix ("" or ended by a slash) that looks
 * like music by its name, without the folders @excluded (likewise). Hidden
 * names are skipped. Links are followed while they stay in the library folders,
 * and named where they don't. */
SyrinxWalk *syrinx_walk_new (const gchar *root, const gchar *prefix,
    const gchar *const *excluded, GCancellable *cancellable);
/* Runs @walk, a SyrinxWalk; a SyrinxDeadlineFunc. */
void syrinx_walk_run (gpointer walk, gint *progress);
void syrinx_walk_free (SyrinxWalk *walk);

/* A regular file below @root, opened for reading without waiting for anything.
 * -1: NOT_FOUND, DENIED (leads out of the library folders), INVALID (not a
 * regular file), TIMED_OUT (can't be read now).
 * @size_bytes and @mtime_ns are optional. */
gint syrinx_library_open (const gchar *root, const gchar *path,
    gint64 *size_bytes, gint64 *mtime_ns, GError **error);

/* Hex SHA-256 of the file's size and samples of its content. (transfer full)
 * (nullable): it can't be read. */
gchar *syrinx_library_get_fingerprint (gint fd);

G_END_DECLS
