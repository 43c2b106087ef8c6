/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A music folder with store, content and real workers, for tests of scans and
 * of renditions. Main thread only. */
#pragma once

#include "daemon/ingest/ingest.h"

G_BEGIN_DECLS

#define RATE         44100
#define LONG_SECONDS 66 /* more than a run of 15 fragments */

typedef struct
{
  gchar *dir, *library;
  SyrinxJournal *journal;
  gchar *share; /* a folder for another library */
  SyrinxContent *content;
  SyrinxIngest *ingest;
  GMainLoop *loop;
} Fixture;

void set_up (Fixture *f, gconstpointer data);
/* Sets up two library folders: "library" and "share". */
void set_up_with_share (Fixture *f, gconstpointer data);
/* Opens the same index with other library folders. */
void reopen (Fixture *f, const gchar *const *roots);
void tear_down (Fixture *f, gconstpointer data);

gchar *worker_path (void);
/* Runs a shell command; the test ends if it fails. */
void shell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* Chords that never repeat, so that a shift by one packet is detected. */
gint16 sample_at (guint64 n, guint channel);
/* Writes the same samples to a file, encoded by ffmpeg with @options. */
void make_file (const gchar *path, guint seconds, const gchar *options);

gchar *in_library (Fixture *f, const gchar *name);
/* Runs a scan and returns when it is over. */
void scan (Fixture *f);
void scan_fully (Fixture *f);
/* Waits for a scan that starts by itself. */
void wait_for_next_scan (Fixture *f);
guint get_figure (Fixture *f, const gchar *property);
/* (element-type SyrinxTrack) (transfer full) */
GPtrArray *list_tracks (Fixture *f);
SyrinxTrack *find_track (GPtrArray *tracks, const gchar *path);

/* Waits until the fragment is made. (transfer full) */
GBytes *fetch (SyrinxRendition *rendition, gint number);
/* Appends the fragment to @file. */
void append (GByteArray *file, SyrinxRendition *rendition, gint number);
/* The file decoded by ffmpeg: two channels at @rate_hz. (transfer full) */
gint16 *decode (Fixture *f, const gchar *path, guint rate_hz, gsize *n_frames);
/* Saves @file on disk and returns a path for decode(). (transfer full) */
gchar *keep (Fixture *f, GByteArray *file);

G_END_DECLS
