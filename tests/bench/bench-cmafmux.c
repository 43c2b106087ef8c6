/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of muxing four minutes of Opus into fragments, compared with
 * mp4mux. */
#include "figures.h"

#include <gio/gio.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <time.h>

#define ROUNDS    9
#define REPEATS   5 /* per round, so that a round is long enough to measure */
#define N_PACKETS (240 * 50)
#define GOAL      0.25

static gdouble
cpu_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void
keep_buffer (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, GPtrArray *packets)
{
  if (packets->len == 0)
    g_object_set_data_full (G_OBJECT (pad), "caps",
        gst_pad_get_current_caps (pad), (GDestroyNotify)gst_caps_unref);
  g_ptr_array_add (packets, gst_buffer_ref (buffer));
}

static void
play_to_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (!message || GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS)
    g_error ("a pipeline did not come to its end");
}

static GPtrArray *
encode (GstCaps **caps)
{
  GPtrArray *packets
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "audiotestsrc wave=pink-noise samplesperbuffer=960 num-buffers=12000 ! "
      "audio/x-raw,rate=48000,channels=2 ! opusenc complexity=0 ! "
      "fakesink name=sink signal-handoffs=true",
      NULL);
  g_autoptr (GstElement) sink
      = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  g_signal_connect (sink, "handoff", G_CALLBACK (keep_buffer), packets);
  play_to_end (pipeline);
  *caps = gst_caps_ref (g_object_get_data (G_OBJECT (pad), "caps"));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (packets->len < N_PACKETS)
    g_error ("only %u packets were encoded", packets->len);
  return packets;
}

/* CPU seconds of the process from PLAYING to EOS, with packets that are in
 * memory. A NULL @muxer measures the cost of feeding and dropping alone. */
static gdouble
run_once (const gchar *muxer, GPtrArray *packets, GstCaps *caps)
{
  g_autofree gchar *launch
      = g_strdup_printf ("appsrc name=src format=time max-bytes=0 ! %s%s"
                         "fakesink sync=false",
          muxer ? muxer : "", muxer ? " ! " : "");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) src = gst_bin_get_by_name (GST_BIN (pipeline), "src");
  gdouble start;

  if (error)
    g_error ("%s: %s", launch, error->message);
  gst_app_src_set_caps (GST_APP_SRC (src), caps);
  for (guint i = 0; i < packets->len; i++)
    gst_app_src_push_buffer (
        GST_APP_SRC (src), gst_buffer_copy (packets->pdata[i]));
  gst_app_src_end_of_stream (GST_APP_SRC (src));
  start = cpu_now ();
  play_to_end (pipeline);
  start = cpu_now () - start;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return start;
}

static gdouble
run (const gchar *muxer, GPtrArray *packets, GstCaps *caps)
{
  gdouble sum = 0;

  for (guint i = 0; i < REPEATS; i++)
    sum += run_once (muxer, packets, caps);
  return sum / REPEATS;
}

int
main (int argc, char **argv)
{
  gdouble own[ROUNDS], peer[ROUNDS], feed[ROUNDS];
  g_autoptr (GPtrArray) packets = NULL;
  g_autoptr (GstCaps) caps = NULL;

  gst_init (&argc, &argv);
  packets = encode (&caps);
  for (guint round = 0; round < ROUNDS; round++) {
    own[round] = run ("syrinxcmafmux", packets, caps);
    peer[round] = run ("mp4mux fragment-duration=4000", packets, caps);
    feed[round] = run (NULL, packets, caps);
  }
  figures_begin ("cmafmux");
  figures_add (&(Figure){ "cmafmux_cpu", figures_median (own, ROUNDS) * 1e3,
      "ms", "mp4mux", figures_median (peer, ROUNDS) * 1e3, GOAL_RATIO_AT_MOST,
      GOAL });
  figures_add (&(Figure){ "cmafmux_feeding_alone",
      figures_median (feed, ROUNDS) * 1e3, "ms", NULL, 0 });
  return 0;
}
