/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders of tests. */
#include "tree.h"

#include <glib/gstdio.h>

void
tree_remove (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR)
        && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
      tree_remove (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}
