/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxstoresrc: its forms, its seeks, and waiting that blocks nobody. */
#include "core/media/cmaf.h"
#include "core/content/content.h"
#include "core/schedule/demand.h"

#include <glib/gstdio.h>
#include <gst/app/app.h>
#include <gst/gst.h>
#include <string.h>

#define N_FRAGMENTS 4
#define N_PACKETS   50
#define UNITS       (N_PACKETS * 960)
#define PRE_SKIP    312

typedef struct
{
  gchar *dir, *uri;
  SyrinxStore *store;
  SyrinxContent *content;
  SyrinxRendition *rendition;
} Fixture;

static GBytes *
make_clear (guint number)
{
  static guint8 payload[N_PACKETS * 20];
  SyrinxCmafSample samples[N_PACKETS];

  memset (payload, 'a' + number, sizeof payload);
  for (guint i = 0; i < N_PACKETS; i++)
    samples[i] = (SyrinxCmafSample){ payload + 20 * i, 20, 960 };
  return syrinx_cmaf_write_fragment (
      number + 1, (guint64)number * UNITS, samples, N_PACKETS);
}

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  SyrinxCmafFormat format = { .codec = SYRINX_CMAF_OPUS,
    .sample_rate_hz = 48000,
    .channels = 2,
    .pre_skip = PRE_SKIP };
  SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);

  row->track_id = g_strdup (track->id);
  row->name = g_strdup (name);
  row->codecs = g_strdup ("opus");
  row->sample_rate_hz = row->timescale = 48000;
  row->channels = 2;
  row->pre_skip = PRE_SKIP;
  row->fragment_units = UNITS;
  row->n_fragments = N_FRAGMENTS;
  row->n_units = N_FRAGMENTS * UNITS;
  row->header = syrinx_cmaf_write_header (&format, error);
  return row;
}

/* Fragments come when a test commits them. */
static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
}

static void
commit (Fixture *f, guint first, guint end)
{
  for (guint i = first; i < end; i++) {
    g_autoptr (GBytes) clear = make_clear (i);
    g_autoptr (GError) error = NULL;
    syrinx_rendition_commit (f->rendition, i, clear, &error);
    g_assert_no_error (error);
  }
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const SyrinxProducer producer = { plan, produce };
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  SyrinxTrack *track = g_new0 (SyrinxTrack, 1);

  f->dir = g_dir_make_tmp ("syrinx-storesrc-XXXXXX", NULL);
  f->store = syrinx_store_open (f->dir, TRUE, NULL);
  keyring = syrinx_keyring_open (f->dir, TRUE, NULL);
  f->content = syrinx_content_new (f->store, keyring, 1 << 20, 1 << 20);
  syrinx_content_set_producer (f->content, &producer, f);
  track->root = g_strdup ("/music");
  track->path = g_strdup ("a.flac");
  track->title = g_strdup ("A");
  track->codec = g_strdup ("flac");
  track->fingerprint = g_strdup ("00");
  track->sample_rate_hz = 48000;
  track->channels = 2;
  track->n_samples = N_FRAGMENTS * UNITS - PRE_SKIP;
  g_ptr_array_add (tracks, track);
  g_assert_true (syrinx_store_put_tracks (f->store, tracks, NULL));
  f->uri = g_strdup_printf ("syrinx://track/%s?rendition=opus-128", track->id);
  f->rendition
      = syrinx_content_open (f->content, track->id, "opus-128", 0, NULL);
  g_assert_nonnull (f->rendition);
}

static void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      remove_tree (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  syrinx_rendition_unref (f->rendition);
  syrinx_content_flush (f->content);
  syrinx_content_unref (f->content);
  syrinx_store_unref (f->store);
  remove_tree (f->dir);
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

  commit (f, 0, N_FRAGMENTS);
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

  commit (f, 0, N_FRAGMENTS);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND);
  g_assert_true (
      gst_element_query_duration (pipeline, GST_FORMAT_TIME, &duration));
  g_assert_cmpint (duration, ==,
      gst_util_uint64_scale (
          N_FRAGMENTS * UNITS - PRE_SKIP, GST_SECOND, 48000));
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

  commit (f, 0, 1);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_PACKETS; i++) {
    sample = gst_app_sink_pull_sample (sink);
    g_assert_nonnull (sample);
    gst_sample_unref (sample);
  }
  g_assert_null (gst_app_sink_try_pull_sample (sink, 50 * GST_MSECOND));
  commit (f, 1, 2);
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

  commit (f, 0, 1);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_PACKETS; i++) {
    sample = gst_app_sink_pull_sample (sink);
    g_assert_nonnull (sample);
    gst_sample_unref (sample);
  }
  g_assert_cmpint (gst_pad_get_task_state (pad), ==, GST_TASK_STOPPED);
  g_assert_null (gst_app_sink_try_pull_sample (sink, 50 * GST_MSECOND));
  commit (f, 1, N_FRAGMENTS);
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
