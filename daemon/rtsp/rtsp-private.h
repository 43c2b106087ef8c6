/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the RTSP server share. Main thread only, but for what says
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

#define RTSP_TIMEOUT_S 60 /* of a connection that says nothing */
#define RTSP_MESSAGE_S 10 /* from the first byte of a message to its last */
/* Of media that waits to be sent, at which the stream holds, and of answers
 * that wait besides: who asks must read. */
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
  gchar *launch, *srtp_launch; /* the shapes of a session */
  gboolean is_savp_only;       /* nothing leaves in the clear */
  SyrinxReactor *reactor;
  SyrinxConnections *hosts;
  SyrinxEndpoint *endpoint, *tls_endpoint; /* (nullable): the latter */
  RtspUdp *udp, *tls_udp;                  /* (nullable): no ports were free */
  guint tick;
  SyrinxIoLoop *loop;
  GHashTable *connections; /* set of RtspConnection */
  SyrinxEndings endings;   /* of media */
  GHashTable *media;       /* id → RtspMedia, unowned: its connection's */
};

/* --- Connections (rtsp-connection.c) --- */

struct _RtspConnection
{
  /* constant after init */
  SyrinxRtsp *rtsp;
  SyrinxTransport *transport;
  const gchar *host; /* the client's address */
  SyrinxClient *client;

  guint64 watch;     /* in the reactor; 0: no more is read */
  GByteArray *input; /* what has come of a message */
  gsize skip_bytes;  /* of an interleaved packet that are still to come */
  gint64 heard_us, partial_us; /* last message; since when one is partial, or 0
                                */
  /* Answers that wait: see count_answer(). */
  gsize newer_bytes, older_bytes;
  guint64 mark_bytes;
  RtspMedia *media;   /* (nullable) after SETUP */
  RtspOffer *offer;   /* (nullable): of the last DESCRIBE, until PLAY */
  SyrinxSession *own; /* (nullable): made for this connection */
  gulong own_ending;  /* tells when it ends by another cause */
  gchar *own_capability;
  gboolean is_ending;

  GMutex lock;
  GstElement *out; /* protected by lock; (nullable): who is told to hold */
};

/* Takes @transport over. */
void rtsp_connection_add (SyrinxRtsp *rtsp, SyrinxTransport *transport);
void rtsp_connection_free (gpointer connection);
/* Closes it if it has been silent, or slow, for too long. */
void rtsp_connection_check (RtspConnection *connection, gint64 now_us);
void rtsp_connection_send (RtspConnection *connection, GBytes *bytes);
/* @response: (transfer full) */
void
rtsp_connection_respond (RtspConnection *connection, GstRTSPMessage *response);
/* Closes when all is sent. */
void rtsp_connection_end (RtspConnection *connection);
/* Ends the session that was made for it. */
void rtsp_connection_forget_own (RtspConnection *connection);
/* Closes, and sends nothing of what waits. */
void rtsp_connection_cut (RtspConnection *connection);
/* Whom to tell to hold and resume from now on. @out (nullable) */
void rtsp_connection_set_out (RtspConnection *connection, GstElement *out);

/* --- Requests (rtsp-methods.c) --- */

/* Answers it. */
void rtsp_handle (RtspConnection *connection, GstRTSPMessage *request);
/* Answers @status with what every answer has; @request (nullable). */
void rtsp_answer (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status);
/* The same, and when to ask again: in seconds rounded up; 0: unknown. */
void rtsp_answer_later (RtspConnection *connection, GstRTSPMessage *request,
    GstRTSPStatusCode status, gint64 retry_us);
/* The same, to be filled and given to rtsp_connection_respond(). */
GstRTSPMessage *
rtsp_response_new (GstRTSPMessage *request, GstRTSPStatusCode status);

/* --- How a stream's key is told (rtsp-srtp.c) --- */

typedef enum
{
  RTSP_KEYS_NONE = 0, /* it is not encrypted */
  RTSP_KEYS_SDES = 1 << 0,
  RTSP_KEYS_MIKEY = 1 << 1,
  RTSP_KEYS_ANY = RTSP_KEYS_SDES | RTSP_KEYS_MIKEY,
} RtspKeys;

/* "srtp=sdes" → RTSP_KEYS_SDES; FALSE: it is nothing of the kind. */
gboolean rtsp_keys_parse (const gchar *control, RtspKeys *keys);
/* The inverse: the control of a session's one stream. (transfer none) */
const gchar *rtsp_keys_control (RtspKeys keys);
/* Whether what is said to it stays between us. */
gboolean rtsp_may_hear_keys (const RtspConnection *connection);

/* --- Who may what (rtsp-access.c) --- */

typedef struct
{
  SyrinxSession *session; /* (transfer none) */
  SyrinxRendition *rendition;
  gchar *base;        /* "rtsp://HOST:PORT/sessions/ID/CAPABILITY" */
  gboolean is_stream; /* the control of the stream, not of the whole */
  RtspKeys keys;      /* how it is to be encrypted */
  gint64 retry_us;    /* if it was refused: when to ask again; 0: unknown */
} RtspTarget;

void rtsp_target_clear (RtspTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RtspTarget, rtsp_target_clear)

/* What a request is answered that ends with @error. */
GstRTSPStatusCode rtsp_status_of (const GError *error);
/* What the request's URL names, if it may be had: then GST_RTSP_STS_OK. */
GstRTSPStatusCode rtsp_access (RtspConnection *connection,
    const GstRTSPMessage *request, RtspTarget *target);

/* A key that was offered by DESCRIBE: for one stream, of one SSRC, since
 * GStreamer looks for it in MIKEY. (rtsp-srtp.c) */
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
/* @sdp, which ends with its one media, and that media's key. (transfer full):
 * to be wiped */
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

/* The first of the client's list that we have. GST_RTSP_STS_OK, 400 or 461. */
GstRTSPStatusCode rtsp_transport_choose (const gchar *header, gboolean has_udp,
    RtspKeys keys, RtspTransport *transport);
/* (transfer full) @server_ports only matter for UDP. */
gchar *rtsp_transport_describe (const RtspTransport *transport,
    const guint16 server_ports[2], guint32 ssrc);

/* --- Media: one session of elements (rtsp-media.c) --- */

typedef enum
{
  RTSP_MEDIA_INIT, /* not played yet */
  RTSP_MEDIA_PLAYING,
  RTSP_MEDIA_PAUSED,
  RTSP_MEDIA_ENDED, /* all of it was played */
} RtspMediaState;

struct _RtspMedia
{
  RtspConnection *connection;
  gchar *id;  /* of the elements' session */
  gchar *key; /* the RTSP session */
  gchar *base;
  SyrinxSession *session;
  SyrinxRendition *rendition;
  SyrinxPipe *pipe;
  gulong renewal, ending;
  guint64 counted_bytes;
  RtspMediaState state;
  RtspTransport transport;
  RtspKeys keys;
  SyrinxSrtp *srtp;       /* (nullable): it is not encrypted */
  RtspUdp *udp;           /* (nullable): whence its datagrams leave */
  gdouble start_s;        /* where the running time is 0 */
  guint64 packets_before; /* sent when it went there */
  guint16 first_seqnum;
  guint32 first_rtptime, ssrc;
  gint64 started_us; /* when the present run began, or 0 */
  guint32 started_rtptime;
};

/* Errors: as syrinx_pipe_new(). */
RtspMedia *rtsp_media_new (RtspConnection *connection, const RtspTarget *target,
    const RtspTransport *transport, GError **error);
void rtsp_media_free (RtspMedia *media);
/* Makes it ready to play from @position_s on, or from where it is (-1).
 * *@from_s gets the real place, *@seqnum and *@rtptime what its packet will
 * carry. */
gboolean rtsp_media_cue (RtspMedia *media, gdouble position_s, gdouble *from_s,
    guint16 *seqnum, guint32 *rtptime);
gboolean rtsp_media_play (RtspMedia *media, GError **error);
void rtsp_media_pause (RtspMedia *media);
/* Where it is, in seconds. */
gdouble rtsp_media_get_position_s (RtspMedia *media);
/* Sends a sender report if it plays. */
void rtsp_media_report (RtspMedia *media);

/* --- RTCP (rtsp-rtcp.c) --- */

typedef struct
{
  guint32 ssrc, rtptime; /* of the moment the report is made */
  guint32 packets, octets;
  gboolean is_last; /* adds BYE */
  SyrinxSrtp *srtp; /* (nullable): encrypts it */
} RtspReport;

/* SR, SDES and perhaps BYE (RFC 3550, section 6). @framing_channel: -1 for a
 * datagram. (transfer full) */
GBytes *rtsp_report_new (const RtspReport *report, gint framing_channel);

/* --- UDP (rtsp-udp.c) --- */

/* A pair of sockets, RTP on an even port, at @address. (nullable) */
RtspUdp *rtsp_udp_new (GInetAddress *address);
void rtsp_udp_free (RtspUdp *udp);
/* From which datagrams to @connection leave. (nullable) */
RtspUdp *rtsp_udp_of (const RtspConnection *connection);
const guint16 *rtsp_udp_get_ports (RtspUdp *udp);
/* (transfer none): the RTP one */
GSocket *rtsp_udp_get_socket (RtspUdp *udp);
/* An address to which it can send: a socket of IPv6 reaches IPv4 by a mapped
 * one. (transfer full) */
GSocketAddress *
rtsp_udp_make_address (RtspUdp *udp, const gchar *host, guint16 port);
/* What comes from there keeps @connection alive. */
void rtsp_udp_expect (RtspUdp *udp, const gchar *host, const guint16 ports[2],
    RtspConnection *connection);
void rtsp_udp_forget (RtspUdp *udp, const gchar *host, const guint16 ports[2],
    RtspConnection *connection);
void rtsp_udp_send_report (
    RtspUdp *udp, const gchar *host, guint16 port, GBytes *report);

/* The SyrinxEndedFunc of all media; @rtsp: the server. */
void rtsp_media_is_over (const gchar *id, gboolean is_broken, gpointer rtsp);

G_END_DECLS
