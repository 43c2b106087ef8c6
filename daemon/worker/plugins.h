/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GStreamer plugins of a worker: its encoders. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Loads them, each by its path. FALSE: the encoder of Opus is not there. */
gboolean syrinx_plugins_load (void);

G_END_DECLS
