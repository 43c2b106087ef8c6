/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker says about a file, checked and cut to size like anything that
 * comes from outside. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* Fills what the report knows; the caller adds root, path, size, mtime,
 * fingerprint. @name: the file's name, for the title if it has none. Writes
 * artwork into @state_dir. (transfer full) Errors: INVALID. */
SyrinxTrack *syrinx_report_read (GVariant *report, const gchar *name,
    const gchar *state_dir, GError **error);

/* A worker's reason for people: UTF-8, one line, bounded. (transfer full) */
gchar *
syrinx_report_clean_text (const gchar *text, gsize size_bytes, gsize max_bytes);

G_END_DECLS
