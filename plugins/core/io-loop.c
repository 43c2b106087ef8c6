/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared I/O loop: one thread on a GMainContext whose one source is an
 * epoll descriptor, so that ten thousand idle clients cost nothing a turn.
 * Layered streams add a source of their own only while they are blocked.
 *
 * Locks: the loop's and a client's are never held together, and neither during
 * I/O or a call-back. */
#include "error.h"
#include "io-private.h"

#include <gio/gfiledescriptorbased.h>

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_HIGH_BYTES (256 * 1024)
#define DEFAULT_LOW_BYTES  (64 * 1024)
#define DEFAULT_STALL_MS   30000
#define EVENTS_A_TURN      64
#define MIN_SWEEP_US       (50 * G_TIME_SPAN_MILLISECOND)

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
  int epoll_fd;
  GThread *thread;

  GMutex lock;
  GCond served;
  /* protected by lock */
  GHashTable *clients; /* &id → SyrinxClient */
  GArray *dirty;       /* ids that have something to send */
  SyrinxClient *current;
  guint64 next_id;

  /* loop thread only */
  GSource *source;
  GArray *turn;        /* dirty, as taken */
  GHashTable *blocked; /* set of &id */
  gint64 sweep_us;

  gint refs, quit; /* refs by instance_lock, quit atomic */
};

static GMutex instance_lock;
static SyrinxIoLoop *instance; /* protected by instance_lock */

G_DEFINE_BOXED_TYPE (
    SyrinxClient, syrinx_client, syrinx_client_ref, syrinx_client_unref)

SyrinxClient *
syrinx_client_ref (SyrinxClient *client)
{
  g_atomic_ref_count_inc (&client->refs);
  return client;
}

void
syrinx_client_unref (SyrinxClient *client)
{
  if (!g_atomic_ref_count_dec (&client->refs))
    return;
  g_queue_clear_full (&client->queue, (GDestroyNotify)g_bytes_unref);
  g_clear_object (&client->socket);
  g_clear_object (&client->stream);
  g_byte_array_unref (client->staged);
  g_mutex_clear (&client->lock);
  g_cond_clear (&client->written);
  syrinx_io_loop_unref (client->loop);
  g_free (client);
}

static void
mark_dirty (SyrinxClient *client)
{
  SyrinxIoLoop *loop = client->loop;
  gboolean wake;

  g_mutex_lock (&loop->lock);
  wake = loop->dirty->len == 0;
  g_array_append_val (loop->dirty, client->id);
  g_mutex_unlock (&loop->lock);
  if (wake)
    g_main_context_wakeup (loop->context);
}

/* Takes @client out of epoll and shuts its connection. A layer is not asked to
 * say good-bye, since that could block. */
static void
close_now (SyrinxClient *client)
{
  g_mutex_lock (&client->lock);
  client->closed = TRUE;
  g_mutex_unlock (&client->lock);
  if (client->writable) {
    g_source_destroy (client->writable);
    g_clear_pointer (&client->writable, g_source_unref);
  }
  if (client->socket)
    epoll_ctl (client->loop->epoll_fd, EPOLL_CTL_DEL,
        g_socket_get_fd (client->socket), NULL);
  else if (client->fd >= 0)
    epoll_ctl (client->loop->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
  if (client->fd < 0 && client->socket)
    g_socket_shutdown (client->socket, TRUE, TRUE, NULL);
  if (client->fd >= 0 && !client->fd_is_socket)
    (void)!fcntl (client->fd, F_SETFL, client->fd_flags);
  if (client->fd >= 0 || !client->socket)
    g_io_stream_close (client->stream, NULL, NULL);
}

static void
close_for (SyrinxClient *client, const GError *error)
{
  gboolean was_closed;

  g_mutex_lock (&client->lock);
  was_closed = client->closed;
  client->closed = TRUE;
  g_mutex_unlock (&client->lock);
  if (was_closed)
    return;
  client->blocked = FALSE;
  close_now (client);
  client->funcs.closed (client, error, client->user_data);
}

static SyrinxClient *
enter_client (SyrinxIoLoop *loop, guint64 id)
{
  SyrinxClient *client;

  g_mutex_lock (&loop->lock);
  if ((client = g_hash_table_lookup (loop->clients, &id))) {
    g_atomic_ref_count_inc (&client->refs);
    loop->current = client;
  }
  g_mutex_unlock (&loop->lock);
  return client;
}

static void
leave_client (SyrinxIoLoop *loop, SyrinxClient *client)
{
  g_mutex_lock (&loop->lock);
  loop->current = NULL;
  g_cond_broadcast (&loop->served);
  g_mutex_unlock (&loop->lock);
  syrinx_client_unref (client);
}

static void
note_blocked (SyrinxClient *client, gboolean progress)
{
  SyrinxIoLoop *loop = client->loop;
  gint64 now_us = g_get_monotonic_time (), due_us;

  if (progress || !client->blocked)
    client->progress_us = now_us;
  client->blocked = TRUE;
  if (!g_hash_table_contains (loop->blocked, &client->id))
    g_hash_table_add (
        loop->blocked, g_memdup2 (&client->id, sizeof client->id));
  due_us = client->progress_us
           + client->limits.stall_timeout_ms * G_TIME_SPAN_MILLISECOND;
  if (loop->sweep_us < 0 || due_us < loop->sweep_us) {
    loop->sweep_us = due_us;
    g_source_set_ready_time (loop->source, due_us);
  }
}

static void serve (SyrinxClient *client, gboolean hung_up);

static gboolean
on_writable (GObject *stream, gpointer user_data)
{
  SyrinxClient *client = user_data;
  SyrinxClient *entered = enter_client (client->loop, client->id);

  if (!entered)
    return G_SOURCE_REMOVE; /* removed: whoever did it has the source */
  g_clear_pointer (&client->writable, g_source_unref);
  serve (client, FALSE);
  leave_client (client->loop, client);
  return G_SOURCE_REMOVE;
}

static void
wait_writable (SyrinxClient *client)
{
  if (client->fd >= 0 || client->writable)
    return; /* edge-triggered epoll tells */
  client->writable = g_pollable_output_stream_create_source (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (client->stream)),
      NULL);
  g_atomic_ref_count_inc (&client->refs);
  g_source_set_callback (client->writable, G_SOURCE_FUNC (on_writable), client,
      (GDestroyNotify)syrinx_client_unref);
  g_source_attach (client->writable, client->loop->context);
}

static void
report_watermarks (SyrinxClient *client)
{
  gsize queued = syrinx_client_get_queued_bytes (client);

  if (!client->held && queued > client->limits.high_watermark_bytes) {
    client->held = TRUE;
    client->funcs.hold (client, client->user_data);
  } else if (client->held && queued <= client->limits.low_watermark_bytes) {
    client->held = FALSE;
    client->funcs.resume (client, client->user_data);
  }
}

static void
on_layer_closed (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  SyrinxClient *client = user_data;
  SyrinxClient *entered = enter_client (client->loop, client->id);

  g_io_stream_close_finish (G_IO_STREAM (stream), result, NULL);
  if (entered) {
    close_for (entered, NULL);
    leave_client (client->loop, entered);
  }
  syrinx_client_unref (client);
}

/* Unread input would make close() reset the connection, and what we sent could
 * be lost with it. */
static void
drain_input (int fd)
{
  gchar scrap[4096];

  for (guint i = 0; i < 16; i++)
    if (recv (fd, scrap, sizeof scrap, MSG_DONTWAIT) <= 0)
      return;
}

static void
finish_client (SyrinxClient *client)
{
  if (client->finishing)
    return;
  client->finishing = TRUE;
  if (client->fd >= 0) {
    if (client->fd_is_socket) {
      shutdown (client->fd, SHUT_WR);
      drain_input (client->fd);
    }
    close_for (client, NULL);
    return;
  }
  note_blocked (client, TRUE); /* bounds how long the good-bye may take */
  g_atomic_ref_count_inc (&client->refs);
  g_io_stream_close_async (
      client->stream, G_PRIORITY_DEFAULT, NULL, on_layer_closed, client);
}

static gboolean
begin_serving (SyrinxClient *client, gboolean *finish)
{
  gboolean closed;

  g_mutex_lock (&client->lock);
  client->dirty = FALSE;
  *finish = client->finish;
  closed = client->closed;
  g_mutex_unlock (&client->lock);
  return !closed && !client->finishing;
}

/* Hot. */
static void
serve (SyrinxClient *client, gboolean hung_up)
{
  g_autoptr (GError) error = NULL;
  gboolean finish;
  gsize written;
  SyrinxPump pump;

  if (!begin_serving (client, &finish))
    return;
  if (hung_up) {
    error = g_error_new (
        SYRINX_ERROR, SYRINX_ERROR_CANCELLED, "The client hung up");
    close_for (client, error);
    return;
  }
  pump = syrinx_client_pump (client, &written, &error);
  if (pump == SYRINX_PUMP_FAILED) {
    close_for (client, error);
    return;
  }
  if (pump == SYRINX_PUMP_BLOCKED) {
    note_blocked (client, written > 0);
    wait_writable (client);
  } else
    client->blocked = FALSE;
  if (pump == SYRINX_PUMP_MORE)
    mark_dirty (client);
  report_watermarks (client);
  if (pump == SYRINX_PUMP_EMPTY && finish
      && !g_atomic_int_get (&client->removed))
    finish_client (client);
}

static void
serve_id (SyrinxIoLoop *loop, guint64 id, gboolean hung_up)
{
  SyrinxClient *client = enter_client (loop, id);

  if (!client)
    return;
  serve (client, hung_up);
  leave_client (loop, client);
}

static void
serve_dirty (SyrinxIoLoop *loop)
{
  GArray *turn;

  g_mutex_lock (&loop->lock);
  turn = loop->dirty;
  loop->dirty = loop->turn;
  loop->turn = turn;
  g_mutex_unlock (&loop->lock);
  for (guint i = 0; i < turn->len; i++)
    serve_id (loop, g_array_index (turn, guint64, i), FALSE);
  g_array_set_size (turn, 0);
}

static void
serve_epoll (SyrinxIoLoop *loop)
{
  struct epoll_event events[EVENTS_A_TURN];
  int n = epoll_wait (loop->epoll_fd, events, EVENTS_A_TURN, 0);

  for (int i = 0; i < n; i++)
    serve_id (loop, events[i].data.u64,
        (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

/* Returns: when @id's time is up, or -1 if it waits for nothing */
static gint64
check_stall (SyrinxIoLoop *loop, guint64 id, gint64 now_us)
{
  SyrinxClient *client = enter_client (loop, id);
  gint64 due_us = -1;

  if (!client)
    return -1;
  if (client->blocked)
    due_us = client->progress_us
             + client->limits.stall_timeout_ms * G_TIME_SPAN_MILLISECOND;
  if (due_us >= 0 && due_us <= now_us) {
    g_autoptr (GError) error = g_error_new (SYRINX_ERROR,
        SYRINX_ERROR_TIMED_OUT, "The client took nothing for %u ms",
        client->limits.stall_timeout_ms);
    close_for (client, error);
    due_us = -1;
  }
  leave_client (loop, client);
  return due_us;
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
    gint64 due_us = check_stall (loop, *(guint64 *)ids[i], now_us);
    if (due_us < 0)
      g_hash_table_remove (loop->blocked, ids[i]);
    else if (next_us < 0 || due_us < next_us)
      next_us = due_us;
  }
  if (next_us >= 0)
    loop->sweep_us = MAX (next_us, now_us + MIN_SWEEP_US);
  g_source_set_ready_time (loop->source, loop->sweep_us);
}

static gboolean
has_dirty (SyrinxIoLoop *loop)
{
  gboolean dirty;

  g_mutex_lock (&loop->lock);
  dirty = loop->dirty->len > 0;
  g_mutex_unlock (&loop->lock);
  return dirty;
}

static gboolean
source_prepare (GSource *source, gint *timeout_ms)
{
  *timeout_ms = -1;
  return has_dirty (((LoopSource *)source)->loop);
}

static gboolean
source_check (GSource *source)
{
  LoopSource *self = (LoopSource *)source;

  return g_source_query_unix_fd (source, self->tag) != 0
         || has_dirty (self->loop);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  LoopSource *self = (LoopSource *)source;
  SyrinxIoLoop *loop = self->loop;

  serve_dirty (loop);
  if (g_source_query_unix_fd (source, self->tag))
    serve_epoll (loop);
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
  close (loop->epoll_fd);
  g_hash_table_unref (loop->clients);
  g_hash_table_unref (loop->blocked);
  g_array_unref (loop->dirty);
  g_array_unref (loop->turn);
  g_mutex_clear (&loop->lock);
  g_cond_clear (&loop->served);
  g_free (loop);
}

/* @quit: 1, who let go of the loop waits and frees it; 2, it was this thread */
static gpointer
loop_thread (gpointer data)
{
  SyrinxIoLoop *loop = data;
  sigset_t all;

  /* No signal ends up here; above all no SIGPIPE of a closed pipe. */
  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
  g_main_context_push_thread_default (loop->context);
  while (!g_atomic_int_get (&loop->quit))
    g_main_context_iteration (loop->context, TRUE);
  g_main_context_pop_thread_default (loop->context);
  if (g_atomic_int_get (&loop->quit) == 2)
    free_loop (loop);
  return NULL;
}

static SyrinxIoLoop *
new_loop (void)
{
  static GSourceFuncs funcs
      = { source_prepare, source_check, source_dispatch, NULL };
  SyrinxIoLoop *loop = g_new0 (SyrinxIoLoop, 1);

  loop->context = g_main_context_new ();
  loop->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (loop->epoll_fd < 0)
    g_error ("No descriptor for the I/O loop: %s", g_strerror (errno));
  loop->clients = g_hash_table_new (g_int64_hash, g_int64_equal);
  loop->blocked
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  loop->dirty = g_array_new (FALSE, FALSE, sizeof (guint64));
  loop->turn = g_array_new (FALSE, FALSE, sizeof (guint64));
  loop->sweep_us = -1;
  loop->refs = 1;
  g_mutex_init (&loop->lock);
  g_cond_init (&loop->served);
  loop->source = g_source_new (&funcs, sizeof (LoopSource));
  ((LoopSource *)loop->source)->loop = loop;
  ((LoopSource *)loop->source)->tag
      = g_source_add_unix_fd (loop->source, loop->epoll_fd, G_IO_IN);
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
  gboolean inside = thread == g_thread_self (), last;

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

/* The socket under @stream and its layers (TLS, libsoup's wrapper). */
static GSocket *
find_socket (GIOStream *stream)
{
  static const gchar *const names[] = { "base-io-stream", "base-iostream" };
  g_autoptr (GIOStream) base = NULL;

  if (G_IS_SOCKET_CONNECTION (stream) && !G_IS_TCP_WRAPPER_CONNECTION (stream))
    return g_object_ref (
        g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  for (guint i = 0; i < G_N_ELEMENTS (names) && !base; i++)
    if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream), names[i]))
      g_object_get (stream, names[i], &base, NULL);
  return base ? find_socket (base) : NULL;
}

/* Only an output stream that is the descriptor itself may be written to by it:
 * a layer's is another type. */
static void
take_descriptor (SyrinxClient *client)
{
  GOutputStream *output = g_io_stream_get_output_stream (client->stream);
  int type;
  socklen_t size = sizeof type;

  client->socket = find_socket (client->stream);
  client->fd = -1;
  if (!G_IS_FILE_DESCRIPTOR_BASED (output))
    return;
  client->fd
      = g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (output));
  client->fd_is_socket
      = getsockopt (client->fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  client->fd_flags = fcntl (client->fd, F_GETFL);
  if (!client->fd_is_socket)
    (void)!fcntl (client->fd, F_SETFL, client->fd_flags | O_NONBLOCK);
}

/* A layer's descriptor is watched for the peer's leaving only. */
static void
watch_descriptor (SyrinxClient *client)
{
  struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET };
  int fd = client->fd >= 0  ? client->fd
           : client->socket ? g_socket_get_fd (client->socket)
                            : -1;

  if (client->fd >= 0)
    event.events |= EPOLLOUT;
  event.data.u64 = client->id;
  if (fd >= 0 && epoll_ctl (client->loop->epoll_fd, EPOLL_CTL_ADD, fd, &event)
      && errno != EPERM) /* a regular file is always writable */
    g_warning ("The I/O loop can't watch a client: %s", g_strerror (errno));
}

static void
set_limits (SyrinxClientLimits *limits, const SyrinxClientLimits *given)
{
  if (given)
    *limits = *given;
  if (!limits->high_watermark_bytes)
    limits->high_watermark_bytes = DEFAULT_HIGH_BYTES;
  if (!limits->low_watermark_bytes)
    limits->low_watermark_bytes = DEFAULT_LOW_BYTES;
  limits->low_watermark_bytes
      = MIN (limits->low_watermark_bytes, limits->high_watermark_bytes);
  if (!limits->stall_timeout_ms)
    limits->stall_timeout_ms = DEFAULT_STALL_MS;
}

SyrinxClient *
syrinx_io_loop_add (SyrinxIoLoop *loop, GIOStream *stream,
    const SyrinxClientLimits *limits, const SyrinxClientFuncs *funcs,
    gpointer user_data)
{
  SyrinxClient *client = g_new0 (SyrinxClient, 1);

  client->loop = syrinx_io_loop_ref (loop);
  client->stream = stream;
  client->funcs = *funcs;
  client->user_data = user_data;
  client->staged = g_byte_array_new ();
  g_queue_init (&client->queue);
  g_mutex_init (&client->lock);
  g_cond_init (&client->written);
  g_atomic_ref_count_init (&client->refs);
  set_limits (&client->limits, limits);
  take_descriptor (client);
  g_mutex_lock (&loop->lock);
  client->id = ++loop->next_id;
  g_hash_table_insert (loop->clients, &client->id, client);
  g_mutex_unlock (&loop->lock);
  watch_descriptor (client);
  return client;
}

gboolean
syrinx_client_send (SyrinxClient *client, GBytes *bytes)
{
  gboolean open, mark = FALSE;

  g_mutex_lock (&client->lock);
  open = !client->closed && !client->finish;
  if (open && g_bytes_get_size (bytes) > 0) {
    g_queue_push_tail (&client->queue, g_bytes_ref (bytes));
    client->queued_bytes += g_bytes_get_size (bytes);
    mark = !client->dirty;
    client->dirty = TRUE;
  }
  g_mutex_unlock (&client->lock);
  if (mark)
    mark_dirty (client);
  return open;
}

void
syrinx_client_drop (SyrinxClient *client)
{
  gboolean inside = client->loop->thread == g_thread_self ();

  g_mutex_lock (&client->lock);
  while (client->writing && !inside)
    g_cond_wait (&client->written, &client->lock);
  g_queue_clear_full (&client->queue, (GDestroyNotify)g_bytes_unref);
  client->offset = client->queued_bytes = 0;
  client->dropped = TRUE;
  g_mutex_unlock (&client->lock);
  mark_dirty (client); /* a blocked client that is finished may now close */
}

void
syrinx_client_finish (SyrinxClient *client)
{
  g_mutex_lock (&client->lock);
  client->finish = TRUE;
  g_mutex_unlock (&client->lock);
  mark_dirty (client);
}

static gboolean
is_closed (SyrinxClient *client)
{
  gboolean closed;

  g_mutex_lock (&client->lock);
  closed = client->closed;
  g_mutex_unlock (&client->lock);
  return closed;
}

void
syrinx_client_remove (SyrinxClient *client)
{
  SyrinxIoLoop *loop = client->loop;
  gboolean inside = loop->thread == g_thread_self ();

  g_atomic_int_set (&client->removed, TRUE);
  g_mutex_lock (&loop->lock);
  g_hash_table_remove (loop->clients, &client->id);
  while (loop->current == client && !inside)
    g_cond_wait (&loop->served, &loop->lock);
  g_mutex_unlock (&loop->lock);
  if (!is_closed (client))
    close_now (client);
  syrinx_client_unref (client);
}

gsize
syrinx_client_get_queued_bytes (SyrinxClient *client)
{
  gsize size;

  g_mutex_lock (&client->lock);
  size = client->queued_bytes;
  g_mutex_unlock (&client->lock);
  return size;
}

guint64
syrinx_client_get_sent_bytes (SyrinxClient *client)
{
  guint64 size;

  g_mutex_lock (&client->lock);
  size = client->sent_bytes;
  g_mutex_unlock (&client->lock);
  return size;
}
