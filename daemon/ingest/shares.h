/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which folders are on shares: network file systems and FUSE, where inotify
 * sees nothing of what others do, and where any call may hang. The kernel's
 * table of mounts tells without asking the share, as statfs() would. Any
 * thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SyrinxMounts SyrinxMounts;

/* As they are now; empty if the table can't be read. (transfer full) */
SyrinxMounts *syrinx_mounts_new (void);
/* The same from @text, as /proc/self/mountinfo has it (proc(5)). */
SyrinxMounts *syrinx_mounts_parse (const gchar *text);
void syrinx_mounts_free (SyrinxMounts *mounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxMounts, syrinx_mounts_free)

/* Whether @path, absolute, is on a share. */
gboolean syrinx_mounts_is_share (const SyrinxMounts *mounts, const gchar *path);
/* Shares that are mounted below @path, relative to it, each ended by a slash.
 * (transfer full) */
gchar **
syrinx_mounts_list_shares (const SyrinxMounts *mounts, const gchar *path);

G_END_DECLS
