/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxcmafmux: the bounds of fragments, and how other programs read them. */
#include "core/media/cmaf.h"

#include <glib/gstdio.h>
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>

#include <math.h>
#include <string.h>

#define PACKET GST_MSECOND * 20

/* An Opus packet of one 20 ms CELT frame. */
static GstBuffer *
make_packet (guint64 index)
{
  static const guint8 packet[] = { 0xfc, 1, 2, 3, 4 };
  GstBuffer *buffer = gst_buffer_new_memdup (packet, sizeof packet);

  GST_BUFFER_PTS (buffer) = index * PACKET;
  GST_BUFFER_DURATION (buffer) = PACKET;
  return buffer;
}

static GstHarness *
make_harness (const gchar *launch)
{
  GstHarness *h = gst_harness_new_parse (launch);

  gst_harness_set_src_caps_str (h, "audio/x-opus, rate=48000, channels=2, "
                                   "channel-mapping-family=0");
  return h;
}

static void
push_packets (GstHarness *h, guint64 from, guint64 to)
{
  for (guint64 i = from; i < to; i++)
    g_assert_cmpint (gst_harness_push (h, make_packet (i)), ==, GST_FLOW_OK);
}

static void
check_fragment (GstHarness *h, guint64 number, guint64 decode_time,
    guint n_samples, guint64 duration)
{
  g_autoptr (GstBuffer) buffer = gst_harness_try_pull (h);
  g_auto (SyrinxCmafFragment) fragment = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  gpointer data;
  gsize size;

  g_assert_nonnull (buffer);
  gst_buffer_extract_dup (buffer, 0, -1, &data, &size);
  bytes = g_bytes_new_take (data, size);
  g_assert_true (syrinx_cmaf_read_fragment (bytes, &fragment, NULL));
  g_assert_cmpuint (GST_BUFFER_OFFSET (buffer), ==, number);
  g_assert_cmpuint (fragment.sequence, ==, number + 1);
  g_assert_cmpuint (fragment.decode_time, ==, decode_time);
  g_assert_cmpuint (fragment.n_samples, ==, n_samples);
  g_assert_cmpuint (fragment.duration, ==, duration);
  g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==,
      gst_util_uint64_scale_round (duration, GST_SECOND, 48000));
}

static void
check_header (GstHarness *h)
{
  g_autoptr (GstBuffer) buffer = gst_harness_try_pull (h);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const GValue *headers = gst_structure_get_value (s, "streamheader");
  GstMapInfo map;

  g_assert_nonnull (buffer);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER));
  g_assert_cmpstr (gst_structure_get_string (s, "variant"), ==, "cmaf");
  g_assert_cmpuint (gst_value_array_get_size (headers), ==, 1);
  gst_buffer_map (gst_value_get_buffer (gst_value_array_get_value (headers, 0)),
      &map, GST_MAP_READ);
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (
      gst_value_get_buffer (gst_value_array_get_value (headers, 0)), &map);
}

static void
a_fragment_leaves_every_four_seconds_and_the_rest_at_eos (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux");

  push_packets (h, 0, 450);
  check_header (h);
  check_fragment (h, 0, 0, 200, 192000);
  check_fragment (h, 1, 192000, 200, 192000);
  g_assert_null (gst_harness_try_pull (h));
  gst_harness_push_event (h, gst_event_new_eos ());
  check_fragment (h, 2, 384000, 50, 48000);
  gst_harness_teardown (h);
}

static void
a_run_starts_at_the_fragment_asked_for (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux first-fragment=15");

  push_packets (h, 3000, 3201);
  check_header (h);
  check_fragment (h, 15, 15 * 192000, 200, 192000);
  gst_harness_teardown (h);

  h = make_harness ("syrinxcmafmux first-fragment=15 base-decode-time=2880960");
  push_packets (h, 3000, 3200);
  check_header (h);
  check_fragment (h, 15, 2880960, 199, 199 * 960);
  gst_harness_teardown (h);
}

static void
the_last_packet_is_as_long_as_its_clipping_says (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux");
  GstBuffer *last = make_packet (10);

  push_packets (h, 0, 10);
  gst_buffer_add_audio_clipping_meta (last, GST_FORMAT_DEFAULT, 0, 700);
  gst_harness_push (h, last);
  gst_harness_push_event (h, gst_event_new_eos ());
  check_header (h);
  check_fragment (h, 0, 0, 11, 10 * 960 + 260);
  gst_harness_teardown (h);
}

static void
a_gap_moves_the_decode_time (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux");

  push_packets (h, 0, 10);
  gst_harness_push_event (h, gst_event_new_gap (10 * PACKET, 40 * PACKET));
  push_packets (h, 50, 60);
  gst_harness_push_event (h, gst_event_new_eos ());
  check_header (h);
  check_fragment (h, 0, 0, 10, 9600);
  check_fragment (h, 1, 48000, 10, 9600);
  gst_harness_teardown (h);
}

static void
a_flush_drops_what_is_held_and_goes_on_at_the_new_place (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux");
  GstSegment segment;

  push_packets (h, 0, 10);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 8 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_packets (h, 400, 601);
  check_header (h);
  check_fragment (h, 2, 2 * 192000, 200, 192000);
  gst_harness_teardown (h);
}

static void
other_caps_on_the_way_are_an_error (void)
{
  GstHarness *h = make_harness ("syrinxcmafmux");
  g_autoptr (GstCaps) same = gst_caps_from_string (
      "audio/x-opus, rate=48000, channels=2, channel-mapping-family=0, a=1");
  g_autoptr (GstCaps) other
      = gst_caps_from_string ("audio/x-opus, rate=48000, channels=1");

  push_packets (h, 0, 10);
  g_assert_true (gst_harness_push_event (h, gst_event_new_caps (same)));
  push_packets (h, 10, 11);
  gst_harness_push_event (h, gst_event_new_caps (other));
  g_assert_cmpint (
      gst_harness_push (h, make_packet (11)), ==, GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown (h);
}

static void
a_broken_packet_is_an_error_and_no_crash (void)
{
  static const guint8 zero_frames[] = { 0xff, 0 };
  GstHarness *h = make_harness ("syrinxcmafmux");

  g_assert_cmpint (gst_harness_push (h, gst_buffer_new ()), ==, GST_FLOW_ERROR);
  g_assert_cmpint (gst_harness_push (h, gst_buffer_new_memdup (zero_frames, 2)),
      ==, GST_FLOW_ERROR);
  gst_harness_teardown (h);
}

/* --- Whole pipelines --- */

static void
run_pipeline (const gchar *launch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static gdouble
probe_duration (const gchar *path)
{
  const gchar *argv[] = { "ffprobe", "-v", "error", "-show_entries",
    "format=duration", "-of", "csv=p=0", path, NULL };
  g_autofree gchar *out = NULL, *err = NULL;

  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, &out, &err, NULL, NULL));
  g_assert_cmpstr (err, ==, "");
  return g_ascii_strtod (out, NULL);
}

/* A steady tone must decode to a steady tone: of the same length and loudness,
 * and without a click, which would be a larger step than any in the sine. */
static void
check_waveform (const gchar *path)
{
  g_autofree gchar *pcm = g_strconcat (path, ".pcm", NULL);
  g_autofree gchar *launch = g_strdup_printf (
      "filesrc location=%s ! qtdemux ! decodebin ! audioconvert ! "
      "audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! "
      "filesink location=%s",
      path, pcm);
  g_autofree gchar *data = NULL;
  const gint16 *samples;
  gsize size, n;
  gdouble power = 0, step = 0;

  run_pipeline (launch);
  g_assert_true (g_file_get_contents (pcm, &data, &size, NULL));
  samples = (const gint16 *)data;
  n = size / 2;
  g_assert_cmpfloat_with_epsilon (n / 48000.0, 10, 0.1);
  for (gsize i = 4801; i < n - 4800; i++) {
    power += (gdouble)samples[i] * samples[i] / (n - 9601);
    step = MAX (step, ABS (samples[i] - samples[i - 1]));
  }
  g_assert_cmpfloat_with_epsilon (sqrt (power), 0.5 * 32767 / sqrt (2), 700);
  g_assert_cmpfloat (step, <, 0.5 * 32767 * 2 * G_PI * 440 / 48000 * 1.3);
  g_unlink (pcm);
}

static void
ffprobe_and_qtdemux_agree_on_each_codec (void)
{
  static const gchar *const encoders[]
      = { "opusenc", "avenc_aac ! aacparse", "flacenc ! flacparse" };

  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++) {
    g_autofree gchar *path = NULL, *launch = NULL;

    g_close (g_file_open_tmp ("syrinx-mux-XXXXXX.mp4", &path, NULL), NULL);
    launch = g_strdup_printf (
        "audiotestsrc freq=440 volume=0.5 num-buffers=500 "
        "samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! "
        "audioconvert ! %s ! syrinxcmafmux ! filesink location=%s",
        encoders[i], path);
    run_pipeline (launch);
    g_assert_cmpfloat_with_epsilon (probe_duration (path), 10, 0.06);
    check_waveform (path);
    g_unlink (path);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/cmafmux/" #name, name)
  ADD (a_fragment_leaves_every_four_seconds_and_the_rest_at_eos);
  ADD (a_run_starts_at_the_fragment_asked_for);
  ADD (the_last_packet_is_as_long_as_its_clipping_says);
  ADD (a_gap_moves_the_decode_time);
  ADD (a_flush_drops_what_is_held_and_goes_on_at_the_new_place);
  ADD (other_caps_on_the_way_are_an_error);
  ADD (a_broken_packet_is_an_error_and_no_crash);
  ADD (ffprobe_and_qtdemux_agree_on_each_codec);
  return g_test_run ();
}
