/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxsrtpenc: what it encrypts, what it keeps, and what it passes on. */
#include "core/schedule/demand.h"
#include "core/crypto/secret.h"
#include "core/crypto/srtp.h"

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include <string.h>

#define HEADER_BYTES 12
#define CAPS         "application/x-rtp, media=audio, ssrc=(uint)7"

static GstHarness *
open_enc (gboolean with_context)
{
  GstElement *enc = gst_element_factory_make ("syrinxsrtpenc", NULL);
  g_autoptr (GBytes) master
      = syrinx_secret_new_random (SYRINX_SRTP_MASTER_BYTES);
  g_autoptr (SyrinxSrtp) context = syrinx_srtp_new (master);
  GstHarness *h;

  g_assert_nonnull (enc);
  if (with_context)
    g_object_set (enc, "context", context, NULL);
  h = gst_harness_new_with_element (enc, "sink", "src");
  gst_object_unref (enc);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static GstBuffer *
make_packet (guint16 seqnum)
{
  guint8 header[HEADER_BYTES] = { 0x80, 96 };
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, HEADER_BYTES, NULL);

  GST_WRITE_UINT16_BE (header + 2, seqnum);
  gst_buffer_fill (buffer, 0, header, sizeof header);
  GST_BUFFER_PTS (buffer) = seqnum * GST_MSECOND;
  return gst_buffer_append (
      buffer, gst_buffer_new_wrapped (g_strdup ("sixteen of sound"), 16));
}

/* Pulls a packet and reads it. */
static void
assert_protected (GstHarness *h, guint16 seqnum)
{
  GstBuffer *buffer = gst_harness_pull (h);
  guint8 data[HEADER_BYTES + 16 + SYRINX_SRTP_TAG_BYTES];

  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, sizeof data);
  gst_buffer_extract (buffer, 0, data, sizeof data);
  g_assert_cmpuint (GST_READ_UINT16_BE (data + 2), ==, seqnum);
  g_assert_true (memcmp (data + HEADER_BYTES, "sixteen of sound", 16) != 0);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, seqnum * GST_MSECOND);
  gst_buffer_unref (buffer);
}

GST_START_TEST (packets_and_lists_of_them_are_encrypted)
{
  GstHarness *h = open_enc (TRUE);
  GstBufferList *list = gst_buffer_list_new ();
  GstPad *pad = gst_element_get_static_pad (h->element, "sink");

  g_assert_cmpint (gst_harness_push (h, make_packet (1)), ==, GST_FLOW_OK);
  for (guint i = 2; i < 6; i++)
    gst_buffer_list_insert (list, -1, make_packet (i));
  g_assert_cmpint (gst_pad_chain_list (pad, list), ==, GST_FLOW_OK);
  for (guint i = 1; i < 6; i++)
    assert_protected (h, i);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (caps_name_srtp_and_no_key)
{
  GstHarness *h = open_enc (TRUE);
  GstCaps *caps;
  g_autofree gchar *text = NULL;

  gst_harness_push (h, make_packet (1));
  caps = gst_pad_get_current_caps (h->sinkpad);
  text = gst_caps_to_string (caps);
  g_assert_cmpstr (
      text, ==, "application/x-srtp, media=(string)audio, ssrc=(uint)7");
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}
GST_END_TEST

/* GStreamer's srtpenc would restart at index 0 with the same key. */
GST_START_TEST (a_flush_makes_it_forget_nothing)
{
  GstHarness *h = open_enc (TRUE);

  g_assert_cmpint (gst_harness_push (h, make_packet (9)), ==, GST_FLOW_OK);
  assert_protected (h, 9);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  gst_harness_set_src_caps_str (h, CAPS);
  g_assert_cmpint (gst_harness_push (h, make_packet (10)), ==, GST_FLOW_OK);
  assert_protected (h, 10);
  g_assert_cmpint (gst_harness_push (h, make_packet (10)), ==, GST_FLOW_ERROR);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (nothing_passes_without_a_key)
{
  GstHarness *h = open_enc (FALSE);

  g_assert_cmpint (gst_harness_push (h, make_packet (1)), ==, GST_FLOW_ERROR);
  g_assert_null (gst_harness_try_pull (h));
  gst_harness_teardown (h);
}
GST_END_TEST

/* A gate's denial goes downstream, hold and resume go upstream. */
GST_START_TEST (custom_events_pass_both_ways)
{
  GstHarness *h = open_enc (TRUE);
  GstEvent *event;
  const gchar *reason;
  gboolean denied = FALSE, held = FALSE, resumed = FALSE;

  gst_harness_push_event (h, syrinx_event_new_denied ("revoked"));
  while ((event = gst_harness_try_pull_event (h))) {
    denied |= syrinx_event_parse_denied (event, &reason);
    gst_event_unref (event);
  }
  gst_harness_push_upstream_event (h, syrinx_event_new_hold ());
  gst_harness_push_upstream_event (h, syrinx_event_new_resume ());
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    held |= syrinx_event_is_hold (event);
    resumed |= syrinx_event_is_resume (event);
    gst_event_unref (event);
  }
  g_assert_true (denied && held && resumed);
  gst_harness_teardown (h);
}
GST_END_TEST

/* A sink behind it can still tell the queue to use the shared workers. */
GST_START_TEST (the_sinks_word_passes)
{
  GstElement *enc = gst_element_factory_make ("syrinxsrtpenc", NULL);
  GstElement *sink = gst_element_factory_make ("syrinxrtpsink", NULL);
  GstElement *bin = gst_bin_new (NULL);
  GstPad *pad = gst_element_get_static_pad (enc, "sink");
  g_autoptr (GstQuery) query = syrinx_query_new_nonblocking ();

  gst_bin_add_many (GST_BIN (bin), enc, sink, NULL);
  g_assert_true (gst_element_link (enc, sink));
  g_assert_true (gst_pad_query (pad, query));
  gst_object_unref (pad);
  gst_object_unref (bin);
}
GST_END_TEST

static Suite *
srtpenc_suite (void)
{
  Suite *suite = suite_create ("syrinxsrtpenc");
  TCase *tc = tcase_create ("enc");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, packets_and_lists_of_them_are_encrypted);
  tcase_add_test (tc, caps_name_srtp_and_no_key);
  tcase_add_test (tc, a_flush_makes_it_forget_nothing);
  tcase_add_test (tc, nothing_passes_without_a_key);
  tcase_add_test (tc, custom_events_pass_both_ways);
  tcase_add_test (tc, the_sinks_word_passes);
  return suite;
}

GST_CHECK_MAIN (srtpenc)
