/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key of syrinxchunkenc and syrinxchunkdec. */
#include "chunk-key.h"

#include "core/base/identifier.h"
#include "core/crypto/ece.h"
#include "core/crypto/secret.h"

/* Base64url to secret memory. (transfer full) (nullable): NULL if @text is not
 * base64url or too long for a key. */
static GBytes *
parse (const gchar *text)
{
  GBytes *plain = syrinx_base64url_decode (text, SYRINX_ECE_MAX_KEY_BYTES);
  GBytes *key;
  gpointer data;
  gsize size_bytes;

  if (plain == NULL)
    return NULL;
  data = g_bytes_unref_to_data (plain, &size_bytes);
  key = syrinx_secret_new (data, size_bytes);
  syrinx_wipe (data, size_bytes);
  g_free (data);
  return key;
}

GParamSpec *
syrinx_chunk_key_new_param_spec (void)
{
  return g_param_spec_string ("key", "Key",
      "Base64url of the key: 16 bytes for hls-aes128, 16 to 64 for ece. "
      "Others can see a command line: elsewhere use a context syrinx.key",
      NULL,
      G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
}

void
syrinx_chunk_key_set_locked (
    SyrinxChunkKey *key, GstElement *element, const gchar *text)
{
  g_clear_pointer (&key->bytes, g_bytes_unref);
  if (text == NULL)
    return;
  key->bytes = parse (text);
  if (key->bytes == NULL)
    g_warning ("%s: the key is no base64url of a key, so there is none",
        GST_OBJECT_NAME (element));
}

void
syrinx_chunk_key_set_id_locked (SyrinxChunkKey *key, const gchar *id)
{
  g_free (key->id);
  key->id = g_strdup (id);
}

void
syrinx_chunk_key_take_context (
    SyrinxChunkKey *key, GstElement *element, GstContext *context)
{
  const GstStructure *structure = gst_context_get_structure (context);
  GBytes *bytes = NULL;

  if (!gst_context_has_context_type (context, SYRINX_KEY_CONTEXT))
    return;
  if (!gst_structure_get (structure, "key", SYRINX_TYPE_SECRET, &bytes, NULL))
    gst_structure_get (structure, "key", G_TYPE_BYTES, &bytes, NULL);
  if (bytes == NULL)
    return;
  GST_OBJECT_LOCK (element);
  g_clear_pointer (&key->bytes, g_bytes_unref);
  key->bytes = bytes;
  GST_OBJECT_UNLOCK (element);
}

void
syrinx_chunk_key_ask (SyrinxChunkKey *key, GstElement *element)
{
  g_autoptr (GBytes) bytes = syrinx_chunk_key_dup (key, element);

  if (bytes == NULL)
    gst_element_post_message (
        element, gst_message_new_need_context (
                     GST_OBJECT (element), SYRINX_KEY_CONTEXT));
}

GBytes *
syrinx_chunk_key_dup (SyrinxChunkKey *key, GstElement *element)
{
  GBytes *bytes;

  GST_OBJECT_LOCK (element);
  bytes = key->bytes ? g_bytes_ref (key->bytes) : NULL;
  GST_OBJECT_UNLOCK (element);
  return bytes;
}

gchar *
syrinx_chunk_key_dup_id (SyrinxChunkKey *key, GstElement *element)
{
  gchar *id;

  GST_OBJECT_LOCK (element);
  id = g_strdup (key->id);
  GST_OBJECT_UNLOCK (element);
  return id;
}

gboolean
syrinx_chunk_key_check (GBytes *bytes, const gchar *purpose, GError **error)
{
  if (bytes == NULL)
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY,
        "There is no key %s", purpose);
  return bytes != NULL;
}

void
syrinx_chunk_key_clear (SyrinxChunkKey *key)
{
  g_clear_pointer (&key->bytes, g_bytes_unref);
  g_clear_pointer (&key->id, g_free);
}
