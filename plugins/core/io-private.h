/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the loop and the writing of one client share. */
#pragma once

#include "io-loop.h"

struct _SyrinxClient
{
  /* constant after init */
  guint64 id; /* epoll and sources name it by this, never by pointer */
  SyrinxIoLoop *loop;
  GIOStream *stream;
  GSocket *socket; /* (nullable): the one at the bottom */
  int fd;          /* -1: a stream with a layer of its own */
  gboolean fd_is_socket;
  int fd_flags; /* as they were before */
  SyrinxClientLimits limits;
  SyrinxClientFuncs funcs;
  gpointer user_data;

  GMutex lock;
  GCond written;
  /* protected by lock */
  GQueue queue; /* GBytes */
  gsize offset; /* sent of the first */
  gsize queued_bytes;
  guint64 sent_bytes;
  gboolean writing; /* the loop's thread uses the queue's bytes */
  gboolean dirty, finish, dropped, closed;

  /* loop thread only */
  GByteArray *staged; /* one TLS record's worth: a layer must see it again */
  guint staged_offset;
  GSource *writable; /* (nullable) */
  gboolean held, blocked, finishing;
  gint64 progress_us;

  gatomicrefcount refs;
  gint removed; /* atomic */
};

typedef enum
{
  SYRINX_PUMP_EMPTY,
  SYRINX_PUMP_BLOCKED,
  SYRINX_PUMP_MORE, /* its turn is over */
  SYRINX_PUMP_FAILED,
} SyrinxPump;

/* Hot. Writes what fits without blocking, at most one turn's worth. Loop's
 * thread. @written gets the bytes that left. */
SyrinxPump
syrinx_client_pump (SyrinxClient *client, gsize *written, GError **error);
