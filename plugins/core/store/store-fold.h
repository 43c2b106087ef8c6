/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts as people compare them: without case, accents, widths and ligatures,
 * and cut into pieces. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a character of a folded text is. */
typedef enum
{
  SYRINX_FOLD_SPACE,  /* parts words */
  SYRINX_FOLD_PUNCT,  /* stands in words: AC/DC, R.E.M., don't */
  SYRINX_FOLD_LETTER, /* of a script that parts words, or a digit */
  SYRINX_FOLD_RUN, /* of one that doesn't: Chinese, Japanese, Korean, Thai… */
  SYRINX_FOLD_SYMBOL /* means something by itself: emoji, ÷, ★ */
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
