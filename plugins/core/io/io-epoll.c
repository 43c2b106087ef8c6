/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The I/O loop by epoll, with one system call for each client that is written
 * to. Works on every kernel. */
#include "core/base/error.h"
#include "io-backend.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_A_TURN 64

static void
serve_id (SyrinxIoBackend *backend, guint64 id, gboolean hung_up)
{
  SyrinxClient *client;

  syrinx_io_loop_enter (backend->loop, &id, 1, &client);
  if (!client)
    return;
  syrinx_client_serve (client, hung_up);
  syrinx_io_loop_leave (backend->loop, &client, 1);
}

static void
epoll_serve (SyrinxIoBackend *backend, const guint64 *ids, guint n)
{
  for (guint i = 0; i < n; i++)
    serve_id (backend, ids[i], FALSE);
}

static void
epoll_collect (SyrinxIoBackend *backend)
{
  struct epoll_event events[EVENTS_A_TURN];
  int n = epoll_wait (backend->fd, events, EVENTS_A_TURN, 0);

  syrinx_io_loop_count (backend->loop, 0, 0, 1);
  for (int i = 0; i < n; i++)
    serve_id (backend, events[i].data.u64,
        (events[i].events & (EPOLLHUP | EPOLLERR)) != 0);
}

/* EPOLLRDHUP is not watched: a half-closed client may still receive. A client
 * that is gone resets the connection when the next bytes arrive. */
static void
epoll_watch (SyrinxIoBackend *backend, SyrinxClient *client)
{
  struct epoll_event event = { .events = EPOLLET };
  int fd = syrinx_client_get_watched_fd (client);

  if (client->fd >= 0)
    event.events |= EPOLLOUT;
  event.data.u64 = client->id;
  if (fd >= 0 && epoll_ctl (backend->fd, EPOLL_CTL_ADD, fd, &event)
      && errno != EPERM) /* a regular file is always writable */
    g_warning ("The I/O loop can't watch a client: %s", g_strerror (errno));
}

static void
epoll_unwatch (SyrinxIoBackend *backend, SyrinxClient *client)
{
  int fd = syrinx_client_get_watched_fd (client);

  if (fd >= 0)
    epoll_ctl (backend->fd, EPOLL_CTL_DEL, fd, NULL);
}

static void
epoll_free (SyrinxIoBackend *backend)
{
  close (backend->fd);
  g_free (backend);
}

SyrinxIoBackend *
syrinx_io_epoll_new (SyrinxIoLoop *loop, GError **error)
{
  static const SyrinxIoBackendClass klass = {
    .name = "epoll",
    .free = epoll_free,
    .watch = epoll_watch,
    .unwatch = epoll_unwatch,
    .serve = epoll_serve,
    .collect = epoll_collect,
  };
  int fd = epoll_create1 (EPOLL_CLOEXEC);
  SyrinxIoBackend *backend;

  if (fd < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "No descriptor for the I/O loop: %s", g_strerror (errno));
    return NULL;
  }
  backend = g_new0 (SyrinxIoBackend, 1);
  backend->klass = &klass;
  backend->loop = loop;
  backend->fd = fd;
  return backend;
}
