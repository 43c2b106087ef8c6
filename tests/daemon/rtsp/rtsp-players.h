/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real RTSP players, and whether they played a whole track. */
#pragma once

#include "tests/daemon/harness.h"

G_BEGIN_DECLS

#define PRE_SKIP 312 /* not signalled by RTP, so it is played */

/* What ffmpeg plays; @transport: "tcp" or "udp". */
Sound *hear_by_ffmpeg (const gchar *transport, const gchar *url);
/* What GStreamer's rtspsrc plays. */
Sound *hear_by_rtspsrc (const gchar *transport, const gchar *url);
/* The whole track; the pre-skip and the padding of the last packet are
 * allowed. */
void
assert_whole (const gchar *what, const Sound *heard, const Sound *original);

G_END_DECLS
