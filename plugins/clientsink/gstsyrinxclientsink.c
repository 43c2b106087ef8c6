/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxclientsink: one client's connection on the shared I/O loop. */

/**
 * SECTION:element-syrinxclientsink
 * @title: syrinxclientsink
 *
 * Sends data to one client and never blocks the pushing thread: when the client
 * reads too slowly, a `syrinx-hold` event goes upstream, and `syrinx-resume`
 * when there is room again. The connection is closed if the client takes no
 * data for #stall-timeout. If the connection ends early, an element message
 * `syrinx-client-closed` with the field `reason` is posted: hung-up, timed-out,
 * denied or failed.
 *
 * It is not a GstBaseSink: it neither prerolls nor waits for a clock.
 *
 * Without #stream, #socket and #fd each buffer is given to the signal
 * #GstSyrinxClientSink::chunk.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=100 ! opusenc ! oggmux ! \
 *   syrinxclientsink fd=1 > tone.opus
 * ]|
 */
#include "gstsyrinxclientsink.h"

#include "core/base/error.h"
#include "core/schedule/demand.h"
#include "core/io/io-loop.h"

#include <gio/gunixoutputstream.h>

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (clientsink_debug);
#define GST_CAT_DEFAULT clientsink_debug

#define DEFAULT_FD            -1
#define DEFAULT_HIGH_BYTES    (256 * 1024)
#define DEFAULT_LOW_BYTES     (64 * 1024)
#define DEFAULT_STALL_TIMEOUT (30 * GST_SECOND)
#define DEFAULT_CHUNKED       FALSE

typedef struct
{
  GIOStream *stream; /* (nullable) */
  GSocket *socket;   /* (nullable) */
  gint fd;
  guint high_bytes, low_bytes;
  GstClockTime stall_timeout;
  GBytes *preamble; /* (nullable) */
  gboolean chunked;
} Settings;

struct _GstSyrinxClientSink
{
  GstElement parent;

  GstPad *sink_pad; /* constant after init */

  /* protected by the object lock */
  Settings settings;
  SyrinxClient *client; /* (nullable) */
  gboolean denied;
  guint eos_seqnum;
  guint64 holds;

  /* streaming thread only, copied at start */
  gboolean chunked, begun;
};

enum
{
  PROP_STREAM = 1,
  PROP_SOCKET,
  PROP_FD,
  PROP_HIGH_WATERMARK,
  PROP_LOW_WATERMARK,
  PROP_STALL_TIMEOUT,
  PROP_PREAMBLE,
  PROP_CHUNKED,
  PROP_STATS,
};

static guint chunk_signal;

G_DEFINE_FINAL_TYPE (
    GstSyrinxClientSink, gst_syrinx_client_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (syrinxclientsink, "syrinxclientsink",
    GST_RANK_NONE, GST_TYPE_SYRINX_CLIENT_SINK)

/* (transfer full) (nullable) */
static SyrinxClient *
ref_client (GstSyrinxClientSink *self)
{
  SyrinxClient *client;

  GST_OBJECT_LOCK (self);
  client = self->client ? syrinx_client_ref (self->client) : NULL;
  GST_OBJECT_UNLOCK (self);
  return client;
}

typedef struct
{
  GstBuffer *buffer;
  GstMapInfo map;
} Mapped;

static void
free_mapped (gpointer data)
{
  Mapped *mapped = data;

  gst_buffer_unmap (mapped->buffer, &mapped->map);
  gst_buffer_unref (mapped->buffer);
  g_free (mapped);
}

/* Hot. Sends the bytes of @buffer without copying them. */
static gboolean
send_buffer (SyrinxClient *client, GstBuffer *buffer)
{
  g_autoptr (GBytes) bytes = NULL;
  Mapped *mapped = g_new (Mapped, 1);

  if (!gst_buffer_map (buffer, &mapped->map, GST_MAP_READ)) {
    g_free (mapped);
    return FALSE;
  }
  mapped->buffer = gst_buffer_ref (buffer);
  bytes = g_bytes_new_with_free_func (
      mapped->map.data, mapped->map.size, free_mapped, mapped);
  return syrinx_client_send (client, bytes);
}

static gboolean
send_text (SyrinxClient *client, const gchar *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return syrinx_client_send (client, bytes);
}

/* The head of a chunk by RFC 9112, section 7.1. Size 0 is not sent, since it
 * would end the body. */
static gboolean
send_chunk_head (SyrinxClient *client, gsize size)
{
  gchar head[32];

  g_snprintf (head, sizeof head, "%" G_GSIZE_MODIFIER "x\r\n", size);
  return send_text (client, head);
}

static void
send_preamble (GstSyrinxClientSink *self, SyrinxClient *client)
{
  g_autoptr (GBytes) preamble = NULL;

  if (self->begun)
    return;
  self->begun = TRUE;
  GST_OBJECT_LOCK (self);
  if (self->settings.preamble)
    preamble = g_bytes_ref (self->settings.preamble);
  GST_OBJECT_UNLOCK (self);
  if (preamble)
    syrinx_client_send (client, preamble);
}

/* Hot. */
static GstFlowReturn
send_list (GstSyrinxClientSink *self, SyrinxClient *client, GstBufferList *list)
{
  gsize size = self->chunked ? gst_buffer_list_calculate_size (list) : 0;
  gboolean open = TRUE;

  send_preamble (self, client);
  if (size)
    open = send_chunk_head (client, size);
  for (guint i = 0; open && i < gst_buffer_list_length (list); i++)
    open = send_buffer (client, gst_buffer_list_get (list, i));
  if (open && size)
    open = send_text (client, "\r\n");
  return open ? GST_FLOW_OK : GST_FLOW_EOS;
}

static void
emit_list (GstSyrinxClientSink *self, GstBufferList *list)
{
  for (guint i = 0; i < gst_buffer_list_length (list); i++)
    g_signal_emit (self, chunk_signal, 0, gst_buffer_list_get (list, i));
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstSyrinxClientSink *self = GST_SYRINX_CLIENT_SINK (parent);
  SyrinxClient *client = ref_client (self);
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean denied;

  GST_OBJECT_LOCK (self);
  denied = self->denied;
  GST_OBJECT_UNLOCK (self);
  if (denied)
    flow = GST_FLOW_EOS;
  else if (client)
    flow = send_list (self, client, list);
  else
    emit_list (self, list);
  g_clear_pointer (&client, syrinx_client_unref);
  gst_buffer_list_unref (list);
  return flow;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstBufferList *list = gst_buffer_list_new_sized (1);

  gst_buffer_list_add (list, buffer);
  return chain_list (pad, parent, list);
}

static void
post_eos (GstSyrinxClientSink *self)
{
  GstMessage *message = gst_message_new_eos (GST_OBJECT (self));

  GST_OBJECT_LOCK (self);
  if (self->eos_seqnum)
    gst_message_set_seqnum (message, self->eos_seqnum);
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static void
post_closed (
    GstSyrinxClientSink *self, const gchar *reason, const gchar *detail)
{
  GST_INFO_OBJECT (self, "closed: %s (%s)", reason, detail);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("syrinx-client-closed", "reason", G_TYPE_STRING,
              reason, "detail", G_TYPE_STRING, detail, NULL)));
}

static void
handle_eos (GstSyrinxClientSink *self, GstEvent *event)
{
  SyrinxClient *client = ref_client (self);

  GST_OBJECT_LOCK (self);
  self->eos_seqnum = gst_event_get_seqnum (event);
  GST_OBJECT_UNLOCK (self);
  if (!client) {
    post_eos (self);
    return;
  }
  send_preamble (self, client);
  if (self->chunked)
    send_text (client, "0\r\n\r\n");
  syrinx_client_finish (client);
  syrinx_client_unref (client);
}

/* From any thread. Finishes first, so that a push in progress can't add data
 * after the drop. */
static void
handle_denied (GstSyrinxClientSink *self)
{
  SyrinxClient *client = ref_client (self);

  GST_OBJECT_LOCK (self);
  self->denied = TRUE;
  GST_OBJECT_UNLOCK (self);
  if (!client)
    return;
  syrinx_client_finish (client);
  syrinx_client_drop (client);
  syrinx_client_unref (client);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxClientSink *self = GST_SYRINX_CLIENT_SINK (parent);
  const gchar *reason;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    handle_eos (self, event);
  else if (syrinx_event_parse_denied (event, &reason))
    handle_denied (self);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return syrinx_query_is_nonblocking (query)
         || gst_pad_query_default (pad, parent, query);
}

static void
on_hold (SyrinxClient *client, gpointer user_data)
{
  GstSyrinxClientSink *self = user_data;

  GST_OBJECT_LOCK (self);
  self->holds++;
  GST_OBJECT_UNLOCK (self);
  gst_pad_push_event (self->sink_pad, syrinx_event_new_hold ());
}

static void
on_resume (SyrinxClient *client, gpointer user_data)
{
  GstSyrinxClientSink *self = user_data;

  gst_pad_push_event (self->sink_pad, syrinx_event_new_resume ());
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer user_data)
{
  GstSyrinxClientSink *self = user_data;
  gboolean denied;

  GST_OBJECT_LOCK (self);
  denied = self->denied;
  GST_OBJECT_UNLOCK (self);
  if (denied)
    post_closed (self, "denied", "the grant does not hold any more");
  else if (!error)
    post_eos (self);
  else if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_TIMED_OUT))
    post_closed (self, "timed-out", error->message);
  else if (g_error_matches (error, SYRINX_ERROR, SYRINX_ERROR_CANCELLED))
    post_closed (self, "hung-up", error->message);
  else
    post_closed (self, "failed", error->message);
}

/* The stream to write to. It does not close the descriptor, which belongs to
 * the application. (transfer full) (nullable) */
static GIOStream *
make_stream (const Settings *settings)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;

  if (settings->stream)
    return g_object_ref (settings->stream);
  if (settings->socket)
    return G_IO_STREAM (
        g_socket_connection_factory_create_connection (settings->socket));
  if (settings->fd < 0)
    return NULL;
  input = g_memory_input_stream_new ();
  output = g_unix_output_stream_new (settings->fd, FALSE);
  return g_simple_io_stream_new (input, output);
}

static void
start (GstSyrinxClientSink *self)
{
  static const SyrinxClientFuncs funcs = { on_hold, on_resume, on_closed };
  SyrinxClientLimits limits;
  SyrinxClient *client = NULL;
  GIOStream *stream;

  GST_OBJECT_LOCK (self);
  stream = make_stream (&self->settings);
  limits.high_watermark_bytes = self->settings.high_bytes;
  limits.low_watermark_bytes = self->settings.low_bytes;
  limits.stall_timeout_ms = self->settings.stall_timeout / GST_MSECOND;
  self->chunked = self->settings.chunked;
  self->begun = self->denied = FALSE;
  self->holds = self->eos_seqnum = 0;
  GST_OBJECT_UNLOCK (self);
  if (stream) {
    g_autoptr (SyrinxIoLoop) loop = syrinx_io_loop_get ();
    client = syrinx_io_loop_add (loop, stream, &limits, &funcs, self);
  }
  GST_OBJECT_LOCK (self);
  self->client = client;
  GST_OBJECT_UNLOCK (self);
}

static void
stop (GstSyrinxClientSink *self)
{
  SyrinxClient *client;

  GST_OBJECT_LOCK (self);
  client = g_steal_pointer (&self->client);
  GST_OBJECT_UNLOCK (self);
  if (client)
    syrinx_client_remove (client);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxClientSink *self = GST_SYRINX_CLIENT_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  result = GST_ELEMENT_CLASS (gst_syrinx_client_sink_parent_class)
               ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && result == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return result;
}

static GstStructure *
make_stats (GstSyrinxClientSink *self)
{
  SyrinxClient *client = ref_client (self);
  GstStructure *stats;
  guint64 holds;

  GST_OBJECT_LOCK (self);
  holds = self->holds;
  GST_OBJECT_UNLOCK (self);
  stats = gst_structure_new ("syrinx-client-stats", "bytes-sent", G_TYPE_UINT64,
      client ? syrinx_client_get_sent_bytes (client) : 0, "queued-bytes",
      G_TYPE_UINT64,
      (guint64)(client ? syrinx_client_get_queued_bytes (client) : 0), "holds",
      G_TYPE_UINT64, holds, NULL);
  g_clear_pointer (&client, syrinx_client_unref);
  return stats;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxClientSink *self = GST_SYRINX_CLIENT_SINK (object);
  Settings *settings = &self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_STREAM:
    g_value_set_object (value, settings->stream);
    break;
  case PROP_SOCKET:
    g_value_set_object (value, settings->socket);
    break;
  case PROP_FD:
    g_value_set_int (value, settings->fd);
    break;
  case PROP_HIGH_WATERMARK:
    g_value_set_uint (value, settings->high_bytes);
    break;
  case PROP_LOW_WATERMARK:
    g_value_set_uint (value, settings->low_bytes);
    break;
  case PROP_STALL_TIMEOUT:
    g_value_set_uint64 (value, settings->stall_timeout);
    break;
  case PROP_PREAMBLE:
    g_value_set_boxed (value, settings->preamble);
    break;
  case PROP_CHUNKED:
    g_value_set_boolean (value, settings->chunked);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxClientSink *self = GST_SYRINX_CLIENT_SINK (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_STREAM:
    g_set_object (&settings->stream, g_value_get_object (value));
    break;
  case PROP_SOCKET:
    g_set_object (&settings->socket, g_value_get_object (value));
    break;
  case PROP_FD:
    settings->fd = g_value_get_int (value);
    break;
  case PROP_HIGH_WATERMARK:
    settings->high_bytes = g_value_get_uint (value);
    break;
  case PROP_LOW_WATERMARK:
    settings->low_bytes = g_value_get_uint (value);
    break;
  case PROP_STALL_TIMEOUT:
    settings->stall_timeout = g_value_get_uint64 (value);
    break;
  case PROP_PREAMBLE:
    g_clear_pointer (&settings->preamble, g_bytes_unref);
    settings->preamble = g_value_dup_boxed (value);
    break;
  case PROP_CHUNKED:
    settings->chunked = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  Settings *settings = &GST_SYRINX_CLIENT_SINK (object)->settings;

  g_clear_object (&settings->stream);
  g_clear_object (&settings->socket);
  g_clear_pointer (&settings->preamble, g_bytes_unref);
  G_OBJECT_CLASS (gst_syrinx_client_sink_parent_class)->finalize (object);
}

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void
gst_syrinx_client_sink_init (GstSyrinxClientSink *self)
{
  self->settings.fd = DEFAULT_FD;
  self->settings.high_bytes = DEFAULT_HIGH_BYTES;
  self->settings.low_bytes = DEFAULT_LOW_BYTES;
  self->settings.stall_timeout = DEFAULT_STALL_TIMEOUT;
  self->settings.chunked = DEFAULT_CHUNKED;
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, chain);
  gst_pad_set_chain_list_function (self->sink_pad, chain_list);
  gst_pad_set_event_function (self->sink_pad, sink_event);
  gst_pad_set_query_function (self->sink_pad, sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}

#define READY_RW                                                               \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_connection_properties (GObjectClass *object_class)
{
  g_object_class_install_property (object_class, PROP_STREAM,
      g_param_spec_object ("stream", "Stream",
          "The client's connection, plain or TLS; taken over and closed",
          G_TYPE_IO_STREAM, READY_RW));
  g_object_class_install_property (object_class, PROP_SOCKET,
      g_param_spec_object ("socket", "Socket",
          "The client's connected socket; taken over and closed", G_TYPE_SOCKET,
          READY_RW));
  g_object_class_install_property (object_class, PROP_FD,
      g_param_spec_int ("fd", "Descriptor",
          "A socket, pipe or file to write to, left open (-1: none)", -1,
          G_MAXINT, DEFAULT_FD, READY_RW));
  g_object_class_install_property (object_class, PROP_PREAMBLE,
      g_param_spec_boxed ("preamble", "Preamble",
          "Bytes sent before the first buffer, such as an HTTP response's head",
          G_TYPE_BYTES, READY_RW));
  g_object_class_install_property (object_class, PROP_CHUNKED,
      g_param_spec_boolean ("chunked", "Chunked",
          "Frame what follows the preamble by HTTP/1.1's chunked transfer "
          "coding",
          DEFAULT_CHUNKED, READY_RW));
}

static void
install_properties (GObjectClass *object_class)
{
  install_connection_properties (object_class);
  g_object_class_install_property (object_class, PROP_HIGH_WATERMARK,
      g_param_spec_uint ("high-watermark", "High watermark",
          "Bytes queued above which upstream is asked to hold", 1, G_MAXINT,
          DEFAULT_HIGH_BYTES, READY_RW));
  g_object_class_install_property (object_class, PROP_LOW_WATERMARK,
      g_param_spec_uint ("low-watermark", "Low watermark",
          "Bytes queued at or below which upstream may resume", 1, G_MAXINT,
          DEFAULT_LOW_BYTES, READY_RW));
  g_object_class_install_property (object_class, PROP_STALL_TIMEOUT,
      g_param_spec_uint64 ("stall-timeout", "Stall timeout",
          "Nanoseconds after which a client that takes nothing is closed",
          GST_MSECOND, 24 * 3600 * GST_SECOND, DEFAULT_STALL_TIMEOUT,
          READY_RW));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "bytes-sent, queued-bytes (guint64, bytes) and holds (guint64)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_syrinx_client_sink_class_init (GstSyrinxClientSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      clientsink_debug, "syrinxclientsink", 0, "one client's connection");
  object_class->get_property = get_property;
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  install_properties (object_class);
  /**
   * GstSyrinxClientSink::chunk:
   * @sink: the element
   * @buffer: (transfer none): the data
   *
   * Emitted in the streaming thread when there is no connection to write to.
   */
  chunk_signal = g_signal_new ("chunk", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_BUFFER);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "Syrinx client sink",
      "Sink/Network", "Sends to one client without ever blocking", "Syrinx");
}
