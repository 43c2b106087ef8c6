/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: clients that go away while their request is paused. libsoup does not
 * read from such a connection, nor know the socket of one that it did not
 * accept itself. */
#include "http-request.h"

#include <errno.h>
#include <sys/socket.h>

#define SOCKET_KEY "syrinx-socket"

struct _HttpWatch
{
  GSource *source;
  void (*func) (gpointer user_data);
  gpointer user_data;
};

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

void
http_remember_socket (GSocketAddress *remote, GSocket *socket)
{
  GWeakRef *ref = g_new0 (GWeakRef, 1);

  g_weak_ref_init (ref, socket);
  g_object_set_data_full (G_OBJECT (remote), SOCKET_KEY, ref, weak_ref_free);
}

/* (transfer full) (nullable) */
static GSocket *
find_socket (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  GWeakRef *ref
      = remote ? g_object_get_data (G_OBJECT (remote), SOCKET_KEY) : NULL;

  return ref ? g_weak_ref_get (ref) : NULL;
}

static gboolean
socket_says (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  HttpWatch *watch = user_data;
  gchar byte;
  gssize n = recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  /* What it sends already, its next request, hides whether it stays. */
  if (n <= 0)
    watch->func (watch->user_data);
  return G_SOURCE_REMOVE;
}

HttpWatch *
http_watch_new (SoupServerMessage *message, void (*func) (gpointer user_data),
    gpointer user_data)
{
  g_autoptr (GSocket) socket = find_socket (message);
  HttpWatch *watch;

  if (!socket)
    return NULL;
  watch = g_new0 (HttpWatch, 1);
  watch->func = func;
  watch->user_data = user_data;
  watch->source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (
      watch->source, G_SOURCE_FUNC (socket_says), watch, NULL);
  g_source_attach (watch->source, NULL);
  return watch;
}

void
http_watch_free (HttpWatch *watch)
{
  g_source_destroy (watch->source);
  g_source_unref (watch->source);
  g_free (watch);
}

void
http_let_go (SoupServerMessage *message)
{
  /* Nobody reads it, but with it libsoup is done. */
  soup_server_message_set_status (message, 503, NULL);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Connection",
      "close");
  soup_server_message_unpause (message);
}
