/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client's connection: read on the main loop, written by the I/O loop, so
 * that answers, reports and media leave in the order in which they came. */
#include "rtsp-private.h"

#include "core/schedule/demand.h"
#include "core/crypto/secret.h"

#include <errno.h>
#include <gio/gunixoutputstream.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_BYTES       4096
#define MAX_READS_A_TURN 16

/* --- What the I/O loop tells, in its thread --- */

static void
tell_out (RtspConnection *self, GstEvent *event)
{
  g_autoptr (GstElement) out = NULL;

  g_mutex_lock (&self->lock);
  if (self->out)
    out = gst_object_ref (self->out);
  g_mutex_unlock (&self->lock);
  if (out)
    gst_element_send_event (out, event);
  else
    gst_event_unref (event);
}

static void
on_hold (SyrinxClient *client, gpointer connection)
{
  tell_out (connection, syrinx_event_new_hold ());
}

static void
on_resume (SyrinxClient *client, gpointer connection)
{
  tell_out (connection, syrinx_event_new_resume ());
}

/* The freeing connection takes it out again. */
static gboolean
remove_closed (gpointer data)
{
  RtspConnection *self = data;

  g_hash_table_remove (self->rtsp->connections, &self->id);
  return G_SOURCE_REMOVE;
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer connection)
{
  if (error)
    g_debug ("an RTSP connection closed: %s", error->message);
  /* Not behind those who never stop to write. */
  g_idle_add_full (G_PRIORITY_HIGH, remove_closed, connection, NULL);
}

/* --- Writing --- */

void
rtsp_connection_send (RtspConnection *self, GBytes *bytes)
{
  syrinx_client_send (self->client, bytes);
}

void
rtsp_connection_respond (RtspConnection *self, GstRTSPMessage *response)
{
  g_autoptr (GBytes) bytes = rtsp_to_bytes (response);
  guint8 *body;
  guint body_bytes;

  rtsp_connection_send (self, bytes);
  /* A key may be in it. */
  gst_rtsp_message_get_body (response, &body, &body_bytes);
  syrinx_wipe (body, body_bytes);
  gst_rtsp_message_free (response);
}

void
rtsp_connection_end (RtspConnection *self)
{
  self->is_ending = TRUE;
  syrinx_client_finish (self->client);
}

void
rtsp_connection_cut (RtspConnection *self)
{
  rtsp_connection_end (self);
  syrinx_client_drop (self->client);
}

void
rtsp_connection_set_out (RtspConnection *self, GstElement *out)
{
  g_mutex_lock (&self->lock);
  gst_object_replace ((GstObject **)&self->out, GST_OBJECT_CAST (out));
  g_mutex_unlock (&self->lock);
}

/* --- Reading --- */

static void
refuse (RtspConnection *self, GstRTSPMessage *request, GstRTSPStatusCode status)
{
  rtsp_answer (self, request, status);
  rtsp_connection_end (self);
}

/* FALSE: there is nothing whole to take. */
static gboolean
take_one (RtspConnection *self)
{
  GstRTSPMessage *request = NULL;
  gsize taken = 0;
  RtspRead read = rtsp_parse (
      (const gchar *)self->input->data, self->input->len, &taken, &request);

  if (taken)
    g_byte_array_remove_range (self->input, 0, taken);
  switch (read) {
  case RTSP_READ_REQUEST:
    self->heard_us = g_get_monotonic_time ();
    rtsp_handle (self, request);
    break;
  case RTSP_READ_DATA:
    self->heard_us = g_get_monotonic_time ();
    break;
  case RTSP_READ_TOO_BIG:
    refuse (self, NULL, GST_RTSP_STS_REQUEST_ENTITY_TOO_LARGE);
    break;
  case RTSP_READ_VERSION:
    refuse (self, request, GST_RTSP_STS_RTSP_VERSION_NOT_SUPPORTED);
    break;
  case RTSP_READ_GARBAGE:
    refuse (self, NULL, GST_RTSP_STS_BAD_REQUEST);
    break;
  case RTSP_READ_MORE:
    break;
  }
  g_clear_pointer (&request, gst_rtsp_message_free);
  if (syrinx_client_get_queued_bytes (self->client) > RTSP_MAX_BACKLOG)
    rtsp_connection_cut (self);
  return read != RTSP_READ_MORE && !self->is_ending && self->input->len;
}

static void
take_all (RtspConnection *self)
{
  while (self->input->len && take_one (self))
    ;
  if (!self->input->len)
    self->partial_us = 0;
  else if (!self->partial_us)
    self->partial_us = g_get_monotonic_time ();
}

/* As recv(): 0 at the end, -1 and errno. */
static gssize
read_some (RtspConnection *self, guint8 *scrap, gsize size)
{
  g_autoptr (GError) error = NULL;
  gssize n;

  if (!self->layer)
    return recv (g_socket_get_fd (self->socket), scrap, size, MSG_DONTWAIT);
  n = g_pollable_input_stream_read_nonblocking (
      self->layer, scrap, size, NULL, &error);
  errno = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? EAGAIN
                                                                      : EPIPE;
  return n;
}

/* The client says no more. It gets what it has asked for, and no media: its
 * session lasted as long as it could speak. */
static void
end_of_input (RtspConnection *self)
{
  epoll_ctl (self->rtsp->epoll_fd, EPOLL_CTL_DEL,
      g_socket_get_fd (self->socket), NULL);
  g_clear_pointer (&self->media, rtsp_media_free);
  rtsp_connection_forget_own (self);
  rtsp_connection_end (self);
}

void
rtsp_connection_readable (RtspConnection *self)
{
  guint8 scrap[READ_BYTES];
  gssize size = 0;

  for (guint i = 0; i < MAX_READS_A_TURN; i++) {
    size = read_some (self, scrap, sizeof scrap);
    if (size <= 0)
      break;
    if (self->is_ending)
      continue;
    g_byte_array_append (self->input, scrap, size);
    take_all (self);
  }
  if (size == 0)
    end_of_input (self);
  else if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK
           && errno != EINTR)
    g_hash_table_remove (self->rtsp->connections, &self->id);
}

void
rtsp_connection_check (RtspConnection *self, gint64 now_us)
{
  gboolean plays_here = self->media && self->media->state == RTSP_MEDIA_PLAYING
                        && !self->media->transport.is_udp;
  gint64 silent_us = now_us - self->heard_us;

  /* Who takes the media as it comes is alive; the I/O loop ends who does not.
   */
  if ((self->partial_us
          && now_us - self->partial_us > RTSP_HEAD_TIMEOUT_S * G_USEC_PER_SEC)
      || (!plays_here && silent_us > RTSP_TIMEOUT_S * G_USEC_PER_SEC))
    g_hash_table_remove (self->rtsp->connections, &self->id);
}

/* --- Life --- */

/* The socket stays ours, so that no descriptor is closed, and perhaps used
 * again, by one loop while the other reads from it. */
static GIOStream *
make_stream (int fd)
{
  g_autoptr (GInputStream) input = g_memory_input_stream_new ();
  g_autoptr (GOutputStream) output = g_unix_output_stream_new (fd, FALSE);

  return g_simple_io_stream_new (input, output);
}

/* @stream: (transfer full) */
static void
add (SyrinxRtsp *rtsp, RtspConnection *self, GIOStream *stream)
{
  static const SyrinxClientFuncs funcs = { on_hold, on_resume, on_closed };
  struct epoll_event event = { .events = EPOLLIN };
  int fd = g_socket_get_fd (self->socket);

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  self->id = event.data.u64 = ++rtsp->next_id;
  self->rtsp = rtsp;
  self->input = g_byte_array_new ();
  self->heard_us = g_get_monotonic_time ();
  g_mutex_init (&self->lock);
  self->client = syrinx_io_loop_add (rtsp->loop, stream, NULL, &funcs, self);
  g_hash_table_insert (rtsp->connections, &self->id, self);
  if (epoll_ctl (rtsp->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    g_hash_table_remove (rtsp->connections, &self->id);
}

void
rtsp_connection_add (SyrinxRtsp *rtsp, int fd, gchar *host)
{
  RtspConnection *self = g_new0 (RtspConnection, 1);

  self->host = host;
  self->socket = g_socket_new_from_fd (fd, NULL);
  add (rtsp, self, make_stream (fd));
}

void
rtsp_connection_add_layer (
    SyrinxRtsp *rtsp, GSocketConnection *base, GIOStream *layer)
{
  g_autoptr (GSocketAddress) remote
      = g_socket_connection_get_remote_address (base, NULL);
  RtspConnection *self;

  if (!remote)
    return;
  syrinx_tls_front_note_request (remote);
  self = g_new0 (RtspConnection, 1);
  self->host = g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  self->socket = g_object_ref (g_socket_connection_get_socket (base));
  self->layer = g_object_ref (
      G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (layer)));
  add (rtsp, self, g_object_ref (layer));
}

void
rtsp_connection_forget_own (RtspConnection *self)
{
  g_autoptr (SyrinxSession) own = g_steal_pointer (&self->own);

  if (!own)
    return;
  g_clear_signal_handler (&self->own_ending, own);
  syrinx_sessions_terminate (syrinx_engine_get_sessions (self->rtsp->engine),
      syrinx_session_get_id (own), "its RTSP connection has ended");
}

void
rtsp_connection_free (gpointer data)
{
  RtspConnection *self = data;

  g_clear_pointer (&self->media, rtsp_media_free);
  g_clear_pointer (&self->offer, rtsp_offer_free);
  rtsp_connection_forget_own (self);
  syrinx_client_remove (self->client); /* from here on nothing is told */
  while (g_source_remove_by_user_data (self))
    ;
  epoll_ctl (self->rtsp->epoll_fd, EPOLL_CTL_DEL,
      g_socket_get_fd (self->socket), NULL);
  if (!self->layer)
    syrinx_connections_give_back (self->rtsp->hosts, self->host);
  g_clear_object (&self->layer);
  g_object_unref (self->socket);
  gst_clear_object (&self->out);
  g_byte_array_unref (self->input);
  g_mutex_clear (&self->lock);
  g_free (self->own_capability);
  g_free (self->host);
  g_free (self);
}
