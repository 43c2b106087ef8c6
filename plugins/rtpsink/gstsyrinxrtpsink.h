/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxrtpsink: one RTP stream to one client, interleaved or by UDP. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_RTP_SINK (gst_syrinx_rtp_sink_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxRtpSink, gst_syrinx_rtp_sink, GST, SYRINX_RTP_SINK, GstElement)
GST_ELEMENT_REGISTER_DECLARE (syrinxrtpsink)

G_END_DECLS
