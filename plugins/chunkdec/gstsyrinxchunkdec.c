/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkdec: decrypts the formats of syrinxchunkenc. */

/**
 * SECTION:element-syrinxchunkdec
 * @title: syrinxchunkdec
 *
 * The inverse of syrinxchunkenc, and of other RFC 8188 and HLS AES-128
 * encrypters. The caps tell the format, or #format if there are none.
 *
 * `ece`: only the content of authentic records goes downstream, in order; the
 * error tells what is wrong with a message (key, record changed, out of order,
 * truncated).
 *
 * `hls-aes128`: every buffer is a whole chunk. Its number is the buffer's
 * offset, or is counted from #first-number. This format has no authentication.
 * Buffers flagged as header pass unchanged.
 *
 * The key comes from the #key property or a GstContext `syrinx.key` with a
 * field `key` of type GBytes.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=song.ece ! \
 *   syrinxchunkdec format=ece key=yqdlZ-tYemfogSmv7Ws5PQ ! \
 *   oggdemux ! opusdec ! autoaudiosink
 * ]|
 */
#include "gstsyrinxchunkdec.h"

#include "chunkenc/chunk-common.h"
#include "chunkenc/chunk-key.h"
#include "core/crypto/chunk-cipher.h"
#include "core/crypto/ece.h"
#include "core/schedule/demand.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (chunkdec_debug);
#define GST_CAT_DEFAULT chunkdec_debug

#define DEFAULT_FORMAT       SYRINX_CHUNK_ECE
#define DEFAULT_FIRST_NUMBER (-1)

typedef struct
{
  SyrinxChunkFormat format; /* used if the caps do not tell */
  SyrinxChunkKey key;       /* its id may be NULL: any key id is accepted */
  gint64 first_number;      /* -1: the offsets of buffers are their numbers */
} Settings;

struct _GstSyrinxChunkDec
{
  GstElement element;

  /* constant after init */
  GstPad *sinkpad, *srcpad;

  /* protected by the object lock */
  Settings settings;

  /* streaming thread only (holds the sink pad's stream lock) */
  gboolean has_caps;
  SyrinxChunkFormat caps_format; /* if has_caps */
  guint64 n_chunks;

  /* protected by lock; the object lock may be taken under it */
  GMutex lock;
  SyrinxEceDecoder *decoder; /* NULL until the first data of a message */
  gboolean is_cut;           /* denied: no data may leave any more */
};

enum
{
  PROP_0,
  PROP_FORMAT,
  PROP_KEY,
  PROP_KEYID,
  PROP_FIRST_NUMBER,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_TYPE (GstSyrinxChunkDec, gst_syrinx_chunk_dec, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxchunkdec, "syrinxchunkdec", GST_RANK_NONE, GST_TYPE_SYRINX_CHUNK_DEC)

static GstFlowReturn
fail (GstSyrinxChunkDec *self, const GError *error)
{
  if (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY))
    GST_ELEMENT_ERROR (
        self, STREAM, DECRYPT_NOKEY, ("%s.", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self, STREAM, DECRYPT,
        ("Decrypting failed: %s.", error->message), (NULL));
  return GST_FLOW_ERROR;
}

/* --- ece --- */

static gboolean
ensure_decoder_locked (GstSyrinxChunkDec *self, GError **error)
{
  g_autoptr (GBytes) key = NULL;
  g_autofree gchar *keyid = NULL;

  if (self->decoder != NULL)
    return TRUE;
  key = syrinx_chunk_key_dup (&self->settings.key, GST_ELEMENT (self));
  keyid = syrinx_chunk_key_dup_id (&self->settings.key, GST_ELEMENT (self));
  if (!syrinx_chunk_key_check (key, "to decrypt with", error))
    return FALSE;
  self->decoder = syrinx_ece_decoder_new (key, keyid, error);
  return self->decoder != NULL;
}

/* Hot. Decrypts @n more bytes. Returns: the content; NULL without an error if
 * no record is complete yet. */
static GstBuffer *
open_piece (GstSyrinxChunkDec *self, const guint8 *cipher, gsize n,
    gboolean last, GError **error)
{
  gsize room = syrinx_ece_decoder_get_output_bytes (self->decoder, n, last);
  g_autoptr (GstBuffer) out = NULL;
  GstMapInfo to = GST_MAP_INFO_INIT;
  gsize written;
  gboolean done;

  if (room > 0) {
    out = gst_buffer_new_allocate (NULL, room, NULL);
    gst_buffer_map (out, &to, GST_MAP_WRITE);
  }
  done = syrinx_ece_decoder_push (
      self->decoder, cipher, n, last, to.data, &written, error);
  if (out == NULL)
    return NULL;
  gst_buffer_unmap (out, &to);
  if (!done || written == 0)
    return NULL;
  gst_buffer_set_size (out, written);
  return g_steal_pointer (&out);
}

static gboolean
open_buffers_locked (GstSyrinxChunkDec *self, GstBuffer **buffers,
    guint n_buffers, GstBufferList *out, GError **error)
{
  if (!ensure_decoder_locked (self, error))
    return FALSE;
  for (guint i = 0; i < n_buffers; i++) {
    g_autoptr (GError) local = NULL;
    GstBuffer *content;
    GstMapInfo from;

    if (!gst_buffer_map (buffers[i], &from, GST_MAP_READ)) {
      g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
          "a buffer can not be read");
      return FALSE;
    }
    content = open_piece (self, from.data, from.size, FALSE, &local);
    gst_buffer_unmap (buffers[i], &from);
    if (local != NULL) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (content != NULL) {
      GST_BUFFER_PTS (content) = GST_BUFFER_PTS (buffers[i]);
      gst_buffer_list_add (out, content);
    }
  }
  return TRUE;
}

static GstFlowReturn
push_content (GstSyrinxChunkDec *self, GstBufferList *list)
{
  guint n = gst_buffer_list_length (list);

  if (n == 0)
    return GST_FLOW_OK;
  if (n == 1)
    return gst_pad_push (
        self->srcpad, gst_buffer_ref (gst_buffer_list_get (list, 0)));
  return gst_pad_push_list (self->srcpad, gst_buffer_list_ref (list));
}

static GstFlowReturn
push_ece (GstSyrinxChunkDec *self, GstBuffer **buffers, guint n_buffers)
{
  g_autoptr (GstBufferList) out = gst_buffer_list_new_sized (n_buffers);
  g_autoptr (GError) error = NULL;
  gboolean is_cut;

  g_mutex_lock (&self->lock);
  is_cut = self->is_cut;
  if (!is_cut)
    open_buffers_locked (self, buffers, n_buffers, out, &error);
  g_mutex_unlock (&self->lock);
  if (is_cut)
    return GST_FLOW_EOS;
  return error ? fail (self, error) : push_content (self, out);
}

/* --- hls-aes128 --- */

static guint64
get_number (GstSyrinxChunkDec *self, GstBuffer *buffer)
{
  gint64 first;

  GST_OBJECT_LOCK (self);
  first = self->settings.first_number;
  GST_OBJECT_UNLOCK (self);
  if (first < 0 && GST_BUFFER_OFFSET_IS_VALID (buffer))
    return GST_BUFFER_OFFSET (buffer);
  return MAX (first, 0) + self->n_chunks;
}

static gboolean
decrypt_into (GBytes *key, guint64 number, GstBuffer *chunk, GstBuffer *plain,
    gsize *plain_bytes, GError **error)
{
  GstMapInfo from, to;
  gboolean done;

  if (!gst_buffer_map (chunk, &from, GST_MAP_READ)) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "a buffer can not be read");
    return FALSE;
  }
  gst_buffer_map (plain, &to, GST_MAP_WRITE);
  done = syrinx_chunk_decrypt (
      key, number, from.data, from.size, to.data, plain_bytes, error);
  gst_buffer_unmap (plain, &to);
  gst_buffer_unmap (chunk, &from);
  return done;
}

/* (transfer full) (nullable) */
static GstBuffer *
open_chunk (
    GstSyrinxChunkDec *self, GBytes *key, GstBuffer *chunk, GError **error)
{
  guint64 number = get_number (self, chunk);
  g_autoptr (GstBuffer) plain = NULL;
  gsize plain_bytes;

  if (GST_BUFFER_FLAG_IS_SET (chunk, GST_BUFFER_FLAG_HEADER))
    return gst_buffer_ref (chunk);
  if (!syrinx_chunk_key_check (key, "to decrypt with", error))
    return NULL;
  plain = gst_buffer_new_allocate (NULL, gst_buffer_get_size (chunk), NULL);
  if (!decrypt_into (key, number, chunk, plain, &plain_bytes, error)) {
    g_prefix_error (error, "chunk %" G_GUINT64_FORMAT ": ", number);
    return NULL;
  }
  gst_buffer_set_size (plain, plain_bytes);
  gst_buffer_copy_into (
      plain, chunk, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  GST_BUFFER_OFFSET (plain) = number;
  GST_BUFFER_OFFSET_END (plain) = number + 1;
  self->n_chunks++;
  return g_steal_pointer (&plain);
}

static GstFlowReturn
push_chunks (GstSyrinxChunkDec *self, GstBuffer **buffers, guint n_buffers)
{
  g_autoptr (GBytes) key
      = syrinx_chunk_key_dup (&self->settings.key, GST_ELEMENT (self));
  g_autoptr (GstBufferList) out = gst_buffer_list_new_sized (n_buffers);
  g_autoptr (GError) error = NULL;
  gboolean is_cut;

  g_mutex_lock (&self->lock);
  is_cut = self->is_cut;
  g_mutex_unlock (&self->lock);
  if (is_cut)
    return GST_FLOW_EOS;
  for (guint i = 0; i < n_buffers; i++) {
    GstBuffer *plain = open_chunk (self, key, buffers[i], &error);
    if (plain == NULL)
      return fail (self, error);
    gst_buffer_list_add (out, plain);
  }
  return push_content (self, out);
}

/* --- Data --- */

static SyrinxChunkFormat
get_format (GstSyrinxChunkDec *self)
{
  SyrinxChunkFormat format;

  if (self->has_caps)
    return self->caps_format;
  GST_OBJECT_LOCK (self);
  format = self->settings.format;
  GST_OBJECT_UNLOCK (self);
  return format;
}

static GstFlowReturn
take_buffers (GstSyrinxChunkDec *self, GstBuffer **buffers, guint n_buffers)
{
  if (get_format (self) == SYRINX_CHUNK_ECE)
    return push_ece (self, buffers, n_buffers);
  return push_chunks (self, buffers, n_buffers);
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn flow = take_buffers (GST_SYRINX_CHUNK_DEC (parent), &buffer, 1);

  gst_buffer_unref (buffer);
  return flow;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  guint n_buffers;
  g_autofree GstBuffer **buffers = syrinx_buffers_from_list (list, &n_buffers);
  GstFlowReturn flow
      = take_buffers (GST_SYRINX_CHUNK_DEC (parent), buffers, n_buffers);

  gst_buffer_list_unref (list);
  return flow;
}

/* --- Events and queries --- */

/* @structure: of chunk caps. (transfer full) (nullable): NULL for unknown
 * content, whose caps a downstream typefind finds. */
static GstCaps *
get_content_caps (const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string (structure, "content-caps");

  return text ? gst_caps_from_string (text) : NULL;
}

static gboolean
handle_caps (GstSyrinxChunkDec *self, GstEvent *event)
{
  g_autoptr (GstEvent) held G_GNUC_UNUSED = event;
  g_autoptr (GstCaps) content = NULL;
  const gchar *format;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  self->has_caps = syrinx_caps_is_chunk (caps);
  if (!self->has_caps)
    return TRUE; /* a web server may say "text/plain", which is not the
                    content's type */
  format
      = gst_structure_get_string (gst_caps_get_structure (caps, 0), "format");
  if (g_strcmp0 (format, "ece") == 0)
    self->caps_format = SYRINX_CHUNK_ECE;
  else if (g_strcmp0 (format, "hls-aes128") == 0)
    self->caps_format = SYRINX_CHUNK_HLS_AES128;
  else
    return FALSE;
  content = get_content_caps (gst_caps_get_structure (caps, 0));
  return content == NULL
         || gst_pad_push_event (self->srcpad, gst_event_new_caps (content));
}

/* A stream without any data is valid; otherwise the last record must have
 * come. */
static void
finish_message (GstSyrinxChunkDec *self)
{
  g_autoptr (GError) error = NULL;
  GstBuffer *content = NULL;

  g_mutex_lock (&self->lock);
  if (self->decoder != NULL && !self->is_cut)
    content = open_piece (self, NULL, 0, TRUE, &error);
  g_clear_pointer (&self->decoder, syrinx_ece_decoder_free);
  g_mutex_unlock (&self->lock);
  if (error != NULL)
    fail (self, error);
  else if (content != NULL)
    gst_pad_push (self->srcpad, content);
}

/* Drops held data; the next data begins a new message, unless @is_cut. */
static void
reset_message (GstSyrinxChunkDec *self, gboolean is_cut)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->decoder, syrinx_ece_decoder_free);
  self->is_cut = is_cut;
  g_mutex_unlock (&self->lock);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (parent);
  const gchar *reason;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    return handle_caps (self, event);
  case GST_EVENT_EOS:
    finish_message (self);
    break;
  case GST_EVENT_FLUSH_STOP:
    reset_message (self, FALSE);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    if (syrinx_event_parse_denied (event, &reason)) {
      GST_INFO_OBJECT (self, "denied (%s): dropping", reason);
      reset_message (self, TRUE);
    }
    break;
  default:
    break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* Refuses seeks in bytes, which would refer to the ciphertext. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstFormat format;

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK) {
    gst_event_parse_seek (event, NULL, &format, NULL, NULL, NULL, NULL, NULL);
    if (format == GST_FORMAT_BYTES) {
      gst_event_unref (event);
      return FALSE;
    }
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (syrinx_query_is_about_bytes (query))
    return FALSE;
  return gst_pad_query_default (pad, parent, query);
}

/* --- Life --- */

static void
set_context (GstElement *element, GstContext *context)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (element);

  syrinx_chunk_key_take_context (&self->settings.key, element, context);
  GST_ELEMENT_CLASS (gst_syrinx_chunk_dec_parent_class)
      ->set_context (element, context);
}

static void
start (GstSyrinxChunkDec *self)
{
  syrinx_chunk_key_ask (&self->settings.key, GST_ELEMENT (self));
  self->has_caps = FALSE;
  self->n_chunks = 0;
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  result = GST_ELEMENT_CLASS (gst_syrinx_chunk_dec_parent_class)
               ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset_message (self, FALSE);
  return result;
}

/* --- Properties --- */

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    self->settings.format = g_value_get_enum (value);
    break;
  case PROP_KEY:
    syrinx_chunk_key_set_locked (
        &self->settings.key, GST_ELEMENT (self), g_value_get_string (value));
    break;
  case PROP_KEYID:
    syrinx_chunk_key_set_id_locked (
        &self->settings.key, g_value_get_string (value));
    break;
  case PROP_FIRST_NUMBER:
    self->settings.first_number = g_value_get_int64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    g_value_set_enum (value, self->settings.format);
    break;
  case PROP_KEYID:
    g_value_set_string (value, self->settings.key.id);
    break;
  case PROP_FIRST_NUMBER:
    g_value_set_int64 (value, self->settings.first_number);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  GstSyrinxChunkDec *self = GST_SYRINX_CHUNK_DEC (object);

  reset_message (self, FALSE);
  syrinx_chunk_key_clear (&self->settings.key);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_syrinx_chunk_dec_parent_class)->finalize (object);
}

static void
gst_syrinx_chunk_dec_init (GstSyrinxChunkDec *self)
{
  g_mutex_init (&self->lock);
  self->settings.format = DEFAULT_FORMAT;
  self->settings.first_number = DEFAULT_FIRST_NUMBER;

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, chain);
  gst_pad_set_chain_list_function (self->sinkpad, chain_list);
  gst_pad_set_event_function (self->sinkpad, sink_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->srcpad, src_event);
  gst_pad_set_query_function (self->srcpad, src_query);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
install_properties (GObjectClass *class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format",
          "How it was encrypted, where the caps do not say",
          SYRINX_TYPE_CHUNK_FORMAT, DEFAULT_FORMAT, flags));
  g_object_class_install_property (
      class, PROP_KEY, syrinx_chunk_key_new_param_spec ());
  g_object_class_install_property (class, PROP_KEYID,
      g_param_spec_string ("keyid", "Key id",
          "ece: refuse a message for another key id, at most 255 bytes (NULL: "
          "any)",
          NULL, flags));
  g_object_class_install_property (class, PROP_FIRST_NUMBER,
      g_param_spec_int64 ("first-number", "First number",
          "hls-aes128: number of the first chunk, the next ones are counted "
          "(-1: the offset of each buffer)",
          -1, G_MAXINT64, DEFAULT_FIRST_NUMBER, flags));
}

static void
gst_syrinx_chunk_dec_class_init (GstSyrinxChunkDecClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      chunkdec_debug, "syrinxchunkdec", 0, "encrypted chunks");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties (object_class);
  element_class->set_context = set_context;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Syrinx chunk decrypter", "Codec/Decryptor/Filter",
      "Decrypts HLS AES-128 chunks, and RFC 8188 streams after checking them",
      "Syrinx developers");
  gst_type_mark_as_plugin_api (SYRINX_TYPE_CHUNK_FORMAT, 0);
}
