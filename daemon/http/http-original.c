/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: a track's original file. */
#include "handlers.h"

#include "daemon/ingest/folders.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- The file --- */

/* Opens the file; a symbolic link can't lead out of the library folders. */
static int
open_original (const SyrinxTrack *track, struct stat *status)
{
  int fd = syrinx_library_open (track->root, track->path, NULL, NULL, NULL);

  if (fd < 0 || fstat (fd, status) == 0)
    return fd;
  close (fd);
  return -1;
}

static const gchar *
media_type_of (const SyrinxTrack *track)
{
  static const gchar *const types[][2] = { { ".flac", "audio/flac" },
    { ".mp3", "audio/mpeg" }, { ".ogg", "audio/ogg" }, { ".oga", "audio/ogg" },
    { ".opus", "audio/ogg" }, { ".m4a", "audio/mp4" }, { ".aac", "audio/aac" },
    { ".wav", "audio/wav" } };
  g_autofree gchar *lower = g_ascii_strdown (track->path, -1);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (lower, types[i][0]))
      return types[i][1];
  return "application/octet-stream";
}

/* --- The request --- */

void
http_original (HttpExchange *exchange)
{
  g_autoptr (SyrinxTrack) track = http_find_track (exchange);
  g_autofree gchar *etag = NULL;
  struct stat status;
  int fd;

  if (!track)
    return;
  fd = open_original (track, &status);
  if (fd < 0) {
    http_exchange_answer_problem (
        exchange, 404, NULL, "the file is not there any more");
    return;
  }
  etag = g_strdup_printf ("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x",
      (gint64)status.st_size,
      (gint64)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec);
  http_exchange_set_etag (exchange, etag);
  http_exchange_answer_file (
      exchange, fd, status.st_size, media_type_of (track), "private, no-cache");
}
