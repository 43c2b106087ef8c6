/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTSP: the key of an SRTP stream (RFC 3711), as DESCRIBE offers it: by SDES
 * (RFC 4568), which ffmpeg reads, or by MIKEY (RFC 3830, RFC 4567), which
 * GStreamer reads. Both put the key into the SDP, which is therefore sent only
 * by TLS or within this machine.
 *
 * The method's name is the value of srtp= in the URL and in the stream's
 * control. */
#include "rtsp-private.h"

#include "core/base/identifier.h"
#include "core/crypto/secret.h"

#include <gst/sdp/gstmikey.h>
#include <string.h>

#define RAND_BYTES 16 /* the minimum of RFC 3830, section 6.11 */
#define SUITE      "AES_CM_128_HMAC_SHA1_80"

static const struct
{
  const gchar *name;
  RtspKeys keys;
} names[] = {
  { "stream=0", RTSP_KEYS_NONE },
  { "srtp=any", RTSP_KEYS_ANY },
  { "srtp=mikey", RTSP_KEYS_MIKEY },
  { "srtp=sdes", RTSP_KEYS_SDES },
};

gboolean
rtsp_keys_parse (const gchar *control, RtspKeys *keys)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (control, names[i].name)) {
      *keys = names[i].keys;
      return TRUE;
    }
  return FALSE;
}

const gchar *
rtsp_keys_control (RtspKeys keys)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].keys == keys)
      return names[i].name;
  g_assert_not_reached ();
}

gboolean
rtsp_may_hear_keys (const RtspConnection *connection)
{
  g_autoptr (GInetAddress) peer
      = g_inet_address_new_from_string (connection->host);

  return syrinx_transport_is_tls (connection->transport)
         || (peer && g_inet_address_get_is_loopback (peer));
}

/* --- Offers --- */

RtspOffer *
rtsp_offer_new (const RtspTarget *target)
{
  RtspOffer *self = g_new0 (RtspOffer, 1);

  self->keys = target->keys;
  self->session_id = g_strdup (syrinx_session_get_id (target->session));
  self->master = syrinx_secret_new_random (SYRINX_SRTP_MASTER_BYTES);
  syrinx_random_fill (&self->ssrc, sizeof self->ssrc);
  return self;
}

void
rtsp_offer_free (RtspOffer *self)
{
  g_bytes_unref (self->master);
  g_free (self->session_id);
  g_free (self);
}

gboolean
rtsp_offer_is_for (const RtspOffer *self, const RtspTarget *target)
{
  return self->keys == target->keys
         && g_str_equal (
             self->session_id, syrinx_session_get_id (target->session));
}

/* --- Keys in the SDP --- */

/* AES-CM with HMAC-SHA-1 (RFC 3830, section 6.10.1). (transfer full) */
static GstMIKEYPayload *
make_policy (void)
{
  static const guint8 params[][2] = {
    { GST_MIKEY_SP_SRTP_ENC_ALG, 1 },
    { GST_MIKEY_SP_SRTP_ENC_KEY_LEN, 16 },
    { GST_MIKEY_SP_SRTP_AUTH_ALG, 1 },
    { GST_MIKEY_SP_SRTP_AUTH_KEY_LEN, 20 },
    { GST_MIKEY_SP_SRTP_SALT_KEY_LEN, 14 },
    { GST_MIKEY_SP_SRTP_SRTP_ENC, 1 },
    { GST_MIKEY_SP_SRTP_SRTCP_ENC, 1 },
    { GST_MIKEY_SP_SRTP_SRTP_AUTH, 1 },
    { GST_MIKEY_SP_SRTP_AUTH_TAG_LEN, SYRINX_SRTP_TAG_BYTES },
  };
  GstMIKEYPayload *policy = gst_mikey_payload_new (GST_MIKEY_PT_SP);

  gst_mikey_payload_sp_set (policy, 0, GST_MIKEY_SEC_PROTO_SRTP);
  for (guint i = 0; i < G_N_ELEMENTS (params); i++)
    gst_mikey_payload_sp_add_param (policy, params[i][0], 1, &params[i][1]);
  return policy;
}

/* The MIKEY message. rtspsrc looks for the SSRC among the crypto sessions; salt
 * and key are in one payload. (transfer full): a secret */
static GBytes *
make_mikey (const RtspOffer *self)
{
  g_autoptr (GstMIKEYMessage) message = gst_mikey_message_new ();
  GstMIKEYPayload *data = gst_mikey_payload_new (GST_MIKEY_PT_KEY_DATA);
  GstMIKEYPayload *kemac = gst_mikey_payload_new (GST_MIKEY_PT_KEMAC);
  g_autoptr (GBytes) bytes = NULL;
  GBytes *secret;
  guint32 id;
  guint8 random[RAND_BYTES];

  syrinx_random_fill (&id, sizeof id);
  syrinx_random_fill (random, sizeof random);
  gst_mikey_message_set_info (message, GST_MIKEY_VERSION,
      GST_MIKEY_TYPE_PSK_INIT, FALSE, GST_MIKEY_PRF_MIKEY_1, id,
      GST_MIKEY_MAP_TYPE_SRTP);
  gst_mikey_message_add_cs_srtp (message, 0, self->ssrc, 0);
  gst_mikey_message_add_t_now_ntp_utc (message);
  gst_mikey_message_add_rand (message, sizeof random, random);
  gst_mikey_message_add_payload (message, make_policy ());
  gst_mikey_payload_key_data_set_key (data, GST_MIKEY_KD_TEK,
      SYRINX_SRTP_MASTER_BYTES, g_bytes_get_data (self->master, NULL));
  gst_mikey_payload_kemac_set (kemac, GST_MIKEY_ENC_NULL, GST_MIKEY_MAC_NULL);
  gst_mikey_payload_kemac_add_sub (kemac, data);
  gst_mikey_message_add_payload (message, kemac);
  bytes = gst_mikey_message_to_bytes (message, NULL, NULL);
  secret = syrinx_secret_new (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  /* Nobody else holds a reference yet. */
  syrinx_wipe (
      (gpointer)g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  syrinx_wipe (
      ((GstMIKEYPayloadKeyData *)data)->key_data, SYRINX_SRTP_MASTER_BYTES);
  return secret;
}

/* Adds a line of @start and @secret in base64. */
static void
add_line (GString *text, const gchar *start, GBytes *secret)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (secret, &size);
  g_autofree gchar *encoded = g_base64_encode (data, size);

  g_string_append (text, start);
  g_string_append (text, encoded);
  g_string_append (text, "\r\n");
  syrinx_wipe (encoded, strlen (encoded));
}

gchar *
rtsp_offer_to_sdp (const RtspOffer *self, const gchar *sdp)
{
  /* Large enough: a string that grows is moved, and its old memory is not
   * wiped. */
  GString *text = g_string_sized_new (strlen (sdp) + 1024);
  g_autoptr (GBytes) mikey
      = self->keys & RTSP_KEYS_MIKEY ? make_mikey (self) : NULL;

  g_string_append (text, sdp);
  if (self->keys & RTSP_KEYS_SDES)
    add_line (text, "a=crypto:1 " SUITE " inline:", self->master);
  if (mikey)
    add_line (text, "a=key-mgmt:mikey ", mikey);
  return g_string_free (text, FALSE);
}
