/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real RTSP players, and whether they heard a track. */
#pragma once

#include "tests/daemon/harness.h"

G_BEGIN_DECLS

#define PRE_SKIP 312 /* RTP has no word for it, so it is heard */

/* What ffmpeg hears; @transport: "tcp" or "udp". */
Sound *hear_by_ffmpeg (const gchar *transport, const gchar *url);
/* What GStreamer's rtspsrc hears. */
Sound *hear_by_rtspsrc (const gchar *transport, const gchar *url);
/* The whole of it, but for the pre-skip and what fills the last packet. */
void
assert_whole (const gchar *what, const Sound *heard, const Sound *original);

G_END_DECLS
