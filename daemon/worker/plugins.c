/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads the encoders. No demuxer, source or network element is ever in the
 * process: libavformat reads foreign files (allowed.h). */
#include "plugins.h"

static const gchar *const plugins[] = { "opus", "libav", NULL };

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
    n += plugin && i < 1;
  }
  return n == 1;
}
