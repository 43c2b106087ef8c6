/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* benchsink: a sink that never blocks, counts, and drops, so that sessions are
 * measured and not their sinks. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define BENCH_TYPE_SINK (bench_sink_get_type ())
G_DECLARE_FINAL_TYPE (BenchSink, bench_sink, BENCH, SINK, GstElement)

void bench_sink_register (void);
/* Of all sinks of the process so far. */
guint64 bench_sink_get_bytes (void);

G_END_DECLS
