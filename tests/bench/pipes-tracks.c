/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipes-tracks.h"

#include "tests/support/tracks.h"
#include "tests/support/tree.h"

#include "core/content/content.h"
#include "core/media/cmaf.h"

#include <glib/gstdio.h>
#include <gst/app/app.h>
#include <gst/gst.h>

#include <stdio.h>
#include <string.h>

#define FRAGMENT_PACKETS 200 /* 4 s */
#define N_FRAGMENTS      (TRACKS_SECONDS * 50 / FRAGMENT_PACKETS)
#define FRAGMENT_UNITS   (FRAGMENT_PACKETS * TRACKS_PACKET_UNITS)

static const gchar *const pieces[] = { "Reeds at Dusk/02 Greensleeves.mp3",
  "Reeds at Dusk/03 Scarborough Fair.ogg", "Pipes at Dawn/01 Ode to Joy.opus",
  "Pipes at Dawn/06 Lullaby for a Queue.flac" };

/* --- Encoding --- */

/* The packets of a file. (element-type GstBuffer) (transfer full) */
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

static const TracksShape shape
    = { .n_fragments = N_FRAGMENTS, .n_packets = FRAGMENT_PACKETS };

static SyrinxRenditionRow *
plan (
    const SyrinxTrack *track, const gchar *name, gpointer data, GError **error)
{
  return tracks_plan (&shape, track, name, error);
}

static void
produce (SyrinxRendition *rendition, gint number, gpointer data)
{
}

/* Repeats @packets, beginning with number @first. */
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
    samples[i]
        = (SyrinxCmafSample){ maps[i].data, maps[i].size, TRACKS_PACKET_UNITS };
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

/* In memory if possible, so that no disk's speed is measured. */
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
  g_autoptr (SyrinxContent) content = NULL;

  tracks->dir = dir ? g_strdup (dir) : make_directory ();
  g_mkdir_with_parents (tracks->dir, 0700);
  content = tracks_open_content (tracks->dir, 1 << 24, &store);
  syrinx_content_set_producer (content, &producer, NULL);
  tracks->ids = tracks_add (store, &shape, n_tracks);
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

void
tracks_remove (Tracks *tracks)
{
  tree_remove (tracks->dir);
}

void
tracks_free (Tracks *tracks)
{
  g_free (tracks->dir);
  g_strfreev (tracks->ids);
  g_strfreev (tracks->files);
  g_free (tracks);
}
