/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pipeline per client, as in GStreamer's manual. */
#include "pipes-run.h"

#include "figures.h"
#include "pipes-tracks.h"

#include <gst/gst.h>

#include <unistd.h>

#define SETTLE_S 2

static GstElement *
start_pipeline (const gchar *path)
{
  g_autofree gchar *launch
      = g_strdup_printf ("filesrc location=%s ! oggdemux ! opusparse ! "
                         "identity sync=true ! fakesink sync=false",
          path);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);

  g_assert_no_error (error);
  if (gst_element_set_state (pipeline, GST_STATE_PLAYING)
      == GST_STATE_CHANGE_FAILURE)
    g_error ("can't play %s", path);
  return pipeline;
}

/* Loads all plugins first, so that loading is not measured. */
static void
load_plugins (const gchar *path)
{
  GstElement *pipeline = start_pipeline (path);

  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

RunResult
plain_measure (const RunSettings *settings, const gchar *dir)
{
  Tracks *tracks = tracks_open (dir);
  guint n_files = g_strv_length (tracks->files), before_kib;
  RunResult result = { .pace = 1 };
  gdouble cpu_s;

  load_plugins (tracks->files[0]);
  before_kib = process_rss_kib (getpid ());
  cpu_s = run_thread_cpu_s ();
  for (guint i = 0; i < settings->n_sessions; i++)
    start_pipeline (tracks->files[i % n_files]);
  result.create_ms = (run_thread_cpu_s () - cpu_s) * 1e3 / settings->n_sessions;
  g_usleep (SETTLE_S * G_USEC_PER_SEC);
  run_watch (settings, &result);
  result.kib = (process_rss_kib (getpid ()) - (gdouble)before_kib)
               / settings->n_sessions;
  return result;
}
