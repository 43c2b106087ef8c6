/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of GStreamer's plugins and elements a foreign file may reach. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Loads the allowed plugins; nothing else can be loaded later. FALSE: those
 * that everything needs are missing. */
gboolean syrinx_plugins_load (void);
/* Whether autoplugging may use it. */
gboolean syrinx_plugins_allow (GstElementFactory *factory);

G_END_DECLS
