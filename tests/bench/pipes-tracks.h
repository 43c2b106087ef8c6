/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state directory full of real Opus tracks, made without a daemon, and a few
 * of them as files for GStreamer's own elements. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TRACKS_RENDITION "opus-128"
#define TRACKS_SECONDS   40

typedef struct
{
  gchar *dir; /* the state directory */
  guint n_ids;
  gchar **ids;   /* NULL-terminated */
  gchar **files; /* NULL-terminated: Ogg Opus */
} Tracks;

/* Ends the program if it can't. */
/* @dir (nullable): the directory; NULL makes one in memory. */
Tracks *tracks_make (const gchar *dir, guint n_tracks, guint n_files);
/* Opens the tracks that another process has made. */
Tracks *tracks_open (const gchar *dir);
void tracks_remove (Tracks *tracks);
void tracks_free (Tracks *tracks);

G_END_DECLS
