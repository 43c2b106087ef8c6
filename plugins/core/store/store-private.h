/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by the files of store: connections, statements by name,
 * folded words. */
#pragma once

#include "store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct _SyrinxConnection SyrinxConnection;

struct _SyrinxStore
{
  gatomicrefcount refs;

  /* constant after open */
  gchar *state_dir, *db_path;
  gboolean writable;
  gint lock_fd;
  GHashTable *sql; /* name -> text, of statements.sql */

  /* protected by writer_lock */
  GMutex writer_lock;
  SyrinxConnection *writer;

  /* protected by lock */
  GMutex lock;
  GPtrArray *idle_readers; /* SyrinxConnection */
  GThread *checkpointer;   /* (nullable): still to be joined */

  /* atomic */
  gint n_checkpoints; /* requested and not made yet; 0: no thread runs */
  gint log_pages;     /* at the last commit */

  /* protected by uses_lock; used by store-renditions.c */
  GMutex uses_lock;
  GHashTable *uses; /* "track/rendition/epoch" -> us, not yet written */
};

/* One SQLite connection, used by one thread at a time: the store's only writer,
 * or one of its readers. It has its own statements. */
struct _SyrinxConnection
{
  SyrinxStore *store; /* (transfer none) */
  sqlite3 *db;
  GHashTable *statements; /* name -> SyrinxStatement */
  gboolean is_writer, in_transaction;
  gboolean is_durable;             /* PRAGMA synchronous is FULL */
  const SyrinxTrackFilter *filter; /* (nullable): asked by SQL's shown();
                                      cleared at release */
};

typedef struct
{
  sqlite3_stmt *stmt;
  GHashTable *columns; /* name -> index */
  gint *known_columns; /* columns of syrinx_track_from_row(), after its first
                          use */
} SyrinxStatement;

/* --- Connections (store-connection.c) --- */

/* A connection that is not in the pool. (transfer full) (nullable) */
SyrinxConnection *syrinx_connection_open (
    SyrinxStore *store, gboolean for_writing, GError **error);
void syrinx_connection_free (SyrinxConnection *connection);
/* Runs SQL that is a constant of the program. */
gboolean syrinx_connection_execute (
    SyrinxConnection *connection, const gchar *sql, GError **error);

/* Rolls back a transaction that has failed; resets its statements. */
void syrinx_connection_roll_back (SyrinxConnection *connection);

/* Takes the lock by which only one process writes in @state_dir. Returns: a
 * descriptor for the caller to close, or -1. Errors: BUSY, FAILED. */
gint syrinx_store_take_lock (const gchar *state_dir, GError **error);

/* Begins a transaction on a reader (which then has an unchanging view), or on
 * the writer (rolled back unless committed). Released by g_autoptr. */
SyrinxConnection *syrinx_store_read (SyrinxStore *store, GError **error);
SyrinxConnection *syrinx_store_write (SyrinxStore *store, GError **error);
/* As syrinx_store_write(), but a commit is durable: it survives a power
 * failure. */
SyrinxConnection *
syrinx_store_write_durably (SyrinxStore *store, GError **error);
gboolean
syrinx_connection_commit (SyrinxConnection *connection, GError **error);
void syrinx_connection_release (SyrinxConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxConnection, syrinx_connection_release)

/* The statement called @name in data/sql/statements.sql, ready to be bound.
 * (transfer none), the same one at each call. Never NULL: an unknown name or a
 * faulty statement is a programmer's error. */
SyrinxStatement *
syrinx_connection_get (SyrinxConnection *connection, const gchar *name);

/* Parameters are numbered from 1. Text and bytes must stay valid until the
 * statement has run. NULL binds SQL's NULL. */
void syrinx_bind_text (SyrinxStatement *st, gint n, const gchar *text);
void syrinx_bind_copy (SyrinxStatement *st, gint n, const gchar *text);
void syrinx_bind_path (SyrinxStatement *st, gint n, const gchar *path);
void syrinx_bind_bytes (SyrinxStatement *st, gint n, GBytes *bytes);
void syrinx_bind_int (SyrinxStatement *st, gint n, gint64 value);

/* TRUE if there is a row. FALSE without @error set: there are no more. */
gboolean syrinx_statement_next (
    SyrinxConnection *connection, SyrinxStatement *st, GError **error);
/* Runs a statement that returns no rows. */
gboolean syrinx_statement_run (
    SyrinxConnection *connection, SyrinxStatement *st, GError **error);

/* Columns by name, which the statement must have. Text is (transfer full)
 * (nullable). */
gint syrinx_column_index (SyrinxStatement *st, const gchar *name);
gint64 syrinx_column_int (SyrinxStatement *st, const gchar *name);
gdouble syrinx_column_double (SyrinxStatement *st, const gchar *name);
gboolean syrinx_column_is_null (SyrinxStatement *st, const gchar *name);
gchar *syrinx_column_text (SyrinxStatement *st, const gchar *name);
const gchar *syrinx_column_peek (SyrinxStatement *st, const gchar *name);
GBytes *syrinx_column_bytes (SyrinxStatement *st, const gchar *name);

/* Sets @error from the connection's last failure. Returns: FALSE. */
gboolean syrinx_connection_fail (
    SyrinxConnection *connection, const gchar *what, GError **error);

/* (store-checkpoint.c) In order: count the log's pages from now on; start a
 * checkpoint if there are many; wait for its end; keep the log within its
 * bound. */
void syrinx_store_watch_log (SyrinxStore *store);
void syrinx_store_start_checkpoint (SyrinxStore *store);
void syrinx_store_finish_checkpoint (SyrinxStore *store);
void syrinx_store_bound_log_locked (SyrinxStore *store);

/* Writes the uses recorded by syrinx_store_touch_rendition(). */
gboolean syrinx_store_write_uses (SyrinxStore *store, GError **error);

/* --- Words (store-text.c, store-words.c) --- */

#define SYRINX_MARKED_BEGINNING 4 /* longest beginning that is marked */
#define SYRINX_RUN_CHARS        4 /* of a script without spaces, per word */

/* A list of words, each ended by a NUL in @text. */
typedef struct
{
  GString *text;
  GArray *starts; /* guint */
} SyrinxWords;

SyrinxWords *syrinx_words_new (void);
void syrinx_words_free (SyrinxWords *words);
void syrinx_words_clear (SyrinxWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWords, syrinx_words_free)
#define syrinx_words_count(w) ((w)->starts->len)
#define syrinx_words_get(w, i)                                                 \
  ((w)->text->str + g_array_index ((w)->starts, guint, i))

void syrinx_words_append (SyrinxWords *words, const gchar *word, gsize n_bytes);
/* Appends the words by which @text (nullable) is found. */
void syrinx_words_add_index (SyrinxWords *words, const gchar *text);
/* The length in bytes of the first @n_chars characters of @word (or of all). */
gsize syrinx_word_beginning (const gchar *word, guint n_chars);
/* All words, separated by spaces. (transfer full) */
gchar *syrinx_words_join (const SyrinxWords *words);

/* The key by which names are compared and sorted: folded words joined by
 * spaces; for a name without words, the folded name. (transfer full), "" for
 * NULL. */
gchar *syrinx_text_key (const gchar *text);
/* A key without its spaces, by which titles are compared, so that "acdc" finds
 * "AC/DC". (transfer full) */
gchar *syrinx_text_squeeze (const gchar *key);
gint64 syrinx_text_number (const gchar *text);

/* A term of a query; a track must match all terms. It matches if it has words
 * that begin with each of the @n_parts words, or one that begins with one of
 * the @n_others words after them. */
typedef struct
{
  guint first, n_parts, n_others;
} SyrinxTerm;

typedef struct
{
  SyrinxWords *words;
  GArray *terms; /* SyrinxTerm */
} SyrinxTerms;

/* @query (nullable) */
SyrinxTerms *syrinx_terms_new (const gchar *query);
void syrinx_terms_free (SyrinxTerms *terms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxTerms, syrinx_terms_free)
#define syrinx_terms_count(t)  ((t)->terms->len)
#define syrinx_terms_get(t, i) (&g_array_index ((t)->terms, SyrinxTerm, i))
/* Checks and parses a user's query. @q (nullable) Errors: INVALID (not UTF-8,
 * too long). (store-search.c) */
SyrinxTerms *syrinx_query_take (const gchar *q, GError **error);
/* How often the term occurs in a track with these words. */
guint syrinx_terms_count_in (
    const SyrinxTerms *terms, guint term, const SyrinxWords *in);
/* Appends to an FTS5 expression, joined with AND. */
void syrinx_match_append_word (GString *text, const gchar *word);
void
syrinx_match_append_term (GString *text, const SyrinxTerms *terms, guint term);

/* Marks: words in the index that no user can type. (transfer full) */
gchar *syrinx_mark_title (const gchar *squeezed_title);
gchar *syrinx_mark_genre (const gchar *genre_key);
gchar *syrinx_mark_repeated (const gchar *word);
/* Removes mark characters from valid UTF-8 text that comes from outside. */
void syrinx_text_remove_marks (gchar *text);
/* All marks of a track with these words. (transfer full) */
gchar *syrinx_marks_new (
    SyrinxWords *words, const gchar *squeezed_title, const gchar *genre_key);

/* --- Identity (store-identity.c) --- */

/* The folder that distinguishes an album: that of the file, without a part that
 * only separates discs ("CD2"). Relative to the root. (transfer full) */
gchar *syrinx_album_folder (const gchar *path);
/* The first of the album's artists, never NULL. */
const gchar *syrinx_track_get_album_artist (const SyrinxTrack *track);
gchar *syrinx_album_id (
    const SyrinxTrack *track, const gchar *artist_key, const gchar *album_key);
gchar *syrinx_artist_id (const gchar *artist_key);

/* --- Rows to be written to an FTS5 table (store-entries.c) --- */

typedef struct _SyrinxEntries SyrinxEntries;

SyrinxEntries *syrinx_entries_new (void);
void syrinx_entries_free (SyrinxEntries *entries);
void syrinx_entries_add (SyrinxEntries *entries, gint64 row, const gchar *words,
    gboolean is_removal);
/* Writes the rows with the statements @add and @remove, in the cheapest
 * order. */
gboolean syrinx_entries_write (SyrinxEntries *entries, SyrinxConnection *writer,
    const gchar *add, const gchar *remove, GError **error);

/* --- Folders (store-folders.c) --- */

typedef struct _SyrinxFolders SyrinxFolders;

SyrinxFolders *syrinx_folders_new (SyrinxConnection *writer);
void syrinx_folders_free (SyrinxFolders *folders);
gboolean syrinx_folders_enter (
    SyrinxFolders *folders, gint64 root_id, const gchar *path, GError **error);
/* The folder of the file may have lost its last track. */
void syrinx_folders_leave (
    SyrinxFolders *folders, gint64 root_id, const gchar *path);
gboolean syrinx_folders_finish (SyrinxFolders *folders, GError **error);

/* --- Artists, albums and genres of tracks (store-places.c) --- */

#define SYRINX_MAX_GUESTS 64

/* guests[] has the track's artists that are not artists of the album. */
typedef struct
{
  gint64 album_id, genre_id; /* genre_id 0: none */
  gchar *genre_key; /* (transfer none), valid as long as the SyrinxPlaces */
  gint64 guests[SYRINX_MAX_GUESTS];
  guint n_guests;
} SyrinxPlace;

typedef struct _SyrinxPlaces SyrinxPlaces;

SyrinxPlaces *syrinx_places_new (SyrinxConnection *writer);
void syrinx_places_free (SyrinxPlaces *places);
/* Finds the track's place; adds rows for names that are new. */
gboolean syrinx_places_find (SyrinxPlaces *places, gint64 root_id,
    const SyrinxTrack *track, SyrinxPlace *place, GError **error);
/* Adds the guests for which a track's row has no columns. */
gboolean syrinx_places_credit (SyrinxPlaces *places, gint64 number,
    const SyrinxPlace *place, GError **error);
/* A track is removed; @track is its old row. Its place may have lost its last
 * track. */
gboolean
syrinx_places_leave (SyrinxPlaces *places, gint64 root_id, gint64 number,
    const SyrinxTrack *track, const SyrinxPlace *place, GError **error);
gboolean syrinx_places_finish (SyrinxPlaces *places, GError **error);

/* The first row in the table "names": artists precede albums. */
gint64 syrinx_name_get_first_row (gboolean is_album);
gint64 syrinx_name_get_number (gint64 row);

/* --- Changes (store-batch.c) --- */

/* All changes of tracks in one transaction; the rest of the index is changed at
 * its end, in the cheapest order. */
typedef struct _SyrinxBatch SyrinxBatch;

SyrinxBatch *syrinx_batch_new (SyrinxConnection *writer);
void syrinx_batch_free (SyrinxBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxBatch, syrinx_batch_free)
SyrinxPlaces *syrinx_batch_get_places (SyrinxBatch *batch);

void syrinx_batch_index (SyrinxBatch *batch, gint64 number,
    const SyrinxTrack *track, const SyrinxPlace *place);
void syrinx_batch_unindex (
    SyrinxBatch *batch, gint64 number, const SyrinxTrack *track);
/* (store-tracks.c) Marks the track at @path, if any, as missing. */
gboolean syrinx_batch_remove_path (SyrinxBatch *batch, SyrinxConnection *writer,
    gint64 root_id, const gchar *path, GError **error);
/* The number of a library folder, which is added if it is new. 0 on error. */
gint64 syrinx_connection_find_root (
    SyrinxConnection *writer, const gchar *root, GError **error);
gboolean syrinx_batch_finish (SyrinxBatch *batch, GError **error);

/* (store-reindex.c) Builds all tables that are derived from tracks again, in
 * the transaction of a migration that has emptied them. */
gboolean syrinx_reindex (SyrinxConnection *writer, GError **error);

/* --- Renditions (store-renditions.c) --- */

SyrinxRenditionRow *syrinx_rendition_from_row (SyrinxStatement *st);
gboolean syrinx_rendition_write (
    SyrinxConnection *writer, const SyrinxRenditionRow *row, GError **error);
/* Removes the rendition with its fragments, in @writer's transaction. */
gboolean syrinx_rendition_drop (
    SyrinxConnection *writer, gint64 rendition_id, GError **error);

/* --- Tracks (store-tracks.c) --- */

/* (store-rows.c) An id that the store assigns is random, except for the track's
 * number, which it contains. */
#define SYRINX_ID_NUMBER_BYTES 5
gint64 syrinx_id_number (const gchar *id);
/* A hash of the folder combined with one of the name. */
gint64 syrinx_path_number (gint64 root_id, const gchar *path);
SyrinxTrack *syrinx_track_from_row (SyrinxStatement *st);
/* @statement: "add-track" or "change-track". */
gboolean syrinx_track_write_row (SyrinxConnection *writer,
    const gchar *statement, gint64 number, gint64 root_id,
    const SyrinxTrack *track, const SyrinxPlace *place, GError **error);

/* (store-details.c) @details (nullable): NULL removes them. */
gboolean syrinx_track_write_details (SyrinxConnection *writer, gint64 number,
    const SyrinxTrackDetails *details, gboolean is_new, GError **error);
/* *@details stays NULL if there are none. */
gboolean syrinx_track_read_details (SyrinxConnection *reader, gint64 number,
    SyrinxTrackDetails **details, GError **error);

/* (store-clean.c) INVALID: a field is missing or out of range. */
gboolean syrinx_track_check (const SyrinxTrack *track, GError **error);
/* Sets @clean to @track with its own copies of the texts: valid, bounded, names
 * joined. */
void syrinx_track_clean (SyrinxTrack *clean, const SyrinxTrack *track);
void syrinx_track_clean_clear (SyrinxTrack *clean);
/* Convert between a list and one text; both are (nullable). (transfer full) */
gchar **syrinx_list_split (const gchar *text);
gchar *syrinx_list_join (gchar **list);

/* Appends all words by which the track is found. */
void syrinx_track_add_words (SyrinxWords *words, const SyrinxTrack *track);
gint64 syrinx_track_get_search_row (gint64 number, guint n_words);

/* Whether a track is in the sample that the table "beginnings" counts. */
#define SYRINX_SAMPLE 32
#define syrinx_is_sampled(number)                                              \
  ((((guint64)(number)) * 2654435761u >> 7) % SYRINX_SAMPLE == 0)

G_END_DECLS
