/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: tracks come, change, move and go. */
#include "store-private.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define MAX_TEXT_CHARS 500
#define MAX_PATH_BYTES 4096
#define NUMBER_BYTES   5
#define N_FRESH_IDS    256 /* asked for at once */

/* A row that is there already. */
typedef struct
{
  gint64 number; /* 0: there is none */
  SyrinxTrack *track;
  SyrinxBatchPlace place;
  gboolean is_missing;
} Known;

/* A batch of tracks on their way in. */
typedef struct
{
  SyrinxConnection *writer; /* (transfer none) */
  SyrinxBatch *batch;       /* (transfer none) */
  gint64 root_id;           /* of the track at hand */
  gint64 last_number;       /* of any track so far */
  gboolean any_missing, any_failures;
  guint8 ids[N_FRESH_IDS][SYRINX_ID_BYTES]; /* random */
  guint n_ids;                              /* of them not yet used */
} Putting;

static void
known_clear (Known *known)
{
  g_clear_pointer (&known->track, syrinx_track_free);
  known->number = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Known, known_clear)

guint64
syrinx_track_get_duration_ns (const SyrinxTrack *track)
{
  guint64 seconds, rest;

  if (track->sample_rate_hz == 0)
    return 0;
  seconds = track->n_samples / track->sample_rate_hz;
  rest = track->n_samples % track->sample_rate_hz;
  if (seconds > (guint64)G_MAXINT64 / 1000000000 - 1)
    return G_MAXINT64;
  return seconds * 1000000000 + rest * 1000000000 / track->sample_rate_hz;
}

gint64
syrinx_track_get_search_row (gint64 number, guint n_words)
{
  return ((gint64)MIN (n_words, (guint)G_MAXINT) << 32) | number;
}

void
syrinx_track_add_words (
    SyrinxConnection *connection, SyrinxWords *words, const SyrinxTrack *track)
{
  syrinx_words_add (connection, words, track->title);
  syrinx_words_add (connection, words, track->artist);
  syrinx_words_add (connection, words, track->album);
  syrinx_words_add (connection, words, track->genre);
}

/* The columns of a track, found by name once a statement. */
enum
{
  COLUMN_ID,
  COLUMN_ROOT,
  COLUMN_PATH,
  COLUMN_SIZE_BYTES,
  COLUMN_MTIME_NS,
  COLUMN_FINGERPRINT,
  COLUMN_TITLE,
  COLUMN_ARTIST,
  COLUMN_ALBUM,
  COLUMN_ALBUM_ARTIST,
  COLUMN_GENRE,
  COLUMN_YEAR,
  COLUMN_TRACK_NUMBER,
  COLUMN_DISC_NUMBER,
  COLUMN_CODEC,
  COLUMN_SAMPLE_RATE_HZ,
  COLUMN_CHANNELS,
  COLUMN_N_SAMPLES,
  COLUMN_BITRATE_BPS,
  COLUMN_ARTWORK,
  COLUMN_ARTWORK_TYPE,
  COLUMN_GAIN_DB,
  COLUMN_PEAK,
  COLUMN_ADDED_AT_S,
  COLUMN_PACKET_BPS,
  COLUMN_PACKET_PRE_SKIP,
  N_COLUMNS
};

static const gchar *const column_names[N_COLUMNS]
    = { "id", "root", "path", "size_bytes", "mtime_ns", "fingerprint", "title",
        "artist", "album", "album_artist", "genre", "year", "track_number",
        "disc_number", "codec", "sample_rate_hz", "channels", "n_samples",
        "bitrate_bps", "artwork", "artwork_type", "gain_db", "peak",
        "added_at_s", "packet_bps", "packet_pre_skip" };

static const gint *
find_columns (SyrinxStatement *st)
{
  if (st->known_columns)
    return st->known_columns;
  st->known_columns = g_new (gint, N_COLUMNS);
  for (guint i = 0; i < N_COLUMNS; i++)
    st->known_columns[i] = syrinx_column_index (st, column_names[i]);
  return st->known_columns;
}

static gchar *
text_at (sqlite3_stmt *row, gint column)
{
  return g_strdup ((const gchar *)sqlite3_column_text (row, column));
}

SyrinxTrack *
syrinx_track_from_row (SyrinxStatement *st)
{
  SyrinxTrack *track = g_new0 (SyrinxTrack, 1);
  const gint *at = find_columns (st);
  sqlite3_stmt *row = st->stmt;

  track->id = text_at (row, at[COLUMN_ID]);
  track->root = text_at (row, at[COLUMN_ROOT]);
  track->path = text_at (row, at[COLUMN_PATH]);
  track->size_bytes = sqlite3_column_int64 (row, at[COLUMN_SIZE_BYTES]);
  track->mtime_ns = sqlite3_column_int64 (row, at[COLUMN_MTIME_NS]);
  track->fingerprint = text_at (row, at[COLUMN_FINGERPRINT]);
  track->title = text_at (row, at[COLUMN_TITLE]);
  track->artist = text_at (row, at[COLUMN_ARTIST]);
  track->album = text_at (row, at[COLUMN_ALBUM]);
  track->album_artist = text_at (row, at[COLUMN_ALBUM_ARTIST]);
  track->genre = text_at (row, at[COLUMN_GENRE]);
  track->year = sqlite3_column_int64 (row, at[COLUMN_YEAR]);
  track->track_number = sqlite3_column_int64 (row, at[COLUMN_TRACK_NUMBER]);
  track->disc_number = sqlite3_column_int64 (row, at[COLUMN_DISC_NUMBER]);
  track->codec = text_at (row, at[COLUMN_CODEC]);
  track->sample_rate_hz = sqlite3_column_int64 (row, at[COLUMN_SAMPLE_RATE_HZ]);
  track->channels = sqlite3_column_int64 (row, at[COLUMN_CHANNELS]);
  track->n_samples = sqlite3_column_int64 (row, at[COLUMN_N_SAMPLES]);
  track->bitrate_bps = sqlite3_column_int64 (row, at[COLUMN_BITRATE_BPS]);
  track->artwork = text_at (row, at[COLUMN_ARTWORK]);
  track->artwork_type = text_at (row, at[COLUMN_ARTWORK_TYPE]);
  track->has_gain
      = sqlite3_column_type (row, at[COLUMN_GAIN_DB]) != SQLITE_NULL;
  track->gain_db = sqlite3_column_double (row, at[COLUMN_GAIN_DB]);
  track->peak = sqlite3_column_double (row, at[COLUMN_PEAK]);
  track->added_at_s = sqlite3_column_int64 (row, at[COLUMN_ADDED_AT_S]);
  track->packet_bps = sqlite3_column_int64 (row, at[COLUMN_PACKET_BPS]);
  track->packet_pre_skip
      = sqlite3_column_int64 (row, at[COLUMN_PACKET_PRE_SKIP]);
  return track;
}

static void
read_known (SyrinxStatement *st, Known *known)
{
  known->number = syrinx_column_int (st, "track_number_id");
  known->track = syrinx_track_from_row (st);
  known->is_missing = !syrinx_column_is_null (st, "missing_since_s");
  known->place.artist_id = syrinx_column_int (st, "guest_id");
  known->place.album_id = syrinx_column_int (st, "album_id");
  known->place.genre_id = syrinx_column_int (st, "genre_id");
  sqlite3_reset (st->stmt);
}

static gint64
number_path (gint64 root_id, const gchar *path)
{
  const gchar *slash = strrchr (path, '/');
  const gchar *name = slash ? slash + 1 : path;
  g_autofree gchar *folder = g_strndup (path, name - path);
  guint64 high = (guint64)syrinx_text_number (folder) + root_id;

  return (gint64)(high << 32 | (syrinx_text_number (name) & G_MAXUINT32));
}

/* An id is random in all but the number it holds, and looks random in all. */
static gchar *
new_id (Putting *put, gint64 number)
{
  guint8 *bytes;

  if (put->n_ids == 0) {
    syrinx_id_fill (put->ids[0], N_FRESH_IDS);
    put->n_ids = N_FRESH_IDS;
  }
  bytes = put->ids[--put->n_ids];
  for (guint i = 0; i < NUMBER_BYTES; i++)
    bytes[SYRINX_ID_BYTES - 1 - i] = bytes[i] ^ (guint8)(number >> (8 * i));
  return syrinx_base64url_encode (bytes, SYRINX_ID_BYTES);
}

/* What new_id() put in; any number for an id from elsewhere. */
static gint64
number_id (const gchar *id)
{
  g_autoptr (GBytes) decoded = syrinx_base64url_decode (id, SYRINX_ID_BYTES);
  gint64 number = 0;
  const guint8 *bytes;

  if (!decoded || g_bytes_get_size (decoded) != SYRINX_ID_BYTES)
    return 0;
  bytes = g_bytes_get_data (decoded, NULL);
  for (guint i = 0; i < NUMBER_BYTES; i++)
    number |= (gint64)(bytes[SYRINX_ID_BYTES - 1 - i] ^ bytes[i]) << (8 * i);
  return number;
}

static gboolean
find_by_path (SyrinxConnection *connection, gint64 root_id, const gchar *path,
    Known *known, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (connection, "track-by-path");
  GError *local = NULL;

  syrinx_bind_int (st, 1, number_path (root_id, path));
  syrinx_bind_int (st, 2, root_id);
  syrinx_bind_path (st, 3, path);
  if (syrinx_statement_next (connection, st, &local))
    read_known (st, known);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
find_missing (SyrinxConnection *connection, const gchar *fingerprint,
    Known *known, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (connection, "track-missing");
  GError *local = NULL;

  syrinx_bind_text (st, 1, fingerprint);
  if (syrinx_statement_next (connection, st, &local))
    read_known (st, known);
  if (!local)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gint64
syrinx_connection_find_root (
    SyrinxConnection *writer, const gchar *root, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "add-root");
  gint64 id = 0;

  syrinx_bind_path (st, 1, root);
  if (!syrinx_statement_run (writer, st, error))
    return 0;
  st = syrinx_connection_get (writer, "find-root");
  syrinx_bind_path (st, 1, root);
  if (syrinx_statement_next (writer, st, error))
    id = syrinx_column_int (st, "root_id");
  sqlite3_reset (st->stmt);
  return id;
}

/* --- Putting --- */

/* Text from tags: valid, bounded, and without the characters that marks are
 * made of. (transfer full) (nullable) */
static gchar *
clean_text (const gchar *text)
{
  g_autofree gchar *valid = NULL;

  if (!text)
    return NULL;
  valid = g_utf8_make_valid (text, -1);
  syrinx_text_remove_marks (valid);
  if (strlen (valid) <= MAX_TEXT_CHARS
      || g_utf8_strlen (valid, -1) <= MAX_TEXT_CHARS)
    return g_steal_pointer (&valid);
  return g_utf8_substring (valid, 0, MAX_TEXT_CHARS);
}

static gboolean
check_track (const SyrinxTrack *track, GError **error)
{
  const gchar *wrong
      = !track->root || *track->root != '/' ? "root"
        : !track->path || !*track->path || strlen (track->path) > MAX_PATH_BYTES
            ? "path"
        : !track->title                                ? "title"
        : track->size_bytes < 0                        ? "size"
        : track->n_samples > G_MAXINT64                ? "length"
        : track->id && !syrinx_id_is_valid (track->id) ? "id"
                                                       : NULL;

  if (!wrong)
    return TRUE;
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
      "track %s: its %s is missing or out of range",
      track->path ? track->path : "(no path)", wrong);
  return FALSE;
}

static gint64
get_position (const SyrinxTrack *track)
{
  return ((gint64)CLAMP (track->disc_number, 0, 9999) << 20)
         | CLAMP (track->track_number, 0, 0xfffff);
}

static void
bind_number (SyrinxStatement *st, gint n, gint64 number, gboolean is_known)
{
  if (is_known)
    syrinx_bind_int (st, n, number);
  else
    sqlite3_bind_null (st->stmt, n);
}

static void
bind_id (SyrinxStatement *st, gint n, gint64 id)
{
  bind_number (st, n, id, id != 0);
}

/* The order of add-track's and change-track's parameters. */
static gboolean
write_row (SyrinxConnection *writer, const gchar *statement, gint64 number,
    gint64 root_id, const SyrinxTrack *track, const SyrinxBatchPlace *place,
    GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, statement);
  gint n = 1;

  syrinx_bind_int (st, n++, number);
  syrinx_bind_text (st, n++, track->id);
  syrinx_bind_int (st, n++, number_id (track->id) != number);
  syrinx_bind_int (st, n++, root_id);
  syrinx_bind_path (st, n++, track->path);
  syrinx_bind_int (st, n++, number_path (root_id, track->path));
  syrinx_bind_int (st, n++, track->size_bytes);
  syrinx_bind_int (st, n++, track->mtime_ns);
  syrinx_bind_text (st, n++, track->fingerprint);
  syrinx_bind_text (st, n++, track->title);
  syrinx_bind_text (st, n++, track->artist);
  syrinx_bind_text (st, n++, track->album);
  syrinx_bind_text (st, n++, track->album_artist);
  syrinx_bind_text (st, n++, track->genre);
  syrinx_bind_int (st, n++, track->year);
  syrinx_bind_int (st, n++, track->track_number);
  syrinx_bind_int (st, n++, track->disc_number);
  syrinx_bind_text (st, n++, track->codec);
  syrinx_bind_int (st, n++, track->sample_rate_hz);
  syrinx_bind_int (st, n++, track->channels);
  syrinx_bind_int (st, n++, track->n_samples);
  syrinx_bind_int (st, n++, track->bitrate_bps);
  syrinx_bind_text (st, n++, track->artwork);
  syrinx_bind_text (st, n++, track->artwork_type);
  if (track->has_gain) {
    sqlite3_bind_double (st->stmt, n++, track->gain_db);
    sqlite3_bind_double (st->stmt, n++, track->peak);
  } else {
    sqlite3_bind_null (st->stmt, n++);
    sqlite3_bind_null (st->stmt, n++);
  }
  syrinx_bind_int (st, n++, track->added_at_s);
  bind_id (st, n++, place->artist_id);
  bind_id (st, n++, place->album_id);
  bind_id (st, n++, place->genre_id);
  syrinx_bind_int (st, n++, get_position (track));
  bind_number (st, n++, track->packet_bps, track->packet_bps > 0);
  bind_number (st, n++, track->packet_pre_skip, track->packet_bps > 0);
  return syrinx_statement_run (writer, st, error);
}

static void
take_texts (SyrinxTrack *clean, const SyrinxTrack *track)
{
  *clean = *track;
  clean->title = clean_text (track->title);
  clean->artist = clean_text (track->artist);
  clean->album = clean_text (track->album);
  clean->album_artist = clean_text (track->album_artist);
  clean->genre = clean_text (track->genre);
}

static void
clear_texts (SyrinxTrack *clean)
{
  g_free (clean->title);
  g_free (clean->artist);
  g_free (clean->album);
  g_free (clean->album_artist);
  g_free (clean->genre);
}

/* The row that @track continues: the one of its path, or a missing one with the
 * same content. */
static gboolean
find_known (
    const Putting *put, const SyrinxTrack *track, Known *known, GError **error)
{
  if (!find_by_path (put->writer, put->root_id, track->path, known, error))
    return FALSE;
  if (known->number != 0 || !track->fingerprint || !put->any_missing)
    return TRUE;
  return find_missing (put->writer, track->fingerprint, known, error);
}

static gboolean
clear_failure (
    SyrinxConnection *writer, gint64 root_id, const gchar *path, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "clear-failure");

  syrinx_bind_int (st, 1, root_id);
  syrinx_bind_path (st, 2, path);
  return syrinx_statement_run (writer, st, error);
}

/* @track: texts cleaned; its id is set here. */
static gboolean
put_clean (Putting *put, SyrinxTrack *track, gchar **id, GError **error)
{
  g_auto (Known) known = { 0 };
  SyrinxBatchPlace place = { 0 };
  gint64 number;

  if (!find_known (put, track, &known, error)
      || !syrinx_batch_find_place (put->batch, track, &place, error))
    return FALSE;
  number = known.number;
  if (number != 0) {
    *id = g_strdup (known.track->id);
    track->added_at_s = known.track->added_at_s;
    if (!known.is_missing) {
      syrinx_batch_unindex (put->batch, number, known.track);
      syrinx_batch_left (put->batch, &known.place);
    }
  } else {
    number = ++put->last_number;
    *id = track->id ? g_strdup (track->id) : new_id (put, number);
    if (track->added_at_s == 0)
      track->added_at_s = g_get_real_time () / G_USEC_PER_SEC;
  }
  track->id = *id;
  if (!write_row (put->writer, known.number == 0 ? "add-track" : "change-track",
          number, put->root_id, track, &place, error)
      || (put->any_failures
          && !clear_failure (put->writer, put->root_id, track->path, error)))
    return FALSE;
  syrinx_batch_index (put->batch, number, track, &place);
  return TRUE;
}

static gboolean
put_track (Putting *put, SyrinxTrack *track, GError **error)
{
  SyrinxTrack clean;
  gchar *id = NULL;
  gboolean ok;

  take_texts (&clean, track);
  ok = put_clean (put, &clean, &id, error);
  clear_texts (&clean);
  g_free (track->id);
  track->id = id;
  return ok;
}

/* Look-ups that cannot find anything are saved: a first scan makes millions. */
static gboolean
begin_putting (SyrinxConnection *writer, Putting *put, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, "exceptions");

  put->writer = writer;
  if (!syrinx_statement_next (writer, st, error))
    return FALSE;
  put->last_number = syrinx_column_int (st, "last_number");
  put->any_missing = syrinx_column_int (st, "any_missing") != 0;
  put->any_failures = syrinx_column_int (st, "any_failures") != 0;
  sqlite3_reset (st->stmt);
  return TRUE;
}

gboolean
syrinx_store_put_tracks (SyrinxStore *store, GPtrArray *tracks, GError **error)
{
  g_autoptr (SyrinxConnection) writer = NULL;
  g_autoptr (SyrinxBatch) batch = NULL;
  const gchar *root = NULL;
  Putting put = { 0 };

  for (guint i = 0; i < tracks->len; i++)
    if (!check_track (g_ptr_array_index (tracks, i), error))
      return FALSE;
  writer = syrinx_store_write (store, error);
  if (!writer || !begin_putting (writer, &put, error))
    return FALSE;
  put.batch = batch = syrinx_batch_new (writer);
  for (guint i = 0; i < tracks->len; i++) {
    SyrinxTrack *track = g_ptr_array_index (tracks, i);

    if (g_strcmp0 (root, track->root) != 0)
      put.root_id = syrinx_connection_find_root (writer, track->root, error);
    root = track->root;
    if (put.root_id == 0 || !put_track (&put, track, error))
      return FALSE;
  }
  return syrinx_batch_finish (batch, error)
         && syrinx_connection_commit (writer, error);
}

/* --- Removing --- */

gboolean
syrinx_batch_remove_path (SyrinxBatch *batch, SyrinxConnection *writer,
    gint64 root_id, const gchar *path, GError **error)
{
  g_auto (Known) known = { 0 };
  SyrinxStatement *st;

  if (!find_by_path (writer, root_id, path, &known, error))
    return FALSE;
  if (known.number == 0 || known.is_missing)
    return TRUE;
  syrinx_batch_unindex (batch, known.number, known.track);
  syrinx_batch_left (batch, &known.place);
  st = syrinx_connection_get (writer, "set-missing");
  syrinx_bind_int (st, 1, known.number);
  syrinx_bind_int (st, 2, g_get_real_time () / G_USEC_PER_SEC);
  return syrinx_statement_run (writer, st, error);
}

gboolean
syrinx_store_remove_paths (
    SyrinxStore *store, const gchar *root, GPtrArray *paths, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  g_autoptr (SyrinxBatch) batch = writer ? syrinx_batch_new (writer) : NULL;
  gint64 root_id
      = writer ? syrinx_connection_find_root (writer, root, error) : 0;

  if (root_id == 0)
    return FALSE;
  for (guint i = 0; i < paths->len; i++) {
    const gchar *path = g_ptr_array_index (paths, i);

    if (!syrinx_batch_remove_path (batch, writer, root_id, path, error)
        || !clear_failure (writer, root_id, path, error))
      return FALSE;
  }
  return syrinx_batch_finish (batch, error)
         && syrinx_connection_commit (writer, error);
}

/* --- One track --- */

static gboolean
fail_not_found (const gchar *id, GError **error)
{
  g_set_error (
      error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND, "there is no track %s", id);
  return FALSE;
}

/* NOT_FOUND if there is none. */
static gboolean
find_by_id (
    SyrinxConnection *connection, const gchar *id, Known *known, GError **error)
{
  GError *local = NULL;
  SyrinxStatement *st;

  if (!syrinx_id_is_valid (id))
    return fail_not_found ("with such an id", error);
  st = syrinx_connection_get (connection, "track-by-id");
  syrinx_bind_int (st, 1, number_id (id));
  syrinx_bind_text (st, 2, id);
  if (!syrinx_statement_next (connection, st, &local) && !local) {
    st = syrinx_connection_get (connection, "track-by-given-id");
    syrinx_bind_text (st, 1, id);
    if (!syrinx_statement_next (connection, st, &local) && !local)
      return fail_not_found (id, error);
  }
  if (local) {
    g_propagate_error (error, local);
    return FALSE;
  }
  read_known (st, known);
  return TRUE;
}

SyrinxTrack *
syrinx_store_get_track (SyrinxStore *store, const gchar *id, GError **error)
{
  g_autoptr (SyrinxConnection) reader = syrinx_store_read (store, error);
  g_auto (Known) known = { 0 };

  if (!reader || !find_by_id (reader, id, &known, error))
    return NULL;
  return g_steal_pointer (&known.track);
}

gboolean
syrinx_store_set_gain (SyrinxStore *store, const gchar *id, gdouble gain_db,
    gdouble peak, GError **error)
{
  g_autoptr (SyrinxConnection) writer = syrinx_store_write (store, error);
  g_auto (Known) known = { 0 };
  SyrinxStatement *st;

  if (!writer || !find_by_id (writer, id, &known, error))
    return FALSE;
  st = syrinx_connection_get (writer, "set-gain");
  syrinx_bind_int (st, 1, known.number);
  sqlite3_bind_double (st->stmt, 2, gain_db);
  sqlite3_bind_double (st->stmt, 3, peak);
  return syrinx_statement_run (writer, st, error)
         && syrinx_connection_commit (writer, error);
}

void
syrinx_track_free (SyrinxTrack *track)
{
  if (!track)
    return;
  g_free (track->id);
  g_free (track->root);
  g_free (track->path);
  g_free (track->fingerprint);
  g_free (track->title);
  g_free (track->artist);
  g_free (track->album);
  g_free (track->album_artist);
  g_free (track->genre);
  g_free (track->codec);
  g_free (track->artwork);
  g_free (track->artwork_type);
  g_free (track);
}
