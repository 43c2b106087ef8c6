/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinx-worker processes. One thread that lives as long as the pool starts
 * them, since a worker dies with the thread that started it. One is started in
 * advance, so that no listener waits for its start. */
#pragma once

#include "daemon/worker/protocol.h"

G_BEGIN_DECLS

typedef struct _SyrinxWorkerPool SyrinxWorkerPool;
typedef struct _SyrinxWorker SyrinxWorker;

/* @program: path of syrinx-worker. No worker is started yet. */
SyrinxWorkerPool *syrinx_worker_pool_new (const gchar *program);
/* Kills the remaining workers. All workers must have been given back. */
void syrinx_worker_pool_free (SyrinxWorkerPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxWorkerPool, syrinx_worker_pool_free)

/* Starts a worker if none is idle, for later use. Does not wait. Any thread. */
void syrinx_worker_pool_warm (SyrinxWorkerPool *pool);
/* Kills every worker in use, so that callers that wait for one fail soon; no
 * worker is handed out any more. Any thread. */
void syrinx_worker_pool_shut (SyrinxWorkerPool *pool);
gboolean syrinx_worker_pool_is_shut (SyrinxWorkerPool *pool);

/* Waits for a worker that is ready. Any thread. (transfer full) Errors: FAILED
 * (it does not start), CANCELLED (the pool is shut). */
SyrinxWorker *syrinx_worker_pool_take (SyrinxWorkerPool *pool, GError **error);
/* Gives @worker back. @reusable: its job ended with an answer. Otherwise it is
 * killed, as is one with unread messages. (transfer full) */
void syrinx_worker_pool_give (
    SyrinxWorkerPool *pool, SyrinxWorker *worker, gboolean reusable);

/* Starts a job, which may take half an hour. Errors: as syrinx_message_send().
 * @plan (transfer floating) (nullable) */
gboolean syrinx_worker_start (SyrinxWorker *worker, SyrinxMessageType job,
    GVariant *plan, gint fd, GError **error);
/* As syrinx_message_receive(); if the worker died, the error says why. */
gboolean syrinx_worker_receive (SyrinxWorker *worker, gint64 deadline_us,
    SyrinxMessage *message, GError **error);
gint syrinx_worker_get_pid (SyrinxWorker *worker);

G_END_DECLS
