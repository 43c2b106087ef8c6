/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_OGG_MUX (gst_syrinx_ogg_mux_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxOggMux, gst_syrinx_ogg_mux, GST, SYRINX_OGG_MUX, GstElement)
GST_ELEMENT_REGISTER_DECLARE (syrinxoggmux);

G_END_DECLS
