/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses and writes LRC. */
#include "lyrics.h"

#include <string.h>

/* The length of "[01:23.45]" at @p; 0: there is no such time. */
static gsize
get_time_bytes (const gchar *p)
{
  gsize n;

  if (p[0] != '[' || !g_ascii_isdigit (p[1]))
    return 0;
  n = 1 + strspn (p + 1, "0123456789:.");
  return p[n] == ']' && memchr (p, ':', n) ? n + 1 : 0;
}

/* "[ar:Someone]" */
static gboolean
is_heading (const gchar *line)
{
  gsize n = strlen (line);

  return line[0] == '[' && g_ascii_isalpha (line[1]) && strchr (line, ':')
         && line[n - 1] == ']';
}

gboolean
syrinx_lyrics_are_synced (const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", 64);

  for (guint i = 0; lines[i]; i++) {
    g_strstrip (lines[i]);
    if (*lines[i] && !is_heading (lines[i]))
      return get_time_bytes (lines[i]) > 0;
  }
  return FALSE;
}

gchar *
syrinx_lyrics_strip (const gchar *lrc)
{
  g_auto (GStrv) lines = g_strsplit (lrc, "\n", -1);
  g_autoptr (GString) plain = g_string_new (NULL);

  for (guint i = 0; lines[i]; i++) {
    const gchar *p = g_strstrip (lines[i]);
    gsize n;

    if (is_heading (p))
      continue;
    while ((n = get_time_bytes (p)))
      p += n + strspn (p + n, " ");
    g_string_append_printf (plain, "%s\n", p);
  }
  return g_strstrip (g_string_free (g_steal_pointer (&plain), FALSE));
}

void
syrinx_lyrics_append (GString *lrc, guint time_ms, const gchar *text)
{
  g_autofree gchar *line = g_strdelimit (g_strdup (text), "\r\n", ' ');

  g_string_append_printf (lrc, "[%02u:%02u.%02u]%s\n", time_ms / 60000,
      time_ms / 1000 % 60, time_ms / 10 % 100, g_strstrip (line));
}
