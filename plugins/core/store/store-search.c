/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: search by the beginnings of words.
 *
 * Ordering every match by bm25 costs time in proportion to the matches, which
 * two letters can have by the hundred thousand. Here only a bounded head is
 * ranked. bm25 (k1 = 1.2, b = 0.75, as FTS5 has it) depends on how often a row
 * holds each word, on how long the row is, and on how rare each word is. Rows
 * are ordered by length, and words that a row repeats are marked
 * (store-text.c). So the first rows of "both words repeated", "one of them
 * repeated" and "both present" are the best of each kind, and the best of all
 * are among them.
 *
 * A listing has three phases: titles that equal the query, the ranked head, and
 * the rest in the order of rows. The cursor contains the head's rows, so that
 * no page repeats one, whatever changes meanwhile. */
#include "store-browse.h"

#include "core/base/error.h"

#include <math.h>
#include <string.h>

#define HEAD_ROWS       64  /* ranked rows; at most SYRINX_CURSOR_MAX_ROWS */
#define COUNTED_ROWS    160 /* more are estimated by the sample */
#define MAX_TRACK_WORDS 2048
#define MAX_COMBINED    3 /* words whose repetitions are combined */
#define BM25_K1         1.2
#define BM25_B          0.75

/* Values of SyrinxCursor's phase. */
enum
{
  PHASE_EXACT,
  PHASE_HEAD,
  PHASE_REST
};

typedef struct
{
  gint64 row; /* in the table "search" */
  gdouble score;
  SyrinxTrack *track; /* NULL before it is looked up */
} Hit;

/* The state while one page is built. */
typedef struct
{
  SyrinxConnection *reader;
  const SyrinxSearch *search;
  SyrinxCursor *cursor;
  GPtrArray *tracks;    /* the page */
  SyrinxWords *scratch; /* words of the track being scored */
  gchar *title;         /* the query as a squeezed title */
  gchar *plain, *exact; /* FTS5 expressions */
  gboolean is_complete; /* the head contains all matches */
  gdouble mean_words, n_tracks;
  gdouble rarity[SYRINX_MAX_TERMS];
} Page;

static void
page_clear (Page *page)
{
  g_clear_pointer (&page->tracks, g_ptr_array_unref);
  g_clear_pointer (&page->scratch, syrinx_words_free);
  g_clear_pointer (&page->title, g_free);
  g_clear_pointer (&page->plain, g_free);
  g_clear_pointer (&page->exact, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Page, page_clear)

/* --- Expressions --- */

static void
append_genre (GString *text, const SyrinxSearch *search)
{
  g_autofree gchar *mark = NULL;

  if (!search->genre_key)
    return;
  mark = syrinx_mark_genre (search->genre_key);
  syrinx_match_append_word (text, mark);
}

/* The word of a term; NULL if the term has several. */
static const gchar *
get_word (const SyrinxSearch *search, guint i)
{
  const SyrinxTerm *term = syrinx_terms_get (search->terms, i);

  return term->n_parts == 1 && term->n_others == 0
             ? syrinx_words_get (search->terms->words, term->first)
             : NULL;
}

/* Terms whose bit is set in @repeated must occur more than once. */
static gchar *
build_expression (const SyrinxSearch *search, guint repeated)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < syrinx_terms_count (search->terms); i++) {
    gboolean is_repeated = i < 32 && (repeated >> i & 1);
    const gchar *word = is_repeated ? get_word (search, i) : NULL;

    if (word) {
      g_autofree gchar *mark = syrinx_mark_repeated (word);

      syrinx_match_append_word (text, mark);
    }
    if (!word || g_utf8_strlen (word, -1) > SYRINX_MARKED_BEGINNING)
      syrinx_match_append_term (text, search->terms, i);
  }
  append_genre (text, search);
  return g_string_free (text, FALSE);
}

static gchar *
build_exact (const SyrinxSearch *search, const gchar *title)
{
  GString *text = g_string_new (NULL);
  g_autofree gchar *mark = syrinx_mark_title (title);

  syrinx_match_append_word (text, mark);
  append_genre (text, search);
  return g_string_free (text, FALSE);
}

/* Up to @limit rows between @after and @before, ascending. */
static gboolean
match_rows (SyrinxConnection *reader, const gchar *expression, gint64 after,
    gint64 before, guint limit, GArray *rows, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (reader, "match");
  GError *local = NULL;

  g_array_set_size (rows, 0);
  syrinx_bind_text (st, 1, expression);
  syrinx_bind_int (st, 2, after);
  syrinx_bind_int (st, 3, before);
  syrinx_bind_int (st, 4, limit);
  while (syrinx_statement_next (reader, st, &local)) {
    gint64 row = sqlite3_column_int64 (st->stmt, 0);

    g_array_append_val (rows, row);
  }
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

/* --- Scores --- */

static gdouble
score_word (const Page *page, guint word, guint times, guint n_words)
{
  gdouble length
      = BM25_K1 * (1 - BM25_B + BM25_B * n_words / MAX (page->mean_words, 1));

  return page->rarity[word] * times * (BM25_K1 + 1) / (times + length);
}

/* The word by which the sample counts a term: its only word, or the last of its
 * alternatives. */
static const gchar *
get_sampled (const SyrinxSearch *search, guint i)
{
  const SyrinxTerm *term = syrinx_terms_get (search->terms, i);

  return syrinx_words_get (
      search->terms->words, term->first + term->n_parts + term->n_others - 1);
}

/* The number of tracks with a term: exact for rare terms, estimated by the
 * sample for others. */
static gboolean
count_tracks (Page *page, guint term, gdouble *n_tracks, GError **error)
{
  g_autoptr (GString) expression = g_string_new (NULL);
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  const gchar *word = get_sampled (page->search, term);
  g_autofree gchar *beginning
      = g_strndup (word, syrinx_word_beginning (word, SYRINX_MARKED_BEGINNING));
  SyrinxStatement *st;

  syrinx_match_append_term (expression, page->search->terms, term);
  if (!match_rows (page->reader, expression->str, -1, G_MAXINT64, COUNTED_ROWS,
          rows, error))
    return FALSE;
  *n_tracks = rows->len;
  if (rows->len < COUNTED_ROWS)
    return TRUE;
  st = syrinx_connection_get (page->reader, "beginning");
  syrinx_bind_text (st, 1, beginning);
  if (syrinx_statement_next (page->reader, st, NULL))
    *n_tracks = MAX (COUNTED_ROWS,
        (gdouble)syrinx_column_int (st, "n_tracks") * SYRINX_SAMPLE);
  sqlite3_reset (st->stmt);
  return TRUE;
}

static gboolean
weigh_words (Page *page, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (page->reader, "totals");

  if (!syrinx_statement_next (page->reader, st, error))
    return FALSE;
  page->n_tracks = syrinx_column_int (st, "n_tracks");
  page->mean_words
      = syrinx_column_int (st, "n_words") / MAX (page->n_tracks, 1);
  sqlite3_reset (st->stmt);
  for (guint i = 0; i < syrinx_terms_count (page->search->terms); i++) {
    gdouble n = 0, rarity;

    if (!count_tracks (page, i, &n, error))
      return FALSE;
    rarity = log ((page->n_tracks - n + 0.5) / (n + 0.5));
    page->rarity[i] = rarity > 0 ? rarity : 1e-6;
  }
  return TRUE;
}

/* bm25. Negative if the track does not match, since several texts may share a
 * mark. */
static gdouble
score_track (Page *page, const SyrinxTrack *track)
{
  gdouble score = 0;
  guint n_words;

  syrinx_words_clear (page->scratch);
  syrinx_track_add_words (page->scratch, track);
  n_words = syrinx_words_count (page->scratch);
  for (guint i = 0; i < syrinx_terms_count (page->search->terms); i++) {
    guint times = syrinx_terms_count_in (page->search->terms, i, page->scratch);

    if (times == 0)
      return -1;
    score += score_word (page, i, times, n_words);
  }
  return score;
}

/* The score estimated from the row's length and its kind, before it is looked
 * up. */
static gdouble
guess_score (Page *page, gint64 row, guint repeated)
{
  gdouble score = 0;

  for (guint i = 0; i < syrinx_terms_count (page->search->terms); i++)
    score += score_word (
        page, i, i < 32 && (repeated >> i & 1) ? 2 : 1, (guint)(row >> 32));
  return score;
}

static gint
compare_hits (gconstpointer a, gconstpointer b)
{
  const Hit *left = a, *right = b;

  if (left->score != right->score)
    return left->score > right->score ? -1 : 1;
  return left->row < right->row ? -1 : left->row > right->row;
}

static gint
compare_rows (gconstpointer a, gconstpointer b)
{
  const Hit *left = a, *right = b;

  if (left->row != right->row)
    return left->row < right->row ? -1 : 1;
  return compare_hits (a, b);
}

/* --- Tracks --- */

static gboolean
has_genre (Page *page, const SyrinxTrack *track)
{
  g_autofree gchar *key = NULL;

  if (!page->search->genre_key)
    return TRUE;
  key = syrinx_text_key (track->genre);
  return g_str_equal (key, page->search->genre_key);
}

/* NULL if the track is removed, or of another genre that has the same mark. */
static SyrinxTrack *
look_up (Page *page, gint64 row)
{
  SyrinxStatement *st = syrinx_connection_get (page->reader, "track-by-number");
  SyrinxTrack *track = NULL;

  syrinx_bind_int (st, 1, row & G_MAXUINT32);
  if (syrinx_statement_next (page->reader, st, NULL))
    track = syrinx_track_from_row (st);
  sqlite3_reset (st->stmt);
  if (track && !has_genre (page, track))
    g_clear_pointer (&track, syrinx_track_free);
  return track;
}

static gboolean
is_exact (Page *page, const SyrinxTrack *track)
{
  g_autofree gchar *key = syrinx_text_key (track->title);
  g_autofree gchar *squeezed = syrinx_text_squeeze (key);

  return g_str_equal (squeezed, page->title);
}

static gboolean
is_in_head (Page *page, gint64 row)
{
  GArray *rows = page->cursor->rows;

  for (guint i = 0; i < rows->len; i++)
    if (g_array_index (rows, gint64, i) == (row & G_MAXUINT32))
      return TRUE;
  return FALSE;
}

static gboolean
is_full (Page *page)
{
  return page->tracks->len >= page->search->limit;
}

/* --- Phases. Each adds to the page until it is full; *@done: it has no more
 * --- */

static gboolean
add_exact (Page *page, gboolean *done, GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint wanted = page->search->limit - page->tracks->len;

  if (!match_rows (page->reader, page->exact, page->cursor->numbers[0],
          G_MAXINT64, wanted, rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++) {
    gint64 row = g_array_index (rows, gint64, i);
    SyrinxTrack *track = look_up (page, row);

    page->cursor->numbers[0] = row;
    if (track && is_exact (page, track))
      g_ptr_array_add (page->tracks, track);
    else
      syrinx_track_free (track);
  }
  *done = rows->len < wanted;
  return TRUE;
}

static void
add_hits (Page *page, const GArray *rows, guint kind, GArray *hits)
{
  for (guint i = 0; i < rows->len; i++) {
    gint64 row = g_array_index (rows, gint64, i);
    Hit hit = { row, guess_score (page, row, kind), NULL };

    g_array_append_val (hits, hit);
  }
}

/* The first row that is too long for a score of @score, even for a row of
 * @kind. */
static gint64
find_bound (Page *page, guint kind, gdouble score)
{
  gint64 n_words = 1;

  while (n_words < MAX_TRACK_WORDS
         && guess_score (page, n_words << 32, kind) >= score)
    n_words++;
  return n_words << 32;
}

/* Keeps the best estimate of each row, then the HEAD_ROWS best rows. */
static void
keep_best (GArray *hits)
{
  guint n_kept = 0;

  g_array_sort (hits, compare_rows);
  for (guint i = 0; i < hits->len; i++) {
    Hit *hit = &g_array_index (hits, Hit, i);

    if (n_kept == 0 || g_array_index (hits, Hit, n_kept - 1).row != hit->row)
      g_array_index (hits, Hit, n_kept++) = *hit;
  }
  g_array_set_size (hits, n_kept);
  g_array_sort (hits, compare_hits);
  g_array_set_size (hits, MIN (n_kept, HEAD_ROWS));
}

/* The best rows of each kind. If there are few plain matches, they are all
 * matches; otherwise the last of them gives the score that the other kinds must
 * reach. */
static GArray *
gather (Page *page, GError **error)
{
  g_autoptr (GArray) hits = g_array_new (FALSE, FALSE, sizeof (Hit));
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint n_words = syrinx_terms_count (page->search->terms);
  guint n_kinds = 1u << MIN (n_words, MAX_COMBINED);
  gdouble score;

  if (!match_rows (
          page->reader, page->plain, -1, G_MAXINT64, HEAD_ROWS, rows, error))
    return NULL;
  add_hits (page, rows, 0, hits);
  page->is_complete = rows->len < HEAD_ROWS;
  if (page->is_complete)
    return g_steal_pointer (&hits);
  score = guess_score (page, g_array_index (rows, gint64, rows->len - 1), 0);
  for (guint kind = 1; kind < n_kinds; kind++) {
    g_autofree gchar *expression = build_expression (page->search, kind);

    if (!match_rows (page->reader, expression, -1,
            find_bound (page, kind, score), HEAD_ROWS, rows, error))
      return NULL;
    add_hits (page, rows, kind, hits);
  }
  keep_best (hits);
  return g_steal_pointer (&hits);
}

/* Ranks the head and stores its rows in the cursor. */
static gboolean
rank_head (Page *page, GError **error)
{
  g_autoptr (GArray) hits = NULL;
  guint n_kept = 0;

  if (!weigh_words (page, error))
    return FALSE;
  hits = gather (page, error);
  if (!hits)
    return FALSE;
  for (guint i = 0; i < hits->len; i++) {
    Hit hit = g_array_index (hits, Hit, i);

    hit.track = look_up (page, hit.row);
    if (hit.track && !is_exact (page, hit.track))
      hit.score = score_track (page, hit.track);
    else
      hit.score = -1;
    if (hit.score >= 0) {
      g_array_index (hits, Hit, n_kept++) = hit;
    } else {
      syrinx_track_free (hit.track);
    }
  }
  g_array_set_size (hits, n_kept);
  g_array_sort (hits, compare_hits);
  g_array_set_size (page->cursor->rows, 0);
  for (guint i = 0; i < hits->len; i++) {
    Hit *hit = &g_array_index (hits, Hit, i);
    gint64 number = hit->row & G_MAXUINT32;

    g_array_append_val (page->cursor->rows, number);
    if (!is_full (page)) {
      g_ptr_array_add (page->tracks, g_steal_pointer (&hit->track));
      page->cursor->numbers[1] = i + 1;
    }
    syrinx_track_free (hit->track);
  }
  return TRUE;
}

/* The first numbers[1] rows of the head are on earlier pages. */
static gboolean
add_head (Page *page, gboolean *done, GError **error)
{
  GArray *rows = page->cursor->rows;

  if (page->cursor->numbers[1] == 0 && !rank_head (page, error))
    return FALSE;
  while (page->cursor->numbers[1] < rows->len && !is_full (page)) {
    SyrinxTrack *track = look_up (
        page, g_array_index (rows, gint64, page->cursor->numbers[1]++));

    if (track)
      g_ptr_array_add (page->tracks, track);
  }
  *done = page->cursor->numbers[1] >= rows->len;
  return TRUE;
}

static gboolean
add_rest (Page *page, gboolean *done, GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint wanted = page->search->limit + 1;

  if (page->is_complete) {
    *done = TRUE;
    return TRUE;
  }
  if (!match_rows (page->reader, page->plain, page->cursor->numbers[0],
          G_MAXINT64, wanted, rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len && !is_full (page); i++) {
    gint64 row = g_array_index (rows, gint64, i);
    SyrinxTrack *track = is_in_head (page, row) ? NULL : look_up (page, row);

    page->cursor->numbers[0] = row;
    if (track && !is_exact (page, track))
      g_ptr_array_add (page->tracks, track);
    else
      syrinx_track_free (track);
    *done = i + 1 == rows->len && rows->len < wanted;
  }
  *done |= rows->len == 0;
  return TRUE;
}

static gboolean
fill_page (Page *page, gboolean *done, GError **error)
{
  static gboolean (*const phases[]) (Page *, gboolean *, GError **)
      = { add_exact, add_head, add_rest };

  *done = FALSE;
  while (!is_full (page) && !*done) {
    guint phase = page->cursor->phase;

    if (!phases[phase](page, done, error))
      return FALSE;
    if (*done && phase != PHASE_REST) {
      page->cursor->phase++;
      page->cursor->numbers[0] = -1;
      page->cursor->numbers[1] = 0;
      *done = FALSE;
    }
  }
  return TRUE;
}

GPtrArray *
syrinx_search_tracks (SyrinxConnection *reader, const SyrinxSearch *search,
    SyrinxCursor *cursor, gchar **next_cursor, GError **error)
{
  g_auto (Page) page = { .reader = reader, .search = search, .cursor = cursor };
  gboolean done;

  if (cursor->phase > PHASE_REST || cursor->numbers[1] < 0) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "cursor: not one that this query returned");
    return NULL;
  }
  if (!cursor->rows)
    cursor->rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  page.tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  page.scratch = syrinx_words_new ();
  page.title = syrinx_text_squeeze (search->title_key);
  page.plain = build_expression (search, 0);
  page.exact = build_exact (search, page.title);
  if (!fill_page (&page, &done, error))
    return NULL;
  *next_cursor = done ? NULL : syrinx_cursor_encode (cursor);
  return g_steal_pointer (&page.tracks);
}
