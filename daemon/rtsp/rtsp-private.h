/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the RTSP server share. Main thread only, unless stated
 * otherwise. */
#pragma once

#include "rtsp-parse.h"
#include "rtsp.h"

#include "daemon/sessions/pipe-setup.h"
#include "daemon/net/endpoint.h"

#include "core/io/io-loop.h"
#include "core/crypto/srtp.h"
#include "pipelines/pipe.h"

G_BEGIN_DECLS

#define RTSP_TIMEOUT_S 60 /* without a message from the client */
#define RTSP_MESSAGE_S 10 /* from the first byte of a message to its last */
/* Bounds on what waits to be sent: of media, at which the stream is paused, and
 * of answers, at which a client that does not read is disconnected. */
#define RTSP_WATERMARK_BYTES  (256 * 1024)
#define RTSP_MAX_ANSWER_BYTES (96 * 1024)
#define RTSP_TICK_S           5 /* between sender reports */
#define RTSP_CLOCK_RATE       48000
#define RTSP_PAYLOAD_TYPE     96
#define RTSP_PACKET_UNITS     960 /* of RTP time: 20 ms */

typedef struct _RtspConnection RtspConnection;
typedef struct _RtspMedia RtspMedia;
typedef struct _RtspOffer RtspOffer;
typedef struct _RtspUdp RtspUdp;

struct _SyrinxRtsp
{
  SyrinxEngine *engine;
  gchar *launch, *srtp_launch; /* pipelines of a session */
  gboolean is_savp_only;       /* no stream is sent unencrypted */
  SyrinxReactor *reactor;
  SyrinxConnections *hosts;
  SyrinxEndpoint *endpoint, *tls_endpoint; /* tls_endpoint: (nullable) */
  RtspUdp *udp, *tls_udp;                  /* (nullable): no ports were free */
  guint tick;
  SyrinxIoLoop *loop;
  GHashTable *connections; /* set of RtspConnection */
  SyrinxEndings endings;   /* of the pipes of media */
  GHashTable *media;       /* id → RtspMedia, owned by its connection */
};

/* --- Connections (rtsp-connection.c) --- */

struct _RtspConnection
{
  /* constant after init */
  SyrinxRtsp *rtsp;
  SyrinxTransport *transport;
  const gchar *host; /* the client's address */
  SyrinxClient *client;

  guint64 watch;     /* in the reactor; 0: not read any more */
  GByteArray *input; /* the beginning of a message */
  gsize skip_bytes;  /* rest of an interleaved packet, to be dropped */
  gint64 heard_us, partial_us; /* time of the last message; since when input
                                  holds an incomplete one, or 0 */
  /* Answers that wait to be sent: see count_answer(). */
  gsize newer_bytes, older_bytes;
  guint64 mark_bytes;
  RtspMedia *media;   /* (nullable) after SETUP */
  RtspOffer *offer;   /* (nullable): from DESCRIBE until PLAY */
  SyrinxSession *own; /* (nullable): made for this connection */
  gulong own_ending;  /* its signal handler for "ended" */
  gchar *own_capability;
  gboolean is_ending;

  GMutex lock;
  GstElement *out; /* protected by lock; (nullable): paused while much waits */
};

/* Takes over @transport. */
void rtsp_connection_add (SyrinxRtsp *rtsp, SyrinxTransport *transport);
void rtsp_connection_free (gpointer connection);
/* Closes it if the client has been silent, or a message incomplete, for too
 * long. */
void rtsp_connection_check (RtspConnection *connection, gint64 now_us);
void rtsp_connection_send (RtspConnection *connection, GBytes *bytes);
/* Queues @response. @response: (transfer full) */
void
rtsp_connection_respond (RtspConnection *connection, GstRTSPMessage *response);
/* Closes the connection when everything queued has been sent. */
void rtsp_connection_end (RtspConnection *connection);
/* Ends the session that was begun for the connection. */
void rtsp_connection_forget_own (RtspConnection *connection);
/* Closes the connection without sending what is queued. */
void rtsp_connection_cut (RtspConnection *connection);
/* Sets the element that gets hold and resume events from now on. @out
 * (nullable) */
void rtsp_connection_set_out (RtspConnection *connection, GstElement *out);

/* --- Requests (rtsp-methods.c) --- */

/* Handles and answers @request. */
void rtsp_handle (RtspConnection *connection, GstRTSPMessage *request);
/* Answers @status with the headers that all answers have; @request
 * (nullable). */
void rtsp_answer (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status);
/* The same, with Retry-After: @retry_us in seconds, rounded up; 0: unknown. */
void rtsp_answer_later (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status, gint64 retry_us);
/* The same answer, for the caller to extend and pass to
 * rtsp_connection_respond(). (transfer full) */
GstRTSPMessage *
rtsp_response_new (GstRTSPMessage *request, GstRTSPStatusCode status);

/* --- How a stream's key is sent (rtsp-srtp.c) --- */

typedef enum
{
  RTSP_KEYS_NONE = 0, /* no encryption */
  RTSP_KEYS_SDES = 1 << 0,
  RTSP_KEYS_MIKEY = 1 << 1,
  RTSP_KEYS_ANY = RTSP_KEYS_SDES | RTSP_KEYS_MIKEY,
} RtspKeys;

/* "srtp=sdes" → RTSP_KEYS_SDES. FALSE: @control is not of this form. */
gboolean rtsp_keys_parse (const gchar *control, RtspKeys *keys);
/* The inverse: the control attribute of a session's stream. (transfer none) */
const gchar *rtsp_keys_control (RtspKeys keys);
/* Whether keys may be sent to the client: by TLS, or within this machine. */
gboolean rtsp_may_hear_keys (const RtspConnection *connection);

/* --- Access (rtsp-access.c) --- */

typedef struct
{
  SyrinxSession *session; /* (transfer none) */
  SyrinxRendition *rendition;
  gchar *base;        /* "rtsp://HOST:PORT/sessions/ID/CAPABILITY" */
  gboolean is_stream; /* the stream's control URL, not the presentation's */
  RtspKeys keys;      /* how the key is sent */
  gint64 retry_us;    /* after a refusal: when to retry; 0: unknown */
} RtspTarget;

void rtsp_target_clear (RtspTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RtspTarget, rtsp_target_clear)

/* The status code that reports @error. */
GstRTSPStatusCode rtsp_status_of (const GError *error);
/* Finds and checks what the request's URL names. GST_RTSP_STS_OK: @target is
 * set. */
GstRTSPStatusCode rtsp_access (RtspConnection *connection,
    const GstRTSPMessage *request, RtspTarget *target);

/* A key that DESCRIBE has offered, for one stream with one SSRC, which
 * GStreamer expects in MIKEY. (rtsp-srtp.c) */
struct _RtspOffer
{
  RtspKeys keys;
  gchar *session_id;
  guint32 ssrc;
  GBytes *master; /* a secret */
};

RtspOffer *rtsp_offer_new (const RtspTarget *target);
void rtsp_offer_free (RtspOffer *offer);
gboolean rtsp_offer_is_for (const RtspOffer *offer, const RtspTarget *target);
/* @sdp, which ends with its one media section, with the key added to that.
 * (transfer full) To be wiped. */
gchar *rtsp_offer_to_sdp (const RtspOffer *offer, const gchar *sdp);

/* --- SDP (rtsp-sdp.c) --- */

gdouble rtsp_duration_s (SyrinxRendition *rendition);
/* (transfer full) */
gchar *rtsp_sdp_new (
    const RtspTarget *target, const gchar *title, const gchar *local_address);

/* --- Transport (rtsp-transport.c) --- */

typedef struct
{
  gboolean is_udp, is_savp;
  guint8 channels[2];
  guint16 ports[2]; /* the client's */
} RtspTransport;

/* Chooses the first supported transport of the client's list. Returns
 * GST_RTSP_STS_OK, 400 or 461. */
GstRTSPStatusCode rtsp_transport_choose (const gchar *header, gboolean has_udp,
    RtspKeys keys, RtspTransport *transport);
/* The Transport header of the answer. @server_ports matter only for UDP.
 * (transfer full) */
gchar *rtsp_transport_describe (const RtspTransport *transport,
    const guint16 server_ports[2], guint32 ssrc);

/* --- Media: the pipe of one session (rtsp-media.c) --- */

typedef enum
{
  RTSP_MEDIA_INIT, /* not played yet */
  RTSP_MEDIA_PLAYING,
  RTSP_MEDIA_PAUSED,
  RTSP_MEDIA_ENDED, /* played to the end */
} RtspMediaState;

struct _RtspMedia
{
  RtspConnection *connection;
  gchar *id;  /* of the pipe */
  gchar *key; /* id of the RTSP session */
  gchar *base;
  SyrinxSession *session;
  SyrinxRendition *rendition;
  SyrinxPipe *pipe;
  gulong renewal, ending;
  guint64 counted_bytes;
  RtspMediaState state;
  RtspTransport transport;
  RtspKeys keys;
  SyrinxSrtp *srtp;       /* (nullable): not encrypted */
  RtspUdp *udp;           /* (nullable): sends its datagrams */
  gdouble start_s;        /* position at running time 0 */
  guint64 packets_before; /* sent before the last seek */
  guint16 first_seqnum;
  guint32 first_rtptime, ssrc;
  gint64 started_us; /* when it last began to play, or 0 */
  guint32 started_rtptime;
};

/* Errors: as syrinx_pipe_new(). */
RtspMedia *rtsp_media_new (RtspConnection *connection, const RtspTarget *target,
    const RtspTransport *transport, GError **error);
void rtsp_media_free (RtspMedia *media);
/* Prepares playing from @position_s, or from the current position (-1).
 * *@from_s is set to the position of the next packet, *@seqnum and *@rtptime to
 * its values. */
gboolean rtsp_media_cue (RtspMedia *media, gdouble position_s, gdouble *from_s,
    guint16 *seqnum, guint32 *rtptime);
gboolean rtsp_media_play (RtspMedia *media, GError **error);
void rtsp_media_pause (RtspMedia *media);
/* The current position in seconds. */
gdouble rtsp_media_get_position_s (RtspMedia *media);
/* Sends a sender report if it is playing. */
void rtsp_media_report (RtspMedia *media);

/* --- RTCP (rtsp-rtcp.c) --- */

typedef struct
{
  guint32 ssrc, rtptime; /* rtptime: when the report is made */
  guint32 packets, octets;
  gboolean is_last; /* adds BYE */
  SyrinxSrtp *srtp; /* (nullable): encrypts it */
} RtspReport;

/* SR, SDES and, if is_last, BYE (RFC 3550, section 6). @framing_channel: the
 * interleaved channel; -1 for a datagram. (transfer full) */
GBytes *rtsp_report_new (const RtspReport *report, gint framing_channel);

/* --- UDP (rtsp-udp.c) --- */

/* A pair of sockets at @address, RTP on an even port and RTCP on the next.
 * (nullable) */
RtspUdp *rtsp_udp_new (GInetAddress *address);
void rtsp_udp_free (RtspUdp *udp);
/* The sockets that send datagrams to the client of @connection. (nullable) */
RtspUdp *rtsp_udp_of (const RtspConnection *connection);
const guint16 *rtsp_udp_get_ports (RtspUdp *udp);
/* The RTP socket. (transfer none) */
GSocket *rtsp_udp_get_socket (RtspUdp *udp);
/* The address of @host for this socket: an IPv6 socket reaches IPv4 by mapped
 * addresses. (transfer full) */
GSocketAddress *
rtsp_udp_make_address (RtspUdp *udp, const gchar *host, guint16 port);
/* Datagrams from @host and @ports keep @connection alive from now on. */
void rtsp_udp_expect (RtspUdp *udp, const gchar *host, const guint16 ports[2],
    RtspConnection *connection);
void rtsp_udp_forget (RtspUdp *udp, const gchar *host, const guint16 ports[2],
    RtspConnection *connection);
void rtsp_udp_send_report (
    RtspUdp *udp, const gchar *host, guint16 port, GBytes *report);

/* The SyrinxEndedFunc of all media; @rtsp is the server. */
void rtsp_media_is_over (const gchar *id, gboolean is_broken, gpointer rtsp);

G_END_DECLS
