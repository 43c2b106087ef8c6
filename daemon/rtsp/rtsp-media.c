/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the pipe of one session, from SETUP to TEARDOWN.
 *
 * RTP timestamps are the running time plus a random offset: after each seek
 * they start at the offset again, and RTP-Info says so. */
#include "rtsp-private.h"

#include "daemon/sessions/pipe-setup.h"

#include "core/base/identifier.h"

#include <string.h>
#include <sys/random.h>

/* --- What was sent --- */

typedef struct
{
  guint64 packets, octets;
  guint seqnum, rtptime;
} Sent;

static void
get_sent (RtspMedia *self, Sent *sent)
{
  g_autoptr (GstElement) out = syrinx_pipe_get_element (self->pipe, "out");
  g_autoptr (GstStructure) stats = NULL;

  *sent = (Sent){ 0 };
  g_object_get (out, "stats", &stats, NULL);
  gst_structure_get (stats, "packets", G_TYPE_UINT64, &sent->packets, "octets",
      G_TYPE_UINT64, &sent->octets, "seqnum", G_TYPE_UINT, &sent->seqnum,
      "rtptime", G_TYPE_UINT, &sent->rtptime, NULL);
}

/* The sequence number and timestamp of the next packet. */
static void
get_next (RtspMedia *self, guint16 *seqnum, guint32 *rtptime)
{
  Sent sent;

  get_sent (self, &sent);
  *seqnum = sent.packets ? sent.seqnum + 1 : self->first_seqnum;
  *rtptime = sent.packets > self->packets_before
                 ? sent.rtptime + RTSP_PACKET_UNITS
                 : self->first_rtptime;
}

gdouble
rtsp_media_get_position_s (RtspMedia *self)
{
  guint16 seqnum;
  guint32 rtptime;

  get_next (self, &seqnum, &rtptime);
  return self->start_s
         + (gdouble)(guint32)(rtptime - self->first_rtptime) / RTSP_CLOCK_RATE;
}

/* --- Reports --- */

static void
send_report (RtspMedia *self, gboolean is_last)
{
  RtspReport report = { .ssrc = self->ssrc, .is_last = is_last };
  gint64 since_us = g_get_monotonic_time () - self->started_us;
  g_autoptr (GBytes) bytes = NULL;
  Sent sent;

  get_sent (self, &sent);
  report.srtp = self->srtp;
  report.packets = sent.packets;
  report.octets
      = sent.octets - (self->srtp ? sent.packets * SYRINX_SRTP_TAG_BYTES : 0);
  report.rtptime = self->started_rtptime
                   + (guint32)(since_us * (RTSP_CLOCK_RATE / 1000) / 1000);
  bytes = rtsp_report_new (
      &report, self->transport.is_udp ? -1 : self->transport.channels[1]);
  if (self->transport.is_udp)
    rtsp_udp_send_report (
        self->udp, self->connection->host, self->transport.ports[1], bytes);
  else
    rtsp_connection_send (self->connection, bytes);
}

void
rtsp_media_report (RtspMedia *self)
{
  if (self->state != RTSP_MEDIA_PLAYING)
    return;
  send_report (self, FALSE);
  syrinx_pipe_setup_count (self->pipe, self->session, &self->counted_bytes);
}

void
rtsp_media_is_over (const gchar *id, gboolean is_broken, gpointer user_data)
{
  SyrinxRtsp *rtsp = user_data;
  RtspMedia *self = g_hash_table_lookup (rtsp->media, id);

  if (!self)
    return;
  if (self->state == RTSP_MEDIA_PLAYING)
    send_report (self, TRUE);
  self->state = RTSP_MEDIA_ENDED;
  if (is_broken)
    rtsp_connection_end (self->connection);
}

/* --- Playing --- */

/* The start of the packet that contains @position_s, in units after the
 * pre-skip: RTP can't express that a packet starts before the requested
 * position. */
static guint64
find_packet (RtspMedia *self, gdouble position_s)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (self->rendition);
  guint64 units = position_s * row->timescale + row->pre_skip;

  units -= units % RTSP_PACKET_UNITS;
  return units > row->pre_skip ? units - row->pre_skip : 0;
}

/* Returns when the packet that is being pushed has been pushed. */
static void
wait_for_queue (RtspMedia *self)
{
  g_autoptr (GstElement) queue = syrinx_pipe_get_element (self->pipe, "queue");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (queue, "src");

  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
}

void
rtsp_media_pause (RtspMedia *self)
{
  if (self->state != RTSP_MEDIA_PLAYING)
    return;
  syrinx_pipe_pause (self->pipe);
  wait_for_queue (self);
  self->state = RTSP_MEDIA_PAUSED;
}

static gboolean
go_to (RtspMedia *self, gdouble position_s)
{
  guint64 units = find_packet (self, position_s);
  gdouble start_s = (gdouble)units / RTSP_CLOCK_RATE;
  Sent sent;

  if (self->state == RTSP_MEDIA_INIT) {
    syrinx_pipe_setup_source (self->pipe,
        syrinx_engine_get_config (self->connection->rtsp->engine)->state_dir,
        self->rendition, start_s);
  } else {
    syrinx_pipe_pause (self->pipe);
    wait_for_queue (self);
    if (!syrinx_pipe_seek (self->pipe,
            gst_util_uint64_scale (units, GST_SECOND, RTSP_CLOCK_RATE)))
      return FALSE;
    self->state = RTSP_MEDIA_PAUSED;
    syrinx_session_note_seek (self->session, start_s * 1000);
  }
  get_sent (self, &sent);
  self->packets_before = sent.packets;
  self->start_s = start_s;
  return TRUE;
}

gboolean
rtsp_media_cue (RtspMedia *self, gdouble position_s, gdouble *from_s,
    guint16 *seqnum, guint32 *rtptime)
{
  if (position_s < 0
      && (self->state == RTSP_MEDIA_INIT || self->state == RTSP_MEDIA_ENDED))
    position_s = 0;
  if (position_s >= 0 && !go_to (self, position_s))
    return FALSE;
  get_next (self, seqnum, rtptime);
  *from_s = rtsp_media_get_position_s (self);
  return TRUE;
}

gboolean
rtsp_media_play (RtspMedia *self, GError **error)
{
  guint16 seqnum;

  if (self->state == RTSP_MEDIA_PLAYING)
    return TRUE;
  get_next (self, &seqnum, &self->started_rtptime);
  self->started_us = g_get_monotonic_time ();
  self->state = RTSP_MEDIA_PLAYING;
  syrinx_session_count (self->session, 0);
  return syrinx_pipe_play (self->pipe, error);
}

/* --- Life --- */

static void
renewed (SyrinxSession *session, GParamSpec *pspec, RtspMedia *self)
{
  syrinx_pipe_setup_gate (self->pipe, session);
}

/* Random offsets, so that packets can't be forged without seeing the stream
 * (RFC 3550, section 5.1). */
static void
choose_offsets (RtspMedia *self)
{
  g_autoptr (GstElement) pay = syrinx_pipe_get_element (self->pipe, "pay");
  struct
  {
    guint32 rtptime, ssrc;
    guint16 seqnum;
  } drawn = { 0 };

  (void)!getrandom (&drawn, sizeof drawn, 0);
  self->first_rtptime = drawn.rtptime;
  self->first_seqnum = drawn.seqnum;
  self->ssrc = drawn.ssrc;
  if (self->srtp) {
    /* A receiver that misses the first packets must not miss a roll-over of the
     * sequence number among them (RFC 3711, section 3.3.1). */
    self->first_seqnum &= G_MAXINT16;
    self->ssrc = self->connection->offer->ssrc;
  }
  g_object_set (pay, "timestamp-offset", self->first_rtptime, "seqnum-offset",
      (gint)self->first_seqnum, "ssrc", self->ssrc, "pt", RTSP_PAYLOAD_TYPE,
      NULL);
}

static void
set_encryption (RtspMedia *self)
{
  g_autoptr (GstElement) enc = syrinx_pipe_get_element (self->pipe, "enc");

  self->srtp = syrinx_srtp_new (self->connection->offer->master);
  g_object_set (enc, "context", self->srtp, NULL);
}

static void
set_out (RtspMedia *self)
{
  RtspConnection *connection = self->connection;
  g_autoptr (GstElement) out = syrinx_pipe_get_element (self->pipe, "out");
  g_autoptr (GSocketAddress) address = NULL;

  if (self->transport.is_udp) {
    address = rtsp_udp_make_address (
        self->udp, connection->host, self->transport.ports[0]);
    rtsp_udp_expect (
        self->udp, connection->host, self->transport.ports, connection);
    g_object_set (out, "socket", rtsp_udp_get_socket (self->udp), "address",
        address, NULL);
    return;
  }
  g_object_set (out, "client", connection->client, "channel",
      (guint)self->transport.channels[0], NULL);
  rtsp_connection_set_out (connection, out);
}

static void
session_ended (SyrinxSession *session, RtspMedia *self)
{
  RtspConnection *connection = self->connection;

  connection->media = NULL;
  rtsp_media_free (self);
  rtsp_connection_cut (connection);
}

RtspMedia *
rtsp_media_new (RtspConnection *connection, const RtspTarget *target,
    const RtspTransport *transport, GError **error)
{
  RtspMedia *self = g_new0 (RtspMedia, 1);

  self->connection = connection;
  self->id = syrinx_id_new ();
  self->key = syrinx_id_new ();
  self->base = g_strdup (target->base);
  self->session = g_object_ref (target->session);
  syrinx_session_begin_use (self->session);
  self->rendition = syrinx_rendition_ref (target->rendition);
  self->transport = *transport;
  self->keys = target->keys;
  self->udp = rtsp_udp_of (connection);
  self->pipe = syrinx_pipe_new (self->id,
      self->keys ? connection->rtsp->srtp_launch : connection->rtsp->launch,
      syrinx_pipe_setup_says, &connection->rtsp->endings, error);
  if (!self->pipe) {
    rtsp_media_free (self);
    return NULL;
  }
  if (self->keys)
    set_encryption (self);
  choose_offsets (self);
  set_out (self);
  syrinx_pipe_setup_gate (self->pipe, self->session);
  syrinx_pipe_setup_queue (self->pipe, self->session);
  self->renewal = g_signal_connect (
      self->session, "notify::expires-at", G_CALLBACK (renewed), self);
  self->ending = g_signal_connect (
      self->session, "ended", G_CALLBACK (session_ended), self);
  g_hash_table_insert (connection->rtsp->media, self->id, self);
  return self;
}

void
rtsp_media_free (RtspMedia *self)
{
  g_hash_table_remove (self->connection->rtsp->media, self->id);
  rtsp_connection_set_out (self->connection, NULL);
  if (self->transport.is_udp)
    rtsp_udp_forget (self->udp, self->connection->host, self->transport.ports,
        self->connection);
  g_clear_signal_handler (&self->renewal, self->session);
  g_clear_signal_handler (&self->ending, self->session);
  if (self->pipe) {
    syrinx_pipe_setup_count (self->pipe, self->session, &self->counted_bytes);
    syrinx_pipe_stop_later (self->pipe);
  }
  g_clear_pointer (&self->srtp, syrinx_srtp_unref);
  syrinx_rendition_unref (self->rendition);
  syrinx_session_end_use (self->session);
  g_object_unref (self->session);
  g_free (self->base);
  g_free (self->key);
  g_free (self->id);
  g_free (self);
}
