/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The number of samples that a scan counts from packets equals that of
 * decoding, for every kind of file; and damaged files do no harm. */
#include "daemon/worker/facts.h"
#include "daemon/worker/packets.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <libavutil/log.h>
#include <unistd.h>

#define SECONDS "1.7654321"

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

/* --- Packets and samples --- */

/* FALSE: neither way finds audio. */
static gboolean
check_same (const gchar *path, SyrinxFacts *read)
{
  SyrinxFacts decoded = { 0 };
  g_autoptr (GError) error = NULL;
  gint fd = open_file (path);
  g_autoptr (SyrinxDecoder) one = syrinx_facts_read (fd, read, &error);
  g_autoptr (SyrinxDecoder) other = syrinx_facts_decode (fd, &decoded, NULL);

  g_test_message ("%s: %s", path, error ? error->message : read->codec);
  g_assert_true (!one == !other);
  if (one) {
    g_assert_cmpstr (read->codec, ==, decoded.codec);
    g_assert_cmpuint (read->rate_hz, ==, decoded.rate_hz);
    g_assert_cmpuint (read->channels, ==, decoded.channels);
    g_assert_cmpuint (read->n_samples, ==, decoded.n_samples);
  }
  close (fd);
  return one != NULL;
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
      SyrinxFacts facts = { 0 };
      g_assert_true (check_same (file, &facts));
    }
  }
}

/* Encoder output of a noisy second and a bit. @off_by: samples that the format
 * can't express. */
static const struct
{
  const gchar *name, *options;
  guint n_samples, off_by;
} made[] = {
  { "short.flac", "", 77856, 0 },
  { "high.flac", "-ar 96000 -sample_fmt s32", 169481, 32 },
  { "mono.flac", "-ac 1 -ar 8000", 14123, 32 },
  { "cbr.mp3", "-b:a 128k", 77856, 0 },
  { "vbr.mp3", "-q:a 4", 77856, 0 },
  { "bare.mp3", "-write_xing 0 -id3v2_version 0", 77856, 2304 },
  { "v1.mp3", "-write_id3v1 1 -metadata title=Old", 77856, 0 },
  { "half.mp3", "-ar 22050 -ac 1", 38928, 0 },
  { "quarter.mp3", "-ar 11025 -b:a 16k", 19464, 0 },
  { "q.ogg", "-c:a libvorbis -q:a 3", 77856, 0 },
  { "mono.ogg", "-c:a libvorbis -ac 1 -ar 22050", 38928, 0 },
  { "long-frames.opus", "-frame_duration 60 -b:a 24k", 84741, 32 },
  { "short-frames.opus", "-frame_duration 2.5", 84741, 32 },
  { "mono.opus", "-ac 1", 84741, 32 },
  { "six.opus", "-ac 6 -mapping_family 1", 84741, 32 },
  { "aac.m4a", "-metadata track=3/9 -metadata disc=2", 77856, 44 },
  { "fast.m4a", "-movflags +faststart", 77856, 44 },
  { "fragmented.m4a", "-movflags +frag_keyframe+empty_moov", 77856, 2048 },
  { "lossless.m4a", "-c:a alac -ar 48000", 84741, 32 },
  { "a.aac", "", 77856, 2048 },
  { "a.mka", "-c:a libopus", 84741, 32 },
  { "a.webm", "-c:a libvorbis", 77856, 128 },
  { "16.wav", "", 77856, 0 },
  { "24.wav", "-c:a pcm_s24le", 77856, 0 },
  { "float.wav", "-c:a pcm_f32le", 77856, 0 },
  { "eight.wav", "-c:a pcm_u8", 77856, 0 },
  { "mulaw.wav", "-c:a pcm_mulaw", 77856, 0 },
  { "adpcm.wav", "-c:a adpcm_ms", 77856, 2048 },
  { "surround.wav", "-ac 6 -metadata title=Around", 77856, 0 },
  { "a.aiff", "", 77856, 0 },
  { "a.au", "", 77856, 0 },
  { "a.w64", "", 77856, 0 },
  { "a.caf", "", 77856, 0 },
  { "a.tta", "", 77856, 0 },
  { "a.wv", "-c:a wavpack", 77856, 0 },
  { "flac.oga", "-c:a flac", 77856, 0 },
  { "a.ac3", "", 77856, 1536 },
  { "a.mp2", "", 77856, 2304 },
  { "a.wma", "-c:a wmav2", 77856, 4096 },
};

static gchar *
make (guint i)
{
  gchar *path = g_build_filename (dir, made[i].name, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    shell ("ffmpeg -nostdin -v error -f lavfi -i "
           "anoisesrc=d=" SECONDS ":r=44100:a=0.3:seed=7 -ac 2 "
           "-metadata artist=Someone -metadata album=Élan %s '%s'",
        made[i].options, path);
  return path;
}

static void
test_made (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = make (i);
    SyrinxFacts facts = { 0 };

    g_assert_true (check_same (path, &facts));
    g_assert_cmpint (llabs ((gint64)facts.n_samples - made[i].n_samples), <=,
        made[i].off_by);
  }
}

/* --- What is damaged --- */

static void
test_cut (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = make (i);
    GStatBuf st;

    g_assert_cmpint (g_stat (path, &st), ==, 0);
    for (guint n = 1; n <= 4; n++) {
      g_autofree gchar *cut = g_strconcat (path, ".cut", NULL);
      SyrinxFacts facts = { 0 };

      shell ("head -c %" G_GSIZE_FORMAT " '%s' >'%s'",
          n == 4 ? (gsize)st.st_size - 1 : (gsize)st.st_size * n / 4 + n, path,
          cut);
      check_same (cut, &facts);
    }
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

/* Random bytes changed: no crash, no endless loop. */
static void
test_damaged (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree gchar *path = make (i);
    g_autofree gchar *data = NULL, *bad = g_strconcat (path, ".bad", NULL);
    gsize n;

    g_assert_true (g_file_get_contents (path, &data, &n, NULL));
    for (guint round = 0; round < 20; round++) {
      g_autofree gchar *copy = g_memdup2 (data, n);
      g_autoptr (SyrinxDecoder) decoder = NULL;
      SyrinxFacts facts = { 0 };
      gint fd;

      for (guint k = 0; k < 4; k++)
        copy[g_test_rand_int_range (0, round % 2 ? n : MIN (n, 2000))]
            = g_test_rand_int_range (0, 256);
      g_assert_true (g_file_set_contents_full (
          bad, copy, n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      fd = open_file (bad);
      decoder = syrinx_facts_read (fd, &facts, NULL);
      read_packets (fd, SYRINX_CMAF_OPUS, round % 5);
      read_packets (fd, SYRINX_CMAF_AAC, round % 5);
      close (fd);
    }
  }
}

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  av_log_set_level (AV_LOG_QUIET);
  dir = g_dir_make_tmp ("syrinx-facts-XXXXXX", NULL);
  g_test_add_func (
      "/facts/the_samples_are_counted_as_they_are_decoded", test_samples);
  g_test_add_func (
      "/facts/what_encoders_make_is_counted_as_it_is_decoded", test_made);
  g_test_add_func (
      "/facts/a_cut_file_counts_what_can_be_decoded_of_it", test_cut);
  g_test_add_func ("/facts/damage_is_survived", test_damaged);
  status = g_test_run ();
  shell ("rm -r '%s'", dir);
  g_free (dir);
  return status;
}
