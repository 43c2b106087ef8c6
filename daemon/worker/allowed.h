/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of libavformat and libavcodec a foreign file may reach. */
#pragma once

#include <libavcodec/avcodec.h>

#include <glib.h>

G_BEGIN_DECLS

/* Names of demuxers, with commas between them. Containers of sound, and of
 * video for its sound; nothing that reads other files, lists or a network. */
extern const gchar syrinx_allowed_demuxers[];
/* Names of decoders, likewise. Audio only. */
extern const gchar syrinx_allowed_decoders[];

/* The one for @id that is allowed. (nullable) */
const AVCodec *syrinx_allowed_find_decoder (enum AVCodecID id);
/* The name by which the index knows a codec: "flac", "mp3", "pcm", …; one of a
 * small number. Static. */
const gchar *syrinx_allowed_get_name (enum AVCodecID id);

G_END_DECLS
