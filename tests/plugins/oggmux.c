/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxoggmux: other programs read its output, which is the same every
 * time. */
#include "core/schedule/demand.h"

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <string.h>

#define CAPS      "audio/x-opus, rate=48000, channels=2, channel-mapping-family=0"
#define N_PACKETS 23

/* --- Helpers --- */

static GstHarness *
make_harness (void)
{
  GstHarness *h = gst_harness_new ("syrinxoggmux");
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);

  gst_harness_set_src_caps_str (h, CAPS);
  /* The harness has begun with a random stream id. */
  gst_harness_push_event (h, gst_event_new_stream_start ("track/opus-128/1"));
  gst_harness_push_event (h, gst_event_new_caps (caps));
  return h;
}

static GstBuffer *
make_packet (guint number, gsize size)
{
  GstBuffer *packet = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (packet, 0, number, size);
  gst_buffer_memset (packet, 0, 0xfc, 1); /* TOC: 20 ms, stereo, one frame */
  GST_BUFFER_PTS (packet) = number * 20 * GST_MSECOND;
  GST_BUFFER_DURATION (packet) = 20 * GST_MSECOND;
  return packet;
}

typedef struct
{
  guint8 flags;
  gint64 granule;
  guint32 serial, sequence;
  guint n_packets;
} Page;

static guint64
read_le (const guint8 *at, guint n_bytes)
{
  guint64 value = 0;

  for (guint i = 0; i < n_bytes; i++)
    value |= (guint64)at[i] << (8 * i);
  return value;
}

/* Parses all output as a sequence of pages. */
static GArray *
read_pages (GByteArray *bytes)
{
  GArray *pages = g_array_new (FALSE, FALSE, sizeof (Page));

  for (gsize at = 0; at < bytes->len;) {
    const guint8 *data = bytes->data + at;
    guint n_segments = data[26];
    Page page = { data[5], read_le (data + 6, 8), read_le (data + 14, 4),
      read_le (data + 18, 4), 0 };
    gsize size = 27 + n_segments;
    g_assert_cmpmem (data, 4, "OggS", 4);
    for (guint i = 0; i < n_segments; i++) {
      page.n_packets += data[27 + i] < 255;
      size += data[27 + i];
    }
    g_array_append_val (pages, page);
    at += size;
  }
  return pages;
}

static GByteArray *
collect (GstHarness *h)
{
  GByteArray *all = g_byte_array_new ();
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (h))) {
    GstMapInfo map;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  return all;
}

static GByteArray *
mux (guint batch, gsize size)
{
  GstHarness *h = make_harness ();
  GByteArray *all;

  for (guint i = 0; i < N_PACKETS;) {
    GstBufferList *list = gst_buffer_list_new ();
    for (guint n = 0; n < batch && i < N_PACKETS; n++, i++)
      gst_buffer_list_insert (list, -1, make_packet (i, size));
    g_assert_cmpint (gst_pad_push_list (h->srcpad, list), ==, GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  all = collect (h);
  gst_harness_teardown (h);
  return all;
}

/* --- Tests --- */

static void
pages_end_where_the_clock_says (void)
{
  g_autoptr (GByteArray) bytes = mux (7, 300);
  g_autoptr (GArray) pages = read_pages (bytes);
  static const guint n_packets[] = { 1, 1, 10, 10, 3 };

  g_assert_cmpuint (pages->len, ==, G_N_ELEMENTS (n_packets));
  for (guint i = 0; i < pages->len; i++) {
    Page *page = &g_array_index (pages, Page, i);
    g_assert_cmpuint (page->sequence, ==, i);
    g_assert_cmpuint (page->n_packets, ==, n_packets[i]);
    g_assert_cmpuint (page->serial, ==, g_array_index (pages, Page, 0).serial);
    g_assert_cmpuint (page->flags, ==,
        i == 0                ? 2
        : i == pages->len - 1 ? 4
                              : 0);
  }
  g_assert_cmpint (
      g_array_index (pages, Page, pages->len - 1).granule, ==, N_PACKETS * 960);
}

static void
batches_leave_no_trace (void)
{
  g_autoptr (GByteArray) one = mux (1, 300);
  g_autoptr (GByteArray) five = mux (5, 300);
  g_autoptr (GByteArray) all = mux (N_PACKETS, 300);

  g_assert_cmpmem (one->data, one->len, five->data, five->len);
  g_assert_cmpmem (one->data, one->len, all->data, all->len);
}

/* After a seek, data before the segment only primes the decoder. */
static void
what_comes_before_the_segment_is_skipped (void)
{
  static const struct
  {
    guint start_ms, first, pre_skip;
    gint64 granule; /* of the last page */
  } cases[] = {
    { 0, 0, 0, N_PACKETS * 960 },
    { 230, 8, 3360, (N_PACKETS - 8) * 960 }, /* 160 to 230 ms */
    { 50, 0, 2400, N_PACKETS * 960 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = make_harness ();
    g_autoptr (GByteArray) bytes = NULL;
    g_autoptr (GArray) pages = NULL;
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = cases[i].start_ms * GST_MSECOND;
    gst_harness_push_event (h, gst_event_new_segment (&segment));
    for (guint n = cases[i].first; n < N_PACKETS; n++)
      gst_harness_push (h, make_packet (n, 300));
    gst_harness_push_event (h, gst_event_new_eos ());
    bytes = collect (h);
    pages = read_pages (bytes);
    g_assert_cmpuint (
        read_le (bytes->data + 28 + 10, 2), ==, cases[i].pre_skip);
    g_assert_cmpint (g_array_index (pages, Page, pages->len - 1).granule, ==,
        cases[i].granule);
    gst_harness_teardown (h);
  }
}

/* A page has at most 255 segments: six of these packets. */
static void
large_packets_share_pages_as_far_as_they_go (void)
{
  g_autoptr (GByteArray) bytes = mux (5, 10000);
  g_autoptr (GArray) pages = read_pages (bytes);
  guint n = 0;

  for (guint i = 2; i < pages->len; i++) {
    g_assert_cmpuint (g_array_index (pages, Page, i).n_packets, <=, 6);
    n += g_array_index (pages, Page, i).n_packets;
  }
  g_assert_cmpuint (n, ==, N_PACKETS);
}

static void
a_packet_no_page_can_hold_is_an_error (void)
{
  GstHarness *h = make_harness ();

  g_assert_cmpint (
      gst_harness_push (h, make_packet (0, 255 * 255)), ==, GST_FLOW_ERROR);
  gst_harness_teardown (h);
}

static void
after_a_denial_not_even_the_begun_page_leaves (void)
{
  GstHarness *h = make_harness ();
  g_autoptr (GByteArray) rest = NULL;

  gst_harness_push (h, make_packet (0, 300));
  gst_harness_push (h, make_packet (1, 300));
  g_byte_array_unref (collect (h)); /* the header */
  gst_harness_push_event (h, syrinx_event_new_denied ("expired"));
  g_assert_cmpint (
      gst_harness_push (h, make_packet (20, 300)), ==, GST_FLOW_EOS);
  gst_harness_push_event (h, gst_event_new_eos ());
  rest = collect (h);
  g_assert_cmpuint (rest->len, ==, 0);
  gst_harness_teardown (h);
}

/* With libogg and libopus: oggdemux verifies every page's checksum. */
static void
oggdemux_and_opusdec_read_all_of_it (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "audiotestsrc num-buffers=200 samplesperbuffer=960 ! "
      "audio/x-raw,rate=48000,channels=2 ! opusenc ! syrinxoggmux ! oggdemux ! "
      "opusdec ! fakesink name=out signal-handoffs=true",
      &error);
  g_autoptr (GstElement) out = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstSample) last = NULL;

  g_assert_no_error (error);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_object_get (out, "last-sample", &last, NULL);
  g_assert_nonnull (last);
  g_assert_cmpuint (
      GST_BUFFER_PTS (gst_sample_get_buffer (last)), >, 3900 * GST_MSECOND);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(test) g_test_add_func ("/oggmux/" #test, test)
  ADD (pages_end_where_the_clock_says);
  ADD (batches_leave_no_trace);
  ADD (what_comes_before_the_segment_is_skipped);
  ADD (large_packets_share_pages_as_far_as_they_go);
  ADD (a_packet_no_page_can_hold_is_an_error);
  ADD (after_a_denial_not_even_the_begun_page_leaves);
  ADD (oggdemux_and_opusdec_read_all_of_it);
  return g_test_run ();
}
