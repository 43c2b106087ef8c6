/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The allow-list of plugins and elements: audio demuxers, parsers, decoders. No
 * playlist, adaptive, SDP or network element is ever in the process. */
#include "plugins.h"

static const gchar *const plugins[] = { "coreelements", "app",
  "typefindfunctions", "playback", "audioparsers", "flac", "mpg123", "vorbis",
  "ogg", "opus", "opusparse", "isomp4", "wavparse", "id3demux", "apetag",
  "matroska", "wavpack", "libav", NULL };

static const gchar *const elements[] = { "aacparse", "ac3parse", "apedemux",
  "avdec_aac", "avdec_alac", "flacdec", "flacparse", "id3demux",
  "matroskademux", "mpegaudioparse", "mpg123audiodec", "oggdemux", "opusdec",
  "opusparse", "qtdemux", "vorbisdec", "vorbisparse", "wavpackdec",
  "wavpackparse", "wavparse", NULL };

gboolean
syrinx_plugins_load (void)
{
  guint n = 0;

  for (guint i = 0; plugins[i]; i++) {
    g_autofree gchar *path
        = g_strdup_printf ("%s/libgst%s.so", GST_PLUGINS_DIR, plugins[i]);
    g_autoptr (GError) error = NULL;
    g_autoptr (GstPlugin) plugin = gst_plugin_load_file (path, &error);

    if (plugin)
      gst_registry_add_plugin (gst_registry_get (), gst_object_ref (plugin));
    else
      g_message ("without plugin %s: %s", plugins[i], error->message);
    n += plugin && i < 4;
  }
  return n == 4;
}

gboolean
syrinx_plugins_allow (GstElementFactory *factory)
{
  return g_strv_contains (elements, GST_OBJECT_NAME (factory));
}
