/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the one pair of UDP sockets from which all datagrams leave. What comes
 * is a receiver's report, which keeps its session alive. */
#include "rtsp-private.h"

#include <glib-unix.h>
#include <sys/socket.h>

#define MAX_TRIES        64
#define MAX_READS_A_TURN 64
#define SEND_BUFFER      (4 * 1024 * 1024)

struct _RtspUdp
{
  GHashTable *senders; /* "HOST PORT" → RtspConnection */
  GSocket *sockets[2]; /* RTP and RTCP */
  guint16 ports[2];
  guint sources[2];
};

/* --- What comes --- */

/* "HOST PORT": who sends receiver's reports. (transfer full) */
static gchar *
key_of (const gchar *host, guint16 port)
{
  return g_strdup_printf ("%s %u", host, port);
}

void
rtsp_udp_expect (RtspUdp *self, const gchar *host, const guint16 ports[2],
    RtspConnection *connection)
{
  for (guint i = 0; i < 2; i++)
    g_hash_table_replace (self->senders, key_of (host, ports[i]), connection);
}

void
rtsp_udp_forget (RtspUdp *self, const gchar *host, const guint16 ports[2],
    RtspConnection *connection)
{
  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *key = key_of (host, ports[i]);
    if (g_hash_table_lookup (self->senders, key) == connection)
      g_hash_table_remove (self->senders, key);
  }
}

static void
hear (RtspUdp *self, const gchar *host, guint16 port)
{
  g_autofree gchar *key = key_of (host, port);
  RtspConnection *connection = g_hash_table_lookup (self->senders, key);

  if (connection)
    connection->heard_us = g_get_monotonic_time ();
}

static gboolean
readable (gint fd, GIOCondition condition, gpointer data)
{
  RtspUdp *self = data;

  for (guint i = 0; i < MAX_READS_A_TURN; i++) {
    struct sockaddr_storage from = { 0 };
    socklen_t size = sizeof from;
    guint8 scrap[8];
    g_autoptr (GSocketAddress) address = NULL;
    if (recvfrom (fd, scrap, sizeof scrap, MSG_DONTWAIT,
            (struct sockaddr *)&from, &size)
        < 0)
      break;
    address = g_socket_address_new_from_native (&from, size);
    if (G_IS_INET_SOCKET_ADDRESS (address)) {
      GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
      g_autofree gchar *host
          = g_inet_address_to_string (g_inet_socket_address_get_address (inet));
      hear (self, host, g_inet_socket_address_get_port (inet));
    }
  }
  return G_SOURCE_CONTINUE;
}

/* --- What goes --- */

void
rtsp_udp_send_report (
    RtspUdp *self, const gchar *host, guint16 port, GBytes *report)
{
  g_autoptr (GSocketAddress) to
      = g_inet_socket_address_new_from_string (host, port);
  gsize size;
  const gchar *data = g_bytes_get_data (report, &size);

  if (to)
    g_socket_send_to (self->sockets[1], to, data, size, NULL, NULL);
}

/* --- Life --- */

static GSocket *
bind_socket (GInetAddress *address, guint16 port)
{
  g_autoptr (GSocketAddress) at = g_inet_socket_address_new (address, port);
  g_autoptr (GSocket) made = g_socket_new (g_inet_address_get_family (address),
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);

  if (!made || !g_socket_bind (made, at, FALSE, NULL))
    return NULL;
  g_socket_set_blocking (made, FALSE);
  g_socket_set_option (made, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER, NULL);
  return g_steal_pointer (&made);
}

static guint16
port_of (GSocket *socket)
{
  g_autoptr (GSocketAddress) at = g_socket_get_local_address (socket, NULL);

  return at ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (at)) : 0;
}

/* RTP on an even port that the system chose, RTCP on the next. */
static gboolean
bind_pair (RtspUdp *self, GInetAddress *address)
{
  for (guint i = 0; i < MAX_TRIES; i++) {
    g_autoptr (GSocket) first = bind_socket (address, 0);
    guint16 port = first ? port_of (first) : 0;
    g_autoptr (GSocket) second
        = port && port % 2 == 0 ? bind_socket (address, port + 1) : NULL;
    if (!second)
      continue;
    self->sockets[0] = g_steal_pointer (&first);
    self->sockets[1] = g_steal_pointer (&second);
    self->ports[0] = port;
    self->ports[1] = port + 1;
    return TRUE;
  }
  return FALSE;
}

RtspUdp *
rtsp_udp_new (GInetAddress *address)
{
  RtspUdp *self = g_new0 (RtspUdp, 1);

  if (!bind_pair (self, address)) {
    g_free (self);
    return NULL;
  }
  self->senders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 2; i++)
    self->sources[i] = g_unix_fd_add (
        g_socket_get_fd (self->sockets[i]), G_IO_IN, readable, self);
  return self;
}

void
rtsp_udp_free (RtspUdp *self)
{
  for (guint i = 0; i < 2; i++) {
    g_source_remove (self->sources[i]);
    g_object_unref (self->sockets[i]);
  }
  g_hash_table_unref (self->senders);
  g_free (self);
}

RtspUdp *
rtsp_udp_of (const RtspConnection *connection)
{
  return connection->layer ? connection->rtsp->tls_udp : connection->rtsp->udp;
}

const guint16 *
rtsp_udp_get_ports (RtspUdp *self)
{
  return self->ports;
}

GSocket *
rtsp_udp_get_socket (RtspUdp *self)
{
  return self->sockets[0];
}
