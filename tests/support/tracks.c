/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracks as tests need them. */
#include "tracks.h"

#include "core/media/cmaf.h"

#include <string.h>

#define SAMPLE_RATE_HZ 48000

static guint
units_of (const TracksShape *shape)
{
  return shape->n_packets * TRACKS_PACKET_UNITS;
}

static SyrinxTrack *
new_track (const TracksShape *shape, guint number)
{
  SyrinxTrack *track = g_new0 (SyrinxTrack, 1);

  track->root = g_strdup ("/music");
  track->path = g_strdup_printf ("%u.flac", number);
  track->title = g_strdup_printf ("Track %u", number);
  track->codec = g_strdup ("flac");
  track->fingerprint = g_strdup_printf ("%08x", number);
  track->sample_rate_hz = SAMPLE_RATE_HZ;
  track->channels = 2;
  track->n_samples = shape->n_fragments * units_of (shape) - TRACKS_PRE_SKIP;
  return track;
}

gchar **
tracks_add (SyrinxStore *store, const TracksShape *shape, guint n)
{
  g_autoptr (GPtrArray) tracks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)syrinx_track_free);
  gchar **ids = g_new0 (gchar *, n + 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tracks, new_track (shape, i));
  syrinx_store_put_tracks (store, tracks, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    ids[i] = g_strdup (((SyrinxTrack *)tracks->pdata[i])->id);
  return ids;
}

SyrinxContent *
tracks_open_content (
    const gchar *dir, guint64 memory_bytes, SyrinxStore **store)
{
  g_autoptr (SyrinxKeyring) keyring = NULL;
  g_autoptr (GError) error = NULL;

  *store = syrinx_store_open (dir, TRUE, &error);
  g_assert_no_error (error);
  keyring = syrinx_keyring_open (dir, TRUE, &error);
  g_assert_no_error (error);
  return syrinx_content_new (*store, keyring, G_MAXINT64, memory_bytes);
}

SyrinxRenditionRow *
tracks_plan (const TracksShape *shape, const SyrinxTrack *track,
    const gchar *name, GError **error)
{
  SyrinxCmafFormat format = { .codec = SYRINX_CMAF_OPUS,
    .sample_rate_hz = SAMPLE_RATE_HZ,
    .channels = 2,
    .pre_skip = TRACKS_PRE_SKIP };
  SyrinxRenditionRow *row = g_new0 (SyrinxRenditionRow, 1);

  row->track_id = g_strdup (track->id);
  row->name = g_strdup (name);
  row->codecs = g_strdup ("opus");
  row->sample_rate_hz = row->timescale = SAMPLE_RATE_HZ;
  row->channels = 2;
  row->pre_skip = TRACKS_PRE_SKIP;
  row->fragment_units = units_of (shape);
  row->n_fragments = shape->n_fragments;
  row->n_units = (guint64)shape->n_fragments * units_of (shape);
  row->header = syrinx_cmaf_write_header (&format, error);
  return row;
}

GBytes *
tracks_write_fragment (const TracksShape *shape, guint number)
{
  g_autofree guint8 *payload = g_malloc (shape->packet_bytes);
  g_autofree SyrinxCmafSample *samples
      = g_new (SyrinxCmafSample, shape->n_packets);

  memset (payload, 'a' + number, shape->packet_bytes);
  for (guint i = 0; i < shape->n_packets; i++)
    samples[i] = (SyrinxCmafSample){ payload, shape->packet_bytes,
      TRACKS_PACKET_UNITS };
  return syrinx_cmaf_write_fragment (number + 1,
      (guint64)number * units_of (shape), samples, shape->n_packets);
}

void
tracks_commit (SyrinxRendition *rendition, const TracksShape *shape,
    guint first, guint end)
{
  for (guint i = first; i < end; i++) {
    g_autoptr (GBytes) clear = tracks_write_fragment (shape, i);
    g_autoptr (GError) error = NULL;
    syrinx_rendition_commit (rendition, i, clear, &error);
    g_assert_no_error (error);
  }
}
