/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: words, and the marks that make ranking fast.
 *
 * bm25 has three parts: how rare a word is, how often a row contains it, and
 * how long the row is. Rows are ordered by length. A word that a row contains
 * more than once has a mark, which is a word of its own with its own list of
 * rows. So the best rows of a query are at the beginnings of a few lists, and
 * the rest is not read. */
#include "store-private.h"

#include <string.h>

#define MAX_MARKED_WORDS 128 /* repetitions of so many words are marked */
/* Private-use characters of plane 15 are removed from all text that comes in. A
 * mark is one of them, chosen by a hash, because short words cost the index
 * least. Different texts may have the same mark, so the text must be compared
 * too. */
#define MARK_FIRST 0xf0000u
#define MARK_COUNT 0xfffeu

SyrinxWords *
syrinx_words_new (void)
{
  SyrinxWords *words = g_new0 (SyrinxWords, 1);

  words->text = g_string_new (NULL);
  words->starts = g_array_new (FALSE, FALSE, sizeof (guint));
  return words;
}

void
syrinx_words_clear (SyrinxWords *words)
{
  g_string_truncate (words->text, 0);
  g_array_set_size (words->starts, 0);
}

void
syrinx_words_append (SyrinxWords *words, const gchar *word, gsize n_bytes)
{
  guint at = words->text->len;

  g_array_append_val (words->starts, at);
  g_string_append_len (words->text, word, n_bytes);
  g_string_append_c (words->text, '\0');
}

void
syrinx_words_free (SyrinxWords *words)
{
  g_string_free (words->text, TRUE);
  g_array_unref (words->starts);
  g_free (words);
}

gsize
syrinx_word_beginning (const gchar *word, guint n_chars)
{
  const gchar *end = word;

  while (n_chars-- > 0 && *end)
    end = g_utf8_next_char (end);
  return end - word;
}

gchar *
syrinx_words_join (const SyrinxWords *words)
{
  gsize n_bytes = words->text->len > 0 ? words->text->len - 1 : 0;
  gchar *joined = g_memdup2 (words->text->str, n_bytes + 1);

  for (gsize i = 0; i < n_bytes; i++)
    if (joined[i] == '\0')
      joined[i] = ' ';
  return joined;
}

/* FNV-1a, which distributes well and does not allocate. Different texts may
 * have the same number, so the text must be compared too. */
gint64
syrinx_text_number (const gchar *text)
{
  guint64 number = G_GUINT64_CONSTANT (14695981039346656037);

  for (const guint8 *p = (const guint8 *)text; *p; p++)
    number = (number ^ *p) * G_GUINT64_CONSTANT (1099511628211);
  return (gint64)number;
}

static void
append_mark (GString *marks, gchar kind, const gchar *text, gsize n_bytes)
{
  guint64 number = G_GUINT64_CONSTANT (14695981039346656037) ^ kind;

  for (gsize i = 0; i < n_bytes; i++)
    number = (number ^ (guint8)text[i]) * G_GUINT64_CONSTANT (1099511628211);
  number ^= number >> 32;
  if (marks->len > 0)
    g_string_append_c (marks, ' ');
  g_string_append_unichar (marks, MARK_FIRST + number % MARK_COUNT);
}

static gchar *
mark_new (gchar kind, const gchar *text, gsize n_bytes)
{
  GString *mark = g_string_new (NULL);

  append_mark (mark, kind, text, n_bytes);
  return g_string_free (mark, FALSE);
}

gchar *
syrinx_mark_title (const gchar *squeezed_title)
{
  return mark_new ('t', squeezed_title, strlen (squeezed_title));
}

gchar *
syrinx_mark_genre (const gchar *genre_key)
{
  return mark_new ('g', genre_key, strlen (genre_key));
}

gchar *
syrinx_mark_repeated (const gchar *word)
{
  return mark_new (
      'r', word, syrinx_word_beginning (word, SYRINX_MARKED_BEGINNING));
}

/* In place; the length in bytes does not change. */
void
syrinx_text_remove_marks (gchar *text)
{
  for (gchar *p = strchr (text, '\xf3'); p; p = strchr (p + 1, '\xf3'))
    if ((guint8)p[1] >= 0xb0)
      memcpy (p, "    ", 4);
}

/* How many of the first SYRINX_MARKED_BEGINNING characters are equal. */
static guint
count_common (const gchar *a, const gchar *b)
{
  guint n_chars = 0;

  if (*a != *b)
    return 0;
  for (; *a && *a == *b; a++, b++)
    if (((guchar)a[1] & 0xc0) != 0x80 && ++n_chars == SYRINX_MARKED_BEGINNING)
      break;
  return n_chars;
}

/* Marks the beginnings of word @i that exactly one earlier word has, that is,
 * when they are first repeated. Single letters are not marked: nearly all are
 * repeated. */
static void
mark_repeated (SyrinxWords *words, guint i, GString *marks)
{
  const gchar *word = syrinx_words_get (words, i);
  guint times[SYRINX_MARKED_BEGINNING + 1] = { 0 };

  for (guint k = 0; k < i; k++)
    for (guint n = count_common (syrinx_words_get (words, k), word); n > 0; n--)
      times[n]++;
  for (guint n = 2; n <= SYRINX_MARKED_BEGINNING; n++)
    if (times[n] == 1)
      append_mark (marks, 'r', word, syrinx_word_beginning (word, n));
}

gchar *
syrinx_marks_new (
    SyrinxWords *words, const gchar *squeezed_title, const gchar *genre_key)
{
  GString *marks = g_string_new (NULL);

  append_mark (marks, 't', squeezed_title, strlen (squeezed_title));
  if (genre_key && *genre_key)
    append_mark (marks, 'g', genre_key, strlen (genre_key));
  for (guint i = 1; i < MIN (syrinx_words_count (words), MAX_MARKED_WORDS); i++)
    mark_repeated (words, i, marks);
  return g_string_free (marks, FALSE);
}
