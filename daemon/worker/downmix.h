/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More channels than two for two loudspeakers, as ITU-R BS.775 says: centre and
 * surrounds 3 dB down, no low-frequency effects; and all of it so much softer
 * that nothing can clip. */
#pragma once

#include <libavutil/channel_layout.h>

#include <gst/audio/audio.h>

G_BEGIN_DECLS

/* A configuration for GstAudioConverter. @n_out: 1 or 2. (transfer full) */
GstStructure *syrinx_downmix_new (const AVChannelLayout *layout, guint n_out);

G_END_DECLS
