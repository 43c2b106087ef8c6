/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxgeoqueue: a bounded queue that the shared scheduler empties. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYRINX_GEO_QUEUE (gst_syrinx_geo_queue_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSyrinxGeoQueue, gst_syrinx_geo_queue, GST, SYRINX_GEO_QUEUE, GstElement)

GST_ELEMENT_REGISTER_DECLARE (syrinxgeoqueue);

G_END_DECLS
