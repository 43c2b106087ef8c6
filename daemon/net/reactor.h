/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File descriptors that become ready: one epoll set, dispatched from one
 * GMainContext, however many descriptors there are.
 *
 * A descriptor is known by an id that is never used twice, so that an event of
 * a batch whose owner was removed by an earlier event of the same batch finds
 * nobody, instead of freed memory. Callbacks may add and remove anything,
 * themselves included; only the reactor itself must outlive them. Used by one
 * thread: the one that iterates the context. */
#pragma once

#include <gio/gio.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

typedef struct _SyrinxReactor SyrinxReactor;

/* @events: of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. */
typedef void (*SyrinxReadyFunc) (guint32 events, gpointer user_data);

/* @context: (nullable): the default one. (transfer full) Errors: FAILED. */
SyrinxReactor *syrinx_reactor_new (GMainContext *context, GError **error);
/* Descriptors that are still in it are left as they are. */
void syrinx_reactor_free (SyrinxReactor *reactor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxReactor, syrinx_reactor_free)

/* The context that dispatches it, for timers beside it. (transfer none)
 * (nullable): the default one. */
GMainContext *syrinx_reactor_get_context (SyrinxReactor *reactor);

/* Calls @func when one of @events (with EPOLLET if edges are wanted) has
 * happened at @fd, which stays the caller's. Returns its id, never 0; or 0
 * where the kernel refuses, and errno says why. */
guint64 syrinx_reactor_add (SyrinxReactor *reactor, int fd, guint32 events,
    SyrinxReadyFunc func, gpointer user_data);
/* Asks for @events from now on; an edge that has passed is told again if it
 * still holds. */
void
syrinx_reactor_set_events (SyrinxReactor *reactor, guint64 id, guint32 events);
/* Before @fd is closed. No callback for @id follows. 0 is ignored. */
void syrinx_reactor_remove (SyrinxReactor *reactor, guint64 id);

G_END_DECLS
