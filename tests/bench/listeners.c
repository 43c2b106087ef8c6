/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_EVENTS  256
#define SCRAP_BYTES (64 * 1024)

typedef struct
{
  int fd;
  SSL *ssl; /* (nullable) */
  guint64 n_bytes;
  gint64 last_us;
  gint64 longest_gap_us;
  gboolean has_ended;
} Listener;

struct _Listeners
{
  int epoll_fd;
  SSL_CTX *tls;
  GPtrArray *all; /* of Listener */
};

static void
listener_free (gpointer data)
{
  Listener *listener = data;

  g_clear_pointer (&listener->ssl, SSL_free);
  close (listener->fd);
  g_free (listener);
}

Listeners *
listeners_new (void)
{
  Listeners *self = g_new0 (Listeners, 1);

  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->tls = SSL_CTX_new (TLS_client_method ());
  SSL_CTX_set_mode (self->tls, SSL_MODE_RELEASE_BUFFERS);
  self->all = g_ptr_array_new_with_free_func (listener_free);
  return self;
}

void
listeners_free (Listeners *self)
{
  g_ptr_array_unref (self->all);
  SSL_CTX_free (self->tls);
  close (self->epoll_fd);
  g_free (self);
}

static int
reach (guint16 port)
{
  struct sockaddr_in to = { .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, (struct sockaddr *)&to, sizeof to) < 0)
    g_error ("can't connect to port %u: %s", port, g_strerror (errno));
  return fd;
}

void
listeners_add (Listeners *self, guint16 port, gboolean tls, const gchar *text)
{
  Listener *listener = g_new0 (Listener, 1);
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = listener };
  gssize size = strlen (text), n;

  listener->fd = reach (port);
  if (tls) {
    listener->ssl = SSL_new (self->tls);
    SSL_set_fd (listener->ssl, listener->fd);
    if (SSL_connect (listener->ssl) != 1)
      g_error ("no TLS at port %u", port);
    n = SSL_write (listener->ssl, text, size);
  } else {
    n = send (listener->fd, text, size, MSG_NOSIGNAL);
  }
  if (n != size)
    g_error ("a request could not be sent: %s", g_strerror (errno));
  fcntl (listener->fd, F_SETFL, O_NONBLOCK);
  listener->last_us = g_get_monotonic_time ();
  g_ptr_array_add (self->all, listener);
  epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, listener->fd, &event);
}

/* Returns: 0 at the end; negative if there is no more data for now. */
static gssize
take (Listener *listener, gchar *scrap)
{
  gssize n;

  if (!listener->ssl) {
    n = recv (listener->fd, scrap, SCRAP_BYTES, 0);
    return n < 0 && errno != EAGAIN ? 0 : n;
  }
  n = SSL_read (listener->ssl, scrap, SCRAP_BYTES);
  if (n > 0)
    return n;
  return SSL_get_error (listener->ssl, n) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static void
drink (Listeners *self, Listener *listener, gchar *scrap, gint64 now_us)
{
  gssize n;

  while ((n = take (listener, scrap)) > 0) {
    listener->n_bytes += n;
    listener->longest_gap_us
        = MAX (listener->longest_gap_us, now_us - listener->last_us);
    listener->last_us = now_us;
  }
  if (n == 0) {
    listener->has_ended = TRUE;
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, listener->fd, NULL);
  }
}

void
listeners_run (Listeners *self, gdouble seconds)
{
  g_autofree gchar *scrap = g_malloc (SCRAP_BYTES);
  struct epoll_event events[MAX_EVENTS];
  gint64 now_us = g_get_monotonic_time ();
  gint64 end_us = now_us + seconds * G_USEC_PER_SEC;

  for (; now_us < end_us; now_us = g_get_monotonic_time ()) {
    int n = epoll_wait (
        self->epoll_fd, events, MAX_EVENTS, MAX ((end_us - now_us) / 1000, 1));
    now_us = g_get_monotonic_time ();
    for (int i = 0; i < n; i++)
      drink (self, events[i].data.ptr, scrap, now_us);
  }
}

void
listeners_look (Listeners *self, ListenersLook *look)
{
  gint64 longest_us = 0;

  *look = (ListenersLook){ .n = self->all->len };
  for (guint i = 0; i < self->all->len; i++) {
    Listener *listener = self->all->pdata[i];
    look->n_bytes += listener->n_bytes;
    look->n_silent += listener->n_bytes == 0;
    look->n_ended += listener->has_ended;
    longest_us = MAX (longest_us, listener->longest_gap_us);
    listener->n_bytes = 0;
    listener->longest_gap_us = 0;
  }
  look->longest_gap_s = longest_us / 1e6;
}
