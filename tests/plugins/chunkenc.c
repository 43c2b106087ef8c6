/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: core's ciphers decrypt its output. */
#include "core/crypto/chunk-cipher.h"
#include "core/crypto/ece.h"
#include "core/schedule/demand.h"
#include "core/base/identifier.h"

#include <gst/check/gstharness.h>

#include <string.h>

#define KEY_TEXT  "MDEyMzQ1Njc4OWFiY2RlZg"
#define SALT_TEXT "c2FsdHNhbHRzYWx0c2FsdA"

static GBytes *
get_key (void)
{
  return g_bytes_new_static ("0123456789abcdef", 16);
}

static GstHarness *
new_harness (const gchar *format)
{
  GstHarness *harness = gst_harness_new ("syrinxchunkenc");

  gst_util_set_object_arg (G_OBJECT (harness->element), "format", format);
  g_object_set (harness->element, "key", KEY_TEXT, NULL);
  gst_harness_set_src_caps_str (harness, "audio/x-test, rate=(int)48000");
  return harness;
}

static GstBuffer *
new_buffer (gsize n, guint8 fill)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n, NULL);

  gst_buffer_memset (buffer, 0, fill, n);
  return buffer;
}

static GByteArray *
pull_all (GstHarness *harness)
{
  GByteArray *all = g_byte_array_new ();
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (harness)) != NULL) {
    GstMapInfo map;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  return all;
}

static void
assert_chunk_opens (GstBuffer *chunk, guint64 number, gsize n, guint8 fill)
{
  g_autoptr (GBytes) key = get_key ();
  g_autofree guint8 *plain = NULL;
  g_autoptr (GError) error = NULL;
  GstMapInfo map;
  gsize got;

  g_assert_true (gst_buffer_map (chunk, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, syrinx_chunk_ciphertext_bytes (n));
  plain = g_malloc (map.size);
  syrinx_chunk_decrypt (key, number, map.data, map.size, plain, &got, &error);
  gst_buffer_unmap (chunk, &map);
  g_assert_no_error (error);
  g_assert_cmpuint (got, ==, n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (plain[i], ==, fill);
}

static void
every_fragment_becomes_a_chunk_that_its_number_opens (void)
{
  static const struct
  {
    gsize n;
    guint64 offset, number;
  } cases[] = {
    { 100, GST_BUFFER_OFFSET_NONE, 0 },
    { 64, GST_BUFFER_OFFSET_NONE, 1 },
    { 0, 17, 17 },
    { 65536, GST_BUFFER_OFFSET_NONE, 18 },
  };
  GstHarness *harness = new_harness ("hls-aes128");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = new_buffer (cases[i].n, i), *chunk;
    GST_BUFFER_OFFSET (buffer) = cases[i].offset;
    GST_BUFFER_PTS (buffer) = i * GST_SECOND;
    GST_BUFFER_DURATION (buffer) = GST_SECOND;
    chunk = gst_harness_push_and_pull (harness, buffer);
    g_assert_nonnull (chunk);
    g_assert_cmpuint (GST_BUFFER_OFFSET (chunk), ==, cases[i].number);
    g_assert_cmpuint (GST_BUFFER_PTS (chunk), ==, i * GST_SECOND);
    g_assert_cmpuint (GST_BUFFER_DURATION (chunk), ==, GST_SECOND);
    assert_chunk_opens (chunk, cases[i].number, cases[i].n, i);
    gst_buffer_unref (chunk);
  }
  gst_harness_teardown (harness);
}

static void
a_list_of_fragments_becomes_a_list_of_chunks (void)
{
  GstHarness *harness = new_harness ("hls-aes128");
  GstBufferList *list = gst_buffer_list_new ();

  for (guint i = 0; i < 3; i++)
    gst_buffer_list_add (list, new_buffer (10 * i, i));
  g_assert_cmpint (gst_pad_push_list (harness->srcpad, list), ==, GST_FLOW_OK);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *chunk = gst_harness_pull (harness);
    assert_chunk_opens (chunk, i, 10 * i, i);
    gst_buffer_unref (chunk);
  }
  gst_harness_teardown (harness);
}

static void
a_header_stays_clear_and_is_not_counted (void)
{
  GstHarness *harness = new_harness ("hls-aes128");
  GstBuffer *header = new_buffer (50, 7), *out;

  GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (header));
  g_assert_true (out == header);
  gst_buffer_unref (out);
  gst_buffer_unref (header);
  out = gst_harness_push_and_pull (harness, new_buffer (50, 8));
  assert_chunk_opens (out, 0, 50, 8);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
caps_say_the_format_and_carry_those_of_the_content (void)
{
  static const gchar *const formats[] = { "hls-aes128", "ece" };

  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = new_harness (formats[i]);
    g_autoptr (GstCaps) caps = NULL, content = NULL;
    GstStructure *structure;

    gst_harness_push (harness, new_buffer (10, 0));
    caps = gst_pad_get_current_caps (harness->sinkpad);
    structure = gst_caps_get_structure (caps, 0);
    g_assert_cmpstr (
        gst_structure_get_name (structure), ==, SYRINX_CHUNK_MEDIA_TYPE);
    g_assert_cmpstr (
        gst_structure_get_string (structure, "format"), ==, formats[i]);
    content = gst_caps_from_string (
        gst_structure_get_string (structure, "content-caps"));
    g_assert_true (gst_structure_has_name (
        gst_caps_get_structure (content, 0), "audio/x-test"));
    gst_harness_teardown (harness);
  }
}

static void
what_is_a_chunk_already_passes_untouched (void)
{
  GstHarness *harness = gst_harness_new ("syrinxchunkenc"); /* without a key */
  GstBuffer *buffer = new_buffer (100, 1), *out;
  g_autoptr (GstCaps) caps = NULL, expected = NULL;

  expected = gst_caps_from_string (SYRINX_CHUNK_MEDIA_TYPE
      ", format=(string)ece, content-caps=(string)audio/x-opus");
  gst_harness_set_src_caps (harness, gst_caps_ref (expected));
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (buffer));
  g_assert_true (out == buffer);
  caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_true (gst_caps_is_equal (caps, expected));
  gst_buffer_unref (out);
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
}

static void
an_ece_stream_opens_with_its_key (void)
{
  static const struct
  {
    guint record_size, n_buffers;
    gsize n;
  } cases[] = { { 4096, 1, 1 }, { 4096, 5, 4079 }, { 18, 3, 10 },
    { 16384, 4, 65536 }, { 100, 200, 3 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = new_harness ("ece");
    g_autoptr (GBytes) key = get_key (), plain = NULL;
    g_autoptr (GByteArray) message = NULL;
    g_autoptr (GError) error = NULL;
    const guint8 *data;
    gsize n;

    g_object_set (harness->element, "record-size", cases[i].record_size,
        "keyid", "k1", NULL);
    for (guint j = 0; j < cases[i].n_buffers; j++)
      g_assert_cmpint (gst_harness_push (harness, new_buffer (cases[i].n, j)),
          ==, GST_FLOW_OK);
    g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
    message = pull_all (harness);
    plain = syrinx_ece_decrypt (key, "k1", message->data, message->len, &error);
    g_assert_no_error (error);
    data = g_bytes_get_data (plain, &n);
    g_assert_cmpuint (n, ==, cases[i].n_buffers * cases[i].n);
    for (gsize j = 0; j < n; j++)
      g_assert_cmpuint (data[j], ==, (guint8)(j / cases[i].n));
    gst_harness_teardown (harness);
  }
}

/* Returns: the size of the content that can be decrypted without the message's
 * end. */
static gsize
open_so_far (GByteArray *message)
{
  g_autoptr (GBytes) key = get_key ();
  g_autoptr (SyrinxEceDecoder) decoder
      = syrinx_ece_decoder_new (key, NULL, NULL);
  g_autofree guint8 *out = g_malloc (message->len + 1);
  g_autoptr (GError) error = NULL;
  gsize n;

  syrinx_ece_decoder_push (
      decoder, message->data, message->len, FALSE, out, &n, &error);
  g_assert_no_error (error);
  return n;
}

static void
only_flush_buffer_lets_each_buffer_open_at_once (void)
{
  static const gchar *const flushes[] = { "none", "buffer" };

  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = new_harness ("ece");
    g_autoptr (GByteArray) message = NULL;

    gst_util_set_object_arg (G_OBJECT (harness->element), "flush", flushes[i]);
    gst_harness_push (harness, new_buffer (160, 1));
    message = pull_all (harness);
    g_assert_cmpuint (message->len, ==, i == 0 ? 21 : 21 + 4096);
    g_assert_cmpuint (open_so_far (message), ==, i == 0 ? 0 : 160);
    gst_harness_teardown (harness);
  }
}

static void
a_list_leaves_as_one_buffer_padded_once (void)
{
  GstHarness *harness = new_harness ("ece");
  GstBufferList *list = gst_buffer_list_new ();
  g_autoptr (GByteArray) message = NULL;

  gst_util_set_object_arg (G_OBJECT (harness->element), "flush", "buffer");
  for (guint i = 0; i < 10; i++)
    gst_buffer_list_add (list, new_buffer (160, i));
  g_assert_cmpint (gst_pad_push_list (harness->srcpad, list), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 1);
  message = pull_all (harness);
  g_assert_cmpuint (message->len, ==, 21 + 4096);
  g_assert_cmpuint (open_so_far (message), ==, 1600);
  gst_harness_teardown (harness);
}

static void
max_latency_lets_a_held_record_go (void)
{
  GstHarness *harness = new_harness ("ece");
  gint64 before = g_get_monotonic_time ();
  GstBuffer *record, *header;

  g_object_set (
      harness->element, "max-latency", (guint64)30 * GST_MSECOND, NULL);
  header = gst_harness_push_and_pull (harness, new_buffer (160, 1));
  for (guint i = 0; i < 2; i++) {
    record = gst_harness_pull (harness);
    g_assert_nonnull (record);
    g_assert_cmpint (g_get_monotonic_time () - before, >=, 30 * 1000);
    g_assert_cmpuint (gst_buffer_get_size (record), ==, 4096);
    gst_buffer_unref (record);
    before = g_get_monotonic_time ();
    gst_harness_push (harness, new_buffer (160, 2));
  }
  gst_buffer_unref (header);
  gst_harness_teardown (harness);
}

static void
stopping_with_a_record_held_leaves_nothing_behind (void)
{
  for (guint i = 0; i < 50; i++) {
    GstHarness *harness = new_harness ("ece");
    g_object_set (harness->element, "max-latency", (guint64)1000, NULL);
    gst_harness_push (harness, new_buffer (160, 1));
    gst_harness_teardown (harness);
  }
}

static GError *
get_error (GstBus *bus)
{
  g_autoptr (GstMessage) message
      = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GError *error = NULL;

  if (message != NULL)
    gst_message_parse_error (message, &error, NULL);
  return error;
}

static void
without_a_key_nothing_passes_and_the_error_says_so (void)
{
  static const gchar *const formats[] = { "hls-aes128", "ece" };

  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = new_harness (formats[i]);
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_autoptr (GError) error = NULL;

    gst_element_set_bus (harness->element, bus);
    g_object_set (harness->element, "key", NULL, NULL);
    g_assert_cmpint (
        gst_harness_push (harness, new_buffer (8192, 1)), ==, GST_FLOW_ERROR);
    error = get_error (bus);
    g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY);
    g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 0);
    gst_element_set_bus (harness->element, NULL);
    gst_harness_teardown (harness);
  }
}

static void
a_key_can_come_from_a_context (void)
{
  GstHarness *harness = new_harness ("hls-aes128");
  g_autoptr (GstContext) context = gst_context_new ("syrinx.key", FALSE);
  g_autoptr (GBytes) key = get_key ();
  GstBuffer *chunk;

  g_object_set (harness->element, "key", NULL, NULL);
  gst_structure_set (
      gst_context_writable_structure (context), "key", G_TYPE_BYTES, key, NULL);
  gst_element_set_context (harness->element, context);
  chunk = gst_harness_push_and_pull (harness, new_buffer (20, 3));
  assert_chunk_opens (chunk, 0, 20, 3);
  gst_buffer_unref (chunk);
  gst_harness_teardown (harness);
}

static void
a_denied_stream_gives_up_what_it_holds_and_gets_no_end (void)
{
  GstHarness *harness = new_harness ("ece");
  g_autoptr (GByteArray) message = NULL;

  gst_harness_push (harness, new_buffer (5000, 1));
  g_assert_true (
      gst_harness_push_event (harness, syrinx_event_new_denied ("revoked")));
  g_assert_cmpint (
      gst_harness_push (harness, new_buffer (5000, 1)), ==, GST_FLOW_EOS);
  gst_harness_push_event (harness, gst_event_new_eos ());
  message = pull_all (harness);
  g_assert_cmpuint (message->len, ==, 21 + 4096);
  gst_harness_teardown (harness);
}

static void
a_flush_begins_a_new_message_with_a_new_salt (void)
{
  GstHarness *harness = new_harness ("ece");
  g_autoptr (GByteArray) first = NULL, second = NULL;
  GstSegment segment;

  g_object_set (harness->element, "salt", SALT_TEXT, NULL);
  gst_harness_push (harness, new_buffer (5000, 1));
  first = pull_all (harness);
  g_assert_cmpmem (first->data, 16, "saltsaltsaltsalt", 16);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  gst_harness_push (harness, new_buffer (5000, 2));
  second = pull_all (harness);
  g_assert_cmpuint (second->len, ==, 21 + 4096);
  g_assert_cmpint (memcmp (second->data, first->data, 16), !=, 0);
  g_assert_cmpuint (open_so_far (second), ==, 4079);
  gst_harness_teardown (harness);
}

static void
bytes_of_the_content_are_not_bytes_of_the_chunks (void)
{
  GstHarness *harness = new_harness ("ece");
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_BYTES);

  gst_harness_push (harness, new_buffer (10, 1));
  g_assert_false (gst_pad_peer_query (harness->sinkpad, query));
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/chunkenc/" #name, name)
  ADD (every_fragment_becomes_a_chunk_that_its_number_opens);
  ADD (a_list_of_fragments_becomes_a_list_of_chunks);
  ADD (a_header_stays_clear_and_is_not_counted);
  ADD (caps_say_the_format_and_carry_those_of_the_content);
  ADD (what_is_a_chunk_already_passes_untouched);
  ADD (an_ece_stream_opens_with_its_key);
  ADD (only_flush_buffer_lets_each_buffer_open_at_once);
  ADD (a_list_leaves_as_one_buffer_padded_once);
  ADD (max_latency_lets_a_held_record_go);
  ADD (stopping_with_a_record_held_leaves_nothing_behind);
  ADD (without_a_key_nothing_passes_and_the_error_says_so);
  ADD (a_key_can_come_from_a_context);
  ADD (a_denied_stream_gives_up_what_it_holds_and_gets_no_end);
  ADD (a_flush_begins_a_new_message_with_a_new_salt);
  ADD (bytes_of_the_content_are_not_bytes_of_the_chunks);
  return g_test_run ();
}
