/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes from this process everything that decoding a file does not need. */
#pragma once

#include "walls.h"

G_BEGIN_DECLS

/* Numbers of the user and group that a worker of a daemon run by root becomes;
 * without them it takes one that nobody has. */
#define SYRINX_WORKER_USER_VARIABLE  "SYRINX_WORKER_UID"
#define SYRINX_WORKER_GROUP_VARIABLE "SYRINX_WORKER_GID"
/* Set to "try": without seccomp the worker runs nevertheless. */
#define SYRINX_WORKER_SANDBOX_VARIABLE "SYRINX_WORKER_SANDBOX"

/* Dies with the thread that started this process. To be called first. FALSE: it
 * is gone already. */
gboolean syrinx_sandbox_tie_to_parent (void);
/* Not a byte into any file, whatever descriptor it came by. Before
 * syrinx_sandbox_enter(), and apart from it for what reports into a file. */
void syrinx_sandbox_forbid_writing (void);
/* For good: no new files, programs, sockets, processes or executable memory,
 * and a bounded address space. To be called while there is one thread. Errors:
 * FAILED (the kernel has no seccomp). */
gboolean syrinx_sandbox_enter (GError **error);
/* What syrinx_sandbox_enter() could put up. */
SyrinxWalls syrinx_sandbox_get_walls (void);

G_END_DECLS
