/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxcmafmux: one audio stream into CMAF fragments, without a thread. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_CMAF_MUX (gst_syrinx_cmaf_mux_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxCmafMux, gst_syrinx_cmaf_mux, GST, SYRINX_CMAF_MUX, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxcmafmux);

G_END_DECLS
