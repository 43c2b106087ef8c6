/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoders for the two kinds of file that libavformat or libavcodec (5.1) can't
 * read: free-format MPEG audio, by libmpg123, and 32-bit FLAC, by libFLAC.
 * Worker's main thread only. */
#pragma once

#include "bounds.h"

#include <libavutil/frame.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxBackupDecoder SyrinxBackupDecoder;

/* NULL: the file is of neither kind. @fd must stay open. (transfer full)
 * (nullable) */
SyrinxBackupDecoder *
syrinx_backup_decoder_new (gint fd, const SyrinxBounds *bounds);
void syrinx_backup_decoder_free (SyrinxBackupDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxBackupDecoder, syrinx_backup_decoder_free)

/* "mp3" or "flac": the name of both demuxer and codec. Static. */
const gchar *syrinx_backup_decoder_get_name (SyrinxBackupDecoder *decoder);
/* Puts the next samples, without priming and padding, into @frame. FALSE: the
 * end. */
gboolean
syrinx_backup_decoder_next (SyrinxBackupDecoder *decoder, AVFrame *frame);

G_END_DECLS
