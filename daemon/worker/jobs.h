/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's jobs. Each reads one open file and answers with a dictionary;
 * the produce job also sends fragments as it makes them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The report described in daemon/ingest/worker-report.h. (transfer floating)
 * Errors: INVALID, UNSUPPORTED. */
GVariant *syrinx_job_scan (gint fd, GError **error);

/* @plan: "codec" s ("opus", "aac"), "bitrate" "channels" "rate" "source-rate"
 * "fragment-units" "first" "count" u, "source-samples" "units" t; "remux" b
 * (optional): the file's own packets. */
GVariant *
syrinx_job_produce (gint socket, gint fd, GVariant *plan, GError **error);

/* @plan: "channels" "rate" u, "samples" t. Answers "gain" "peak" d. */
GVariant *syrinx_job_loudness (gint fd, GVariant *plan, GError **error);

G_END_DECLS
