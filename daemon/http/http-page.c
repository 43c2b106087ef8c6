/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: the web page, health, metrics and the operator's view. */
#include "handlers.h"

#include <string.h>

#define PAGE_PREFIX "/org/syrinx/web/"

static const gchar content_policy[]
    = "default-src 'self'; media-src 'self' blob:; img-src 'self' data: blob:; "
      "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
      "frame-ancestors 'none'";

static const gchar *
media_type_of (const gchar *name)
{
  static const gchar *const types[][2]
      = { { ".html", "text/html; charset=utf-8" },
          { ".js", "text/javascript; charset=utf-8" },
          { ".css", "text/css; charset=utf-8" }, { ".svg", "image/svg+xml" },
          { ".yaml", "application/yaml" }, { ".json", "application/json" },
          { ".png", "image/png" } };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (name, types[i][0]))
      return types[i][1];
  return "application/octet-stream";
}

void
http_page (HttpExchange *exchange)
{
  const gchar *asked = http_exchange_get_arg (exchange, 0);
  const gchar *name = asked ? asked : "index.html";
  g_autofree gchar *path = g_strconcat (PAGE_PREFIX, name, NULL);
  g_autoptr (GBytes) bytes
      = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree gchar *etag = NULL;

  if (!bytes) {
    http_exchange_answer_problem (
        exchange, 404, NULL, "there is nothing at this address");
    return;
  }
  etag = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, bytes);
  http_exchange_set_header (
      exchange, "Content-Security-Policy", content_policy);
  http_exchange_set_etag (exchange, etag);
  http_exchange_answer (exchange, 200, media_type_of (name), "no-cache", bytes);
}

static void
answer_word (HttpExchange *exchange, guint status, const gchar *word)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (word, strlen (word));

  http_exchange_answer (exchange, status, "text/plain", NULL, bytes);
}

void
http_healthz (HttpExchange *exchange)
{
  answer_word (exchange, 200, "alive\n");
}

/* Ready: the index answers, and sessions may begin. */
void
http_readyz (HttpExchange *exchange)
{
  SyrinxStoreStats stats;
  gboolean ready
      = !syrinx_engine_is_draining (http_exchange_get_engine (exchange))
        && syrinx_store_get_stats (
            syrinx_engine_get_store (http_exchange_get_engine (exchange)),
            &stats, NULL);

  answer_word (exchange, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

typedef struct
{
  guint64 sessions, playing, bytes_sent;
} Totals;

static Totals
count_sessions (SyrinxEngine *engine)
{
  g_autoptr (GPtrArray) list
      = syrinx_sessions_list (syrinx_engine_get_sessions (engine));
  Totals totals = { .sessions = list->len };

  for (guint i = 0; i < list->len; i++) {
    g_autofree gchar *state = NULL;
    guint64 bytes_sent;
    g_object_get (
        list->pdata[i], "state", &state, "bytes-sent", &bytes_sent, NULL);
    totals.playing += g_str_equal (state, "playing");
    totals.bytes_sent += bytes_sent;
  }
  return totals;
}

static void
add_metric (GString *text, const gchar *name, const gchar *help, guint64 value)
{
  g_string_append_printf (text,
      "# HELP %s %s\n# TYPE %s gauge\n%s %" G_GUINT64_FORMAT "\n", name, help,
      name, name, value);
}

void
http_metrics (HttpExchange *exchange)
{
  GString *text = g_string_new (NULL);
  SyrinxStoreStats stats = { 0 };
  Totals totals = count_sessions (http_exchange_get_engine (exchange));
  gboolean scanning;
  g_autoptr (GBytes) bytes = NULL;

  syrinx_store_get_stats (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)), &stats,
      NULL);
  g_object_get (syrinx_engine_get_ingest (http_exchange_get_engine (exchange)),
      "scanning", &scanning, NULL);
  g_string_append (text,
      "# HELP syrinx_build_info Version of this syrinxd.\n"
      "# TYPE syrinx_build_info gauge\n"
      "syrinx_build_info{version=\"" SYRINX_VERSION "\"} 1\n");
  add_metric (text, "syrinx_sessions", "Sessions that exist.", totals.sessions);
  add_metric (text, "syrinx_sessions_playing",
      "Sessions that have fetched media.", totals.playing);
  add_metric (text, "syrinx_session_sent_bytes",
      "Media sent to the sessions that exist.", totals.bytes_sent);
  add_metric (text, "syrinx_tracks", "Tracks in the library.", stats.n_tracks);
  add_metric (text, "syrinx_unreadable_files",
      "Files of the library that can't be read.", stats.n_failures);
  add_metric (text, "syrinx_cached_fragments",
      "Fragments of renditions on disk.", stats.n_fragments);
  add_metric (
      text, "syrinx_cache_bytes", "Their size on disk.", stats.cache_bytes);
  add_metric (
      text, "syrinx_scanning", "Whether a scan is under way.", scanning);
  http_add_admission_metrics (exchange, text);
  http_add_region_metrics (exchange, text);
  bytes = g_string_free_to_bytes (text);
  http_exchange_answer (exchange, 200,
      "text/plain; version=0.0.4; charset=utf-8", "no-store", bytes);
}

void
http_status (HttpExchange *exchange)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  Totals totals = count_sessions (http_exchange_get_engine (exchange));
  SyrinxStoreStats stats = { 0 };
  gboolean known = syrinx_store_get_stats (
      syrinx_engine_get_store (http_exchange_get_engine (exchange)), &stats,
      NULL);
  const struct
  {
    const gchar *name;
    guint64 value;
  } numbers[] = { { "sessions", totals.sessions },
    { "sessions_playing", totals.playing }, { "tracks", stats.n_tracks },
    { "albums", stats.n_albums }, { "artists", stats.n_artists },
    { "unreadable_files", stats.n_failures },
    { "cache_bytes", stats.cache_bytes } };

  if (!known) {
    http_exchange_answer_problem (
        exchange, 503, NULL, "the index does not answer");
    return;
  }
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "version");
  json_builder_add_string_value (json, SYRINX_VERSION);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    json_builder_set_member_name (json, numbers[i].name);
    json_builder_add_int_value (json, numbers[i].value);
  }
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}
