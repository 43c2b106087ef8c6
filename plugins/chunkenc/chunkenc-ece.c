/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: a byte stream as one message of RFC 8188. */
#include "chunkenc-private.h"

static void arm_timer_locked (GstSyrinxChunkEnc *self);

/* --- Settings --- */

static GstClockTime
get_max_latency (GstSyrinxChunkEnc *self)
{
  GstClockTime max_latency;

  GST_OBJECT_LOCK (self);
  max_latency = self->settings.max_latency;
  GST_OBJECT_UNLOCK (self);
  return max_latency;
}

/* The record size. *@salt: (transfer full) (nullable): the salt that is set,
 * only for the first message. self->lock is held. */
static guint
get_record (GstSyrinxChunkEnc *self, GBytes **salt)
{
  guint record_size;

  GST_OBJECT_LOCK (self);
  if (self->settings.salt && !self->is_salt_used)
    *salt = g_bytes_ref (self->settings.salt);
  record_size = self->settings.record_size;
  GST_OBJECT_UNLOCK (self);
  return record_size;
}

/* --- Records --- */

static gboolean
ensure_encoder_locked (GstSyrinxChunkEnc *self, GError **error)
{
  g_autoptr (GBytes) key = NULL, salt = NULL;
  g_autofree gchar *keyid = NULL;
  guint record_size;

  if (self->encoder != NULL)
    return TRUE;
  key = syrinx_chunk_key_dup (&self->settings.key, GST_ELEMENT (self));
  keyid = syrinx_chunk_key_dup_id (&self->settings.key, GST_ELEMENT (self));
  record_size = get_record (self, &salt);
  if (!syrinx_chunk_key_check (key, "to encrypt with", error))
    return FALSE;
  self->encoder = syrinx_ece_encoder_new (key,
      salt ? g_bytes_get_data (salt, NULL) : NULL, keyid, record_size, error);
  /* The same key and salt with other content would reveal both contents. */
  self->is_salt_used |= self->encoder != NULL;
  return self->encoder != NULL;
}

/* Hot. Joins the bytes of all buffers in a block that is valid in this thread
 * until the next call, since a call of the cipher per packet costs more than
 * the copy. NULL if a buffer can't be read. */
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

/* Hot. *@out is NULL if no record was completed. */
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

/* Gives @out the timestamp of the oldest content in it. */
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
GstFlowReturn
syrinx_chunk_enc_push_ece (GstSyrinxChunkEnc *self, GstBuffer **buffers,
    guint n_buffers, SyrinxEceEnd end)
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
    if (g_error_matches (
            error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY))
      GST_ELEMENT_ERROR (
          self, STREAM, DECRYPT_NOKEY, ("%s.", error->message), (NULL));
    else
      GST_ELEMENT_ERROR (self, STREAM, ENCODE,
          ("Encrypting failed: %s.", error->message), (NULL));
    return GST_FLOW_ERROR;
  }
  stamp (self, out, held_before, pts);
  return out ? gst_pad_push (self->srcpad, out) : GST_FLOW_OK;
}

/* --- max-latency --- */

/* Runs in a thread of its own: pushing may block, and the clock's thread serves
 * the whole process. */
static void
flush_held (GstElement *element, gpointer user_data)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (element);
  GstClockTime max_latency = get_max_latency (self);
  gboolean is_due;

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
    syrinx_chunk_enc_push_ece (self, NULL, 0, SYRINX_ECE_FLUSH);
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
  GstClockTime max_latency = get_max_latency (self);

  if (max_latency == 0 || self->timer != NULL || self->encoder == NULL
      || syrinx_ece_encoder_get_held_bytes (self->encoder) == 0)
    return;
  self->timer = gst_clock_new_single_shot_id (
      self->clock, self->held_since + max_latency);
  gst_clock_id_wait_async (
      self->timer, timer_is_due, gst_object_ref (self), gst_object_unref);
}

/* --- The end of a message --- */

void
syrinx_chunk_enc_reset_message (GstSyrinxChunkEnc *self, gboolean is_cut)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->encoder, syrinx_ece_encoder_free);
  self->is_cut = is_cut;
  if (self->timer != NULL)
    gst_clock_id_unschedule (self->timer);
  g_clear_pointer (&self->timer, gst_clock_id_unref);
  g_mutex_unlock (&self->lock);
}
