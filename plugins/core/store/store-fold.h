/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in the form used for comparison: without case, accents, widths and
 * ligatures; and its division into pieces. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The kinds of characters in a folded text. */
typedef enum
{
  SYRINX_FOLD_SPACE,  /* separates words */
  SYRINX_FOLD_PUNCT,  /* occurs within words: AC/DC, R.E.M., don't */
  SYRINX_FOLD_LETTER, /* of a script with spaces between words, or a digit */
  SYRINX_FOLD_RUN,    /* of one without: Chinese, Japanese, Korean, Thai… */
  SYRINX_FOLD_SYMBOL  /* has a meaning of its own: emoji, ÷, ★ */
} SyrinxFoldClass;

SyrinxFoldClass syrinx_fold_get_class (gunichar c);

/* Appends @text, valid UTF-8, folded:
 *
 *  - case, also Turkish (ı and İ are i) and Greek (final sigma)
 *  - accents and vowel marks of Latin, Greek, Cyrillic (but not й), Arabic,
 *    Hebrew
 *  - letters that no normal form takes apart: ł ø đ æ œ ß þ …
 *  - compatibility forms: full and half width, ligatures, circled digits
 *  - digits of any script
 *  - characters that are not seen: joiners, soft hyphens, variation selectors
 *
 * Folding what is folded changes nothing. */
void syrinx_fold (GString *out, const gchar *text);

G_END_DECLS
