/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTCP (RFC 3550, section 6): what a sender says of its one stream. */
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
#define SR_WORDS      6 /* less the first, as all lengths here */
#define BYE_WORDS     1

static guint8 *
put_head (guint8 *at, guint count, guint type, guint words, guint32 ssrc)
{
  at[0] = VERSION | count;
  at[1] = type;
  GST_WRITE_UINT16_BE (at + 2, words);
  GST_WRITE_UINT32_BE (at + 4, ssrc);
  return at + 8;
}

static guint8 *
put_sender (guint8 *at, const RtspReport *report)
{
  gint64 now_us = g_get_real_time ();
  guint64 fraction
      = (((guint64)now_us % G_USEC_PER_SEC) << 32) / G_USEC_PER_SEC;

  at = put_head (at, 0, TYPE_SR, SR_WORDS, report->ssrc);
  GST_WRITE_UINT32_BE (at, now_us / G_USEC_PER_SEC + NTP_FROM_UNIX);
  GST_WRITE_UINT32_BE (at + 4, fraction);
  GST_WRITE_UINT32_BE (at + 8, report->rtptime);
  GST_WRITE_UINT32_BE (at + 12, report->packets);
  GST_WRITE_UINT32_BE (at + 16, report->octets);
  return at + 20;
}

/* The name, ended by a null and filled up to a whole word. */
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
  GST_WRITE_UINT16_BE (bytes + 2, end - start);
  return g_bytes_new (bytes, end - bytes);
}
