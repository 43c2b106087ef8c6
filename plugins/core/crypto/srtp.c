/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sender's side of SRTP and SRTCP (RFC 3711), by OpenSSL's EVP. */
#include "srtp.h"

#include "evp.h"
#include "secret.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string.h>

#define KEY_BYTES        16
#define SALT_BYTES       14
#define AUTH_BYTES       20 /* of the authentication key and of HMAC-SHA-1 */
#define IV_BYTES         16
#define RTP_HEADER_BYTES 12
#define RTCP_CLEAR_BYTES 8 /* of the first report: its header and the SSRC */
#define MAX_INDEX        (G_GUINT64_CONSTANT (1) << 48)
#define MAX_REPORT_INDEX (1u << 31)
#define IS_ENCRYPTED     (1u << 31) /* SRTCP's E flag */

/* Labels for RTP; those for RTCP follow in the same order (section 4.3.2). */
typedef enum
{
  LABEL_ENCRYPTION,
  LABEL_AUTHENTICATION,
  LABEL_SALT,
  N_LABELS
} Label;

typedef struct
{
  EVP_CIPHER_CTX *cipher;
  EVP_MAC_CTX *mac;
  guint8 salt[SALT_BYTES];
} Keys;

struct _SyrinxSrtp
{
  gatomicrefcount refs;
  Keys rtp, rtcp; /* each is used by one thread at a time */
  /* only for the thread that protects packets */
  guint64 index; /* of the last packet: roll-over counter and sequence number */
  gboolean has_begun;
  /* only for the thread that protects reports */
  guint32 report_index; /* of the next report */
};

static EVP_CIPHER *ctr;

/* --- Keys --- */

/* Section 4.3.3, with a derivation rate of 0. */
static gboolean
derive (const guint8 *master, guint label, guint8 *out, gsize size_bytes)
{
  static const guint8 zeros[AUTH_BYTES] = { 0 };
  g_autoptr (EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new ();
  EVP_CIPHER *cipher = syrinx_evp_cipher (&ctr, "AES-128-CTR");
  guint8 iv[IV_BYTES] = { 0 };
  gint n;

  memcpy (iv, master + KEY_BYTES, SALT_BYTES);
  iv[SALT_BYTES - 7] ^= label;
  return context && cipher
         && EVP_EncryptInit_ex2 (context, cipher, master, iv, NULL)
         && EVP_EncryptUpdate (context, out, &n, zeros, size_bytes);
}

static EVP_MAC_CTX *
new_mac (const guint8 key[AUTH_BYTES])
{
  EVP_MAC *mac = EVP_MAC_fetch (NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new (mac) : NULL;
  OSSL_PARAM params[]
      = { OSSL_PARAM_construct_utf8_string (OSSL_MAC_PARAM_DIGEST, "SHA1", 0),
          OSSL_PARAM_construct_end () };

  EVP_MAC_free (mac);
  if (context && EVP_MAC_init (context, key, AUTH_BYTES, params))
    return context;
  EVP_MAC_CTX_free (context);
  return NULL;
}

/* @first: the first of three consecutive labels. */
static gboolean
set_keys (Keys *keys, const guint8 *master, guint first)
{
  guint8 key[KEY_BYTES], auth[AUTH_BYTES];
  gboolean done
      = derive (master, first + LABEL_ENCRYPTION, key, sizeof key)
        && derive (master, first + LABEL_AUTHENTICATION, auth, sizeof auth)
        && derive (master, first + LABEL_SALT, keys->salt, sizeof keys->salt);

  keys->cipher = EVP_CIPHER_CTX_new ();
  keys->mac = done ? new_mac (auth) : NULL;
  done = keys->mac && keys->cipher
         && EVP_EncryptInit_ex2 (keys->cipher, ctr, key, NULL, NULL);
  syrinx_wipe (key, sizeof key);
  syrinx_wipe (auth, sizeof auth);
  return done;
}

static void
clear_keys (Keys *keys)
{
  EVP_CIPHER_CTX_free (keys->cipher);
  EVP_MAC_CTX_free (keys->mac);
  syrinx_wipe (keys->salt, sizeof keys->salt);
}

/* --- Packets: hot --- */

/* Section 4.1.1. */
static gboolean
encrypt (
    Keys *keys, const guint8 *ssrc, guint64 index, guint8 *data, gsize size)
{
  guint8 iv[IV_BYTES] = { 0 };
  gint n;

  memcpy (iv, keys->salt, SALT_BYTES);
  for (guint i = 0; i < 4; i++)
    iv[4 + i] ^= ssrc[i];
  for (guint i = 0; i < 6; i++)
    iv[8 + i] ^= index >> (40 - 8 * i);
  return EVP_EncryptInit_ex2 (keys->cipher, NULL, NULL, iv, NULL)
         && EVP_EncryptUpdate (keys->cipher, data, &n, data, size);
}

/* Authenticates @data followed by @more; writes the tag to @out. */
static gboolean
authenticate (Keys *keys, const guint8 *data, gsize size, const guint8 *more,
    gsize more_bytes, guint8 *out)
{
  guint8 whole[AUTH_BYTES];
  gsize n;

  if (!EVP_MAC_init (keys->mac, NULL, 0, NULL)
      || !EVP_MAC_update (keys->mac, data, size)
      || !EVP_MAC_update (keys->mac, more, more_bytes)
      || !EVP_MAC_final (keys->mac, whole, &n, sizeof whole))
    return FALSE;
  memcpy (out, whole, SYRINX_SRTP_TAG_BYTES);
  return TRUE;
}

static void
put_uint32 (guint8 *at, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

/* The offset at which encryption starts; 0: the packet is malformed. */
static gsize
find_payload (const guint8 *packet, gsize size)
{
  gsize at = RTP_HEADER_BYTES;

  if (size < at || packet[0] >> 6 != 2)
    return 0;
  at += 4 * (packet[0] & 15);
  if (packet[0] & 16) /* a header extension */
    at = at + 4 <= size ? at + 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
                        : G_MAXSIZE;
  return at <= size ? at : 0;
}

/* FALSE: the packet does not come after the last one. */
static gboolean
advance (SyrinxSrtp *self, guint16 seqnum)
{
  guint16 ahead = seqnum - (guint16)self->index;

  if (!self->has_begun) {
    self->has_begun = TRUE;
    self->index = seqnum;
    return TRUE;
  }
  if (ahead == 0 || ahead > G_MAXINT16 || self->index + ahead >= MAX_INDEX)
    return FALSE;
  self->index += ahead;
  return TRUE;
}

gboolean
syrinx_srtp_protect (SyrinxSrtp *self, guint8 *packet, gsize size)
{
  gsize payload = find_payload (packet, size);
  guint8 roll_over[4];

  if (!payload || !advance (self, packet[2] << 8 | packet[3]))
    return FALSE;
  put_uint32 (roll_over, self->index >> 16);
  return encrypt (&self->rtp, packet + 8, self->index, packet + payload,
             size - payload)
         && authenticate (&self->rtp, packet, size, roll_over, sizeof roll_over,
             packet + size);
}

gboolean
syrinx_srtp_protect_report (SyrinxSrtp *self, guint8 *report, gsize size)
{
  guint32 index = self->report_index;

  if (size < RTCP_CLEAR_BYTES || index == MAX_REPORT_INDEX)
    return FALSE;
  self->report_index++;
  put_uint32 (report + size, IS_ENCRYPTED | index);
  return encrypt (&self->rtcp, report + 4, index, report + RTCP_CLEAR_BYTES,
             size - RTCP_CLEAR_BYTES)
         && authenticate (
             &self->rtcp, report, size, report + size, 4, report + size + 4);
}

/* --- Life --- */

SyrinxSrtp *
syrinx_srtp_new (GBytes *master)
{
  SyrinxSrtp *self = g_new0 (SyrinxSrtp, 1);
  gsize size;
  const guint8 *data = g_bytes_get_data (master, &size);

  g_assert (size == SYRINX_SRTP_MASTER_BYTES);
  g_atomic_ref_count_init (&self->refs);
  if (!set_keys (&self->rtp, data, 0)
      || !set_keys (&self->rtcp, data, N_LABELS))
    g_error ("this OpenSSL has no AES-128-CTR or no HMAC-SHA-1");
  return self;
}

SyrinxSrtp *
syrinx_srtp_ref (SyrinxSrtp *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
syrinx_srtp_unref (SyrinxSrtp *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  clear_keys (&self->rtp);
  clear_keys (&self->rtcp);
  g_free (self);
}

G_DEFINE_BOXED_TYPE (
    SyrinxSrtp, syrinx_srtp, syrinx_srtp_ref, syrinx_srtp_unref)
