/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sender's half of SRTP and SRTCP (RFC 3711), AES_CM_128_HMAC_SHA1_80, for
 * one SSRC. It receives nothing.
 *
 * The index that a packet is encrypted under only ever grows, so that no two
 * packets share a key stream: it is kept for as long as the key is, whatever
 * happens to the elements around it. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SYRINX_SRTP_MASTER_BYTES 30 /* key (16) and salt (14) */
#define SYRINX_SRTP_TAG_BYTES    10
#define SYRINX_SRTCP_EXTRA_BYTES 14 /* index and tag */

typedef struct _SyrinxSrtp SyrinxSrtp;

#define SYRINX_TYPE_SRTP (syrinx_srtp_get_type ())
GType syrinx_srtp_get_type (void);

/* @master: a secret of SYRINX_SRTP_MASTER_BYTES, which it keeps no reference
 * to. (transfer full) */
SyrinxSrtp *syrinx_srtp_new (GBytes *master);
SyrinxSrtp *syrinx_srtp_ref (SyrinxSrtp *srtp);
void syrinx_srtp_unref (SyrinxSrtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxSrtp, syrinx_srtp_unref)

/* Encrypts the @size_bytes of an RTP packet in place; there is room for
 * SYRINX_SRTP_TAG_BYTES more. FALSE: it is no packet, or none that comes after
 * the last one. One thread at a time, while another may protect a report. */
gboolean
syrinx_srtp_protect (SyrinxSrtp *srtp, guint8 *packet, gsize size_bytes);

/* The same of a compound RTCP packet, and SYRINX_SRTCP_EXTRA_BYTES. */
gboolean
syrinx_srtp_protect_report (SyrinxSrtp *srtp, guint8 *report, gsize size_bytes);

G_END_DECLS
