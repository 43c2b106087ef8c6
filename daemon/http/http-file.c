/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file as an answer.
 *
 * It is read in pieces, outside the main thread, and never mapped: if a mapped
 * file shrank or its disk failed, SIGBUS would end the process, and a slow disk
 * would hold up all other clients. */
#include "exchange-private.h"

#include <errno.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024)

/* One answer that is being sent; lives as long as the exchange or a read needs
 * it. */
typedef struct
{
  HttpExchange *exchange; /* unowned; NULL: it has ended */
  int fd;
  guint64 at, left;
} Transfer;

static void
transfer_clear (gpointer data)
{
  close (((Transfer *)data)->fd);
}

static void
transfer_unref (gpointer transfer)
{
  g_atomic_rc_box_release_full (transfer, transfer_clear);
}

/* Runs in a worker thread; the main thread does not touch the place
 * meanwhile. */
static void
read_piece (
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Transfer *transfer = data;
  gsize wanted = MIN (transfer->left, PIECE_BYTES);
  guint8 *piece = g_malloc (wanted);
  gssize n;

  do
    n = pread (transfer->fd, piece, wanted, transfer->at);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    g_task_return_pointer (
        task, g_bytes_new_take (piece, n), (GDestroyNotify)g_bytes_unref);
    return;
  }
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
      n ? g_strerror (errno) : "it is shorter than it was");
  g_free (piece);
}

static void
piece_came (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Transfer *transfer = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) piece = g_task_propagate_pointer (G_TASK (result), &error);

  if (!transfer->exchange)
    return;
  if (!piece) {
    g_message ("a file broke off while it was sent: %s", error->message);
    http_connection_cut (transfer->exchange->connection);
    return;
  }
  transfer->at += g_bytes_get_size (piece);
  transfer->left -= g_bytes_get_size (piece);
  http_exchange_write (transfer->exchange, piece);
  if (!transfer->left) {
    http_exchange_end_stream (transfer->exchange);
    transfer->exchange = NULL;
    transfer_unref (transfer);
  }
}

static void
read_next (gpointer data)
{
  Transfer *transfer = data;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, piece_came, NULL);

  g_task_set_task_data (
      task, g_atomic_rc_box_acquire (transfer), transfer_unref);
  g_task_run_in_thread (task, read_piece);
}

static void
client_left (gpointer data)
{
  Transfer *transfer = data;

  transfer->exchange = NULL;
  transfer_unref (transfer);
}

void
http_exchange_answer_file (HttpExchange *self, int fd, goffset size,
    const gchar *content_type, const gchar *cache_control)
{
  static const HttpStreamFuncs funcs = { read_next, client_left };
  Transfer *transfer = g_atomic_rc_box_new0 (Transfer);
  guint64 first, n_bytes;
  guint status;

  transfer->exchange = self;
  transfer->fd = fd;
  if (cache_control)
    http_exchange_set_header (self, "Cache-Control", cache_control);
  if (!http_exchange_judge (self, size, &status, &first, &n_bytes)) {
    transfer_unref (transfer);
    return;
  }
  transfer->at = first;
  transfer->left = n_bytes;
  http_exchange_set_header (self, "Content-Type", content_type);
  if (!http_exchange_begin (self, status, n_bytes, &funcs, transfer))
    transfer_unref (transfer);
}
