/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sender's side of SRTP and SRTCP (RFC 3711), AES_CM_128_HMAC_SHA1_80, for
 * one SSRC. It does not receive.
 *
 * The packet index only grows, so that no two packets use the same key stream.
 * Keep this object as long as the key, even if the elements around it
 * change. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SYRINX_SRTP_MASTER_BYTES 30 /* key (16) and salt (14) */
#define SYRINX_SRTP_TAG_BYTES    10
#define SYRINX_SRTCP_EXTRA_BYTES 14 /* index and tag */

typedef struct _SyrinxSrtp SyrinxSrtp;

#define SYRINX_TYPE_SRTP (syrinx_srtp_get_type ())
GType syrinx_srtp_get_type (void);

/* @master: a secret of SYRINX_SRTP_MASTER_BYTES; no reference is kept.
 * (transfer full) */
SyrinxSrtp *syrinx_srtp_new (GBytes *master);
SyrinxSrtp *syrinx_srtp_ref (SyrinxSrtp *srtp);
void syrinx_srtp_unref (SyrinxSrtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxSrtp, syrinx_srtp_unref)

/* Encrypts an RTP packet of @size_bytes in place; there must be room for
 * SYRINX_SRTP_TAG_BYTES more. FALSE: @packet is malformed or does not come
 * after the last one. One thread at a time; another may protect a report
 * meanwhile. */
gboolean
syrinx_srtp_protect (SyrinxSrtp *srtp, guint8 *packet, gsize size_bytes);

/* The same for a compound RTCP packet, with room for
 * SYRINX_SRTCP_EXTRA_BYTES. */
gboolean
syrinx_srtp_protect_report (SyrinxSrtp *srtp, guint8 *report, gsize size_bytes);

G_END_DECLS
