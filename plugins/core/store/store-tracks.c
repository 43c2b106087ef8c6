/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: adding, changing, moving and removing tracks. */
#include "store-private.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

#define N_FRESH_IDS 256 /* made at once */

/* An existing row. */
typedef struct
{
  gint64 number; /* 0: there is none */
  SyrinxTrack *track;
  SyrinxPlace place;
  gint64 root_id;
  gboolean is_missing;
} Known;

/* The state while a batch of tracks is added. */
typedef struct
{
  SyrinxConnection *writer; /* (transfer none) */
  SyrinxBatch *batch;       /* (transfer none) */
  gint64 root_id;           /* of the present track */
  gint64 last_number;       /* the highest number of any track so far */
  gboolean any_missing, any_failures;
  guint8 ids[N_FRESH_IDS][SYRINX_ID_BYTES]; /* random */
  guint n_ids;                              /* how many are not used yet */
} Putting;

static void
known_clear (Known *known)
{
  g_clear_pointer (&known->track, syrinx_track_free);
  known->number = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Known, known_clear)

static void
read_known (SyrinxStatement *st, Known *known)
{
  known->number = syrinx_column_int (st, "track_number_id");
  known->track = syrinx_track_from_row (st);
  known->is_missing = !syrinx_column_is_null (st, "missing_since_s");
  known->root_id = syrinx_column_int (st, "root_id");
  known->place.guests[0] = syrinx_column_int (st, "guest_id");
  known->place.n_guests = known->place.guests[0] != 0;
  known->place.album_id = syrinx_column_int (st, "album_id");
  known->place.genre_id = syrinx_column_int (st, "genre_id");
  sqlite3_reset (st->stmt);
}

/* An id is random, except for the track's number, which is encoded so that it
 * looks random too. */
static gchar *
new_id (Putting *put, gint64 number)
{
  guint8 *bytes;

  if (put->n_ids == 0) {
    syrinx_id_fill (put->ids[0], N_FRESH_IDS);
    put->n_ids = N_FRESH_IDS;
  }
  bytes = put->ids[--put->n_ids];
  for (guint i = 0; i < SYRINX_ID_NUMBER_BYTES; i++)
    bytes[SYRINX_ID_BYTES - 1 - i] = bytes[i] ^ (guint8)(number >> (8 * i));
  return syrinx_base64url_encode (bytes, SYRINX_ID_BYTES);
}

/* Removes the track from the search and from its place. */
static gboolean
take_out (SyrinxBatch *batch, const Known *known, GError **error)
{
  syrinx_batch_unindex (batch, known->number, known->track);
  return syrinx_places_leave (syrinx_batch_get_places (batch), known->root_id,
      known->number, known->track, &known->place, error);
}

static gboolean
find_by_path (SyrinxConnection *connection, gint64 root_id, const gchar *path,
    Known *known, GError **error)
{
  SyrinxStatement *st = syrinx_connection_get (connection, "track-by-path");
  GError *local = NULL;

  syrinx_bind_int (st, 1, syrinx_path_number (root_id, path));
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

/* The existing row for @track: the one with its path, or a missing one with the
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

/* Whether renditions of @before can't be used for @track. */
static gboolean
sounds_different (const SyrinxTrack *before, const SyrinxTrack *track)
{
  return g_strcmp0 (before->fingerprint, track->fingerprint) != 0
         || before->n_samples != track->n_samples
         || before->sample_rate_hz != track->sample_rate_hz
         || before->channels != track->channels
         || before->packet_bps != track->packet_bps
         || before->packet_pre_skip != track->packet_pre_skip;
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

/* @track has clean texts; its id is set here. */
static gboolean
put_clean (Putting *put, SyrinxTrack *track, gchar **id, GError **error)
{
  g_auto (Known) known = { 0 };
  SyrinxPlace place = { 0 };
  gint64 number;

  if (!find_known (put, track, &known, error)
      || !syrinx_places_find (syrinx_batch_get_places (put->batch),
          put->root_id, track, &place, error))
    return FALSE;
  number = known.number;
  if (number != 0) {
    *id = g_strdup (known.track->id);
    track->added_at_s = known.track->added_at_s;
    track->sounds_different = sounds_different (known.track, track);
    if (!known.is_missing && !take_out (put->batch, &known, error))
      return FALSE;
  } else {
    number = ++put->last_number;
    *id = track->id ? g_strdup (track->id) : new_id (put, number);
    if (track->added_at_s == 0)
      track->added_at_s = g_get_real_time () / G_USEC_PER_SEC;
  }
  track->id = *id;
  if (!syrinx_track_write_row (put->writer,
          known.number == 0 ? "add-track" : "change-track", number,
          put->root_id, track, &place, error)
      || !syrinx_places_credit (
          syrinx_batch_get_places (put->batch), number, &place, error)
      || !syrinx_track_write_details (
          put->writer, number, track->details, known.number == 0, error)
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

  syrinx_track_clean (&clean, track);
  ok = put_clean (put, &clean, &id, error);
  syrinx_track_clean_clear (&clean);
  track->sounds_different = clean.sounds_different;
  g_free (track->id);
  track->id = id;
  return ok;
}

/* Finds out which look-ups can't find anything, to skip them: a first scan
 * would make millions. */
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
    if (!syrinx_track_check (g_ptr_array_index (tracks, i), error))
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
  if (!take_out (batch, &known, error))
    return FALSE;
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
  syrinx_bind_int (st, 1, syrinx_id_number (id));
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

  if (!reader || !find_by_id (reader, id, &known, error)
      || !syrinx_track_read_details (
          reader, known.number, &known.track->details, error))
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
