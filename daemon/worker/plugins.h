/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GStreamer plugins of a worker: its encoders. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Loads each by its path. FALSE: the Opus encoder is missing. */
gboolean syrinx_plugins_load (void);

G_END_DECLS
