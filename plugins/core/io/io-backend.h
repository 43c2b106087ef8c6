/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the I/O loop asks the kernel: by epoll or by io_uring. The loop keeps
 * clients, watermarks and deadlines; a backend only writes and watches. */
#pragma once

#include "io-private.h"

typedef struct _SyrinxIoBackend SyrinxIoBackend;

typedef struct
{
  const gchar *name;
  void (*free) (SyrinxIoBackend *backend);
  /* In the loop's thread, before any other function. (nullable) */
  void (*start) (SyrinxIoBackend *backend);
  /* Any thread; @client's descriptor is open. The descriptor of a layered
   * stream (TLS) is watched only for the peer's hang-up. */
  void (*watch) (SyrinxIoBackend *backend, SyrinxClient *client);
  void (*unwatch) (SyrinxIoBackend *backend, SyrinxClient *client);
  /* Loop's thread. Hot. Writes for those of @ids that are still clients. */
  void (*serve) (SyrinxIoBackend *backend, const guint64 *ids, guint n);
  /* Loop's thread. Hot. The backend's fd is readable. */
  void (*collect) (SyrinxIoBackend *backend);
} SyrinxIoBackendClass;

struct _SyrinxIoBackend
{
  /* constant after init */
  const SyrinxIoBackendClass *klass;
  SyrinxIoLoop *loop; /* which owns the backend */
  int fd;             /* readable when there is something to collect */
};

SyrinxIoBackend *syrinx_io_epoll_new (SyrinxIoLoop *loop, GError **error);
/* Error: the kernel refuses it. */
SyrinxIoBackend *syrinx_io_uring_new (SyrinxIoLoop *loop, GError **error);

/* --- The loop's functions for a backend, for the loop's thread --- */

/* Sets @clients to the clients of @ids, NULL for removed ones. Until
 * syrinx_io_loop_leave(), no other thread frees, closes or removes them.
 * Nothing may block meanwhile, and no client's function may be called unless
 * only one client is entered. */
void syrinx_io_loop_enter (
    SyrinxIoLoop *loop, const guint64 *ids, guint n, SyrinxClient **clients);
/* @clients may contain NULL. */
void syrinx_io_loop_leave (SyrinxIoLoop *loop, SyrinxClient **clients, guint n);

/* Writes for @client, the only one that is entered, and settles the result. */
void syrinx_client_serve (SyrinxClient *client, gboolean hung_up);
/* Adds to the statistics. Hot. */
void syrinx_io_loop_count (
    SyrinxIoLoop *loop, guint writes, gsize written_bytes, guint system_calls);

/* Returns: -1 if there is no descriptor to watch. */
int syrinx_client_get_watched_fd (SyrinxClient *client);
/* FALSE: @client is closed or finishing. */
gboolean syrinx_client_begin_serving (SyrinxClient *client);
/* Whether syrinx_client_settle() would have nothing to do after a write that
 * emptied the queue. */
gboolean syrinx_client_is_settled (SyrinxClient *client);
/* Acts on a write's result: watermarks, deadline, closing. Only @client may be
 * entered, since its functions are called. */
void syrinx_client_settle (
    SyrinxClient *client, SyrinxPump pump, gsize written, const GError *error);
