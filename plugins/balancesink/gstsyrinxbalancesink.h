/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxbalancesink: spreads chunks over several sinks. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_BALANCE_SINK (gst_syrinx_balance_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstSyrinxBalanceSink, gst_syrinx_balance_sink, GST,
    SYRINX_BALANCE_SINK, GstBin)

GST_ELEMENT_REGISTER_DECLARE (syrinxbalancesink);

G_END_DECLS
