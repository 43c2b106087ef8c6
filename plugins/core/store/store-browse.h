/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing tracks in order, without ranking by words. */
#pragma once

#include "store-cursor.h"
#include "store-private.h"

G_BEGIN_DECLS

#define SYRINX_MAX_TERMS 64 /* words of a query */

/* A parsed query; keys are (nullable). */
typedef struct
{
  gchar *artist_key, *album_key, *genre_key;
  gchar *album_id;
  SyrinxTerms *terms;
  gchar *title_key; /* of the words */
  gboolean has_words;
  guint limit;
  guint64 number; /* a hash of all of the above except limit */
} SyrinxSearch;

void syrinx_search_clear (SyrinxSearch *search);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxSearch, syrinx_search_clear)

/* The next tracks, ordered by artist, album and position. */
GPtrArray *
syrinx_browse_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error);

/* (store-search.c) The best matches for the words of @search, which has words
 * but no artist or album. @cursor has rows. Errors: INVALID if @cursor is not
 * one of this query. */
GPtrArray *
syrinx_search_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error);

G_END_DECLS
