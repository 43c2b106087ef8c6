/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a worker's process: in a PID namespace of its own where the system
 * permits one, and with no descriptor but its socket. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For all workers from now on; before there are threads. @name (nullable): whom
 * they run as under root. @sandbox: require or try. Errors: INVALID. */
gboolean
syrinx_workers_set_up (const gchar *name, const gchar *sandbox, GError **error);

/* @program: a path. @socket becomes SYRINX_WORKER_FD in the child and stays the
 * caller's here. Standard error is inherited if @has_stderr; the other standard
 * descriptors are /dev/null. The caller must reap the process. It is process 1
 * of its namespace, so all its descendants end with it. Errors: FAILED. Any
 * thread. */
gboolean syrinx_worker_spawn (const gchar *program, const gchar *const *env,
    gint socket, gboolean has_stderr, GPid *pid, GError **error);

G_END_DECLS
