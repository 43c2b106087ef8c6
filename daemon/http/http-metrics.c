/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: what admission and the streams' scheduler count, for Prometheus. */
#include "handlers.h"

#include "daemon/gateway/admission.h"

#include "core/schedule/scheduler.h"

/* --- Admission --- */

static void
add_waits (GString *text, const SyrinxAdmissionStats *stats)
{
  static const gchar name[] = "syrinx_admission_wait_seconds";
  guint64 sum = 0;

  g_string_append_printf (text,
      "# HELP %s How long sessions waited until they were admitted.\n"
      "# TYPE %s histogram\n",
      name, name);
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

void
http_add_admission_metrics (HttpExchange *exchange, GString *text)
{
  SyrinxAdmissionStats stats;

  syrinx_admission_get_stats (
      syrinx_engine_get_admission (http_exchange_get_engine (exchange)),
      &stats);
  g_string_append_printf (text,
      "# HELP syrinx_admission_waiting New sessions that wait for room.\n"
      "# TYPE syrinx_admission_waiting gauge\n"
      "syrinx_admission_waiting %u\n"
      "# HELP syrinx_admission_admitted_total New sessions let in.\n"
      "# TYPE syrinx_admission_admitted_total counter\n"
      "syrinx_admission_admitted_total %" G_GUINT64_FORMAT "\n"
      "# HELP syrinx_admission_refused_total New sessions sent away.\n"
      "# TYPE syrinx_admission_refused_total counter\n"
      "syrinx_admission_refused_total %" G_GUINT64_FORMAT "\n"
      "# HELP syrinx_egress_reserved_bits_per_second What the sessions' "
      "renditions need.\n"
      "# TYPE syrinx_egress_reserved_bits_per_second gauge\n"
      "syrinx_egress_reserved_bits_per_second %" G_GUINT64_FORMAT "\n",
      stats.n_waiting, stats.n_admitted, stats.n_refused, stats.kbps * 1000);
  add_waits (text, &stats);
}

/* --- Regions --- */

static void
add_head (
    GString *text, const gchar *name, const gchar *type, const gchar *help)
{
  g_string_append_printf (
      text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
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
add_turns (GString *text, SyrinxTurns *turns)
{
  add_head (text, "syrinx_turns_waiting", "gauge",
      "Requests for fragments that wait for their turn.");
  g_string_append_printf (
      text, "syrinx_turns_waiting %u\n", syrinx_turns_get_n_waiting (turns));
  add_head (text, "syrinx_turns_refused_total", "counter",
      "Those that waited too long, or were too many of one session.");
  g_string_append_printf (text,
      "syrinx_turns_refused_total %" G_GUINT64_FORMAT "\n",
      syrinx_turns_get_n_refused (turns));
}

void
http_add_region_metrics (HttpExchange *exchange, GString *text)
{
  g_autoptr (GArray) stats = syrinx_scheduler_get_stats (
      syrinx_engine_get_scheduler (http_exchange_get_engine (exchange)));
  const SyrinxRegionStats *rows = (const SyrinxRegionStats *)stats->data;

  add_turns (
      text, syrinx_engine_get_turns (http_exchange_get_engine (exchange)));
  add_head (text, "syrinx_region_streams", "gauge",
      "Streams, by region, and listeners whose fragments take turns.");
  for (guint i = 0; i < stats->len; i++)
    g_string_append_printf (text, "syrinx_region_streams{region=\"%s\"} %u\n",
        rows[i].region, rows[i].n_flows);
  add_head (text, "syrinx_region_waiting", "gauge",
      "Those that could send, and wait for their turn.");
  for (guint i = 0; i < stats->len; i++)
    g_string_append_printf (text, "syrinx_region_waiting{region=\"%s\"} %u\n",
        rows[i].region, rows[i].n_ready);
  add_head (text, "syrinx_region_sent_bytes_total", "counter",
      "What they were served.");
  for (guint i = 0; i < stats->len; i++)
    g_string_append_printf (text,
        "syrinx_region_sent_bytes_total{region=\"%s\"} %" G_GUINT64_FORMAT "\n",
        rows[i].region, rows[i].cost_bytes);
  add_head (text, "syrinx_region_wait_seconds", "summary",
      "From ready to served, since the start.");
  for (guint i = 0; i < stats->len; i++) {
    add_quantile (text, "syrinx_region_wait_seconds", rows[i].region, "0.5",
        rows[i].wait_p50_us);
    add_quantile (text, "syrinx_region_wait_seconds", rows[i].region, "0.99",
        rows[i].wait_p99_us);
  }
  add_head (text, "syrinx_region_lateness_seconds", "summary",
      "From due to served, since the start.");
  for (guint i = 0; i < stats->len; i++) {
    add_quantile (text, "syrinx_region_lateness_seconds", rows[i].region, "0.5",
        rows[i].lateness_p50_us);
    add_quantile (text, "syrinx_region_lateness_seconds", rows[i].region,
        "0.99", rows[i].lateness_p99_us);
  }
}
