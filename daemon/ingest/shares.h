/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which folders are on shares: network file systems and FUSE, where inotify
 * does not report changes made by others, and where any call may hang. The
 * kernel's table of mounts is read without a call to the share, which statfs()
 * would make. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxMounts SyrinxMounts;

/* The present mounts; empty if the table can't be read. (transfer full) */
SyrinxMounts *syrinx_mounts_new (void);
/* The mounts in @text, which has the form of /proc/self/mountinfo (proc(5)).
 * (transfer full) */
SyrinxMounts *syrinx_mounts_parse (const gchar *text);
void syrinx_mounts_free (SyrinxMounts *mounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxMounts, syrinx_mounts_free)

/* Whether @path (absolute) is on a share. */
gboolean syrinx_mounts_is_share (const SyrinxMounts *mounts, const gchar *path);
/* The shares mounted below @path, relative to it, each ending with a slash.
 * (transfer full) */
gchar **
syrinx_mounts_list_shares (const SyrinxMounts *mounts, const gchar *path);

G_END_DECLS
