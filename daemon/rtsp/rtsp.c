/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The RTSP server: its endpoints, and the timer that all its connections
 * share. */
#include "rtsp.h"

#include "rtsp-private.h"

#include "daemon/config/address.h"

#include "core/base/error.h"

#define SHAPE      "rtsp"
#define SRTP_SHAPE "rtsp-srtp"
#define RTP_PLUGIN GST_PLUGINS_DIR "/libgstrtp.so"
#define PLAIN_ANSWER                                                           \
  "RTSP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: "            \
  "text/plain\r\nContent-Length: 28\r\n\r\nThis port speaks RTSPS only\n"

/* --- The timer: reports and time-outs --- */

static gboolean
tick (gpointer data)
{
  SyrinxRtsp *self = data;
  g_autoptr (GList) all = g_hash_table_get_keys (self->connections);
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

/* --- Life --- */

#define OPTIONS "--rtsp and --rtsps (or none)"

static void
accepted (SyrinxTransport *transport, gpointer data)
{
  SyrinxRtsp *self = data;

  rtsp_connection_add (self, transport);
  if (!self->tick)
    self->tick = g_timeout_add_seconds (RTSP_TICK_S, tick, self);
}

static guint
get_max (const gchar *peer, gpointer data)
{
  SyrinxRtsp *self = data;

  return syrinx_gateway_get_max_connections (
      syrinx_engine_get_gateway (self->engine), peer);
}

/* @tls (nullable): no TLS. Also opens *@udp, since datagrams are sent from the
 * address that the client connected to; it stays NULL if no ports are free. */
static SyrinxEndpoint *
listen_at (SyrinxRtsp *self, const gchar *address, SyrinxTlsContext *tls,
    RtspUdp **udp, GError **error)
{
  SyrinxEndpoint *endpoint
      = syrinx_endpoint_new (&(SyrinxEndpointSettings){ .address = address,
                                 .option = OPTIONS,
                                 .tls = tls,
                                 .plain_answer = PLAIN_ANSWER,
                                 .reactor = self->reactor,
                                 .connections = self->hosts,
                                 .get_max = get_max,
                                 .accepted = accepted,
                                 .user_data = self },
          error);
  GInetSocketAddress *bound;

  if (!endpoint)
    return NULL;
  bound = G_INET_SOCKET_ADDRESS (syrinx_endpoint_get_address (endpoint));
  *udp = rtsp_udp_new (g_inet_socket_address_get_address (bound));
  if (!*udp)
    g_warning ("there is no free pair of UDP ports: RTSP is interleaved only");
  syrinx_engine_set_rtsp_port (
      self->engine, tls != NULL, g_inet_socket_address_get_port (bound));
  return endpoint;
}

static gboolean
start_listening (SyrinxRtsp *self, const SyrinxConfig *config, GError **error)
{
  self->endpoint = listen_at (self, config->rtsp, NULL, &self->udp, error);
  if (!self->endpoint)
    return FALSE;
  if (!syrinx_address_is_loopback (
          syrinx_endpoint_get_address (self->endpoint)))
    g_warning ("RTSP on %s is reachable from other machines and not encrypted "
               "on the way: make it loopback and set rtsps",
        config->rtsp);
  if (config->rtsps)
    self->tls_endpoint = listen_at (self, config->rtsps,
        syrinx_engine_get_tls_context (self->engine), &self->tls_udp, error);
  return self->tls_endpoint || !config->rtsps;
}

/* The daemon runs without GStreamer's registry (see
 * daemon/sessions/progressive.c), so the one foreign plugin that it needs is
 * loaded by its path. */
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
  self->loop = syrinx_io_loop_get ();
  self->connections
      = g_hash_table_new_full (NULL, NULL, rtsp_connection_free, NULL);
  self->hosts = syrinx_connections_new ();
  self->endings = (SyrinxEndings){ rtsp_media_is_over, self };
  self->media = g_hash_table_new (g_str_hash, g_str_equal);
  self->reactor = syrinx_reactor_new (NULL, error);
  if (!self->reactor || !load_payloader (error))
    return NULL;
  self->is_savp_only = g_str_equal (config->rtsp_profile, "savp");
  self->launch = syrinx_shape_load (SHAPE, config->pipelines_dir, error);
  if (self->launch)
    self->srtp_launch
        = syrinx_shape_load (SRTP_SHAPE, config->pipelines_dir, error);
  if (!self->srtp_launch || !start_listening (self, config, error))
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
  /* At once, since the content that they play is closed next. */
  g_hash_table_iter_init (&iter, self->media);
  while (g_hash_table_iter_next (&iter, NULL, &media))
    syrinx_pipe_stop (((RtspMedia *)media)->pipe);
  g_clear_pointer (&self->endpoint, syrinx_endpoint_free);
  g_clear_pointer (&self->tls_endpoint, syrinx_endpoint_free);
  g_hash_table_remove_all (self->connections);
  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_pointer (&self->udp, rtsp_udp_free);
  g_clear_pointer (&self->tls_udp, rtsp_udp_free);
  g_clear_pointer (&self->reactor, syrinx_reactor_free);
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
describe (const gchar *scheme, SyrinxEndpoint *endpoint)
{
  g_autofree gchar *text = g_socket_connectable_to_string (
      G_SOCKET_CONNECTABLE (syrinx_endpoint_get_address (endpoint)));

  return g_strdup_printf ("%s://%s/", scheme, text);
}

gchar *
syrinx_rtsp_get_address (SyrinxRtsp *self)
{
  return describe ("rtsp", self->endpoint);
}

gchar *
syrinx_rtsp_get_tls_address (SyrinxRtsp *self)
{
  return self->tls_endpoint ? describe ("rtsps", self->tls_endpoint) : NULL;
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
