/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: encrypts data in chunks. */

/**
 * SECTION:element-syrinxchunkenc
 * @title: syrinxchunkenc
 *
 * Encrypts data in one of two formats.
 *
 * `hls-aes128`: every buffer becomes one AES-128-CBC chunk, which HLS calls
 * METHOD=AES-128 (RFC 8216). The chunk's number, from which its IV is made, is
 * the buffer's offset or, if that is not set, is counted. Buffers flagged as
 * header pass unchanged, so that an init section is not encrypted.
 *
 * `ece`: the byte stream becomes one RFC 8188 `aes128gcm` message of
 * authenticated records. A record is pushed when it is full, or earlier with
 * padding, as #flush and #max-latency require.
 *
 * Data whose caps say that it is a chunk already passes unchanged. The key
 * comes from the #key property or a GstContext `syrinx.key` with a field `key`
 * of type GBytes (or SyrinxSecret, which is kept out of debug logs).
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=song.opus ! \
 *   syrinxchunkenc format=ece key=yqdlZ-tYemfogSmv7Ws5PQ ! \
 *   filesink location=song.ece
 * ]|
 */
#include "chunkenc-private.h"

#include "core/schedule/demand.h"

GST_DEBUG_CATEGORY (syrinx_chunk_enc_debug);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (
            SYRINX_CHUNK_MEDIA_TYPE ", format=(string){ hls-aes128, ece }"));

G_DEFINE_TYPE (GstSyrinxChunkEnc, gst_syrinx_chunk_enc, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxchunkenc, "syrinxchunkenc", GST_RANK_NONE, GST_TYPE_SYRINX_CHUNK_ENC)

/* --- Data --- */

static SyrinxChunkFormat
get_format (GstSyrinxChunkEnc *self, SyrinxEceEnd *end)
{
  SyrinxChunkFormat format;

  GST_OBJECT_LOCK (self);
  format = self->settings.format;
  *end = self->settings.flush == SYRINX_CHUNK_ENC_FLUSH_BUFFER
             ? SYRINX_ECE_FLUSH
             : SYRINX_ECE_MORE;
  GST_OBJECT_UNLOCK (self);
  return format;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (parent);
  GstFlowReturn flow;
  SyrinxEceEnd end;

  if (self->is_chunk)
    return gst_pad_push (self->srcpad, buffer);
  if (get_format (self, &end) == SYRINX_CHUNK_ECE)
    flow = syrinx_chunk_enc_push_ece (self, &buffer, 1, end);
  else
    flow = syrinx_chunk_enc_push_chunk (self, buffer);
  gst_buffer_unref (buffer);
  return flow;
}

/* A list becomes one buffer of records, so that it is padded only once. */
static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (parent);
  g_autoptr (GstBufferList) held = list;
  g_autofree GstBuffer **buffers = NULL;
  SyrinxEceEnd end;
  guint n_buffers;

  if (self->is_chunk)
    return gst_pad_push_list (self->srcpad, g_steal_pointer (&held));
  buffers = syrinx_buffers_from_list (list, &n_buffers);
  if (n_buffers == 0)
    return GST_FLOW_OK;
  if (get_format (self, &end) == SYRINX_CHUNK_ECE)
    return syrinx_chunk_enc_push_ece (self, buffers, n_buffers, end);
  return syrinx_chunk_enc_push_chunks (self, buffers, n_buffers);
}

/* --- Events and queries --- */

/* @content: (nullable) */
static gboolean
push_chunk_caps (GstSyrinxChunkEnc *self, const GstCaps *content)
{
  SyrinxEceEnd end;
  SyrinxChunkFormat format = get_format (self, &end);
  g_autoptr (GstCaps) caps
      = gst_caps_new_simple (SYRINX_CHUNK_MEDIA_TYPE, "format", G_TYPE_STRING,
          format == SYRINX_CHUNK_ECE ? "ece" : "hls-aes128", NULL);

  if (content != NULL) {
    g_autofree gchar *text = gst_caps_to_string (content);
    gst_caps_set_simple (caps, "content-caps", G_TYPE_STRING, text, NULL);
  }
  self->has_caps = TRUE;
  return gst_pad_push_event (self->srcpad, gst_event_new_caps (caps));
}

static gboolean
handle_caps (GstSyrinxChunkEnc *self, GstEvent *event)
{
  gboolean done;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_atomic_int_set (&self->is_chunk, syrinx_caps_is_chunk (caps));
  if (self->is_chunk) {
    self->has_caps = TRUE;
    return gst_pad_push_event (self->srcpad, event);
  }
  done = push_chunk_caps (self, caps);
  gst_event_unref (event);
  return done;
}

/* A source of bytes may have no caps. */
static gboolean
handle_segment (GstSyrinxChunkEnc *self, GstEvent *event)
{
  if (!self->has_caps)
    push_chunk_caps (self, NULL);
  return gst_pad_push_event (self->srcpad, event);
}

/* Ends the message with its last record, unless it was cut off. */
static gboolean
handle_eos (GstSyrinxChunkEnc *self, GstEvent *event)
{
  SyrinxEceEnd end;
  gboolean has_started;

  g_mutex_lock (&self->lock);
  has_started = self->encoder != NULL && !self->is_cut;
  g_mutex_unlock (&self->lock);
  if (has_started && get_format (self, &end) == SYRINX_CHUNK_ECE)
    syrinx_chunk_enc_push_ece (self, NULL, 0, SYRINX_ECE_LAST);
  return gst_pad_push_event (self->srcpad, event);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (parent);
  const gchar *reason;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    return handle_caps (self, event);
  case GST_EVENT_SEGMENT:
    return handle_segment (self, event);
  case GST_EVENT_EOS:
    return handle_eos (self, event);
  case GST_EVENT_FLUSH_STOP:
    syrinx_chunk_enc_reset_message (self, FALSE);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    if (syrinx_event_parse_denied (event, &reason)) {
      GST_INFO_OBJECT (self, "denied (%s): dropping", reason);
      syrinx_chunk_enc_reset_message (self, TRUE);
    }
    break;
  default:
    break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (parent);

  if (!g_atomic_int_get (&self->is_chunk)
      && syrinx_query_is_about_bytes (query))
    return FALSE;
  return gst_pad_query_default (pad, parent, query);
}

/* --- Life --- */

static void
set_context (GstElement *element, GstContext *context)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (element);

  syrinx_chunk_key_take_context (&self->settings.key, element, context);
  GST_ELEMENT_CLASS (gst_syrinx_chunk_enc_parent_class)
      ->set_context (element, context);
}

static void
start (GstSyrinxChunkEnc *self)
{
  syrinx_chunk_key_ask (&self->settings.key, GST_ELEMENT (self));
  self->is_salt_used = FALSE;
  g_atomic_int_set (&self->is_chunk, FALSE);
  self->has_caps = FALSE;
  self->next_number = 0;
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  result = GST_ELEMENT_CLASS (gst_syrinx_chunk_enc_parent_class)
               ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    syrinx_chunk_enc_reset_message (self, FALSE);
  return result;
}

static void
finalize (GObject *object)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);

  syrinx_chunk_enc_reset_message (self, FALSE);
  syrinx_chunk_enc_clear_settings (&self->settings);
  gst_object_unref (self->clock);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_syrinx_chunk_enc_parent_class)->finalize (object);
}

static void
gst_syrinx_chunk_enc_init (GstSyrinxChunkEnc *self)
{
  g_mutex_init (&self->lock);
  self->clock = gst_system_clock_obtain ();
  syrinx_chunk_enc_init_settings (&self->settings);
  self->held_pts = GST_CLOCK_TIME_NONE;

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, chain);
  gst_pad_set_chain_list_function (self->sinkpad, chain_list);
  gst_pad_set_event_function (self->sinkpad, sink_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->srcpad, src_query);
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
gst_syrinx_chunk_enc_class_init (GstSyrinxChunkEncClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      syrinx_chunk_enc_debug, "syrinxchunkenc", 0, "encrypted chunks");
  object_class->finalize = finalize;
  syrinx_chunk_enc_install_properties (object_class);
  element_class->set_context = set_context;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Syrinx chunk encrypter", "Codec/Encryptor/Filter",
      "Encrypts fragments for HLS (AES-128-CBC) or a byte stream in "
      "authenticated records (RFC 8188)",
      "Syrinx developers");
}
