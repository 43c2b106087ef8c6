/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipes-tracks.h"

#include "core/media/cmaf.h"
#include "core/content/content.h"

#include <glib/gstdio.h>
#include <gst/app/app.h>
#include <gst/gst.h>

#include <stdio.h>
#include <string.h>

#define PACKET_UNITS     960
#define PRE_SKIP         312
#define FRAGMENT_PACKETS 200 /* 4 s */
#define N_FRAGMENTS      (TRACKS_SECONDS * 50 / FRAGMENT_PACKETS)
#define FRAGMENT_UNITS   (FRAGMENT_PACKETS * PACKET_UNITS)

static const gchar *const pieces[] = { "Reeds at Dusk/02 Greensleeves.mp3",
  "Reeds at Dusk/03 Scarborough Fair.ogg", "Pipes at Dawn/01 Ode to Joy.opus",
  "Pipes at Dawn/06 Lullaby for a Queue.flac" };

/* --- Encoding --- */

/* (element-type GstBuffer) (transfer full): a piece's packets. */
static GPtrArray *
encode (const gchar *path)
{
  g_autofree gchar *launch
      = g_strdup_printf ("filesrc location=\"%s\" ! decodebin ! audioconvert ! "
                         "audioresample ! audio/x-raw,rate=48000,channels=2 ! "
                         "opusenc bitrate=128000 bitrate-type=vbr complexity=3 "
                         "! appsink name=out sync=false",
          path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) out = NULL;
  GPtrArray *packets
      = g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  GstSample *sample;

  g_assert_no_error (error);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (out)))) {
    g_ptr_array_add (packets, gst_buffer_ref (gst_sample_get_buffer (sample)));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (packets->len < FRAGMENT_PACKETS)
    g_error ("can't decode %s", path);
  return packets;
}

/* (element-type GPtrArray) (transfer full) */
static GPtrArray *
encode_all (void)
{
  const gchar *samples = g_getenv ("SYRINX_SAMPLES");
  GPtrArray *all
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_autofree gchar *path = g_build_filename (
        samples ? samples : "data/samples", pieces[i], NULL);
    g_ptr_array_add (all, encode (path));
  }
  return all;
}

/* --- Storing --- */

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
  row->fragment_units = FRAGMENT_UNITS;
  row->n_fragments = N_FRAGMENTS;
  row->n_units = N_FRAGMENTS * FRAGMENT_UNITS;
  row->header = syrinx_cmaf_write_header (&format, error);
  return row;
}

static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
}

static gchar **
add_tracks (SyrinxStore *store, guint n_tracks)
{
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  gchar **ids = g_new0 (gchar *, n_tracks + 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_tracks; i++) {
    SyrinxTrack *track = g_new0 (SyrinxTrack, 1);
    track->root = g_strdup ("/music");
    track->path = g_strdup_printf ("%u.flac", i);
    track->title = g_strdup_printf ("Track %u", i);
    track->codec = g_strdup ("flac");
    track->fingerprint = g_strdup_printf ("%08x", i);
    track->sample_rate_hz = 48000;
    track->channels = 2;
    track->n_samples = N_FRAGMENTS * FRAGMENT_UNITS - PRE_SKIP;
    g_ptr_array_add (tracks, track);
  }
  syrinx_store_put_tracks (store, tracks, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n_tracks; i++)
    ids[i] = g_strdup (((SyrinxTrack *)tracks->pdata[i])->id);
  return ids;
}

/* @packets from @first on, over and over. */
static void
commit_fragment (
    SyrinxRendition *rendition, guint number, GPtrArray *packets, guint first)
{
  GstMapInfo maps[FRAGMENT_PACKETS];
  SyrinxCmafSample samples[FRAGMENT_PACKETS];
  g_autoptr (GBytes) clear = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < FRAGMENT_PACKETS; i++) {
    gst_buffer_map (
        packets->pdata[(first + i) % packets->len], &maps[i], GST_MAP_READ);
    samples[i] = (SyrinxCmafSample){ maps[i].data, maps[i].size, PACKET_UNITS };
  }
  clear = syrinx_cmaf_write_fragment (
      number + 1, (guint64)number * FRAGMENT_UNITS, samples, FRAGMENT_PACKETS);
  for (guint i = 0; i < FRAGMENT_PACKETS; i++)
    gst_buffer_unmap (packets->pdata[(first + i) % packets->len], &maps[i]);
  syrinx_rendition_commit (rendition, number, clear, &error);
  g_assert_no_error (error);
}

static void
fill (SyrinxContent *content, gchar **ids, GPtrArray *pieces_packets)
{
  for (guint i = 0; ids[i]; i++) {
    GPtrArray *packets = pieces_packets->pdata[i % pieces_packets->len];
    g_autoptr (GError) error = NULL;
    g_autoptr (SyrinxRendition) rendition
        = syrinx_content_open (content, ids[i], TRACKS_RENDITION, 0, &error);
    g_assert_no_error (error);
    for (guint n = 0; n < N_FRAGMENTS; n++)
      commit_fragment (rendition, n, packets, 37 * i + n * FRAGMENT_PACKETS);
  }
  syrinx_content_flush (content);
}

/* --- Files for others --- */

static gchar *
write_file (const gchar *dir, const gchar *id)
{
  gchar *path = g_strdup_printf ("%s/%s.opus", dir, id);
  g_autofree gchar *launch
      = g_strdup_printf ("syrinxstoresrc store=%s uri=\"syrinx://track/"
                         "%s?rendition=" TRACKS_RENDITION "\" ! audio/x-opus ! "
                         "oggmux ! filesink location=%s",
          dir, id, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (!message || GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS)
    g_error ("can't write %s", path);
  return path;
}

static void
write_list (const Tracks *tracks, const gchar *name, gchar **list)
{
  g_autofree gchar *path = g_build_filename (tracks->dir, name, NULL);
  g_autofree gchar *text = g_strjoinv ("\n", list);

  if (!g_file_set_contents (path, text, -1, NULL))
    g_error ("can't write %s", path);
}

static gchar **
read_list (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("can't read %s", path);
  return g_strsplit (text, "\n", -1);
}

/* --- Life --- */

/* In memory where that is, so that no disk's pace is measured. */
static gchar *
make_directory (void)
{
  const gchar *parent
      = g_access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ();
  gchar *dir = g_build_filename (parent, "syrinx-pipes-XXXXXX", NULL);

  if (!g_mkdtemp (dir))
    g_error ("can't make a directory in %s", parent);
  return dir;
}

Tracks *
tracks_make (const gchar *dir, guint n_tracks, guint n_files)
{
  static const SyrinxProducer producer = { plan, produce };
  Tracks *tracks = g_new0 (Tracks, 1);
  g_autoptr (GPtrArray) packets = encode_all ();
  g_autoptr (SyrinxStore) store = NULL;
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (SyrinxContent) content = NULL;
  g_autoptr (GError) error = NULL;

  tracks->dir = dir ? g_strdup (dir) : make_directory ();
  g_mkdir_with_parents (tracks->dir, 0700);
  store = syrinx_store_open (tracks->dir, TRUE, &error);
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (tracks->dir, TRUE, &error);
  g_assert_no_error (error);
  content = syrinx_content_new (store, keyring, G_MAXINT64, 1 << 24);
  syrinx_content_set_producer (content, &producer, NULL);
  tracks->ids = add_tracks (store, n_tracks);
  tracks->n_ids = n_tracks;
  fill (content, tracks->ids, packets);
  tracks->files = g_new0 (gchar *, n_files + 1);
  for (guint i = 0; i < MIN (n_files, n_tracks); i++)
    tracks->files[i] = write_file (tracks->dir, tracks->ids[i]);
  write_list (tracks, "ids", tracks->ids);
  write_list (tracks, "files", tracks->files);
  return tracks;
}

Tracks *
tracks_open (const gchar *dir)
{
  Tracks *tracks = g_new0 (Tracks, 1);

  tracks->dir = g_strdup (dir);
  tracks->ids = read_list (dir, "ids");
  tracks->n_ids = g_strv_length (tracks->ids);
  tracks->files = read_list (dir, "files");
  return tracks;
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

void
tracks_remove (Tracks *tracks)
{
  remove_tree (tracks->dir);
}

void
tracks_free (Tracks *tracks)
{
  g_free (tracks->dir);
  g_strfreev (tracks->ids);
  g_strfreev (tracks->files);
  g_free (tracks);
}
