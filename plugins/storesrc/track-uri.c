/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URIs of tracks. */
#include "track-uri.h"

#include "core/base/identifier.h"

/* Seconds, with decimals. */
static gboolean
parse_start (const gchar *text, GstClockTime *start)
{
  gchar *end = NULL;
  gdouble seconds = text ? g_ascii_strtod (text, &end) : 0;

  if (text && (end == text || *end || !(seconds >= 0 && seconds <= 1e6)))
    return FALSE;
  *start = seconds * GST_SECOND + 0.5;
  return TRUE;
}

gboolean
syrinx_track_uri_parse (const gchar *uri, SyrinxTrackUri *track, GError **error)
{
  g_autoptr (GstUri) parsed = uri ? gst_uri_from_string (uri) : NULL;
  g_autofree gchar *path = parsed ? gst_uri_get_path (parsed) : NULL;
  const gchar *name, *number;
  guint64 value = 0;

  if (parsed && g_strcmp0 (gst_uri_get_scheme (parsed), "syrinx") == 0
      && g_strcmp0 (gst_uri_get_host (parsed), "track") == 0 && path
      && path[0] == '/' && syrinx_id_is_valid (path + 1)) {
    name = gst_uri_get_query_value (parsed, "rendition");
    number = gst_uri_get_query_value (parsed, "epoch");
    if ((!number
            || g_ascii_string_to_unsigned (
                number, 10, 1, G_MAXUINT, &value, NULL))
        && parse_start (
            gst_uri_get_query_value (parsed, "start"), &track->start)) {
      track->track_id = g_strdup (path + 1);
      track->rendition = g_strdup (name ? name : SYRINX_TRACK_URI_RENDITION);
      track->epoch = value;
      return TRUE;
    }
  }
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
      "\"%s\" is no " SYRINX_TRACK_URI_PREFIX "ID?rendition=NAME&start=SECONDS",
      uri ? uri : "");
  return FALSE;
}

void
syrinx_track_uri_clear (SyrinxTrackUri *track)
{
  g_free (track->track_id);
  g_free (track->rendition);
}
