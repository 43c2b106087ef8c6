/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: the words by which a text is found.
 *
 * A word of a query matches every indexed word that begins with it. In a run of
 * Chinese, Japanese, Korean or Thai, an indexed word of SYRINX_RUN_CHARS
 * characters therefore starts at each character, so that any part of the run is
 * found. A word with punctuation is indexed by its parts and as one word (AC/DC
 * is ac, dc and acdc), and, if punctuation stands for letters, as it is
 * pronounced (P!nk is pink). If there is nothing else, the punctuation itself
 * is indexed ("!!!"), in full-width characters, which no folded text
 * contains. */
#include "store-private.h"

#include "store-fold.h"

#include <string.h>

#define MAX_JOINED_BYTES 64
#define FULL_WIDTH       0xfee0

/* Characters of one kind within a folded text. */
typedef struct
{
  SyrinxFoldClass kind;
  const gchar *start;
  gsize n_bytes;
} Piece;

typedef void (*WordFunc) (const Piece *pieces, guint n_pieces, gpointer data);

/* Takes the next piece from a folded text: all consecutive letters or run
 * characters, or one other character. */
static Piece
take_piece (const gchar *text)
{
  Piece piece = { syrinx_fold_get_class (g_utf8_get_char (text)), text, 0 };
  const gchar *end = g_utf8_next_char (text);

  if (piece.kind == SYRINX_FOLD_LETTER || piece.kind == SYRINX_FOLD_RUN)
    while (*end && syrinx_fold_get_class (g_utf8_get_char (end)) == piece.kind)
      end = g_utf8_next_char (end);
  piece.n_bytes = end - text;
  return piece;
}

/* Calls @func for each word between spaces. */
static void
foreach_word (const gchar *folded, WordFunc func, gpointer data)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));

  for (const gchar *p = folded; *p;) {
    Piece piece = take_piece (p);

    p += piece.n_bytes;
    if (piece.kind != SYRINX_FOLD_SPACE)
      g_array_append_val (pieces, piece);
    if ((piece.kind == SYRINX_FOLD_SPACE || !*p) && pieces->len > 0) {
      func ((const Piece *)(gpointer)pieces->data, pieces->len, data);
      g_array_set_size (pieces, 0);
    }
  }
}

/* --- Words with punctuation in them --- */

static gboolean
is_letter (const Piece *pieces, guint n_pieces, guint i)
{
  return i < n_pieces && pieces[i].kind == SYRINX_FOLD_LETTER;
}

/* The letter that piece @i stands for, 0: none. */
static gchar
get_sound (const Piece *pieces, guint n_pieces, guint i)
{
  gboolean after = i > 0 && is_letter (pieces, n_pieces, i - 1);
  gboolean before = is_letter (pieces, n_pieces, i + 1);

  switch (*pieces[i].start) {
  case '$':
    return after || before ? 's' : 0;
  case '!':
    return after && before ? 'i' : 0;
  case '@':
    return after && before ? 'a' : 0;
  default:
    return 0;
  }
}

/* All letters of the word as one, with letters for punctuation if @by_sound.
 * NULL if the word has other characters than letters and punctuation, or the
 * result is not new. (transfer full) */
static gchar *
join_word (const Piece *pieces, guint n_pieces, gboolean by_sound)
{
  g_autoptr (GString) joined = g_string_new (NULL);
  guint n_letters = 0, n_sounds = 0;

  for (guint i = 0; i < n_pieces; i++) {
    gchar sound = by_sound ? get_sound (pieces, n_pieces, i) : 0;

    if (pieces[i].kind == SYRINX_FOLD_LETTER)
      g_string_append_len (joined, pieces[i].start, pieces[i].n_bytes);
    else if (pieces[i].kind != SYRINX_FOLD_PUNCT)
      return NULL;
    else if (sound != 0)
      g_string_append_c (joined, sound);
    n_letters += pieces[i].kind == SYRINX_FOLD_LETTER;
    n_sounds += sound != 0;
  }
  if (joined->len > MAX_JOINED_BYTES
      || (by_sound ? n_sounds == 0 : n_letters < 2))
    return NULL;
  return g_strdup (joined->str);
}

/* --- Punctuation alone --- */

static void
append_full_width (GString *out, const gchar *text, gsize n_bytes)
{
  for (const gchar *p = text; p < text + n_bytes; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (!g_unichar_isspace (c))
      g_string_append_unichar (out, c < 0x80 ? c + FULL_WIDTH : c);
  }
}

static gsize
get_length (const Piece *pieces, guint n_pieces)
{
  return pieces[n_pieces - 1].start + pieces[n_pieces - 1].n_bytes
         - pieces[0].start;
}

/* "!!!" is a name; "-" and "..." separate names. */
static gboolean
is_name_of_punctuation (const Piece *pieces, guint n_pieces)
{
  gboolean parts_only = TRUE;

  for (guint i = 0; i < n_pieces; i++) {
    if (pieces[i].kind != SYRINX_FOLD_PUNCT)
      return FALSE;
    parts_only &= (guchar)*pieces[i].start >= 0x80
                  || strchr ("-._~&+/*", *pieces[i].start) != NULL;
  }
  return n_pieces >= 2 && !parts_only;
}

static void
add_punctuation (SyrinxWords *words, const gchar *text, gsize n_bytes)
{
  g_autoptr (GString) wide = g_string_new (NULL);

  append_full_width (wide, text, n_bytes);
  if (wide->len > 0 && wide->len <= MAX_JOINED_BYTES)
    syrinx_words_append (words, wide->str, wide->len);
}

/* --- Indexing --- */

static void
add_run (SyrinxWords *words, const Piece *piece)
{
  const gchar *end = piece->start + piece->n_bytes;

  for (const gchar *p = piece->start; p < end; p = g_utf8_next_char (p)) {
    gsize n_bytes = syrinx_word_beginning (p, SYRINX_RUN_CHARS);

    syrinx_words_append (words, p, MIN (n_bytes, (gsize)(end - p)));
  }
}

static void
add_joined (
    SyrinxWords *words, const Piece *pieces, guint n_pieces, gboolean by_sound)
{
  g_autofree gchar *joined = join_word (pieces, n_pieces, by_sound);

  if (joined)
    syrinx_words_append (words, joined, strlen (joined));
}

static void
add_index_word (const Piece *pieces, guint n_pieces, gpointer data)
{
  SyrinxWords *words = data;

  if (is_name_of_punctuation (pieces, n_pieces)) {
    add_punctuation (words, pieces[0].start, get_length (pieces, n_pieces));
    return;
  }
  for (guint i = 0; i < n_pieces; i++) {
    if (pieces[i].kind == SYRINX_FOLD_RUN)
      add_run (words, &pieces[i]);
    else if (pieces[i].kind != SYRINX_FOLD_PUNCT)
      syrinx_words_append (words, pieces[i].start, pieces[i].n_bytes);
  }
  if (n_pieces == 1)
    return;
  add_joined (words, pieces, n_pieces, FALSE);
  add_joined (words, pieces, n_pieces, TRUE);
}

void
syrinx_words_add_index (SyrinxWords *words, const gchar *text)
{
  g_autoptr (GString) folded = NULL;
  guint n_before = syrinx_words_count (words);

  if (!text || !*text)
    return;
  folded = g_string_sized_new (strlen (text) + 1);
  syrinx_fold (folded, text);
  foreach_word (folded->str, add_index_word, words);
  if (syrinx_words_count (words) == n_before)
    add_punctuation (words, folded->str, folded->len);
}

/* --- Names --- */

static void
add_name_word (const Piece *pieces, guint n_pieces, gpointer data)
{
  for (guint i = 0; i < n_pieces; i++)
    if (pieces[i].kind != SYRINX_FOLD_PUNCT)
      syrinx_words_append (data, pieces[i].start, pieces[i].n_bytes);
}

gchar *
syrinx_text_key (const gchar *text)
{
  g_autoptr (SyrinxWords) words = NULL;
  g_autoptr (GString) folded = NULL;

  if (!text || !*text)
    return g_strdup ("");
  words = syrinx_words_new ();
  folded = g_string_sized_new (strlen (text) + 1);
  syrinx_fold (folded, text);
  foreach_word (folded->str, add_name_word, words);
  if (syrinx_words_count (words) > 0)
    return syrinx_words_join (words);
  return g_string_free (g_steal_pointer (&folded), FALSE);
}

gchar *
syrinx_text_squeeze (const gchar *key)
{
  gchar *squeezed = g_strdup (key), *out = squeezed;

  for (const gchar *p = squeezed; *p; p++)
    if (*p != ' ')
      *out++ = *p;
  *out = '\0';
  return squeezed;
}

/* --- Queries --- */

static void
add_term (SyrinxTerms *terms, const gchar *word, gsize n_bytes)
{
  SyrinxTerm term = { syrinx_words_count (terms->words), 1, 0 };

  syrinx_words_append (terms->words, word, n_bytes);
  g_array_append_val (terms->terms, term);
}

/* Adds terms that together cover the whole run. */
static void
add_run_terms (SyrinxTerms *terms, const Piece *piece)
{
  glong n_chars = g_utf8_strlen (piece->start, piece->n_bytes);

  for (glong at = 0; at < n_chars; at += SYRINX_RUN_CHARS) {
    glong first = MAX (MIN (at, n_chars - SYRINX_RUN_CHARS), 0);
    const gchar *start = g_utf8_offset_to_pointer (piece->start, first);
    const gchar *end = g_utf8_offset_to_pointer (
        start, MIN (SYRINX_RUN_CHARS, n_chars - first));

    add_term (terms, start, end - start);
  }
}

/* "ac/dc" matches its parts, or "acdc"; "p!nk" also matches "pink". */
static void
add_joined_term (SyrinxTerms *terms, const Piece *pieces, guint n_pieces)
{
  SyrinxTerm term = { syrinx_words_count (terms->words), 0, 0 };

  for (guint i = 0; i < n_pieces; i++) {
    if (pieces[i].kind != SYRINX_FOLD_LETTER)
      continue;
    syrinx_words_append (terms->words, pieces[i].start, pieces[i].n_bytes);
    term.n_parts++;
  }
  add_joined (terms->words, pieces, n_pieces, FALSE);
  add_joined (terms->words, pieces, n_pieces, TRUE);
  term.n_others = syrinx_words_count (terms->words) - term.first - term.n_parts;
  g_array_append_val (terms->terms, term);
}

static gboolean
is_joined (const Piece *pieces, guint n_pieces)
{
  guint n_letters = 0;

  for (guint i = 0; i < n_pieces; i++) {
    n_letters += pieces[i].kind == SYRINX_FOLD_LETTER;
    if (pieces[i].kind != SYRINX_FOLD_LETTER
        && pieces[i].kind != SYRINX_FOLD_PUNCT)
      return FALSE;
  }
  return n_letters > 0 && n_pieces > 1;
}

static void
add_query_word (const Piece *pieces, guint n_pieces, gpointer data)
{
  SyrinxTerms *terms = data;

  if (is_name_of_punctuation (pieces, n_pieces)) {
    g_autoptr (GString) wide = g_string_new (NULL);

    append_full_width (wide, pieces[0].start, get_length (pieces, n_pieces));
    add_term (terms, wide->str, wide->len);
    return;
  }
  if (is_joined (pieces, n_pieces)) {
    add_joined_term (terms, pieces, n_pieces);
    return;
  }
  for (guint i = 0; i < n_pieces; i++) {
    if (pieces[i].kind == SYRINX_FOLD_RUN)
      add_run_terms (terms, &pieces[i]);
    else if (pieces[i].kind != SYRINX_FOLD_PUNCT)
      add_term (terms, pieces[i].start, pieces[i].n_bytes);
  }
}

SyrinxTerms *
syrinx_terms_new (const gchar *query)
{
  SyrinxTerms *terms = g_new0 (SyrinxTerms, 1);
  g_autoptr (GString) folded = g_string_new (NULL);
  g_autoptr (GString) wide = g_string_new (NULL);

  terms->words = syrinx_words_new ();
  terms->terms = g_array_new (FALSE, FALSE, sizeof (SyrinxTerm));
  syrinx_fold (folded, query ? query : "");
  foreach_word (folded->str, add_query_word, terms);
  if (terms->terms->len > 0)
    return terms;
  append_full_width (wide, folded->str, folded->len);
  if (wide->len > 0)
    add_term (terms, wide->str, wide->len);
  return terms;
}

void
syrinx_terms_free (SyrinxTerms *terms)
{
  syrinx_words_free (terms->words);
  g_array_unref (terms->terms);
  g_free (terms);
}

static guint
count_word (const SyrinxWords *in, const gchar *word)
{
  gsize n_bytes = strlen (word);
  guint n = 0;

  for (guint i = 0; i < syrinx_words_count (in); i++)
    n += strncmp (syrinx_words_get (in, i), word, n_bytes) == 0;
  return n;
}

guint
syrinx_terms_count_in (
    const SyrinxTerms *terms, guint term, const SyrinxWords *in)
{
  const SyrinxTerm *t = syrinx_terms_get (terms, term);
  guint n = G_MAXUINT, others = 0;

  for (guint i = 0; i < t->n_parts && n > 0; i++)
    n = MIN (n, count_word (in, syrinx_words_get (terms->words, t->first + i)));
  for (guint i = 0; i < t->n_others; i++)
    others = MAX (others, count_word (in, syrinx_words_get (terms->words,
                                              t->first + t->n_parts + i)));
  return MAX (n, others);
}

/* --- Expressions --- */

/* A quoted string is never FTS5 syntax; quotes within it are doubled. */
static void
append_string (GString *text, const gchar *word, gboolean is_prefix)
{
  g_string_append_c (text, '"');
  for (const gchar *p = word; *p; p++) {
    if (*p == '"')
      g_string_append_c (text, '"');
    g_string_append_c (text, *p);
  }
  g_string_append (text, is_prefix ? "\" *" : "\"");
}

static void
append_and (GString *text)
{
  if (text->len > 0)
    g_string_append (text, " AND ");
}

void
syrinx_match_append_word (GString *text, const gchar *word)
{
  append_and (text);
  append_string (text, word, FALSE);
}

void
syrinx_match_append_term (GString *text, const SyrinxTerms *terms, guint term)
{
  const SyrinxTerm *t = syrinx_terms_get (terms, term);

  append_and (text);
  if (t->n_others > 0)
    g_string_append (text, "((");
  for (guint i = 0; i < t->n_parts + t->n_others; i++) {
    if (i > 0)
      g_string_append (text, i < t->n_parts    ? " AND "
                             : i == t->n_parts ? ") OR "
                                               : " OR ");
    append_string (text, syrinx_words_get (terms->words, t->first + i), TRUE);
  }
  if (t->n_others > 0)
    g_string_append_c (text, ')');
}
