/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMAF: other programs' readers accept our output, with real samples. */
#include "core/media/cmaf.h"

#include <gst/gst.h>
#include <glib/gstdio.h>

#include <string.h>

/* Other writers have this bug, which is why there is one of ours. */
static void
dops_is_big_endian (void)
{
  static const guint8 dops[]
      = { 'd', 'O', 'p', 's', 0, 2, 1, 0x38, 0, 0, 0xac, 0x44, 0, 0, 0 };
  static const SyrinxCmafFormat format = { SYRINX_CMAF_OPUS, 44100, 2, 312 };
  g_autoptr (GBytes) bytes = syrinx_cmaf_write_header (&format, NULL);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  g_assert_nonnull (memmem (data, size, dops, sizeof dops));
}

typedef struct
{
  GPtrArray *buffers;
  GstCaps *caps;
} Encoded;

static void
keep_buffer (GstElement *sink, GstBuffer *buffer, GstPad *pad, Encoded *encoded)
{
  if (!encoded->caps)
    encoded->caps = gst_pad_get_current_caps (pad);
  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    g_ptr_array_add (encoded->buffers, gst_buffer_ref (buffer));
}

static void
run_pipeline (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
encode (const gchar *encoder, Encoded *encoded)
{
  g_autofree gchar *launch = g_strdup_printf (
      "audiotestsrc num-buffers=50 samplesperbuffer=960 ! "
      "audio/x-raw,rate=48000,channels=2 ! audioconvert ! %s ! "
      "fakesink name=sink signal-handoffs=true",
      encoder);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) sink
      = gst_bin_get_by_name (GST_BIN (pipeline), "sink");

  encoded->buffers
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  g_signal_connect (sink, "handoff", G_CALLBACK (keep_buffer), encoded);
  run_pipeline (pipeline);
  g_assert_cmpuint (encoded->buffers->len, >, 5);
}

static GBytes *
buffer_to_bytes (GstBuffer *buffer)
{
  gpointer data;
  gsize size;

  gst_buffer_extract_dup (buffer, 0, -1, &data, &size);
  return g_bytes_new_take (data, size);
}

static GBytes *
find_config (const Encoded *encoded, SyrinxCmafCodec codec)
{
  const GstStructure *s = gst_caps_get_structure (encoded->caps, 0);
  g_autoptr (GBytes) whole = NULL;
  const GValue *headers;

  if (codec == SYRINX_CMAF_OPUS)
    return NULL;
  if (codec == SYRINX_CMAF_AAC)
    return buffer_to_bytes (
        gst_value_get_buffer (gst_structure_get_value (s, "codec_data")));
  headers = gst_structure_get_value (s, "streamheader");
  whole = buffer_to_bytes (
      gst_value_get_buffer (gst_value_array_get_value (headers, 0)));
  return g_bytes_new_from_bytes (whole, 9 + 4 + 4, 34);
}

static gchar *
write_file (
    const Encoded *encoded, SyrinxCmafCodec codec, guint sample_duration)
{
  g_autoptr (GBytes) config = find_config (encoded, codec);
  SyrinxCmafFormat format = { codec, 48000, 2, 312, 96000 };
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (GBytes) header = NULL;
  guint n = encoded->buffers->len, half = n / 2;
  g_autofree SyrinxCmafSample *rows = g_new0 (SyrinxCmafSample, n);
  g_autoptr (GPtrArray) kept
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autoptr (GBytes) first = NULL, second = NULL;
  gchar *path = NULL;

  if (config)
    format.config = g_bytes_get_data (config, &format.config_bytes);
  header = syrinx_cmaf_write_header (&format, NULL);
  g_assert_nonnull (header);
  for (guint i = 0; i < n; i++) {
    GBytes *bytes = buffer_to_bytes (g_ptr_array_index (encoded->buffers, i));

    g_ptr_array_add (kept, bytes);
    rows[i].data = g_bytes_get_data (bytes, &rows[i].size_bytes);
    rows[i].duration = sample_duration;
  }
  first = syrinx_cmaf_write_fragment (1, 0, rows, half);
  second = syrinx_cmaf_write_fragment (
      2, (guint64)half * sample_duration, rows + half, n - half);
  g_byte_array_append (
      file, g_bytes_get_data (header, NULL), g_bytes_get_size (header));
  g_byte_array_append (
      file, g_bytes_get_data (first, NULL), g_bytes_get_size (first));
  g_byte_array_append (
      file, g_bytes_get_data (second, NULL), g_bytes_get_size (second));
  g_close (g_file_open_tmp ("syrinx-cmaf-XXXXXX.mp4", &path, NULL), NULL);
  g_assert_true (
      g_file_set_contents (path, (gchar *)file->data, file->len, NULL));
  return path;
}

static void
check_ffprobe (
    const gchar *path, const gchar *codec, guint n_packets, gdouble duration)
{
  const gchar *argv[]
      = { "ffprobe", "-v", "error", "-count_packets", "-show_entries",
          "stream=codec_name,sample_rate,channels,nb_read_packets,duration",
          "-of", "default=noprint_wrappers=1", path, NULL };
  g_autofree gchar *out = NULL, *err = NULL, *count = NULL, *name = NULL;
  const gchar *found;
  gint status;

  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, &out, &err, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (err, ==, "");
  count = g_strdup_printf ("nb_read_packets=%u\n", n_packets);
  name = g_strdup_printf ("codec_name=%s\n", codec);
  g_assert_nonnull (strstr (out, count));
  g_assert_nonnull (strstr (out, name));
  g_assert_nonnull (strstr (out, "sample_rate=48000\n"));
  g_assert_nonnull (strstr (out, "channels=2\n"));
  found = strstr (out, "duration=");
  g_assert_nonnull (found);
  g_assert_cmpfloat_with_epsilon (
      g_ascii_strtod (found + strlen ("duration="), NULL), duration, 0.03);
}

static void
count_buffer (GstElement *sink, GstBuffer *buffer, GstPad *pad, guint *count)
{
  (*count)++;
}

static void
check_qtdemux (const gchar *path, guint n_packets)
{
  g_autofree gchar *launch
      = g_strdup_printf ("filesrc location=%s ! qtdemux ! fakesink name=sink "
                         "signal-handoffs=true",
          path);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) sink
      = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  guint count = 0;

  g_signal_connect (sink, "handoff", G_CALLBACK (count_buffer), &count);
  run_pipeline (pipeline);
  g_assert_cmpuint (count, ==, n_packets);
}

static void
ffprobe_and_qtdemux_take_real_samples (void)
{
  static const struct
  {
    const gchar *encoder, *name;
    SyrinxCmafCodec codec;
    guint sample_duration;
  } cases[] = {
    { "opusenc", "opus", SYRINX_CMAF_OPUS, 960 },
    { "avenc_aac ! aacparse ! audio/mpeg,stream-format=raw", "aac",
        SYRINX_CMAF_AAC, 1024 },
    { "flacenc blocksize=4608 ! flacparse", "flac", SYRINX_CMAF_FLAC, 4608 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Encoded encoded = { 0 };
    g_autofree gchar *path = NULL;
    guint n;

    encode (cases[i].encoder, &encoded);
    n = encoded.buffers->len;
    path = write_file (&encoded, cases[i].codec, cases[i].sample_duration);
    check_ffprobe (
        path, cases[i].name, n, n * cases[i].sample_duration / 48000.0);
    check_qtdemux (path, n);
    g_unlink (path);
    g_ptr_array_unref (encoded.buffers);
    gst_caps_unref (encoded.caps);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/cmaf-players/" #name, name)
  ADD (dops_is_big_endian);
  ADD (ffprobe_and_qtdemux_take_real_samples);
  return g_test_run ();
}
