/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library by HTTP: search over everything, albums, artists and folders. */
#include "service.h"

/* The body of the answer to a GET of @path, whose status is 200. (transfer
 * full) */
static JsonObject *
get (const gchar *path)
{
  g_autofree gchar *address
      = g_strconcat (daemon_get_url (service), path, NULL);
  g_autoptr (Answer) answer = ask (service, "GET", address, token, NULL);

  if (answer->status != 200)
    g_error ("%s: %u", path, answer->status);
  return answer_json (answer);
}

/* (transfer none) */
static JsonObject *
element (JsonObject *object, const gchar *list, guint i)
{
  JsonArray *array = json_object_get_array_member (object, list);

  g_assert_cmpuint (json_array_get_length (array), >, i);
  return json_array_get_object_element (array, i);
}

static guint
length (JsonObject *object, const gchar *list)
{
  return json_array_get_length (json_object_get_array_member (object, list));
}

static void
a_search_shows_artists_albums_and_tracks (void)
{
  g_autoptr (JsonObject) found = get ("/v1/search?q=pipes+at+dawn&limit=5");
  JsonObject *album = element (found, "albums", 0);
  g_autofree gchar *path
      = g_strconcat ("/v1/tracks?album_id=", member (album, "id"), NULL);
  g_autoptr (JsonObject) tracks = get (path);
  g_autoptr (JsonObject) nothing = get ("/v1/search?q=zzzz");
  JsonObject *track = element (tracks, "tracks", 0);

  g_assert_cmpstr (member (album, "name"), ==, "Pipes at Dawn");
  g_assert_cmpuint (length (tracks, "tracks"), ==,
      json_object_get_int_member (album, "n_tracks"));
  g_assert_cmpstr (member (track, "album_id"), ==, member (album, "id"));
  g_assert_cmpuint (length (found, "tracks"), >, 0);
  g_assert_cmpuint (length (nothing, "albums"), ==, 0);
  g_assert_cmpuint (length (nothing, "tracks"), ==, 0);
}

static void
an_artist_is_found_by_name_and_by_id (void)
{
  g_autoptr (JsonObject) found = get ("/v1/search?q=BEETHOVEN&groups=1");
  JsonObject *artist = element (found, "artists", 0);
  g_autofree gchar *path
      = g_strconcat ("/v1/tracks?artist_id=", member (artist, "id"), NULL);
  g_autoptr (JsonObject) tracks = get (path);
  g_autoptr (JsonObject) nobody = get ("/v1/tracks?artist_id=nobody");
  JsonObject *track = element (tracks, "tracks", 0);

  g_assert_cmpstr (member (artist, "name"), ==, "Ludwig van Beethoven");
  g_assert_cmpuint (length (tracks, "tracks"), ==,
      json_object_get_int_member (artist, "n_tracks"));
  g_assert_cmpstr (json_array_get_string_element (
                       json_object_get_array_member (track, "artist_ids"), 0),
      ==, member (artist, "id"));
  g_assert_cmpuint (length (nobody, "tracks"), ==, 0);
}

static void
folders_lead_to_every_file (void)
{
  g_autoptr (JsonObject) top = get ("/v1/folders");
  guint n_tracks = length (top, "tracks");

  g_assert_cmpuint (length (top, "folders"), >, 0);
  for (guint i = 0; i < length (top, "folders"); i++) {
    g_autofree gchar *escaped = g_uri_escape_string (
        member (element (top, "folders", i), "path"), NULL, FALSE);
    g_autofree gchar *path = g_strconcat ("/v1/folders?path=", escaped, NULL);
    g_autoptr (JsonObject) folder = get (path);

    n_tracks += length (folder, "tracks");
  }
  g_assert_cmpuint (n_tracks, ==, N_SAMPLES);
}

static void
a_query_that_is_wrong_is_told_so (void)
{
  static const gchar *const paths[] = { "/v1/folders?cursor=AAAA",
    "/v1/folders?limit=0", "/v1/folders?path=%ff", "/v1/search?q=%ff",
    "/v1/search?q=a&groups=501" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree gchar *address
        = g_strconcat (daemon_get_url (service), paths[i], NULL);
    g_autoptr (Answer) answer = ask (service, "GET", address, token, NULL);

    if (answer->status != 422)
      g_error ("%s: %u", paths[i], answer->status);
  }
}

#define ADD(test) g_test_add_func ("/library/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_search_shows_artists_albums_and_tracks);
  ADD (an_artist_is_found_by_name_and_by_id);
  ADD (folders_lead_to_every_file);
  ADD (a_query_that_is_wrong_is_told_so);
  return service_run ();
}
