/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A share of a test's own: a folder shown through FUSE by a process that speaks
 * the kernel's protocol (linux/fuse.h), and that can hang, fail and lie. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FUSE_SHARE_GOOD,
  FUSE_SHARE_HANGS, /* no request is answered, until it is good again */
  FUSE_SHARE_FAILS, /* every request is answered by EIO */
  FUSE_SHARE_EMPTY  /* every folder has nothing in it */
} FuseShareMode;

typedef struct _FuseShare FuseShare;

/* What the process does: main() calls this if its first argument is --serve. It
 * dies with the test, and then nothing hangs any more. */
int fuse_share_serve (int argc, char **argv);

/* Shows @folder at @mount_point, both absolute. NULL if this system lets nobody
 * mount: the reason is in *@why. (transfer full) */
FuseShare *
fuse_share_new (const gchar *folder, const gchar *mount_point, gchar **why);
/* Unmounts it; what hangs there fails. */
void fuse_share_free (FuseShare *share);
void fuse_share_set_mode (FuseShare *share, FuseShareMode mode);

G_END_DECLS
