/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinx://track/ID?rendition=NAME&epoch=N&start=SECONDS: what to play, and
 * from which position. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define SYRINX_TRACK_URI_PREFIX    "syrinx://track/"
#define SYRINX_TRACK_URI_RENDITION "opus-128" /* if none is named */

typedef struct
{
  gchar *track_id, *rendition;
  guint epoch; /* 0: the current one */
  GstClockTime start;
} SyrinxTrackUri;

/* @uri: (nullable); @track is zeroed. Errors: GST_URI_ERROR_BAD_URI. */
gboolean syrinx_track_uri_parse (
    const gchar *uri, SyrinxTrackUri *track, GError **error);
void syrinx_track_uri_clear (SyrinxTrackUri *track);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SyrinxTrackUri, syrinx_track_uri_clear)

G_END_DECLS
