/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removes every permission from this process that decoding a file does not
 * need. */
#pragma once

#include "walls.h"

G_BEGIN_DECLS

/* The user and group ids that a worker takes if the daemon runs as root;
 * without them it takes an id that no account has. */
#define SYRINX_WORKER_USER_VARIABLE  "SYRINX_WORKER_UID"
#define SYRINX_WORKER_GROUP_VARIABLE "SYRINX_WORKER_GID"
/* If set to "try", the worker also runs without seccomp. */
#define SYRINX_WORKER_SANDBOX_VARIABLE "SYRINX_WORKER_SANDBOX"

/* Ends this process with the thread that started it. To be called first. FALSE:
 * that thread has ended already. */
gboolean syrinx_sandbox_tie_to_parent (void);
/* Forbids writing to any file, by any descriptor. To be called before
 * syrinx_sandbox_enter(); a function of its own because some callers report
 * into a file. */
void syrinx_sandbox_forbid_writing (void);
/* Enters the sandbox for good: no new files, programs, sockets, processes or
 * executable memory, and a bounded address space. To be called while there is
 * only one thread. Errors: FAILED (the kernel has no seccomp). */
gboolean syrinx_sandbox_enter (GError **error);
/* The parts that syrinx_sandbox_enter() could set up. */
SyrinxWalls syrinx_sandbox_get_walls (void);

G_END_DECLS
