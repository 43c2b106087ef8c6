/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: albums and artists, in order and by words. */
#include "store-browse.h"

#include "core/base/error.h"

#define MAX_LIMIT      500
#define MAX_CANDIDATES 200 /* only the shortest names are compared */

/* Runs a statement that returns one row for @id. NULL if there is no row. */
static SyrinxStatement *
ask (SyrinxConnection *reader, const gchar *name, gint64 id)
{
  SyrinxStatement *st = syrinx_connection_get (reader, name);

  syrinx_bind_int (st, 1, id);
  return syrinx_statement_next (reader, st, NULL) ? st : NULL;
}

/* Sets the names only. */
static SyrinxGroup *
group_from_row (SyrinxStatement *st, gboolean is_album)
{
  SyrinxGroup *group = g_new0 (SyrinxGroup, 1);

  group->id = syrinx_column_text (st, "id");
  group->name = syrinx_column_text (st, "name");
  if (is_album) {
    group->artist = syrinx_column_text (st, "artist");
    group->artist_id = syrinx_column_text (st, "artist_id");
  }
  return group;
}

/* The same for figures of the tracks that the connection's filter shows. */
static SyrinxStatement *
ask_shown (SyrinxConnection *reader, const gchar *name, gint64 id)
{
  SyrinxStatement *st = syrinx_connection_get (reader, name);

  syrinx_bind_int (st, 1, id);
  syrinx_bind_int (st, 2, reader->filter == NULL);
  return syrinx_statement_next (reader, st, NULL) ? st : NULL;
}

static void
add_album_figures (SyrinxConnection *reader, SyrinxGroup *group, gint64 id)
{
  SyrinxStatement *st = ask_shown (reader, "album-figures", id);

  group->n_albums = 1;
  if (st) {
    group->n_tracks = syrinx_column_int (st, "n_tracks");
    group->year = syrinx_column_int (st, "year");
    group->original_year = syrinx_column_int (st, "original_year");
    group->n_discs = syrinx_column_int (st, "n_discs");
    group->is_compilation = syrinx_column_int (st, "is_compilation") != 0;
    group->duration_ns = syrinx_column_int (st, "duration_ns");
  }
  st = ask_shown (reader, "album-artwork", id);
  if (st)
    group->artwork_track_id = syrinx_column_text (st, "id");
}

static void
add_artist_figures (SyrinxConnection *reader, SyrinxGroup *group, gint64 id)
{
  SyrinxStatement *st = ask_shown (reader, "artist-figures", id);

  if (st) {
    group->n_tracks = syrinx_column_int (st, "n_tracks");
    group->duration_ns = syrinx_column_int (st, "duration_ns");
  }
  st = ask_shown (reader, "artist-albums", id);
  if (st)
    group->n_albums = syrinx_column_int (st, "n_albums");
  st = ask_shown (reader, "artist-artwork", id);
  if (st)
    group->artwork_track_id = syrinx_column_text (st, "id");
}

static void
add_figures (
    SyrinxConnection *reader, SyrinxGroup *group, gboolean is_album, gint64 id)
{
  if (is_album)
    add_album_figures (reader, group, id);
  else
    add_artist_figures (reader, group, id);
}

static SyrinxGroup *
read_group (SyrinxConnection *reader, SyrinxStatement *st, gboolean is_album)
{
  SyrinxGroup *group = group_from_row (st, is_album);

  add_figures (reader, group, is_album,
      syrinx_column_int (st, is_album ? "album_id" : "artist_number"));
  return group;
}

static gboolean
is_shown (SyrinxConnection *reader, const SyrinxGroup *group)
{
  return !reader->filter || group->n_tracks > 0;
}

/* Reads up to @limit groups and, if there are more, sets the position of the
 * next page. */
static GPtrArray *
list_groups (SyrinxConnection *reader, SyrinxStatement *st, guint limit,
    gboolean are_albums, SyrinxCursor *cursor, gchar **next_cursor,
    GError **error)
{
  g_autoptr (GPtrArray) groups
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_group_free);
  GError *local = NULL;
  guint n_seen = 0;

  while (syrinx_statement_next (reader, st, &local)) {
    g_autoptr (SyrinxGroup) group = NULL;

    if (n_seen++ == limit) {
      *next_cursor = syrinx_cursor_encode (cursor);
      break;
    }
    group = read_group (reader, st, are_albums);
    if (is_shown (reader, group))
      g_ptr_array_add (groups, g_steal_pointer (&group));
    g_free (cursor->texts[0]);
    g_free (cursor->texts[1]);
    cursor->texts[0]
        = syrinx_column_text (st, are_albums ? "artist_key" : "key");
    cursor->texts[1]
        = syrinx_column_text (st, are_albums ? "order_key" : "key");
  }
  sqlite3_reset (st->stmt);
  if (!local)
    return g_steal_pointer (&groups);
  g_propagate_error (error, local);
  return NULL;
}

static gboolean
check_limit (guint limit, GError **error)
{
  if (limit >= 1 && limit <= MAX_LIMIT)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "limit: must be 1 to %d", MAX_LIMIT);
  return FALSE;
}

GPtrArray *
syrinx_store_list_albums (SyrinxStore *store, const gchar *artist,
    const SyrinxTrackFilter *filter, guint limit, const gchar *cursor,
    gchar **next_cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_auto (SyrinxCursor) place = { 0 };
  g_autofree gchar *key = NULL, *asked = NULL;
  SyrinxStatement *st;

  *next_cursor = NULL;
  if (!check_limit (limit, error))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  reader->filter = filter;
  key = artist ? syrinx_text_key (artist) : NULL;
  asked = g_strconcat ("albums\n", key, NULL);
  place.query = syrinx_text_number (asked);
  if (cursor && !syrinx_cursor_decode (cursor, place.query, &place, error))
    return NULL;
  st = syrinx_connection_get (reader, key ? "albums-of-artist" : "albums");
  syrinx_bind_copy (st, 1, place.texts[0] ? place.texts[0] : "");
  syrinx_bind_copy (st, 2, place.texts[1] ? place.texts[1] : "");
  syrinx_bind_int (st, 3, (gint64)limit + 1);
  if (key)
    syrinx_bind_text (st, 4, key);
  return list_groups (reader, st, limit, TRUE, &place, next_cursor, error);
}

GPtrArray *
syrinx_store_list_artists (SyrinxStore *store, const SyrinxTrackFilter *filter,
    guint limit, const gchar *cursor, gchar **next_cursor, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_auto (SyrinxCursor) place = { 0 };
  SyrinxStatement *st;

  *next_cursor = NULL;
  place.query = syrinx_text_number ("artists");
  if (!check_limit (limit, error)
      || (cursor && !syrinx_cursor_decode (cursor, place.query, &place, error)))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  reader->filter = filter;
  st = syrinx_connection_get (reader, "artists");
  syrinx_bind_copy (st, 1, place.texts[0] ? place.texts[0] : "");
  syrinx_bind_int (st, 2, (gint64)limit + 1);
  return list_groups (reader, st, limit, FALSE, &place, next_cursor, error);
}

/* --- Finding --- */

/* A matching name. */
typedef struct
{
  gint64 number;
  gint rank; /* 0: it equals the query, 1: begins with it, 2: has its words */
  guint place;
  SyrinxGroup *group;
} Candidate;

typedef struct
{
  SyrinxConnection *reader;
  gboolean albums;
  gchar *key, *squeezed; /* of the query */
  GHashTable *seen;      /* gint64 */
  GArray *candidates;
} Finding;

static void
candidate_clear (gpointer data)
{
  syrinx_group_free (((Candidate *)data)->group);
}

static void
finding_clear (Finding *finding)
{
  g_free (finding->key);
  g_free (finding->squeezed);
  g_hash_table_unref (finding->seen);
  g_array_unref (finding->candidates);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Finding, finding_clear)

/* Whether the query equals the name, or an album's name together with its
 * artist's. */
static gboolean
is_exactly (const Finding *finding, const gchar *name, const SyrinxGroup *group)
{
  g_autofree gchar *artist_key = syrinx_text_key (group->artist);
  g_autofree gchar *artist = syrinx_text_squeeze (artist_key);
  g_autofree gchar *behind = g_strconcat (artist, name, NULL);
  g_autofree gchar *before = g_strconcat (name, artist, NULL);

  return g_str_equal (name, finding->squeezed)
         || g_str_equal (behind, finding->squeezed)
         || g_str_equal (before, finding->squeezed);
}

static void
take_group (Finding *finding, gint64 number)
{
  SyrinxStatement *st = ask (finding->reader,
      finding->albums ? "album-by-number" : "artist-by-number", number);
  g_autofree gchar *key = NULL, *squeezed = NULL;
  Candidate candidate = { number, 2, finding->candidates->len, NULL };

  if (!st
      || !g_hash_table_add (finding->seen, g_memdup2 (&number, sizeof number)))
    return;
  candidate.group = group_from_row (st, finding->albums);
  key = syrinx_text_key (candidate.group->name);
  squeezed = syrinx_text_squeeze (key);
  if (is_exactly (finding, squeezed, candidate.group))
    candidate.rank = 0;
  else if (g_str_has_prefix (key, finding->key))
    candidate.rank = 1;
  g_array_append_val (finding->candidates, candidate);
}

/* Reads all rows before another statement runs. */
static gboolean
take_rows (Finding *finding, SyrinxStatement *st, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  GError *local = NULL;

  while (syrinx_statement_next (finding->reader, st, &local)) {
    gint64 number = syrinx_name_get_number (sqlite3_column_int64 (st->stmt, 0));

    g_array_append_val (numbers, number);
  }
  if (local) {
    g_propagate_error (error, local);
    return FALSE;
  }
  for (guint i = 0; i < numbers->len; i++)
    take_group (finding, g_array_index (numbers, gint64, i));
  return TRUE;
}

static gboolean
take_exact (Finding *finding, guint limit, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (
      finding->reader, finding->albums ? "albums-by-key" : "artist-by-key");

  syrinx_bind_text (st, 1, finding->key);
  if (finding->albums)
    syrinx_bind_int (st, 2, limit);
  return take_rows (finding, st, error);
}

static gboolean
take_matches (Finding *finding, const SyrinxTerms *terms, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (finding->reader, "match-names");
  g_autoptr (GString) expression = g_string_new (NULL);
  gint64 first = syrinx_name_get_first_row (finding->albums);

  for (guint i = 0; i < syrinx_terms_count (terms); i++)
    syrinx_match_append_term (expression, terms, i);
  syrinx_bind_text (st, 1, expression->str);
  syrinx_bind_int (st, 2, first);
  syrinx_bind_int (st, 3, first + syrinx_name_get_first_row (TRUE));
  syrinx_bind_int (st, 4, MAX_CANDIDATES);
  return take_rows (finding, st, error);
}

static gint
compare_candidates (gconstpointer a, gconstpointer b)
{
  const Candidate *left = a, *right = b;

  if (left->rank != right->rank)
    return left->rank - right->rank;
  return left->place < right->place ? -1 : 1;
}

static GPtrArray *
take_best (Finding *finding, guint limit)
{
  GPtrArray *best
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_group_free);

  g_array_sort (finding->candidates, compare_candidates);
  for (guint i = 0; i < finding->candidates->len && best->len < limit; i++) {
    Candidate *candidate = &g_array_index (finding->candidates, Candidate, i);

    add_figures (
        finding->reader, candidate->group, finding->albums, candidate->number);
    if (is_shown (finding->reader, candidate->group))
      g_ptr_array_add (best, g_steal_pointer (&candidate->group));
  }
  return best;
}

GPtrArray *
syrinx_store_find_groups (SyrinxStore *store, const gchar *q, gboolean albums,
    const SyrinxTrackFilter *filter, guint limit, GError **error)
{
  g_autoptr (SyrinxConnection) reader = NULL;
  g_autoptr (SyrinxTerms) terms = syrinx_query_take (q, error);
  g_auto (Finding) finding = { .albums = albums };

  finding.seen
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  finding.candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  g_array_set_clear_func (finding.candidates, candidate_clear);
  if (!terms || !check_limit (limit, error))
    return NULL;
  reader = syrinx_store_read (store, error);
  if (!reader)
    return NULL;
  reader->filter = filter;
  finding.reader = reader;
  finding.key = syrinx_text_key (q);
  finding.squeezed = syrinx_text_squeeze (finding.key);
  if (syrinx_terms_count (terms) > 0
      && (!take_exact (&finding, limit, error)
          || !take_matches (&finding, terms, error)))
    return NULL;
  return take_best (&finding, limit);
}

void
syrinx_group_free (SyrinxGroup *group)
{
  if (!group)
    return;
  g_free (group->id);
  g_free (group->name);
  g_free (group->artist);
  g_free (group->artist_id);
  g_free (group->artwork_track_id);
  g_free (group);
}
