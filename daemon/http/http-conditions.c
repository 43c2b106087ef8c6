/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditional and range requests. */
#include "http-conditions.h"

#include <string.h>

/* --- Entity tags --- */

static const gchar *
skip_blanks (const gchar *text)
{
  return text + strspn (text, " \t,");
}

/* Whether @list ("*", or tags separated by commas) has @etag; weak tags match
 * only if @weakly. */
static gboolean
list_has (const gchar *list, const gchar *etag, gboolean weakly)
{
  const gchar *at = skip_blanks (list);

  if (g_str_equal (at, "*"))
    return TRUE;
  while (etag && *at) {
    gboolean is_weak = g_str_has_prefix (at, "W/");
    const gchar *opening = is_weak ? at + 2 : at;
    const gchar *closing = *opening == '"' ? strchr (opening + 1, '"') : NULL;
    gsize length = closing ? closing + 1 - opening : 0;
    if (!closing)
      return FALSE;
    if ((weakly || !is_weak) && strlen (etag) == length
        && strncmp (opening, etag, length) == 0)
      return TRUE;
    at = skip_blanks (closing + 1);
  }
  return FALSE;
}

/* By strong comparison. A date never matches, since no answer has
 * Last-Modified. */
static gboolean
range_holds (const HttpConditions *conditions, const gchar *etag)
{
  return !conditions->if_range
         || (etag && g_str_equal (conditions->if_range, etag));
}

/* --- Ranges --- */

/* Reads digits at *@text and moves it behind them; a number that is too large
 * becomes the maximum. FALSE: there are none. */
static gboolean
read_number (const gchar **text, guint64 *value)
{
  const gchar *start = *text;

  *value = 0;
  for (; g_ascii_isdigit (**text); (*text)++) {
    guint digit = **text - '0';
    *value = *value > (G_MAXUINT64 - digit) / 10 ? G_MAXUINT64
                                                 : *value * 10 + digit;
  }
  return *text > start;
}

static HttpVerdict
take_suffix (const gchar *text, guint64 size, guint64 *first, guint64 *n_bytes)
{
  if (!read_number (&text, n_bytes) || *text)
    return HTTP_VERDICT_WHOLE;
  *n_bytes = MIN (*n_bytes, size);
  *first = size - *n_bytes;
  return *n_bytes ? HTTP_VERDICT_PART : HTTP_VERDICT_OUTSIDE;
}

static HttpVerdict
take_range (const gchar *text, guint64 size, guint64 *first, guint64 *n_bytes)
{
  guint64 last = G_MAXUINT64;

  if (g_ascii_strncasecmp (text, "bytes=", 6) != 0)
    return HTTP_VERDICT_WHOLE;
  text += 6;
  if (*text == '-')
    return take_suffix (text + 1, size, first, n_bytes);
  if (!read_number (&text, first) || *text++ != '-'
      || (*text && !read_number (&text, &last)) || *text || last < *first)
    return HTTP_VERDICT_WHOLE;
  if (*first >= size)
    return HTTP_VERDICT_OUTSIDE;
  *n_bytes = MIN (last, size - 1) - *first + 1;
  return HTTP_VERDICT_PART;
}

HttpVerdict
http_conditions_judge (const HttpConditions *conditions, const gchar *etag,
    guint64 size, guint64 *first, guint64 *n_bytes)
{
  if (conditions->if_match && !list_has (conditions->if_match, etag, FALSE))
    return HTTP_VERDICT_FAILED;
  if (conditions->if_none_match
      && list_has (conditions->if_none_match, etag, TRUE))
    return HTTP_VERDICT_NOT_MODIFIED;
  if (conditions->range && range_holds (conditions, etag))
    return take_range (conditions->range, size, first, n_bytes);
  return HTTP_VERDICT_WHOLE;
}
