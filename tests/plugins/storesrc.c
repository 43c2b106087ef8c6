/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: its forms, its seeks, and waiting without blocking. */
#include "tests/support/tracks.h"
#include "tests/support/tree.h"

#include "core/content/content.h"
#include "core/media/cmaf.h"
#include "core/schedule/demand.h"

#include <glib/gstdio.h>
#include <gst/app/app.h>
#include <gst/gst.h>
#include <string.h>

#define N_FRAGMENTS 4
#define N_PACKETS   50
#define UNITS       (N_PACKETS * 960)

typedef struct
{
  gchar *dir, *uri;
  SyrinxStore *store;
  SyrinxContent *content;
  SyrinxRendition *rendition;
} Fixture;

static const TracksShape shape = { N_FRAGMENTS, N_PACKETS, 20 };

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  return tracks_plan (&shape, track, name, error);
}

/* A producer that does nothing: tests commit the fragments. */
static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const SyrinxProducer producer = { plan, produce };
  g_auto (GStrv) ids = NULL;

  f->dir = g_dir_make_tmp ("syrinx-storesrc-XXXXXX", NULL);
  f->content = tracks_open_content (f->dir, 1 << 20, &f->store);
  syrinx_content_set_producer (f->content, &producer, f);
  ids = tracks_add (f->store, &shape, 1);
  f->uri = g_strdup_printf ("syrinx://track/%s?rendition=opus-128", ids[0]);
  f->rendition = syrinx_content_open (f->content, ids[0], "opus-128", 0, NULL);
  g_assert_nonnull (f->rendition);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_rendition_unref (f->rendition);
  syrinx_content_flush (f->content);
  syrinx_content_unref (f->content);
  syrinx_store_unref (f->store);
  tree_remove (f->dir);
  g_free (f->dir);
  g_free (f->uri);
}

static GstElement *
launch (Fixture *f, const gchar *rest, GstAppSink **sink)
{
  g_autofree gchar *text = g_strdup_printf (
      "syrinxstoresrc name=src store=%s uri=\"%s\" ! %s", f->dir, f->uri, rest);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  g_assert_no_error (error);
  *sink = GST_APP_SINK (gst_bin_get_by_name (GST_BIN (pipeline), "out"));
  return pipeline;
}

static void
finish (GstElement *pipeline, GstAppSink *sink)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

static void
each_form_comes_whole_and_in_order (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const gchar *caps;
    guint n_buffers; /* header included */
  } forms[] = { { "application/x-syrinx-chunk", 1 + N_FRAGMENTS },
    { "video/quicktime", 1 + N_FRAGMENTS },
    { "audio/x-opus", N_FRAGMENTS * N_PACKETS } };

  tracks_commit (f->rendition, &shape, 0, N_FRAGMENTS);
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autofree gchar *rest
        = g_strconcat (forms[i].caps, " ! appsink name=out sync=false", NULL);
    GstAppSink *sink;
    GstElement *pipeline = launch (f, rest, &sink);
    GstSample *sample;
    GstClockTime last = 0;
    guint n = 0;
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    while ((sample = gst_app_sink_pull_sample (sink))) {
      GstBuffer *buffer = gst_sample_get_buffer (sample);
      if (GST_BUFFER_PTS_IS_VALID (buffer)) {
        g_assert_cmpuint (GST_BUFFER_PTS (buffer), >=, last);
        last = GST_BUFFER_PTS (buffer);
      }
      n++;
      gst_sample_unref (sample);
    }
    g_assert_cmpuint (n, ==, forms[i].n_buffers);
    finish (pipeline, sink);
  }
}

static void
a_seek_lands_on_the_packet_that_holds_the_moment (
    Fixture *f, gconstpointer data)
{
  GstAppSink *sink;
  GstElement *pipeline
      = launch (f, "audio/x-opus ! appsink name=out sync=false", &sink);
  g_autoptr (GstSample) sample = NULL;
  gint64 duration;

  tracks_commit (f->rendition, &shape, 0, N_FRAGMENTS);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND);
  g_assert_true (
      gst_element_query_duration (pipeline, GST_FORMAT_TIME, &duration));
  g_assert_cmpint (duration, ==,
      gst_util_uint64_scale (
          N_FRAGMENTS * UNITS - TRACKS_PRE_SKIP, GST_SECOND, 48000));
  g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, 2500 * GST_MSECOND));
  gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  sample = gst_app_sink_pull_sample (sink);
  g_assert_nonnull (sample);
  g_assert_cmpuint (
      gst_sample_get_segment (sample)->start, ==, 2500 * GST_MSECOND);
  g_assert_cmpuint (
      GST_BUFFER_PTS (gst_sample_get_buffer (sample)), <=, 2500 * GST_MSECOND);
  g_assert_cmpuint (
      GST_BUFFER_PTS (gst_sample_get_buffer (sample)), >=, 2480 * GST_MSECOND);
  finish (pipeline, sink);
}

static void
what_is_not_made_yet_is_waited_for_and_left_at_once (
    Fixture *f, gconstpointer data)
{
  GstAppSink *sink;
  GstElement *pipeline
      = launch (f, "audio/x-opus ! appsink name=out sync=false", &sink);
  GstSample *sample;
  gint64 before_us;

  tracks_commit (f->rendition, &shape, 0, 1);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_PACKETS; i++) {
    sample = gst_app_sink_pull_sample (sink);
    g_assert_nonnull (sample);
    gst_sample_unref (sample);
  }
  g_assert_null (gst_app_sink_try_pull_sample (sink, 50 * GST_MSECOND));
  tracks_commit (f->rendition, &shape, 1, 2);
  sample = gst_app_sink_pull_sample (sink);
  g_assert_nonnull (sample);
  gst_sample_unref (sample);
  before_us = g_get_monotonic_time ();
  finish (pipeline, sink);
  g_assert_cmpint (g_get_monotonic_time () - before_us, <, G_USEC_PER_SEC);
}

static void
behind_a_geoqueue_it_pends_without_a_thread (Fixture *f, gconstpointer data)
{
  GstAppSink *sink;
  GstElement *pipeline = launch (
      f, "audio/x-opus ! syrinxgeoqueue ! appsink name=out sync=false", &sink);
  g_autoptr (GstElement) src = gst_bin_get_by_name (GST_BIN (pipeline), "src");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (src, "src");
  GstSample *sample;

  tracks_commit (f->rendition, &shape, 0, 1);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_PACKETS; i++) {
    sample = gst_app_sink_pull_sample (sink);
    g_assert_nonnull (sample);
    gst_sample_unref (sample);
  }
  g_assert_cmpint (gst_pad_get_task_state (pad), ==, GST_TASK_STOPPED);
  g_assert_null (gst_app_sink_try_pull_sample (sink, 50 * GST_MSECOND));
  tracks_commit (f->rendition, &shape, 1, N_FRAGMENTS);
  for (guint i = N_PACKETS; i < N_FRAGMENTS * N_PACKETS; i++) {
    sample = gst_app_sink_pull_sample (sink);
    g_assert_nonnull (sample);
    gst_sample_unref (sample);
  }
  g_assert_null (gst_app_sink_pull_sample (sink));
  finish (pipeline, sink);
}

static void
what_cannot_be_opened_is_told (Fixture *f, gconstpointer data)
{
  static const gchar *const uris[] = { "syrinx://track/AAAAAAAAAAAAAAAAAAAAAA",
    "syrinx://track/AAAAAAAAAAAAAAAAAAAAAA?rendition=../x" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++) {
    GstElement *src = gst_element_factory_make ("syrinxstoresrc", NULL);
    gst_object_ref_sink (src);
    g_object_set (src, "store", f->dir, "uri", uris[i], NULL);
    g_assert_cmpint (gst_element_set_state (src, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (src, GST_STATE_NULL);
    gst_object_unref (src);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(test)                                                              \
  g_test_add ("/storesrc/" #test, Fixture, NULL, set_up, test, tear_down)
  ADD (each_form_comes_whole_and_in_order);
  ADD (a_seek_lands_on_the_packet_that_holds_the_moment);
  ADD (what_is_not_made_yet_is_waited_for_and_left_at_once);
  ADD (behind_a_geoqueue_it_pends_without_a_thread);
  ADD (what_cannot_be_opened_is_told);
  return g_test_run ();
}
