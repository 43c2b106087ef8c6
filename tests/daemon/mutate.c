/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mutate.h"

static void
insert_nasty (GString *text, gsize at)
{
  static const gchar *const nasty[]
      = { "\r\n\r\n", "\n", "\t", " ", "%00", "%", "..", "/../", "//", ":",
          "99999999999999999999", "-1", "0x10", "nan", "\xff\xfe", "\xc0\x80",
          "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
          "Connection: close\r\n", "Expect: 100-continue\r\n",
          "Range: bytes=9-,1-2\r\n", "Upgrade: h2c\r\n", "$\1\xff\xff",
          "Session: x;timeout=1\r\n", "{\"a\":[", "\"", "?", "&token=&" };

  g_string_insert (
      text, at, nasty[g_test_rand_int_range (0, G_N_ELEMENTS (nasty))]);
}

GString *
mutate (const gchar *from, const gchar *other)
{
  GString *text = g_string_new (from);

  for (gint n = g_test_rand_int_range (1, 5); n > 0; n--) {
    gsize at = g_test_rand_int_range (0, text->len + 1);
    gsize drawn = g_test_rand_int_range (1, 64);
    gsize size = MIN (drawn, text->len - at);
    g_autofree gchar *part = g_strndup (text->str + at, size);
    switch (g_test_rand_int_range (0, 6)) {
    case 0:
      if (size)
        text->str[at] ^= 1 << g_test_rand_int_range (0, 8);
      break;
    case 1:
      g_string_erase (text, at, size);
      break;
    case 2:
      for (gint i = g_test_rand_int_range (1, 40); i > 0; i--)
        g_string_insert (text, at, part);
      break;
    case 3:
      g_string_truncate (text, at);
      break;
    case 4:
      g_string_append (text, other);
      break;
    default:
      insert_nasty (text, at);
    }
  }
  return text;
}
