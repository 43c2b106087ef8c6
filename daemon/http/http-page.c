/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: the web page, health and the operator's view. */
#include "handlers.h"

#include "core/base/json.h"

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

/* Ready means that the index can be read, and that sessions may begin. */
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

void
http_status (HttpExchange *exchange)
{
  SyrinxEngine *engine = http_exchange_get_engine (exchange);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  SyrinxStoreStats stats = { 0 };
  SyrinxSessionTotals totals;

  if (!syrinx_store_get_stats (
          syrinx_engine_get_store (engine), &stats, NULL)) {
    http_exchange_answer_problem (
        exchange, 503, NULL, "the index does not answer");
    return;
  }
  syrinx_sessions_get_totals (syrinx_engine_get_sessions (engine), &totals);
  json_builder_begin_object (json);
  syrinx_json_add_string (json, "version", SYRINX_VERSION);
  syrinx_json_add_int (json, "sessions", totals.n_sessions);
  syrinx_json_add_int (json, "sessions_playing", totals.n_playing);
  syrinx_json_add_int (json, "tracks", stats.n_tracks);
  syrinx_json_add_int (json, "albums", stats.n_albums);
  syrinx_json_add_int (json, "artists", stats.n_artists);
  syrinx_json_add_int (json, "unreadable_files", stats.n_failures);
  syrinx_json_add_int (json, "cache_bytes", stats.cache_bytes);
  json_builder_end_object (json);
  http_exchange_answer_json (exchange, 200, json);
}
