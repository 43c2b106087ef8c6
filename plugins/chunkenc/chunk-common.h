/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What syrinxchunkenc and syrinxchunkdec have in common: formats, keys and
 * caps. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A context of this type carries a field "key" of type GBytes. */
#define SYRINX_KEY_CONTEXT "syrinx.key"

typedef enum
{
  SYRINX_CHUNK_HLS_AES128,
  SYRINX_CHUNK_ECE,
} SyrinxChunkFormat;

#define SYRINX_TYPE_CHUNK_FORMAT (syrinx_chunk_format_get_type ())
GType syrinx_chunk_format_get_type (void);

/* Base64url to secret memory. (transfer full) (nullable): NULL if @text is not
 * base64url or too long for a key. */
GBytes *syrinx_chunk_key_parse (const gchar *text);

/* (transfer full) (nullable): NULL if @context carries no key of ours. */
GBytes *syrinx_chunk_key_from_context (GstContext *context);

/* Asks the application for a context with the key; it may answer at once by
 * gst_element_set_context(). */
void syrinx_chunk_key_ask (GstElement *element);

gboolean syrinx_caps_is_chunk (const GstCaps *caps);

/* Queries in BYTES are about the other side's bytes, which are not ours. */
gboolean syrinx_query_is_about_bytes (GstQuery *query);

/* Of all buffers. */
gsize syrinx_buffers_get_size (GstBuffer **buffers, guint n_buffers);

/* The buffers of @list, which must outlive the result. (transfer container) */
GstBuffer **syrinx_buffers_from_list (GstBufferList *list, guint *n_buffers);

G_END_DECLS
