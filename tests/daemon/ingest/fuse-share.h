/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A share for tests: a folder served through FUSE by a process that speaks the
 * kernel's protocol (linux/fuse.h), and that can hang, fail and lie. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FUSE_SHARE_GOOD,
  FUSE_SHARE_HANGS, /* requests are held until the share works again */
  FUSE_SHARE_FAILS, /* every request is answered with EIO */
  FUSE_SHARE_EMPTY  /* every folder appears empty */
} FuseShareMode;

typedef struct _FuseShare FuseShare;

/* The server process: main() calls this if its first argument is --serve. It
 * ends with the test, which frees hanging requests. */
int fuse_share_serve (int argc, char **argv);

/* Serves @folder at @mount_point, both absolute. NULL if the system does not
 * permit mounting: *@why is the reason. (transfer full) */
FuseShare *
fuse_share_new (const gchar *folder, const gchar *mount_point, gchar **why);
/* Unmounts it; hanging requests fail. */
void fuse_share_free (FuseShare *share);
void fuse_share_set_mode (FuseShare *share, FuseShareMode mode);

G_END_DECLS
