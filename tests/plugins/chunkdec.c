/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkdec: decrypts what was encrypted, and refuses everything else. */
#include "core/crypto/chunk-cipher.h"
#include "core/crypto/ece.h"
#include "core/schedule/demand.h"
#include "core/base/identifier.h"

#include <gst/check/gstharness.h>

#include <string.h>

#define KEY_TEXT   "MDEyMzQ1Njc4OWFiY2RlZg"
#define OTHER_TEXT "ZmVkY2JhOTg3NjU0MzIxMA"
#define RECORD     100
#define HEADER     21

static GBytes *
get_key (void)
{
  return g_bytes_new_static ("0123456789abcdef", 16);
}

static GstBuffer *
copy_buffer (gconstpointer data, gsize n)
{
  return gst_buffer_new_memdup (data, n);
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
what_chunkenc_encrypts_comes_back_with_its_caps (void)
{
  static const gchar *const pipelines[] = {
    "syrinxchunkenc format=ece key=" KEY_TEXT " ! syrinxchunkdec key=" KEY_TEXT,
    "syrinxchunkenc format=ece flush=buffer record-size=64 keyid=a "
    "key=" KEY_TEXT " ! syrinxchunkdec keyid=a key=" KEY_TEXT,
    "syrinxchunkenc format=hls-aes128 key=" KEY_TEXT
    " ! syrinxchunkdec key=" KEY_TEXT,
  };
  guint8 plain[3][5000];

  syrinx_random_fill (plain, sizeof plain);
  for (guint i = 0; i < G_N_ELEMENTS (pipelines); i++) {
    GstHarness *harness = gst_harness_new_parse (pipelines[i]);
    g_autoptr (GByteArray) got = NULL;
    g_autoptr (GstCaps) caps = NULL;

    gst_harness_set_src_caps_str (harness, "audio/x-test, rate=(int)48000");
    for (guint j = 0; j < 3; j++)
      gst_harness_push (harness, copy_buffer (plain[j], sizeof plain[j]));
    gst_harness_push_event (harness, gst_event_new_eos ());
    got = pull_all (harness);
    g_assert_cmpmem (got->data, got->len, plain, sizeof plain);
    caps = gst_pad_get_current_caps (harness->sinkpad);
    g_assert_true (gst_structure_has_name (
        gst_caps_get_structure (caps, 0), "audio/x-test"));
    gst_harness_teardown (harness);
  }
}

/* As from a file or an HTTP response: in arbitrary pieces, with foreign
 * caps. */
static void
a_message_in_pieces_of_any_size_comes_back (void)
{
  static const gsize pieces[] = { 1, 13, 100, 4096, 100000 };
  g_autoptr (GBytes) key = get_key ();
  g_autoptr (GBytes) message = NULL;
  guint8 plain[3000];
  const guint8 *data;
  gsize n;

  syrinx_random_fill (plain, sizeof plain);
  message
      = syrinx_ece_encrypt (key, NULL, NULL, RECORD, plain, sizeof plain, NULL);
  data = g_bytes_get_data (message, &n);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    GstHarness *harness = gst_harness_new ("syrinxchunkdec");
    g_autoptr (GByteArray) got = NULL;
    g_autoptr (GstCaps) caps = NULL;

    g_object_set (harness->element, "key", KEY_TEXT, NULL);
    gst_harness_set_src_caps_str (harness, "text/plain");
    for (gsize at = 0; at < n; at += pieces[i])
      g_assert_cmpint (gst_harness_push (harness,
                           copy_buffer (data + at, MIN (pieces[i], n - at))),
          ==, GST_FLOW_OK);
    gst_harness_push_event (harness, gst_event_new_eos ());
    got = pull_all (harness);
    g_assert_cmpmem (got->data, got->len, plain, sizeof plain);
    caps = gst_pad_get_current_caps (harness->sinkpad);
    g_assert_null (caps);
    gst_harness_teardown (harness);
  }
}

/* --- Damage --- */

static void
intact (GByteArray *message)
{
}

static void
flip (GByteArray *message)
{
  message->data[HEADER + 2 * RECORD + 5] ^= 0x10;
}

static void
cut_last (GByteArray *message)
{
  g_byte_array_set_size (message, message->len - 3);
}

static void
cut_at_border (GByteArray *message)
{
  g_byte_array_set_size (message, HEADER + 4 * RECORD);
}

static void
swap (GByteArray *message)
{
  guint8 *a = message->data + HEADER + RECORD, *b = a + RECORD, t[RECORD];

  memcpy (t, a, RECORD);
  memcpy (a, b, RECORD);
  memcpy (b, t, RECORD);
}

static const struct
{
  const gchar *name, *key;
  void (*damage) (GByteArray *message);
  const gchar *says;
} damages[] = {
  { "no_damage", KEY_TEXT, intact, NULL },
  { "a_wrong_key", OTHER_TEXT, intact, "wrong key" },
  { "a_missing_key", NULL, intact, "no key" },
  { "a_flipped_bit", KEY_TEXT, flip, "record 2 was changed" },
  { "a_truncated_last_record", KEY_TEXT, cut_last,
      "truncated in its last record" },
  { "a_missing_last_record", KEY_TEXT, cut_at_border, "without a last one" },
  { "swapped_records", KEY_TEXT, swap, "out of order" },
};

static gchar *
take_error (GstBus *bus)
{
  g_autoptr (GstMessage) message
      = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  if (message == NULL)
    return NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_true (error->domain == GST_STREAM_ERROR);
  return g_strdup (error->message);
}

/* Applies one kind of damage; the output must be a prefix of the content. */
static void
run_damage (guint i, gsize piece)
{
  g_autoptr (GBytes) key = get_key (), whole = NULL;
  g_autoptr (GByteArray) message = g_byte_array_new (), got = NULL;
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autofree gchar *text = NULL;
  guint8 plain[4 * (RECORD - 17) + 20];
  GstHarness *harness = gst_harness_new ("syrinxchunkdec");

  for (gsize j = 0; j < sizeof plain; j++)
    plain[j] = j;
  whole
      = syrinx_ece_encrypt (key, NULL, NULL, RECORD, plain, sizeof plain, NULL);
  g_byte_array_append (
      message, g_bytes_get_data (whole, NULL), g_bytes_get_size (whole));
  damages[i].damage (message);
  g_object_set (harness->element, "key", damages[i].key, NULL);
  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps_str (harness, "application/octet-stream");
  for (gsize at = 0; at < message->len; at += piece)
    if (gst_harness_push (harness,
            copy_buffer (message->data + at, MIN (piece, message->len - at)))
        != GST_FLOW_OK)
      break;
  gst_harness_push_event (harness, gst_event_new_eos ());
  text = take_error (bus);
  got = pull_all (harness);
  g_assert_cmpmem (got->data, got->len, plain, got->len);
  if (damages[i].says == NULL) {
    g_assert_null (text);
    g_assert_cmpuint (got->len, ==, sizeof plain);
  } else {
    g_assert_nonnull (text);
    g_test_message ("%s", text);
    g_assert_nonnull (strstr (text, damages[i].says));
    g_assert_cmpuint (got->len, <, sizeof plain);
  }
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

static void
damage_stops_the_stream_with_its_name (gconstpointer index)
{
  run_damage (GPOINTER_TO_UINT (index), 100000);
  run_damage (GPOINTER_TO_UINT (index), 250);
}

static void
a_chunk_that_does_not_open_gives_an_error_and_no_byte (void)
{
  GstHarness *harness = gst_harness_new ("syrinxchunkdec");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autofree gchar *text = NULL;
  guint8 chunk[33] = { 0 };

  gst_util_set_object_arg (G_OBJECT (harness->element), "format", "hls-aes128");
  g_object_set (harness->element, "key", KEY_TEXT, NULL);
  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps_str (harness, "application/octet-stream");
  g_assert_cmpint (
      gst_harness_push (harness, copy_buffer (chunk, sizeof chunk)), ==,
      GST_FLOW_ERROR);
  text = take_error (bus);
  g_assert_nonnull (strstr (text, "does not decrypt"));
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 0);
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

static void
a_single_chunk_opens_with_its_number_and_a_key_from_a_context (void)
{
  GstHarness *harness = gst_harness_new ("syrinxchunkdec");
  g_autoptr (GstContext) context = gst_context_new ("syrinx.key", FALSE);
  g_autoptr (GBytes) key = get_key ();
  g_autoptr (GByteArray) got = NULL;
  guint8 chunk[112];

  g_assert_true (syrinx_chunk_encrypt (
      key, 41, memset (chunk, 'x', 100), 100, chunk, NULL));
  gst_structure_set (
      gst_context_writable_structure (context), "key", G_TYPE_BYTES, key, NULL);
  gst_element_set_context (harness->element, context);
  g_object_set (harness->element, "first-number", (gint64)41, NULL);
  gst_harness_set_src_caps_str (
      harness, SYRINX_CHUNK_MEDIA_TYPE ", format=(string)hls-aes128");
  gst_harness_push (harness, copy_buffer (chunk, sizeof chunk));
  got = pull_all (harness);
  g_assert_cmpuint (got->len, ==, 100);
  g_assert_cmpuint (got->data[99], ==, 'x');
  gst_harness_teardown (harness);
}

static void
a_denied_stream_is_no_truncated_one (void)
{
  g_autoptr (GBytes) key = get_key (), message = NULL;
  GstHarness *harness = gst_harness_new ("syrinxchunkdec");
  g_autoptr (GstBus) bus = gst_bus_new ();
  guint8 plain[200] = { 0 };

  message
      = syrinx_ece_encrypt (key, NULL, NULL, RECORD, plain, sizeof plain, NULL);
  g_object_set (harness->element, "key", KEY_TEXT, NULL);
  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps_str (harness, "application/octet-stream");
  gst_harness_push (
      harness, copy_buffer (g_bytes_get_data (message, NULL), 150));
  gst_harness_push_event (harness, syrinx_event_new_denied ("revoked"));
  g_assert_cmpint (gst_harness_push (harness,
                       copy_buffer (g_bytes_get_data (message, NULL), 50)),
      ==, GST_FLOW_EOS);
  gst_harness_push_event (harness, gst_event_new_eos ());
  g_assert_null (take_error (bus));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

static void
a_seek_in_bytes_is_refused (void)
{
  GstHarness *harness = gst_harness_new ("syrinxchunkdec");

  gst_harness_set_src_caps_str (harness, "application/octet-stream");
  g_assert_false (gst_harness_push_upstream_event (
      harness, gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                   GST_SEEK_TYPE_SET, 100, GST_SEEK_TYPE_NONE, -1)));
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/chunkdec/" #name, name)
  ADD (what_chunkenc_encrypts_comes_back_with_its_caps);
  ADD (a_message_in_pieces_of_any_size_comes_back);
  ADD (a_chunk_that_does_not_open_gives_an_error_and_no_byte);
  ADD (a_single_chunk_opens_with_its_number_and_a_key_from_a_context);
  ADD (a_denied_stream_is_no_truncated_one);
  ADD (a_seek_in_bytes_is_refused);
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_autofree gchar *path
        = g_strconcat ("/chunkdec/", damages[i].name, "_is_called_so", NULL);
    g_test_add_data_func (
        path, GUINT_TO_POINTER (i), damage_stops_the_stream_with_its_name);
  }
  return g_test_run ();
}
