/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of worker processes. */
#include "worker-pool.h"

#include "core/base/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_IDLE         2
#define MAX_JOBS         500 /* then a fresh one: leaks of libraries, CPU limit */
#define START_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define REAP_ATTEMPTS    200

struct _SyrinxWorker
{
  GPid pid; /* 0: reaped */
  gint socket;
  guint n_jobs;
  gboolean ready;
};

struct _SyrinxWorkerPool
{
  gchar *program; /* constant after init */
  GThread *thread;

  GMutex lock;
  GCond changed; /* of everything below */
  /* protected by lock */
  GQueue idle;    /* of SyrinxWorker */
  GPtrArray *out; /* of SyrinxWorker, not owned */
  guint n_wanted; /* workers that the thread shall start */
  guint n_failed; /* starts that failed and nobody heard of yet */
  gboolean shut, quit;
};

/* --- One worker --- */

static gchar **
make_environment (void)
{
  static const gchar *const kept[] = { "PATH", "LANG", "LC_ALL", "GST_DEBUG",
    "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", NULL };
  gchar **env = g_new0 (gchar *, 1);

  for (guint i = 0; kept[i]; i++)
    if (g_getenv (kept[i]))
      env = g_environ_setenv (env, kept[i], g_getenv (kept[i]), TRUE);
  /* the worker loads what it may use itself; code made at run time would need
   * executable memory */
  env = g_environ_setenv (env, "GST_REGISTRY_DISABLE", "yes", TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY_UPDATE", "no", TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY_FORK", "no", TRUE);
  return g_environ_setenv (env, "ORC_CODE", "backup", TRUE);
}

static SyrinxWorker *
spawn (const gchar *program, GError **error)
{
  const gchar *argv[] = { program, NULL };
  g_auto (GStrv) env = make_environment ();
  gint pair[2], target = SYRINX_WORKER_FD;
  GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL;
  SyrinxWorker *worker;
  GPid pid;
  gboolean ok;

  if (!g_getenv ("GST_DEBUG") && !g_getenv ("G_MESSAGES_DEBUG"))
    flags |= G_SPAWN_STDERR_TO_DEV_NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "no socket for a worker: %s", g_strerror (errno));
    return NULL;
  }
  ok = g_spawn_async_with_pipes_and_fds (NULL, argv, (const gchar *const *)env,
      flags, NULL, NULL, -1, -1, -1, &pair[1], &target, 1, &pid, NULL, NULL,
      NULL, error);
  close (pair[1]);
  if (!ok) {
    close (pair[0]);
    return NULL;
  }
  worker = g_new0 (SyrinxWorker, 1);
  worker->pid = pid;
  worker->socket = pair[0];
  return worker;
}

static void
worker_kill (SyrinxWorker *worker)
{
  if (worker->pid) {
    kill (worker->pid, SIGKILL);
    while (waitpid (worker->pid, NULL, 0) < 0 && errno == EINTR)
      ;
  }
  close (worker->socket);
  g_free (worker);
}

static gboolean
worker_wait_ready (SyrinxWorker *worker, GError **error)
{
  g_auto (SyrinxMessage) message = { .fd = -1 };

  if (worker->ready)
    return TRUE;
  worker->ready
      = syrinx_worker_receive (
            worker, g_get_monotonic_time () + START_TIMEOUT_US, &message, error)
        && message.type == SYRINX_MESSAGE_READY;
  if (!worker->ready && error && !*error)
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_INVALID,
        "the worker does not speak our protocol");
  return worker->ready;
}

gboolean
syrinx_worker_start (SyrinxWorker *worker, SyrinxMessageType job,
    GVariant *plan, gint fd, GError **error)
{
  worker->n_jobs++;
  if (!plan)
    return syrinx_message_send (worker->socket, job, "", 0, fd, error);
  return syrinx_message_send_variant (worker->socket, job, plan, fd, error);
}

/* A worker whose socket closed is dead or about to be: wait a moment for why.
 */
static void
explain_death (SyrinxWorker *worker, GError **error)
{
  gint status = 0;

  for (guint i = 0; i < REAP_ATTEMPTS; i++) {
    pid_t pid = waitpid (worker->pid, &status, WNOHANG);
    if (pid == worker->pid || (pid < 0 && errno != EINTR))
      break;
    if (i == REAP_ATTEMPTS - 1)
      return;
    g_usleep (1000);
  }
  worker->pid = 0;
  g_clear_error (error);
  if (WIFSIGNALED (status))
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "the worker was ended by signal %d (%s)", WTERMSIG (status),
        g_strsignal (WTERMSIG (status)));
  else
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "the worker ended with code %d", WEXITSTATUS (status));
}

gboolean
syrinx_worker_receive (SyrinxWorker *worker, gint64 deadline_us,
    SyrinxMessage *message, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (syrinx_message_receive (worker->socket, deadline_us, message, &local))
    return TRUE;
  if (g_error_matches (local, SYRINX_ERROR, SYRINX_ERROR_FAILED) && worker->pid)
    explain_death (worker, &local);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gint
syrinx_worker_get_pid (SyrinxWorker *worker)
{
  return worker->pid;
}

/* --- The pool --- */

static void
start_one_locked (SyrinxWorkerPool *pool)
{
  g_autoptr (GError) error = NULL;
  SyrinxWorker *worker;

  pool->n_wanted--;
  g_mutex_unlock (&pool->lock);
  worker = spawn (pool->program, &error);
  if (!worker)
    g_warning ("can't start %s: %s", pool->program, error->message);
  g_mutex_lock (&pool->lock);
  if (worker)
    g_queue_push_tail (&pool->idle, worker);
  else
    pool->n_failed++;
  g_cond_broadcast (&pool->changed);
}

static gpointer
run (gpointer data)
{
  SyrinxWorkerPool *pool = data;

  g_mutex_lock (&pool->lock);
  while (!pool->quit) {
    if (pool->n_wanted > 0 && !pool->shut)
      start_one_locked (pool);
    else
      g_cond_wait (&pool->changed, &pool->lock);
  }
  g_mutex_unlock (&pool->lock);
  return NULL;
}

SyrinxWorkerPool *
syrinx_worker_pool_new (const gchar *program)
{
  SyrinxWorkerPool *pool = g_new0 (SyrinxWorkerPool, 1);

  pool->program = g_strdup (program);
  g_mutex_init (&pool->lock);
  g_cond_init (&pool->changed);
  g_queue_init (&pool->idle);
  pool->out = g_ptr_array_new ();
  pool->thread = g_thread_new ("syrinx-workers", run, pool);
  return pool;
}

void
syrinx_worker_pool_shut (SyrinxWorkerPool *pool)
{
  g_mutex_lock (&pool->lock);
  pool->shut = TRUE;
  for (guint i = 0; i < pool->out->len; i++) {
    SyrinxWorker *worker = pool->out->pdata[i];
    /* its socket closes; who holds it reaps it */
    shutdown (worker->socket, SHUT_RDWR);
  }
  g_cond_broadcast (&pool->changed);
  g_mutex_unlock (&pool->lock);
}

gboolean
syrinx_worker_pool_is_shut (SyrinxWorkerPool *pool)
{
  gboolean shut;

  g_mutex_lock (&pool->lock);
  shut = pool->shut;
  g_mutex_unlock (&pool->lock);
  return shut;
}

void
syrinx_worker_pool_free (SyrinxWorkerPool *pool)
{
  syrinx_worker_pool_shut (pool);
  g_mutex_lock (&pool->lock);
  pool->quit = TRUE;
  g_cond_broadcast (&pool->changed);
  g_mutex_unlock (&pool->lock);
  g_thread_join (pool->thread);
  g_queue_clear_full (&pool->idle, (GDestroyNotify)worker_kill);
  g_ptr_array_unref (pool->out);
  g_mutex_clear (&pool->lock);
  g_cond_clear (&pool->changed);
  g_free (pool->program);
  g_free (pool);
}

void
syrinx_worker_pool_warm (SyrinxWorkerPool *pool)
{
  g_mutex_lock (&pool->lock);
  if (g_queue_is_empty (&pool->idle) && pool->n_wanted == 0) {
    pool->n_wanted = 1;
    g_cond_broadcast (&pool->changed);
  }
  g_mutex_unlock (&pool->lock);
}

/* The next idle worker, started for this if there is none. */
static SyrinxWorker *
take_any (SyrinxWorkerPool *pool, GError **error)
{
  SyrinxWorker *worker = NULL;

  g_mutex_lock (&pool->lock);
  if (g_queue_is_empty (&pool->idle) && !pool->shut) {
    pool->n_wanted++;
    g_cond_broadcast (&pool->changed);
  }
  while (!pool->shut && !pool->n_failed && g_queue_is_empty (&pool->idle))
    g_cond_wait (&pool->changed, &pool->lock);
  if (pool->shut) {
    g_set_error_literal (error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED,
        "the workers are being stopped");
  } else if (!g_queue_is_empty (&pool->idle)) {
    worker = g_queue_pop_head (&pool->idle);
    g_ptr_array_add (pool->out, worker);
  } else {
    pool->n_failed--;
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "can't start %s",
        pool->program);
  }
  g_mutex_unlock (&pool->lock);
  return worker;
}

/* One that died while it was idle is no reason to fail. */
SyrinxWorker *
syrinx_worker_pool_take (SyrinxWorkerPool *pool, GError **error)
{
  for (guint i = 0; i < MAX_IDLE + 1; i++) {
    SyrinxWorker *worker = take_any (pool, error);
    gchar nothing;

    if (!worker)
      return NULL;
    if (!worker->ready)
      return worker_wait_ready (worker, error)
                 ? worker
                 : (syrinx_worker_pool_give (pool, worker, FALSE), NULL);
    if (recv (worker->socket, &nothing, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
      return worker;
    syrinx_worker_pool_give (pool, worker, FALSE);
  }
  g_set_error_literal (
      error, SYRINX_ERROR, SYRINX_ERROR_FAILED, "workers die while idle");
  return NULL;
}

void
syrinx_worker_pool_give (
    SyrinxWorkerPool *pool, SyrinxWorker *worker, gboolean reusable)
{
  gboolean keep;

  g_mutex_lock (&pool->lock);
  g_ptr_array_remove_fast (pool->out, worker);
  keep = reusable && !pool->shut && worker->n_jobs < MAX_JOBS
         && g_queue_get_length (&pool->idle) < MAX_IDLE;
  if (keep)
    g_queue_push_head (&pool->idle, worker);
  g_cond_broadcast (&pool->changed);
  g_mutex_unlock (&pool->lock);
  if (!keep)
    worker_kill (worker);
}
