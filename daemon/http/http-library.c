/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: search, browse and pictures. */
#include "http-request.h"

#include "core/base/error.h"

#include <string.h>

#define DEFAULT_LIMIT   50
#define MAX_LIMIT       500
#define MAX_WORDS_BYTES 1024

static void
add_string (JsonBuilder *json, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (json, name);
  if (value)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

static void
add_int (JsonBuilder *json, const gchar *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

static void
add_track (JsonBuilder *json, const SyrinxTrack *track)
{
  json_builder_begin_object (json);
  add_string (json, "id", track->id);
  add_string (json, "title", track->title);
  add_string (json, "artist", track->artist);
  add_string (json, "album", track->album);
  add_string (json, "album_artist", track->album_artist);
  add_string (json, "genre", track->genre);
  add_int (json, "year", track->year);
  add_int (json, "track_number", track->track_number);
  add_int (json, "disc_number", track->disc_number);
  json_builder_set_member_name (json, "duration");
  json_builder_add_double_value (
      json, syrinx_track_get_duration_ns (track) / 1e9);
  add_string (json, "codec", track->codec);
  add_int (json, "sample_rate_hz", track->sample_rate_hz);
  add_int (json, "channels", track->channels);
  json_builder_set_member_name (json, "has_artwork");
  json_builder_add_boolean_value (json, track->artwork != NULL);
  if (track->has_gain) {
    json_builder_set_member_name (json, "gain_db");
    json_builder_add_double_value (json, track->gain_db);
  }
  json_builder_end_object (json);
}

static gboolean
check_words (HttpRequest *request, const gchar *name)
{
  const gchar *value = http_query (request, name);

  if (!value
      || (strlen (value) <= MAX_WORDS_BYTES
          && g_utf8_validate (value, -1, NULL)))
    return TRUE;
  http_problem (request->message, 422, name, "%s is UTF-8 of at most %d bytes",
      name, MAX_WORDS_BYTES);
  return FALSE;
}

/* Answers with @error, naming the cursor if that is what is wrong. */
static void
answer_query_error (HttpRequest *request, const GError *error)
{
  if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_INVALID))
    http_problem (request->message, 422,
        http_query (request, "cursor") ? "cursor" : "q", "%s", error->message);
  else
    http_problem_error (request->message, error);
}

void
http_tracks (HttpRequest *request)
{
  static const gchar *const words[]
      = { "q", "artist", "album", "genre", "cursor" };
  SyrinxTrackQuery query = { .q = http_query (request, "q"),
    .artist = http_query (request, "artist"),
    .album = http_query (request, "album"),
    .genre = http_query (request, "genre"),
    .cursor = http_query (request, "cursor") };
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) tracks = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (!check_words (request, words[i]))
      return;
  if (!http_query_uint (
          request, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &query.limit))
    return;
  tracks = syrinx_store_find_tracks (
      syrinx_engine_get_store (request->engine), &query, &next, &error);
  if (!tracks) {
    answer_query_error (request, error);
    return;
  }
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "tracks");
  json_builder_begin_array (json);
  for (guint i = 0; i < tracks->len; i++) {
    SyrinxTrack *track = tracks->pdata[i];
    if (syrinx_grant_allows_track (request->grant, track->id))
      add_track (json, track);
  }
  json_builder_end_array (json);
  add_string (json, "next_cursor", next);
  json_builder_end_object (json);
  http_json (request->message, 200, json);
}

SyrinxTrack *
http_find_track (HttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  SyrinxTrack *track;

  if (!http_check_id (request, request->args[0]))
    return NULL;
  if (!syrinx_grant_allows_track (request->grant, request->args[0])) {
    http_problem (
        request->message, 403, NULL, "the token does not allow this track");
    return NULL;
  }
  track = syrinx_store_get_track (
      syrinx_engine_get_store (request->engine), request->args[0], &error);
  if (!track)
    http_problem_error (request->message, error);
  return track;
}

void
http_track (HttpRequest *request)
{
  g_autoptr (SyrinxTrack) track = http_find_track (request);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!track)
    return;
  add_track (json, track);
  http_json (request->message, 200, json);
}

void
http_artwork (HttpRequest *request)
{
  g_autoptr (SyrinxTrack) track = http_find_track (request);
  g_autofree gchar *path = NULL, *picture = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize size_bytes;

  if (!track)
    return;
  if (track->artwork)
    path = g_build_filename (
        syrinx_engine_get_config (request->engine)->state_dir, "artwork",
        track->artwork, NULL);
  /* Read, not mapped: see http-original.c. It is small. */
  if (!path || !g_file_get_contents (path, &picture, &size_bytes, NULL)) {
    http_problem (request->message, 404, NULL, "this track has no picture");
    return;
  }
  if (http_is_not_modified (request->message, track->artwork))
    return;
  bytes = g_bytes_new_take (g_steal_pointer (&picture), size_bytes);
  http_bytes (request->message,
      track->artwork_type ? track->artwork_type : "image/jpeg",
      "private, max-age=86400", bytes);
}

static void
answer_groups (HttpRequest *request, const gchar *name, GPtrArray *groups,
    const gchar *next, const GError *error)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!groups) {
    answer_query_error (request, error);
    return;
  }
  json_builder_begin_object (json);
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint i = 0; i < groups->len; i++) {
    SyrinxGroup *group = groups->pdata[i];
    json_builder_begin_object (json);
    add_string (json, "name", group->name);
    add_string (json, "artist", group->artist);
    add_int (json, "year", group->year);
    add_int (json, "n_tracks", group->n_tracks);
    add_int (json, "n_albums", group->n_albums);
    json_builder_set_member_name (json, "duration");
    json_builder_add_double_value (json, group->duration_ns / 1e9);
    add_string (json, "artwork_track_id", group->artwork_track_id);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  add_string (json, "next_cursor", next);
  json_builder_end_object (json);
  http_json (request->message, 200, json);
}

void
http_albums (HttpRequest *request)
{
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) albums = NULL;
  guint limit;

  if (!check_words (request, "artist") || !check_words (request, "cursor")
      || !http_query_uint (
          request, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit))
    return;
  albums = syrinx_store_list_albums (syrinx_engine_get_store (request->engine),
      http_query (request, "artist"), limit, http_query (request, "cursor"),
      &next, &error);
  answer_groups (request, "albums", albums, next, error);
}

void
http_artists (HttpRequest *request)
{
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) artists = NULL;
  guint limit;

  if (!check_words (request, "cursor")
      || !http_query_uint (
          request, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit))
    return;
  artists
      = syrinx_store_list_artists (syrinx_engine_get_store (request->engine),
          limit, http_query (request, "cursor"), &next, &error);
  answer_groups (request, "artists", artists, next, error);
}
