/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chunks on disk: STATE_DIR/chunks/TRACK/RENDITION/EPOCH/N.m4s. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @name is a valid rendition name: 1 to 32 of a-z, 0-9 and -. */
gboolean syrinx_rendition_name_is_valid (const gchar *name);

/* Writes N.m4s atomically and durably: after a power failure it is there whole
 * or not at all. Errors: FAILED; G_FILE_ERROR_NOSPC if the disk is full. */
gboolean syrinx_chunk_files_write (const gchar *state_dir,
    const gchar *track_id, const gchar *rendition, guint epoch, guint number,
    GBytes *chunk, GError **error);

/* Reads the file, which must be exactly @size_bytes long. (transfer full)
 * Errors: CORRUPT, NOT_FOUND, FAILED. */
GBytes *syrinx_chunk_files_read (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number, gint64 size_bytes,
    GError **error);

void syrinx_chunk_files_remove (const gchar *state_dir, const gchar *track_id,
    const gchar *rendition, guint epoch, guint number);

/* Removes an epoch with everything in it. */
void syrinx_chunk_files_remove_epoch (const gchar *state_dir,
    const gchar *track_id, const gchar *rendition, guint epoch);

G_END_DECLS
