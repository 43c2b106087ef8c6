/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing one client's queue: by descriptor, many pieces in one call, or
 * through a layer (TLS), one record's worth at a time. */
#include "error.h"
#include "io-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MAX_PIECES     64
#define MAX_TURN_BYTES (1 << 20) /* then the others have their turn */
#define RECORD_BYTES   16384     /* a TLS record's payload */

/* Marks the queue as in use, so that its bytes stay when the lock is let go. */
static guint
begin_write (SyrinxClient *client, struct iovec *pieces)
{
  guint n = 0;

  g_mutex_lock (&client->lock);
  for (GList *l = client->queue.head; l && n < MAX_PIECES; l = l->next, n++) {
    gsize size, skip = n ? 0 : client->offset;
    const guint8 *data = g_bytes_get_data (l->data, &size);
    pieces[n].iov_base = (gpointer)(data + skip);
    pieces[n].iov_len = size - skip;
  }
  client->writing = n > 0;
  g_mutex_unlock (&client->lock);
  return n;
}

static void
end_write (SyrinxClient *client, gsize taken)
{
  g_mutex_lock (&client->lock);
  client->queued_bytes -= taken;
  client->offset += taken;
  while (!g_queue_is_empty (&client->queue)) {
    gsize size = g_bytes_get_size (client->queue.head->data);
    if (client->offset < size)
      break;
    client->offset -= size;
    g_bytes_unref (g_queue_pop_head (&client->queue));
  }
  client->writing = FALSE;
  g_cond_broadcast (&client->written);
  g_mutex_unlock (&client->lock);
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
pump_descriptor (SyrinxClient *client, gsize *written, GError **error)
{
  struct iovec pieces[MAX_PIECES];
  guint n;

  while (*written < MAX_TURN_BYTES) {
    if ((n = begin_write (client, pieces)) == 0)
      return SYRINX_PUMP_EMPTY;
    gssize size = write_pieces (client, pieces, n);
    int code = errno;
    end_write (client, MAX (size, 0));
    if (size < 0 && (code == EAGAIN || code == EWOULDBLOCK))
      return SYRINX_PUMP_BLOCKED;
    if (size < 0) {
      g_set_error (error, SYRINX_ERROR,
          code == EPIPE || code == ECONNRESET ? SYRINX_ERROR_CANCELLED
                                              : SYRINX_ERROR_FAILED,
          "Writing to the client: %s", g_strerror (code));
      return SYRINX_PUMP_FAILED;
    }
    *written += size;
  }
  return SYRINX_PUMP_MORE;
}

static gboolean
stage_record (SyrinxClient *client)
{
  struct iovec pieces[MAX_PIECES];
  guint n = begin_write (client, pieces);

  g_byte_array_set_size (client->staged, 0);
  client->staged_offset = 0;
  for (guint i = 0; i < n && client->staged->len < RECORD_BYTES; i++)
    g_byte_array_append (client->staged, pieces[i].iov_base,
        MIN (pieces[i].iov_len, RECORD_BYTES - client->staged->len));
  end_write (client, client->staged->len);
  return client->staged->len > 0;
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

/* A layer that would block has taken the record half: it must be given the same
 * bytes again, hence the stage. */
static SyrinxPump
pump_layer (SyrinxClient *client, gsize *written, GError **error)
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
    *written += size;
  }
  return SYRINX_PUMP_MORE;
}

SyrinxPump
syrinx_client_pump (SyrinxClient *client, gsize *written, GError **error)
{
  SyrinxPump pump;

  *written = 0;
  pump = client->fd >= 0 ? pump_descriptor (client, written, error)
                         : pump_layer (client, written, error);
  if (*written > 0) {
    g_mutex_lock (&client->lock);
    client->sent_bytes += *written;
    g_mutex_unlock (&client->lock);
  }
  return pump;
}
