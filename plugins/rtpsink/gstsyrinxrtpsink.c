/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxrtpsink: one RTP stream to one client, interleaved or by UDP. */

/**
 * SECTION:element-syrinxrtpsink
 * @title: syrinxrtpsink
 *
 * Sends RTP packets as an RTSP server does. With #client they are interleaved
 * with the messages of that connection, each after the four bytes of RFC 2326,
 * section 10.12, through the shared I/O loop; otherwise they are datagrams from
 * #socket, which many sinks may share, to #address. It never blocks: the owner
 * of a connection sends `syrinx-hold` and `syrinx-resume`, and a datagram is
 * lost if the socket's buffer is full.
 *
 * It is not a GstBaseSink: it neither prerolls nor waits for a clock.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=100 ! opusenc ! rtpopuspay ! \
 *   syrinxrtpsink
 * ]| counts packets and sends none.
 */
#include "gstsyrinxrtpsink.h"

#include "core/schedule/demand.h"
#include "core/io/io-loop.h"

#include <sys/socket.h>
#include <sys/uio.h>

GST_DEBUG_CATEGORY_STATIC (rtpsink_debug);
#define GST_CAT_DEFAULT rtpsink_debug

#define DEFAULT_CHANNEL  0
#define RTP_HEADER_BYTES 12
#define FRAMING_BYTES    4
#define MAX_PACKET_BYTES 65535
#define MAX_PIECES       16

typedef struct
{
  SyrinxClient *client; /* (nullable) */
  guint channel;
  GSocket *socket;         /* (nullable) */
  GSocketAddress *address; /* (nullable) */
} Settings;

typedef struct
{
  guint64 packets, octets; /* payload octets, as for sender reports */
  guint64 bytes, lost;
  guint32 rtptime, ssrc; /* of the last packet */
  guint16 seqnum;
  gint64 sent_us; /* when the last one was sent, or 0 */
} Counts;

struct _GstSyrinxRtpSink
{
  GstElement parent;

  GstPad *sink_pad; /* constant after init */

  /* protected by the object lock */
  Settings settings;
  Counts counts;
  gboolean denied;

  /* streaming thread only, copied at start */
  struct sockaddr_storage to;
  gssize to_bytes; /* 0: no destination */
};

enum
{
  PROP_CLIENT = 1,
  PROP_CHANNEL,
  PROP_SOCKET,
  PROP_ADDRESS,
  PROP_STATS,
};

#define gst_syrinx_rtp_sink_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSyrinxRtpSink, gst_syrinx_rtp_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxrtpsink, "syrinxrtpsink", GST_RANK_NONE, GST_TYPE_SYRINX_RTP_SINK)

/* --- Sending: hot --- */

/* Copies into one buffer, which is cheaper than three pieces: packets are
 * small. */
static gboolean
send_interleaved (SyrinxClient *client, guint channel, GstBuffer *buffer)
{
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (FRAMING_BYTES + size);
  g_autoptr (GBytes) bytes = NULL;

  data[0] = '$';
  data[1] = channel;
  data[2] = size >> 8;
  data[3] = size;
  gst_buffer_extract (buffer, 0, data + FRAMING_BYTES, size);
  bytes = g_bytes_new_take (data, FRAMING_BYTES + size);
  return syrinx_client_send (client, bytes);
}

static gboolean
send_datagram (GstSyrinxRtpSink *self, GSocket *socket, GstBuffer *buffer)
{
  GstMapInfo maps[MAX_PIECES];
  struct iovec pieces[MAX_PIECES];
  guint n = MIN (gst_buffer_n_memory (buffer), MAX_PIECES);
  struct msghdr message = { .msg_name = &self->to,
    .msg_namelen = self->to_bytes,
    .msg_iov = pieces,
    .msg_iovlen = n };
  gssize sent;

  for (guint i = 0; i < n; i++) {
    gst_memory_map (gst_buffer_peek_memory (buffer, i), &maps[i], GST_MAP_READ);
    pieces[i].iov_base = maps[i].data;
    pieces[i].iov_len = maps[i].size;
  }
  sent = sendmsg (
      g_socket_get_fd (socket), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  for (guint i = 0; i < n; i++)
    gst_memory_unmap (gst_buffer_peek_memory (buffer, i), &maps[i]);
  return sent >= 0;
}

/* Reads a big-endian number, also unaligned. */
static guint32
get_be (const guint8 *at, guint n_bytes)
{
  guint32 value = 0;

  for (guint i = 0; i < n_bytes; i++)
    value = value << 8 | at[i];
  return value;
}

static void
count_locked (GstSyrinxRtpSink *self, const guint8 *header, gsize size)
{
  Counts *counts = &self->counts;

  counts->packets++;
  counts->octets += size - RTP_HEADER_BYTES;
  counts->bytes += size;
  counts->seqnum = get_be (header + 2, 2);
  counts->rtptime = get_be (header + 4, 4);
  counts->ssrc = get_be (header + 8, 4);
  counts->sent_us = g_get_monotonic_time ();
}

static GstFlowReturn
send_packet (GstSyrinxRtpSink *self, GstBuffer *buffer)
{
  guint8 header[RTP_HEADER_BYTES];
  gsize size = gst_buffer_get_size (buffer);
  g_autoptr (SyrinxClient) client = NULL;
  g_autoptr (GSocket) socket = NULL;
  gboolean denied, sent = TRUE;
  guint channel;

  if (size > MAX_PACKET_BYTES
      || gst_buffer_extract (buffer, 0, header, sizeof header)
             < sizeof header) {
    GST_WARNING_OBJECT (self, "%" G_GSIZE_FORMAT " bytes are no packet", size);
    return GST_FLOW_OK;
  }
  GST_OBJECT_LOCK (self);
  denied = self->denied;
  if (self->settings.client)
    client = syrinx_client_ref (self->settings.client);
  else if (self->to_bytes)
    socket = g_object_ref (self->settings.socket);
  channel = self->settings.channel;
  if (!denied)
    count_locked (self, header, size);
  GST_OBJECT_UNLOCK (self);
  if (denied)
    return GST_FLOW_EOS;
  if (client)
    return send_interleaved (client, channel, buffer) ? GST_FLOW_OK
                                                      : GST_FLOW_EOS;
  if (socket)
    sent = send_datagram (self, socket, buffer);
  if (!sent) {
    GST_OBJECT_LOCK (self);
    self->counts.lost++;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
rtp_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn flow = send_packet (GST_SYRINX_RTP_SINK (parent), buffer);

  gst_buffer_unref (buffer);
  return flow;
}

static GstFlowReturn
rtp_sink_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; flow == GST_FLOW_OK && i < gst_buffer_list_length (list);
       i++)
    flow = send_packet (
        GST_SYRINX_RTP_SINK (parent), gst_buffer_list_get (list, i));
  gst_buffer_list_unref (list);
  return flow;
}

/* --- Events, queries, states --- */

static gboolean
rtp_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxRtpSink *self = GST_SYRINX_RTP_SINK (parent);
  const gchar *reason;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    GstMessage *message = gst_message_new_eos (GST_OBJECT (self));
    gst_message_set_seqnum (message, gst_event_get_seqnum (event));
    gst_element_post_message (GST_ELEMENT (self), message);
  } else if (syrinx_event_parse_denied (event, &reason)) {
    GST_OBJECT_LOCK (self);
    self->denied = TRUE;
    GST_OBJECT_UNLOCK (self);
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self),
            gst_structure_new ("syrinx-client-closed", "reason", G_TYPE_STRING,
                "denied", "detail", G_TYPE_STRING, reason, NULL)));
  }
  gst_event_unref (event);
  return TRUE;
}

static gboolean
rtp_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return syrinx_query_is_nonblocking (query)
         || gst_pad_query_default (pad, parent, query);
}

/* Sends events from the application upstream, above all hold and resume, as a
 * GstBaseSink does. */
static gboolean
rtp_sink_send_event (GstElement *element, GstEvent *event)
{
  return gst_pad_push_event (GST_SYRINX_RTP_SINK (element)->sink_pad, event);
}

static void
start (GstSyrinxRtpSink *self)
{
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  self->denied = FALSE;
  self->counts = (Counts){ 0 };
  self->to_bytes = 0;
  if (settings->socket && settings->address
      && g_socket_address_to_native (
          settings->address, &self->to, sizeof self->to, NULL))
    self->to_bytes = g_socket_address_get_native_size (settings->address);
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
rtp_sink_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (GST_SYRINX_RTP_SINK (element));
  return GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
}

/* --- GObject --- */

static GstStructure *
make_stats (GstSyrinxRtpSink *self)
{
  Counts counts;

  GST_OBJECT_LOCK (self);
  counts = self->counts;
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new ("application/x-syrinx-rtp-stats", "packets",
      G_TYPE_UINT64, counts.packets, "octets", G_TYPE_UINT64, counts.octets,
      "bytes-sent", G_TYPE_UINT64, counts.bytes, "lost", G_TYPE_UINT64,
      counts.lost, "seqnum", G_TYPE_UINT, (guint)counts.seqnum, "rtptime",
      G_TYPE_UINT, counts.rtptime, "ssrc", G_TYPE_UINT, counts.ssrc, "sent-us",
      G_TYPE_INT64, counts.sent_us, NULL);
}

static void
rtp_sink_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxRtpSink *self = GST_SYRINX_RTP_SINK (object);
  const Settings *settings = &self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_CLIENT:
    g_value_set_boxed (value, settings->client);
    break;
  case PROP_CHANNEL:
    g_value_set_uint (value, settings->channel);
    break;
  case PROP_SOCKET:
    g_value_set_object (value, settings->socket);
    break;
  case PROP_ADDRESS:
    g_value_set_object (value, settings->address);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
rtp_sink_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxRtpSink *self = GST_SYRINX_RTP_SINK (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_CLIENT:
    g_clear_pointer (&settings->client, syrinx_client_unref);
    settings->client = g_value_dup_boxed (value);
    break;
  case PROP_CHANNEL:
    settings->channel = g_value_get_uint (value);
    break;
  case PROP_SOCKET:
    g_set_object (&settings->socket, g_value_get_object (value));
    break;
  case PROP_ADDRESS:
    g_set_object (&settings->address, g_value_get_object (value));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
rtp_sink_finalize (GObject *object)
{
  Settings *settings = &GST_SYRINX_RTP_SINK (object)->settings;

  g_clear_pointer (&settings->client, syrinx_client_unref);
  g_clear_object (&settings->socket);
  g_clear_object (&settings->address);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS ("application/x-rtp; application/x-srtp"));

static void
gst_syrinx_rtp_sink_init (GstSyrinxRtpSink *self)
{
  self->settings.channel = DEFAULT_CHANNEL;
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, rtp_sink_chain);
  gst_pad_set_chain_list_function (self->sink_pad, rtp_sink_chain_list);
  gst_pad_set_event_function (self->sink_pad, rtp_sink_event);
  gst_pad_set_query_function (self->sink_pad, rtp_sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, PROP_CLIENT,
      g_param_spec_boxed ("client", "Client",
          "Connection on the I/O loop that carries the packets interleaved",
          SYRINX_TYPE_CLIENT, flags));
  g_object_class_install_property (klass, PROP_CHANNEL,
      g_param_spec_uint ("channel", "Channel", "Channel of interleaved packets",
          0, 255, DEFAULT_CHANNEL, flags));
  g_object_class_install_property (klass, PROP_SOCKET,
      g_param_spec_object ("socket", "Socket",
          "UDP socket to send from, not taken over", G_TYPE_SOCKET, flags));
  g_object_class_install_property (klass, PROP_ADDRESS,
      g_param_spec_object ("address", "Address", "Where datagrams go",
          G_TYPE_SOCKET_ADDRESS, flags));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "packets, octets (of payload), bytes-sent, lost; seqnum, rtptime, "
          "ssrc and sent-us (monotonic, in microseconds) of the last packet",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_syrinx_rtp_sink_class_init (GstSyrinxRtpSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (rtpsink_debug, "syrinxrtpsink", 0, "RTP sink");
  object_class->get_property = rtp_sink_get_property;
  object_class->set_property = rtp_sink_set_property;
  object_class->finalize = rtp_sink_finalize;
  element_class->change_state = rtp_sink_change_state;
  element_class->send_event = rtp_sink_send_event;
  install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "RTP sink",
      "Sink/Network",
      "Sends one RTP stream to one RTSP client, interleaved or by UDP",
      "The Syrinx project");
}
