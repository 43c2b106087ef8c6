/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: search, browse, pictures and the files themselves. */
#include "http-request.h"

#include "core/error.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* NULL: answered. (transfer full) */
static SyrinxTrack *
find_track (HttpRequest *request)
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
  g_autoptr (SyrinxTrack) track = find_track (request);
  g_autoptr (JsonBuilder) json = json_builder_new ();

  if (!track)
    return;
  add_track (json, track);
  http_json (request->message, 200, json);
}

void
http_artwork (HttpRequest *request)
{
  g_autoptr (SyrinxTrack) track = find_track (request);
  g_autofree gchar *path = NULL;
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!track)
    return;
  if (track->artwork)
    path = g_build_filename (
        syrinx_engine_get_config (request->engine)->state_dir, "artwork",
        track->artwork, NULL);
  file = path ? g_mapped_file_new (path, FALSE, NULL) : NULL;
  if (!file) {
    http_problem (request->message, 404, NULL, "this track has no picture");
    return;
  }
  if (http_is_not_modified (request->message, track->artwork))
    return;
  bytes = g_mapped_file_get_bytes (file);
  http_bytes (request->message,
      track->artwork_type ? track->artwork_type : "image/jpeg",
      "private, max-age=86400", bytes);
}

/* Beneath its root and nowhere else, whatever links lie there. */
static int
open_beneath (const gchar *root, const gchar *path)
{
  struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
  int dir = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd
      = dir < 0 ? -1 : (int)syscall (SYS_openat2, dir, path, &how, sizeof how);
  struct stat status;

  if (dir >= 0)
    close (dir);
  if (fd >= 0 && (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))) {
    close (fd);
    return -1;
  }
  return fd;
}

static const gchar *
media_type_of (const SyrinxTrack *track)
{
  static const gchar *const types[][2] = { { ".flac", "audio/flac" },
    { ".mp3", "audio/mpeg" }, { ".ogg", "audio/ogg" }, { ".oga", "audio/ogg" },
    { ".opus", "audio/ogg" }, { ".m4a", "audio/mp4" }, { ".aac", "audio/aac" },
    { ".wav", "audio/wav" } };
  g_autofree gchar *lower = g_ascii_strdown (track->path, -1);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (lower, types[i][0]))
      return types[i][1];
  return "application/octet-stream";
}

/* libsoup cuts the ranges out of the mapped file. */
void
http_original (HttpRequest *request)
{
  g_autoptr (SyrinxTrack) track = find_track (request);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree gchar *etag = NULL;
  int fd;

  if (!track)
    return;
  fd = open_beneath (track->root, track->path);
  file = fd < 0 ? NULL : g_mapped_file_new_from_fd (fd, FALSE, NULL);
  if (fd >= 0)
    close (fd);
  if (!file) {
    http_problem (
        request->message, 404, NULL, "the file is not there any more");
    return;
  }
  etag = g_strdup_printf ("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x",
      track->size_bytes, track->mtime_ns);
  if (http_is_not_modified (request->message, etag))
    return;
  bytes = g_mapped_file_get_bytes (file);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (request->message),
      "Accept-Ranges", "bytes");
  http_bytes (
      request->message, media_type_of (track), "private, no-cache", bytes);
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
