/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Search in a large synthetic library: the speed of loading, the time of a
 * query of two prefixes, and how many of the ten best results by full bm25 it
 * finds.
 *
 * usage: bench-search [TRACKS [QUERIES]]   (default 1000000 1000) */
#include "core/store/store.h"

#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEED             20240229
#define N_WORDS          60000
#define BATCH            100000
#define PAGE             50
#define TOP              10
#define N_COMPARED       100 /* queries also answered by full bm25 */
#define TRACKS_ARTIST    24  /* on average */
#define YARDSTICK_ROUNDS 20000

typedef struct
{
  GRand *rand;
  gchar **words;          /* by rank */
  gdouble *zipf;          /* sums of 1/rank */
  GPtrArray *tracks_left; /* SyrinxTrack of the present artist, reversed */
  guint n_made;
} Library;

typedef struct
{
  gdouble *wall_ms, *cpu_ms;
  guint n;
  gdouble overlap; /* median over the compared queries, of TOP */
  guint n_compared, n_titles, n_titles_first;
} Result;

/* The cost of an FTS5 table alone for the same rows, without journal or tracks:
 * a lower bound for loading. */
typedef struct
{
  gdouble wall_s, cpu_s;
} Plain;

/* --- A library --- */

/* Syllables of no particular language; frequent words are short, as in real
 * ones. */
static gchar *
make_word (GRand *rand, guint rank)
{
  static const gchar *const onsets[] = { "l", "m", "s", "t", "b", "d", "n", "r",
    "h", "w", "k", "f", "g", "p", "st", "th", "sh", "ch", "br", "tr", "bl",
    "dr", "v", "j", "", "", "y", "z", "cr", "gr" };
  static const gchar *const nuclei[]
      = { "e", "a", "o", "i", "u", "ea", "oo", "ou", "ai", "y" };
  static const gchar *const codas[] = { "", "", "", "n", "r", "t", "s", "l",
    "d", "m", "ng", "ck", "nd", "st", "ve" };
  GString *word = g_string_new (NULL);
  guint n = 1 + (rank > 60) + (g_rand_int_range (rand, 0, 100) < 45)
            + (rank > 4000 && g_rand_int_range (rand, 0, 100) < 50);

  for (guint i = 0; i < n; i++) {
    gdouble a = g_rand_double (rand), b = g_rand_double (rand);

    g_string_append (word, onsets[(guint)(a * a * G_N_ELEMENTS (onsets))]);
    g_string_append (word, nuclei[(guint)(b * b * G_N_ELEMENTS (nuclei))]);
    g_string_append (
        word, codas[g_rand_int_range (rand, 0, G_N_ELEMENTS (codas))]);
  }
  return g_string_free (word, FALSE);
}

static const gchar *
pick_word (Library *library)
{
  gdouble x = g_rand_double (library->rand) * library->zipf[N_WORDS - 1];
  guint low = 0, high = N_WORDS - 1;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (library->zipf[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return library->words[low];
}

static gchar *
make_name (Library *library, guint min, guint max)
{
  GString *name = g_string_new (NULL);
  guint n = g_rand_int_range (library->rand, min, max + 1);

  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c (name, ' ');
    g_string_append (name, pick_word (library));
    name->str[name->len
              - strlen (strrchr (name->str, ' ') ? strrchr (name->str, ' ') + 1
                                                 : name->str)]
        &= ~0x20;
  }
  return g_string_free (name, FALSE);
}

static void
make_album (Library *library, const gchar *artist, const gchar *genre)
{
  guint roll = g_rand_int_range (library->rand, 0, 100);
  guint n_tracks = g_rand_int_range (library->rand, 4, 17);
  guint year = g_rand_int_range (library->rand, 1960, 2026);
  /* some albums are named like their artist or their first track */
  g_autofree gchar *first = make_name (library, 1, 5);
  g_autofree gchar *album = roll < 8    ? g_strdup (artist)
                            : roll < 35 ? g_strdup (first)
                                        : make_name (library, 1, 4);

  for (guint i = 0; i < n_tracks; i++) {
    SyrinxTrack *track = g_new0 (SyrinxTrack, 1);

    track->root = g_strdup ("/srv/music");
    track->title = i == 0 ? g_strdup (first) : make_name (library, 1, 5);
    track->path = g_strdup_printf ("%s/%s/%02u %s.%07u.flac", artist, album,
        i + 1, track->title, library->n_made);
    track->fingerprint = g_compute_checksum_for_data (
        G_CHECKSUM_SHA256, (guchar *)&library->n_made, sizeof (guint));
    track->artist = g_strdup (artist);
    track->album = g_strdup (album);
    track->genre = g_strdup (genre);
    track->year = year;
    track->track_number = i + 1;
    track->codec = g_strdup ("flac");
    track->size_bytes = 20000000 + library->n_made;
    track->mtime_ns = 1700000000000000000 + library->n_made;
    track->sample_rate_hz = 44100;
    track->channels = 2;
    track->n_samples = 44100 * g_rand_int_range (library->rand, 90, 400);
    track->bitrate_bps = 900000;
    track->added_at_s = 1700000000;
    g_ptr_array_add (library->tracks_left, track);
    library->n_made++;
  }
}

static void
make_artist (Library *library)
{
  static const gchar *const genres[]
      = { "Rock", "Pop", "Jazz", "Classical", "Hip Hop", "Electronic", "Folk",
          "Metal", "Soul", "Country", "Blues", "Reggae", "Latin", "Punk Rock",
          "Drum and Bass", "Ambient", "House", "Funk", "World", "Soundtrack" };
  gdouble x = g_rand_double (library->rand);
  const gchar *genre = genres[(guint)(x * x * G_N_ELEMENTS (genres))];
  g_autofree gchar *artist = make_name (library, 1, 3);
  guint n_albums = g_rand_int_range (library->rand, 1, 2 * TRACKS_ARTIST / 10);

  for (guint i = 0; i < n_albums; i++)
    make_album (library, artist, genre);
}

static SyrinxTrack *
next_track (Library *library)
{
  if (library->tracks_left->len == 0)
    make_artist (library);
  return g_ptr_array_steal_index (library->tracks_left, 0);
}

static void
library_init (Library *library)
{
  gdouble sum = 0;

  library->rand = g_rand_new_with_seed (SEED);
  library->words = g_new0 (gchar *, N_WORDS + 1);
  library->zipf = g_new (gdouble, N_WORDS);
  library->tracks_left
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  for (guint i = 0; i < N_WORDS; i++) {
    library->words[i] = make_word (library->rand, i);
    library->zipf[i] = sum += 1.0 / (i + 2);
  }
}

static void
library_clear (Library *library)
{
  g_rand_free (library->rand);
  g_strfreev (library->words);
  g_free (library->zipf);
  g_ptr_array_unref (library->tracks_left);
}

/* --- Full bm25, to compare with --- */

static sqlite3 *
plain_open (const gchar *dir)
{
  g_autofree gchar *path = g_build_filename (dir, "plain.db", NULL);
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_exec (db,
          "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
          "PRAGMA cache_size = -65536; BEGIN;"
          "CREATE VIRTUAL TABLE plain USING fts5 (title, artist,"
          "album, genre, content = '', prefix = '2 3 4', tokenize ="
          "'unicode61 remove_diacritics 2')",
          NULL, NULL, NULL),
      ==, SQLITE_OK);
  return db;
}

static void
plain_add (sqlite3 *db, GPtrArray *tracks, guint first)
{
  sqlite3_stmt *stmt = NULL;

  sqlite3_prepare_v2 (db,
      "INSERT INTO plain (rowid, title, artist, album, genre)"
      "VALUES (?, ?, ?, ?, ?)",
      -1, &stmt, NULL);
  for (guint i = 0; i < tracks->len; i++) {
    SyrinxTrack *track = tracks->pdata[i];

    sqlite3_bind_int64 (stmt, 1, first + i);
    sqlite3_bind_text (stmt, 2, track->title, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 3, track->artist, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 4, track->album, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 5, track->genre, -1, SQLITE_STATIC);
    g_assert_cmpint (sqlite3_step (stmt), ==, SQLITE_DONE);
    sqlite3_reset (stmt);
  }
  sqlite3_finalize (stmt);
}

/* Ids of the ten best by bm25; among equal scores, the first rows. */
static guint
plain_find (sqlite3 *db, const gchar *q, gint64 rows[TOP], gdouble *ms)
{
  g_auto (GStrv) words = g_strsplit (q, " ", -1);
  g_autofree gchar *match
      = g_strdup_printf ("\"%s\" * AND \"%s\" *", words[0], words[1]);
  sqlite3_stmt *stmt = NULL;
  gint64 start = g_get_monotonic_time ();
  guint n = 0;

  sqlite3_prepare_v2 (db,
      "SELECT rowid FROM plain WHERE plain MATCH ?"
      "ORDER BY bm25 (plain), rowid LIMIT 10",
      -1, &stmt, NULL);
  sqlite3_bind_text (stmt, 1, match, -1, SQLITE_STATIC);
  while (sqlite3_step (stmt) == SQLITE_ROW)
    rows[n++] = sqlite3_column_int64 (stmt, 0);
  sqlite3_finalize (stmt);
  *ms = (g_get_monotonic_time () - start) / 1000.0;
  return n;
}

/* --- Measuring --- */

static gdouble
thread_cpu_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;

  return x < y ? -1 : x > y;
}

static gdouble
quantile (gdouble *values, guint n, gdouble q)
{
  qsort (values, n, sizeof (gdouble), compare_doubles);
  return values[MIN ((guint)(q * n), n - 1)];
}

/* Loads all tracks; at intervals, takes a query from the words of a track. */
static gdouble
load (SyrinxStore *store, Library *library, sqlite3 *plain, guint n_tracks,
    guint n_queries, GPtrArray *ids, GPtrArray *queries, gdouble *cpu_s,
    Plain *peer)
{
  gdouble seconds = 0;

  for (guint done = 0; done < n_tracks;) {
    guint n = MIN (BATCH, n_tracks - done);
    g_autoptr (GPtrArray) batch
        = g_ptr_array_new_full (n, (GDestroyNotify)syrinx_track_free);
    g_autoptr (GError) error = NULL;
    gdouble cpu_ms;
    gint64 start;

    for (guint i = 0; i < n; i++)
      g_ptr_array_add (batch, next_track (library));
    start = g_get_monotonic_time ();
    cpu_ms = thread_cpu_ms ();
    if (!syrinx_store_put_tracks (store, batch, &error))
      g_error ("%s", error->message);
    seconds += (g_get_monotonic_time () - start) / 1e6;
    *cpu_s += (thread_cpu_ms () - cpu_ms) / 1e3;
    start = g_get_monotonic_time ();
    cpu_ms = thread_cpu_ms ();
    plain_add (plain, batch, done);
    peer->wall_s += (g_get_monotonic_time () - start) / 1e6;
    peer->cpu_s += (thread_cpu_ms () - cpu_ms) / 1e3;
    for (guint i = 0; i < n; i++) {
      SyrinxTrack *track = batch->pdata[i];

      g_ptr_array_add (ids, g_strdup (track->id));
      if (g_rand_double (library->rand) < 1.05 * n_queries / n_tracks)
        g_ptr_array_add (queries, g_strdup_printf ("%s %s %s", track->title,
                                      track->artist, track->album));
    }
    done += n;
    fprintf (stderr, "\r%u tracks, %.0f rows/s ", done, done / seconds);
  }
  fputc ('\n', stderr);
  return n_tracks / seconds;
}

/* Two different words of @text, cut to 2 to 4 letters. (transfer full)
 * (nullable) */
static gchar *
cut_query (Library *library, const gchar *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  guint n = g_strv_length (words);
  gint a = g_rand_int_range (library->rand, 0, n);
  gint b = g_rand_int_range (library->rand, 0, n);

  if (strlen (words[a]) < 2 || strlen (words[b]) < 2
      || !g_ascii_strcasecmp (words[a], words[b]))
    return NULL;
  return g_strdup_printf ("%.*s %.*s", g_rand_int_range (library->rand, 2, 5),
      words[a], g_rand_int_range (library->rand, 2, 5), words[b]);
}

static GPtrArray *
ask (SyrinxStore *store, const gchar *q, gdouble *wall_ms, gdouble *cpu_ms)
{
  SyrinxTrackQuery query = { .q = q, .limit = PAGE };
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  gdouble cpu = thread_cpu_ms ();
  GPtrArray *found = syrinx_store_find_tracks (store, &query, &next, &error);

  *cpu_ms = thread_cpu_ms () - cpu;
  *wall_ms = (g_get_monotonic_time () - start) / 1000.0;
  if (!found)
    g_error ("%s", error->message);
  return found;
}

/* How many of bm25's best ten are among our results, scaled to ten. Titles that
 * equal the query are left out on both sides. */
static gdouble
compare_with_plain (GPtrArray *found, GPtrArray *ids, const gint64 rows[TOP],
    guint n_rows, const gchar *q)
{
  guint n_common = 0, n_exact = 0;

  while (
      n_exact < found->len
      && !g_ascii_strcasecmp (((SyrinxTrack *)found->pdata[n_exact])->title, q))
    n_exact++;
  for (guint i = 0; i < n_rows; i++)
    for (guint k = 0; k < MIN (found->len, TOP + n_exact); k++)
      n_common += g_str_equal (
          ids->pdata[rows[i]], ((SyrinxTrack *)found->pdata[k])->id);
  return (gdouble)TOP * n_common / n_rows;
}

static void
run_queries (SyrinxStore *store, Library *library, sqlite3 *plain,
    GPtrArray *ids, GPtrArray *texts, Result *result, gdouble *plain_ms)
{
  g_autofree gdouble *overlaps = g_new0 (gdouble, N_COMPARED);

  for (guint i = 0; i < texts->len; i++) {
    g_autofree gchar *q = cut_query (library, texts->pdata[i]);
    g_autoptr (GPtrArray) found = NULL;
    gint64 rows[TOP];
    guint n_rows;

    if (!q)
      continue;
    found = ask (
        store, q, &result->wall_ms[result->n], &result->cpu_ms[result->n]);
    result->n++;
    if (result->n_compared == N_COMPARED || result->n % 5 != 0)
      continue;
    n_rows = plain_find (plain, q, rows, &plain_ms[result->n_compared]);
    g_assert_cmpuint (n_rows, >, 0);
    overlaps[result->n_compared++]
        = compare_with_plain (found, ids, rows, n_rows, q);
  }
  result->overlap = quantile (overlaps, result->n_compared, 0.5);
}

/* Whole titles as queries: whether the first result has that title. */
static void
run_titles (SyrinxStore *store, GPtrArray *ids, Result *result)
{
  for (guint i = 0; i < 100; i++) {
    const gchar *id = ids->pdata[(guint64)i * 7919 * 104729 % ids->len];
    g_autoptr (SyrinxTrack) track = syrinx_store_get_track (store, id, NULL);
    gdouble wall, cpu;
    g_autoptr (GPtrArray) found = ask (store, track->title, &wall, &cpu);

    result->n_titles++;
    result->n_titles_first
        += found->len > 0
           && !g_ascii_strcasecmp (
               ((SyrinxTrack *)found->pdata[0])->title, track->title);
  }
}

/* Artists and albums by two prefixes. */
static void
run_groups (
    SyrinxStore *store, Library *library, GPtrArray *texts, Result *result)
{
  for (guint i = 0; i < texts->len; i++) {
    g_autofree gchar *q = cut_query (library, texts->pdata[i]);
    gint64 start = g_get_monotonic_time ();
    gdouble cpu_ms = thread_cpu_ms ();

    if (!q)
      continue;
    for (guint albums = 0; albums < 2; albums++) {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) found
          = syrinx_store_find_groups (store, q, albums != 0, NULL, 20, &error);

      g_assert_no_error (error);
    }
    result->cpu_ms[result->n] = thread_cpu_ms () - cpu_ms;
    result->wall_ms[result->n++] = (g_get_monotonic_time () - start) / 1000.0;
  }
}

/* --- The machine --- */

/* CPU seconds of a fixed load of hashing and FTS5, to compare machines. */
static gdouble
measure_yardstick (void)
{
  gdouble start_ms = thread_cpu_ms ();
  guint8 block[4096] = { 0 };
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;

  for (guint i = 0; i < YARDSTICK_ROUNDS; i++) {
    g_autofree gchar *hex
        = g_compute_checksum_for_data (G_CHECKSUM_SHA256, block, sizeof block);

    memcpy (block, hex, 64);
  }
  sqlite3_open (":memory:", &db);
  sqlite3_exec (
      db, "CREATE VIRTUAL TABLE t USING fts5 (x); BEGIN", NULL, NULL, NULL);
  sqlite3_prepare_v2 (db, "INSERT INTO t VALUES (?)", -1, &stmt, NULL);
  for (guint i = 0; i < YARDSTICK_ROUNDS; i++) {
    g_autofree gchar *text
        = g_strdup_printf ("w%u v%u u%u", i % 97, i % 1009, i % 10007);

    sqlite3_bind_text (stmt, 1, text, -1, SQLITE_STATIC);
    g_assert_cmpint (sqlite3_step (stmt), ==, SQLITE_DONE);
    sqlite3_reset (stmt);
  }
  sqlite3_finalize (stmt);
  sqlite3_close (db);
  return (thread_cpu_ms () - start_ms) / 1e3;
}

static gdouble
get_size_mib (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  GStatBuf st = { 0 };

  g_stat (path, &st);
  return st.st_size / 1048576.0;
}

/* MiB of the tables and indexes whose names begin with @beginning; 0 if this
 * SQLite has no dbstat. */
static gdouble
get_table_mib (const gchar *dir, const gchar *beginning)
{
  g_autofree gchar *path = g_build_filename (dir, "index.db", NULL);
  g_autofree gchar *sql = g_strdup_printf (
      "SELECT sum (pgsize) FROM dbstat WHERE name GLOB '%s*'", beginning);
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  gdouble n_bytes = 0;

  if (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK
      && sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL) == SQLITE_OK
      && sqlite3_step (stmt) == SQLITE_ROW)
    n_bytes = sqlite3_column_double (stmt, 0);
  sqlite3_finalize (stmt);
  sqlite3_close (db);
  return n_bytes / 1048576.0;
}

/* --- Printing --- */

static void
print_figure (FILE *json, const gchar *figure, gdouble value, const gchar *unit,
    gdouble peer, gdouble goal, gboolean more_is_better)
{
  gboolean met = more_is_better ? value >= goal : value <= goal;
  g_autofree gchar *peers
      = peer > 0 ? g_strdup_printf (
            "\"fts5 bm25\",\"peer_value\":%.3f,\"ratio\":%.4f", peer,
            value / peer)
                 : g_strdup ("null,\"peer_value\":null,\"ratio\":null");

  printf ("%-46s %12.3f %-8s %12.3f %10g %s\n", figure, value, unit, peer, goal,
      met ? "met" : "MISSED");
  if (json)
    fprintf (json,
        "{\"figure\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"peer\":%s,"
        "\"goal\":%g,\"met\":%s}\n",
        figure, value, unit, peers, goal, met ? "true" : "false");
}

static void
print_all (Result *r, gdouble rows_per_s, gdouble rows_per_cpu_s,
    const Plain *peer, guint n_tracks, gdouble *plain_ms)
{
  g_autofree gchar *dir = g_build_filename (
      g_getenv ("SYRINX_BUILD") ? g_getenv ("SYRINX_BUILD") : "build", "bench",
      NULL);
  g_autofree gchar *path = g_build_filename (dir, "search.jsonl", NULL);
  gdouble plain_50 = quantile (plain_ms, r->n_compared, 0.5);
  gdouble plain_99 = quantile (plain_ms, r->n_compared, 0.99);
  FILE *json;

  g_mkdir_with_parents (dir, 0755);
  json = fopen (path, "w");
  printf ("%-46s %12s %-8s %12s %10s\n", "figure", "value", "unit", "fts5 bm25",
      "goal");
  print_figure (json, "loading, wall", rows_per_s, "rows/s",
      n_tracks / peer->wall_s, 60000, TRUE);
  print_figure (json, "loading, CPU", rows_per_cpu_s, "rows/s",
      n_tracks / peer->cpu_s, 60000, TRUE);
  print_figure (json, "two beginnings, best 50, p50 CPU",
      quantile (r->cpu_ms, r->n, 0.5), "ms", plain_50, 3, FALSE);
  print_figure (json, "two beginnings, best 50, p99 CPU",
      quantile (r->cpu_ms, r->n, 0.99), "ms", plain_99, 10, FALSE);
  print_figure (json, "two beginnings, best 50, p50 wall",
      quantile (r->wall_ms, r->n, 0.5), "ms", plain_50, 3, FALSE);
  print_figure (json, "two beginnings, best 50, p99 wall",
      quantile (r->wall_ms, r->n, 0.99), "ms", plain_99, 10, FALSE);
  print_figure (json, "of full bm25's first ten, median", r->overlap, "tracks",
      0, 8, TRUE);
  print_figure (json, "exact titles that come first",
      100.0 * r->n_titles_first / r->n_titles, "%", 0, 100, TRUE);
  if (json)
    fclose (json);
}

static void
remove_files (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);

    g_remove (child);
  }
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  guint n_tracks = argc > 1 ? (guint)strtoul (argv[1], NULL, 10) : 1000000;
  guint n_queries = argc > 2 ? (guint)strtoul (argv[2], NULL, 10) : 1000;
  g_autofree gchar *dir = g_dir_make_tmp ("syrinx-bench-XXXXXX", NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SyrinxStore) store = syrinx_store_open (dir, TRUE, NULL);
  sqlite3 *plain = plain_open (dir);
  Library library = { 0 };
  Result result = { 0 }, groups = { 0 };
  gdouble yardstick_s = measure_yardstick ();
  Plain peer = { 0 };
  gdouble plain_ms[N_COMPARED] = { 0 }, rows_per_s, cpu_s = 0;

  g_assert_true (store && n_tracks >= 1000 && n_queries >= 10);
  library_init (&library);
  rows_per_s = load (
      store, &library, plain, n_tracks, n_queries, ids, texts, &cpu_s, &peer);
  sqlite3_exec (plain, "COMMIT", NULL, NULL, NULL);
  result.wall_ms = g_new0 (gdouble, texts->len);
  result.cpu_ms = g_new0 (gdouble, texts->len);
  run_queries (store, &library, plain, ids, texts, &result, plain_ms);
  run_titles (store, ids, &result);
  groups.wall_ms = g_new0 (gdouble, texts->len);
  groups.cpu_ms = g_new0 (gdouble, texts->len);
  run_groups (store, &library, texts, &groups);
  printf ("%u tracks, %u queries, %u of them also by full bm25\n", n_tracks,
      result.n, result.n_compared);
  printf ("yardstick of this machine (hashing and FTS5, fixed): %.3f s of CPU "
          "before, %.3f s after\n",
      yardstick_s, measure_yardstick ());
  printf ("index.db %.0f MiB, of it search %.0f, names %.0f, tracks %.0f; full "
          "bm25's table %.0f MiB\n",
      get_size_mib (dir, "index.db"), get_table_mib (dir, "search_"),
      get_table_mib (dir, "names_"), get_table_mib (dir, "tracks"),
      get_size_mib (dir, "plain.db"));
  printf ("artists and albums, best 20 of each: p50 %.3f, p99 %.3f ms of CPU\n",
      quantile (groups.cpu_ms, groups.n, 0.5),
      quantile (groups.cpu_ms, groups.n, 0.99));
  print_all (&result, rows_per_s, n_tracks / cpu_s, &peer, n_tracks, plain_ms);
  sqlite3_close (plain);
  library_clear (&library);
  g_clear_pointer (&store, syrinx_store_unref);
  remove_files (dir);
  g_free (result.wall_ms);
  g_free (result.cpu_ms);
  g_free (groups.wall_ms);
  g_free (groups.cpu_ms);
  return 0;
}
