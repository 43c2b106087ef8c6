/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reactor. An id holds the number of a slot and the slot's generation,
 * which counts how often it was given away: the id that an event carries is
 * compared with the generation that the slot has now. */
#include "reactor.h"

#include "core/base/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#define MAX_EVENTS 256 /* in one batch */

typedef struct
{
  guint32 generation; /* 1 and up, so that no id is 0 */
  int fd;
  SyrinxReadyFunc func; /* NULL: the slot is free */
  gpointer user_data;
} Slot;

struct _SyrinxReactor
{
  int epoll_fd;
  GMainContext *context; /* (nullable) */
  GSource *source;
  GArray *slots;  /* Slot */
  GArray *vacant; /* guint32: numbers of free slots; the last is used next */
};

static guint64
make_id (guint32 number, guint32 generation)
{
  return (guint64)generation << 32 | number;
}

/* (nullable): @id was removed. */
static Slot *
find (SyrinxReactor *self, guint64 id)
{
  guint32 number = (guint32)id;
  Slot *slot = number < self->slots->len
                   ? &g_array_index (self->slots, Slot, number)
                   : NULL;

  return slot && slot->func && slot->generation == id >> 32 ? slot : NULL;
}

static guint32
take_slot (SyrinxReactor *self)
{
  const Slot fresh = { 0 };
  guint32 number = self->slots->len;

  if (self->vacant->len == 0) {
    g_array_append_val (self->slots, fresh);
    return number;
  }
  number = g_array_index (self->vacant, guint32, self->vacant->len - 1);
  g_array_set_size (self->vacant, self->vacant->len - 1);
  return number;
}

/* A slot whose generations are used up is not used again. */
static void
vacate (SyrinxReactor *self, guint32 number)
{
  Slot *slot = &g_array_index (self->slots, Slot, number);

  slot->func = NULL;
  if (slot->generation < G_MAXUINT32)
    g_array_append_val (self->vacant, number);
}

guint64
syrinx_reactor_add (SyrinxReactor *self, int fd, guint32 events,
    SyrinxReadyFunc func, gpointer user_data)
{
  guint32 number = take_slot (self);
  Slot *slot = &g_array_index (self->slots, Slot, number);
  struct epoll_event event = { .events = events };

  *slot = (Slot){ slot->generation + 1, fd, func, user_data };
  event.data.u64 = make_id (number, slot->generation);
  if (epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
    return event.data.u64;
  vacate (self, number);
  return 0;
}

void
syrinx_reactor_set_events (SyrinxReactor *self, guint64 id, guint32 events)
{
  struct epoll_event event = { .events = events, .data.u64 = id };
  Slot *slot = find (self, id);

  if (slot)
    epoll_ctl (self->epoll_fd, EPOLL_CTL_MOD, slot->fd, &event);
}

void
syrinx_reactor_remove (SyrinxReactor *self, guint64 id)
{
  Slot *slot = find (self, id);

  if (!slot)
    return;
  epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, slot->fd, NULL);
  vacate (self, (guint32)id);
}

/* Hot. */
static gboolean
dispatch (gint epoll_fd, GIOCondition condition, gpointer user_data)
{
  SyrinxReactor *self = user_data;
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait (epoll_fd, events, MAX_EVENTS, 0);

  for (int i = 0; i < n; i++) {
    const Slot *slot = find (self, events[i].data.u64);
    if (slot)
      slot->func (events[i].events, slot->user_data);
  }
  return G_SOURCE_CONTINUE;
}

SyrinxReactor *
syrinx_reactor_new (GMainContext *context, GError **error)
{
  SyrinxReactor *self;
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);

  if (epoll_fd < 0) {
    g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_FAILED,
        "can't watch connections (epoll_create1): %s", g_strerror (errno));
    return NULL;
  }
  self = g_new0 (SyrinxReactor, 1);
  self->epoll_fd = epoll_fd;
  self->context = context ? g_main_context_ref (context) : NULL;
  self->slots = g_array_new (FALSE, TRUE, sizeof (Slot));
  self->vacant = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->source = g_unix_fd_source_new (epoll_fd, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (dispatch), self, NULL);
  /* No callback iterates the context. GLib can't know that, and would block the
   * source while it is dispatched, and wake the context twice for that. */
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);
  return self;
}

void
syrinx_reactor_free (SyrinxReactor *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_array_unref (self->slots);
  g_array_unref (self->vacant);
  close (self->epoll_fd);
  g_free (self);
}

GMainContext *
syrinx_reactor_get_context (SyrinxReactor *self)
{
  return self->context;
}
