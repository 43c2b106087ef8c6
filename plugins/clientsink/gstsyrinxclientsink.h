/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxclientsink: one client's connection on the shared I/O loop. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_CLIENT_SINK (gst_syrinx_client_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstSyrinxClientSink, gst_syrinx_client_sink, GST,
    SYRINX_CLIENT_SINK, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxclientsink);

G_END_DECLS
