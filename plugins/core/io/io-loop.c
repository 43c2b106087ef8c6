/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared I/O loop, from its making to its end.
 *
 * The first syrinx_io_loop_get() makes it, with the backend that SYRINX_IO
 * names, and starts its thread; dropping the last reference ends both. Each
 * client holds a reference, so the loop's own thread may drop the last one;
 * then the thread is not joined, but frees the loop when it ends.
 *
 * There is one thread, on a GMainContext whose only permanent source is the
 * backend's descriptor, so that idle clients cost nothing per turn. A turn:
 *
 *   1. It sleeps in poll() until the backend has something to tell, a client
 *      has something to send (syrinx_io_loop_mark_dirty() wakes the thread if
 *      it sleeps), or a blocked client's time is up.
 *   2. The backend's events are collected: which clients are writable again,
 *      and which have hung up.
 *   3. The clients that have something to send are served in the order in which
 *      they were marked dirty, each with a bounded number of bytes. A client
 *      that has more is served again in the next turn.
 *   4. Clients that were blocked for longer than their limit are closed.
 *
 * The loop, the kernel and sources refer to a client by its id, never by a
 * pointer. While the thread uses a client it has entered it
 * (syrinx_io_loop_enter() to syrinx_io_loop_leave()): it has looked up the id
 * and holds a reference. syrinx_client_remove() removes the id and waits until
 * the thread has left the client, so that nothing runs for it afterwards;
 * called by the thread itself it does not wait. See io-client.c for a client's
 * life and io-write.c for the writing.
 *
 * Locks: the loop's and a client's are never held together, and neither is held
 * during I/O or a callback. instance_lock protects the pointer to the process's
 * loop and its references, and is never held together with another lock. */
#include "io-loop.h"
#include "core/base/error.h"
#include "io-backend.h"

#include <glib-unix.h>
#include <signal.h>

#define MIN_SWEEP_US (50 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  GSource source;
  SyrinxIoLoop *loop;
  gpointer tag;
} LoopSource;

struct _SyrinxIoLoop
{
  /* constant after init */
  GMainContext *context;
  SyrinxIoBackend *backend;
  GThread *thread;

  GMutex lock;
  GCond left;
  /* protected by lock */
  GHashTable *clients; /* &id → SyrinxClient */
  GArray *dirty;       /* ids that have something to send */
  guint left_waiters;
  gboolean sleeping; /* TRUE also when about to sleep */
  guint64 next_id;

  /* loop thread only */
  GSource *source;
  GArray *turn;        /* the ids of this turn, taken from dirty */
  GHashTable *blocked; /* set of &id */
  gint64 sweep_us;

  guint64 turns, writes, written_bytes, system_calls; /* atomic; see add_to() */

  gint refs, quit; /* refs protected by instance_lock; quit atomic */
};

static const gchar *const choices[] = { "epoll", "io_uring", "auto", NULL };

static GMutex instance_lock;
static SyrinxIoLoop *instance; /* protected by instance_lock */

gboolean
syrinx_io_loop_is_inside (SyrinxIoLoop *loop)
{
  return loop->thread == g_thread_self ();
}

GMainContext *
syrinx_io_loop_get_context (SyrinxIoLoop *loop)
{
  return loop->context;
}

/* --- Clients --- */

void
syrinx_io_loop_enlist (SyrinxIoLoop *loop, SyrinxClient *client)
{
  g_mutex_lock (&loop->lock);
  client->id = ++loop->next_id;
  g_hash_table_insert (loop->clients, &client->id, client);
  g_mutex_unlock (&loop->lock);
  loop->backend->klass->watch (loop->backend, client);
}

void
syrinx_io_loop_strike (SyrinxIoLoop *loop, SyrinxClient *client)
{
  gboolean inside = syrinx_io_loop_is_inside (loop);

  g_mutex_lock (&loop->lock);
  g_hash_table_remove (loop->clients, &client->id);
  loop->left_waiters++;
  while (client->entered > 0 && !inside)
    g_cond_wait (&loop->left, &loop->lock);
  loop->left_waiters--;
  g_mutex_unlock (&loop->lock);
}

void
syrinx_io_loop_unwatch (SyrinxIoLoop *loop, SyrinxClient *client)
{
  loop->backend->klass->unwatch (loop->backend, client);
}

void
syrinx_io_loop_mark_dirty (SyrinxIoLoop *loop, guint64 id)
{
  gboolean wake;

  g_mutex_lock (&loop->lock);
  wake = loop->sleeping;
  loop->sleeping = FALSE;
  g_array_append_val (loop->dirty, id);
  g_mutex_unlock (&loop->lock);
  if (wake)
    g_main_context_wakeup (loop->context);
}

void
syrinx_io_loop_enter (
    SyrinxIoLoop *loop, const guint64 *ids, guint n, SyrinxClient **clients)
{
  g_mutex_lock (&loop->lock);
  for (guint i = 0; i < n; i++)
    if ((clients[i] = g_hash_table_lookup (loop->clients, &ids[i]))) {
      syrinx_client_ref (clients[i]);
      clients[i]->entered++;
    }
  g_mutex_unlock (&loop->lock);
}

/* Signals only if needed: GLib's conditions make a system call even if no
 * thread waits. */
void
syrinx_io_loop_leave (SyrinxIoLoop *loop, SyrinxClient **clients, guint n)
{
  g_mutex_lock (&loop->lock);
  for (guint i = 0; i < n; i++)
    if (clients[i])
      clients[i]->entered--;
  if (loop->left_waiters > 0)
    g_cond_broadcast (&loop->left);
  g_mutex_unlock (&loop->lock);
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&clients[i], syrinx_client_unref);
}

typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
} Call;

static gboolean
run_call (gpointer user_data)
{
  const Call *call = user_data;

  call->func (call->data);
  return G_SOURCE_REMOVE;
}

void
syrinx_io_loop_call (
    SyrinxIoLoop *loop, void (*func) (gpointer data), gpointer data)
{
  const Call call = { func, data };
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (
      source, run_call, g_memdup2 (&call, sizeof call), g_free);
  g_source_attach (source, loop->context);
  g_source_unref (source);
}

/* --- Deadlines --- */

static gint64
due_us (SyrinxClient *client)
{
  return client->progress_us
         + client->limits.stall_timeout_ms * G_TIME_SPAN_MILLISECOND;
}

void
syrinx_io_loop_expect_progress (SyrinxIoLoop *loop, SyrinxClient *client)
{
  gint64 at_us = due_us (client);

  if (!g_hash_table_contains (loop->blocked, &client->id))
    g_hash_table_add (
        loop->blocked, g_memdup2 (&client->id, sizeof client->id));
  if (loop->sweep_us < 0 || at_us < loop->sweep_us) {
    loop->sweep_us = at_us;
    g_source_set_ready_time (loop->source, at_us);
  }
}

/* Returns: when @id's time limit ends, or -1 if it is not blocked */
static gint64
check_stall (SyrinxIoLoop *loop, guint64 id, gint64 now_us)
{
  SyrinxClient *client;
  gint64 at_us = -1;

  syrinx_io_loop_enter (loop, &id, 1, &client);
  if (!client)
    return -1;
  if (client->blocked)
    at_us = due_us (client);
  if (at_us >= 0 && at_us <= now_us) {
    g_autoptr (GError) error = g_error_new (SYRINX_ERROR,
        SYRINX_ERROR_TIMED_OUT, "The client took nothing for %u ms",
        client->limits.stall_timeout_ms);
    syrinx_client_close_for (client, error);
    at_us = -1;
  }
  syrinx_io_loop_leave (loop, &client, 1);
  return at_us;
}

static void
sweep_stalled (SyrinxIoLoop *loop)
{
  gint64 now_us = g_get_monotonic_time (), next_us = -1;
  g_autofree gpointer *ids = NULL;
  guint n;

  loop->sweep_us = -1;
  ids = g_hash_table_get_keys_as_array (loop->blocked, &n);
  for (guint i = 0; i < n; i++) {
    gint64 at_us = check_stall (loop, *(guint64 *)ids[i], now_us);
    if (at_us < 0)
      g_hash_table_remove (loop->blocked, ids[i]);
    else if (next_us < 0 || at_us < next_us)
      next_us = at_us;
  }
  if (next_us >= 0)
    loop->sweep_us = MAX (next_us, now_us + MIN_SWEEP_US);
  g_source_set_ready_time (loop->source, loop->sweep_us);
}

/* --- Statistics --- */

/* Only the loop's thread adds; other threads may read meanwhile. */
static void
add_to (guint64 *counter, guint64 by)
{
  __atomic_store_n (counter, *counter + by, __ATOMIC_RELAXED);
}

void
syrinx_io_loop_count (
    SyrinxIoLoop *loop, guint writes, gsize written_bytes, guint system_calls)
{
  add_to (&loop->writes, writes);
  add_to (&loop->written_bytes, written_bytes);
  add_to (&loop->system_calls, system_calls);
}

void
syrinx_io_loop_get_stats (SyrinxIoLoop *loop, SyrinxIoStats *stats)
{
  stats->backend = loop->backend->klass->name;
  g_mutex_lock (&loop->lock);
  stats->clients = g_hash_table_size (loop->clients);
  g_mutex_unlock (&loop->lock);
  stats->turns = __atomic_load_n (&loop->turns, __ATOMIC_RELAXED);
  stats->writes = __atomic_load_n (&loop->writes, __ATOMIC_RELAXED);
  stats->written_bytes
      = __atomic_load_n (&loop->written_bytes, __ATOMIC_RELAXED);
  stats->system_calls = __atomic_load_n (&loop->system_calls, __ATOMIC_RELAXED);
}

/* --- Turns --- */

static void
serve_dirty (SyrinxIoLoop *loop)
{
  GArray *turn;

  g_mutex_lock (&loop->lock);
  turn = loop->dirty;
  loop->dirty = loop->turn;
  loop->turn = turn;
  g_mutex_unlock (&loop->lock);
  if (turn->len > 0)
    loop->backend->klass->serve (
        loop->backend, (const guint64 *)turn->data, turn->len);
  g_array_set_size (turn, 0);
}

static gboolean
has_dirty (SyrinxIoLoop *loop, gboolean sleep_without)
{
  gboolean dirty;

  g_mutex_lock (&loop->lock);
  dirty = loop->dirty->len > 0;
  loop->sleeping = sleep_without && !dirty;
  g_mutex_unlock (&loop->lock);
  return dirty;
}

static gboolean
source_prepare (GSource *source, gint *timeout_ms)
{
  *timeout_ms = -1;
  return has_dirty (((LoopSource *)source)->loop, TRUE);
}

static gboolean
source_check (GSource *source)
{
  LoopSource *self = (LoopSource *)source;

  return has_dirty (self->loop, FALSE)
         || g_source_query_unix_fd (source, self->tag) != 0;
}

static gboolean
source_dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  LoopSource *self = (LoopSource *)source;
  SyrinxIoLoop *loop = self->loop;

  add_to (&loop->turns, 1);
  if (g_source_query_unix_fd (source, self->tag))
    loop->backend->klass->collect (loop->backend);
  serve_dirty (loop);
  if (loop->sweep_us >= 0 && g_get_monotonic_time () >= loop->sweep_us)
    sweep_stalled (loop);
  return G_SOURCE_CONTINUE;
}

static void
free_loop (SyrinxIoLoop *loop)
{
  g_source_destroy (loop->source);
  g_source_unref (loop->source);
  g_main_context_unref (loop->context);
  loop->backend->klass->free (loop->backend);
  g_hash_table_unref (loop->clients);
  g_hash_table_unref (loop->blocked);
  g_array_unref (loop->dirty);
  g_array_unref (loop->turn);
  g_mutex_clear (&loop->lock);
  g_cond_clear (&loop->left);
  g_free (loop);
}

/* @quit: 1, the thread that dropped the last reference joins this one and frees
 * the loop; 2, this thread dropped it and frees the loop itself. */
static gpointer
loop_thread (gpointer data)
{
  SyrinxIoLoop *loop = data;
  sigset_t all;

  /* Blocks all signals in this thread, above all SIGPIPE from a closed pipe. */
  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
  g_main_context_push_thread_default (loop->context);
  if (loop->backend->klass->start)
    loop->backend->klass->start (loop->backend);
  while (!g_atomic_int_get (&loop->quit))
    g_main_context_iteration (loop->context, TRUE);
  g_main_context_pop_thread_default (loop->context);
  if (g_atomic_int_get (&loop->quit) == 2)
    free_loop (loop);
  return NULL;
}

static SyrinxIoBackend *
new_backend (SyrinxIoLoop *loop)
{
  const gchar *wish = g_getenv ("SYRINX_IO");
  g_autoptr (GError) refusal = NULL, error = NULL;
  SyrinxIoBackend *backend = NULL;

  if (wish && *wish && !g_strv_contains (choices, wish))
    g_warning ("SYRINX_IO=%s is none of epoll, io_uring, auto", wish);
  if (g_strcmp0 (wish, "epoll") != 0)
    backend = syrinx_io_uring_new (loop, &refusal);
  if (refusal && g_strcmp0 (wish, "io_uring") == 0)
    g_warning ("%s; epoll serves instead", refusal->message);
  else if (refusal)
    g_debug ("%s; epoll serves instead", refusal->message);
  if (!backend)
    backend = syrinx_io_epoll_new (loop, &error);
  if (!backend)
    g_error ("%s", error->message);
  return backend;
}

static SyrinxIoLoop *
new_loop (void)
{
  static GSourceFuncs funcs
      = { source_prepare, source_check, source_dispatch, NULL };
  SyrinxIoLoop *loop = g_new0 (SyrinxIoLoop, 1);

  loop->context = g_main_context_new ();
  loop->backend = new_backend (loop);
  loop->clients = g_hash_table_new (g_int64_hash, g_int64_equal);
  loop->blocked
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  loop->dirty = g_array_new (FALSE, FALSE, sizeof (guint64));
  loop->turn = g_array_new (FALSE, FALSE, sizeof (guint64));
  loop->sweep_us = -1;
  loop->refs = 1;
  g_mutex_init (&loop->lock);
  g_cond_init (&loop->left);
  loop->source = g_source_new (&funcs, sizeof (LoopSource));
  ((LoopSource *)loop->source)->loop = loop;
  ((LoopSource *)loop->source)->tag
      = g_source_add_unix_fd (loop->source, loop->backend->fd, G_IO_IN);
  /* It does not recurse; but otherwise GLib would remove the descriptor from
   * its poll set during every dispatch, and wake itself for that. */
  g_source_set_can_recurse (loop->source, TRUE);
  g_source_attach (loop->source, loop->context);
  loop->thread = g_thread_new ("syrinx-io", loop_thread, loop);
  return loop;
}

SyrinxIoLoop *
syrinx_io_loop_get (void)
{
  SyrinxIoLoop *loop;

  g_mutex_lock (&instance_lock);
  if (instance)
    instance->refs++;
  else
    instance = new_loop ();
  loop = instance;
  g_mutex_unlock (&instance_lock);
  return loop;
}

SyrinxIoLoop *
syrinx_io_loop_ref (SyrinxIoLoop *loop)
{
  g_mutex_lock (&instance_lock);
  loop->refs++;
  g_mutex_unlock (&instance_lock);
  return loop;
}

void
syrinx_io_loop_unref (SyrinxIoLoop *loop)
{
  GThread *thread = loop->thread;
  gboolean inside = syrinx_io_loop_is_inside (loop), last;

  g_mutex_lock (&instance_lock);
  last = --loop->refs == 0;
  if (last)
    instance = NULL;
  g_mutex_unlock (&instance_lock);
  if (!last)
    return;
  g_atomic_int_set (&loop->quit, inside ? 2 : 1);
  if (inside) {
    g_thread_unref (thread);
    return;
  }
  g_main_context_wakeup (loop->context);
  g_thread_join (thread);
  free_loop (loop);
}
