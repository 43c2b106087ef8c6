/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tags of a worker's report. Any thread. */
#pragma once

#include "core/store/store.h"

G_BEGIN_DECLS

/* Fills in every field of @track that comes from tags, except pictures. @name:
 * the file's name, the source of the title if there is no such tag. */
void syrinx_report_read_tags (
    SyrinxTrack *track, GVariant *report, const gchar *name);

/* The first four digits in @text that stand alone or begin a date of eight
 * digits; 0 if there are none. @text (nullable) */
gint syrinx_report_find_year (const gchar *text);

/* A title for a file without one: its name without suffix and track number;
 * *@number is set to the latter (0: none). (transfer full) */
gchar *syrinx_report_title_from_name (const gchar *name, gint *number);

G_END_DECLS
