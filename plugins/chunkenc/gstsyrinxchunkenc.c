/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: encrypts in chunks. */

/**
 * SECTION:element-syrinxchunkenc
 * @title: syrinxchunkenc
 *
 * Encrypts what passes, in one of two formats.
 *
 * `hls-aes128`: every buffer becomes one AES-128-CBC chunk, which is what HLS
 * players know as METHOD=AES-128 (RFC 8216). The chunk's number, which makes
 * its IV, is the buffer's offset or, where that is not set, counted. Buffers
 * flagged as header pass as they are: an init section stays clear.
 *
 * `ece`: the byte stream becomes one RFC 8188 `aes128gcm` message of
 * authenticated records. A record leaves when it is full and, as #flush and
 * #max-latency say, padded before.
 *
 * What is already a chunk by its caps passes untouched. The key comes from the
 * #key property or a GstContext `syrinx.key` with a field `key` of type GBytes
 * (or SyrinxSecret, which stays out of debug logs).
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=song.opus ! \
 *   syrinxchunkenc format=ece key=yqdlZ-tYemfogSmv7Ws5PQ ! \
 *   filesink location=song.ece
 * ]|
 */
#include "gstsyrinxchunkenc.h"

#include "chunk-common.h"
#include "core/crypto/chunk-cipher.h"
#include "core/crypto/ece.h"
#include "core/schedule/demand.h"
#include "core/base/identifier.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (chunkenc_debug);
#define GST_CAT_DEFAULT chunkenc_debug

#define DEFAULT_FORMAT      SYRINX_CHUNK_HLS_AES128
#define DEFAULT_RECORD_SIZE 4096
#define DEFAULT_FLUSH       FLUSH_NONE
#define DEFAULT_MAX_LATENCY 0

typedef enum
{
  FLUSH_NONE,
  FLUSH_BUFFER,
} Flush;

typedef struct
{
  SyrinxChunkFormat format;
  GBytes *key; /* (nullable) */
  gchar *keyid;
  GBytes *salt; /* (nullable): random */
  guint record_size;
  Flush flush;
  GstClockTime max_latency;
} Settings;

struct _GstSyrinxChunkEnc
{
  GstElement element;

  /* constant after init */
  GstPad *sinkpad, *srcpad;
  GstClock *clock; /* the system's: what waits for max-latency */

  /* protected by the object lock */
  Settings settings;

  /* streaming thread only (holds the sink pad's stream lock) */
  gint is_chunk; /* atomic: queries ask from any thread */
  gboolean has_caps;
  guint64 next_number;
  GstClockTime held_pts;

  /* protected by lock; the object lock may be taken under it */
  GMutex lock;
  SyrinxEceEncoder *encoder; /* NULL until the first data of a message */
  gboolean is_salt_used;     /* a fixed salt serves one message only */
  gboolean is_cut;           /* denied: nothing leaves any more */
  GstClockTime held_since;
  GstClockID timer; /* armed while not NULL */
};

enum
{
  PROP_0,
  PROP_FORMAT,
  PROP_KEY,
  PROP_KEYID,
  PROP_SALT,
  PROP_RECORD_SIZE,
  PROP_FLUSH,
  PROP_MAX_LATENCY,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (
            SYRINX_CHUNK_MEDIA_TYPE ", format=(string){ hls-aes128, ece }"));

G_DEFINE_TYPE (GstSyrinxChunkEnc, gst_syrinx_chunk_enc, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxchunkenc, "syrinxchunkenc", GST_RANK_NONE, GST_TYPE_SYRINX_CHUNK_ENC)

static void arm_timer_locked (GstSyrinxChunkEnc *self);

/* --- ece --- */

static gboolean
ensure_encoder_locked (GstSyrinxChunkEnc *self, GError **error)
{
  g_autoptr (GBytes) key = NULL, salt = NULL;
  g_autofree gchar *keyid = NULL;
  guint record_size;

  if (self->encoder != NULL)
    return TRUE;
  GST_OBJECT_LOCK (self);
  key = self->settings.key ? g_bytes_ref (self->settings.key) : NULL;
  if (self->settings.salt && !self->is_salt_used)
    salt = g_bytes_ref (self->settings.salt);
  keyid = g_strdup (self->settings.keyid);
  record_size = self->settings.record_size;
  GST_OBJECT_UNLOCK (self);
  if (key == NULL) {
    g_set_error_literal (error, GST_STREAM_ERROR,
        GST_STREAM_ERROR_DECRYPT_NOKEY, "there is no key to encrypt with");
    return FALSE;
  }
  self->encoder = syrinx_ece_encoder_new (key,
      salt ? g_bytes_get_data (salt, NULL) : NULL, keyid, record_size, error);
  /* The same key and salt over other content would give both away. */
  self->is_salt_used |= self->encoder != NULL;
  return self->encoder != NULL;
}

/* Hot. The bytes of all in one place, which is this thread's until it joins
 * again: for the cipher a call for each packet costs more than what is in it.
 * NULL if one can't be read. */
static const guint8 *
join (GstBuffer **buffers, guint n_buffers, gsize *total)
{
  static GPrivate slot = G_PRIVATE_INIT ((GDestroyNotify)g_byte_array_unref);
  GByteArray *bytes = g_private_get (&slot);
  gsize at = 0;

  if (!bytes)
    g_private_set (&slot, bytes = g_byte_array_new ());
  *total = syrinx_buffers_get_size (buffers, n_buffers);
  g_byte_array_set_size (bytes, *total + 1);
  for (guint i = 0; i < n_buffers; i++)
    at += gst_buffer_extract (buffers[i], 0, bytes->data + at, *total - at);
  return at == *total ? bytes->data : NULL;
}

/* Hot. *@out is NULL if no record left. */
static gboolean
seal_locked (GstSyrinxChunkEnc *self, const guint8 *plain, gsize plain_bytes,
    SyrinxEceEnd end, GstBuffer **out, GError **error)
{
  g_autoptr (GstBuffer) sealed = NULL;
  GstMapInfo to = GST_MAP_INFO_INIT;
  gboolean done;
  gsize room;

  if (!ensure_encoder_locked (self, error))
    return FALSE;
  room = syrinx_ece_encoder_get_output_bytes (self->encoder, plain_bytes, end);
  if (room > 0) {
    sealed = gst_buffer_new_allocate (NULL, room, NULL);
    gst_buffer_map (sealed, &to, GST_MAP_WRITE);
  }
  done = syrinx_ece_encoder_push (
      self->encoder, plain, plain_bytes, end, to.data, error);
  if (sealed != NULL)
    gst_buffer_unmap (sealed, &to);
  if (done)
    *out = g_steal_pointer (&sealed);
  return done;
}

/* Hot. */
static gboolean
seal_all_locked (GstSyrinxChunkEnc *self, GstBuffer **buffers, guint n_buffers,
    SyrinxEceEnd end, GstBuffer **out, GError **error)
{
  const guint8 *joined;
  gboolean done = FALSE;
  GstMapInfo map;
  gsize total;

  if (n_buffers == 1 && gst_buffer_map (buffers[0], &map, GST_MAP_READ)) {
    done = seal_locked (self, map.data, map.size, end, out, error);
    gst_buffer_unmap (buffers[0], &map);
    return done;
  }
  joined = join (buffers, n_buffers, &total);
  if (joined)
    return seal_locked (self, joined, total, end, out, error);
  g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
      "a buffer can not be read");
  return FALSE;
}

/* The oldest content in what leaves gives it its time. */
static void
stamp (GstSyrinxChunkEnc *self, GstBuffer *out, gsize held_before,
    GstClockTime pts)
{
  if (out != NULL)
    GST_BUFFER_PTS (out) = held_before > 0 ? self->held_pts : pts;
  if (out != NULL || held_before == 0)
    self->held_pts = pts;
}

/* Hot. Encrypts all of @buffers as the next piece of the message. */
static GstFlowReturn
push_ece (GstSyrinxChunkEnc *self, GstBuffer **buffers, guint n_buffers,
    SyrinxEceEnd end)
{
  GstClockTime pts
      = n_buffers > 0 ? GST_BUFFER_PTS (buffers[0]) : GST_CLOCK_TIME_NONE;
  g_autoptr (GError) error = NULL;
  GstBuffer *out = NULL;
  gsize held_before = 0;
  gboolean is_cut, done = FALSE;

  g_mutex_lock (&self->lock);
  is_cut = self->is_cut;
  if (!is_cut) {
    if (self->encoder != NULL)
      held_before = syrinx_ece_encoder_get_held_bytes (self->encoder);
    done = seal_all_locked (self, buffers, n_buffers, end, &out, &error);
    if (done && (held_before == 0 || out != NULL))
      self->held_since = gst_clock_get_time (self->clock);
    if (done && end == SYRINX_ECE_MORE)
      arm_timer_locked (self);
    if (end == SYRINX_ECE_LAST)
      g_clear_pointer (&self->encoder, syrinx_ece_encoder_free);
  }
  g_mutex_unlock (&self->lock);

  if (is_cut)
    return GST_FLOW_EOS;
  if (!done) {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE,
        ("Encrypting failed: %s.", error->message), (NULL));
    return GST_FLOW_ERROR;
  }
  stamp (self, out, held_before, pts);
  return out ? gst_pad_push (self->srcpad, out) : GST_FLOW_OK;
}

/* --- max-latency --- */

/* A thread of its own: pushing may block, and the clock's thread serves the
 * whole process. */
static void
flush_held (GstElement *element, gpointer user_data)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (element);
  GstClockTime max_latency;
  gboolean is_due;

  GST_OBJECT_LOCK (self);
  max_latency = self->settings.max_latency;
  GST_OBJECT_UNLOCK (self);
  GST_PAD_STREAM_LOCK (self->sinkpad);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->timer, gst_clock_id_unref);
  is_due
      = self->encoder != NULL && !self->is_cut
        && syrinx_ece_encoder_get_held_bytes (self->encoder) > 0
        && gst_clock_get_time (self->clock) >= self->held_since + max_latency;
  if (!is_due && !self->is_cut)
    arm_timer_locked (self);
  g_mutex_unlock (&self->lock);
  if (is_due)
    push_ece (self, NULL, 0, SYRINX_ECE_FLUSH);
  GST_PAD_STREAM_UNLOCK (self->sinkpad);
}

static gboolean
timer_is_due (
    GstClock *clock, GstClockTime time, GstClockID id, gpointer user_data)
{
  gst_element_call_async (GST_ELEMENT (user_data), flush_held, NULL, NULL);
  return TRUE;
}

static void
arm_timer_locked (GstSyrinxChunkEnc *self)
{
  GstClockTime max_latency;

  GST_OBJECT_LOCK (self);
  max_latency = self->settings.max_latency;
  GST_OBJECT_UNLOCK (self);
  if (max_latency == 0 || self->timer != NULL || self->encoder == NULL
      || syrinx_ece_encoder_get_held_bytes (self->encoder) == 0)
    return;
  self->timer = gst_clock_new_single_shot_id (
      self->clock, self->held_since + max_latency);
  gst_clock_id_wait_async (
      self->timer, timer_is_due, gst_object_ref (self), gst_object_unref);
}

/* --- hls-aes128 --- */

static GBytes *
dup_key (GstSyrinxChunkEnc *self)
{
  GBytes *key;

  GST_OBJECT_LOCK (self);
  key = self->settings.key ? g_bytes_ref (self->settings.key) : NULL;
  GST_OBJECT_UNLOCK (self);
  return key;
}

static gboolean
encrypt_into (GBytes *key, guint64 number, GstBuffer *buffer, GstBuffer *chunk,
    GError **error)
{
  GstMapInfo from, to;
  gboolean done;

  if (!gst_buffer_map (buffer, &from, GST_MAP_READ)) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "a buffer can not be read");
    return FALSE;
  }
  gst_buffer_map (chunk, &to, GST_MAP_WRITE);
  done = syrinx_chunk_encrypt (
      key, number, from.data, from.size, to.data, error);
  gst_buffer_unmap (chunk, &to);
  gst_buffer_unmap (buffer, &from);
  return done;
}

/* (transfer full) (nullable): NULL after an error message. */
static GstBuffer *
make_chunk (GstSyrinxChunkEnc *self, GBytes *key, GstBuffer *buffer)
{
  guint64 number = GST_BUFFER_OFFSET_IS_VALID (buffer)
                       ? GST_BUFFER_OFFSET (buffer)
                       : self->next_number;
  g_autoptr (GError) error = NULL;
  GstBuffer *chunk;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    return gst_buffer_ref (buffer);
  if (key == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, DECRYPT_NOKEY,
        ("There is no key to encrypt with."), (NULL));
    return NULL;
  }
  chunk = gst_buffer_new_allocate (
      NULL, syrinx_chunk_ciphertext_bytes (gst_buffer_get_size (buffer)), NULL);
  if (!encrypt_into (key, number, buffer, chunk, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE,
        ("Encrypting chunk %" G_GUINT64_FORMAT " failed: %s.", number,
            error->message),
        (NULL));
    gst_clear_buffer (&chunk);
    return NULL;
  }
  gst_buffer_copy_into (
      chunk, buffer, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  GST_BUFFER_OFFSET (chunk) = number;
  GST_BUFFER_OFFSET_END (chunk) = number + 1;
  self->next_number = number + 1;
  return chunk;
}

static gboolean
is_cut (GstSyrinxChunkEnc *self)
{
  gboolean cut;

  g_mutex_lock (&self->lock);
  cut = self->is_cut;
  g_mutex_unlock (&self->lock);
  return cut;
}

static GstFlowReturn
push_chunk (GstSyrinxChunkEnc *self, GstBuffer *buffer)
{
  g_autoptr (GBytes) key = dup_key (self);
  GstBuffer *chunk;

  if (is_cut (self))
    return GST_FLOW_EOS;
  chunk = make_chunk (self, key, buffer);
  return chunk ? gst_pad_push (self->srcpad, chunk) : GST_FLOW_ERROR;
}

static GstFlowReturn
push_chunks (GstSyrinxChunkEnc *self, GstBuffer **buffers, guint n_buffers)
{
  g_autoptr (GBytes) key = dup_key (self);
  g_autoptr (GstBufferList) chunks = gst_buffer_list_new_sized (n_buffers);

  if (is_cut (self))
    return GST_FLOW_EOS;
  for (guint i = 0; i < n_buffers; i++) {
    GstBuffer *chunk = make_chunk (self, key, buffers[i]);
    if (chunk == NULL)
      return GST_FLOW_ERROR;
    gst_buffer_list_add (chunks, chunk);
  }
  return gst_pad_push_list (self->srcpad, g_steal_pointer (&chunks));
}

/* --- Data --- */

static SyrinxChunkFormat
get_format (GstSyrinxChunkEnc *self, SyrinxEceEnd *end)
{
  SyrinxChunkFormat format;

  GST_OBJECT_LOCK (self);
  format = self->settings.format;
  *end = self->settings.flush == FLUSH_BUFFER ? SYRINX_ECE_FLUSH
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
    flow = push_ece (self, &buffer, 1, end);
  else
    flow = push_chunk (self, buffer);
  gst_buffer_unref (buffer);
  return flow;
}

/* What comes in one list leaves as one buffer of records, padded once. */
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
    return push_ece (self, buffers, n_buffers, end);
  return push_chunks (self, buffers, n_buffers);
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

/* A source of bytes may have no caps at all. */
static gboolean
handle_segment (GstSyrinxChunkEnc *self, GstEvent *event)
{
  if (!self->has_caps)
    push_chunk_caps (self, NULL);
  return gst_pad_push_event (self->srcpad, event);
}

/* The message gets its last record, unless it was cut off. */
static gboolean
handle_eos (GstSyrinxChunkEnc *self, GstEvent *event)
{
  SyrinxEceEnd end;
  gboolean has_started;

  g_mutex_lock (&self->lock);
  has_started = self->encoder != NULL && !self->is_cut;
  g_mutex_unlock (&self->lock);
  if (has_started && get_format (self, &end) == SYRINX_CHUNK_ECE)
    push_ece (self, NULL, 0, SYRINX_ECE_LAST);
  return gst_pad_push_event (self->srcpad, event);
}

/* Drops what is held; the next data begins a new message. */
static void
reset_message (GstSyrinxChunkEnc *self, gboolean is_cut)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->encoder, syrinx_ece_encoder_free);
  self->is_cut = is_cut;
  if (self->timer != NULL)
    gst_clock_id_unschedule (self->timer);
  g_clear_pointer (&self->timer, gst_clock_id_unref);
  g_mutex_unlock (&self->lock);
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
  GBytes *key = syrinx_chunk_key_from_context (context);

  if (key != NULL) {
    GST_OBJECT_LOCK (self);
    g_clear_pointer (&self->settings.key, g_bytes_unref);
    self->settings.key = key;
    GST_OBJECT_UNLOCK (self);
  }
  GST_ELEMENT_CLASS (gst_syrinx_chunk_enc_parent_class)
      ->set_context (element, context);
}

static void
start (GstSyrinxChunkEnc *self)
{
  g_autoptr (GBytes) key = dup_key (self);

  if (key == NULL)
    syrinx_chunk_key_ask (GST_ELEMENT (self));
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
    reset_message (self, FALSE);
  return result;
}

/* --- Properties --- */

static void
set_key_locked (GstSyrinxChunkEnc *self, const gchar *text)
{
  g_clear_pointer (&self->settings.key, g_bytes_unref);
  if (text == NULL)
    return;
  self->settings.key = syrinx_chunk_key_parse (text);
  if (self->settings.key == NULL)
    g_warning ("%s: the key is no base64url of a key, so there is none",
        GST_OBJECT_NAME (self));
}

static void
set_salt_locked (GstSyrinxChunkEnc *self, const gchar *text)
{
  g_clear_pointer (&self->settings.salt, g_bytes_unref);
  if (text == NULL)
    return;
  self->settings.salt = syrinx_base64url_decode (text, SYRINX_ECE_SALT_BYTES);
  if (self->settings.salt
      && g_bytes_get_size (self->settings.salt) == SYRINX_ECE_SALT_BYTES)
    return;
  g_clear_pointer (&self->settings.salt, g_bytes_unref);
  g_warning ("%s: the salt is no base64url of %d bytes, so it is random",
      GST_OBJECT_NAME (self), SYRINX_ECE_SALT_BYTES);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    settings->format = g_value_get_enum (value);
    break;
  case PROP_KEY:
    set_key_locked (self, g_value_get_string (value));
    break;
  case PROP_KEYID:
    g_free (settings->keyid);
    settings->keyid = g_value_dup_string (value);
    break;
  case PROP_SALT:
    set_salt_locked (self, g_value_get_string (value));
    break;
  case PROP_RECORD_SIZE:
    settings->record_size = g_value_get_uint (value);
    break;
  case PROP_FLUSH:
    settings->flush = g_value_get_enum (value);
    break;
  case PROP_MAX_LATENCY:
    settings->max_latency = g_value_get_uint64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    g_value_set_enum (value, settings->format);
    break;
  case PROP_KEYID:
    g_value_set_string (value, settings->keyid);
    break;
  case PROP_SALT:
    if (settings->salt)
      g_value_take_string (value,
          syrinx_base64url_encode (
              g_bytes_get_data (settings->salt, NULL), SYRINX_ECE_SALT_BYTES));
    break;
  case PROP_RECORD_SIZE:
    g_value_set_uint (value, settings->record_size);
    break;
  case PROP_FLUSH:
    g_value_set_enum (value, settings->flush);
    break;
  case PROP_MAX_LATENCY:
    g_value_set_uint64 (value, settings->max_latency);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);

  reset_message (self, FALSE);
  g_clear_pointer (&self->settings.key, g_bytes_unref);
  g_clear_pointer (&self->settings.salt, g_bytes_unref);
  g_free (self->settings.keyid);
  gst_object_unref (self->clock);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_syrinx_chunk_enc_parent_class)->finalize (object);
}

static void
gst_syrinx_chunk_enc_init (GstSyrinxChunkEnc *self)
{
  g_mutex_init (&self->lock);
  self->clock = gst_system_clock_obtain ();
  self->settings.format = DEFAULT_FORMAT;
  self->settings.record_size = DEFAULT_RECORD_SIZE;
  self->settings.flush = DEFAULT_FLUSH;
  self->settings.max_latency = DEFAULT_MAX_LATENCY;
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

static GType
flush_get_type (void)
{
  static const GEnumValue values[] = {
    { FLUSH_NONE, "A record leaves when it is full", "none" },
    { FLUSH_BUFFER,
        "A record also leaves, padded, at the end of each buffer or list",
        "buffer" },
    { 0, NULL, NULL },
  };
  static GType type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxChunkEncFlush", values));
  return type;
}

static void
install_properties (GObjectClass *class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format", "How it is encrypted",
          SYRINX_TYPE_CHUNK_FORMAT, DEFAULT_FORMAT, flags));
  g_object_class_install_property (class, PROP_KEY,
      g_param_spec_string ("key", "Key",
          "Base64url of the key: 16 bytes for hls-aes128, 16 to 64 for ece. "
          "Others can see a command line: elsewhere use a context syrinx.key",
          NULL,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (class, PROP_KEYID,
      g_param_spec_string ("keyid", "Key id",
          "ece: name of the key in the message's header, in clear, at most "
          "255 bytes",
          NULL, flags));
  g_object_class_install_property (class, PROP_SALT,
      g_param_spec_string ("salt", "Salt",
          "ece: base64url of the first message's salt, 16 bytes; never the "
          "same for two contents under one key (NULL: random)",
          NULL, flags));
  g_object_class_install_property (class, PROP_RECORD_SIZE,
      g_param_spec_uint ("record-size", "Record size",
          "ece: bytes of a record, of which 17 are delimiter and tag",
          SYRINX_ECE_MIN_RECORD_SIZE, SYRINX_ECE_MAX_RECORD_SIZE,
          DEFAULT_RECORD_SIZE, flags));
  g_object_class_install_property (class, PROP_FLUSH,
      g_param_spec_enum ("flush", "Flush",
          "ece: when a record leaves that is not full", flush_get_type (),
          DEFAULT_FLUSH, flags));
  g_object_class_install_property (class, PROP_MAX_LATENCY,
      g_param_spec_uint64 ("max-latency", "Maximum latency",
          "ece: a record leaves, padded, when its oldest byte has waited that "
          "many nanoseconds (0: it waits until it is full)",
          0, G_MAXINT64, DEFAULT_MAX_LATENCY, flags));
}

static void
gst_syrinx_chunk_enc_class_init (GstSyrinxChunkEncClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      chunkenc_debug, "syrinxchunkenc", 0, "encrypted chunks");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties (object_class);
  element_class->set_context = set_context;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Syrinx chunk encrypter", "Codec/Encryptor/Filter",
      "Encrypts fragments for HLS (AES-128-CBC) or a byte stream in "
      "authenticated records (RFC 8188)",
      "Syrinx developers");
  gst_type_mark_as_plugin_api (SYRINX_TYPE_CHUNK_FORMAT, 0);
  gst_type_mark_as_plugin_api (flush_get_type (), 0);
}
