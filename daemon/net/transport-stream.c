/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A transport as a GIOStream. */
#include "transport-stream.h"

#include <errno.h>
#include <gio/gfiledescriptorbased.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/socket.h>

struct _SyrinxTransportStream
{
  GIOStream parent;
  SyrinxTransport *transport;
  GInputStream *input;
  GOutputStream *output;
};

typedef struct
{
  GInputStream parent;
  SyrinxTransport *transport;
} SyrinxTransportInput;

typedef struct
{
  GInputStreamClass parent;
} SyrinxTransportInputClass;

typedef struct
{
  GOutputStream parent;
  SyrinxTransport *transport;
} SyrinxTransportOutput;

typedef struct
{
  GOutputStreamClass parent;
} SyrinxTransportOutputClass;

static void input_init_pollable (GPollableInputStreamInterface *interface);
static void output_init_pollable (GPollableOutputStreamInterface *interface);
static void stream_init_descriptor (GFileDescriptorBasedIface *interface);

static GType input_get_type (void);
static GType output_get_type (void);

G_DEFINE_TYPE_WITH_CODE (SyrinxTransportInput, input, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_init_pollable))
G_DEFINE_TYPE_WITH_CODE (SyrinxTransportOutput, output, G_TYPE_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_init_pollable))
G_DEFINE_FINAL_TYPE_WITH_CODE (SyrinxTransportStream, syrinx_transport_stream,
    G_TYPE_IO_STREAM,
    G_IMPLEMENT_INTERFACE (
        G_TYPE_FILE_DESCRIPTOR_BASED, stream_init_descriptor))

/* Turns @n of the transport into GIO's form: -1 and an error. */
static gssize
check (gssize n, GError **error)
{
  if (n >= 0)
    return n;
  g_set_error (error, G_IO_ERROR,
      n == -EAGAIN ? G_IO_ERROR_WOULD_BLOCK : g_io_error_from_errno (-n),
      "The connection: %s", g_strerror (-n));
  return -1;
}

/* For callers that block: nothing in the daemon does. */
static gboolean
wait_for (SyrinxTransport *transport, short events, GCancellable *cancellable,
    GError **error)
{
  GPollFD fds[2]
      = { { .fd = syrinx_transport_get_fd (transport), .events = events },
          { .fd = -1 } };
  gboolean has_cancel = g_cancellable_make_pollfd (cancellable, &fds[1]);

  g_poll (fds, has_cancel ? 2 : 1, -1);
  if (has_cancel)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* A source that fires when @fd has @condition, or at once if @is_now. */
static GSource *
make_source (GObject *stream, int fd, GIOCondition condition, gboolean is_now,
    GCancellable *cancellable)
{
  g_autoptr (GSource) inner = is_now ? g_timeout_source_new (0)
                                     : g_unix_fd_source_new (fd, condition);

  return g_pollable_source_new_full (stream, inner, cancellable);
}

/* --- Input --- */

static gssize
input_read_nonblocking (
    GPollableInputStream *stream, void *data, gsize size, GError **error)
{
  return size ? check (
             syrinx_transport_recv (
                 ((SyrinxTransportInput *)stream)->transport, data, size),
             error)
              : 0;
}

static gssize
input_read (GInputStream *stream, void *data, gsize size,
    GCancellable *cancellable, GError **error)
{
  SyrinxTransport *transport = ((SyrinxTransportInput *)stream)->transport;
  gssize n = size ? syrinx_transport_recv (transport, data, size) : 0;

  while (n == -EAGAIN) {
    if (!wait_for (transport, G_IO_IN, cancellable, error))
      return -1;
    n = syrinx_transport_recv (transport, data, size);
  }
  return check (n, error);
}

static gboolean
input_is_readable (GPollableInputStream *stream)
{
  SyrinxTransport *transport = ((SyrinxTransportInput *)stream)->transport;
  struct pollfd fd
      = { .fd = syrinx_transport_get_fd (transport), .events = POLLIN };

  return syrinx_transport_has_pending (transport) || poll (&fd, 1, 0) > 0;
}

static GSource *
input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  SyrinxTransport *transport = ((SyrinxTransportInput *)stream)->transport;

  return make_source (G_OBJECT (stream), syrinx_transport_get_fd (transport),
      G_IO_IN, syrinx_transport_has_pending (transport), cancellable);
}

static void
input_init_pollable (GPollableInputStreamInterface *interface)
{
  interface->is_readable = input_is_readable;
  interface->create_source = input_create_source;
  interface->read_nonblocking = input_read_nonblocking;
}

static void
input_finalize (GObject *object)
{
  syrinx_transport_unref (((SyrinxTransportInput *)object)->transport);
  G_OBJECT_CLASS (input_parent_class)->finalize (object);
}

static void
input_class_init (SyrinxTransportInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = input_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read;
}

static void
input_init (SyrinxTransportInput *self)
{
}

/* --- Output --- */

static gssize
send_some (GOutputStream *stream, const void *data, gsize size)
{
  const struct iovec part = { (void *)data, size };

  return size ? syrinx_transport_sendv (
             ((SyrinxTransportOutput *)stream)->transport, &part, 1)
              : 0;
}

static gssize
output_write_nonblocking (
    GPollableOutputStream *stream, const void *data, gsize size, GError **error)
{
  return check (send_some (G_OUTPUT_STREAM (stream), data, size), error);
}

static gssize
output_write (GOutputStream *stream, const void *data, gsize size,
    GCancellable *cancellable, GError **error)
{
  gssize n = send_some (stream, data, size);

  while (n == -EAGAIN) {
    if (!wait_for (((SyrinxTransportOutput *)stream)->transport, G_IO_OUT,
            cancellable, error))
      return -1;
    n = send_some (stream, data, size);
  }
  return check (n, error);
}

static gboolean
output_is_writable (GPollableOutputStream *stream)
{
  struct pollfd fd = { .fd = syrinx_transport_get_fd (
                           ((SyrinxTransportOutput *)stream)->transport),
    .events = POLLOUT };

  return poll (&fd, 1, 0) > 0;
}

static GSource *
output_create_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  return make_source (G_OBJECT (stream),
      syrinx_transport_get_fd (((SyrinxTransportOutput *)stream)->transport),
      G_IO_OUT, FALSE, cancellable);
}

static void
output_init_pollable (GPollableOutputStreamInterface *interface)
{
  interface->is_writable = output_is_writable;
  interface->create_source = output_create_source;
  interface->write_nonblocking = output_write_nonblocking;
}

static void
output_finalize (GObject *object)
{
  syrinx_transport_unref (((SyrinxTransportOutput *)object)->transport);
  G_OBJECT_CLASS (output_parent_class)->finalize (object);
}

static void
output_class_init (SyrinxTransportOutputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = output_finalize;
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = output_write;
}

static void
output_init (SyrinxTransportOutput *self)
{
}

/* --- Both --- */

static GInputStream *
stream_get_input (GIOStream *stream)
{
  return SYRINX_TRANSPORT_STREAM (stream)->input;
}

static GOutputStream *
stream_get_output (GIOStream *stream)
{
  return SYRINX_TRANSPORT_STREAM (stream)->output;
}

static int
stream_get_fd (GFileDescriptorBased *stream)
{
  return syrinx_transport_get_fd (SYRINX_TRANSPORT_STREAM (stream)->transport);
}

static void
stream_init_descriptor (GFileDescriptorBasedIface *interface)
{
  interface->get_fd = stream_get_fd;
}

static gboolean
stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  SyrinxTransport *transport = SYRINX_TRANSPORT_STREAM (stream)->transport;

  syrinx_transport_shutdown (transport);
  shutdown (syrinx_transport_get_fd (transport), SHUT_RD);
  return TRUE;
}

/* GIO's default implementation would take a thread. */
static void
stream_close_async (GIOStream *stream, int priority, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task
      = g_task_new (stream, cancellable, callback, user_data);

  stream_close (stream, NULL, NULL);
  g_task_set_priority (task, priority);
  g_task_return_boolean (task, TRUE);
}

static gboolean
stream_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
stream_finalize (GObject *object)
{
  SyrinxTransportStream *self = SYRINX_TRANSPORT_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  syrinx_transport_unref (self->transport);
  G_OBJECT_CLASS (syrinx_transport_stream_parent_class)->finalize (object);
}

static void
syrinx_transport_stream_class_init (SyrinxTransportStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = stream_finalize;
  stream_class->get_input_stream = stream_get_input;
  stream_class->get_output_stream = stream_get_output;
  stream_class->close_fn = stream_close;
  stream_class->close_async = stream_close_async;
  stream_class->close_finish = stream_close_finish;
}

static void
syrinx_transport_stream_init (SyrinxTransportStream *self)
{
}

GIOStream *
syrinx_transport_stream_new (SyrinxTransport *transport)
{
  SyrinxTransportStream *self
      = g_object_new (SYRINX_TYPE_TRANSPORT_STREAM, NULL);
  int fd = syrinx_transport_get_fd (transport);

  self->transport = syrinx_transport_ref (transport);
  if (syrinx_transport_is_tls (transport)) {
    self->input = g_object_new (input_get_type (), NULL);
    ((SyrinxTransportInput *)self->input)->transport
        = syrinx_transport_ref (transport);
    self->output = g_object_new (output_get_type (), NULL);
    ((SyrinxTransportOutput *)self->output)->transport
        = syrinx_transport_ref (transport);
  } else {
    self->input = g_unix_input_stream_new (fd, FALSE);
    self->output = g_unix_output_stream_new (fd, FALSE);
  }
  return G_IO_STREAM (self);
}
