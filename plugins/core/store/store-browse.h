/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing in order, without words to rank by. */
#pragma once

#include "store-cursor.h"
#include "store-private.h"

G_BEGIN_DECLS

#define SYRINX_MAX_TERMS 64 /* words of a query */

/* A query taken apart; keys are (nullable). */
typedef struct
{
  gchar *artist_key, *album_key, *genre_key;
  gchar *album_id;
  SyrinxTerms *terms;
  gchar *title_key; /* of the words */
  gboolean has_words;
  guint limit;
  guint64 number; /* of all of the above but limit */
} SyrinxSearch;

void syrinx_search_clear (SyrinxSearch *search);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxSearch, syrinx_search_clear)

/* The next tracks by artist, album and position. */
GPtrArray *
syrinx_browse_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error);

/* (store-search.c) The best by words, for @search with words and without artist
 * and album. @cursor has rows. INVALID: it is none of this. */
GPtrArray *
syrinx_search_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error);

G_END_DECLS
