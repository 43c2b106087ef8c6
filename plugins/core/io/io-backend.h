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
  /* Loop's thread, before anything else of it. (nullable) */
  void (*start) (SyrinxIoBackend *backend);
  /* Any thread, @client's descriptor being open. A layered stream's descriptor
   * is watched for the peer's leaving only. */
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
  SyrinxIoLoop *loop; /* holds the backend */
  int fd;             /* readable when there is something to collect */
};

SyrinxIoBackend *syrinx_io_epoll_new (SyrinxIoLoop *loop, GError **error);
/* Fails where the kernel refuses it. */
SyrinxIoBackend *syrinx_io_uring_new (SyrinxIoLoop *loop, GError **error);

/* --- What the loop does for a backend. All loop's thread. --- */

/* The clients of @ids, NULL for those that are gone. None is freed, closed by
 * another thread or removed until it is left. Neither call-backs nor anything
 * else that may wait is for the time between, but for one that is entered
 * alone. */
void syrinx_io_loop_enter (
    SyrinxIoLoop *loop, const guint64 *ids, guint n, SyrinxClient **clients);
/* @clients may have gaps. */
void syrinx_io_loop_leave (SyrinxIoLoop *loop, SyrinxClient **clients, guint n);

/* @client being entered alone: writes for it by itself and settles that. */
void syrinx_client_serve (SyrinxClient *client, gboolean hung_up);
/* Hot. Adds to the statistics. */
void syrinx_io_loop_count (
    SyrinxIoLoop *loop, guint writes, gsize written_bytes, guint system_calls);

/* -1: there is none. */
int syrinx_client_get_watched_fd (SyrinxClient *client);
/* FALSE: it is closed, or about to be. */
gboolean syrinx_client_begin_serving (SyrinxClient *client);
/* Whether settle() would have nothing to do after a write that emptied the
 * queue. */
gboolean syrinx_client_is_settled (SyrinxClient *client);
/* What follows from a write: watermarks, deadline, the end. @client being
 * entered alone, since it calls back. */
void syrinx_client_settle (
    SyrinxClient *client, SyrinxPump pump, gsize written, const GError *error);
