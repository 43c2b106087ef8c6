/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinx-worker processes: started by one thread that lives as long as the pool
 * (a worker dies with the thread that started it), one kept warm, since a
 * listener waits for its start otherwise. */
#pragma once

#include "daemon/worker/protocol.h"

G_BEGIN_DECLS

typedef struct _SyrinxWorkerPool SyrinxWorkerPool;
typedef struct _SyrinxWorker SyrinxWorker;

/* @program: path of syrinx-worker. Starts nothing yet. */
SyrinxWorkerPool *syrinx_worker_pool_new (const gchar *program);
/* Kills what is still there. Workers taken out must be back. */
void syrinx_worker_pool_free (SyrinxWorkerPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWorkerPool, syrinx_worker_pool_free)

/* Starts one worker if none is idle, for later. Does not wait. Any thread. */
void syrinx_worker_pool_warm (SyrinxWorkerPool *pool);
/* Kills every worker that is out, so that who waits for one hears of it soon;
 * from now on none is given. Any thread. */
void syrinx_worker_pool_shut (SyrinxWorkerPool *pool);
gboolean syrinx_worker_pool_is_shut (SyrinxWorkerPool *pool);

/* Waits for a worker that is ready. Any thread. (transfer full) Errors: FAILED
 * (it does not start), CANCELLED (shut). */
SyrinxWorker *syrinx_worker_pool_take (SyrinxWorkerPool *pool, GError **error);
/* @reusable: its job ended in an answer. Else it is killed, and so is one that
 * has more to say. (transfer full) */
void syrinx_worker_pool_give (
    SyrinxWorkerPool *pool, SyrinxWorker *worker, gboolean reusable);

/* The job has half an hour in all. Errors as
 * syrinx_message_send(). @plan (transfer floating) (nullable) */
gboolean syrinx_worker_start (SyrinxWorker *worker, SyrinxMessageType job,
    GVariant *plan, gint fd, GError **error);
/* As syrinx_message_receive(); where the worker died, the error says of what.
 */
gboolean syrinx_worker_receive (SyrinxWorker *worker, gint64 deadline_us,
    SyrinxMessage *message, GError **error);
gint syrinx_worker_get_pid (SyrinxWorker *worker);

G_END_DECLS
