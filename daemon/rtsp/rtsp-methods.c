/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the methods (RFC 2326, section 10). */
#include "rtsp-private.h"

#include "core/access/audit.h"

#include "core/base/error.h"
#include "core/crypto/secret.h"

#include <string.h>

#define PUBLIC                                                                 \
  "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, "           \
  "SET_PARAMETER"
#define RETRY_US (2 * G_USEC_PER_SEC) /* used if no better time is known */

/* --- Answers --- */

GstRTSPMessage *
rtsp_response_new (GstRTSPMessage *request, GstRTSPStatusCode status)
{
  GstRTSPMessage *response = NULL;
  const gchar *cseq = request ? rtsp_header (request, GST_RTSP_HDR_CSEQ) : NULL;

  gst_rtsp_message_new_response (
      &response, status, gst_rtsp_status_as_text (status), NULL);
  if (cseq)
    gst_rtsp_message_add_header (response, GST_RTSP_HDR_CSEQ, cseq);
  gst_rtsp_message_add_header (response, GST_RTSP_HDR_SERVER, "Syrinx");
  return response;
}

static void
add_challenges (GstRTSPMessage *response)
{
  gst_rtsp_message_add_header (
      response, GST_RTSP_HDR_WWW_AUTHENTICATE, "Basic realm=\"syrinx\"");
  gst_rtsp_message_add_header (response, GST_RTSP_HDR_WWW_AUTHENTICATE,
      "Bearer realm=\"syrinx\", error=\"invalid_token\"");
}

static void
add_retry (GstRTSPMessage *response, gint64 retry_us)
{
  g_autofree gchar *seconds = g_strdup_printf ("%" G_GINT64_FORMAT,
      MAX (1, (retry_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));

  gst_rtsp_message_add_header (response, GST_RTSP_HDR_RETRY_AFTER, seconds);
}

void
rtsp_answer (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status)
{
  rtsp_answer_later (connection, request, status, 0);
}

void
rtsp_answer_later (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status, gint64 retry_us)
{
  GstRTSPMessage *response = rtsp_response_new (request, status);

  if (status == GST_RTSP_STS_UNAUTHORIZED)
    add_challenges (response);
  if (status == GST_RTSP_STS_METHOD_NOT_ALLOWED)
    gst_rtsp_message_add_header (response, GST_RTSP_HDR_ALLOW, PUBLIC);
  if (status == GST_RTSP_STS_SERVICE_UNAVAILABLE
      || status == GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH)
    add_retry (response, retry_us ? retry_us : RETRY_US);
  rtsp_connection_respond (connection, response);
}

static void
add_session (GstRTSPMessage *response, const RtspMedia *media)
{
  g_autofree gchar *value
      = g_strdup_printf ("%s;timeout=%d", media->key, RTSP_TIMEOUT_S);

  gst_rtsp_message_add_header (response, GST_RTSP_HDR_SESSION, value);
}

/* The media that the request's Session header names. NULL: answered. */
static RtspMedia *
find_media (RtspConnection *connection, GstRTSPMessage *request)
{
  const gchar *session = rtsp_header (request, GST_RTSP_HDR_SESSION);
  RtspMedia *media = connection->media;
  gsize size = session ? strcspn (session, "; ") : 0;

  if (media && size == strlen (media->key)
      && strncmp (session, media->key, size) == 0)
    return media;
  rtsp_answer (connection, request,
      session || !media ? GST_RTSP_STS_SESSION_NOT_FOUND
                        : GST_RTSP_STS_BAD_REQUEST);
  return NULL;
}

/* --- Methods --- */

static void
options (RtspConnection *connection, GstRTSPMessage *request)
{
  GstRTSPMessage *response = rtsp_response_new (request, GST_RTSP_STS_OK);

  gst_rtsp_message_add_header (response, GST_RTSP_HDR_PUBLIC, PUBLIC);
  rtsp_connection_respond (connection, response);
}

static gboolean
takes_sdp (GstRTSPMessage *request)
{
  const gchar *accept = rtsp_header (request, GST_RTSP_HDR_ACCEPT);

  return !accept || strstr (accept, "application/sdp") || strstr (accept, "*/*")
         || strstr (accept, "application/*");
}

static gchar *
describe_track (RtspConnection *connection, const RtspTarget *target)
{
  g_autoptr (SyrinxTrack) track = syrinx_store_get_track (
      syrinx_engine_get_store (connection->rtsp->engine),
      syrinx_session_get_track_id (target->session), NULL);
  GSocketAddress *local
      = syrinx_transport_get_local_address (connection->transport);
  g_autofree gchar *address
      = local ? g_inet_address_to_string (
            g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)))
              : g_strdup ("0.0.0.0");

  return rtsp_sdp_new (target, track ? track->title : NULL, address);
}

static void
note_key (RtspConnection *connection, const RtspTarget *target)
{
  const SyrinxRenditionRow *row = syrinx_rendition_get_row (target->rendition);

  syrinx_journal_note (syrinx_engine_get_journal (connection->rtsp->engine),
      &(SyrinxEvent){ .kind = SYRINX_EVENT_KEY_GIVEN,
          .session = target->session,
          .client = connection->host,
          .rendition = row->name,
          .key = "srtp",
          .form = rtsp_keys_control (target->keys) + strlen ("srtp="),
          .through = "rtsp" });
}

/* Makes a key for a stream that is to be encrypted. */
static GstRTSPStatusCode
offer (RtspConnection *connection, const RtspTarget *target)
{
  g_clear_pointer (&connection->offer, rtsp_offer_free);
  if (!target->keys)
    return GST_RTSP_STS_OK;
  if (!rtsp_may_hear_keys (connection)) {
    g_message (
        "%s asked for SRTP without TLS: its key would be sent unencrypted",
        connection->host);
    return GST_RTSP_STS_FORBIDDEN;
  }
  connection->offer = rtsp_offer_new (target);
  note_key (connection, target);
  return GST_RTSP_STS_OK;
}

static void
answer_describe (RtspConnection *connection, GstRTSPMessage *request,
    const RtspTarget *target)
{
  g_autofree gchar *base = g_strconcat (target->base, "/", NULL);
  g_autofree gchar *sdp = describe_track (connection, target);
  GstRTSPMessage *response = rtsp_response_new (request, GST_RTSP_STS_OK);
  gchar *whole = connection->offer ? rtsp_offer_to_sdp (connection->offer, sdp)
                                   : g_steal_pointer (&sdp);

  gst_rtsp_message_add_header (response, GST_RTSP_HDR_CONTENT_BASE, base);
  gst_rtsp_message_add_header (
      response, GST_RTSP_HDR_CONTENT_TYPE, "application/sdp");
  gst_rtsp_message_take_body (response, (guint8 *)whole, strlen (whole));
  rtsp_connection_respond (connection, response);
}

static void
describe (RtspConnection *connection, GstRTSPMessage *request)
{
  g_auto (RtspTarget) target = { 0 };
  GstRTSPStatusCode status;

  if (!takes_sdp (request)) {
    rtsp_answer (connection, request, GST_RTSP_STS_NOT_ACCEPTABLE);
    return;
  }
  status = rtsp_access (connection, request, &target);
  if (status == GST_RTSP_STS_OK)
    status = offer (connection, &target);
  if (status == GST_RTSP_STS_OK)
    answer_describe (connection, request, &target);
  else
    rtsp_answer_later (connection, request, status, target.retry_us);
}

/* Whether SETUP is allowed in this state. FALSE: answered. */
static gboolean
may_set_up (RtspConnection *connection, GstRTSPMessage *request)
{
  if (!connection->media) {
    if (!rtsp_header (request, GST_RTSP_HDR_SESSION))
      return TRUE;
    rtsp_answer (connection, request, GST_RTSP_STS_SESSION_NOT_FOUND);
    return FALSE;
  }
  if (!rtsp_header (request, GST_RTSP_HDR_SESSION)) {
    rtsp_answer (
        connection, request, GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE);
    return FALSE;
  }
  if (!find_media (connection, request))
    return FALSE;
  if (connection->media->state == RTSP_MEDIA_INIT)
    return TRUE;
  rtsp_answer (
      connection, request, GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE);
  return FALSE;
}

static void
answer_setup (RtspConnection *connection, GstRTSPMessage *request)
{
  static const guint16 no_ports[2] = { 0, 0 };
  const RtspMedia *media = connection->media;
  g_autofree gchar *transport = rtsp_transport_describe (&media->transport,
      media->udp ? rtsp_udp_get_ports (media->udp) : no_ports, media->ssrc);
  GstRTSPMessage *response = rtsp_response_new (request, GST_RTSP_STS_OK);

  gst_rtsp_message_add_header (response, GST_RTSP_HDR_TRANSPORT, transport);
  add_session (response, media);
  rtsp_connection_respond (connection, response);
}

/* Determines target and transport from the request's URL and Transport. */
static GstRTSPStatusCode
choose_stream (RtspConnection *connection, GstRTSPMessage *request,
    RtspTarget *target, RtspTransport *transport)
{
  GstRTSPStatusCode status = rtsp_access (connection, request, target);
  gboolean has_udp
      = rtsp_udp_of (connection)
        && (!syrinx_transport_is_tls (connection->transport) || target->keys);

  if (status != GST_RTSP_STS_OK)
    return status;
  if (!target->is_stream)
    return GST_RTSP_STS_AGGREGATE_OPERATION_NOT_ALLOWED;
  if (!target->keys && connection->rtsp->is_savp_only)
    return GST_RTSP_STS_UNSUPPORTED_TRANSPORT;
  if (target->keys
      && !(connection->offer && rtsp_offer_is_for (connection->offer, target)))
    return GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE;
  return rtsp_transport_choose (rtsp_header (request, GST_RTSP_HDR_TRANSPORT),
      has_udp, target->keys, transport);
}

static void
setup (RtspConnection *connection, GstRTSPMessage *request)
{
  g_auto (RtspTarget) target = { 0 };
  g_autoptr (GError) error = NULL;
  RtspTransport transport;
  GstRTSPStatusCode status;

  if (!may_set_up (connection, request))
    return;
  status = choose_stream (connection, request, &target, &transport);
  if (status != GST_RTSP_STS_OK) {
    rtsp_answer_later (connection, request, status, target.retry_us);
    return;
  }
  g_clear_pointer (&connection->media, rtsp_media_free);
  connection->media = rtsp_media_new (connection, &target, &transport, &error);
  if (connection->media) {
    answer_setup (connection, request);
    return;
  }
  g_warning ("an RTSP stream can't be set up: %s", error->message);
  rtsp_answer (connection, request, GST_RTSP_STS_INTERNAL_SERVER_ERROR);
}

/* "npt=12.5-" → 12.5; -1: from the current position. FALSE: the unit is
 * unknown, or the start is past the end. */
static gboolean
read_range (GstRTSPMessage *request, gdouble duration_s, gdouble *from_s)
{
  const gchar *header = rtsp_header (request, GST_RTSP_HDR_RANGE);
  GstRTSPTimeRange *range = NULL;
  gboolean good;

  *from_s = -1;
  if (!header)
    return TRUE;
  if (gst_rtsp_range_parse (header, &range) != GST_RTSP_OK)
    return FALSE;
  good = range->unit == GST_RTSP_RANGE_NPT
         && range->min.type != GST_RTSP_TIME_END;
  if (good && range->min.type == GST_RTSP_TIME_SECONDS)
    *from_s = range->min.seconds;
  gst_rtsp_range_free (range);
  return good && *from_s < duration_s && (*from_s == -1 || *from_s >= 0);
}

static void
answer_play (RtspConnection *connection, GstRTSPMessage *request,
    gdouble from_s, guint16 seqnum, guint32 rtptime)
{
  const RtspMedia *media = connection->media;
  gchar from[G_ASCII_DTOSTR_BUF_SIZE], to[G_ASCII_DTOSTR_BUF_SIZE];
  GstRTSPMessage *response = rtsp_response_new (request, GST_RTSP_STS_OK);
  g_autofree gchar *range = NULL, *info = NULL;

  g_ascii_formatd (from, sizeof from, "%.6f", from_s);
  g_ascii_formatd (to, sizeof to, "%.3f", rtsp_duration_s (media->rendition));
  range = g_strdup_printf ("npt=%s-%s", from, to);
  info = g_strdup_printf ("url=%s/%s;seq=%u;rtptime=%u", media->base,
      rtsp_keys_control (media->keys), seqnum, rtptime);
  add_session (response, media);
  gst_rtsp_message_add_header (response, GST_RTSP_HDR_RANGE, range);
  gst_rtsp_message_add_header (response, GST_RTSP_HDR_RTP_INFO, info);
  if (rtsp_header (request, GST_RTSP_HDR_SCALE))
    gst_rtsp_message_add_header (response, GST_RTSP_HDR_SCALE, "1.0");
  rtsp_connection_respond (connection, response);
}

/* The answer is queued before the first packet. */
static void
play (RtspConnection *connection, GstRTSPMessage *request)
{
  RtspMedia *media = find_media (connection, request);
  g_autoptr (GError) error = NULL;
  gdouble from_s;
  guint16 seqnum;
  guint32 rtptime;

  if (!media)
    return;
  if (!syrinx_session_check_hearing (media->session, &error)) {
    rtsp_answer (connection, request, rtsp_status_of (error));
    return;
  }
  if (!read_range (request, rtsp_duration_s (media->rendition), &from_s)) {
    rtsp_answer (connection, request, GST_RTSP_STS_INVALID_RANGE);
    return;
  }
  if (!rtsp_media_cue (media, from_s, &from_s, &seqnum, &rtptime)) {
    rtsp_answer (connection, request, GST_RTSP_STS_INTERNAL_SERVER_ERROR);
    return;
  }
  /* The key is used up: a second stream must not be encrypted by it. */
  g_clear_pointer (&connection->offer, rtsp_offer_free);
  answer_play (connection, request, from_s, seqnum, rtptime);
  if (rtsp_media_play (media, &error))
    return;
  g_warning ("an RTSP stream can't play: %s", error->message);
  rtsp_connection_end (connection);
}

static void
pause_media (RtspConnection *connection, GstRTSPMessage *request)
{
  RtspMedia *media = find_media (connection, request);
  GstRTSPMessage *response;
  gchar at[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree gchar *range = NULL;

  if (!media)
    return;
  if (media->state == RTSP_MEDIA_INIT) {
    rtsp_answer (
        connection, request, GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE);
    return;
  }
  rtsp_media_pause (media);
  g_ascii_formatd (at, sizeof at, "%.6f", rtsp_media_get_position_s (media));
  range = g_strdup_printf ("npt=%s-", at);
  response = rtsp_response_new (request, GST_RTSP_STS_OK);
  add_session (response, media);
  gst_rtsp_message_add_header (response, GST_RTSP_HDR_RANGE, range);
  rtsp_connection_respond (connection, response);
}

static void
teardown (RtspConnection *connection, GstRTSPMessage *request)
{
  if (!find_media (connection, request))
    return;
  g_clear_pointer (&connection->media, rtsp_media_free);
  rtsp_connection_forget_own (connection);
  rtsp_answer (connection, request, GST_RTSP_STS_OK);
}

/* Without a body it is a keep-alive. */
static void
parameter (RtspConnection *connection, GstRTSPMessage *request)
{
  guint8 *body;
  guint body_bytes;
  GstRTSPMessage *response;

  if (rtsp_header (request, GST_RTSP_HDR_SESSION)
      && !find_media (connection, request))
    return;
  gst_rtsp_message_get_body (request, &body, &body_bytes);
  if (body_bytes) {
    rtsp_answer (connection, request, GST_RTSP_STS_PARAMETER_NOT_UNDERSTOOD);
    return;
  }
  response = rtsp_response_new (request, GST_RTSP_STS_OK);
  if (connection->media)
    add_session (response, connection->media);
  rtsp_connection_respond (connection, response);
}

/* --- Dispatch --- */

static const struct
{
  GstRTSPMethod method;
  void (*handle) (RtspConnection *connection, GstRTSPMessage *request);
} methods[] = {
  { GST_RTSP_OPTIONS, options },
  { GST_RTSP_DESCRIBE, describe },
  { GST_RTSP_SETUP, setup },
  { GST_RTSP_PLAY, play },
  { GST_RTSP_PAUSE, pause_media },
  { GST_RTSP_TEARDOWN, teardown },
  { GST_RTSP_GET_PARAMETER, parameter },
  { GST_RTSP_SET_PARAMETER, parameter },
};

void
rtsp_handle (RtspConnection *connection, GstRTSPMessage *request)
{
  GstRTSPMethod method = request->type_data.request.method;
  gint64 retry_us = syrinx_gateway_take_request (
      syrinx_engine_get_gateway (connection->rtsp->engine), connection->host);

  if (retry_us) {
    syrinx_gateway_note_refused (
        syrinx_engine_get_gateway (connection->rtsp->engine), "too-often",
        connection->host, NULL, "rtsp");
    rtsp_answer_later (
        connection, request, GST_RTSP_STS_SERVICE_UNAVAILABLE, retry_us);
    return;
  }
  if (!rtsp_header (request, GST_RTSP_HDR_CSEQ)) {
    rtsp_answer (connection, request, GST_RTSP_STS_BAD_REQUEST);
    return;
  }
  if (rtsp_header (request, GST_RTSP_HDR_REQUIRE)) {
    GstRTSPMessage *response
        = rtsp_response_new (request, GST_RTSP_STS_OPTION_NOT_SUPPORTED);
    gst_rtsp_message_add_header (response, GST_RTSP_HDR_UNSUPPORTED,
        rtsp_header (request, GST_RTSP_HDR_REQUIRE));
    rtsp_connection_respond (connection, response);
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (methods[i].method == method) {
      methods[i].handle (connection, request);
      return;
    }
  rtsp_answer (connection, request,
      method == GST_RTSP_INVALID ? GST_RTSP_STS_NOT_IMPLEMENTED
                                 : GST_RTSP_STS_METHOD_NOT_ALLOWED);
}
