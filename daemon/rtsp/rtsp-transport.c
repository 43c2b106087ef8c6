/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the Transport header (RFC 2326, section 12.39). */
#include "rtsp-private.h"

#include <string.h>

#define MIN_PORT 1024 /* below it are the ports of system services */

/* ffmpeg requests RTP/AVP whatever the SDP said: a client that got the key by
 * SDES means the profile of the SDP, and its stream is encrypted all the
 * same. */
static gboolean
is_profile (GstRTSPProfile profile, RtspKeys keys)
{
  return profile == GST_RTSP_PROFILE_SAVP
             ? keys != RTSP_KEYS_NONE
             : profile == GST_RTSP_PROFILE_AVP
                   && (!keys || keys & RTSP_KEYS_SDES);
}

/* Two numbers, or one and the next, for RTP and RTCP. FALSE also if both are
 * the same. */
static gboolean
take_pair (const GstRTSPRange *offered, gint min, gint max, gint pair[2])
{
  pair[0] = offered->min;
  pair[1] = offered->max < 0 ? offered->min + 1 : offered->max;
  return pair[0] >= min && pair[0] <= max && pair[1] >= min && pair[1] <= max
         && pair[0] != pair[1];
}

static gboolean
take_interleaved (const GstRTSPTransport *offered, RtspTransport *chosen)
{
  static const GstRTSPRange usual = { 0, 1 };
  gint pair[2];

  if (!take_pair (offered->interleaved.min < 0 ? &usual : &offered->interleaved,
          0, G_MAXUINT8, pair))
    return FALSE;
  chosen->channels[0] = pair[0];
  chosen->channels[1] = pair[1];
  return TRUE;
}

static gboolean
take_udp (const GstRTSPTransport *offered, RtspTransport *chosen)
{
  gint pair[2];

  if (!take_pair (&offered->client_port, MIN_PORT, G_MAXUINT16, pair))
    return FALSE;
  chosen->is_udp = TRUE;
  chosen->ports[0] = pair[0];
  chosen->ports[1] = pair[1];
  return TRUE;
}

/* Takes @offered if it is supported. */
static gboolean
take (const GstRTSPTransport *offered, gboolean has_udp, RtspKeys keys,
    RtspTransport *chosen)
{
  *chosen = (RtspTransport){ .is_savp = keys != RTSP_KEYS_NONE };
  if (offered->trans != GST_RTSP_TRANS_RTP
      || !is_profile (offered->profile, keys) || offered->mode_record)
    return FALSE;
  if (offered->lower_transport & GST_RTSP_LOWER_TRANS_TCP)
    return take_interleaved (offered, chosen);
  return has_udp && offered->lower_transport & GST_RTSP_LOWER_TRANS_UDP
         && take_udp (offered, chosen);
}

GstRTSPStatusCode
rtsp_transport_choose (const gchar *header, gboolean has_udp, RtspKeys keys,
    RtspTransport *transport)
{
  g_auto (GStrv) offers = header ? g_strsplit (header, ",", 16) : NULL;

  if (!header)
    return GST_RTSP_STS_BAD_REQUEST;
  for (guint i = 0; offers[i]; i++) {
    GstRTSPTransport *offered = NULL;
    gboolean taken;
    gst_rtsp_transport_new (&offered);
    taken = gst_rtsp_transport_parse (g_strstrip (offers[i]), offered)
                == GST_RTSP_OK
            && take (offered, has_udp, keys, transport);
    gst_rtsp_transport_free (offered);
    if (taken)
      return GST_RTSP_STS_OK;
  }
  return GST_RTSP_STS_UNSUPPORTED_TRANSPORT;
}

gchar *
rtsp_transport_describe (
    const RtspTransport *transport, const guint16 server_ports[2], guint32 ssrc)
{
  const gchar *profile = transport->is_savp ? "RTP/SAVP" : "RTP/AVP";

  if (transport->is_udp)
    return g_strdup_printf ("%s;unicast;client_port=%u-%u;"
                            "server_port=%u-%u;ssrc=%08X;mode=\"PLAY\"",
        profile, transport->ports[0], transport->ports[1], server_ports[0],
        server_ports[1], ssrc);
  return g_strdup_printf (
      "%s/TCP;unicast;interleaved=%u-%u;ssrc=%08X;mode=\"PLAY\"", profile,
      transport->channels[0], transport->channels[1], ssrc);
}
