/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by syrinxchunkenc and syrinxchunkdec: formats, caps and buffers. Keys
 * are in chunk-key.h. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  SYRINX_CHUNK_HLS_AES128,
  SYRINX_CHUNK_ECE,
} SyrinxChunkFormat;

#define SYRINX_TYPE_CHUNK_FORMAT (syrinx_chunk_format_get_type ())
GType syrinx_chunk_format_get_type (void);

gboolean syrinx_caps_is_chunk (const GstCaps *caps);

/* Whether @query is in BYTES, which are different on the other side of the
 * element. */
gboolean syrinx_query_is_about_bytes (GstQuery *query);

/* The total size of all buffers. */
gsize syrinx_buffers_get_size (GstBuffer **buffers, guint n_buffers);

/* The buffers of @list, which must outlive the result. (transfer container) */
GstBuffer **syrinx_buffers_from_list (GstBufferList *list, guint *n_buffers);

G_END_DECLS
