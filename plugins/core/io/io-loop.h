/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared I/O loop: one thread that writes to every client's socket without
 * ever blocking. Plain sockets by io_uring or epoll; streams with a layer of
 * their own (TLS) as GPollable on the same loop.
 *
 * SYRINX_IO in the environment says which when the loop begins: "epoll",
 * "io_uring", or "auto". Where the kernel refuses io_uring (seccomp,
 * kernel.io_uring_disabled, before Linux 5.13, RLIMIT_MEMLOCK), it is epoll. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SyrinxIoLoop SyrinxIoLoop;
typedef struct _SyrinxClient SyrinxClient;

/* Boxed, for the property by which a sink is given one. */
#define SYRINX_TYPE_CLIENT (syrinx_client_get_type ())
GType syrinx_client_get_type (void);

/* The process's loop. (transfer full) Its thread runs while somebody holds it.
 */
SyrinxIoLoop *syrinx_io_loop_get (void);
SyrinxIoLoop *syrinx_io_loop_ref (SyrinxIoLoop *loop);
void syrinx_io_loop_unref (SyrinxIoLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxIoLoop, syrinx_io_loop_unref)

typedef struct
{
  gsize high_watermark_bytes, low_watermark_bytes; /* 0: 256 KiB and 64 KiB */
  guint stall_timeout_ms; /* nothing could be written for so long: closed; 0: 30
                             s */
} SyrinxClientLimits;

typedef struct
{
  /* All from the loop's thread, with no lock held. */
  void (*hold) (
      SyrinxClient *client, gpointer user_data); /* over the high watermark */
  void (*resume) (
      SyrinxClient *client, gpointer user_data); /* under the low one again */
  /* @error (nullable): NULL after syrinx_client_finish() has sent everything.
   * Last call. */
  void (*closed) (
      SyrinxClient *client, const GError *error, gpointer user_data);
} SyrinxClientFuncs;

typedef struct
{
  const gchar *backend; /* "epoll" or "io_uring" */
  guint clients;
  guint64 turns; /* of the loop, each with one poll() */
  guint64 writes, written_bytes;
  guint64 system_calls; /* to write and to learn who can be written to */
} SyrinxIoStats;

/* Any thread. */
void syrinx_io_loop_get_stats (SyrinxIoLoop *loop, SyrinxIoStats *stats);

/* Has @func (@data) called from the loop's thread, soon. Any thread. */
void syrinx_io_loop_call (
    SyrinxIoLoop *loop, void (*func) (gpointer data), gpointer data);

/* Takes @stream over. (transfer full) */
SyrinxClient *syrinx_io_loop_add (SyrinxIoLoop *loop, GIOStream *stream,
    const SyrinxClientLimits *limits, const SyrinxClientFuncs *funcs,
    gpointer user_data);
/* Queues @bytes (transfer none); FALSE if the client is closed. Never blocks.
 * Any thread, one at a time. */
gboolean syrinx_client_send (SyrinxClient *client, GBytes *bytes);
/* Drops what is queued here (a denial); what the kernel has is gone. */
void syrinx_client_drop (SyrinxClient *client);
/* Closes when everything queued is sent. */
void syrinx_client_finish (SyrinxClient *client);
/* Closes now and frees; after it has returned no func runs any more (unless
 * called from one). */
void syrinx_client_remove (SyrinxClient *client);
/* Keeps @client's memory after it was removed, and nothing else of it. */
SyrinxClient *syrinx_client_ref (SyrinxClient *client);
void syrinx_client_unref (SyrinxClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxClient, syrinx_client_unref)
gsize syrinx_client_get_queued_bytes (SyrinxClient *client);
guint64 syrinx_client_get_sent_bytes (SyrinxClient *client);

G_END_DECLS
