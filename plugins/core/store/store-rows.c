/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: conversion between a track and a row of its table. */
#include "store-private.h"

#include "core/base/identifier.h"

#include <string.h>

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
syrinx_path_number (gint64 root_id, const gchar *path)
{
  const gchar *slash = strrchr (path, '/');
  const gchar *name = slash ? slash + 1 : path;
  g_autofree gchar *folder = g_strndup (path, name - path);
  guint64 high = (guint64)syrinx_text_number (folder) + root_id;

  return (gint64)(high << 32 | (syrinx_text_number (name) & G_MAXUINT32));
}

/* The number in an id that the store assigned; for other ids, any number. */
gint64
syrinx_id_number (const gchar *id)
{
  g_autoptr (GBytes) decoded = syrinx_base64url_decode (id, SYRINX_ID_BYTES);
  gint64 number = 0;
  const guint8 *bytes;

  if (!decoded || g_bytes_get_size (decoded) != SYRINX_ID_BYTES)
    return 0;
  bytes = g_bytes_get_data (decoded, NULL);
  for (guint i = 0; i < SYRINX_ID_NUMBER_BYTES; i++)
    number |= (gint64)(bytes[SYRINX_ID_BYTES - 1 - i] ^ bytes[i]) << (8 * i);
  return number;
}

/* --- Reading --- */

/* The columns of a track; their indices are looked up once per statement. */
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
  COLUMN_CTIME_NS,
  COLUMN_ARTISTS,
  COLUMN_ALBUM_ARTISTS,
  COLUMN_IS_COMPILATION,
  COLUMN_N_DISCS,
  COLUMN_N_TRACKS,
  COLUMN_ORIGINAL_YEAR,
  COLUMN_ALBUM_GAIN_DB,
  COLUMN_ALBUM_PEAK,
  COLUMN_MB_RELEASE_ID,
  N_COLUMNS
};

static const gchar *const column_names[N_COLUMNS]
    = { "id", "root", "path", "size_bytes", "mtime_ns", "fingerprint", "title",
        "artist", "album", "album_artist", "genre", "year", "track_number",
        "disc_number", "codec", "sample_rate_hz", "channels", "n_samples",
        "bitrate_bps", "artwork", "artwork_type", "gain_db", "peak",
        "added_at_s", "packet_bps", "packet_pre_skip", "ctime_ns", "artists",
        "album_artists", "is_compilation", "n_discs", "n_tracks",
        "original_year", "album_gain_db", "album_peak", "mb_release_id" };

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

static gchar **
list_at (sqlite3_stmt *row, gint column)
{
  return syrinx_list_split ((const gchar *)sqlite3_column_text (row, column));
}

static gint64
int_at (sqlite3_stmt *row, gint column)
{
  return sqlite3_column_int64 (row, column);
}

static void
read_gains (SyrinxTrack *track, sqlite3_stmt *row, const gint *at)
{
  track->has_gain
      = sqlite3_column_type (row, at[COLUMN_GAIN_DB]) != SQLITE_NULL;
  track->gain_db = sqlite3_column_double (row, at[COLUMN_GAIN_DB]);
  track->peak = sqlite3_column_double (row, at[COLUMN_PEAK]);
  track->has_album_gain
      = sqlite3_column_type (row, at[COLUMN_ALBUM_GAIN_DB]) != SQLITE_NULL;
  track->album_gain_db = sqlite3_column_double (row, at[COLUMN_ALBUM_GAIN_DB]);
  track->album_peak = sqlite3_column_double (row, at[COLUMN_ALBUM_PEAK]);
}

static void
read_sound (SyrinxTrack *track, sqlite3_stmt *row, const gint *at)
{
  track->codec = text_at (row, at[COLUMN_CODEC]);
  track->sample_rate_hz = int_at (row, at[COLUMN_SAMPLE_RATE_HZ]);
  track->channels = int_at (row, at[COLUMN_CHANNELS]);
  track->n_samples = int_at (row, at[COLUMN_N_SAMPLES]);
  track->bitrate_bps = int_at (row, at[COLUMN_BITRATE_BPS]);
  track->packet_bps = int_at (row, at[COLUMN_PACKET_BPS]);
  track->packet_pre_skip = int_at (row, at[COLUMN_PACKET_PRE_SKIP]);
}

static void
read_tags (SyrinxTrack *track, sqlite3_stmt *row, const gint *at)
{
  track->title = text_at (row, at[COLUMN_TITLE]);
  track->artist = text_at (row, at[COLUMN_ARTIST]);
  track->album = text_at (row, at[COLUMN_ALBUM]);
  track->album_artist = text_at (row, at[COLUMN_ALBUM_ARTIST]);
  track->genre = text_at (row, at[COLUMN_GENRE]);
  track->year = int_at (row, at[COLUMN_YEAR]);
  track->track_number = int_at (row, at[COLUMN_TRACK_NUMBER]);
  track->disc_number = int_at (row, at[COLUMN_DISC_NUMBER]);
  track->artwork = text_at (row, at[COLUMN_ARTWORK]);
  track->artwork_type = text_at (row, at[COLUMN_ARTWORK_TYPE]);
  track->artists = list_at (row, at[COLUMN_ARTISTS]);
  track->album_artists = list_at (row, at[COLUMN_ALBUM_ARTISTS]);
  track->is_compilation = int_at (row, at[COLUMN_IS_COMPILATION]) != 0;
  track->n_discs = int_at (row, at[COLUMN_N_DISCS]);
  track->n_tracks = int_at (row, at[COLUMN_N_TRACKS]);
  track->original_year = int_at (row, at[COLUMN_ORIGINAL_YEAR]);
  track->mb_release_id = text_at (row, at[COLUMN_MB_RELEASE_ID]);
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
  track->size_bytes = int_at (row, at[COLUMN_SIZE_BYTES]);
  track->mtime_ns = int_at (row, at[COLUMN_MTIME_NS]);
  track->ctime_ns = int_at (row, at[COLUMN_CTIME_NS]);
  track->fingerprint = text_at (row, at[COLUMN_FINGERPRINT]);
  track->added_at_s = int_at (row, at[COLUMN_ADDED_AT_S]);
  read_sound (track, row, at);
  read_tags (track, row, at);
  read_gains (track, row, at);
  return track;
}

/* --- Writing --- */

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

static void
bind_gain (SyrinxStatement *st, gint n, gboolean is_known, gdouble gain_db,
    gdouble peak)
{
  if (is_known) {
    sqlite3_bind_double (st->stmt, n, gain_db);
    sqlite3_bind_double (st->stmt, n + 1, peak);
  } else {
    sqlite3_bind_null (st->stmt, n);
    sqlite3_bind_null (st->stmt, n + 1);
  }
}

static void
bind_list (SyrinxStatement *st, gint n, gchar **list)
{
  g_autofree gchar *text = syrinx_list_join (list);

  syrinx_bind_copy (st, n, text);
}

/* Binds in the order of the parameters of add-track and change-track. */
gboolean
syrinx_track_write_row (SyrinxConnection *writer, const gchar *statement,
    gint64 number, gint64 root_id, const SyrinxTrack *track,
    const SyrinxPlace *place, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (writer, statement);
  gint n = 1;

  syrinx_bind_int (st, n++, number);
  syrinx_bind_text (st, n++, track->id);
  syrinx_bind_int (st, n++, syrinx_id_number (track->id) != number);
  syrinx_bind_int (st, n++, root_id);
  syrinx_bind_path (st, n++, track->path);
  syrinx_bind_int (st, n++, syrinx_path_number (root_id, track->path));
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
  bind_gain (st, n, track->has_gain, track->gain_db, track->peak);
  n += 2;
  syrinx_bind_int (st, n++, track->added_at_s);
  bind_id (st, n++, place->n_guests > 0 ? place->guests[0] : 0);
  bind_id (st, n++, place->album_id);
  bind_id (st, n++, place->genre_id);
  syrinx_bind_int (st, n++, get_position (track));
  bind_number (st, n++, track->packet_bps, track->packet_bps > 0);
  bind_number (st, n++, track->packet_pre_skip, track->packet_bps > 0);
  bind_number (st, n++, track->ctime_ns, track->ctime_ns != 0);
  bind_list (st, n++, track->artists);
  bind_list (st, n++, track->album_artists);
  syrinx_bind_int (st, n++, track->is_compilation != FALSE);
  syrinx_bind_int (st, n++, track->n_discs);
  syrinx_bind_int (st, n++, track->n_tracks);
  syrinx_bind_int (st, n++, track->original_year);
  bind_gain (
      st, n, track->has_album_gain, track->album_gain_db, track->album_peak);
  n += 2;
  syrinx_bind_text (st, n++, track->mb_release_id);
  return syrinx_statement_run (writer, st, error);
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
  g_strfreev (track->artists);
  g_strfreev (track->album_artists);
  g_free (track->mb_release_id);
  syrinx_track_details_free (track->details);
  g_free (track);
}

/* --- Words --- */

gint64
syrinx_track_get_search_row (gint64 number, guint n_words)
{
  return ((gint64)MIN (n_words, (guint)G_MAXINT) << 32) | number;
}

/* Adds the names of a list that are not in the shown text. */
static void
add_list_words (SyrinxWords *words, gchar **list, const gchar *shown)
{
  for (guint i = 0; list && list[i]; i++)
    if (!shown || !strstr (shown, list[i]))
      syrinx_words_add_index (words, list[i]);
}

void
syrinx_track_add_words (SyrinxWords *words, const SyrinxTrack *track)
{
  syrinx_words_add_index (words, track->title);
  syrinx_words_add_index (words, track->artist);
  add_list_words (words, track->artists, track->artist);
  syrinx_words_add_index (words, track->album);
  if (g_strcmp0 (track->album_artist, track->artist) != 0)
    syrinx_words_add_index (words, track->album_artist);
  add_list_words (words, track->album_artists, track->album_artist);
  syrinx_words_add_index (words, track->genre);
}
