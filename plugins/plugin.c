/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin: registers all elements of Syrinx. */
#include "authgate/gstsyrinxauthgate.h"
#include "balancesink/gstsyrinxbalancesink.h"
#include "chunkdec/gstsyrinxchunkdec.h"
#include "chunkenc/gstsyrinxchunkenc.h"
#include "clientsink/gstsyrinxclientsink.h"
#include "cmafmux/gstsyrinxcmafmux.h"
#include "geoqueue/gstsyrinxgeoqueue.h"
#include "oggmux/gstsyrinxoggmux.h"
#include "rtpsink/gstsyrinxrtpsink.h"
#include "srtpenc/gstsyrinxsrtpenc.h"
#include "storesrc/gstsyrinxstoresrc.h"

#include <gst/gst.h>

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean any = TRUE;

  any &= GST_ELEMENT_REGISTER (syrinxauthgate, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxbalancesink, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxchunkdec, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxchunkenc, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxclientsink, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxcmafmux, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxgeoqueue, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxoggmux, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxrtpsink, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxsrtpenc, plugin);
  any &= GST_ELEMENT_REGISTER (syrinxstoresrc, plugin);
  return any;
}

#define PACKAGE "syrinx"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, syrinx,
    "Authenticated, scheduled, encrypted audio streaming", plugin_init,
    SYRINX_VERSION, "LGPL", "syrinx", "https://syrinx.example/")
