/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP by hand: requests said, answers heard, interleaved packets kept. A
 * failure ends the program. */
#pragma once

#include "tests/daemon/harness.h"

G_BEGIN_DECLS

#define INTERLEAVED "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"

typedef struct
{
  GSocketConnection *connection;
  GByteArray *input;
  GPtrArray *packets; /* GBytes: RTP packets that came between answers */
  GPtrArray *reports; /* and RTCP ones */
  gboolean is_secure; /* which are not ours to read */
  guint n_reports, n_byes, cseq;
  gchar *session;
} Dialogue;

/* What the file @name of the state directory says, without the last slash:
 * "rtsp://127.0.0.1:PORT". (transfer full) */
gchar *address_of (Daemon *daemon, const gchar *name);
/* A new connection to its RTSP. */
Dialogue *dialogue_with (Daemon *daemon);
Dialogue *dialogue_at (const gchar *host_and_port);
void dialogue_free (Dialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialogue, dialogue_free)

void say_raw (Dialogue *dialogue, const gchar *bytes, gssize size);
/* @headers (nullable): whole lines. The session's goes with it once there is
 * one. */
void say (Dialogue *dialogue, const gchar *method, const gchar *url,
    const gchar *headers);
/* The next answer, head and body. NULL: the connection ended. (transfer full)
 */
gchar *hear (Dialogue *dialogue);
/* Asks and hears; the status must be as told. (transfer full): the answer */
gchar *expect (Dialogue *dialogue, guint status, const gchar *method,
    const gchar *url, const gchar *headers);
void check (Dialogue *dialogue, guint status, const gchar *method,
    const gchar *url, const gchar *headers);
guint status_of (const gchar *answer);
/* The value of a header. (transfer full) (nullable) */
gchar *header (const gchar *answer, const gchar *name);
/* The start of the Range in the answer, in seconds. */
gdouble start_of_range (const gchar *answer);
/* SETUP, interleaved; the session is kept. */
void set_up (Dialogue *dialogue, const gchar *url);
/* The same of the stream at @control, by the Transport of @headers. */
void
set_up_stream (Dialogue *dialogue, const gchar *control, const gchar *headers);

/* FALSE at the end of the connection, or when nothing comes. */
gboolean receive (Dialogue *dialogue);
/* Takes one interleaved packet off, if a whole one is there. */
gboolean take_packet (Dialogue *dialogue);
/* Reads until so many packets have come. */
void wait_for_packets (Dialogue *dialogue, guint n);
const guint8 *packet (Dialogue *dialogue, guint i);
guint16 seqnum_of (Dialogue *dialogue, guint i);
guint32 rtptime_of (Dialogue *dialogue, guint i);
/* Whether PLAY announced the packet that came as number @i. */
void check_info (Dialogue *dialogue, const gchar *answer, guint i);

G_END_DECLS
