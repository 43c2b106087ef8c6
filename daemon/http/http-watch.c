/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: clients that go away while their request is paused. libsoup does not
 * read from such a connection, nor know the socket of one that it did not
 * accept itself. */
#include "http-request.h"
#include "soup-stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKET_KEY "syrinx-socket"

struct _HttpWatch
{
  GSocket *socket;
  GSource *source;
  gboolean may_probe;
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
socket_says (GSocket *socket, GIOCondition condition, gpointer user_data);

static void
look_for (HttpWatch *watch, GIOCondition condition)
{
  if (watch->source) {
    g_source_destroy (watch->source);
    g_source_unref (watch->source);
  }
  watch->source = g_socket_create_source (watch->socket, condition, NULL);
  g_source_set_callback (
      watch->source, G_SOURCE_FUNC (socket_says), watch, NULL);
  g_source_attach (watch->source, NULL);
}

/* An end of input may only say that no request follows. Who has gone answers
 * any byte by a reset; who still listens skips an interim response (RFC 9110,
 * section 15.2). */
static gboolean
probe (HttpWatch *watch)
{
  static const gchar interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
  gssize n;

  if (!watch->may_probe)
    return FALSE;
  watch->may_probe = FALSE;
  n = send (g_socket_get_fd (watch->socket), interim, strlen (interim),
      MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n != (gssize)strlen (interim))
    return FALSE;
  look_for (watch, 0); /* for errors alone */
  return TRUE;
}

static gboolean
socket_says (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  HttpWatch *watch = user_data;
  gchar byte;
  gssize n = recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n == 0 && probe (watch))
    return G_SOURCE_REMOVE;
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
  watch->socket = g_steal_pointer (&socket);
  watch->func = func;
  watch->user_data = user_data;
  /* Nothing else has been written in its stead, and no layer is passed by. */
  watch->may_probe
      = soup_server_message_get_http_version (message) == SOUP_HTTP_1_1
        && !syrinx_soup_stream_is_tls (
            soup_server_message_get_remote_address (message));
  look_for (watch, G_IO_IN);
  return watch;
}

void
http_watch_free (HttpWatch *watch)
{
  g_source_destroy (watch->source);
  g_source_unref (watch->source);
  g_object_unref (watch->socket);
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

void
http_cut (SoupServerMessage *message)
{
  g_autoptr (GSocket) socket = find_socket (message);

  if (socket)
    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  /* libsoup finds out when it writes. */
  soup_message_body_append (soup_server_message_get_response_body (message),
      SOUP_MEMORY_STATIC, "", 1);
  soup_server_message_unpause (message);
}
