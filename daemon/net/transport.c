/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transport. */
#include "transport.h"

#include "tls-link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_DRAINED_BYTES (256 * 1024)

struct _SyrinxTransport
{
  gatomicrefcount refs;

  /* constant after init */
  int fd;
  SyrinxTlsLink *link; /* (nullable): no TLS */
  gchar *peer;
  SyrinxConnections *connections; /* (nullable) */

  GSocketAddress *local; /* main thread only; (nullable) until asked for */
  gint is_finished;      /* atomic: output has been shut down */
};

int
syrinx_transport_get_fd (SyrinxTransport *self)
{
  return self->fd;
}

gboolean
syrinx_transport_is_tls (SyrinxTransport *self)
{
  return self->link != NULL;
}

const gchar *
syrinx_transport_get_peer (SyrinxTransport *self)
{
  return self->peer;
}

GSocketAddress *
syrinx_transport_get_local_address (SyrinxTransport *self)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;

  if (!self->local
      && getsockname (self->fd, (struct sockaddr *)&address, &size) == 0)
    self->local = g_socket_address_new_from_native (&address, size);
  return self->local;
}

/* --- Bytes: hot --- */

static gssize
to_errno (gssize n)
{
  if (n >= 0)
    return n;
  return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

gssize
syrinx_transport_recv (SyrinxTransport *self, gpointer data, gsize size)
{
  gssize n;

  if (self->link)
    return syrinx_tls_link_recv (self->link, data, size);
  do
    n = recv (self->fd, data, size, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return to_errno (n);
}

gboolean
syrinx_transport_has_pending (SyrinxTransport *self)
{
  return self->link && syrinx_tls_link_has_pending (self->link);
}

gssize
syrinx_transport_sendv (
    SyrinxTransport *self, const struct iovec *parts, guint n_parts)
{
  struct msghdr message
      = { .msg_iov = (struct iovec *)parts, .msg_iovlen = n_parts };
  gssize n;

  if (self->link)
    return syrinx_tls_link_sendv (self->link, parts, n_parts);
  do
    n = sendmsg (self->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return to_errno (n);
}

/* --- Its end --- */

void
syrinx_transport_shutdown (SyrinxTransport *self)
{
  if (self->link)
    syrinx_tls_link_finish (self->link);
  shutdown (self->fd, SHUT_WR);
  g_atomic_int_set (&self->is_finished, TRUE);
}

/* Connecting a TCP socket to AF_UNSPEC aborts the connection. */
void
syrinx_transport_reset (SyrinxTransport *self)
{
  const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

  (void)!connect (self->fd, &nobody, sizeof nobody);
}

/* Reads and drops input: close() with unread bytes resets the connection. */
static void
drain (int fd)
{
  gsize drained = 0;
  gssize n;

  while (
      drained < MAX_DRAINED_BYTES
      && (n = recv (fd, NULL, MAX_DRAINED_BYTES, MSG_TRUNC | MSG_DONTWAIT)) > 0)
    drained += n;
}

SyrinxTransport *
syrinx_transport_new (const SyrinxTransportSettings *settings)
{
  SyrinxTransport *self = g_new0 (SyrinxTransport, 1);

  g_atomic_ref_count_init (&self->refs);
  self->fd = settings->fd;
  self->peer = g_strdup (settings->peer);
  if (settings->ssl)
    self->link = syrinx_tls_link_new (settings->ssl, settings->fd);
  if (settings->connections)
    self->connections = syrinx_connections_ref (settings->connections);
  return self;
}

SyrinxTransport *
syrinx_transport_ref (SyrinxTransport *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
syrinx_transport_unref (SyrinxTransport *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  if (g_atomic_int_get (&self->is_finished))
    drain (self->fd);
  close (self->fd);
  g_clear_pointer (&self->link, syrinx_tls_link_free);
  if (self->connections) {
    syrinx_connections_give_back (self->connections, self->peer);
    syrinx_connections_unref (self->connections);
  }
  g_clear_object (&self->local);
  g_free (self->peer);
  g_free (self);
}
