/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing one client's queue: by descriptor, many pieces in one call, or
 * through a layer (TLS), one record's worth at a time. */
#include "core/base/error.h"
#include "io-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_TURN_BYTES (1 << 20) /* per client, so that others get theirs */
#define RECORD_BYTES   16384     /* a TLS record's payload */

guint
syrinx_client_begin_write (
    SyrinxClient *client, struct iovec *pieces, guint max_pieces)
{
  guint n = 0;

  g_mutex_lock (&client->lock);
  if (!client->writing)
    n = MIN (client->queue.n, max_pieces);
  for (guint i = 0; i < n; i++) {
    GBytes *bytes = syrinx_io_queue_peek (&client->queue, i);
    gsize size, skip = i ? 0 : client->offset;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    pieces[i].iov_base = (gpointer)(data + skip);
    pieces[i].iov_len = size - skip;
  }
  client->writing |= n > 0;
  g_mutex_unlock (&client->lock);
  return n;
}

/* GLib's conditions make a system call even if no thread waits. */
gboolean
syrinx_client_end_write (SyrinxClient *client, gsize taken, gsize sent)
{
  gboolean more;

  g_mutex_lock (&client->lock);
  client->queued_bytes -= taken;
  client->sent_bytes += sent;
  client->offset += taken;
  while (client->queue.n > 0) {
    gsize size = g_bytes_get_size (syrinx_io_queue_peek (&client->queue, 0));
    if (client->offset < size)
      break;
    client->offset -= size;
    syrinx_io_queue_pop (&client->queue);
  }
  client->writing = FALSE;
  if (client->written_waiters > 0)
    g_cond_broadcast (&client->written);
  more = client->queue.n > 0 && !client->dirty;
  g_mutex_unlock (&client->lock);
  return more;
}

GError *
syrinx_client_write_error (int code)
{
  return g_error_new (SYRINX_ERROR,
      code == EPIPE || code == ECONNRESET ? SYRINX_ERROR_CANCELLED
                                          : SYRINX_ERROR_FAILED,
      "Writing to the client: %s", g_strerror (code));
}

static gssize
write_pieces (SyrinxClient *client, struct iovec *pieces, guint n)
{
  struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
  gssize size;

  do
    size = client->fd_is_socket
               ? sendmsg (client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
               : writev (client->fd, pieces, n);
  while (size < 0 && errno == EINTR);
  return size;
}

static SyrinxPump
pump_descriptor (
    SyrinxClient *client, gsize *written, guint *calls, GError **error)
{
  struct iovec pieces[SYRINX_IO_MAX_PIECES];
  guint n;

  while (*written < MAX_TURN_BYTES) {
    n = syrinx_client_begin_write (client, pieces, SYRINX_IO_MAX_PIECES);
    if (n == 0)
      return SYRINX_PUMP_EMPTY;
    gssize size = write_pieces (client, pieces, n);
    int code = errno;
    syrinx_client_end_write (client, MAX (size, 0), MAX (size, 0));
    ++*calls;
    if (size < 0 && (code == EAGAIN || code == EWOULDBLOCK))
      return SYRINX_PUMP_BLOCKED;
    if (size < 0) {
      g_propagate_error (error, syrinx_client_write_error (code));
      return SYRINX_PUMP_FAILED;
    }
    *written += size;
  }
  return SYRINX_PUMP_MORE;
}

static gboolean
stage_record (SyrinxClient *client)
{
  struct iovec pieces[SYRINX_IO_MAX_PIECES];
  guint n = syrinx_client_begin_write (client, pieces, SYRINX_IO_MAX_PIECES);

  g_byte_array_set_size (client->staged, 0);
  client->staged_offset = 0;
  for (guint i = 0; i < n && client->staged->len < RECORD_BYTES; i++)
    g_byte_array_append (client->staged, pieces[i].iov_base,
        MIN (pieces[i].iov_len, RECORD_BYTES - client->staged->len));
  if (n > 0)
    syrinx_client_end_write (client, client->staged->len, 0);
  return client->staged->len > 0;
}

static void
note_sent (SyrinxClient *client, gsize size)
{
  g_mutex_lock (&client->lock);
  client->sent_bytes += size;
  g_mutex_unlock (&client->lock);
}

static gboolean
was_dropped (SyrinxClient *client)
{
  gboolean dropped;

  g_mutex_lock (&client->lock);
  dropped = client->dropped;
  g_mutex_unlock (&client->lock);
  return dropped;
}

/* A layer that would block may have taken part of the record: it must then be
 * given the same bytes again, which are kept in client->staged. */
static SyrinxPump
pump_layer (SyrinxClient *client, gsize *written, guint *calls, GError **error)
{
  GOutputStream *stream = g_io_stream_get_output_stream (client->stream);
  GPollableOutputStream *output = (GPollableOutputStream *)stream;

  if (!G_IS_POLLABLE_OUTPUT_STREAM (stream)
      || !g_pollable_output_stream_can_poll (output)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_UNSUPPORTED,
        "A %s can't be written to without blocking",
        G_OBJECT_TYPE_NAME (stream));
    return SYRINX_PUMP_FAILED;
  }

  if (client->staged_offset < client->staged->len && was_dropped (client)) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED,
        "Dropped in the middle of a record");
    return SYRINX_PUMP_FAILED;
  }
  while (*written < MAX_TURN_BYTES) {
    g_autoptr (GError) local = NULL;
    if (client->staged_offset == client->staged->len && !stage_record (client))
      return SYRINX_PUMP_EMPTY;
    gssize size = g_pollable_output_stream_write_nonblocking (output,
        client->staged->data + client->staged_offset,
        client->staged->len - client->staged_offset, NULL, &local);
    if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      return SYRINX_PUMP_BLOCKED;
    if (size < 0) {
      g_set_error (error, SYRINX_ERROR,
          g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
              ? SYRINX_ERROR_CANCELLED
              : SYRINX_ERROR_FAILED,
          "Writing to the client: %s", local->message);
      return SYRINX_PUMP_FAILED;
    }
    client->staged_offset += size;
    note_sent (client, size);
    ++*calls;
    *written += size;
  }
  return SYRINX_PUMP_MORE;
}

SyrinxPump
syrinx_client_pump (
    SyrinxClient *client, gsize *written, guint *calls, GError **error)
{
  *written = 0;
  *calls = 0;
  return client->fd >= 0 ? pump_descriptor (client, written, calls, error)
                         : pump_layer (client, written, calls, error);
}
