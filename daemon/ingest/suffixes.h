/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files of a library are looked into, by their names, and which are left
 * out for them. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SYRINX_MAX_SKIPPED_NAMES 10000 /* all are counted */

/* Without dots; case does not matter. Before the first scan. Without it those
 * of all formats that a worker reads are taken. */
void syrinx_suffixes_set (const gchar *const *suffixes);
gboolean syrinx_suffixes_take (const gchar *name);

/* Forgets what was left out of @folder, and of nothing below it that has been
 * begun itself: it is looked through again. */
void syrinx_skipped_begin (const gchar *folder);
/* A file with another suffix. @path: relative to @root, for people; @folder: as
 * it was begun. */
void
syrinx_skipped_add (const gchar *folder, const gchar *root, const gchar *path);
/* How many there are, and the first SYRINX_MAX_SKIPPED_NAMES of them, in no
 * order. @func must not call anything here. */
guint64 syrinx_skipped_foreach (
    void (*func) (const gchar *root, const gchar *path, gpointer user_data),
    gpointer user_data);

G_END_DECLS
