/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared I/O loop: one thread that writes to every client's socket without
 * ever blocking. Plain sockets are written to by io_uring or epoll; streams
 * with a layer of their own (TLS) as GPollable in the same thread.
 *
 * The environment variable SYRINX_IO chooses when the loop starts: "epoll",
 * "io_uring", or "auto". If the kernel refuses io_uring (seccomp,
 * kernel.io_uring_disabled, before Linux 5.13, RLIMIT_MEMLOCK), epoll is
 * used. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SyrinxIoLoop SyrinxIoLoop;
typedef struct _SyrinxClient SyrinxClient;

/* A boxed type, for the property that gives a sink its client. */
#define SYRINX_TYPE_CLIENT (syrinx_client_get_type ())
GType syrinx_client_get_type (void);

/* The process's loop. (transfer full) Its thread runs while there are
 * references. */
SyrinxIoLoop *syrinx_io_loop_get (void);
SyrinxIoLoop *syrinx_io_loop_ref (SyrinxIoLoop *loop);
void syrinx_io_loop_unref (SyrinxIoLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxIoLoop, syrinx_io_loop_unref)

typedef struct
{
  gsize high_watermark_bytes, low_watermark_bytes; /* 0: 256 KiB and 64 KiB */
  guint stall_timeout_ms; /* the client is closed when nothing could be written
                             for so long; 0: 30 s */
} SyrinxClientLimits;

typedef struct
{
  /* All are called from the loop's thread, with no lock held. */
  void (*hold) (SyrinxClient *client,
      gpointer user_data); /* the queue is over the high watermark */
  void (*resume) (SyrinxClient *client,
      gpointer user_data); /* it is at or under the low watermark again */
  /* The last call. @error (nullable): NULL after syrinx_client_finish() when
   * all is sent. */
  void (*closed) (
      SyrinxClient *client, const GError *error, gpointer user_data);
} SyrinxClientFuncs;

typedef struct
{
  const gchar *backend; /* "epoll" or "io_uring" */
  guint clients;
  guint64 turns; /* of the loop, one poll() each */
  guint64 writes, written_bytes;
  guint64 system_calls; /* to write and to learn who is writable */
} SyrinxIoStats;

/* Any thread. */
void syrinx_io_loop_get_stats (SyrinxIoLoop *loop, SyrinxIoStats *stats);

/* Has @func (@data) called from the loop's thread, soon. Any thread. */
void syrinx_io_loop_call (
    SyrinxIoLoop *loop, void (*func) (gpointer data), gpointer data);

/* Adds a client. @stream: (transfer full). */
SyrinxClient *syrinx_io_loop_add (SyrinxIoLoop *loop, GIOStream *stream,
    const SyrinxClientLimits *limits, const SyrinxClientFuncs *funcs,
    gpointer user_data);
/* Queues @bytes (transfer none); FALSE if the client is closed. Never blocks.
 * Any thread, but not several at a time. */
gboolean syrinx_client_send (SyrinxClient *client, GBytes *bytes);
/* Drops the queued bytes (after a denial). Bytes that the kernel has are still
 * sent. */
void syrinx_client_drop (SyrinxClient *client);
/* Closes @client when all queued bytes are sent. */
void syrinx_client_finish (SyrinxClient *client);
/* Closes and frees @client now. Afterwards none of its functions is running or
 * will be called (except the one that calls this, if any). */
void syrinx_client_remove (SyrinxClient *client);
/* Keeps only @client's memory valid after its removal. */
SyrinxClient *syrinx_client_ref (SyrinxClient *client);
void syrinx_client_unref (SyrinxClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxClient, syrinx_client_unref)
gsize syrinx_client_get_queued_bytes (SyrinxClient *client);
guint64 syrinx_client_get_sent_bytes (SyrinxClient *client);

G_END_DECLS
