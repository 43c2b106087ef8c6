/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of worker processes. */
#include "worker-pool.h"

#include "core/base/error.h"
#include "daemon/worker/sandbox.h"
#include "worker-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_IDLE         2
#define MAX_JOBS         500 /* then it is replaced, in case libraries leak */
#define START_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define REAP_ATTEMPTS    200
#define MAX_CPU_S        600 /* then it is replaced: the sandbox allows 1200 */
#define MAX_JOB_US       (30 * 60 * G_USEC_PER_SEC)
#define MAX_REASON_BYTES 512

struct _SyrinxWorker
{
  GPid pid; /* 0: reaped */
  gint socket;
  guint n_jobs;
  gboolean ready;
  gboolean is_at_rest; /* its job is over: no message is due */
  gint64 job_ends_us;  /* then it is killed in any case */
};

struct _SyrinxWorkerPool
{
  gchar *program; /* constant after init */
  GThread *thread;

  GMutex lock;
  GCond changed; /* signals changes of the fields below */
  /* protected by lock */
  GQueue idle;    /* of SyrinxWorker */
  GPtrArray *out; /* of SyrinxWorker, not owned */
  guint n_wanted; /* workers that the thread is to start */
  guint n_failed; /* failed starts that no caller was told of yet */
  gboolean shut, quit;
};

/* --- One worker --- */

static gchar **
make_environment (void)
{
  static const gchar *const kept[]
      = { "PATH", "LANG", "LC_ALL", "GST_DEBUG", "LD_LIBRARY_PATH",
          "ASAN_OPTIONS", "UBSAN_OPTIONS", SYRINX_WORKER_USER_VARIABLE,
          SYRINX_WORKER_GROUP_VARIABLE, SYRINX_WORKER_SANDBOX_VARIABLE, NULL };
  gchar **env = g_new0 (gchar *, 1);

  for (guint i = 0; kept[i]; i++)
    if (g_getenv (kept[i]))
      env = g_environ_setenv (env, kept[i], g_getenv (kept[i]), TRUE);
  /* Without a registry the worker loads only the plugins that it may use. Code
   * made at run time would need executable memory. */
  env = g_environ_setenv (env, "GST_REGISTRY_DISABLE", "yes", TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY_UPDATE", "no", TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY_FORK", "no", TRUE);
  return g_environ_setenv (env, "ORC_CODE", "backup", TRUE);
}

static SyrinxWorker *
spawn (const gchar *program, GError **error)
{
  g_auto (GStrv) env = make_environment ();
  gboolean has_stderr = g_getenv ("GST_DEBUG") || g_getenv ("G_MESSAGES_DEBUG");
  SyrinxWorker *worker;
  gint pair[2];
  GPid pid;
  gboolean ok;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "no socket for a worker: %s", g_strerror (errno));
    return NULL;
  }
  ok = syrinx_worker_spawn (
      program, (const gchar *const *)env, pair[1], has_stderr, &pid, error);
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

/* The system may lack some of the sandbox's means; they are logged once. */
static void
tell_walls (const SyrinxMessage *ready)
{
  static gint is_told;
  SyrinxWalls walls = 0;
  g_autofree gchar *missing = NULL;

  if (g_bytes_get_size (ready->payload) != sizeof (guint32)
      || !g_atomic_int_compare_and_exchange (&is_told, FALSE, TRUE))
    return;
  walls = *(const guint32 *)g_bytes_get_data (ready->payload, NULL);
  missing = syrinx_walls_describe_missing (walls);
  if (missing)
    g_message ("workers run without: %s", missing);
}

/* A worker that fails to enter its sandbox sends the reason. */
static gboolean
read_first_message (const SyrinxMessage *message, GError **error)
{
  g_autofree gchar *reason = NULL, *text = NULL;
  gsize n_bytes = 0;
  gconstpointer data = g_bytes_get_data (message->payload, &n_bytes);

  if (message->type == SYRINX_MESSAGE_READY) {
    tell_walls (message);
    return TRUE;
  }
  if (message->type == SYRINX_MESSAGE_FAILED) {
    text = g_strndup (data, MIN (n_bytes, MAX_REASON_BYTES));
    reason = g_strescape (text, NULL);
  }
  g_set_error_literal (error, SYRINX_ERROR,
      reason ? SYRINX_ERROR_FAILED : SYRINX_ERROR_INVALID,
      reason ? reason : "the worker does not speak our protocol");
  return FALSE;
}

static gboolean
worker_wait_ready (SyrinxWorker *worker, GError **error)
{
  g_auto (SyrinxMessage) message = { .fd = -1 };

  if (!worker->ready)
    worker->ready
        = syrinx_worker_receive (worker,
              g_get_monotonic_time () + START_TIMEOUT_US, &message, error)
          && read_first_message (&message, error);
  return worker->ready;
}

gboolean
syrinx_worker_start (SyrinxWorker *worker, SyrinxMessageType job,
    GVariant *plan, gint fd, GError **error)
{
  worker->n_jobs++;
  worker->is_at_rest = FALSE;
  worker->job_ends_us = g_get_monotonic_time () + MAX_JOB_US;
  if (!plan)
    return syrinx_message_send (worker->socket, job, "", 0, fd, error);
  return syrinx_message_send_variant (worker->socket, job, plan, fd, error);
}

/* A worker that closed its socket is dead or exiting: waits a moment for its
 * exit status. */
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

  if (worker->job_ends_us)
    deadline_us = deadline_us ? MIN (deadline_us, worker->job_ends_us)
                              : worker->job_ends_us;
  if (syrinx_message_receive (worker->socket, deadline_us, message, &local)) {
    worker->is_at_rest = message->type != SYRINX_MESSAGE_FRAGMENT;
    return TRUE;
  }
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

/* Runs without the lock: other threads take and give workers meanwhile. */
static void
start_one (SyrinxWorkerPool *pool)
{
  g_autoptr (GError) error = NULL;
  SyrinxWorker *worker = spawn (pool->program, &error);

  if (!worker)
    g_warning ("can't start a worker: %s", error->message);
  g_mutex_lock (&pool->lock);
  if (worker)
    g_queue_push_tail (&pool->idle, worker);
  else
    pool->n_failed++;
  g_cond_broadcast (&pool->changed);
  g_mutex_unlock (&pool->lock);
}

/* FALSE: the pool is being freed. */
static gboolean
wait_until_wanted (SyrinxWorkerPool *pool)
{
  gboolean is_wanted;

  g_mutex_lock (&pool->lock);
  while (!pool->quit && (pool->n_wanted == 0 || pool->shut))
    g_cond_wait (&pool->changed, &pool->lock);
  is_wanted = !pool->quit;
  if (is_wanted)
    pool->n_wanted--;
  g_mutex_unlock (&pool->lock);
  return is_wanted;
}

static gpointer
run (gpointer data)
{
  while (wait_until_wanted (data))
    start_one (data);
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
    /* closes the connection; its user reaps it */
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

/* The next idle worker; if there is none, one is started. */
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

/* Skips workers that died while they were idle. */
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

/* The sandbox kills a worker that has used up its CPU time; the limit here is
 * lower, so that this does not happen during a job. */
static gboolean
has_time_left (SyrinxWorker *worker)
{
  struct timespec used;
  clockid_t clock;

  return worker->pid && clock_getcpuclockid (worker->pid, &clock) == 0
         && clock_gettime (clock, &used) == 0 && used.tv_sec < MAX_CPU_S;
}

void
syrinx_worker_pool_give (
    SyrinxWorkerPool *pool, SyrinxWorker *worker, gboolean reusable)
{
  gboolean keep = reusable && worker->is_at_rest && worker->n_jobs < MAX_JOBS
                  && has_time_left (worker);

  g_mutex_lock (&pool->lock);
  g_ptr_array_remove_fast (pool->out, worker);
  keep = keep && !pool->shut && g_queue_get_length (&pool->idle) < MAX_IDLE;
  if (keep)
    g_queue_push_head (&pool->idle, worker);
  g_cond_broadcast (&pool->changed);
  g_mutex_unlock (&pool->lock);
  if (!keep)
    worker_kill (worker);
}
