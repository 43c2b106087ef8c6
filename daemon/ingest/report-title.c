/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Derives a title from a file's name. */
#include "report-tags.h"

#include "report-text.h"

#include "daemon/worker/protocol.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 3

static gboolean
has_letter (const gchar *text)
{
  for (const gchar *p = text; *p; p = g_utf8_next_char (p))
    if (g_unichar_isalpha (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

/* Skips the track number at the start of @name and its separator; NULL if the
 * number may belong to the title ("99 Luftballons", "7-11", "50-Cent"). The
 * number of a disc and a dash may precede it. */
static const gchar *
skip_number (const gchar *name, gint *number)
{
  gsize n_digits = strspn (name, "0123456789");
  const gchar *end = name + n_digits, *rest;
  gboolean has_zero = name[0] == '0', is_marked;

  if (n_digits == 1 && *end == '-' && g_ascii_isdigit (end[1])
      && g_ascii_isdigit (end[2]) && !g_ascii_isdigit (end[3]))
    return skip_number (end + 1, number);
  if (n_digits < 1 || n_digits > MAX_DIGITS || (has_zero && n_digits < 2))
    return NULL;
  rest = end + strspn (end, " .-_)");
  is_marked = g_str_has_prefix (end, " - ") || g_str_has_prefix (end, ". ")
              || g_str_has_prefix (end, ") ") || g_str_has_prefix (end, "- ");
  if (rest == end || !(is_marked || has_zero) || !has_letter (rest))
    return NULL;
  *number = atoi (name);
  return rest;
}

gchar *
syrinx_report_title_from_name (const gchar *name, gint *number)
{
  g_autofree gchar *display = g_filename_display_basename (name);
  g_autofree gchar *clean = NULL;
  gchar *dot = strrchr (display, '.');
  const gchar *rest;

  *number = 0;
  if (dot && dot != display)
    *dot = 0;
  clean = syrinx_report_clean_text (
      display, strlen (display), SYRINX_MAX_TAG_BYTES);
  rest = skip_number (clean, number);
  if (rest)
    return g_strdup (rest);
  return *clean ? g_steal_pointer (&clean) : g_strdup ("?");
}
