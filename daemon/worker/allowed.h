/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of libavformat and libavcodec that a foreign file may reach. */
#pragma once

#include <libavcodec/avcodec.h>

#include <glib.h>

G_BEGIN_DECLS

/* Names of demuxers, separated by commas: audio containers, and video
 * containers for their audio. None that opens other files, playlists or a
 * network. */
extern const gchar syrinx_allowed_demuxers[];
/* Names of decoders, separated by commas. Audio only. */
extern const gchar syrinx_allowed_decoders[];

/* The allowed decoder for @id. (nullable) */
const AVCodec *syrinx_allowed_find_decoder (enum AVCodecID id);
/* The index's name of a codec: "flac", "mp3", "pcm", …; one of a small set.
 * Static. */
const gchar *syrinx_allowed_get_name (enum AVCodecID id);

G_END_DECLS
