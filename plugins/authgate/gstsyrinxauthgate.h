/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxauthgate: passes data while its grant is live. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_AUTH_GATE (gst_syrinx_auth_gate_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxAuthGate, gst_syrinx_auth_gate, GST, SYRINX_AUTH_GATE, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxauthgate);

G_END_DECLS
