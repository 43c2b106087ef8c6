/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readiness of file descriptors: one epoll set, dispatched from one
 * GMainContext, however many descriptors there are.
 *
 * A descriptor is known by an id that is never used twice: when a callback
 * removes a descriptor that has an event later in the same batch, that event is
 * dropped, and no freed memory is reached. Callbacks may add and remove any
 * descriptor, their own included; only the reactor itself must outlive them.
 * Used by one thread: the one that iterates the context. */
#pragma once

#include <gio/gio.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

typedef struct _SyrinxReactor SyrinxReactor;

/* @events: a mask of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. */
typedef void (*SyrinxReadyFunc) (guint32 events, gpointer user_data);

/* @context (nullable): NULL is the default one. (transfer full) Errors:
 * FAILED. */
SyrinxReactor *syrinx_reactor_new (GMainContext *context, GError **error);
/* Descriptors that are still registered stay open. */
void syrinx_reactor_free (SyrinxReactor *reactor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxReactor, syrinx_reactor_free)

/* The context that dispatches the reactor, for timers of the same thread.
 * (transfer none) (nullable): the default one. */
GMainContext *syrinx_reactor_get_context (SyrinxReactor *reactor);

/* Calls @func when one of @events occurs on @fd, which stays the caller's. With
 * EPOLLET in @events it is edge-triggered. Returns an id, never 0; or 0 on
 * failure, with errno set. */
guint64 syrinx_reactor_add (SyrinxReactor *reactor, int fd, guint32 events,
    SyrinxReadyFunc func, gpointer user_data);
/* Replaces the events that @id waits for. A condition that holds already is
 * reported again, also with EPOLLET. */
void
syrinx_reactor_set_events (SyrinxReactor *reactor, guint64 id, guint32 events);
/* To be called before @fd is closed. No callback for @id follows. 0 is
 * ignored. */
void syrinx_reactor_remove (SyrinxReactor *reactor, guint64 id);

G_END_DECLS
