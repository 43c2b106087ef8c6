/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the one pair of UDP sockets that sends all datagrams. Datagrams that
 * arrive are receiver reports, which keep their session alive. */
#include "rtsp-private.h"

#include "daemon/net/peer.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
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

/* --- Receiving --- */

/* "HOST PORT": the key of a sender of receiver reports. (transfer full) */
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

static guint16
get_port (const struct sockaddr_storage *address)
{
  return g_ntohs (address->ss_family == AF_INET6
                      ? ((const struct sockaddr_in6 *)address)->sin6_port
                      : ((const struct sockaddr_in *)address)->sin_port);
}

static gboolean
readable (gint fd, GIOCondition condition, gpointer data)
{
  RtspUdp *self = data;

  for (guint i = 0; i < MAX_READS_A_TURN; i++) {
    struct sockaddr_storage from = { 0 };
    socklen_t size = sizeof from;
    g_autofree gchar *host = NULL;
    guint8 scrap[8];
    if (recvfrom (fd, scrap, sizeof scrap, MSG_DONTWAIT,
            (struct sockaddr *)&from, &size)
        < 0)
      break;
    host = syrinx_peer_describe (&from);
    hear (self, host, get_port (&from));
  }
  return G_SOURCE_CONTINUE;
}

/* --- Sending --- */

GSocketAddress *
rtsp_udp_make_address (RtspUdp *self, const gchar *host, guint16 port)
{
  gboolean is_mapped
      = g_socket_get_family (self->sockets[0]) == G_SOCKET_FAMILY_IPV6
        && !strchr (host, ':');
  g_autofree gchar *mapped = g_strconcat ("::ffff:", host, NULL);

  return g_inet_socket_address_new_from_string (
      is_mapped ? mapped : host, port);
}

void
rtsp_udp_send_report (
    RtspUdp *self, const gchar *host, guint16 port, GBytes *report)
{
  g_autoptr (GSocketAddress) to = rtsp_udp_make_address (self, host, port);
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

/* Binds RTP to an even port that the system chooses, RTCP to the next. */
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
  return syrinx_transport_is_tls (connection->transport)
             ? connection->rtsp->tls_udp
             : connection->rtsp->udp;
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
