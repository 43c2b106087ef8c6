/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: search over artists, albums and tracks at once, and folders. */
#include "handlers.h"
#include "library-json.h"

#include "core/base/json.h"

#define DEFAULT_GROUPS 10
#define DEFAULT_LIMIT  50
#define MAX_LIMIT      500

static SyrinxStore *
get_store (HttpExchange *exchange)
{
  return syrinx_engine_get_store (http_exchange_get_engine (exchange));
}

void
http_search (HttpExchange *exchange)
{
  const gchar *q = http_exchange_get_query (exchange, "q");
  SyrinxTrackQuery query = { .q = q ? q : "" };
  SyrinxTrackFilter filter;
  const SyrinxTrackFilter *shown = http_get_filter (exchange, &filter);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (GPtrArray) artists = NULL, albums = NULL, tracks = NULL;
  g_autofree gchar *next = NULL;
  g_autoptr (GError) error = NULL;
  guint n_groups;

  if (!http_check_words (exchange, "q")
      || !http_exchange_get_query_uint (
          exchange, "groups", 1, MAX_LIMIT, DEFAULT_GROUPS, &n_groups)
      || !http_exchange_get_query_uint (
          exchange, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &query.limit))
    return;
  artists = syrinx_store_find_groups (
      get_store (exchange), query.q, FALSE, shown, n_groups, &error);
  if (artists)
    albums = syrinx_store_find_groups (
        get_store (exchange), query.q, TRUE, shown, n_groups, &error);
  if (albums && *query.q)
    tracks = syrinx_store_find_tracks (
        get_store (exchange), &query, &next, &error);
  if (error) {
    http_answer_query_error (exchange, error);
    return;
  }
  json_builder_begin_object (json);
  http_json_add_groups (json, "artists", artists);
  http_json_add_groups (json, "albums", albums);
  http_add_tracks (exchange, json, tracks);
  syrinx_json_add_string (json, "next_cursor", next);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}

static void
add_folders (JsonBuilder *json, GPtrArray *folders)
{
  json_builder_set_member_name (json, "folders");
  json_builder_begin_array (json);
  for (guint i = 0; i < folders->len; i++) {
    const SyrinxFolder *folder = folders->pdata[i];

    json_builder_begin_object (json);
    syrinx_json_add_string (json, "name", folder->name);
    syrinx_json_add_string (json, "path", folder->path);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

void
http_folders (HttpExchange *exchange)
{
  const gchar *path = http_exchange_get_query (exchange, "path");
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (SyrinxFolderPage) page = NULL;
  g_autoptr (GError) error = NULL;
  guint limit;

  if (!http_check_path (exchange, "path") || !http_check_cursor (exchange)
      || !http_exchange_get_query_uint (
          exchange, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT, &limit))
    return;
  page = syrinx_store_list_folder (get_store (exchange), path ? path : "",
      limit, http_get_cursor (exchange), &error);
  if (!page) {
    http_answer_query_error (exchange, error);
    return;
  }
  json_builder_begin_object (json);
  syrinx_json_add_string (json, "path", page->path);
  add_folders (json, page->folders);
  http_add_tracks (exchange, json, page->tracks);
  syrinx_json_add_string (json, "next_cursor", page->next_cursor);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}
