/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files of a library are read, by their suffixes, and which are skipped.
 * Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_MAX_SKIPPED_NAMES 10000 /* all are counted */

/* Sets the suffixes, without dots and in any case, before the first scan. By
 * default they are those of all formats that a worker reads. */
void syrinx_suffixes_set (const gchar *const *suffixes);
gboolean syrinx_suffixes_take (const gchar *name);

/* Begins a new list of the files skipped in @folder, except for folders below
 * it that have a list of their own. */
void syrinx_skipped_begin (const gchar *folder);
/* Adds a file with another suffix. @path: relative to @root, for display;
 * @folder: as passed to syrinx_skipped_begin(). */
void
syrinx_skipped_add (const gchar *folder, const gchar *root, const gchar *path);
/* Returns how many files were skipped, and calls @func for the first
 * SYRINX_MAX_SKIPPED_NAMES of them, in any order. @func must not call functions
 * of this file. */
guint64 syrinx_skipped_foreach (
    void (*func) (const gchar *root, const gchar *path, gpointer user_data),
    gpointer user_data);

G_END_DECLS
