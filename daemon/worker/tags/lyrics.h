/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lyrics, plain and with times. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @text is LRC: its first line that is no heading begins with a time,
 * "[01:23.45]". */
gboolean syrinx_lyrics_are_synced (const gchar *text);
/* LRC without its times and headings. (transfer full) */
gchar *syrinx_lyrics_strip (const gchar *lrc);
/* Appends a line of LRC. */
void syrinx_lyrics_append (GString *lrc, guint time_ms, const gchar *text);

G_END_DECLS
