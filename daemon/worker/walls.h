/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker could lock itself in behind; both sides know the names. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What stands between a worker that was taken over and the machine. Only
 * SECCOMP is indispensable; the kernel or its administrator may refuse the
 * others, which the daemon tells at its start. */
typedef enum
{
  SYRINX_WALL_SECCOMP = 1 << 0,    /* the list of system calls */
  SYRINX_WALL_LANDLOCK = 1 << 1,   /* no path, port or abstract socket */
  SYRINX_WALL_NAMESPACES = 1 << 2, /* own user, network, IPC, mounts, … */
  SYRINX_WALL_PROCESSES = 1 << 3,  /* own PID namespace: sees only itself */
  SYRINX_WALL_ROOT = 1 << 4,       /* the root folder is an empty one */
  SYRINX_WALL_USER = 1 << 5,       /* not root, and no capability */
  SYRINX_WALLS_ALL = (1 << 6) - 1
} SyrinxWalls;

/* Names of what is not in @walls, by commas; NULL: nothing is missing.
 * (transfer full) (nullable) */
gchar *syrinx_walls_describe_missing (SyrinxWalls walls);

G_END_DECLS
