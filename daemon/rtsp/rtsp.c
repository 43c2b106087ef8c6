/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The RTSP server: listening, and the clock that all its clients share. All
 * connections are in one epoll set, so that the main loop polls one descriptor
 * however many there are. */
#include "rtsp.h"

#include "rtsp-private.h"

#include "daemon/config/address.h"

#include "core/base/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         1024
#define MAX_EVENTS      128
#define ACCEPT_PAUSE_MS 100
#define SHAPE           "rtsp"
#define SRTP_SHAPE      "rtsp-srtp"
#define RTP_PLUGIN      GST_PLUGINS_DIR "/libgstrtp.so"

/* --- The tick: reports and time-outs --- */

static gboolean
tick (gpointer data)
{
  SyrinxRtsp *self = data;
  g_autoptr (GList) all = g_hash_table_get_values (self->connections);
  gint64 now_us = g_get_monotonic_time ();

  for (GList *l = all; l; l = l->next) {
    RtspConnection *connection = l->data;
    if (connection->media)
      rtsp_media_report (connection->media);
    rtsp_connection_check (connection, now_us);
  }
  if (g_hash_table_size (self->connections))
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

/* --- Accepting --- */

static void
start_tick (SyrinxRtsp *self)
{
  if (!self->tick)
    self->tick = g_timeout_add_seconds (RTSP_TICK_S, tick, self);
}

static void
add (SyrinxRtsp *self, int fd, gchar *host)
{
  rtsp_connection_add (self, fd, host);
  start_tick (self);
}

static gboolean
watch_listening (gpointer data)
{
  SyrinxRtsp *self = data;
  struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0 };

  self->pause = 0;
  epoll_ctl (
      self->epoll_fd, EPOLL_CTL_ADD, g_socket_get_fd (self->listening), &event);
  return G_SOURCE_REMOVE;
}

/* Out of descriptors or memory: those who wait stay in the backlog. */
static void
pause_accepting (SyrinxRtsp *self)
{
  g_warning (
      "can't take RTSP connections for a moment: %s", g_strerror (errno));
  epoll_ctl (
      self->epoll_fd, EPOLL_CTL_DEL, g_socket_get_fd (self->listening), NULL);
  self->pause = g_timeout_add (ACCEPT_PAUSE_MS, watch_listening, self);
}

/* (transfer full) */
static gchar *
describe_host (struct sockaddr_storage *address, socklen_t size)
{
  g_autoptr (GSocketAddress) peer
      = g_socket_address_new_from_native (address, size);

  return g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (peer)));
}

static void
accept_all (SyrinxRtsp *self)
{
  guint max
      = syrinx_engine_get_config (self->engine)->max_connections_per_address;

  for (;;) {
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    g_autofree gchar *host = NULL;
    int fd = accept4 (g_socket_get_fd (self->listening),
        (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
      continue;
    if (fd < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        pause_accepting (self);
      return;
    }
    host = describe_host (&address, size);
    if (syrinx_connections_take (self->hosts, host, max))
      add (self, fd, g_steal_pointer (&host));
    else
      close (fd);
  }
}

static gboolean
dispatch (gint epoll_fd, GIOCondition condition, gpointer data)
{
  SyrinxRtsp *self = data;
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait (epoll_fd, events, MAX_EVENTS, 0);

  for (int i = 0; i < n; i++) {
    guint64 id = events[i].data.u64;
    RtspConnection *connection
        = id ? g_hash_table_lookup (self->connections, &id) : NULL;
    if (!id)
      accept_all (self);
    else if (connection)
      rtsp_connection_readable (connection);
  }
  return G_SOURCE_CONTINUE;
}

/* --- Life --- */

#define OPTIONS "--rtsp and --rtsps (or none)"

static void
take_layer (GSocketConnection *base, GIOStream *layer, gpointer data)
{
  SyrinxRtsp *self = data;

  rtsp_connection_add_layer (self, base, layer);
  start_tick (self);
}

/* Datagrams leave from the address that was connected to. (nullable) */
static RtspUdp *
open_udp (GSocketAddress *address)
{
  RtspUdp *udp = rtsp_udp_new (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));

  if (!udp)
    g_warning ("there is no free pair of UDP ports: RTSP is interleaved only");
  return udp;
}

/* RTSP in TLS (RTSPS). */
static gboolean
listen_tls (SyrinxRtsp *self, const gchar *text, GError **error)
{
  g_autoptr (GSocketAddress) address = syrinx_address_parse (text, error);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *cause = NULL;

  if (!address)
    return FALSE;
  self->tls_udp = open_udp (address);
  self->tls_front = syrinx_tls_front_new (
      self->engine, address, self->hosts, take_layer, self, &cause);
  if (!self->tls_front)
    return syrinx_address_explain (text, OPTIONS, cause, error);
  bound = syrinx_tls_front_get_address (self->tls_front);
  syrinx_engine_set_rtsp_port (self->engine, TRUE,
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return TRUE;
}

static gboolean
start_listening (SyrinxRtsp *self, const gchar *text, GError **error)
{
  g_autoptr (GSocketAddress) address = syrinx_address_parse (text, error);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *cause = NULL;

  if (!address)
    return FALSE;
  self->listening = g_socket_new (g_socket_address_get_family (address),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (!self->listening)
    return FALSE;
  g_socket_set_blocking (self->listening, FALSE);
  g_socket_set_listen_backlog (self->listening, BACKLOG);
  if (!g_socket_bind (self->listening, address, TRUE, &cause)
      || !g_socket_listen (self->listening, &cause))
    return syrinx_address_explain (text, OPTIONS, cause, error);
  self->udp = open_udp (address);
  self->source = g_unix_fd_add (self->epoll_fd, G_IO_IN, dispatch, self);
  watch_listening (self);
  bound = g_socket_get_local_address (self->listening, error);
  if (!bound)
    return FALSE;
  if (!syrinx_address_is_loopback (address))
    g_warning ("RTSP on %s is reachable from other machines and not encrypted "
               "on the way: make it loopback and set rtsps",
        text);
  syrinx_engine_set_rtsp_port (self->engine, FALSE,
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return TRUE;
}

/* The daemon runs without GStreamer's registry (see streams.c), so that the one
 * plugin of others that it needs is loaded by its path. */
static gboolean
load_payloader (GError **error)
{
  g_autoptr (GstElementFactory) known = gst_element_factory_find ("rtpopuspay");
  g_autoptr (GstPlugin) plugin = NULL;
  GError *cause = NULL;

  if (known)
    return TRUE;
  plugin = gst_plugin_load_file (RTP_PLUGIN, &cause);
  if (plugin) {
    gst_registry_add_plugin (gst_registry_get (), gst_object_ref (plugin));
    return TRUE;
  }
  g_set_error (error, SYRINX_ERROR, SYRINX_ERROR_NOT_FOUND,
      "RTSP needs GStreamer's rtp plugin (gstreamer1.0-plugins-good): %s; or "
      "start with --rtsp none",
      cause->message);
  g_error_free (cause);
  return FALSE;
}

SyrinxRtsp *
syrinx_rtsp_new (SyrinxEngine *engine, GError **error)
{
  const SyrinxConfig *config = syrinx_engine_get_config (engine);
  g_autoptr (SyrinxRtsp) self = g_new0 (SyrinxRtsp, 1);

  self->engine = g_object_ref (engine);
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->loop = syrinx_io_loop_get ();
  self->connections = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, rtsp_connection_free);
  self->hosts = syrinx_connections_new ();
  self->endings = (SyrinxEndings){ rtsp_media_is_over, self };
  self->media = g_hash_table_new (g_str_hash, g_str_equal);
  if (!load_payloader (error))
    return NULL;
  self->is_savp_only = g_str_equal (config->rtsp_profile, "savp");
  self->launch = syrinx_shape_load (SHAPE, config->pipelines_dir, error);
  if (self->launch)
    self->srtp_launch
        = syrinx_shape_load (SRTP_SHAPE, config->pipelines_dir, error);
  if (!self->srtp_launch || !start_listening (self, config->rtsp, error)
      || (config->rtsps && !listen_tls (self, config->rtsps, error)))
    return NULL;
  return g_steal_pointer (&self);
}

void
syrinx_rtsp_free (SyrinxRtsp *self)
{
  GHashTableIter iter;
  gpointer media;

  syrinx_engine_set_rtsp_port (self->engine, FALSE, 0);
  syrinx_engine_set_rtsp_port (self->engine, TRUE, 0);
  /* Here and now: what they play from is closed next. */
  g_hash_table_iter_init (&iter, self->media);
  while (g_hash_table_iter_next (&iter, NULL, &media))
    syrinx_pipe_stop (((RtspMedia *)media)->pipe);
  g_hash_table_remove_all (self->connections);
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_handle_id (&self->pause, g_source_remove);
  g_clear_pointer (&self->tls_front, syrinx_tls_front_free);
  g_clear_pointer (&self->udp, rtsp_udp_free);
  g_clear_pointer (&self->tls_udp, rtsp_udp_free);
  g_clear_object (&self->listening);
  close (self->epoll_fd);
  g_hash_table_unref (self->connections);
  syrinx_connections_unref (self->hosts);
  g_hash_table_unref (self->media);
  syrinx_io_loop_unref (self->loop);
  g_object_unref (self->engine);
  g_free (self->launch);
  g_free (self->srtp_launch);
  g_free (self);
}

/* (transfer full) */
static gchar *
describe (const gchar *scheme, GSocketAddress *bound)
{
  g_autofree gchar *text
      = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (bound));

  return g_strdup_printf ("%s://%s/", scheme, text);
}

gchar *
syrinx_rtsp_get_address (SyrinxRtsp *self)
{
  g_autoptr (GSocketAddress) bound
      = g_socket_get_local_address (self->listening, NULL);

  return describe ("rtsp", bound);
}

gchar *
syrinx_rtsp_get_tls_address (SyrinxRtsp *self)
{
  g_autoptr (GSocketAddress) bound
      = self->tls_front ? syrinx_tls_front_get_address (self->tls_front) : NULL;

  return bound ? describe ("rtsps", bound) : NULL;
}

guint
syrinx_rtsp_count (SyrinxRtsp *rtsp)
{
  GHashTableIter iter;
  gpointer media;
  guint n = 0;

  g_hash_table_iter_init (&iter, rtsp->media);
  while (g_hash_table_iter_next (&iter, NULL, &media))
    n += ((RtspMedia *)media)->state == RTSP_MEDIA_PLAYING;
  return n;
}
