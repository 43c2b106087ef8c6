/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The endpoint. */
#include "endpoint.h"

#include "handshakes.h"
#include "peer.h"

#include "daemon/config/address.h"

#include "core/base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG            4096
#define MAX_ACCEPTS_A_TURN 64 /* then other sources are served */
#define PAUSE_MS           100
#define EPISODE_MS         10000 /* pauses within it are logged once */

struct _SyrinxEndpoint
{
  gatomicrefcount refs; /* the owner's, and the running callback's */
  SyrinxEndpointSettings settings;
  GSocket *listening;
  GSocketAddress *bound;
  guint64 watch;                /* in the reactor; 0: paused */
  GSource *pause;               /* (nullable) */
  gint64 paused_us;             /* when the last pause began */
  SyrinxHandshakes *handshakes; /* (nullable): no TLS */
};

/* --- Pauses --- */

static void watch (SyrinxEndpoint *self);

static gboolean
pause_is_over (gpointer user_data)
{
  SyrinxEndpoint *self = user_data;

  g_clear_pointer (&self->pause, g_source_unref);
  watch (self);
  return G_SOURCE_REMOVE;
}

/* Descriptors or memory have run out: pending connections stay in the
 * backlog. */
static void
pause_accepting (SyrinxEndpoint *self, int code)
{
  gint64 now_us = g_get_monotonic_time ();

  if (!self->paused_us || now_us - self->paused_us > EPISODE_MS * (gint64)1000)
    g_warning ("can't take connections at %s for a moment: %s%s",
        self->settings.address, g_strerror (code),
        code == EMFILE ? " (raise the limit of open files: LimitNOFILE)" : "");
  self->paused_us = now_us;
  syrinx_reactor_remove (self->settings.reactor, self->watch);
  self->watch = 0;
  self->pause = g_timeout_source_new (PAUSE_MS);
  g_source_set_callback (self->pause, pause_is_over, self, NULL);
  g_source_attach (
      self->pause, syrinx_reactor_get_context (self->settings.reactor));
}

/* --- Accepting --- */

static void
take (SyrinxEndpoint *self, int fd, const gchar *peer, gboolean is_counted)
{
  SyrinxConnections *connections
      = is_counted ? self->settings.connections : NULL;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  if (self->handshakes)
    syrinx_handshakes_add (self->handshakes, fd, peer, connections);
  else
    self->settings.accepted (
        syrinx_transport_new (&(SyrinxTransportSettings){
            .fd = fd, .peer = peer, .connections = connections }),
        self->settings.user_data);
}

/* FALSE: the backlog is empty, or accepting has paused. */
static gboolean
accept_one (SyrinxEndpoint *self)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;
  g_autofree gchar *peer = NULL;
  guint max;
  int fd = accept4 (g_socket_get_fd (self->listening),
      (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

  if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return FALSE;
  if (fd < 0) {
    /* Other errors concern only the connection that was accepted: accept(2). */
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
        || errno == ENOMEM)
      pause_accepting (self, errno);
    return self->watch != 0;
  }
  peer = syrinx_peer_describe (&address);
  max = self->settings.get_max (peer, self->settings.user_data);
  if (max && !syrinx_connections_take (self->settings.connections, peer, max))
    close (fd);
  else
    take (self, fd, peer, max > 0);
  return TRUE;
}

static void
unref (SyrinxEndpoint *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->settings.tls, syrinx_tls_context_unref);
  syrinx_connections_unref (self->settings.connections);
  g_free ((gchar *)self->settings.address);
  g_clear_object (&self->bound);
  g_clear_object (&self->listening);
  g_free (self);
}

static void
acceptable (guint32 events, gpointer user_data)
{
  SyrinxEndpoint *self = user_data;

  g_atomic_ref_count_inc (&self->refs);
  for (guint i = 0; self->watch && i < MAX_ACCEPTS_A_TURN; i++)
    if (!accept_one (self))
      break;
  unref (self);
}

static void
watch (SyrinxEndpoint *self)
{
  self->watch = syrinx_reactor_add (self->settings.reactor,
      g_socket_get_fd (self->listening), EPOLLIN, acceptable, self);
  if (!self->watch)
    pause_accepting (self, errno);
}

/* --- Life --- */

static gboolean
start_listening (SyrinxEndpoint *self, GError **error)
{
  g_autoptr (GSocketAddress) address
      = syrinx_address_parse (self->settings.address, error);
  GError *cause = NULL;

  if (!address)
    return FALSE;
  self->listening = g_socket_new (g_socket_address_get_family (address),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &cause);
  if (self->listening) {
    g_socket_set_blocking (self->listening, FALSE);
    g_socket_set_listen_backlog (self->listening, BACKLOG);
    if (g_socket_bind (self->listening, address, TRUE, &cause)
        && g_socket_listen (self->listening, &cause))
      self->bound = g_socket_get_local_address (self->listening, &cause);
  }
  return self->bound
         || syrinx_address_explain (
             self->settings.address, self->settings.option, cause, error);
}

static void
copy_settings (SyrinxEndpoint *self, const SyrinxEndpointSettings *settings)
{
  self->settings = *settings;
  self->settings.address = g_strdup (settings->address);
  syrinx_connections_ref (self->settings.connections);
  if (settings->tls)
    syrinx_tls_context_ref (settings->tls);
}

SyrinxEndpoint *
syrinx_endpoint_new (const SyrinxEndpointSettings *settings, GError **error)
{
  SyrinxEndpoint *self = g_new0 (SyrinxEndpoint, 1);

  g_atomic_ref_count_init (&self->refs);
  copy_settings (self, settings);
  if (!start_listening (self, error)) {
    unref (self);
    return NULL;
  }
  if (settings->tls)
    self->handshakes = syrinx_handshakes_new (
        &(SyrinxHandshakesSettings){ .reactor = settings->reactor,
            .tls = settings->tls,
            .alpn = settings->alpn,
            .plain_answer = settings->plain_answer,
            .done = settings->accepted,
            .user_data = settings->user_data });
  watch (self);
  return self;
}

void
syrinx_endpoint_free (SyrinxEndpoint *self)
{
  syrinx_reactor_remove (self->settings.reactor, self->watch);
  self->watch = 0;
  if (self->pause)
    g_source_destroy (self->pause);
  g_clear_pointer (&self->pause, g_source_unref);
  g_clear_pointer (&self->handshakes, syrinx_handshakes_free);
  unref (self);
}

GSocketAddress *
syrinx_endpoint_get_address (SyrinxEndpoint *self)
{
  return self->bound;
}
