/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

gint
count_in_memory (GPid pid, gconstpointer needle, gsize size)
{
  g_autofree gchar *maps = g_strdup_printf ("/proc/%d/maps", pid),
                   *path = g_strdup_printf ("/proc/%d/mem", pid), *text = NULL;
  g_auto (GStrv) lines = NULL;
  int mem = open (path, O_RDONLY | O_CLOEXEC);
  gint count = 0;

  if (mem < 0 || !g_file_get_contents (maps, &text, NULL, NULL))
    return -1;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    gchar *at = NULL;
    guint64 begin = g_ascii_strtoull (lines[i], &at, 16),
            end = *at ? g_ascii_strtoull (at + 1, &at, 16) : 0;
    g_autofree guint8 *data = NULL;
    gssize n;
    if (!end || !g_str_has_prefix (at, " rw"))
      continue;
    data = g_malloc (end - begin);
    n = pread (mem, data, end - begin, begin);
    for (const guint8 *found = data; n > 0; found++, count++) {
      found = memmem (found, data + n - found, needle, size);
      if (!found)
        break;
    }
  }
  close (mem);
  return count;
}
