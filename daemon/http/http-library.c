/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: search, browse and pictures. */
#include "handlers.h"
#include "library-json.h"

#include "core/base/error.h"
#include "core/base/identifier.h"
#include "core/base/json.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LIMIT   50
#define MAX_LIMIT       500
#define MAX_WORDS_BYTES 1024
/* Two sort keys of tags of 512 bytes, sealed, in base64url; and less than a
 * target may have. */
#define MAX_CURSOR_BYTES 3072
#define MAX_PATH_BYTES   8192

static gboolean
check_text (HttpExchange *exchange, const gchar *name, gsize max_bytes)
{
  const gchar *value = http_exchange_get_query (exchange, name);

  if (!value
      || (strlen (value) <= max_bytes && g_utf8_validate (value, -1, NULL)))
    return TRUE;
  http_exchange_answer_problem (exchange, 422, name,
      "%s is UTF-8 of at most %" G_GSIZE_FORMAT " bytes", name, max_bytes);
  return FALSE;
}

gboolean
http_check_words (HttpExchange *exchange, const gchar *name)
{
  return check_text (exchange, name, MAX_WORDS_BYTES);
}

gboolean
http_check_cursor (HttpExchange *exchange)
{
  return check_text (exchange, "cursor", MAX_CURSOR_BYTES);
}

gboolean
http_check_path (HttpExchange *exchange, const gchar *name)
{
  return check_text (exchange, name, MAX_PATH_BYTES);
}

/* The cursor of the query; an empty one asks for the first page. */
const gchar *
http_get_cursor (HttpExchange *exchange)
{
  const gchar *cursor = http_exchange_get_query (exchange, "cursor");

  return cursor && *cursor ? cursor : NULL;
}

/* Answers with @error, naming the parameter "cursor" if that is at fault. */
void
http_answer_query_error (HttpExchange *exchange, const GError *error)
{
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_INVALID))
    http_exchange_answer_problem (exchange, 422,
        http_get_cursor (exchange) ? "cursor" : "q", "%s", error->message);
  else
    http_exchange_answer_error (exchange, error);
}

/* Whether lists show the track to a holder of @grant. */
static gboolean
is_shown (const gchar *track_id, gpointer grant)
{
  return syrinx_right_check (grant, SYRINX_OPERATION_READ_TRACK,
      &(SyrinxTarget){ .track_id = track_id }, NULL);
}

const SyrinxTrackFilter *
http_get_filter (HttpExchange *exchange, SyrinxTrackFilter *filter)
{
  SyrinxGrant *grant = http_exchange_get_grant (exchange);

  if (!syrinx_grant_is_narrow (grant))
    return NULL;
  *filter = (SyrinxTrackFilter){ is_shown, grant };
  return filter;
}

void
http_add_tracks (HttpExchange *exchange, JsonBuilder *json, GPtrArray *tracks)
{
  json_builder_set_member_name (json, "tracks");
  json_builder_begin_array (json);
  for (guint i = 0; tracks && i < tracks->len; i++) {
    const SyrinxTrack *track = tracks->pdata[i];

    if (is_shown (track->id, http_exchange_get_grant (exchange)))
      http_json_add_track (json, track);
  }
  json_builder_end_array (json);
}

void
http_tracks (HttpExchange *exchange)
{
  static const gchar *const words[]
      = { "q", "artist", "album", "genre", "album_id", "artist_id" };
  SyrinxTrackQuery query = { .q = http_exchange_get_query (exchange, "q"),
    .artist = http_exchange_get_query (exchange, "artist"),
    .album = http_exchange_get_query (exchange, "album"),
    .genre = http_exchange_get_query (exchange, "genre"),
    .album_id = http_exchange_get_query (exchange, "album_id"),
    .artist_id = http_exchange_get_query (exchange, "artist_id"),
    .cursor = http_get_cursor (exchange) };
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) tracks = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (!http_check_words (exchange, words[i]))
      return;
  if (!http_check_cursor (exchange)
      || !http_exchange_get_query_uint (
          exchange, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &query.limit))
    return;
  tracks = syrinx_store_find_tracks (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)), &query,
      &next, &error);
  if (!tracks) {
    http_answer_query_error (exchange, error);
    return;
  }
  json_builder_begin_object (json);
  http_add_tracks (exchange, json, tracks);
  syrinx_json_add_string (json, "next_cursor", next);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}

gboolean
http_check_id (HttpExchange *exchange, const gchar *id)
{
  if (syrinx_id_is_valid (id))
    return TRUE;
  http_exchange_answer_problem (
      exchange, 404, NULL, "there is nothing with this id");
  return FALSE;
}

SyrinxTrack *
http_find_track (HttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  SyrinxTrack *track;

  if (!http_check_id (exchange, http_exchange_get_arg (exchange, 0)))
    return NULL;
  track = syrinx_store_get_track (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)),
      http_exchange_get_arg (exchange, 0), &error);
  if (!track)
    http_exchange_answer_error (exchange, error);
  return track;
}

void
http_track (HttpExchange *exchange)
{
  g_autoptr (SyrinxTrack) track = http_find_track (exchange);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!track)
    return;
  http_json_add_track (json, track);
  http_exchange_answer_json (exchange, 200, json);
}

void
http_artwork (HttpExchange *exchange)
{
  g_autoptr (SyrinxTrack) track = http_find_track (exchange);
  g_autofree gchar *path = NULL;
  struct stat status;
  int fd = -1;

  if (!track)
    return;
  if (track->artwork) {
    path = g_build_filename (
        syrinx_engine_get_config (http_exchange_get_engine (exchange))
            ->state_dir,
        "artwork", track->artwork, NULL);
    fd = open (path, O_RDONLY | O_CLOEXEC);
  }
  if (fd < 0 || fstat (fd, &status) < 0) {
    http_exchange_answer_problem (
        exchange, 404, NULL, "this track has no picture");
    if (fd >= 0)
      close (fd);
    return;
  }
  http_exchange_set_etag (exchange, track->artwork);
  http_exchange_answer_file (exchange, fd, status.st_size,
      track->artwork_type ? track->artwork_type : "image/jpeg",
      "private, max-age=86400");
}

static void
answer_groups (HttpExchange *exchange, const gchar *name, GPtrArray *groups,
    const gchar *next, const GError *error)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!groups) {
    http_answer_query_error (exchange, error);
    return;
  }
  json_builder_begin_object (json);
  http_json_add_groups (json, name, groups);
  syrinx_json_add_string (json, "next_cursor", next);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}

void
http_albums (HttpExchange *exchange)
{
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) albums = NULL;
  SyrinxTrackFilter filter;
  guint limit;

  if (!http_check_words (exchange, "artist") || !http_check_cursor (exchange)
      || !http_exchange_get_query_uint (
          exchange, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit))
    return;
  albums = syrinx_store_list_albums (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)),
      http_exchange_get_query (exchange, "artist"),
      http_get_filter (exchange, &filter), limit, http_get_cursor (exchange),
      &next, &error);
  answer_groups (exchange, "albums", albums, next, error);
}

void
http_artists (HttpExchange *exchange)
{
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) artists = NULL;
  SyrinxTrackFilter filter;
  guint limit;

  if (!http_check_cursor (exchange)
      || !http_exchange_get_query_uint (
          exchange, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit))
    return;
  artists = syrinx_store_list_artists (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)),
      http_get_filter (exchange, &filter), limit, http_get_cursor (exchange),
      &next, &error);
  answer_groups (exchange, "artists", artists, next, error);
}
