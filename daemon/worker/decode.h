/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a foreign file apart: a pipeline of allowed elements, pulled by the
 * caller. Worker's main thread only. */
#pragma once

#include <gst/audio/audio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _SyrinxDecoder SyrinxDecoder;

typedef enum
{
  SYRINX_DECODE_PARSED, /* packets as they are in the file */
  SYRINX_DECODE_RAW     /* audio/x-raw */
} SyrinxDecodeMode;

/* Waits until there is data. @fd must stay open. (transfer full) Errors:
 * INVALID (with GStreamer's reason), UNSUPPORTED. */
SyrinxDecoder *
syrinx_decoder_new (gint fd, SyrinxDecodeMode mode, GError **error);
void syrinx_decoder_free (SyrinxDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxDecoder, syrinx_decoder_free)

/* Accurate; FALSE if the format can't. */
gboolean syrinx_decoder_seek (SyrinxDecoder *decoder, GstClockTime position);
/* (transfer full). NULL without @error: the end. */
GstSample *syrinx_decoder_pull (SyrinxDecoder *decoder, GError **error);
/* All that came so far. (transfer none) */
GstTagList *syrinx_decoder_get_tags (SyrinxDecoder *decoder);
/* What the container says, 0 if nothing. */
GstClockTime syrinx_decoder_get_duration (SyrinxDecoder *decoder);
/* The encoded stream's caps, such as audio/x-flac. (transfer none) (nullable)
 */
GstCaps *syrinx_decoder_get_caps (SyrinxDecoder *decoder);

G_END_DECLS
