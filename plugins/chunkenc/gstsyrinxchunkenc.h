/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: encrypts data in chunks. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_CHUNK_ENC (gst_syrinx_chunk_enc_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxChunkEnc, gst_syrinx_chunk_enc, GST, SYRINX_CHUNK_ENC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxchunkenc);

G_END_DECLS
