/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over the given files and folders, with each whole file and
 * its first half. */
#include "fuzz.h"

static guint n_files;

static void
run_file (const gchar *path)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  if (!g_file_get_contents (path, &text, &size, &error))
    g_error ("%s", error->message);
  for (gsize n = size;; n /= 2) {
    g_autofree guint8 *data = g_memdup2 (text, n); /* of exact size */
    LLVMFuzzerTestOneInput (data, n);
    if (n < size || n == 0)
      break;
  }
  n_files++;
}

static void
run (const gchar *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const gchar *name;

  if (!folder)
    run_file (path);
  while (folder && (name = g_dir_read_name (folder))) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    run_file (file);
  }
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    run (argv[i]);
  if (n_files == 0)
    g_error ("there is no corpus");
  g_print ("%u inputs\n", n_files);
  return 0;
}
