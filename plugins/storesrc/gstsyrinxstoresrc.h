/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: reads a track's rendition out of the content store. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_STORE_SRC (gst_syrinx_store_src_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxStoreSrc, gst_syrinx_store_src, GST, SYRINX_STORE_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxstoresrc);

G_END_DECLS
