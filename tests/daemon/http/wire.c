/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real HttpServer whose clients are the other ends of socket pairs. */
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 5
#define MAX_ROUNDS 64 /* a handler may defer itself so often */

struct _Wire
{
  SyrinxReactor *reactor;
  HttpServer *server;
};

Wire *
wire_new (void (*handle) (HttpExchange *exchange, gpointer user_data),
    gpointer user_data)
{
  Wire *wire = g_new0 (Wire, 1);
  g_autoptr (GError) error = NULL;

  wire->reactor = syrinx_reactor_new (NULL, &error);
  g_assert_no_error (error);
  wire->server = http_server_new (&(HttpServerSettings){
      .reactor = wire->reactor, .handle = handle, .user_data = user_data });
  return wire;
}

void
wire_free (Wire *wire)
{
  http_server_free (wire->server);
  syrinx_reactor_free (wire->reactor);
  g_free (wire);
}

HttpServer *
wire_get_server (Wire *wire)
{
  return wire->server;
}

int
wire_connect (Wire *wire)
{
  int ends[2];

  g_assert_cmpint (
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
      ==, 0);
  http_server_take (wire->server,
      syrinx_transport_new (
          &(SyrinxTransportSettings){ .fd = ends[0], .peer = "192.0.2.1" }));
  return ends[1];
}

void
wire_run (Wire *wire)
{
  for (guint i = 0; i < MAX_ROUNDS; i++)
    if (!g_main_context_iteration (NULL, FALSE))
      break;
}

void
wire_run_until (Wire *wire, gboolean (*check) (gpointer data), gpointer data)
{
  gint64 until_us = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;

  while (!check (data) && g_get_monotonic_time () < until_us)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (check (data));
}

gboolean
wire_say (Wire *wire, int fd, const gchar *text, gssize size_bytes)
{
  gsize left = size_bytes < 0 ? strlen (text) : (gsize)size_bytes;

  while (left) {
    gssize n = send (fd, text, left, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
      return FALSE;
    if (n < 0) {
      guint rounds = 0;
      while (!g_main_context_iteration (NULL, FALSE) && rounds++ < MAX_ROUNDS)
        ;
      if (rounds > MAX_ROUNDS)
        return FALSE; /* the peer has closed */
      continue;
    }
    text += n;
    left -= n;
  }
  wire_run (wire);
  return TRUE;
}

gchar *
wire_hear (Wire *wire, int fd, gboolean *has_ended)
{
  GString *heard = g_string_new (NULL);
  gchar data[16384];
  gssize n;

  wire_run (wire);
  while ((n = recv (fd, data, sizeof data, 0)) > 0) {
    g_string_append_len (heard, data, n);
    wire_run (wire);
  }
  if (has_ended)
    *has_ended = n == 0 || errno != EAGAIN;
  return g_string_free (heard, FALSE);
}
