/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: metrics for Prometheus (text format 0.0.4). Counters come from the
 * tally of the journal, gauges from the objects concerned. No label identifies
 * a person. */
#include "handlers.h"

#include "daemon/gateway/admission.h"

#include "core/schedule/scheduler.h"

static void
add_head (
    GString *text, const gchar *name, const gchar *type, const gchar *help)
{
  g_string_append_printf (
      text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_value (GString *text, const gchar *name, const gchar *type,
    const gchar *help, guint64 value)
{
  add_head (text, name, type, help);
  g_string_append_printf (text, "%s %" G_GUINT64_FORMAT "\n", name, value);
}

/* --- Sessions and library --- */

static void
add_sessions (GString *text, SyrinxEngine *engine)
{
  SyrinxSessionTotals totals;

  syrinx_sessions_get_totals (syrinx_engine_get_sessions (engine), &totals);
  add_value (text, "syrinx_sessions", "gauge", "Sessions that exist.",
      totals.n_sessions);
  add_value (text, "syrinx_sessions_playing", "gauge",
      "Sessions that have fetched media.", totals.n_playing);
  add_value (text, "syrinx_session_sent_bytes", "gauge",
      "Media sent to the sessions that exist.", totals.bytes_sent);
  add_value (text, "syrinx_sent_bytes_total", "counter",
      "Media sent to all sessions.", totals.bytes_sent_ever);
}

static void
add_library (GString *text, SyrinxEngine *engine)
{
  SyrinxStoreStats stats = { 0 };
  SyrinxEventScan scan;

  syrinx_store_get_stats (syrinx_engine_get_store (engine), &stats, NULL);
  syrinx_engine_get_scan (engine, &scan);
  add_value (
      text, "syrinx_tracks", "gauge", "Tracks in the library.", stats.n_tracks);
  add_value (text, "syrinx_unreadable_files", "gauge",
      "Files of the library that can't be read.", stats.n_failures);
  add_value (text, "syrinx_cached_fragments", "gauge",
      "Fragments of renditions on disk.", stats.n_fragments);
  add_value (text, "syrinx_cache_bytes", "gauge", "Their size on disk.",
      stats.cache_bytes);
  add_value (text, "syrinx_scanning", "gauge", "Whether a scan is under way.",
      scan.is_scanning);
}

/* --- What the journal has told --- */

static void
add_refusals (const gchar *reason, guint64 count, gpointer text)
{
  g_string_append_printf (text,
      "syrinx_refused_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n", reason,
      count);
}

static void
add_tally (GString *text, SyrinxEngine *engine)
{
  static const struct
  {
    SyrinxEventKind kind;
    const gchar *name, *help;
  } counters[] = {
    { SYRINX_EVENT_SESSION_BEGAN, "syrinx_sessions_began_total",
        "Sessions that have begun." },
    { SYRINX_EVENT_SESSION_ENDED, "syrinx_sessions_ended_total",
        "Sessions that have ended." },
    { SYRINX_EVENT_SESSION_SEEK, "syrinx_session_seeks_total",
        "Seeks over RTSP." },
    { SYRINX_EVENT_ERROR, "syrinx_errors_total",
        "Failures that the log tells of." },
    { SYRINX_EVENT_KEY_GIVEN, "syrinx_keys_given_total",
        "Keys given to listeners." },
    { SYRINX_EVENT_KEY_ROTATED, "syrinx_key_rotations_total",
        "Rotations of keys." },
    { SYRINX_EVENT_TOKEN_ISSUED, "syrinx_tokens_issued_total",
        "Tokens issued by this server." },
    { SYRINX_EVENT_TOKEN_REVOKED, "syrinx_tokens_revoked_total",
        "Revocations, of a token or a subject." },
  };
  SyrinxTally *tally = syrinx_engine_get_tally (engine);

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    add_value (text, counters[i].name, "counter", counters[i].help,
        syrinx_tally_get (tally, counters[i].kind));
  add_value (text, "syrinx_journal_lost_total", "counter",
      "Events that were dropped because the main loop was held up.",
      syrinx_journal_get_n_lost (syrinx_engine_get_journal (engine)));
  add_head (text, "syrinx_refused_total", "counter",
      "Requests and sessions that were refused, by reason.");
  syrinx_tally_foreach_refusal (tally, add_refusals, text);
}

/* --- Admission --- */

static void
add_waits (GString *text, const SyrinxAdmissionStats *stats)
{
  static const gchar name[] = "syrinx_admission_wait_seconds";
  guint64 sum = 0;

  add_head (text, name, "histogram",
      "How long sessions waited until they were admitted.");
  for (guint i = 0; i < SYRINX_ADMISSION_N_BOUNDS; i++) {
    gchar bound[G_ASCII_DTOSTR_BUF_SIZE];
    sum += stats->waits[i];
    g_ascii_formatd (
        bound, sizeof bound, "%g", syrinx_admission_bounds_ms[i] / 1e3);
    g_string_append_printf (
        text, "%s_bucket{le=\"%s\"} %" G_GUINT64_FORMAT "\n", name, bound, sum);
  }
  g_string_append_printf (text,
      "%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n"
      "%s_sum %" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT "\n"
      "%s_count %" G_GUINT64_FORMAT "\n",
      name, stats->n_admitted, name, stats->waited_us / G_USEC_PER_SEC,
      stats->waited_us % G_USEC_PER_SEC, name, stats->n_admitted);
}

static void
add_admission (GString *text, SyrinxEngine *engine)
{
  SyrinxAdmissionStats stats;

  syrinx_admission_get_stats (syrinx_engine_get_admission (engine), &stats);
  add_value (text, "syrinx_admission_waiting", "gauge",
      "New sessions that wait for room.", stats.n_waiting);
  add_value (text, "syrinx_admission_admitted_total", "counter",
      "New sessions let in.", stats.n_admitted);
  add_value (text, "syrinx_admission_refused_total", "counter",
      "New sessions sent away for want of room.", stats.n_refused);
  add_value (text, "syrinx_egress_reserved_bits_per_second", "gauge",
      "What the sessions' renditions need.", stats.kbps * 1000);
  add_waits (text, &stats);
}

/* --- Regions --- */

static void
add_turns (GString *text, SyrinxTurns *turns)
{
  add_value (text, "syrinx_turns_waiting", "gauge",
      "Requests for fragments that wait for their turn.",
      syrinx_turns_get_n_waiting (turns));
  add_value (text, "syrinx_turns_refused_total", "counter",
      "Those that waited too long, or were too many of one session.",
      syrinx_turns_get_n_refused (turns));
}

static void
add_quantile (GString *text, const gchar *name, const gchar *region,
    const gchar *quantile, gint64 value_us)
{
  gchar seconds[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (seconds, sizeof seconds, "%.6f", value_us / 1e6);
  g_string_append_printf (text, "%s{region=\"%s\",quantile=\"%s\"} %s\n", name,
      region, quantile, seconds);
}

static void
add_region_value (
    GString *text, const gchar *name, const gchar *region, guint64 value)
{
  g_string_append_printf (
      text, "%s{region=\"%s\"} %" G_GUINT64_FORMAT "\n", name, region, value);
}

static void
add_region_waits (GString *text, const SyrinxRegionStats *rows, guint n_rows)
{
  static const gchar wait[] = "syrinx_region_wait_seconds";
  static const gchar lateness[] = "syrinx_region_lateness_seconds";

  add_head (text, wait, "summary", "From ready to served, since the start.");
  for (guint i = 0; i < n_rows; i++) {
    add_quantile (text, wait, rows[i].region, "0.5", rows[i].wait_p50_us);
    add_quantile (text, wait, rows[i].region, "0.99", rows[i].wait_p99_us);
  }
  add_head (text, lateness, "summary", "From due to served, since the start.");
  for (guint i = 0; i < n_rows; i++) {
    add_quantile (
        text, lateness, rows[i].region, "0.5", rows[i].lateness_p50_us);
    add_quantile (
        text, lateness, rows[i].region, "0.99", rows[i].lateness_p99_us);
  }
}

static void
add_regions (GString *text, SyrinxEngine *engine)
{
  g_autoptr (GArray) stats
      = syrinx_scheduler_get_stats (syrinx_engine_get_scheduler (engine));
  const SyrinxRegionStats *rows = (const SyrinxRegionStats *)stats->data;

  add_turns (text, syrinx_engine_get_turns (engine));
  add_head (text, "syrinx_region_streams", "gauge",
      "Streams, by region, and listeners whose fragments take turns.");
  for (guint i = 0; i < stats->len; i++)
    add_region_value (
        text, "syrinx_region_streams", rows[i].region, rows[i].n_flows);
  add_head (text, "syrinx_region_waiting", "gauge",
      "Those that could send, and wait for their turn.");
  for (guint i = 0; i < stats->len; i++)
    add_region_value (
        text, "syrinx_region_waiting", rows[i].region, rows[i].n_ready);
  add_head (text, "syrinx_region_sent_bytes_total", "counter",
      "What they were served.");
  for (guint i = 0; i < stats->len; i++)
    add_region_value (text, "syrinx_region_sent_bytes_total", rows[i].region,
        rows[i].cost_bytes);
  add_region_waits (text, rows, stats->len);
}

void
http_metrics (HttpExchange *exchange)
{
  SyrinxEngine *engine = http_exchange_get_engine (exchange);
  GString *text = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;

  add_head (text, "syrinx_build_info", "gauge", "Version of this syrinxd.");
  g_string_append (
      text, "syrinx_build_info{version=\"" SYRINX_VERSION "\"} 1\n");
  add_sessions (text, engine);
  add_library (text, engine);
  add_tally (text, engine);
  add_admission (text, engine);
  add_regions (text, engine);
  bytes = g_string_free_to_bytes (text);
  http_exchange_answer (exchange, 200,
      "text/plain; version=0.0.4; charset=utf-8", "no-store", bytes);
}
