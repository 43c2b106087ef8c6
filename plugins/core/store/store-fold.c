/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: folding. Normalization form KD decomposes most characters, a table
 * replaces others; Korean and Japanese are composed again (NFC), so that a
 * syllable stays one character. */
#include "store-fold.h"

#include <string.h>

#define IS_IN(c, first, last) ((c) >= (first) && (c) <= (last))

/* --- Classes --- */

/* Scripts that are written without spaces between words. */
static gboolean
is_run_script (gunichar c)
{
  switch (g_unichar_get_script (c)) {
  case G_UNICODE_SCRIPT_HAN:
  case G_UNICODE_SCRIPT_HIRAGANA:
  case G_UNICODE_SCRIPT_KATAKANA:
  case G_UNICODE_SCRIPT_HANGUL:
  case G_UNICODE_SCRIPT_BOPOMOFO:
  case G_UNICODE_SCRIPT_THAI:
  case G_UNICODE_SCRIPT_LAO:
  case G_UNICODE_SCRIPT_KHMER:
  case G_UNICODE_SCRIPT_MYANMAR:
  case G_UNICODE_SCRIPT_YI:
    return TRUE;
  default:
    return IS_IN (c, 0x3031, 0x3035) || c == 0x30fc
           || IS_IN (c, 0x3099, 0x309c);
  }
}

static SyrinxFoldClass
get_ascii_class (gchar c)
{
  if (g_ascii_isalnum (c))
    return SYRINX_FOLD_LETTER;
  if (c <= ' ' || c == 0x7f || strchr (",;:()[]{}<>|\"", c))
    return SYRINX_FOLD_SPACE;
  return SYRINX_FOLD_PUNCT;
}

SyrinxFoldClass
syrinx_fold_get_class (gunichar c)
{
  if (c < 0x80)
    return get_ascii_class ((gchar)c);
  switch (g_unichar_type (c)) {
  case G_UNICODE_LOWERCASE_LETTER:
  case G_UNICODE_MODIFIER_LETTER:
  case G_UNICODE_OTHER_LETTER:
  case G_UNICODE_TITLECASE_LETTER:
  case G_UNICODE_UPPERCASE_LETTER:
  case G_UNICODE_SPACING_MARK:
  case G_UNICODE_ENCLOSING_MARK:
  case G_UNICODE_NON_SPACING_MARK:
  case G_UNICODE_DECIMAL_NUMBER:
  case G_UNICODE_LETTER_NUMBER:
  case G_UNICODE_OTHER_NUMBER:
  case G_UNICODE_PRIVATE_USE:
    return is_run_script (c) ? SYRINX_FOLD_RUN : SYRINX_FOLD_LETTER;
  case G_UNICODE_CURRENCY_SYMBOL:
  case G_UNICODE_MATH_SYMBOL:
  case G_UNICODE_OTHER_SYMBOL:
  case G_UNICODE_UNASSIGNED: /* for example an emoji that is newer than GLib */
    return SYRINX_FOLD_SYMBOL;
  case G_UNICODE_DASH_PUNCTUATION:
  case G_UNICODE_CONNECT_PUNCTUATION:
    return SYRINX_FOLD_PUNCT;
  default:
    /* apostrophes, middle dot */
    return c == 0x2018 || c == 0x2019 || c == 0x201b || c == 0xb7
               ? SYRINX_FOLD_PUNCT
               : SYRINX_FOLD_SPACE;
  }
}

/* --- Folding --- */

/* Marks that are often omitted in queries. After и and у a breve makes another
 * letter, so it is kept. */
static gboolean
is_left_out (gunichar c, gunichar before)
{
  if (IS_IN (c, 0x300, 0x36f))
    return !(c == 0x306 && (before == 0x438 || before == 0x443));
  return IS_IN (c, 0x591, 0x5c7) || IS_IN (c, 0x610, 0x61a) || c == 0x640
         || IS_IN (c, 0x64b, 0x65f) || c == 0x670 || IS_IN (c, 0x6d6, 0x6ed)
         || IS_IN (c, 0x1ab0, 0x1aff) || IS_IN (c, 0x1dc0, 0x1dff)
         || IS_IN (c, 0xfe00, 0xfe0f) || IS_IN (c, 0xe0000, 0xe0fff)
         || IS_IN (c, 0x1f3fb, 0x1f3ff) || c == 0x20e3
         || g_unichar_type (c) == G_UNICODE_FORMAT;
}

/* The replacement of a character that normalization does not decompose, in
 * lower case; NULL: @c is kept. */
static const gchar *
get_replacement (gunichar c)
{
  static const struct
  {
    gunichar c;
    const gchar *text;
  } table[] = { { 0xb4, "'" }, { 0xa9, " " }, { 0xae, " " }, { 0xe6, "ae" },
    { 0xf0, "d" }, { 0xf8, "o" }, { 0xfe, "th" }, { 0x111, "d" },
    { 0x127, "h" }, { 0x131, "i" }, { 0x138, "k" }, { 0x142, "l" },
    { 0x14b, "n" }, { 0x153, "oe" }, { 0x167, "t" }, { 0x180, "b" },
    { 0x1dd, "e" }, { 0x259, "e" }, { 0x3c2, "\xcf\x83" /* σ */ },
    { 0x629, "\xd9\x87" /* ه */ }, { 0x649, "\xd9\x8a" /* ي */ },
    { 0x671, "\xd8\xa7" /* ا */ }, { 0x6a9, "\xd9\x83" /* ك */ },
    { 0x6cc, "\xd9\x8a" /* ي */ }, { 0x2117, " " }, { 0x2120, " " },
    { 0x2122, " " } };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].c == c)
      return table[i].text;
  return NULL;
}

/* ´ and ™ are replaced first, as their decompositions would be misleading. */
static gchar *
replace_early (const gchar *text)
{
  GString *out = g_string_sized_new (strlen (text));

  for (const gchar *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c == 0xb4 || c == 0x2117 || c == 0x2120 || c == 0x2122)
      g_string_append (out, get_replacement (c));
    else
      g_string_append_unichar (out, c);
  }
  return g_string_free (out, FALSE);
}

static void
append_folded (GString *out, gunichar c)
{
  const gchar *replacement = get_replacement (c);

  if (replacement)
    g_string_append (out, replacement);
  else if (c >= 0x80 && g_unichar_type (c) == G_UNICODE_DECIMAL_NUMBER)
    g_string_append_c (out, '0' + g_unichar_digit_value (c));
  else
    g_string_append_unichar (out, c);
}

/* Converts to lower case and decomposes. (transfer full) */
static gchar *
take_apart (const gchar *text)
{
  g_autofree gchar *early = replace_early (text);
  g_autofree gchar *apart = g_utf8_normalize (early, -1, G_NORMALIZE_ALL);
  g_autofree gchar *lower = g_utf8_casefold (apart ? apart : early, -1);
  gchar *again = g_utf8_normalize (lower, -1, G_NORMALIZE_ALL);

  return again ? again : g_steal_pointer (&lower);
}

static void
fold_unicode (GString *out, const gchar *text)
{
  g_autofree gchar *apart = take_apart (text);
  g_autofree gchar *whole = NULL;
  g_autoptr (GString) bare = g_string_sized_new (strlen (apart));
  gunichar before = 0;

  for (const gchar *p = apart; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (is_left_out (c, before))
      continue;
    append_folded (bare, c);
    before = c;
  }
  whole = g_utf8_normalize (bare->str, bare->len, G_NORMALIZE_NFC);
  g_string_append (out, whole ? whole : bare->str);
}

void
syrinx_fold (GString *out, const gchar *text)
{
  gsize start = out->len, n_bytes = 0;

  while (text[n_bytes] && (guchar)text[n_bytes] < 0x80)
    n_bytes++;
  if (text[n_bytes]) {
    fold_unicode (out, text);
    return;
  }
  g_string_append_len (out, text, n_bytes);
  for (gsize i = start; i < out->len; i++)
    out->str[i] = g_ascii_tolower (out->str[i]);
}
