/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Originals whose own packets are passed on, by the real worker: all packets of
 * the file, unchanged; otherwise the track is encoded. */
#include "ingest-fixture.h"

#include "core/media/cmaf.h"

#include <math.h>
#include <string.h>

typedef struct
{
  const gchar *file;
  const gchar *options; /* ffmpeg's; NULL: a sample with that name */
  const gchar *rendition;
  gboolean remux;
} Case;

static const Case passed[] = {
  { "Pipes at Dawn/01 Ode to Joy.opus", NULL, "opus-128", TRUE },
  { "Reeds at Dusk/04 さくらさくら.opus", NULL, "opus-64", TRUE },
  { "Pipes at Dawn/03 Frère Jacques.m4a", NULL, "aac-128", TRUE },
  { "Reeds at Dusk/05 Amazing Grace.m4a", NULL, "aac-128", TRUE },
  { "long.opus", "-c:a libopus -b:a 96k", "opus-128", TRUE },
  { "mono.opus", "-c:a libopus -b:a 48k -ac 1", "opus-64", TRUE },
  { "one-page.opus", "-c:a libopus -b:a 64k -t 0.4", "opus-128", TRUE },
  { "big-pages.opus", "-c:a libopus -b:a 96k -page_duration 10000000",
      "opus-128", TRUE },
  { "small-pages.opus", "-c:a libopus -b:a 96k -page_duration 1", "opus-128",
      TRUE },
  { "long.m4a", "-c:a aac -b:a 112k", "aac-128", TRUE },
  { "48.m4a", "-c:a aac -b:a 96k -ar 48000 -ac 1 -movflags +faststart",
      "aac-128", TRUE },
  { "32.m4a", "-c:a aac -b:a 96k -ar 32000", "aac-128", TRUE },
};

static const Case encoded[] = {
  { "rich.opus", "-c:a libopus -b:a 256k -vbr off -t 8", "opus-128", FALSE },
  { "middle.opus", "-c:a libopus -b:a 96k -vbr off -t 8", "opus-64", FALSE },
  { "slow.opus", "-c:a libopus -b:a 64k -frame_duration 60 -t 8", "opus-128",
      FALSE },
  { "quick.opus", "-c:a libopus -b:a 64k -frame_duration 10 -t 8", "opus-128",
      FALSE },
  { "rich.m4a", "-c:a aac -b:a 256k -t 8", "aac-128", FALSE },
  { "other.m4a", "-c:a aac -b:a 96k -t 8", "opus-128", FALSE },
  { "other.opus", "-c:a libopus -b:a 64k -t 8", "aac-128", FALSE },
};

/* (transfer full) */
static SyrinxRendition *
open_scanned (Fixture *f, const Case *c, SyrinxTrack **found)
{
  g_autofree gchar *name = g_path_get_basename (c->file);
  g_autoptr (GPtrArray) tracks = NULL;
  g_autoptr (GError) error = NULL;
  SyrinxRendition *rendition;
  SyrinxTrack *track;

  scan (f);
  tracks = list_tracks (f);
  track = find_track (tracks, name);
  rendition
      = syrinx_content_open (f->content, track->id, c->rendition, 0, &error);
  g_assert_no_error (error);
  if (found)
    *found = syrinx_store_get_track (
        syrinx_content_get_store (f->content), track->id, NULL);
  return rendition;
}

static gchar *
put_original (Fixture *f, const Case *c)
{
  g_autofree gchar *name = g_path_get_basename (c->file);
  gchar *path = in_library (f, name);

  if (c->options)
    make_file (path, LONG_SECONDS, c->options);
  else
    shell ("cp '%s/%s' '%s'", g_getenv ("SYRINX_SAMPLES"), c->file, path);
  return path;
}

static gboolean
is_remux (SyrinxRendition *rendition)
{
  return g_str_equal (syrinx_rendition_get_row (rendition)->encoder, "remux");
}

static GByteArray *
fetch_all (SyrinxRendition *rendition)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  GByteArray *file = g_byte_array_new ();

  for (gint i = SYRINX_FRAGMENT_HEADER; i < (gint)row->n_fragments; i++)
    append (file, rendition, i);
  return file;
}

/* --- Packets --- */

/* Size and digest of each packet, one a line, as ffmpeg reads them. */
static gchar *
list_packets (Fixture *f, const gchar *path)
{
  g_autofree gchar *list = g_build_filename (f->dir, "packets", NULL);
  gchar *text;

  shell ("ffmpeg -v error -copyts -i '%s' -map 0:a -c copy -f framemd5 - | "
         "awk -F, '!/^#/ { print $5, $6 }' >'%s'",
      path, list);
  g_assert_true (g_file_get_contents (list, &text, NULL, NULL));
  return text;
}

/* The durations of the fragments end with the track. ffmpeg ignores that in MP4
 * and plays to the end of the last packet. */
static void
check_length (gsize n, const SyrinxTrack *track, gboolean rounded)
{
  g_assert_cmpuint (n, >=, track->n_samples);
  g_assert_cmpuint (n, <, track->n_samples + (rounded ? 1024 : 1));
}

/* Closer to the original than any encoder could be. */
static void
check_sound (
    Fixture *f, const gchar *path, const gchar *made, const SyrinxTrack *track)
{
  gsize n_before, n_after;
  g_autofree gint16 *before
      = decode (f, path, track->sample_rate_hz, &n_before);
  g_autofree gint16 *after = decode (f, made, track->sample_rate_hz, &n_after);
  gdouble xy = 0, xx = 0, yy = 0;

  g_test_message ("%zu and %zu frames, %" G_GUINT64_FORMAT, n_before, n_after,
      track->n_samples);
  check_length (n_before, track, g_str_equal (track->codec, "aac"));
  check_length (n_after, track, TRUE);
  for (gsize i = 0; i < 2 * track->n_samples; i++) {
    gdouble x = before[i], y = after[i];
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  g_assert_cmpfloat (xx, >, 0);
  g_assert_cmpfloat (xy / sqrt (xx * yy), >, 0.9999);
}

static void
test_passed (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = put_original (f, data);
  g_autoptr (SyrinxTrack) track = NULL;
  g_autoptr (SyrinxRendition) rendition = open_scanned (f, data, &track);
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  g_autoptr (GByteArray) file = fetch_all (rendition);
  g_autofree gchar *made = keep (f, file);
  g_autofree gchar *before = list_packets (f, path);
  g_autofree gchar *after = list_packets (f, made);

  g_assert_true (is_remux (rendition));
  g_assert_cmpuint (row->n_units - row->pre_skip, ==, track->n_samples);
  g_assert_cmpuint (strlen (before), >, 20 * 30);
  g_assert_cmpstr (before, ==, after);
  check_sound (f, path, made, track);
}

static void
test_encoded (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = put_original (f, data);
  g_autoptr (SyrinxRendition) rendition = open_scanned (f, data, NULL);
  g_autoptr (GBytes) first = fetch (rendition, 0);

  g_assert_false (is_remux (rendition));
}

/* The checksum of an Ogg page (RFC 3533, section 6). */
static guint32
get_crc (const guint8 *data, gsize n)
{
  guint32 crc = 0;

  for (gsize i = 0; i < n; i++) {
    crc ^= (guint32)data[i] << 24;
    for (guint bit = 0; bit < 8; bit++)
      crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
  }
  return crc;
}

/* The output gain in OpusHead, on the first page. */
static void
test_gain (Fixture *f, gconstpointer data)
{
  static const Case quiet = { "quiet.opus", "-c:a libopus -t 8", "opus-128" };
  g_autofree gchar *path = put_original (f, &quiet);
  g_autofree guint8 *bytes = NULL;
  g_autoptr (SyrinxRendition) rendition = NULL;
  gsize n;
  guint32 crc;

  g_assert_true (g_file_get_contents (path, (gchar **)&bytes, &n, NULL));
  g_assert_cmpint (memcmp (bytes + 28, "OpusHead", 8), ==, 0);
  bytes[28 + 17] = 0xfd; /* -3 dB in 8.8 bits */
  memset (bytes + 22, 0, 4);
  crc = GUINT32_TO_LE (get_crc (bytes, 28 + bytes[27]));
  memcpy (bytes + 22, &crc, 4);
  g_assert_true (g_file_set_contents (path, (gchar *)bytes, n, NULL));
  rendition = open_scanned (f, &quiet, NULL);
  g_assert_false (is_remux (rendition));
}

/* --- From the middle --- */

static gchar *
list_samples (GBytes *bytes)
{
  g_auto (SyrinxCmafFragment) fragment = { 0 };
  g_autoptr (GString) list = g_string_new (NULL);

  g_assert_true (syrinx_cmaf_read_fragment (bytes, &fragment, NULL));
  for (guint i = 0; i < fragment.n_samples; i++) {
    g_autofree gchar *digest = g_compute_checksum_for_data (G_CHECKSUM_MD5,
        fragment.samples[i].data, fragment.samples[i].size_bytes);
    g_string_append_printf (
        list, " %8zu %s\n", fragment.samples[i].size_bytes, digest);
  }
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static void
strip (gchar *text)
{
  gchar *to = text;

  for (; *text; text++)
    if (*text != ' ')
      *to++ = *text;
  *to = 0;
}

static void
test_jump (Fixture *f, gconstpointer data)
{
  const Case *c = data;
  g_autofree gchar *path = put_original (f, c);
  g_autoptr (SyrinxRendition) rendition = open_scanned (f, c, NULL);
  g_autoptr (GBytes) bytes = fetch (rendition, SYRINX_RUN_FRAGMENTS);
  g_autofree gchar *all = list_packets (f, path);
  g_autofree gchar *here = list_samples (bytes);
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);
  guint skip = SYRINX_RUN_FRAGMENTS * row->fragment_units
               / (g_str_equal (row->codecs, "opus") ? 960 : 1024);
  gchar *from = all;

  g_assert_true (is_remux (rendition));
  g_assert_false (syrinx_rendition_has (rendition, 0));
  for (; skip > 0; skip--)
    from = strchr (from, '\n') + 1;
  from = g_strdup (from);
  strip (from);
  strip (here);
  g_assert_true (g_str_has_prefix (from, here));
  g_free (from);
}

/* --- Around it --- */

static void
test_loudness (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = put_original (f, data);
  g_autoptr (SyrinxTrack) track = NULL;
  g_autoptr (SyrinxRendition) rendition = open_scanned (f, data, &track);
  g_autoptr (GBytes) first = fetch (rendition, 0);

  g_assert_true (is_remux (rendition));
  for (guint i = 0; i < 500 && !track->has_gain; i++) {
    g_usleep (10000);
    syrinx_track_free (track);
    track = syrinx_store_get_track (syrinx_content_get_store (f->content),
        syrinx_rendition_get_row (rendition)->track_id, NULL);
  }
  g_assert_true (track->has_gain);
}

/* Counts packets of which only the first byte is left. */
static guint
count_lost (Fixture *f, const gchar *path)
{
  g_autofree gchar *list = list_packets (f, path);
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  strip (list);
  lines = g_strsplit (list, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    n += strlen (lines[i]) == 1 + 32;
  return n;
}

/* A damaged page loses only its own packets. */
static void
test_damage (Fixture *f, gconstpointer data)
{
  g_autofree gchar *path = put_original (f, data);
  g_autoptr (SyrinxTrack) track = NULL;
  g_autoptr (SyrinxRendition) rendition = NULL;
  g_autoptr (GByteArray) file = NULL;
  g_autofree gchar *bytes = NULL, *made = NULL;
  g_autofree gint16 *pcm = NULL;
  gsize n, n_frames;

  g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
  bytes[n / 2] ^= 0x10;
  g_assert_true (g_file_set_contents (path, bytes, n, NULL));
  rendition = open_scanned (f, data, &track);
  g_assert_true (is_remux (rendition));
  file = fetch_all (rendition);
  made = keep (f, file);
  pcm = decode (f, made, 48000, &n_frames);
  g_assert_cmpuint (count_lost (f, path), ==, 0);
  g_assert_cmpuint (count_lost (f, made), >, 0);
  g_assert_cmpuint (count_lost (f, made), <, 60);
  check_length (n_frames, track, TRUE);
}

static void
add_cases (const gchar *what, const Case *cases, guint n,
    void (*func) (Fixture *f, gconstpointer data))
{
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *base = g_path_get_basename (cases[i].file);
    g_autofree gchar *name = g_strdup_printf (
        "/daemon/remux/%s/%s/%s", what, base, cases[i].rendition);
    g_test_add (name, Fixture, &cases[i], set_up, func, tear_down);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases (
      "packets_are_the_originals", passed, G_N_ELEMENTS (passed), test_passed);
  add_cases ("what_does_not_fit_is_encoded", encoded, G_N_ELEMENTS (encoded),
      test_encoded);
  g_test_add ("/daemon/remux/a_gain_in_the_file_is_encoded", Fixture, NULL,
      set_up, test_gain, tear_down);
  g_test_add ("/daemon/remux/a_jump_is_right/opus", Fixture, &passed[4], set_up,
      test_jump, tear_down);
  g_test_add ("/daemon/remux/a_jump_is_right/aac", Fixture, &passed[9], set_up,
      test_jump, tear_down);
  g_test_add ("/daemon/remux/loudness_is_measured_all_the_same", Fixture,
      &passed[1], set_up, test_loudness, tear_down);
  g_test_add ("/daemon/remux/a_damaged_page_costs_its_packets", Fixture,
      &passed[4], set_up, test_damage, tear_down);
  return g_test_run ();
}
