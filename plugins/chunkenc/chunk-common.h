/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What syrinxchunkenc and syrinxchunkdec have in common: formats, caps and
 * buffers. Their keys are in chunk-key.h. */
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

/* Queries in BYTES are about the other side's bytes, which are not ours. */
gboolean syrinx_query_is_about_bytes (GstQuery *query);

/* Of all buffers. */
gsize syrinx_buffers_get_size (GstBuffer **buffers, guint n_buffers);

/* The buffers of @list, which must outlive the result. (transfer container) */
GstBuffer **syrinx_buffers_from_list (GstBufferList *list, guint *n_buffers);

G_END_DECLS
