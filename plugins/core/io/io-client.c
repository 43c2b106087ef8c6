/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client of the I/O loop: its connection, its queue, its watermarks and its
 * closing. A layered stream has a GSource of its own in the loop's context,
 * only while it is blocked. */
#include "core/base/error.h"
#include "io-backend.h"

#include <gio/gfiledescriptorbased.h>

#include <fcntl.h>
#include <sys/socket.h>

#define DEFAULT_HIGH_BYTES (256 * 1024)
#define DEFAULT_LOW_BYTES  (64 * 1024)
#define DEFAULT_STALL_MS   30000

G_DEFINE_BOXED_TYPE (
    SyrinxClient, syrinx_client, syrinx_client_ref, syrinx_client_unref)

SyrinxClient *
syrinx_client_ref (SyrinxClient *client)
{
  g_atomic_int_inc (&client->refs);
  return client;
}

void
syrinx_client_unref (SyrinxClient *client)
{
  if (!g_atomic_int_dec_and_test (&client->refs))
    return;
  syrinx_io_queue_clear (&client->queue);
  g_clear_object (&client->socket);
  g_clear_object (&client->stream);
  g_byte_array_unref (client->staged);
  g_mutex_clear (&client->lock);
  g_cond_clear (&client->written);
  syrinx_io_loop_unref (client->loop);
  g_free (client);
}

/* --- Closing --- */

/* Closes the connection. A layer (TLS) is not closed properly first, since that
 * could block. */
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
  syrinx_io_loop_unwatch (client->loop, client);
  if (client->layer_fd >= 0)
    shutdown (client->layer_fd, SHUT_RDWR);
  else if (client->fd < 0 && client->socket)
    g_socket_shutdown (client->socket, TRUE, TRUE, NULL);
  if (client->fd >= 0 && !client->fd_is_socket)
    (void)!fcntl (client->fd, F_SETFL, client->fd_flags);
  if (client->fd >= 0 || (client->layer_fd < 0 && !client->socket))
    g_io_stream_close (client->stream, NULL, NULL);
}

void
syrinx_client_close_for (SyrinxClient *client, const GError *error)
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

static void
on_layer_closed (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  SyrinxClient *client = user_data, *entered;

  syrinx_io_loop_enter (client->loop, &client->id, 1, &entered);
  g_io_stream_close_finish (G_IO_STREAM (stream), result, NULL);
  if (entered) {
    syrinx_client_close_for (entered, NULL);
    syrinx_io_loop_leave (client->loop, &entered, 1);
  }
  syrinx_client_unref (client);
}

/* With unread input, close() would reset the connection, and data that is still
 * being sent could be lost. */
static void
drain_input (int fd)
{
  gchar scrap[4096];

  for (guint i = 0; i < 16; i++)
    if (recv (fd, scrap, sizeof scrap, MSG_DONTWAIT) <= 0)
      return;
}

static void
note_blocked (SyrinxClient *client, gboolean progress)
{
  if (progress || !client->blocked)
    client->progress_us = g_get_monotonic_time ();
  client->blocked = TRUE;
  syrinx_io_loop_expect_progress (client->loop, client);
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
    syrinx_client_close_for (client, NULL);
    return;
  }
  note_blocked (client, TRUE); /* bounds the time for closing the layer */
  g_atomic_int_inc (&client->refs);
  g_io_stream_close_async (
      client->stream, G_PRIORITY_DEFAULT, NULL, on_layer_closed, client);
}

/* --- Serving --- */

static gboolean
on_writable (GObject *stream, gpointer user_data)
{
  SyrinxClient *client = user_data, *entered;

  syrinx_io_loop_enter (client->loop, &client->id, 1, &entered);
  if (!entered)
    return G_SOURCE_REMOVE; /* the thread that removed it has the source */
  g_clear_pointer (&client->writable, g_source_unref);
  syrinx_client_serve (client, FALSE);
  syrinx_io_loop_leave (client->loop, &entered, 1);
  return G_SOURCE_REMOVE;
}

static void
wait_writable (SyrinxClient *client)
{
  if (client->fd >= 0 || client->writable)
    return; /* the backend watches it */
  client->writable = g_pollable_output_stream_create_source (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (client->stream)),
      NULL);
  g_atomic_int_inc (&client->refs);
  g_source_set_callback (client->writable, G_SOURCE_FUNC (on_writable), client,
      (GDestroyNotify)syrinx_client_unref);
  g_source_attach (client->writable, syrinx_io_loop_get_context (client->loop));
}

/* @hold: it is over the high watermark now; @resume: it is at or under the low
 * one again; @end: everything is sent and it shall finish */
static void
look_at_queue (
    SyrinxClient *client, gboolean *hold, gboolean *resume, gboolean *end)
{
  g_mutex_lock (&client->lock);
  *hold = !client->held
          && client->queued_bytes > client->limits.high_watermark_bytes;
  *resume = client->held
            && client->queued_bytes <= client->limits.low_watermark_bytes;
  *end = client->finish && client->queue.n == 0;
  g_mutex_unlock (&client->lock);
}

gboolean
syrinx_client_is_settled (SyrinxClient *client)
{
  gboolean hold, resume, end;

  look_at_queue (client, &hold, &resume, &end);
  return !hold && !resume && !end;
}

void
syrinx_client_settle (
    SyrinxClient *client, SyrinxPump pump, gsize written, const GError *error)
{
  gboolean hold, resume, end;

  if (pump == SYRINX_PUMP_FAILED) {
    syrinx_client_close_for (client, error);
    return;
  }
  client->blocked = client->blocked && pump == SYRINX_PUMP_BLOCKED;
  if (pump == SYRINX_PUMP_BLOCKED) {
    note_blocked (client, written > 0);
    wait_writable (client);
  }
  if (pump == SYRINX_PUMP_MORE)
    syrinx_io_loop_mark_dirty (client->loop, client->id);
  look_at_queue (client, &hold, &resume, &end);
  client->held = (client->held || hold) && !resume;
  if (hold)
    client->funcs.hold (client, client->user_data);
  else if (resume)
    client->funcs.resume (client, client->user_data);
  if (pump == SYRINX_PUMP_EMPTY && end && !g_atomic_int_get (&client->removed))
    finish_client (client);
}

gboolean
syrinx_client_begin_serving (SyrinxClient *client)
{
  gboolean closed;

  g_mutex_lock (&client->lock);
  client->dirty = FALSE;
  closed = client->closed;
  g_mutex_unlock (&client->lock);
  return !closed && !client->finishing;
}

/* Hot. */
void
syrinx_client_serve (SyrinxClient *client, gboolean hung_up)
{
  g_autoptr (GError) error = NULL;
  gsize written = 0;
  guint calls;
  SyrinxPump pump;

  if (!syrinx_client_begin_serving (client))
    return;
  if (hung_up) {
    error = g_error_new (
        SYRINX_ERROR, SYRINX_ERROR_CANCELLED, "The client hung up");
    pump = SYRINX_PUMP_FAILED;
  } else {
    pump = syrinx_client_pump (client, &written, &calls, &error);
    syrinx_io_loop_count (client->loop, calls, written, calls);
  }
  syrinx_client_settle (client, pump, written, error);
}

/* --- Adding --- */

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

/* Only a file-descriptor based output stream may be written to by descriptor. A
 * layer's output stream is not one. */
static void
take_descriptor (SyrinxClient *client)
{
  GOutputStream *output = g_io_stream_get_output_stream (client->stream);
  int type;
  socklen_t size = sizeof type;

  client->socket = find_socket (client->stream);
  client->fd = client->layer_fd = -1;
  if (!G_IS_FILE_DESCRIPTOR_BASED (output)) {
    if (G_IS_FILE_DESCRIPTOR_BASED (client->stream))
      client->layer_fd = g_file_descriptor_based_get_fd (
          G_FILE_DESCRIPTOR_BASED (client->stream));
    return;
  }
  client->fd
      = g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (output));
  client->fd_is_socket
      = getsockopt (client->fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  client->fd_flags = fcntl (client->fd, F_GETFL);
  if (!client->fd_is_socket)
    (void)!fcntl (client->fd, F_SETFL, client->fd_flags | O_NONBLOCK);
}

int
syrinx_client_get_watched_fd (SyrinxClient *client)
{
  if (client->fd >= 0 || client->layer_fd >= 0)
    return MAX (client->fd, client->layer_fd);
  return client->socket ? g_socket_get_fd (client->socket) : -1;
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
  g_mutex_init (&client->lock);
  g_cond_init (&client->written);
  client->refs = 1;
  set_limits (&client->limits, limits);
  take_descriptor (client);
  syrinx_io_loop_enlist (loop, client);
  return client;
}

/* --- Public functions --- */

gboolean
syrinx_client_send (SyrinxClient *client, GBytes *bytes)
{
  gboolean open, mark = FALSE;

  g_mutex_lock (&client->lock);
  open = !client->closed && !client->finish;
  if (open && g_bytes_get_size (bytes) > 0) {
    syrinx_io_queue_push (&client->queue, bytes);
    client->queued_bytes += g_bytes_get_size (bytes);
    mark = !client->dirty;
    client->dirty = TRUE;
  }
  g_mutex_unlock (&client->lock);
  if (mark)
    syrinx_io_loop_mark_dirty (client->loop, client->id);
  return open;
}

void
syrinx_client_drop (SyrinxClient *client)
{
  gboolean inside = syrinx_io_loop_is_inside (client->loop);

  g_mutex_lock (&client->lock);
  client->written_waiters++;
  while (client->writing && !inside)
    g_cond_wait (&client->written, &client->lock);
  client->written_waiters--;
  syrinx_io_queue_clear (&client->queue);
  client->offset = client->queued_bytes = 0;
  client->dropped = TRUE;
  g_mutex_unlock (&client->lock);
  /* a blocked client that is finished may now close */
  syrinx_io_loop_mark_dirty (client->loop, client->id);
}

void
syrinx_client_finish (SyrinxClient *client)
{
  g_mutex_lock (&client->lock);
  client->finish = TRUE;
  g_mutex_unlock (&client->lock);
  syrinx_io_loop_mark_dirty (client->loop, client->id);
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
  g_atomic_int_set (&client->removed, TRUE);
  syrinx_io_loop_strike (client->loop, client);
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
