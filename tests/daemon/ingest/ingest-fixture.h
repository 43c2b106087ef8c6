/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of music with store, content and real workers, for tests of what a
 * scan finds and of what is made of it. Main thread only. */
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
/* With two library folders: "library" and "share". */
void set_up_with_share (Fixture *f, gconstpointer data);
/* The same index, with other library folders. */
void reopen (Fixture *f, const gchar *const *roots);
void tear_down (Fixture *f, gconstpointer data);

gchar *worker_path (void);
/* Ends the test if the command fails. */
void shell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* Chords that never repeat: a shift by a packet would be seen. */
gint16 sample_at (guint64 n, guint channel);
/* The same as a file, by ffmpeg's @options. */
void make_file (const gchar *path, guint seconds, const gchar *options);

gchar *in_library (Fixture *f, const gchar *name);
/* Returns when it is over. */
void scan (Fixture *f);
void scan_fully (Fixture *f);
/* For one that begins by itself. */
void wait_for_next_scan (Fixture *f);
guint get_figure (Fixture *f, const gchar *property);
/* (element-type SyrinxTrack) (transfer full) */
GPtrArray *list_tracks (Fixture *f);
SyrinxTrack *find_track (GPtrArray *tracks, const gchar *path);

/* Waits until it is made. (transfer full) */
GBytes *fetch (SyrinxRendition *rendition, gint number);
/* Adds it to @file. */
void append (GByteArray *file, SyrinxRendition *rendition, gint number);
/* What ffmpeg makes of a file: two channels at @rate_hz. (transfer full) */
gint16 *decode (Fixture *f, const gchar *path, guint rate_hz, gsize *n_frames);
/* @file as one, to be named to decode(). (transfer full) */
gchar *keep (Fixture *f, GByteArray *file);

G_END_DECLS
