/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client's connection: read on the main loop, written by the I/O loop,
 * which sends answers, reports and media in the order in which they were
 * queued.
 *
 * What a client can make it hold is bounded: of input, one message of
 * RTSP_MAX_HEAD_BYTES and RTSP_MAX_BODY_BYTES (interleaved packets are dropped
 * as they arrive); of output, RTSP_WATERMARK_BYTES of media and
 * RTSP_MAX_ANSWER_BYTES of answers. */
#include "rtsp-private.h"
#include "daemon/net/transport-stream.h"

#include "core/schedule/demand.h"
#include "core/crypto/secret.h"

#include <errno.h>

#define READ_BYTES       4096
#define MAX_READS_A_TURN 16
#define ANSWER_OVERHEAD  128 /* of memory for each answer, besides its text */

/* --- Callbacks of the I/O loop, in its thread --- */

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

/* Removal frees the connection, whose free function cancels this source. */
static gboolean
remove_closed (gpointer data)
{
  RtspConnection *self = data;

  g_hash_table_remove (self->rtsp->connections, self);
  return G_SOURCE_REMOVE;
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer connection)
{
  if (error)
    g_debug ("an RTSP connection closed: %s", error->message);
  /* High priority, so that busy connections can't delay it. */
  g_idle_add_full (G_PRIORITY_HIGH, remove_closed, connection, NULL);
}

/* --- Writing --- */

void
rtsp_connection_send (RtspConnection *self, GBytes *bytes)
{
  syrinx_client_send (self->client, bytes);
}

/* Bounds the answers that wait to be sent. They are counted in two generations:
 * when mark_bytes of the stream have been sent, all older answers have been
 * sent, too, and the newer ones become the older. */
static void
count_answer (RtspConnection *self, gsize size)
{
  guint64 sent_bytes = syrinx_client_get_sent_bytes (self->client);

  if (sent_bytes >= self->mark_bytes) {
    self->older_bytes = self->newer_bytes;
    self->newer_bytes = 0;
    self->mark_bytes
        = sent_bytes + syrinx_client_get_queued_bytes (self->client);
  }
  self->newer_bytes += size + ANSWER_OVERHEAD;
  if (self->older_bytes + self->newer_bytes > RTSP_MAX_ANSWER_BYTES)
    rtsp_connection_cut (self);
}

void
rtsp_connection_respond (RtspConnection *self, GstRTSPMessage *response)
{
  g_autoptr (GBytes) bytes = rtsp_to_bytes (response);
  guint8 *body;
  guint body_bytes;

  rtsp_connection_send (self, bytes);
  count_answer (self, g_bytes_get_size (bytes));
  /* The body may contain a key. */
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

/* Handles the first message of the input, of which @read is the kind. */
static void
take (RtspConnection *self, RtspRead read, GstRTSPMessage *request)
{
  switch (read) {
  case RTSP_READ_REQUEST:
    self->heard_us = g_get_monotonic_time ();
    rtsp_handle (self, request);
    break;
  case RTSP_READ_DATA:
    if (self->media) /* a receiver report; without media there is none */
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
}

/* Drops input that belongs to a packet being skipped. */
static void
skip (RtspConnection *self)
{
  gsize size = MIN (self->skip_bytes, self->input->len);

  if (size)
    g_byte_array_remove_range (self->input, 0, size);
  self->skip_bytes -= size;
}

/* FALSE: there is no complete message. */
static gboolean
take_one (RtspConnection *self)
{
  GstRTSPMessage *request = NULL;
  RtspRead read = rtsp_parse ((const gchar *)self->input->data,
      self->input->len, &self->skip_bytes, &request);

  skip (self);
  if (read != RTSP_READ_MORE)
    self->partial_us = 0;
  take (self, read, request);
  g_clear_pointer (&request, gst_rtsp_message_free);
  return read != RTSP_READ_MORE && !self->is_ending;
}

static void
take_all (RtspConnection *self)
{
  skip (self);
  while (self->input->len && !self->skip_bytes && take_one (self))
    ;
  if (self->is_ending)
    g_byte_array_set_size (self->input, 0);
  if (!self->input->len && !self->skip_bytes)
    self->partial_us = 0;
  else if (!self->partial_us)
    self->partial_us = g_get_monotonic_time ();
}

static void
stop_reading (RtspConnection *self)
{
  syrinx_reactor_remove (self->rtsp->reactor, self->watch);
  self->watch = 0;
}

/* The client is half-closed: queued answers are still sent, but media end,
 * since the client could no longer control its session. */
static void
end_of_input (RtspConnection *self)
{
  stop_reading (self);
  g_clear_pointer (&self->media, rtsp_media_free);
  rtsp_connection_forget_own (self);
  rtsp_connection_end (self);
}

static void read_some (RtspConnection *self);

static gboolean
read_on (gpointer connection)
{
  read_some (connection);
  return G_SOURCE_REMOVE;
}

/* The connection may be freed by this. */
static void
read_some (RtspConnection *self)
{
  guint8 scrap[READ_BYTES];
  gssize n = 0;

  for (guint i = 0; i < MAX_READS_A_TURN; i++) {
    n = syrinx_transport_recv (self->transport, scrap, sizeof scrap);
    if (n <= 0)
      break;
    if (self->is_ending)
      continue;
    g_byte_array_append (self->input, scrap, n);
    take_all (self);
  }
  if (n == 0)
    end_of_input (self);
  else if (n < 0 && n != -EAGAIN)
    g_hash_table_remove (self->rtsp->connections, self);
  else if (n > 0 && syrinx_transport_has_pending (self->transport))
    g_idle_add_full (G_PRIORITY_DEFAULT, read_on, self, NULL);
}

static void
readable (guint32 events, gpointer connection)
{
  read_some (connection);
}

/* A client that receives media over the connection is alive; the I/O loop
 * closes one that does not read. */
void
rtsp_connection_check (RtspConnection *self, gint64 now_us)
{
  if (self->media && self->media->state == RTSP_MEDIA_PLAYING
      && !self->media->transport.is_udp)
    self->heard_us = now_us;
  if ((self->partial_us
          && now_us - self->partial_us > RTSP_MESSAGE_S * G_USEC_PER_SEC)
      || now_us - self->heard_us > RTSP_TIMEOUT_S * G_USEC_PER_SEC)
    g_hash_table_remove (self->rtsp->connections, self);
}

/* --- Life --- */

void
rtsp_connection_add (SyrinxRtsp *rtsp, SyrinxTransport *transport)
{
  static const SyrinxClientFuncs funcs = { on_hold, on_resume, on_closed };
  static const SyrinxClientLimits limits
      = { .high_watermark_bytes = RTSP_WATERMARK_BYTES };
  RtspConnection *self = g_new0 (RtspConnection, 1);

  self->rtsp = rtsp;
  self->transport = transport;
  self->host = syrinx_transport_get_peer (transport);
  self->input = g_byte_array_new ();
  self->heard_us = g_get_monotonic_time ();
  g_mutex_init (&self->lock);
  self->client = syrinx_io_loop_add (rtsp->loop,
      syrinx_transport_stream_new (transport), &limits, &funcs, self);
  g_hash_table_add (rtsp->connections, self);
  self->watch = syrinx_reactor_add (rtsp->reactor,
      syrinx_transport_get_fd (transport), EPOLLIN, readable, self);
  if (!self->watch)
    g_hash_table_remove (rtsp->connections, self);
  else if (syrinx_transport_has_pending (transport))
    g_idle_add_full (G_PRIORITY_DEFAULT, read_on, self, NULL);
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
  syrinx_client_remove (self->client); /* no callback comes after this */
  while (g_source_remove_by_user_data (self))
    ;
  stop_reading (self);
  gst_clear_object (&self->out);
  g_byte_array_unref (self->input);
  g_mutex_clear (&self->lock);
  g_free (self->own_capability);
  syrinx_transport_unref (self->transport);
  g_free (self);
}
