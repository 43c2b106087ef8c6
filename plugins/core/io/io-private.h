/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations shared by io-loop.c, io-client.c and io-write.c. */
#pragma once

#include "io-loop.h"
#include "io-queue.h"

#include <sys/uio.h>

#define SYRINX_IO_MAX_PIECES 64 /* of one client in one system call */

struct _SyrinxClient
{
  /* constant after init */
  guint64 id; /* the kernel and sources refer to the client by this */
  SyrinxIoLoop *loop;
  GIOStream *stream;
  GSocket *socket; /* (nullable) the socket under all layers */
  int fd;          /* -1: the stream has a layer of its own */
  int layer_fd;    /* -1: the layer does not reveal its descriptor */
  gboolean fd_is_socket;
  int fd_flags; /* as they were before the client was added */
  SyrinxClientLimits limits;
  SyrinxClientFuncs funcs;
  gpointer user_data;

  GMutex lock;
  GCond written;
  /* protected by lock */
  SyrinxIoQueue queue;
  gsize offset; /* bytes already sent of the first item */
  gsize queued_bytes;
  guint64 sent_bytes;
  guint written_waiters;
  gboolean writing; /* the loop's thread or the kernel is reading the queue's
                       bytes */
  gboolean dirty, finish, dropped, closed;

  /* loop thread only */
  GByteArray *staged; /* at most one TLS record: a blocked layer must be given
                         the same bytes again */
  guint staged_offset;
  GSource *writable; /* (nullable) */
  gboolean held, blocked, finishing;
  gboolean watched; /* io_uring: the poll is armed */
  gboolean in_turn; /* io_uring: the client has a slot */
  gint64 progress_us;

  guint entered; /* protected by the loop's lock */
  gint refs;     /* atomic */
  gint removed;  /* atomic */
};

typedef enum
{
  SYRINX_PUMP_EMPTY,
  SYRINX_PUMP_BLOCKED,
  SYRINX_PUMP_MORE, /* stopped at the end of its turn */
  SYRINX_PUMP_FAILED,
} SyrinxPump;

/* --- io-write.c, loop's thread --- */

/* Hot. Writes as much as is possible without blocking, at most MAX_TURN_BYTES.
 * @written: (out) the bytes sent, @calls: (out) the system calls made. */
SyrinxPump syrinx_client_pump (
    SyrinxClient *client, gsize *written, guint *calls, GError **error);
/* Hot. Gets the oldest pieces of the queue, which do not change until
 * syrinx_client_end_write(). Returns: their number; if 0, do not end the
 * write. */
guint syrinx_client_begin_write (
    SyrinxClient *client, struct iovec *pieces, guint max_pieces);
/* Hot. Removes @taken bytes from the queue; @sent bytes have been sent.
 * Returns: whether there is more to send and @client is not marked as dirty. */
gboolean
syrinx_client_end_write (SyrinxClient *client, gsize taken, gsize sent);
/* The errno @code of a write as a SyrinxError. */
GError *syrinx_client_write_error (int code);

/* --- io-client.c, loop's thread --- */

void syrinx_client_close_for (SyrinxClient *client, const GError *error);

/* --- io-loop.c --- */

gboolean syrinx_io_loop_is_inside (SyrinxIoLoop *loop);
GMainContext *syrinx_io_loop_get_context (SyrinxIoLoop *loop);
/* Gives @client its id and begins to watch it. */
void syrinx_io_loop_enlist (SyrinxIoLoop *loop, SyrinxClient *client);
/* Afterwards the loop's thread does not enter @client, and is not in it (unless
 * that thread calls this). */
void syrinx_io_loop_strike (SyrinxIoLoop *loop, SyrinxClient *client);
void syrinx_io_loop_unwatch (SyrinxIoLoop *loop, SyrinxClient *client);
/* Has @id served in the loop's next turn. Any thread. */
void syrinx_io_loop_mark_dirty (SyrinxIoLoop *loop, guint64 id);
/* Closes @client if its progress_us does not advance within its time limit.
 * Loop's thread. */
void syrinx_io_loop_expect_progress (SyrinxIoLoop *loop, SyrinxClient *client);
