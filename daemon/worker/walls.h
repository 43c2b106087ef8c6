/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the worker's sandbox; daemon and worker share their names. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The parts that separate a compromised worker from the machine. Only SECCOMP
 * is required; kernel or administrator may refuse the others, which the daemon
 * logs at its start. */
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

/* The names of the parts missing in @walls, separated by commas; NULL: none is
 * missing. (transfer full) (nullable) */
gchar *syrinx_walls_describe_missing (SyrinxWalls walls);

G_END_DECLS
