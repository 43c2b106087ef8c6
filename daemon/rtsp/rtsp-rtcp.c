/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTCP (RFC 3550, section 6): sender reports of one stream. */
#include "rtsp-private.h"

#include <string.h>

#define VERSION       0x80
#define TYPE_SR       200
#define TYPE_SDES     202
#define TYPE_BYE      203
#define SDES_CNAME    1
#define CNAME         "syrinx"
#define NTP_FROM_UNIX G_GUINT64_CONSTANT (2208988800)
#define MAX_REPORT    128
#define FRAMING_BYTES 4
#define SR_WORDS      6 /* minus one, as RTCP counts lengths */
#define BYE_WORDS     1

/* Stores at any alignment; GST_WRITE_UINT… needs an aligned address. */
static void
put_be (guint8 *at, guint32 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    at[i] = value >> 8 * (n_bytes - 1 - i);
}

static guint8 *
put_head (guint8 *at, guint count, guint type, guint words, guint32 ssrc)
{
  at[0] = VERSION | count;
  at[1] = type;
  put_be (at + 2, words, 2);
  put_be (at + 4, ssrc, 4);
  return at + 8;
}

static guint8 *
put_sender (guint8 *at, const RtspReport *report)
{
  gint64 now_us = g_get_real_time ();
  guint64 fraction
      = (((guint64)now_us % G_USEC_PER_SEC) << 32) / G_USEC_PER_SEC;

  at = put_head (at, 0, TYPE_SR, SR_WORDS, report->ssrc);
  put_be (at, now_us / G_USEC_PER_SEC + NTP_FROM_UNIX, 4);
  put_be (at + 4, fraction, 4);
  put_be (at + 8, report->rtptime, 4);
  put_be (at + 12, report->packets, 4);
  put_be (at + 16, report->octets, 4);
  return at + 20;
}

/* An SDES chunk with the CNAME, terminated by a null and padded to a whole
 * word. */
static guint8 *
put_name (guint8 *at, guint32 ssrc)
{
  gsize item = 2 + strlen (CNAME) + 1, padded = (item + 3) / 4 * 4;

  at = put_head (at, 1, TYPE_SDES, 1 + padded / 4, ssrc);
  memset (at, 0, padded);
  at[0] = SDES_CNAME;
  at[1] = strlen (CNAME);
  memcpy (at + 2, CNAME, strlen (CNAME));
  return at + padded;
}

GBytes *
rtsp_report_new (const RtspReport *report, gint framing_channel)
{
  guint8 bytes[MAX_REPORT], *start = bytes + FRAMING_BYTES;
  guint8 *end = put_name (put_sender (start, report), report->ssrc);

  if (report->is_last)
    end = put_head (end, 1, TYPE_BYE, BYE_WORDS, report->ssrc);
  if (report->srtp
      && syrinx_srtp_protect_report (report->srtp, start, end - start))
    end += SYRINX_SRTCP_EXTRA_BYTES;
  if (framing_channel < 0)
    return g_bytes_new (start, end - start);
  bytes[0] = '$';
  bytes[1] = framing_channel;
  put_be (bytes + 2, end - start, 2);
  return g_bytes_new (bytes, end - bytes);
}
