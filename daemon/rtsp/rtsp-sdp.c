/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the answer to DESCRIBE (RFC 4566, RFC 7587). Control URLs are absolute,
 * so a client that asked for /tracks/ID continues with its session's URL. */
#include "rtsp-private.h"

#include <gst/sdp/sdp.h>

gdouble
rtsp_duration_s (SyrinxRendition *rendition)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (rendition);

  return (gdouble)(row->n_units - MIN (row->pre_skip, row->n_units))
         / row->timescale;
}

static void
add_media (GstSDPMessage *sdp, const RtspTarget *target)
{
  g_autofree gchar *control
      = g_strconcat (target->base, "/", rtsp_keys_control (target->keys), NULL);
  GstSDPMedia *media = NULL;

  gst_sdp_media_new (&media);
  gst_sdp_media_set_media (media, "audio");
  gst_sdp_media_set_port_info (media, 0, 1);
  gst_sdp_media_set_proto (media, target->keys ? "RTP/SAVP" : "RTP/AVP");
  gst_sdp_media_add_format (media, G_STRINGIFY (RTSP_PAYLOAD_TYPE));
  gst_sdp_media_add_connection (media, "IN", "IP4", "0.0.0.0", 0, 0);
  gst_sdp_media_add_attribute (
      media, "rtpmap", G_STRINGIFY (RTSP_PAYLOAD_TYPE) " opus/48000/2");
  gst_sdp_media_add_attribute (
      media, "fmtp", G_STRINGIFY (RTSP_PAYLOAD_TYPE) " sprop-stereo=1");
  gst_sdp_media_add_attribute (media, "ptime", "20");
  gst_sdp_media_add_attribute (media, "control", control);
  gst_sdp_message_add_media (sdp, media);
  gst_sdp_media_free (media);
}

/* The title as one line of text. (transfer full) */
static gchar *
clean (const gchar *title)
{
  gchar *text = g_utf8_make_valid (title && *title ? title : "Syrinx", -1);

  for (gchar *c = text; *c; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return text;
}

gchar *
rtsp_sdp_new (
    const RtspTarget *target, const gchar *title, const gchar *local_address)
{
  GstSDPMessage *sdp = NULL;
  gchar duration[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *range = NULL, *name = clean (title),
                   *version = g_strdup_printf ("%" G_GINT64_FORMAT,
                       g_get_real_time () / G_USEC_PER_SEC);
  gchar *text;

  g_ascii_formatd (
      duration, sizeof duration, "%.3f", rtsp_duration_s (target->rendition));
  range = g_strdup_printf ("npt=0-%s", duration);
  gst_sdp_message_new (&sdp);
  gst_sdp_message_set_version (sdp, "0");
  gst_sdp_message_set_origin (sdp, "-", version, "1", "IN",
      strchr (local_address, ':') ? "IP6" : "IP4", local_address);
  gst_sdp_message_set_session_name (sdp, name);
  gst_sdp_message_add_time (sdp, "0", "0", NULL);
  gst_sdp_message_add_attribute (sdp, "tool", "Syrinx");
  gst_sdp_message_add_attribute (sdp, "range", range);
  gst_sdp_message_add_attribute (sdp, "control", target->base);
  add_media (sdp, target);
  text = gst_sdp_message_as_text (sdp);
  gst_sdp_message_free (sdp);
  return text;
}
