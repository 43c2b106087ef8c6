/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The peer of bench-rtsp: a plain gst-rtsp-server, as in its examples, with
 * each file of the arguments at /0, /1 and so on, and one media per client.
 * Prints its port. */
#include <gst/rtsp-server/rtsp-server.h>
#include <stdio.h>

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = NULL;
  g_autoptr (GstRTSPServer) server = NULL;
  g_autoptr (GstRTSPMountPoints) mounts = NULL;

  gst_init (&argc, &argv);
  loop = g_main_loop_new (NULL, FALSE);
  server = gst_rtsp_server_new ();
  mounts = gst_rtsp_server_get_mount_points (server);
  gst_rtsp_server_set_address (server, "127.0.0.1");
  gst_rtsp_server_set_service (server, "0");
  gst_rtsp_server_set_backlog (server, 1024);
  for (int i = 1; i < argc; i++) {
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new ();
    g_autofree gchar *launch
        = g_strdup_printf ("( filesrc location=\"%s\" ! oggdemux ! opusparse ! "
                           "rtpopuspay name=pay0 pt=96 )",
            argv[i]);
    g_autofree gchar *path = g_strdup_printf ("/%d", i - 1);
    gst_rtsp_media_factory_set_launch (factory, launch);
    gst_rtsp_mount_points_add_factory (mounts, path, factory);
  }
  if (!gst_rtsp_server_attach (server, NULL))
    g_error ("the peer can't listen");
  printf ("%d\n", gst_rtsp_server_get_bound_port (server));
  fflush (stdout);
  g_main_loop_run (loop);
  return 0;
}
