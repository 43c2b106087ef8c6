/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a worker's texts safe to keep and to show. */
#include "report-text.h"

#include <string.h>

gchar *
syrinx_report_clean_text (const gchar *text, gsize size_bytes, gsize max_bytes)
{
  g_autofree gchar *valid
      = g_utf8_make_valid (text, MIN (size_bytes, max_bytes));
  g_autoptr (GString) clean = g_string_sized_new (strlen (valid));

  for (const gchar *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_iscntrl (c) || c == 0x2028 || c == 0x2029)
      c = ' ';
    g_string_append_unichar (clean, c);
  }
  if (clean->len > max_bytes)
    g_string_truncate (
        clean, g_utf8_find_prev_char (clean->str, clean->str + max_bytes)
                   - clean->str);
  return g_strstrip (g_string_free (g_steal_pointer (&clean), FALSE));
}
