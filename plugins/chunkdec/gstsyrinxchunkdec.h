/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkdec: decrypts the formats of syrinxchunkenc. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_CHUNK_DEC (gst_syrinx_chunk_dec_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxChunkDec, gst_syrinx_chunk_dec, GST, SYRINX_CHUNK_DEC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxchunkdec);

G_END_DECLS
