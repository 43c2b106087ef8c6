/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes from this process everything that decoding a file does not need. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Dies with the thread that started this process. To be called first. FALSE: it
 * is gone already. */
gboolean syrinx_sandbox_tie_to_parent (void);
/* For good: no new files, programs, sockets or executable memory, and a bounded
 * address space. Errors: FAILED (the kernel has no seccomp). */
gboolean syrinx_sandbox_enter (GError **error);
/* From now on at most @seconds of CPU time, then SIGXCPU ends the process. */
void syrinx_sandbox_limit_cpu (guint seconds);

G_END_DECLS
