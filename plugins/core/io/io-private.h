/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the loop, its clients and the writing of one client share. */
#pragma once

#include "io-loop.h"
#include "io-queue.h"

#include <sys/uio.h>

#define SYRINX_IO_MAX_PIECES 64 /* of one client in one call */

struct _SyrinxClient
{
  /* constant after init */
  guint64 id; /* kernel and sources name it by this, never by pointer */
  SyrinxIoLoop *loop;
  GIOStream *stream;
  GSocket *socket; /* (nullable): the one at the bottom */
  int fd;          /* -1: a stream with a layer of its own */
  int layer_fd;    /* -1: the layer does not tell its descriptor */
  gboolean fd_is_socket;
  int fd_flags; /* as they were before */
  SyrinxClientLimits limits;
  SyrinxClientFuncs funcs;
  gpointer user_data;

  GMutex lock;
  GCond written;
  /* protected by lock */
  SyrinxIoQueue queue;
  gsize offset; /* sent of the first */
  gsize queued_bytes;
  guint64 sent_bytes;
  guint written_waiters;
  gboolean
      writing; /* the loop's thread, or the kernel, uses the queue's bytes */
  gboolean dirty, finish, dropped, closed;

  /* loop thread only */
  GByteArray *staged; /* one TLS record's worth: a layer must see it again */
  guint staged_offset;
  GSource *writable; /* (nullable) */
  gboolean held, blocked, finishing;
  gboolean watched; /* io_uring: the kernel has been asked */
  gboolean in_turn; /* io_uring: it has a slot */
  gint64 progress_us;

  guint entered; /* protected by the loop's lock */
  gint refs;     /* atomic */
  gint removed;  /* atomic */
};

typedef enum
{
  SYRINX_PUMP_EMPTY,
  SYRINX_PUMP_BLOCKED,
  SYRINX_PUMP_MORE, /* its turn is over */
  SYRINX_PUMP_FAILED,
} SyrinxPump;

/* --- io-write.c, loop's thread --- */

/* Hot. Writes what fits without blocking, at most one turn's worth. @written
 * gets the bytes that left, @calls how often the kernel was called for it. */
SyrinxPump syrinx_client_pump (
    SyrinxClient *client, gsize *written, guint *calls, GError **error);
/* Hot. The queue's oldest pieces, which stay as they are until end_write().
 * Returns: their number; with 0 there is nothing to end. */
guint syrinx_client_begin_write (
    SyrinxClient *client, struct iovec *pieces, guint max_pieces);
/* Hot. @taken of them leave the queue, @sent of those have left for good.
 * Returns: whether there is more that the loop has not been told of. */
gboolean
syrinx_client_end_write (SyrinxClient *client, gsize taken, gsize sent);
/* What write() says by @code, as an error of ours. */
GError *syrinx_client_write_error (int code);

/* --- io-client.c, loop's thread --- */

void syrinx_client_close_for (SyrinxClient *client, const GError *error);

/* --- io-loop.c --- */

gboolean syrinx_io_loop_is_inside (SyrinxIoLoop *loop);
GMainContext *syrinx_io_loop_get_context (SyrinxIoLoop *loop);
/* Gives @client its id and begins to watch it. */
void syrinx_io_loop_enlist (SyrinxIoLoop *loop, SyrinxClient *client);
/* After it the loop's thread does not enter @client any more, nor is in it
 * (unless this is called from there). */
void syrinx_io_loop_strike (SyrinxIoLoop *loop, SyrinxClient *client);
void syrinx_io_loop_unwatch (SyrinxIoLoop *loop, SyrinxClient *client);
/* @id is served in the loop's next turn. Any thread. */
void syrinx_io_loop_mark_dirty (SyrinxIoLoop *loop, guint64 id);
/* Loop's thread. @client is closed if its progress_us does not move in time. */
void syrinx_io_loop_expect_progress (SyrinxIoLoop *loop, SyrinxClient *client);
