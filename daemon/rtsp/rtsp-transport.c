/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the Transport header (RFC 2326, section 12.39). */
#include "rtsp-private.h"

#include <string.h>

/* ffmpeg knows only RTP/AVP, whatever the SDP said: who was told the key by
 * SDES means the profile of the SDP. Nothing leaves in the clear for it. */
static gboolean
is_profile (GstRTSPProfile profile, RtspKeys keys)
{
  return profile == GST_RTSP_PROFILE_SAVP
             ? keys != RTSP_KEYS_NONE
             : profile == GST_RTSP_PROFILE_AVP
                   && (!keys || keys & RTSP_KEYS_SDES);
}

/* Takes @offered if it is one that we have. */
static gboolean
take (const GstRTSPTransport *offered, gboolean has_udp, RtspKeys keys,
    RtspTransport *chosen)
{
  if (offered->trans != GST_RTSP_TRANS_RTP
      || !is_profile (offered->profile, keys) || offered->mode_record)
    return FALSE;
  if (offered->lower_transport & GST_RTSP_LOWER_TRANS_TCP) {
    gint first = offered->interleaved.min, second = offered->interleaved.max;
    *chosen = (RtspTransport){ .is_savp = keys != 0, .channels = { 0, 1 } };
    if (first < 0)
      return TRUE;
    chosen->channels[0] = first;
    chosen->channels[1] = second < 0 ? first + 1 : second;
    return first < 255 && second <= 255;
  }
  if (!has_udp || !(offered->lower_transport & GST_RTSP_LOWER_TRANS_UDP)
      || offered->client_port.min < 1024 || offered->client_port.min > 65535
      || offered->client_port.max > 65535
      || (offered->client_port.max < 1024 && offered->client_port.min == 65535))
    return FALSE;
  *chosen = (RtspTransport){ .is_udp = TRUE, .is_savp = keys != 0 };
  chosen->ports[0] = offered->client_port.min;
  chosen->ports[1] = offered->client_port.max < 1024
                         ? offered->client_port.min + 1
                         : offered->client_port.max;
  return TRUE;
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
