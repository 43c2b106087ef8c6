/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxsrtpenc: RTP to SRTP, for one sender. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_SRTP_ENC (gst_syrinx_srtp_enc_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxSrtpEnc, gst_syrinx_srtp_enc, GST, SYRINX_SRTP_ENC, GstElement)
GST_ELEMENT_REGISTER_DECLARE (syrinxsrtpenc)

G_END_DECLS
