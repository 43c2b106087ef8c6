/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection as libsoup gets it. */
#include "soup-stream.h"

#include <string.h>

#define REMOTE_KEY      "syrinx-soup-stream"
#define GOOD_BYE        "BYE\r\n\r\n" /* no request line: answered 400, closed */
#define CLOSE_TIMEOUT_S 5

/* --- Its input --- */

#define TYPE_INPUT (input_get_type ())
G_DECLARE_FINAL_TYPE (Input, input, SYRINX, INPUT, GInputStream)

struct _Input
{
  GInputStream parent;
  GInputStream *base;
  GSocket *socket;
  gboolean is_between; /* two requests, or before the first */
  gsize said_bytes;    /* of the good-bye */
  gboolean is_over;
};

static void input_pollable_init (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (Input, input, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))

static gssize
say_good_bye (Input *self, void *buffer, gsize size_bytes)
{
  gsize n = MIN (size_bytes, strlen (GOOD_BYE) - self->said_bytes);

  memcpy (buffer, GOOD_BYE + self->said_bytes, n);
  self->said_bytes += n;
  return n;
}

/* @n is what the base's reading came to. */
static gssize
take_result (
    Input *self, gssize n, void *buffer, gsize size_bytes, GError **error)
{
  if (n > 0) {
    self->is_between = FALSE;
    return n;
  }
  if (n < 0 && g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return n;
  self->is_over = TRUE;
  if (!self->is_between)
    return n;
  g_clear_error (error);
  /* A client that was idle for too long may just now send a request. */
  g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  return say_good_bye (self, buffer, size_bytes);
}

static gssize
input_read (GInputStream *stream, void *buffer, gsize size_bytes,
    GCancellable *cancellable, GError **error)
{
  Input *self = SYRINX_INPUT (stream);
  g_autoptr (GError) own = NULL;
  gssize n;

  if (self->is_over)
    return self->is_between ? say_good_bye (self, buffer, size_bytes) : 0;
  n = g_input_stream_read (self->base, buffer, size_bytes, cancellable, &own);
  n = take_result (self, n, buffer, size_bytes, &own);
  if (own)
    g_propagate_error (error, g_steal_pointer (&own));
  return n;
}

static gssize
input_read_nonblocking (GPollableInputStream *stream, void *buffer,
    gsize size_bytes, GError **error)
{
  Input *self = SYRINX_INPUT (stream);
  g_autoptr (GError) own = NULL;
  gssize n;

  if (self->is_over)
    return self->is_between ? say_good_bye (self, buffer, size_bytes) : 0;
  n = g_pollable_input_stream_read_nonblocking (
      G_POLLABLE_INPUT_STREAM (self->base), buffer, size_bytes, NULL, &own);
  n = take_result (self, n, buffer, size_bytes, &own);
  if (own)
    g_propagate_error (error, g_steal_pointer (&own));
  return n;
}

static gboolean
input_is_readable (GPollableInputStream *stream)
{
  Input *self = SYRINX_INPUT (stream);

  return self->is_over
         || g_pollable_input_stream_is_readable (
             G_POLLABLE_INPUT_STREAM (self->base));
}

static GSource *
input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  Input *self = SYRINX_INPUT (stream);
  g_autoptr (GSource) base
      = self->is_over ? g_timeout_source_new (0)
                      : g_pollable_input_stream_create_source (
                          G_POLLABLE_INPUT_STREAM (self->base), NULL);

  return g_pollable_source_new_full (stream, base, cancellable);
}

static void
input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->create_source = input_create_source;
  iface->is_readable = input_is_readable;
  iface->read_nonblocking = input_read_nonblocking;
}

static void
input_finalize (GObject *object)
{
  g_object_unref (SYRINX_INPUT (object)->socket);
  g_object_unref (SYRINX_INPUT (object)->base);
  G_OBJECT_CLASS (input_parent_class)->finalize (object);
}

static void
input_class_init (InputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = input_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read;
}

static void
input_init (Input *self)
{
  self->is_between = TRUE;
}

/* --- Both ways --- */

#define TYPE_STREAM (soup_stream_get_type ())
G_DECLARE_FINAL_TYPE (SoupStream, soup_stream, SYRINX, SOUP_STREAM, GIOStream)

struct _SoupStream
{
  GIOStream parent;
  GIOStream *base; /* NULL: it was taken */
  Input *input;
  GSocketAddress *remote;
};

G_DEFINE_FINAL_TYPE (SoupStream, soup_stream, G_TYPE_IO_STREAM)

static GInputStream *
stream_get_input (GIOStream *stream)
{
  return G_INPUT_STREAM (SYRINX_SOUP_STREAM (stream)->input);
}

static GOutputStream *
stream_get_output (GIOStream *stream)
{
  SoupStream *self = SYRINX_SOUP_STREAM (stream);

  return self->base ? g_io_stream_get_output_stream (self->base) : NULL;
}

/* A TLS layer says good-bye, and waits for room for it. */
static void
bound_close (GIOStream *stream)
{
  g_autoptr (GIOStream) base = NULL;

  g_object_get (stream, "base-io-stream", &base, NULL);
  if (G_IS_SOCKET_CONNECTION (base))
    g_socket_set_timeout (
        g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)),
        CLOSE_TIMEOUT_S);
}

static gboolean
stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  SoupStream *self = SYRINX_SOUP_STREAM (stream);

  if (!self->base)
    return TRUE;
  if (!G_IS_TLS_CONNECTION (self->base))
    return g_io_stream_close (self->base, cancellable, error);
  bound_close (self->base);
  g_io_stream_close_async (self->base, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  return TRUE;
}

static void
stream_finalize (GObject *object)
{
  SoupStream *self = SYRINX_SOUP_STREAM (object);

  if (g_object_get_data (G_OBJECT (self->remote), REMOTE_KEY) == self)
    g_object_set_data (G_OBJECT (self->remote), REMOTE_KEY, NULL);
  g_object_unref (self->remote);
  g_object_unref (self->input);
  g_clear_object (&self->base);
  G_OBJECT_CLASS (soup_stream_parent_class)->finalize (object);
}

static void
soup_stream_class_init (SoupStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = stream_finalize;
  G_IO_STREAM_CLASS (klass)->get_input_stream = stream_get_input;
  G_IO_STREAM_CLASS (klass)->get_output_stream = stream_get_output;
  G_IO_STREAM_CLASS (klass)->close_fn = stream_close;
}

static void
soup_stream_init (SoupStream *self)
{
}

GIOStream *
syrinx_soup_stream_new (
    GSocketConnection *connection, GIOStream *base, GSocketAddress *remote)
{
  SoupStream *self = g_object_new (TYPE_STREAM, NULL);

  self->base = g_object_ref (base);
  self->remote = g_object_ref (remote);
  self->input = g_object_new (TYPE_INPUT, NULL);
  self->input->base = g_object_ref (g_io_stream_get_input_stream (base));
  self->input->socket
      = g_object_ref (g_socket_connection_get_socket (connection));
  g_object_set_data (G_OBJECT (remote), REMOTE_KEY, self);
  return G_IO_STREAM (self);
}

void
syrinx_soup_stream_note_end (GSocketAddress *remote)
{
  SoupStream *self = g_object_get_data (G_OBJECT (remote), REMOTE_KEY);

  if (self)
    self->input->is_between = TRUE;
}

gboolean
syrinx_soup_stream_is_tls (GSocketAddress *remote)
{
  SoupStream *self = g_object_get_data (G_OBJECT (remote), REMOTE_KEY);

  return self && G_IS_TLS_CONNECTION (self->base);
}

GIOStream *
syrinx_soup_stream_take (GIOStream *stream)
{
  g_autoptr (GIOStream) under = NULL;

  if (g_object_class_find_property (
          G_OBJECT_GET_CLASS (stream), "base-iostream"))
    g_object_get (stream, "base-iostream", &under, NULL);
  if (under)
    stream = under;
  return SYRINX_IS_SOUP_STREAM (stream)
             ? g_steal_pointer (&SYRINX_SOUP_STREAM (stream)->base)
             : g_object_ref (stream);
}
