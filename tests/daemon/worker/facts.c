/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read off a file's structure is what GStreamer finds by going through
 * all of it; and whatever is odd is left to GStreamer. */
#include "daemon/worker/facts/facts.h"
#include "daemon/worker/packets.h"
#include "daemon/worker/plugins.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static gchar *dir;

static void shell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

static void
shell (const gchar *format, ...)
{
  g_autofree gchar *command = NULL;
  const gchar *argv[] = { "/bin/sh", "-ec", NULL, NULL };
  gint status;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  argv[2] = command;
  g_assert_true (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, NULL, NULL, &status, NULL));
  if (status)
    g_error ("%s: status %d", command, status);
}

static gint
open_file (const gchar *path)
{
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    g_error ("can't open %s", path);
  return fd;
}

/* --- Equality --- */

static void
check_tag (const gchar *path, const gchar *tag, const GstTagList *a,
    const GstTagList *b)
{
  const GValue *x = gst_tag_list_get_value_index (a, tag, 0);
  const GValue *y = gst_tag_list_get_value_index (b, tag, 0);
  g_autofree gchar *is = x ? gst_value_serialize (x) : NULL;
  g_autofree gchar *wanted = y ? gst_value_serialize (y) : NULL;

  if (wanted && g_strcmp0 (is, wanted) != 0)
    g_error ("%s: %s is %s, not %s", path, tag, is, wanted);
}

static gsize
get_picture_bytes (const GstTagList *tags)
{
  g_autoptr (GstSample) sample = NULL;

  return gst_tag_list_get_sample (tags, GST_TAG_IMAGE, &sample)
             ? gst_buffer_get_size (gst_sample_get_buffer (sample))
             : 0;
}

/* GStreamer heeds an edit list's start, and plays on to the packet's end. */
static void
check_samples (const SyrinxFacts *read, const SyrinxFacts *decoded)
{
  if (!g_str_equal (read->codec, "aac")) {
    g_assert_cmpuint (read->n_samples, ==, decoded->n_samples);
    return;
  }
  g_assert_cmpuint (read->n_samples, <=, decoded->n_samples);
  g_assert_cmpuint (read->n_samples + 1024, >, decoded->n_samples);
}

static void
check_same (const gchar *path)
{
  static const gchar *const tags[]
      = { GST_TAG_TITLE, GST_TAG_ARTIST, GST_TAG_ALBUM, GST_TAG_ALBUM_ARTIST,
          GST_TAG_GENRE, GST_TAG_TRACK_NUMBER, GST_TAG_ALBUM_VOLUME_NUMBER,
          GST_TAG_DATE_TIME, GST_TAG_TRACK_GAIN, GST_TAG_TRACK_PEAK };
  g_auto (SyrinxFacts) read = { 0 }, decoded = { 0 };
  g_autoptr (GError) error = NULL;
  gint fd = open_file (path);

  if (!syrinx_facts_decode (fd, &decoded, &error))
    g_error ("%s: %s", path, error->message);
  if (!syrinx_facts_read (fd, &read))
    g_error ("%s is nothing odd, but was left to GStreamer", path);
  close (fd);
  g_test_message ("%s: %s, %" G_GUINT64_FORMAT " samples", path, read.codec,
      read.n_samples);
  g_assert_cmpstr (read.codec, ==, decoded.codec);
  g_assert_cmpuint (read.rate_hz, ==, decoded.rate_hz);
  g_assert_cmpuint (read.channels, ==, decoded.channels);
  check_samples (&read, &decoded);
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    check_tag (path, tags[i], read.tags, decoded.tags);
  g_assert_cmpuint (
      get_picture_bytes (read.tags), ==, get_picture_bytes (decoded.tags));
}

static void
test_samples (void)
{
  static const gchar *const albums[] = { "Pipes at Dawn", "Reeds at Dusk" };

  for (guint i = 0; i < G_N_ELEMENTS (albums); i++) {
    g_autofree gchar *path
        = g_build_filename (g_getenv ("SYRINX_SAMPLES"), albums[i], NULL);
    g_autoptr (GDir) album = g_dir_open (path, 0, NULL);
    const gchar *name;

    g_assert_nonnull (album);
    while ((name = g_dir_read_name (album))) {
      g_autofree gchar *file = g_build_filename (path, name, NULL);
      check_same (file);
    }
  }
}

/* As encoders make them, of one noisy second and a bit. */
static const struct
{
  const gchar *name, *options;
} made[] = { { "short.flac", "" }, { "high.flac", "-ar 96000 -sample_fmt s32" },
  { "mono.flac", "-ac 1 -ar 8000" }, { "cbr.mp3", "-b:a 128k" },
  { "vbr.mp3", "-q:a 4" }, { "bare.mp3", "-write_xing 0 -id3v2_version 0" },
  { "v1.mp3", "-write_id3v1 1 -metadata title=Old" },
  { "half.mp3", "-ar 22050 -ac 1" }, { "quarter.mp3", "-ar 11025 -b:a 16k" },
  { "q.ogg", "-c:a libvorbis -q:a 3" },
  { "mono.ogg", "-c:a libvorbis -ac 1 -ar 22050" },
  { "long-frames.opus", "-frame_duration 60 -b:a 24k" },
  { "short-frames.opus", "-frame_duration 2.5" }, { "mono.opus", "-ac 1" },
  { "aac.m4a", "-metadata track=3/9 -metadata disc=2 -metadata date=1999" },
  { "fast.m4a", "-movflags +faststart" },
  { "lossless.m4a", "-c:a alac -ar 48000" }, { "16.wav", "" },
  { "24.wav", "-c:a pcm_s24le" }, { "float.wav", "-c:a pcm_f32le" },
  { "eight.wav", "-c:a pcm_u8" },
  { "surround.wav", "-ac 6 -metadata title=Around" } };

static void
test_made (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = g_build_filename (dir, made[i].name, NULL);

    shell ("ffmpeg -nostdin -v error -f lavfi -i "
           "anoisesrc=d=1.7654321:r=44100:a=0.3:seed=7 -ac 2 "
           "-metadata artist=Someone -metadata album=Élan %s '%s'",
        made[i].options, path);
    check_same (path);
  }
}

/* --- What is odd --- */

/* Cut anywhere, a file gives the full truth, or goes to GStreamer. */
static void
check_cut (const gchar *path, gsize to)
{
  g_auto (SyrinxFacts) read = { 0 }, decoded = { 0 };
  g_autofree gchar *cut = g_strconcat (path, ".cut", NULL);
  gint fd;

  shell ("head -c %" G_GSIZE_FORMAT " '%s' >'%s'", to, path, cut);
  fd = open_file (cut);
  if (syrinx_facts_read (fd, &read)) {
    g_assert_true (syrinx_facts_decode (fd, &decoded, NULL));
    check_samples (&read, &decoded);
  }
  close (fd);
}

static void
test_cut (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = g_build_filename (dir, made[i].name, NULL);
    GStatBuf st;

    g_assert_cmpint (g_stat (path, &st), ==, 0);
    for (guint n = 1; n < 4; n++)
      check_cut (path, st.st_size * n / 4 + n);
    check_cut (path, st.st_size - 1);
  }
}

static void
read_packets (gint fd, SyrinxCmafCodec codec, guint64 first)
{
  g_autoptr (SyrinxPackets) packets
      = syrinx_packets_new (fd, codec, first, NULL);
  GstBuffer *packet;

  while (packets && (packet = syrinx_packets_next (packets, NULL)))
    gst_buffer_unref (packet);
}

/* Any bytes changed: no crash, no endless loop. */
static void
test_damaged (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = g_build_filename (dir, made[i].name, NULL);
    g_autofree gchar *data = NULL, *bad = g_strconcat (path, ".bad", NULL);
    gsize n;

    g_assert_true (g_file_get_contents (path, &data, &n, NULL));
    for (guint round = 0; round < 200; round++) {
      g_autofree gchar *copy = g_memdup2 (data, n);
      g_auto (SyrinxFacts) facts = { 0 };
      gint fd;

      for (guint k = 0; k < 4; k++)
        copy[g_test_rand_int_range (0, round % 2 ? n : MIN (n, 2000))]
            = g_test_rand_int_range (0, 256);
      g_assert_true (g_file_set_contents_full (
          bad, copy, n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      fd = open_file (bad);
      syrinx_facts_read (fd, &facts);
      read_packets (fd, SYRINX_CMAF_OPUS, round % 5);
      read_packets (fd, SYRINX_CMAF_AAC, round % 5);
      close (fd);
    }
  }
}

static void
test_foreign (void)
{
  static const gchar *const others[] = { "a.wv -c:a wavpack",
    "b.mka -c:a libopus", "c.aac -c:a aac", "d.oga -c:a flac",
    "e.m4a -movflags +frag_keyframe+empty_moov", "f.m4a -ar 22050" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_auto (GStrv) parts = g_strsplit (others[i], " ", 2);
    g_autofree gchar *path = g_build_filename (dir, parts[0], NULL);
    g_auto (SyrinxFacts) facts = { 0 };
    gint fd;

    shell ("ffmpeg -nostdin -v error -f lavfi -i sine=d=1.5:r=48000 %s '%s'",
        parts[1], path);
    fd = open_file (path);
    g_assert_false (syrinx_facts_read (fd, &facts));
    g_assert_null (facts.tags);
    close (fd);
  }
}

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_assert_true (syrinx_plugins_load ());
  dir = g_dir_make_tmp ("syrinx-facts-XXXXXX", NULL);
  g_test_add_func (
      "/facts/the_samples_are_read_as_gstreamer_does", test_samples);
  g_test_add_func (
      "/facts/what_encoders_make_is_read_as_gstreamer_does", test_made);
  g_test_add_func (
      "/facts/a_cut_file_never_claims_what_is_not_there", test_cut);
  g_test_add_func ("/facts/damage_is_survived", test_damaged);
  g_test_add_func ("/facts/the_rest_is_left_to_gstreamer", test_foreign);
  status = g_test_run ();
  shell ("rm -r '%s'", dir);
  g_free (dir);
  return status;
}
