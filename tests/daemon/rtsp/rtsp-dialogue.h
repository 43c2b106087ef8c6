/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An RTSP client by hand: sends requests, reads answers, keeps interleaved
 * packets. A failure ends the program. */
#pragma once

#include "tests/daemon/harness.h"

G_BEGIN_DECLS

#define INTERLEAVED "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"

typedef struct
{
  GSocketConnection *connection;
  GByteArray *input;
  GPtrArray *packets; /* GBytes: RTP packets between answers */
  GPtrArray *reports; /* and RTCP packets */
  gboolean is_secure; /* the packets are encrypted, and not parsed */
  guint n_reports, n_byes, cseq;
  gchar *session;
} Dialogue;

/* The address in the file @name of the state directory, without the last slash:
 * "rtsp://127.0.0.1:PORT". (transfer full) */
gchar *address_of (Daemon *daemon, const gchar *name);
/* Connects to the RTSP port of @daemon. */
Dialogue *dialogue_with (Daemon *daemon);
Dialogue *dialogue_at (const gchar *host_and_port);
void dialogue_free (Dialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialogue, dialogue_free)

void say_raw (Dialogue *dialogue, const gchar *bytes, gssize size);
/* @headers (nullable): whole lines. Session is added once there is one. */
void say (Dialogue *dialogue, const gchar *method, const gchar *url,
    const gchar *headers);
/* The next answer, head and body. NULL: the connection ended. (transfer full)
 */
gchar *hear (Dialogue *dialogue);
/* Sends a request and returns the answer, whose status must be @status.
 * (transfer full) */
gchar *expect (Dialogue *dialogue, guint status, const gchar *method,
    const gchar *url, const gchar *headers);
void check (Dialogue *dialogue, guint status, const gchar *method,
    const gchar *url, const gchar *headers);
guint status_of (const gchar *answer);
/* The value of a header. (transfer full) (nullable) */
gchar *header (const gchar *answer, const gchar *name);
/* The start of the answer's Range, in seconds. */
gdouble start_of_range (const gchar *answer);
/* SETUP, interleaved; keeps the RTSP session. */
void set_up (Dialogue *dialogue, const gchar *url);
/* SETUP of the stream at @control, with the Transport in @headers. */
void
set_up_stream (Dialogue *dialogue, const gchar *control, const gchar *headers);

/* FALSE at the end of the connection, or after a time-out. */
gboolean receive (Dialogue *dialogue);
/* Removes one interleaved packet from the input if it is complete. */
gboolean take_packet (Dialogue *dialogue);
/* Reads until @n packets have been received. */
void wait_for_packets (Dialogue *dialogue, guint n);
const guint8 *packet (Dialogue *dialogue, guint i);
guint16 seqnum_of (Dialogue *dialogue, guint i);
guint32 rtptime_of (Dialogue *dialogue, guint i);
/* Checks that RTP-Info of PLAY announced packet number @i. */
void check_info (Dialogue *dialogue, const gchar *answer, guint i);

G_END_DECLS
