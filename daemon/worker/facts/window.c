/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading pieces of an open file. */
#include "window.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

SyrinxWindow *
syrinx_window_new (gint fd)
{
  SyrinxWindow *self;
  struct stat st;

  if (fstat (fd, &st) != 0 || st.st_size <= 0)
    return NULL;
  self = g_malloc (sizeof *self);
  self->fd = fd;
  self->size_bytes = st.st_size;
  self->start = self->n_bytes = 0;
  return self;
}

static gsize
read_at (gint fd, guint8 *data, gsize n_bytes, guint64 at)
{
  gsize done = 0;

  while (done < n_bytes) {
    gssize n = pread (fd, data + done, n_bytes - done, at + done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    done += n;
  }
  return done;
}

static gboolean
is_within (const SyrinxWindow *self, guint64 at, gsize n_bytes)
{
  return at <= self->size_bytes && n_bytes <= self->size_bytes - at;
}

const guint8 *
syrinx_window_get (SyrinxWindow *self, guint64 at, gsize n_bytes)
{
  g_return_val_if_fail (n_bytes <= SYRINX_WINDOW_BYTES, NULL);
  if (!is_within (self, at, n_bytes))
    return NULL;
  if (at < self->start || at + n_bytes > self->start + self->n_bytes) {
    self->start = at;
    self->n_bytes = read_at (self->fd, self->buffer, SYRINX_WINDOW_BYTES, at);
    if (self->n_bytes < n_bytes) /* cut off meanwhile */
      return NULL;
  }
  return self->buffer + (at - self->start);
}

GBytes *
syrinx_window_read (SyrinxWindow *self, guint64 at, gsize n_bytes)
{
  g_autofree guint8 *data = NULL;

  if (!is_within (self, at, n_bytes))
    return NULL;
  data = g_try_malloc (MAX (n_bytes, 1));
  if (!data || read_at (self->fd, data, n_bytes, at) != n_bytes)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), n_bytes);
}
