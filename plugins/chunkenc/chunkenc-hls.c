/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: each buffer becomes a chunk, by AES-128-CBC. */
#include "chunkenc-private.h"

#include "core/crypto/chunk-cipher.h"

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
  if (!syrinx_chunk_key_check (key, "to encrypt with", &error)) {
    GST_ELEMENT_ERROR (
        self, STREAM, DECRYPT_NOKEY, ("%s.", error->message), (NULL));
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

GstFlowReturn
syrinx_chunk_enc_push_chunk (GstSyrinxChunkEnc *self, GstBuffer *buffer)
{
  g_autoptr (GBytes) key
      = syrinx_chunk_key_dup (&self->settings.key, GST_ELEMENT (self));
  GstBuffer *chunk;

  if (is_cut (self))
    return GST_FLOW_EOS;
  chunk = make_chunk (self, key, buffer);
  return chunk ? gst_pad_push (self->srcpad, chunk) : GST_FLOW_ERROR;
}

GstFlowReturn
syrinx_chunk_enc_push_chunks (
    GstSyrinxChunkEnc *self, GstBuffer **buffers, guint n_buffers)
{
  g_autoptr (GBytes) key
      = syrinx_chunk_key_dup (&self->settings.key, GST_ELEMENT (self));
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
