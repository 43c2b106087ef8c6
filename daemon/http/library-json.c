/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: tracks, albums and artists as JSON. */
#include "library-json.h"

#include "core/base/json.h"

static void
add_list (JsonBuilder *json, const gchar *name, gchar **list)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint i = 0; list && list[i]; i++)
    json_builder_add_string_value (json, list[i]);
  json_builder_end_array (json);
}

/* Adds all names of one tag and, under the member @ids (nullable), their
 * artists' ids. */
static void
add_names (JsonBuilder *json, const gchar *name, const gchar *ids, gchar **list,
    gchar *shown)
{
  gchar *single[] = { shown && *shown ? shown : NULL, NULL };
  gchar **names = list && list[0] ? list : single;

  add_list (json, name, names);
  if (!ids)
    return;
  json_builder_set_member_name (json, ids);
  json_builder_begin_array (json);
  for (guint i = 0; names[i]; i++) {
    g_autofree gchar *id = syrinx_get_artist_id (names[i]);

    json_builder_add_string_value (json, id ? id : "");
  }
  json_builder_end_array (json);
}

static void
add_tags (JsonBuilder *json, const SyrinxTrack *track)
{
  g_autofree gchar *album_id = syrinx_track_get_album_id (track);

  syrinx_json_add_string (json, "title", track->title);
  syrinx_json_add_string (json, "artist", track->artist);
  add_names (json, "artists", "artist_ids", track->artists, track->artist);
  syrinx_json_add_string (json, "album", track->album);
  syrinx_json_add_string (json, "album_id", album_id);
  syrinx_json_add_string (json, "album_artist", track->album_artist);
  add_names (
      json, "album_artists", NULL, track->album_artists, track->album_artist);
  syrinx_json_add_boolean (json, "is_compilation", track->is_compilation);
  syrinx_json_add_string (json, "genre", track->genre);
  syrinx_json_add_int (json, "year", track->year);
  syrinx_json_add_int (json, "original_year", track->original_year);
  syrinx_json_add_int (json, "track_number", track->track_number);
  syrinx_json_add_int (json, "n_tracks", track->n_tracks);
  syrinx_json_add_int (json, "disc_number", track->disc_number);
  syrinx_json_add_int (json, "n_discs", track->n_discs);
}

static void
add_gains (JsonBuilder *json, const SyrinxTrack *track)
{
  if (track->has_gain) {
    syrinx_json_add_double (json, "gain_db", track->gain_db);
    syrinx_json_add_double (json, "peak", track->peak);
  }
  if (track->has_album_gain) {
    syrinx_json_add_double (json, "album_gain_db", track->album_gain_db);
    syrinx_json_add_double (json, "album_peak", track->album_peak);
  }
}

static void
add_chapters (JsonBuilder *json, const GArray *chapters)
{
  json_builder_set_member_name (json, "chapters");
  json_builder_begin_array (json);
  for (guint i = 0; chapters && i < chapters->len; i++) {
    const SyrinxChapter *chapter = &g_array_index (chapters, SyrinxChapter, i);

    json_builder_begin_object (json);
    syrinx_json_add_double (json, "start", chapter->start_ns / 1e9);
    if (chapter->end_ns > 0)
      syrinx_json_add_double (json, "end", chapter->end_ns / 1e9);
    else
      syrinx_json_add_null (json, "end");
    syrinx_json_add_string (json, "title", chapter->title);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
add_details (JsonBuilder *json, const SyrinxTrackDetails *details)
{
  syrinx_json_add_string (json, "date", details->date);
  syrinx_json_add_string (json, "original_date", details->original_date);
  syrinx_json_add_string (json, "title_sort", details->title_sort);
  syrinx_json_add_string (json, "album_sort", details->album_sort);
  add_list (json, "artist_sorts", details->artist_sorts);
  add_list (json, "album_artist_sorts", details->album_artist_sorts);
  syrinx_json_add_double (json, "bpm", details->bpm);
  syrinx_json_add_string (
      json, "musicbrainz_recording_id", details->mb_recording_id);
  syrinx_json_add_string (json, "musicbrainz_track_id", details->mb_track_id);
  syrinx_json_add_string (
      json, "musicbrainz_release_group_id", details->mb_release_group_id);
  add_list (json, "musicbrainz_artist_ids", details->mb_artist_ids);
  add_list (json, "musicbrainz_album_artist_ids", details->mb_album_artist_ids);
  syrinx_json_add_string (json, "lyrics", details->lyrics);
  syrinx_json_add_string (json, "synced_lyrics", details->synced_lyrics);
  add_chapters (json, details->chapters);
}

void
http_json_add_track (JsonBuilder *json, const SyrinxTrack *track)
{
  json_builder_begin_object (json);
  syrinx_json_add_string (json, "id", track->id);
  add_tags (json, track);
  syrinx_json_add_string (json, "musicbrainz_release_id", track->mb_release_id);
  syrinx_json_add_double (
      json, "duration", syrinx_track_get_duration_ns (track) / 1e9);
  syrinx_json_add_string (json, "codec", track->codec);
  syrinx_json_add_int (json, "sample_rate_hz", track->sample_rate_hz);
  syrinx_json_add_int (json, "channels", track->channels);
  syrinx_json_add_boolean (json, "has_artwork", track->artwork != NULL);
  add_gains (json, track);
  if (track->details)
    add_details (json, track->details);
  json_builder_end_object (json);
}

void
http_json_add_group (JsonBuilder *json, const SyrinxGroup *group)
{
  json_builder_begin_object (json);
  syrinx_json_add_string (json, "id", group->id);
  syrinx_json_add_string (json, "name", group->name);
  syrinx_json_add_string (json, "artist", group->artist);
  syrinx_json_add_string (json, "artist_id", group->artist_id);
  syrinx_json_add_int (json, "year", group->year);
  syrinx_json_add_int (json, "original_year", group->original_year);
  syrinx_json_add_int (json, "n_discs", group->n_discs);
  syrinx_json_add_boolean (json, "is_compilation", group->is_compilation);
  syrinx_json_add_int (json, "n_tracks", group->n_tracks);
  syrinx_json_add_int (json, "n_albums", group->n_albums);
  syrinx_json_add_double (json, "duration", group->duration_ns / 1e9);
  syrinx_json_add_string (json, "artwork_track_id", group->artwork_track_id);
  json_builder_end_object (json);
}

void
http_json_add_groups (JsonBuilder *json, const gchar *name, GPtrArray *groups)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint i = 0; i < groups->len; i++)
    http_json_add_group (json, groups->pdata[i]);
  json_builder_end_array (json);
}
