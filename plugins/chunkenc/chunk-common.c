/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by syrinxchunkenc and syrinxchunkdec. */
#include "chunk-common.h"

#include "core/schedule/demand.h"

GType
syrinx_chunk_format_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_CHUNK_HLS_AES128,
        "One AES-128-CBC chunk per buffer (RFC 8216, METHOD=AES-128)",
        "hls-aes128" },
    { SYRINX_CHUNK_ECE, "Authenticated byte stream (RFC 8188, aes128gcm)",
        "ece" },
    { 0, NULL, NULL },
  };
  static GType type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("SyrinxChunkFormat", values));
  return type;
}

gboolean
syrinx_caps_is_chunk (const GstCaps *caps)
{
  return !gst_caps_is_empty (caps) && !gst_caps_is_any (caps)
         && gst_structure_has_name (
             gst_caps_get_structure (caps, 0), SYRINX_CHUNK_MEDIA_TYPE);
}

gboolean
syrinx_query_is_about_bytes (GstQuery *query)
{
  GstFormat format;

  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_DURATION:
    gst_query_parse_duration (query, &format, NULL);
    return format == GST_FORMAT_BYTES;
  case GST_QUERY_POSITION:
    gst_query_parse_position (query, &format, NULL);
    return format == GST_FORMAT_BYTES;
  case GST_QUERY_SEEKING:
    gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
    return format == GST_FORMAT_BYTES;
  default:
    return FALSE;
  }
}

gsize
syrinx_buffers_get_size (GstBuffer **buffers, guint n_buffers)
{
  gsize total = 0;

  for (guint i = 0; i < n_buffers; i++)
    total += gst_buffer_get_size (buffers[i]);
  return total;
}

GstBuffer **
syrinx_buffers_from_list (GstBufferList *list, guint *n_buffers)
{
  GstBuffer **buffers;

  *n_buffers = gst_buffer_list_length (list);
  buffers = g_new (GstBuffer *, *n_buffers + 1);
  for (guint i = 0; i < *n_buffers; i++)
    buffers[i] = gst_buffer_list_get (list, i);
  return buffers;
}
